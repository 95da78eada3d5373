"""A cell: the samples of one op on one backend in one mode, counted; of one dtype, or of all dtypes joined.

`cells_of` sorts the records of an op into its cells. Rules and reasons are found in these `CellRecords`; what the
matrix shows is the `Cell` that they are counted into, which the index keeps.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import quote

from harness.cases.dtypes import DTYPES
from harness.cases.road import DEFAULT, split_mode
from harness.cases.sample import Sample
from harness.cases.sizes import is_first_dim_dynamic
from harness.records.frontend import FRONTEND
from harness.records.journal import Record
from harness.records.outcome import Passed
from reports.index.op_records import OpRecords

from . import severity
from .status import APART, BEFORE, GOOD, Status, counted_name, decide, worst


class Column(NamedTuple):
    """One column of the matrix: a backend and a full mode, which has the road where that is not the default one."""

    backend: str
    mode: str

    @property
    def head(self) -> str:
        """Its head in a table of text, in lines: backend, mode, and the road part by part."""
        mode, by = split_mode(self.mode)
        return "\n".join((self.backend, mode, *by.parts))

    @property
    def asked(self) -> str:
        """The query that selects its samples, as a part of an address."""
        mode, by = split_mode(self.mode)
        facts = {"backend": (self.backend,), "mode": (mode,), **(by.facts if by != DEFAULT else {})}
        return "+".join(f"{field}%3A{quote(value)}" for field, values in facts.items() for value in values)

    @property
    def width(self) -> int:
        """How many characters its head is wide."""
        return max(map(len, self.head.split("\n")))


class Key(NamedTuple):
    """The name of one cell, with its full mode."""

    op: str
    backend: str
    mode: str
    dtype: str


@dataclass(frozen=True, slots=True, eq=False)
class CellRecords:
    """The records of one cell, or of the cells of all dtypes that an op has in one column.

    A joined cell has the dtype None, and the cells that it joins are in `by_dtype`; a cell of one dtype has an empty
    `by_dtype`. `evidence` are the minimised records and those of samples that were run again, `records` all others.
    `names` are the outcome names of the records, `evidence_names` those of the evidence.
    `plain_call` is the sample that is the plain call of the op in this mode, if the journal has one.
    """

    op: str
    backend: str
    mode: str
    dtype: str | None
    records: tuple[Record, ...]
    evidence: tuple[Record, ...]
    names: tuple[str, ...]
    evidence_names: tuple[str, ...]
    by_dtype: tuple[CellRecords, ...] = ()
    plain_call: Sample | None = None

    @property
    def plain(self) -> Record | None:
        """The record of the plain call; None if the cell has none."""
        return next((record for record in self.records if record.plain), None)

    @property
    def cleared(self) -> tuple[Record, ...]:
        """The samples that are right by a second opinion alone."""
        return tuple(record for record in self.records if record.opinion and record.opinion.says == "clears")

    @property
    def cell(self) -> Cell:
        """The records, counted."""
        return Cell.load(self.op, self.backend, self.mode, self.dtype, self.json())

    @property
    def status(self) -> Status:
        """The status of the cell."""
        return _decide((*dict.fromkeys(self.names), *dict.fromkeys(self.evidence_names)))

    @property
    def severities(self) -> dict[str, dict[str, int]]:
        """The failing samples by outcome name and severity."""
        records, names = (*self.records, *self.evidence), (*self.names, *self.evidence_names)
        return severity.count(zip(records, names, strict=True), self.plain_call)

    def json(self) -> list[Any]:
        """What the index keeps of the cell, in the order in which `Cell.load` takes it apart.

        The cells by dtype are a JSON text in it, because few who read the cell need them.
        """
        counted = [c.severities for c in self.by_dtype or (self,)]
        parts = [[c.dtype, *c._json(found, "")] for c, found in zip(self.by_dtype, counted, strict=False)]
        return self._json(severity.added(counted), json.dumps(parts, separators=(",", ":")) if parts else "")

    def _json(self, severities: Mapping[str, severity.Counts], parts: str) -> list[Any]:
        known = {r.reached for r in self.records if r.reached}
        name = dialect_name(self.op)
        return [
            Counter(self.names),
            Counter(self.evidence_names),
            max((r.outcome.share for r in self.records if isinstance(r.outcome, Passed)), default=None),
            not any(name in reached for reached in known) if known else None,
            sorted({name for reached in known for name in reached}),
            parts,
            severities,
            _plain_json(self.plain),
        ]


def _plain_json(record: Record | None) -> list[Any] | None:
    """The outcome of the plain call, and whether another dim than the first is symbolic in it."""
    if record is None or record.sample is None:
        return None
    return [outcome_name(record), bool(record.sample.dynamic) and not is_first_dim_dynamic(record.sample)]


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell, or the cells of all dtypes that an op has in one column; those have the dtype None.

    `counts` counts the samples by outcome name, and `evidence` the minimised records. `total` is the number of samples,
    including those that were excluded or not judged, but not those outside the dialect, which `outside` counts. `share`
    is the largest error among the samples that passed, as a share of its bound; None if none passed. `decomposed` is
    whether the op was decomposed before the backend, and None if no record lists what reached it. `reached` are the
    torch-dialect ops that reached the backend in any of the samples, sorted. `parts` are the cells by dtype as JSON
    text. `severities` counts the failing samples by outcome name and severity. `plain` is the outcome name of the plain
    call, None if the cell has none; `is_other_dim` is whether its first dim cannot be symbolic, so that another one is.
    `passed` is how many samples passed; in the frontend's column, how many reached the backends. `severity` is how bad
    it is that the cell is red; None if it is not.
    """

    op: str
    backend: str
    mode: str
    dtype: str | None
    counts: Mapping[str, int]
    evidence: Mapping[str, int]
    share: float | None
    decomposed: bool | None
    reached: tuple[str, ...]
    total: int
    status: Status
    parts: str = ""
    severities: Mapping[str, severity.Counts] = field(default_factory=dict)
    plain: str | None = None
    is_other_dim: bool = False
    passed: int = field(init=False)
    severity: severity.Grade | None = field(init=False)

    def __post_init__(self) -> None:
        """Derive what every page asks of every cell."""
        object.__setattr__(self, "passed", sum([self.counts.get(name, 0) for name in GOOD]))
        object.__setattr__(self, "severity", severity.grade(self.status, self.severities))

    @classmethod
    def load(cls, op: str, backend: str, mode: str, dtype: str | None, values: list[Any]) -> Cell:
        """Restore a cell from `CellRecords.json`."""
        counts, evidence, share, decomposed, reached, parts, severities, plain = values
        total = sum(counts.values()) - counts.get(APART, 0)
        status = _decide((*counts, *evidence))
        facts = (counts, evidence, share, decomposed, tuple(reached), total, status, parts, severities)
        return cls(op, backend, mode, dtype, *facts, *(plain or ()))

    @classmethod
    def never(cls, op: str, backend: str, mode: str) -> Cell:
        """The joined cell of an op that was never run in this column."""
        return cls.load(op, backend, mode, None, [{}, {}, None, None, (), "", {}, None])

    @property
    def outside(self) -> int:
        """How many samples have an element type that the dialect lacks, and were refused or made invalid."""
        return self.counts.get(APART, 0)

    @property
    def arrived(self) -> int:
        """How many samples reached the backend: all but those that are excluded or that the frontend blocked."""
        return arrived(self.backend, self.counts)

    @property
    def worst(self) -> str | None:
        """The name of the most alarming outcome, evidence included; None if the cell was never run."""
        return worst((*self.counts, *self.evidence))

    @property
    def by_dtype(self) -> tuple[Cell, ...]:
        """The cells that a joined cell joins, in the order of `DTYPES`; restored anew each time."""
        parts = json.loads(self.parts) if self.parts else ()
        return tuple(Cell.load(self.op, self.backend, self.mode, dtype, values) for dtype, *values in parts)


