"""What can be asked of an index: the run, the values of a fold, the records of an op, the op of a sample."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from harness.records.cause import Cause, cause_restore
from harness.records.journal import Record, is_complete
from harness.records.journal_file import CellName

from .op_records import CellLines, OpRecords, restore_op
from .tables import unpack, unpack_cells


@dataclass(frozen=True, slots=True)
class Run:
    """What an index knows of the whole run.

    `header`, `toolchains` and `footer` are the journal's, the footer None if there is none yet. `damage` says what of
    the journal cannot be read. `cells` is the number of cells that it has, and `columns` are the backends and modes of
    these. `selected` says which of the journal's samples were selected, and how many; "" if all of them are meant.
    """

    header: Mapping[str, Any]
    footer: Mapping[str, Any] | None
    damage: tuple[str, ...]
    cells: int
    columns: tuple[tuple[str, str], ...]
    toolchains: tuple[Mapping[str, Any], ...] = ()
    selected: str = ""

    @property
    def compiler(self) -> str:
        """The SPEC of the compiler that was asked for."""
        return str(self.header.get("options", {}).get("torch_mlir", "installed"))

    @property
    def complete(self) -> bool:
        """Whether the run ended on its own and ran all its cells."""
        return is_complete(self.footer)


class Index:
    """Reads an index by its `connection`; the file is not checked here, `store` does that."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    @cached_property
    def run(self) -> Run:
        """The run."""
        found = {key: unpack(value) for key, value in self._rows("SELECT key, value FROM run")}
        columns = tuple((backend, mode) for backend, mode in found["columns"])
        toolchains, selected = tuple(found["toolchains"]), found.get("selected", "")
        damage = tuple(found["damage"])
        return Run(found["header"], found["footer"], damage, found["cells"], columns, toolchains, selected)

    @property
    def whole(self) -> Index:
        """The index of the whole journal, if this one has only what a query selects of it; else this one."""
        return self

    @cached_property
    def ops(self) -> tuple[str, ...]:
        """The ops that have records, sorted."""
        return tuple(op for (op,) in self._rows("SELECT op FROM op ORDER BY op"))

    def parts(self, fold: str) -> Sequence[tuple[str, Any]]:
        """The values of a fold: the ops that have one, sorted, each with its value."""
        rows = self._rows("SELECT op, value FROM part WHERE fold = ? ORDER BY op", fold)
        return [(op, unpack(value)) for op, value in rows]

    def part(self, fold: str, op: str) -> Any:
        """The value of a fold for one op; None if it has none."""
        rows = self._rows("SELECT value FROM part WHERE fold = ? AND op = ?", fold, op)
        return unpack(rows[0][0]) if rows else None

    def records(self, op: str) -> OpRecords:
        """The records of one op, in the order of the journal; none if it has none."""
        return restore_op(op, self.cells(op), self.run.header, self.causes(op))

    def causes(self, op: str) -> tuple[Cause, ...]:
        """The causes of an op's failures, as far as its programs were cut."""
        rows = self._rows("SELECT causes FROM cause WHERE op = ?", op)
        return tuple(map(cause_restore, unpack(rows[0][0]))) if rows else ()

    def cells(self, op: str) -> Sequence[CellLines]:
        """The cells of one op with their lines, in the order of the journal."""
        rows = self._rows("SELECT cells, lines FROM op WHERE op = ?", op)
        return unpack_cells(*rows[0]) if rows else ()

    def measured(self) -> Sequence[CellName]:
        """The cells that have samples, by op, in the order of the journal."""
        rows = self._rows("SELECT op, cells FROM op ORDER BY op")
        return [(op, backend, mode, dtype) for op, facts in rows for _, _, backend, mode, dtype, *_ in unpack(facts)]

    def op_of(self, sample_id: str) -> str | None:
        """The op of a sample; None if there is no such sample."""
        rows = self._rows("SELECT op FROM sample WHERE id = ?", sample_id)
        return rows[0][0] if rows else None

    def record(self, sample_id: str) -> Record | None:
        """The first record of a sample; None if there is none."""
        op = self.op_of(sample_id)
        found = self.records(op).records if op else ()
        return next((record for record in found if record.sample and record.id == sample_id), None)

    def _rows(self, query: str, *values: str) -> list[Any]:
        return self.connection.execute(query, values).fetchall()
