"""Makes an index from the cells of a journal, one cell at a time, as a run or a reader of the journal has them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.records.cause import Cause, cause_json
from harness.records.frontend import FRONTEND
from harness.records.journal_file import Block

from .index import Index
from .old import is_old
from .op_records import CellLines, Fold, OpRecords, restore_op
from .tables import create, pack, pack_cells, unpack_cells

_BYTES = 6 << 20
"""How many bytes of lines are kept in memory. A run measures some ops at a time, whose cells come mixed."""


@dataclass(slots=True)
class _Op:
    """The cells of one op that have come so far; `is_scattered` if some of them are in the file already."""

    cells: list[CellLines] = field(default_factory=list)
    bytes: int = 0
    is_folded: bool = False
    is_scattered: bool = False


class IndexWriter:
    """Folds ops as their cells arrive, and writes the results to an index.

    The ops whose cells have come last are kept in memory. The others are folded when they are written to the file; one
    of which more cells come later is folded again at `flush`. The file must not exist; the path `:memory:` stands for
    an index in memory. Its methods raise sqlite3.OperationalError if the file cannot be written.
    """

    def __init__(self, path: str, folds: Mapping[str, Fold], header: Mapping[str, Any]) -> None:
        self._connection = create(path)
        self._folds = folds
        self._header = header
        self._open: dict[str, _Op] = {}
        self._bytes = 0
        self._unfolded: set[str] = set()
        self._cells = 0
        self._columns: dict[tuple[str, str], None] = {}
        self._toolchains: list[Mapping[str, Any]] = []
        self._causes: dict[str, list[Cause]] = {}

    def add(self, block: Block) -> None:
        """Add one cell with all its outcome lines; the order of calls is the order of the journal."""
        op = self._open.pop(block.op, None) or self._taken(block.op)
        length = sum(map(len, block.lines))
        op.bytes += length
        self._bytes += length
        cell = (block.backend, block.mode, block.dtype, block.seconds, block.lines)
        op.cells.append(CellLines(self._cells, block.place, *cell))
        op.is_folded = False
        self._open[block.op] = op
        self._cells += 1
        self._columns[block.backend, block.mode] = None
        if is_old(self._header):
            self._columns[FRONTEND, block.mode] = None
        while self._bytes > _BYTES and len(self._open) > 1:
            self._put_away(next(iter(self._open)))

    def note_toolchains(self, *lines: Mapping[str, Any]) -> None:
        """Note lines of the journal that say what workers loaded."""
        self._toolchains += lines

    def note_causes(self, causes: Iterable[Cause]) -> None:
        """Note causes, which the folds of their ops are given; an op that was folded before is folded again."""
        for cause in causes:
            self._causes.setdefault(cause.op, []).append(cause)
            if cause.op in self._open:
                self._open[cause.op].is_folded = False
            else:
                self._unfolded.add(cause.op)

    def flush(self, footer: Mapping[str, Any] | None = None, damage: Sequence[str] = (), **more: Any) -> Index:
        """Write what has come so far, and return the index of it, which is good until the next `add`.

        `more` are further values of the table `run`.
        """
        for name in sorted(self._unfolded):
            if (op := self._stored(name)).cells:
                self._fold(name, op)
        self._unfolded.clear()
        for name, op in self._open.items():
            self._fold(name, op)
        values = {
            "header": self._header,
            "footer": footer,
            "damage": list(damage),
            "cells": self._cells,
            "columns": list(self._columns),
            "toolchains": self._toolchains,
            **more,
        }
        rows = [(key, pack(value)) for key, value in values.items()]
        self._connection.executemany("INSERT OR REPLACE INTO run VALUES (?, ?)", rows)
        return Index(self._connection)

    def finish(
        self, footer: Mapping[str, Any] | None, damage: Sequence[str], stamp: Sequence[Any], **more: Any
    ) -> sqlite3.Connection:
        """Write the rest, as `flush` does; `stamp` is what tells later whether this is the index of a journal."""
        self.flush(footer, damage, stamp=stamp, **more)
        self._connection.execute("COMMIT")
        return self._connection

    def _taken(self, name: str) -> _Op:
        """The cells that were written before, to be kept in memory again; none of a new op."""
        op = self._stored(name)
        self._bytes += op.bytes
        self._unfolded.discard(name)
        return op

    def _stored(self, name: str) -> _Op:
        row = self._connection.execute("SELECT cells, lines FROM op WHERE op = ?", (name,)).fetchone()
        if not row:
            return _Op()
        cells = unpack_cells(*row)
        return _Op(cells, bytes=sum(len(line) for cell in cells for line in cell.lines), is_scattered=True)

    def _put_away(self, name: str) -> None:
        """Write an op to the file. One that comes again and again is folded once, at the end."""
        op = self._open.pop(name)
        self._bytes -= op.bytes
        if op.is_scattered and not op.is_folded:
            self._insert("op", [(name, *pack_cells(op.cells))])
            self._unfolded.add(name)
        else:
            self._fold(name, op)

    def _fold(self, name: str, op: _Op) -> None:
        if op.is_folded:
            return
        self._connection.execute("DELETE FROM part WHERE op = ?", (name,))
        records = restore_op(name, op.cells, self._header, self._causes.get(name, ()))
        self._insert_op(records, op.cells)
        samples = {id(record.sample): record.sample for record in records.records}  # several records share one
        self._insert("sample", {(sample.id, name) for sample in samples.values() if sample})
        op.is_folded = True

    def add_op(self, records: OpRecords) -> None:
        """Add all records of one op, without their lines: an index of these has no cells, and no samples to look up."""
        cells = {(place, r.backend, r.full_mode) for place, r in zip(records.places, records.records, strict=True)}
        self._cells += len(cells)
        self._columns.update(dict.fromkeys((backend, mode) for _, backend, mode in sorted(cells)))
        self._insert_op(records, ())

    def _insert_op(self, records: OpRecords, cells: Sequence[CellLines]) -> None:
        name = records.op
        parts = [(fold, name, fold_op(records)) for fold, fold_op in self._folds.items()]
        self._insert("op", [(name, *pack_cells(cells))])
        if records.causes:
            self._insert("cause", [(name, pack([cause_json(cause) for cause in records.causes]))])
        self._insert("part", [(fold, name, pack(value)) for fold, name, value in parts if value is not None])

    def _insert(self, table: str, rows: Any) -> None:
        marks = {"op": "?, ?, ?", "part": "?, ?, ?", "sample": "?, ?", "cause": "?, ?"}[table]
        self._connection.executemany(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", rows)
