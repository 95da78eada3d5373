"""The coverage matrix: the records of a journal in cells, the cells in rows and columns, and each column's totals.

A cell is an (op, backend, mode, dtype). The matrix has one row per op and one column per (backend, mode), and joins the
cells of all dtypes. Every recorded sample counts in the total of its cell, whatever its outcome. Minimised records are
evidence: they can make a cell's status worse, but count neither in `passed` nor in `total`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from harness.cases.dtypes import DTYPES
from harness.cases.sample import MODES
from harness.errors import UnknownName
from harness.records.expectation import CONTROL, not_ours
from harness.records.journal import Journal, Record
from harness.records.outcome import Passed

from .status import STATUSES, Status, decide, worst

UNKNOWN_FAMILY = "(not run)"
"""The family of an op that the run asked for and that has no record."""
_BACKEND_ORDER = ("linalg", "tosa", "tosa-linalg", "stablehlo", "stablehlo-linalg")


class Column(NamedTuple):
    """One column of the matrix."""

    backend: str
    mode: str


class Key(NamedTuple):
    """The name of one cell."""

    op: str
    backend: str
    mode: str
    dtype: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """The records of one cell, or of the cells of all dtypes that an op has in one column.

    A joined cell has the dtype None, and the cells that it joins are in `by_dtype`; a cell of one dtype has an empty
    `by_dtype`. `evidence` are the minimised records, `records` all others; `counts` counts `records` by outcome name.
    `decomposed` is whether the op was decomposed before the backend, and None if no record lists what reached it.
    """

    op: str
    backend: str
    mode: str
    dtype: str | None
    records: tuple[Record, ...] = ()
    evidence: tuple[Record, ...] = ()
    counts: Mapping[str, int]
    status: Status
    decomposed: bool | None = None
    by_dtype: tuple[Cell, ...] = ()

    @property
    def passed(self) -> int:
        """How many samples passed."""
        return self.counts.get("Passed", 0)

    @property
    def total(self) -> int:
        """How many samples there are, including those that were excluded or not judged."""
        return len(self.records)

    @property
    def share(self) -> float | None:
        """The largest error among the samples that passed, as a share of its bound; None if no sample passed."""
        return max((r.outcome.share for r in self.records if isinstance(r.outcome, Passed)), default=None)

    @property
    def worst(self) -> str | None:
        """The name of the most alarming outcome, evidence included; None if the cell was never run."""
        return worst(outcome_name(r) for r in (*self.records, *self.evidence))

    @property
    def reached(self) -> tuple[str, ...]:
        """The torch-dialect ops that reached the backend in any of the samples, sorted."""
        return tuple(sorted({name for record in self.records for name in record.reached}))


@dataclass(frozen=True, slots=True)
class Row:
    """One op and its joined cell in every column.

    `decomposed` is whether the op reached the backend in none of the cells that know what reached it, and False if no
    cell knows that.
    """

    op: str
    family: str
    cells: tuple[Cell, ...]
    decomposed: bool


@dataclass(frozen=True, slots=True)
class Totals:
    """The totals of one column: ops and cells (op x dtype) by status name, samples by outcome name."""

    column: Column
    ops: Mapping[str, int]
    cells: Mapping[str, int]
    samples: Mapping[str, int]

    @property
    def passed(self) -> int:
        """How many samples passed."""
        return self.samples.get("Passed", 0)

    @property
    def total(self) -> int:
        """How many samples there are."""
        return sum(self.samples.values())


@dataclass(frozen=True, slots=True)
class Matrix:
    """The rows, sorted by family and op, each with one joined cell per column.

    `cells` are the cells of one dtype that have records. `control` counts the control backend's samples by outcome
    name, whether or not the control has columns.
    """

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    cells: Mapping[Key, Cell]
    control: Mapping[str, int]

    @property
    def families(self) -> Mapping[str, tuple[Row, ...]]:
        """The rows by family, in the order of the rows."""
        found: dict[str, list[Row]] = defaultdict(list)
        for row in self.rows:
            found[row.family].append(row)
        return {family: tuple(rows) for family, rows in found.items()}

    @property
    def backends(self) -> tuple[str, ...]:
        """The backends that have columns, in order."""
        return tuple(dict.fromkeys(column.backend for column in self.columns))

    @property
    def decomposed(self) -> tuple[str, ...]:
        """The ops that reach no backend, because they are decomposed into other ops before."""
        return tuple(row.op for row in self.rows if row.decomposed)

    def row(self, op: str) -> Row:
        """Return the row of an op; raises UnknownName."""
        for row in self.rows:
            if row.op == op:
                return row
        raise UnknownName("op", op, [row.op for row in self.rows])

    def totals(self) -> tuple[Totals, ...]:
        """Return the totals of every column, in the order of the columns."""
        return tuple(self._total(index, column) for index, column in enumerate(self.columns))

    def _total(self, index: int, column: Column) -> Totals:
        ops: Counter[str] = Counter()
        cells: Counter[str] = Counter()
        samples: Counter[str] = Counter()
        for row in self.rows:
            cell = row.cells[index]
            ops[cell.status.name] += 1
            cells.update(part.status.name for part in cell.by_dtype)
            samples.update(cell.counts)
        return Totals(column, ops, cells, samples)


def outcome_name(record: Record) -> str:
    """Return the class name of the record's outcome."""
    return type(record.outcome).__name__


