"""What to lower next: the ops at which a backend stops, ranked by how many cells each of them alone holds back."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tabulate import tabulate

from harness.errors import UnknownName
from harness.records.journal import Journal, Record
from harness.records.outcome import Unsupported
from harness.text import clip, plural
from reports.fold.call import explain_command, repro_command
from reports.fold.matrix import Cell, Matrix, fold, outcome_name
from reports.fold.reason import headline, smallest
from reports.fold.status import FAILING, UNSUPPORTED

UNNAMED = "(no op named)"
"""The culprit of refusals whose diagnostic names no op."""


@dataclass(frozen=True, slots=True)
class Todo:
    """The culprits of one backend, sorted by how many cells they unlock, the most first.

    `cells` counts all recorded cells of the backend. `otherwise` counts, by outcome name, the cells that fail for
    another reason than a refusal: no new lowering makes them pass.
    """

    backend: str
    rows: tuple[Culprit, ...]
    cells: int
    otherwise: dict[str, int]

    def text(self, *, limit: int | None = None) -> str:
        """Write a table of the culprits, at most `limit` of them, and what its columns count."""
        if not self.rows:
            return f"{self.backend}: nothing is Unsupported in {plural(self.cells, 'cell')}.{self._rest()}"
        shown = self.rows[:limit]
        table = tabulate(
            [(r.name, r.unlocks, r.cells, len(r.ops), r.example, r.sample or "–") for r in shown],
            headers=("culprit", "unlocks", "cells", "ops", "example op", "sample"),
            disable_numparse=True,
            colalign=("left", "right", "right", "right", "left", "left"),
        )
        more = len(self.rows) - len(shown)
        lines = [
            f"What to lower next in {self.backend}: {plural(len(self.rows), 'culprit')}; one alone holds back "
            f"{sum(r.unlocks for r in self.rows):,} of {plural(self.cells, 'cell')}",
            "",
            table,
            *([f"... and {more} more"] if more else []),
            "",
            "A cell is one op, mode and dtype. cells: those the culprit is an obstacle in; unlocks: those in which it",
            "is the only one; ops: the ops whose cells these are (an op may be decomposed into others)." + self._rest(),
            "",
            *self._commands(),
        ]
        return "\n".join(lines)

    def json(self) -> dict[str, Any]:
        """Return the same as JSON values."""
        return {
            "backend": self.backend,
            "cells": self.cells,
            "otherwise": self.otherwise,
            "culprits": [row.json() for row in self.rows],
        }

    def _rest(self) -> str:
        if not self.otherwise:
            return ""
        counts = ", ".join(f"{count:,} {name}" for name, count in self.otherwise.items())
        return f"\nCells that fail for another reason, which no lowering mends: {counts}."

    def _commands(self) -> list[str]:
        first = self.rows[0]
        return [command for command in (first.explain, first.repro) if command]


@dataclass(frozen=True, slots=True)
class Culprit:
    """One op at which the lowering stops; `name` is its name in the torch dialect.

    It is an obstacle in `cells` cells, in `samples` samples and for `ops`; in `unlocks` of the cells it is the only
    obstacle. `example` is one of `ops`, `sample` the id of that op's smallest refused sample, and `diagnostic` what the
    lowering says of it. `explain` and `repro` are commands that show more; `sample` and `repro` are None if the record
    has no sample.
    """

    name: str
    unlocks: int
    cells: int
    samples: int
    ops: tuple[str, ...]
    example: str
    sample: str | None
    diagnostic: str
    explain: str
    repro: str | None

    def json(self) -> dict[str, Any]:
        """Return the same as JSON values."""
        return {name: getattr(self, name) for name in self.__slots__} | {"ops": list(self.ops)}


@dataclass(slots=True)
class _HeldBack:
    """What one culprit holds back, while it is counted: its cells, those in which it is alone, and its records."""

    alone: set[Any] = field(default_factory=set)
    cells: set[Any] = field(default_factory=set)
    records: list[Record] = field(default_factory=list)


def todo(journal: Journal, backend: str) -> Todo:
    """Find the culprits of one backend in a journal; raises UnknownName."""
    return from_matrix(fold(journal, control=True), backend)


def from_matrix(matrix: Matrix, backend: str) -> Todo:
    """Find the culprits of one backend in a matrix; raises UnknownName."""
    if backend not in matrix.backends:
        raise UnknownName("backend", backend, matrix.backends)
    cells = [cell for cell in matrix.cells.values() if cell.backend == backend and cell.records]
    held: dict[str, _HeldBack] = defaultdict(_HeldBack)
    otherwise: Counter[str] = Counter()
    for cell in cells:
        _count(cell, held, otherwise)
    rows = [_culprit(name, held_back) for name, held_back in held.items()]
    rows.sort(key=lambda r: (-r.unlocks, -r.cells, -r.samples, r.name))
    return Todo(backend, tuple(rows), len(cells), {name: otherwise[name] for name in FAILING if otherwise[name]})


def _count(cell: Cell, held: dict[str, _HeldBack], otherwise: Counter[str]) -> None:
    """Add one cell to what its culprits hold back, and to `otherwise` if it also fails for a more alarming reason."""
    key = (cell.op, cell.mode, cell.dtype)
    blockers: dict[str, list[Record]] = defaultdict(list)
    others = {outcome_name(r) for r in (*cell.records, *cell.evidence)} & {*FAILING, "HarnessError"} - {"Unsupported"}
    for record in cell.records:
        if isinstance(record.outcome, Unsupported):
            blockers[record.outcome.culprit or UNNAMED].append(record)
    for name, records in blockers.items():
        held[name].cells.add(key)
        held[name].records += records
        if len(blockers) == 1 and not others:
            held[name].alone.add(key)
    if others & set(FAILING) and cell.status.rank < UNSUPPORTED.rank:
        otherwise[next(name for name in FAILING if name in others)] += 1


def _culprit(name: str, held: _HeldBack) -> Culprit:
    example = _example(name, held)
    chosen = smallest(record for record in held.records if record.op == example)
    return Culprit(
        name=name,
        unlocks=len(held.alone),
        cells=len(held.cells),
        samples=len(held.records),
        ops=tuple(sorted({record.op for record in held.records})),
        example=example,
        sample=chosen.sample.id if chosen.sample else None,
        diagnostic=clip(headline(chosen.outcome), 400),
        explain=explain_command(example, chosen.backend),
        repro=repro_command(chosen),
    )


def _example(name: str, held: _HeldBack) -> str:
    """The culprit itself if it is one of the ops held back, else an op that it alone holds back, else any such op."""
    ops: Iterable[str] = sorted({op for op, *_ in held.alone} or {op for op, *_ in held.cells})
    own = {record.op for record in held.records if f"torch.{record.op}".removesuffix(".default") == name}
    return min(own) if own else next(iter(ops))
