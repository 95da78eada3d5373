"""The coverage matrix: the cells of all ops in rows and columns, and each column's totals.

A cell is an (op, backend, mode, dtype) on a road. The matrix has one row per op, and one column per (backend, mode) and
road; it joins the cells of all dtypes. Every recorded sample counts in the total of its cell, whatever its outcome.
Minimised records are evidence: they can make a cell's status worse, but count neither in `passed` nor in `total`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from harness.cases.road import full_mode, road, split_mode
from harness.cases.sample import MODES
from harness.errors import UnknownName
from harness.records.expectation import CONTROL, not_ours
from harness.records.frontend import FRONTEND
from reports.index.index import Index, Run
from reports.index.op_records import OpRecords

from .cell import Cell, Column, Key, arrived, cells_of, outcome_name
from .severity import Grade
from .status import APART, GOOD, STATUSES, Status

FOLD = "row"
UNKNOWN_FAMILY = "(not run)"
"""The family of an op that the run asked for and that has no record."""
_BACKEND_ORDER = (FRONTEND, "linalg", "tosa", "tosa-linalg", "stablehlo", "stablehlo-linalg")


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

    @property
    def severity(self) -> Grade | None:
        """The severity of the op: that of its most severe cell; None if no cell is red."""
        found = [cell.severity for cell in self.cells if cell.severity]
        return min(found, key=lambda grade: grade.rank, default=None)


@dataclass(frozen=True, slots=True)
class PlainCalls:
    """How many plain calls of a column are right, of how many.

    Those in which another dim than the first is symbolic are counted apart, in `others_right` and `others`.
    """

    right: int
    of: int
    others_right: int
    others: int


@dataclass(frozen=True, slots=True)
class Totals:
    """The totals of one column: ops by status name, samples by outcome name; `of` are the column's joined cells."""

    column: Column
    ops: Mapping[str, int]
    samples: Mapping[str, int]
    of: Sequence[Cell]

    @property
    def cells(self) -> Mapping[str, int]:
        """The cells (op x dtype) by status name."""
        return Counter(part.status.name for cell in self.of for part in cell.by_dtype)

    @property
    def passed(self) -> int:
        """How many samples passed; in the frontend's column, how many reached the backends."""
        return sum(self.samples.get(name, 0) for name in GOOD)

    @property
    def plain(self) -> PlainCalls:
        """What became of the plain calls, those outside the dialect aside."""
        of = [cell for cell in self.of if cell.plain and cell.plain != APART]
        usual = [cell.plain in GOOD for cell in of if not cell.is_other_dim]
        others = [cell.plain in GOOD for cell in of if cell.is_other_dim]
        return PlainCalls(sum(usual), len(usual), sum(others), len(others))

    def red(self, status: Status) -> Mapping[str, int]:
        """The ops of a status that shows a severity, counted by the severity's name."""
        return Counter(cell.severity.name for cell in self.of if cell.status is status and cell.severity)

    @property
    def arrived(self) -> int:
        """How many samples reached the backend: all but those that are excluded or that the frontend blocked."""
        return arrived(self.column.backend, self.samples)

    @property
    def total(self) -> int:
        """How many samples there are, those outside the dialect aside."""
        return sum(self.samples.values()) - self.samples.get(APART, 0)


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """The rows, sorted by family and op, each with one joined cell per column.

    `control` counts the control backend's samples by outcome name, whether or not the control has columns; where a
    query selects none of them, those of the whole journal. `control_aside` says why they are not of what is shown, or
    why there are none; "" if they are. `ops`, `samples` and `errors` are the numbers of ops that have records, of
    samples and of harness errors, in all columns.
    """

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    control: Mapping[str, int] = field(default_factory=dict)
    control_aside: str = ""
    ops: int = 0
    samples: int = 0
    errors: int = 0

    @property
    def cells(self) -> Mapping[Key, Cell]:
        """The cells of one dtype, in the order of the rows."""
        parts = (part for row in self.rows for cell in row.cells for part in cell.by_dtype)
        return {Key(part.op, part.backend, part.mode, str(part.dtype)): part for part in parts}

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
    def has_plain_calls(self) -> bool:
        """Whether the journal marks plain calls; old ones do not."""
        return any(cell.plain for row in self.rows for cell in row.cells)

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
        return self._totals

    @cached_property
    def _totals(self) -> tuple[Totals, ...]:
        return tuple(self._total(index, column) for index, column in enumerate(self.columns))

    def _total(self, index: int, column: Column) -> Totals:
        ops: Counter[str] = Counter()
        samples: Counter[str] = Counter()
        cells = [row.cells[index] for row in self.rows]
        for cell in cells:
            ops[cell.status.name] += 1
            for name, count in cell.counts.items():  # Counter.update takes three times as long for so few
                samples[name] += count
        return Totals(column, ops, samples, cells)


# from records to what the index keeps ---------------------------------------------------------------------------------


def fold(of: OpRecords) -> dict[str, Any]:
    """What the matrix needs of one op: its family, its cells by backend and mode, and counts for the whole run."""
    return {
        "family": of.family,
        "cells": [[cell.backend, cell.mode, cell.json()] for cell in cells_of(of)],
        "samples": sum(record.minimised is None for record in of.records),
        "errors": sum(outcome_name(record) == "HarnessError" for record in of.records),
        "control": _control(of),
    }


