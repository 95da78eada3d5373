"""Makes an index from the cells of a journal, one cell at a time, as a run or a reader of the journal has them."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .index import Index
from .op_records import Fold, restore_op
from .shim import Block
from .tables import create, pack, pack_lines, unpack, unpack_lines

_OPEN = 24
"""How many ops are kept in memory. A run measures some ops at a time, each cell by cell; their cells come mixed."""


@dataclass(slots=True)
class _Op:
    """The cells of one op that have come so far, with their lines: the values of the table `op`."""

    cells: list[tuple[int, str, str, str, int, float | None]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    is_folded: bool = False

    def places(self) -> list[int]:
        """The place of each line's cell."""
        return [cell[0] for cell in self.cells for _ in range(cell[4])]


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
        self._bad_lines: dict[str, list[str]] = {}

    def add(self, block: Block) -> None:
        """Add one cell with all its outcome lines; the order of calls is the order of the journal."""
        op = self._open.pop(block.op, None) or self._stored(block.op)
        op.cells.append((self._cells, block.backend, block.mode, block.dtype, len(block.lines), block.seconds))
        op.lines += block.lines
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
        counts = dict(self._connection.execute("SELECT fold, count(*) FROM part GROUP BY fold"))
        lost = [f"{op}: {message}" for op, found in self._bad_lines.items() for message in found]
        values = {
            "header": self._header,
            "footer": footer,
            "damage": [*damage, *lost],
            "cells": self._cells,
            "columns": list(self._columns),
            "parts": counts,
            **more,
        }
        rows = [(key, pack(value)) for key, value in values.items()]
        self._connection.executemany("INSERT OR REPLACE INTO run VALUES (?, ?)", rows)
        return Index(self._connection)

    def finish(
        self, footer: Mapping[str, Any] | None, damage: Sequence[str], stamp: Sequence[Any]
    ) -> sqlite3.Connection:
        """Write the rest; `stamp` is what tells later whether this is the index of a journal."""
        self.flush(footer, damage, stamp=stamp)
        self._connection.execute("COMMIT")
        return self._connection

    def _stored(self, op: str) -> _Op:
        """The cells that were written before; none of a new op."""
        row = self._connection.execute("SELECT cells, lines FROM op WHERE op = ?", (op,)).fetchone()
        return _Op([tuple(cell) for cell in unpack(row[0])], unpack_lines(row[1])) if row else _Op()

    def _fold(self, name: str, op: _Op) -> None:
        if op.is_folded:
            return
        records, bad = restore_op(name, op.lines, op.places())
        if bad:
            self._bad_lines[name] = bad
        parts = [(fold, name, fold_op(records)) for fold, fold_op in self._folds.items()] if records.records else []
        self._insert("op", [(name, pack(op.cells), pack_lines(op.lines))])
        self._insert("part", [(fold, name, pack(value)) for fold, name, value in parts if value is not None])
        self._insert("sample", {(r.id, name): None for r in records.records if r.sample})
        op.is_folded = True

    def _insert(self, table: str, rows: Any) -> None:
        marks = {"op": "?, ?, ?", "part": "?, ?, ?", "sample": "?, ?"}[table]
        self._connection.executemany(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", rows)