def arrived(backend: str, counts: Mapping[str, int]) -> int:
    """How many of the samples with these outcomes reached the backend, those outside its dialect aside.

    Of the frontend: how many it took there.
    """
    if backend == FRONTEND:
        return counts.get("Reached", 0)
    return sum(count for name, count in counts.items() if name not in (*BEFORE, APART))


_decide = lru_cache(maxsize=1024)(decide)
"""The status by outcomes: most cells have the same few."""


@lru_cache(maxsize=1)
def cells_of(of: OpRecords) -> tuple[CellRecords, ...]:
    """The joined cells of an op, one per backend and mode, in the order in which these first occur."""
    parts: dict[tuple[str, str, str], list[Record]] = defaultdict(list)
    for record in of.records:
        parts[record.backend, record.full_mode, record.dtype].append(record)
    groups = {Key(of.op, *name): records for name, records in parts.items()}
    plain = of.plain_calls
    columns: dict[Column, list[CellRecords]] = defaultdict(list)
    for key in sorted(groups, key=_dtype_order):
        columns[Column(key.backend, key.mode)].append(_cell(key, groups[key], plain.get(key.mode)))
    order = dict.fromkeys(Column(key.backend, key.mode) for key in groups)
    return tuple(_joined(of.op, column, columns[column], plain.get(column.mode)) for column in order)


def outcome_name(record: Record) -> str:
    """Return the name by which reports count the record's outcome."""
    return counted_name(record.outcome)


def dialect_name(op: str) -> str:
    """Return an op's name in the torch dialect: `torch.aten.add.Tensor`, `torch.aten.relu`."""
    return "torch." + op.removesuffix(".default")


def _dtype_order(key: Key) -> tuple[int, str]:
    names = list(DTYPES)
    return (names.index(key.dtype) if key.dtype in names else len(names), key.dtype)


def _cell(key: Key, records: Iterable[Record], plain: Sample | None) -> CellRecords:
    every = tuple(records)
    evidence = tuple(r for r in every if r.minimised is not None)
    census = tuple(r for r in every if r.minimised is None) if evidence else every
    return CellRecords(
        *key,
        records=census,
        evidence=evidence,
        names=tuple(map(outcome_name, census)),
        evidence_names=tuple(map(outcome_name, evidence)),
        plain_call=plain,
    )


def _joined(op: str, column: Column, by_dtype: list[CellRecords], plain: Sample | None) -> CellRecords:
    return CellRecords(
        op,
        *column,
        None,
        records=tuple(r for cell in by_dtype for r in cell.records),
        evidence=tuple(r for cell in by_dtype for r in cell.evidence),
        names=tuple(name for cell in by_dtype for name in cell.names),
        evidence_names=tuple(name for cell in by_dtype for name in cell.evidence_names),
        by_dtype=tuple(by_dtype),
        plain_call=plain,
    )
