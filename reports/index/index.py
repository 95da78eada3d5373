"""What can be asked of an index: the run, the values of a fold, the records of an op, the op of a sample."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from harness.records.journal import Record, is_complete

from .op_records import CellLines, OpRecords, restore_op
from .tables import unpack, unpack_cells


@dataclass(frozen=True, slots=True)
class Run:
    """What an index knows of the whole run.

    `header` and `footer` are the journal's, the footer None if there is none yet. `damage` says what of the journal
    cannot be read. `cells` is the number of cells that it has, and `columns` are the backends and modes of these.
    """

    header: Mapping[str, Any]
    footer: Mapping[str, Any] | None
    damage: tuple[str, ...]
    cells: int
    columns: tuple[tuple[str, str], ...]

    @property
    def complete(self) -> bool:
        """Whether the run ended on its own and ran all its cells."""
        return is_complete(self.footer)


_T = TypeVar("_T")


class Index:
    """Reads an index. If its file turns out to be damaged, `rebuild` makes it again; without it the error is raised."""

    def __init__(self, connection: sqlite3.Connection, rebuild: Callable[[], sqlite3.Connection] | None = None) -> None:
        self._connection = connection
        self._rebuild = rebuild

    @cached_property
    def run(self) -> Run:
        """The run."""
        found = self._ask(self._values)
        columns = tuple((backend, mode) for backend, mode in found["columns"])
        return Run(found["header"], found["footer"], tuple(found["damage"]), found["cells"], columns)

    @cached_property
    def ops(self) -> tuple[str, ...]:
        """The ops that have records, sorted."""
        return tuple(op for (op,) in self._ask(lambda: self._rows("SELECT op FROM op ORDER BY op")))

    def parts(self, fold: str) -> Sequence[tuple[str, Any]]:
        """The values of a fold: the ops that have one, sorted, each with its value."""

        def read() -> Sequence[tuple[str, Any]]:
            rows = self._rows("SELECT op, value FROM part WHERE fold = ? ORDER BY op", fold)
            if len(rows) != self._values()["parts"].get(fold, 0):
                raise sqlite3.DatabaseError("rows are missing")
            return [(op, unpack(value)) for op, value in rows]

        return self._ask(read)

    def part(self, fold: str, op: str) -> Any:
        """The value of a fold for one op; None if it has none."""

        def read() -> Any:
            rows = self._rows("SELECT value FROM part WHERE fold = ? AND op = ?", fold, op)
            return unpack(rows[0][0]) if rows else None

        return self._ask(read)

    def records(self, op: str) -> OpRecords:
        """The records of one op, in the order of the journal; none if it has none."""
        return restore_op(op, self.cells(op))

    def cells(self, op: str) -> Sequence[CellLines]:
        """The cells of one op with their lines, in the order of the journal."""

        def read() -> Sequence[CellLines]:
            rows = self._rows("SELECT cells, lines FROM op WHERE op = ?", op)
            return unpack_cells(*rows[0]) if rows else ()

        return self._ask(read)

    def record(self, sample_id: str) -> Record | None:
        """The first record of a sample; None if there is none."""
        rows = self._ask(lambda: self._rows("SELECT op FROM sample WHERE id = ?", sample_id))
        found = self.records(rows[0][0]).records if rows else ()
        return next((record for record in found if record.sample and record.id == sample_id), None)

    def _values(self) -> dict[str, Any]:
        return {key: unpack(value) for key, value in self._rows("SELECT key, value FROM run")}

    def _rows(self, query: str, *values: str) -> list[Any]:
        return self._connection.execute(query, values).fetchall()

    def _ask(self, read: Callable[[], _T]) -> _T:
        try:
            return read()
        except (sqlite3.DatabaseError, zlib.error, KeyError, ValueError, TypeError, IndexError):
            if self._rebuild is None:
                raise
            rebuild, self._rebuild = self._rebuild, None
            self._connection = rebuild()
            return read()