def _control(of: OpRecords) -> dict[str, list[int]]:
    """The control's samples by outcome name: how many, and where in the journal the first is."""
    found: dict[str, list[int]] = {}
    for number, record in enumerate(of.records):
        if record.backend == CONTROL and record.minimised is None and not not_ours(record):
            found.setdefault(outcome_name(record), [0, of.places[number], number])[0] += 1
    return found


# from what the index keeps to the matrix ------------------------------------------------------------------------------


def load(index: Index, *, control: bool = False) -> Matrix:
    """Read the matrix of an index; with `control`, the control backend has columns too."""
    columns = columns_of(index.run, control=control)
    parts = index.parts(FOLD)
    rows = [_row(op, part["family"], columns, part["cells"]) for op, part in parts]
    rows += [_row(op, UNKNOWN_FAMILY, columns, ()) for op in unseen_ops(index.run, {op for op, _ in parts})]
    rows.sort(key=lambda row: (row.family == UNKNOWN_FAMILY, row.family, row.op))
    counts, aside = _control_of(index, parts)
    return Matrix(
        columns=columns,
        rows=tuple(rows),
        control=counts,
        control_aside=aside,
        ops=len(parts),
        samples=sum(part["samples"] for _, part in parts),
        errors=sum(part["errors"] for _, part in parts),
    )


def load_row(index: Index, op: str, *, control: bool = False) -> Row:
    """Read the row of one op; raises UnknownName."""
    part = index.part(FOLD, op)
    if part is None and op not in unseen_ops(index.run, ()):
        raise UnknownName("op", op, [*index.ops, *unseen_ops(index.run, ())])
    columns = columns_of(index.run, control=control)
    return _row(op, part["family"] if part else UNKNOWN_FAMILY, columns, part["cells"] if part else ())


def columns_of(run: Run, *, control: bool = False) -> tuple[Column, ...]:
    """A column for every backend and mode that was recorded or asked for, so that what never ran is shown too."""
    options = _options(run)
    backends = _ordered(options.get("backends"), {backend for backend, _ in run.columns}, _BACKEND_ORDER)
    modes = _modes(options, {mode for _, mode in run.columns})
    if not control:
        backends = [backend for backend in backends if backend != CONTROL]
    return tuple(Column(backend, mode) for backend in backends for mode in modes)


def _modes(options: Mapping[str, Any], seen: set[str]) -> list[str]:
    """The full modes that were recorded or asked for: those of the default road first, static before dynamic."""
    roads = [road(text) for text in options.get("roads") or ("",)]
    asked = [full_mode(mode, by) for mode in options.get("modes") or () for by in roads]
    return sorted(
        seen.union(asked), key=lambda full: (full not in MODES, str(split_mode(full)[1]), full[0] != "s", full)
    )


def unseen_ops(run: Run, seen: set[str] | tuple[()]) -> list[str]:
    """The ops that the run was asked for by their full names, without patterns, and that are not among the seen."""
    asked = _options(run).get("ops")
    if not isinstance(asked, (list, tuple)):
        return []
    names = [op for op in asked if isinstance(op, str) and op.count(".") >= 2 and not set(op) & set("*?[ ")]
    return [op for op in dict.fromkeys(names) if op not in seen]


def _options(run: Run) -> Mapping[str, Any]:
    return run.header.get("options") or {}


def _ordered(asked: object, seen: set[str], preferred: tuple[str, ...]) -> list[str]:
    wanted = {name for name in asked if isinstance(name, str)} if isinstance(asked, (list, tuple)) else set()
    order = {name: place for place, name in enumerate(preferred)}
    return sorted(wanted | seen, key=lambda name: (name == CONTROL, order.get(name, len(order)), name))


def _row(op: str, family: str, columns: Sequence[Column], found: Sequence[tuple[str, str, list[Any]]]) -> Row:
    values = {(backend, mode): value for backend, mode, value in found}
    cells = tuple(
        Cell.load(op, *column, None, values[column]) if column in values else Cell.never(op, *column)
        for column in columns
    )
    known = [cell.decomposed for cell in cells if cell.decomposed is not None]
    return Row(op, family, cells, bool(known) and all(known))


def _control_of(index: Index, parts: Sequence[tuple[str, Any]]) -> tuple[Mapping[str, int], str]:
    """The control's counts, and `Matrix.control_aside`."""
    if counts := _control_counts([part["control"] for _, part in parts]):
        return counts, ""
    if index.whole is not index:
        counts, why = _control_of(index.whole, index.whole.parts(FOLD))
        return counts, why or "of the whole journal, the query leaves it out"
    asked = _options(index.run).get("backends")
    return {}, "never run, other backends were asked for" if asked and CONTROL not in asked else "never run"


def _control_counts(parts: Sequence[Mapping[str, list[int]]]) -> Mapping[str, int]:
    """The control's counts, in the order in which the outcomes first occur."""
    first: dict[str, list[int]] = {}
    counts: Counter[str] = Counter()
    for part in parts:
        for name, (count, *place) in part.items():
            counts[name] += count
            first[name] = min(place, first.get(name, place))
    return {name: counts[name] for name in sorted(counts, key=first.__getitem__)}


def by_alarm(counts: Mapping[str, int]) -> list[tuple[Status, int]]:
    """Turn counts by status name into (status, count) pairs, in order of alarm and without zeros."""
    return [(status, counts[status.name]) for status in STATUSES if counts.get(status.name)]
