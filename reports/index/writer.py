"""Makes an index from the cells of a journal, one cell at a time, as a run or a reader of the journal has them."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.records.journal_file import Block

from .index import Index
from .op_records import CellLines, Fold, restore_op
from .tables import create, pack, pack_cells, unpack_cells

_OPEN = 24
"""How many ops are kept in memory. A run measures some ops at a time, each cell by cell; their cells come mixed."""


@dataclass(slots=True)
class _Op:
    """The cells of one op that have come so far."""

    cells: list[CellLines] = field(default_factory=list)
    is_folded: bool = False


class IndexWriter:
    """Folds ops as their cells arrive, and writes the results to an index.

    An op is folded when 24 others have had cells since its last one, and at `flush`; it is folded again if more of its
    cells come later. The file must not exist; the path `:memory:` stands for an index in memory. Its methods raise
    sqlite3.OperationalError if the file cannot be written.
    """

    def __init__(self, path: str, folds: Mapping[str, Fold], header: Mapping[str, Any]) -> None:
        self._connection = create(path)
        self._folds = folds
        self._header = header
        self._open: dict[str, _Op] = {}
        self._cells = 0
        self._columns: dict[tuple[str, str], None] = {}

    def add(self, block: Block) -> None:
        """Add one cell with all its outcome lines; the order of calls is the order of the journal."""
        op = self._open.pop(block.op, None) or self._stored(block.op)
        cell = (block.backend, block.mode, block.dtype, block.seconds, block.lines)
        op.cells.append(CellLines(self._cells, block.place, *cell))
        op.is_folded = False
        self._open[block.op] = op
        self._cells += 1
        self._columns[block.backend, block.mode] = None
        if len(self._open) > _OPEN:
            oldest = next(iter(self._open))
            self._fold(oldest, self._open.pop(oldest))

    def flush(self, footer: Mapping[str, Any] | None = None, damage: Sequence[str] = (), **more: Any) -> Index:
        """Write what has come so far, and return the index of it, which is good until the next `add`.

        `more` are further values of the table `run`.
        """
        for name, op in self._open.items():
            self._fold(name, op)
        values = {
            "header": self._header,
            "footer": footer,
            "damage": list(damage),
            "cells": self._cells,
            "columns": list(self._columns),
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

    def _stored(self, op: str) -> _Op:
        """The cells that were written before; none of a new op."""
        row = self._connection.execute("SELECT cells, lines FROM op WHERE op = ?", (op,)).fetchone()
        return _Op(unpack_cells(*row)) if row else _Op()

    def _fold(self, name: str, op: _Op) -> None:
        if op.is_folded:
            return
        records = restore_op(name, op.cells)
        parts = [(fold, name, fold_op(records)) for fold, fold_op in self._folds.items()]
        self._insert("op", [(name, *pack_cells(op.cells))])
        self._insert("part", [(fold, name, pack(value)) for fold, name, value in parts if value is not None])
        samples = {id(record.sample): record.sample for record in records.records}  # several records share one
        self._insert("sample", {(sample.id, name) for sample in samples.values() if sample})
        op.is_folded = True

    def _insert(self, table: str, rows: Any) -> None:
        marks = {"op": "?, ?, ?", "part": "?, ?, ?", "sample": "?, ?"}[table]
        self._connection.executemany(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", rows)
