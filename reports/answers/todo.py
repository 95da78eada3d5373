"""What to lower next: the ops at which a backend stops, ranked by how many cells each of them alone holds back.

For the frontend the same: the ops that the torch dialect lacks, and whatever else its importer and contract stop at.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tabulate import tabulate

from harness.errors import UnknownName
from harness.records.frontend import FRONTEND, culprit
from harness.records.journal import Record
from harness.records.outcome import Invalid, Unsupported
from harness.text import clip, plural
from reports.fold.call import explain_command, repro_command
from reports.fold.cell import CellRecords, cells_of, dialect_name, outcome_name
from reports.fold.matrix import columns_of
from reports.fold.reason import headline, smallest
from reports.fold.status import FAILING, UNSUPPORTED
from reports.index.index import Index
from reports.index.op_records import OpRecords

FOLD = "todo"

UNNAMED = "(no op named)"
"""The culprit of refusals whose diagnostic names no op."""
LACKING = "no such op"
"""Why the frontend stops at an op that the torch dialect does not declare: it imports the op as `torch.operator`."""


WHYS = (
    f"{LACKING}: the torch dialect declares none; import refuses, contract refuses: the importer or a pass of the\n"
    "contract says no; invalid IR: one of them makes IR that the verifier rejects."
)
"""What a legend says of the column `why`."""


@dataclass(frozen=True, slots=True)
class Todo:
    """The culprits of one backend, sorted by how many cells they unlock, the most first.

    `cells` counts all recorded cells of the backend. `otherwise` counts, by outcome name, the cells that fail for
    another reason than a refusal: no new lowering makes them pass. The frontend may stand for the backend.
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
        more = len(self.rows) - len(shown)
        lines = [
            f"{self._title()}: {plural(len(self.rows), 'culprit')}; one alone holds back "
            f"{sum(r.unlocks for r in self.rows):,} of {plural(self.cells, 'cell')}",
            "",
            self._table(shown),
            *([f"... and {more} more"] if more else []),
            "",
            "A cell is one op, mode and dtype. cells: those the culprit is an obstacle in; unlocks: those in which it",
            "is the only one; ops: the ops whose cells these are (an op may be decomposed into others).",
            *([WHYS] if self.backend == FRONTEND else []),
            *self._rest().splitlines()[1:],
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

    def _title(self) -> str:
        return "What the frontend stops at" if self.backend == FRONTEND else f"What to lower next in {self.backend}"

    def _table(self, shown: Sequence[Culprit]) -> str:
        why = self.backend == FRONTEND
        rows = [
            (r.name, *([r.why] if why else []), r.unlocks, r.cells, len(r.ops), r.example, r.sample or "–")
            for r in shown
        ]
        heads = ("culprit", *(["why"] if why else []), "unlocks", "cells", "ops", "example op", "sample")
        align = ("left", *(["left"] if why else []), "right", "right", "right", "left", "left")
        return tabulate(rows, headers=heads, disable_numparse=True, colalign=align)

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

    `why` is empty on a backend; of the frontend it says why that stops, see `WHYS`. It is an obstacle in `cells` cells,
    in `samples` samples and for `ops`; in `unlocks` of the cells it is the only obstacle. `example` is one of `ops`,
    `sample` the id of that op's smallest refused sample, and `diagnostic` what the lowering says of it. `explain` and
    `repro` are commands that show more; `sample` and `repro` are None if the record has no sample.
    """

    name: str
    why: str
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


# from records to what the index keeps ---------------------------------------------------------------------------------


def fold(of: OpRecords) -> dict[str, Any]:
    """What one op says of each backend: how many cells it has, and the culprits and other failures in these."""
    found: dict[str, dict[str, Any]] = {}
    for joined in cells_of(of):
        of_backend = found.setdefault(joined.backend, {"cells": 0, "otherwise": [], "culprits": {}})
        for cell in joined.by_dtype:
            if cell.records:
                of_backend["cells"] += 1
                _count(cell, of_backend)
    for of_backend in found.values():
        of_backend["culprits"] = [[*name, *_held_back(*held)] for name, held in of_backend["culprits"].items()]
    return found


def _count(cell: CellRecords, found: dict[str, Any]) -> None:
    """Add one cell to what its culprits hold back, and to `otherwise` if it also fails for a more alarming reason."""
    blockers: dict[tuple[str, str], list[Record]] = defaultdict(list)
    refusals = {"Unsupported", "Invalid"} if cell.backend == FRONTEND else {"Unsupported"}
    others = {outcome_name(r) for r in (*cell.records, *cell.evidence)} & {*FAILING, "HarnessError"} - refusals
    for record in cell.records:
        if outcome_name(record) in refusals:
            blockers[_blocker(record)].append(record)
    for name, records in blockers.items():
        held = found["culprits"].setdefault(name, [0, 0, []])
        held[0] += len(blockers) == 1 and not others
        held[1] += 1
        held[2] += records
    if others & set(FAILING) and cell.cell.status.rank < UNSUPPORTED.rank:
        found["otherwise"].append(next(name for name in FAILING if name in others))


def _blocker(record: Record) -> tuple[str, str]:
    """What a refused sample stops at, and why; see `Culprit`."""
    match record.outcome:
        case Invalid(diagnostic=text):
            return culprit(text) or UNNAMED, "invalid IR"
        case Unsupported(stage=stage, diagnostic=text, culprit=name):
            lacking = stage == "contract" and "'torch.operator'" in text.partition("%")[0]
            why = LACKING if lacking else f"{stage} refuses"
            return name or UNNAMED, why if record.backend == FRONTEND else ""
        case _:
            raise AssertionError(record.outcome)


def _held_back(alone: int, cells: int, records: list[Record]) -> list[Any]:
    """The values of `_HeldBack`, but for the op."""
    chosen = smallest(records)
    return [alone, cells, len(records), chosen.id, clip(headline(chosen.outcome), 400)]


# from what the index keeps to the answer ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _HeldBack:
    """What a culprit holds back of one op: cells in which it is alone, all its cells, and samples.

    `sample` is the id of the smallest of these samples, and `diagnostic` what the lowering says of it.
    """

    op: str
    alone: int
    cells: int
    samples: int
    sample: str
    diagnostic: str


def todo(index: Index, backend: str) -> Todo:
    """Find the culprits of one backend in a journal; raises UnknownName."""
    backends = dict.fromkeys(column.backend for column in columns_of(index.run, control=True))
    if backend not in backends:
        raise UnknownName("backend", backend, backends)
    return todos(index, (backend,))[0]


def todos(index: Index, backends: Iterable[str]) -> tuple[Todo, ...]:
    """Find the culprits of several backends."""
    parts = index.parts(FOLD)
    return tuple(_todo(backend, parts) for backend in backends)


def _todo(backend: str, parts: Iterable[tuple[str, Mapping[str, Any]]]) -> Todo:
    held: dict[tuple[str, str], list[_HeldBack]] = defaultdict(list)
    otherwise: Counter[str] = Counter()
    cells = 0
    for op, part in parts:
        if found := part.get(backend):
            cells += found["cells"]
            otherwise.update(found["otherwise"])
            for name, why, *values in found["culprits"]:
                held[name, why].append(_HeldBack(op, *values))
    rows = [_culprit(*name, backend, of_ops) for name, of_ops in held.items()]
    rows.sort(key=lambda r: (-r.unlocks, -r.cells, -r.samples, r.name, r.why))
    return Todo(backend, tuple(rows), cells, {name: otherwise[name] for name in FAILING if otherwise[name]})


def _culprit(name: str, why: str, backend: str, held: list[_HeldBack]) -> Culprit:
    """Join what a culprit holds back of several ops, which are sorted."""
    example = _example(name, held)
    repro = repro_command(example.sample, backend)
    return Culprit(
        name=name,
        why=why,
        unlocks=sum(of_op.alone for of_op in held),
        cells=sum(of_op.cells for of_op in held),
        samples=sum(of_op.samples for of_op in held),
        ops=tuple(of_op.op for of_op in held),
        example=example.op,
        sample=example.sample if repro else None,
        diagnostic=example.diagnostic,
        explain=explain_command(example.op, backend),
        repro=repro,
    )


def _example(name: str, held: list[_HeldBack]) -> _HeldBack:
    """The culprit itself if it is one of the ops held back, else an op that it alone holds back, else any such op."""
    own = [of_op for of_op in held if dialect_name(of_op.op) == name]
    alone = [of_op for of_op in held if of_op.alone]
    return (own or alone or held)[0]