def dialect_name(op: str) -> str:
    """Return an op's name in the torch dialect: `torch.aten.add.Tensor`, `torch.aten.relu`."""
    return "torch." + op.removesuffix(".default")


def fold(journal: Journal, *, control: bool = False) -> Matrix:
    """Fold a journal into its matrix; with `control`, the control backend has columns too."""
    options = journal.header.get("options") or {}
    groups: dict[Key, list[Record]] = defaultdict(list)
    families: dict[str, str] = dict.fromkeys(_asked_ops(options), UNKNOWN_FAMILY)
    for record in journal.records:
        groups[Key(record.op, record.backend, record.mode, record.dtype)].append(record)
        families[record.op] = record.family
    cells = {key: _cell(key, records) for key, records in groups.items()}
    by_dtype: dict[tuple[str, Column], list[Cell]] = defaultdict(list)
    for key in sorted(cells, key=_dtype_order):
        by_dtype[key.op, Column(key.backend, key.mode)].append(cells[key])
    columns = _columns(options, groups, control)
    rows = tuple(
        _row(op, families[op], [_join(op, column, by_dtype.get((op, column), [])) for column in columns])
        for op in sorted(families, key=lambda op: (families[op] == UNKNOWN_FAMILY, families[op], op))
    )
    return Matrix(columns, rows, cells, _control_counts(cells.values()))


def _asked_ops(options: Mapping[str, Any]) -> list[str]:
    """The ops that the run was asked for by their full names, without patterns."""
    asked = options.get("ops")
    if not isinstance(asked, (list, tuple)):
        return []
    return [op for op in asked if isinstance(op, str) and op.count(".") >= 2 and not set(op) & set("*?[ ")]


def _columns(options: Mapping[str, Any], keys: Iterable[Key], control: bool) -> tuple[Column, ...]:
    """A column for every backend and mode that was recorded or asked for, so that what never ran is shown too."""
    keys = list(keys)
    backends = _ordered(options.get("backends"), {key.backend for key in keys}, _BACKEND_ORDER)
    modes = _ordered(options.get("modes"), {key.mode for key in keys}, MODES)
    if not control:
        backends = [backend for backend in backends if backend != CONTROL]
    return tuple(Column(backend, mode) for backend in backends for mode in modes)


def _ordered(asked: object, seen: set[str], preferred: tuple[str, ...]) -> list[str]:
    wanted = {name for name in asked if isinstance(name, str)} if isinstance(asked, (list, tuple)) else set()
    order = {name: place for place, name in enumerate(preferred)}
    return sorted(wanted | seen, key=lambda name: (name == CONTROL, order.get(name, len(order)), name))


def _dtype_order(key: Key) -> tuple[int, str]:
    names = list(DTYPES)
    return (names.index(key.dtype) if key.dtype in names else len(names), key.dtype)


def _cell(key: Key, records: Iterable[Record]) -> Cell:
    records = tuple(records)
    return _folded(
        Column(key.backend, key.mode),
        key.op,
        key.dtype,
        tuple(r for r in records if r.minimised is None),
        tuple(r for r in records if r.minimised is not None),
    )


def _join(op: str, column: Column, by_dtype: list[Cell]) -> Cell:
    records = tuple(r for cell in by_dtype for r in cell.records)
    evidence = tuple(r for cell in by_dtype for r in cell.evidence)
    return _folded(column, op, None, records, evidence, tuple(by_dtype))


def _folded(
    column: Column,
    op: str,
    dtype: str | None,
    records: tuple[Record, ...],
    evidence: tuple[Record, ...],
    by_dtype: tuple[Cell, ...] = (),
) -> Cell:
    counts = Counter(map(outcome_name, records))
    known = [r.reached for r in records if r.reached]
    name = dialect_name(op)
    return Cell(
        op=op,
        backend=column.backend,
        mode=column.mode,
        dtype=dtype,
        records=records,
        evidence=evidence,
        counts=counts,
        status=decide((*counts, *map(outcome_name, evidence))),
        decomposed=not any(name in reached for reached in known) if known else None,
        by_dtype=by_dtype,
    )


def _row(op: str, family: str, cells: list[Cell]) -> Row:
    known = [cell.decomposed for cell in cells if cell.decomposed is not None]
    return Row(op, family, tuple(cells), bool(known) and all(known))


def _control_counts(cells: Iterable[Cell]) -> Mapping[str, int]:
    counts: Counter[str] = Counter()
    for cell in cells:
        if cell.backend == CONTROL:
            counts.update(outcome_name(record) for record in cell.records if not not_ours(record))
    return counts


def by_alarm(counts: Mapping[str, int]) -> list[tuple[Status, int]]:
    """Turn counts by status name into (status, count) pairs, in order of alarm and without zeros."""
    return [(status, counts[status.name]) for status in STATUSES if counts.get(status.name)]
