"""The cells of the matrix, and which of them are wanted."""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from harness.cases.case import OpCase
from harness.cases.dtypes import DTYPES
from harness.cases.profile import Profile
from harness.cases.road import DEFAULT, Road, full_mode
from harness.cases.sample import MODES, Mode
from harness.errors import UnknownName
from harness.records.frontend import FRONTEND
from harness.records.journal_file import CellName, cell_name
from harness.records.query import NO, Facts, Query, parse

Catalog = Mapping[str, Sequence[OpCase]]
"""The registry: cases by family."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One (op, backend, mode, dtype) on a road; `backend` may be the frontend."""

    family: str
    case: OpCase
    backend: str
    mode: Mode
    dtype: str
    road: Road = DEFAULT

    @property
    def key(self) -> CellName:
        """Its name in journals and reports."""
        return self.case.op, self.backend, full_mode(self.mode, self.road), self.dtype

    @property
    def name(self) -> str:
        """The name by which people select it: `aten.add.Tensor[tosa-dynamic-f32]`."""
        return cell_name(*self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which cells are wanted: globs of ops, names of backends, modes and dtypes; empty means all.

    On these roads; empty means the default one.

    Of these, those whose samples the query `where` may select.
    """

    ops: tuple[str, ...] = ()
    backends: tuple[str, ...] = ()
    modes: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = ()
    roads: tuple[Road, ...] = ()
    where: Query | None = None

    def check(self, catalog: Catalog, backends: Sequence[str]) -> None:
        """Raise UnknownName, with the nearest names, for the first name or glob that matches nothing."""
        ops = [case.op for cases in catalog.values() for case in cases]
        for glob in self.ops:
            if not fnmatch.filter(ops, glob):
                raise UnknownName("op", glob, ops)
        for kind, wanted, known in (
            ("backend", self.backends, backends),
            ("mode", self.modes, MODES),
            ("dtype", self.dtypes, DTYPES),
        ):
            for name in wanted:
                if name not in known:
                    raise UnknownName(kind, name, known)

    def possible(self, field: str, values: Sequence[str]) -> list[str]:
        """Of the values of a field, those that the query may select."""
        return [value for value in values if self.where is None or self.where.may_hold({field: (value,)})]

    def takes(self, case: OpCase) -> bool:
        """Whether the case's op is wanted."""
        return not self.ops or any(fnmatch.fnmatch(case.op, glob) for glob in self.ops)


def cells(
    family: str, cases: Sequence[OpCase], backends: Sequence[str], wanted: Selection, profile: Profile
) -> Iterator[Cell]:
    """The wanted cells of a family, in an order that shares work: the cells that share a frontend run are neighbours.

    The frontend's own cell is the first of these, so that the backends find what it has made. A dtype that is asked for
    by name has all its cells, whatever the profile.
    """
    columns = sorted(wanted.backends or backends, key=lambda name: name != FRONTEND)
    for case in filter(wanted.takes, cases):
        for road, dtype, mode in product(wanted.roads or (DEFAULT,), case.dtypes, case.modes()):
            if dtype not in (wanted.dtypes or profile.dtypes(case, mode)):
                continue
            if wanted.modes and mode not in wanted.modes:
                continue
            for backend in columns:
                cell = Cell(family=family, case=case, backend=backend, mode=mode, dtype=dtype, road=road)
                if wanted.where is None or wanted.where.may_hold(cell_facts(cell)):
                    yield cell


def every_cell(catalog: Catalog, backends: Sequence[str], wanted: Selection, profile: Profile) -> Iterator[Cell]:
    """The wanted cells of all families."""
    for family, cases in catalog.items():
        yield from cells(family, cases, backends, wanted, profile)


def split(values: Iterable[str]) -> tuple[str, ...]:
    """The names of an option that is repeated, or has several names separated by commas."""
    return tuple(name for value in values for name in value.split(",") if name)


def registry_query(text: str, catalog: Catalog, backends: Collection[str], *, hint: str) -> Query:
    """The query about the registry; raises UnknownName, and BadQuery, with a hint, if it asks for results."""
    found = parse(text, names(catalog, backends))
    found.check(hint=hint)
    return found


def names(catalog: Catalog, backends: Collection[str]) -> Mapping[str, Collection[str]]:
    """The names that a query about the registry may use, by field."""
    return {"op": [case.op for cases in catalog.values() for case in cases], "family": catalog, "backend": backends}


def cell_facts(cell: Cell) -> Facts:
    """What is known of a cell's samples before they are drawn; the plain call has the first dtype."""
    known = _facts(cell.family, cell.case, cell.mode, cell.dtype)
    return {**known, **cell.road.facts, "backend": (cell.backend,)}


def case_facts(family: str, case: OpCase) -> Iterator[Facts]:
    """What is known of the samples of a case, for each mode and dtype."""
    return (_facts(family, case, mode, dtype) for mode in case.modes() for dtype in case.dtypes)


def _facts(family: str, case: OpCase, mode: str, dtype: str) -> dict[str, Sequence[str]]:
    found: dict[str, Sequence[str]] = {"op": (case.op,), "family": (family,), "mode": (mode,), "dtype": (dtype,)}
    return found if dtype == case.dtypes[0] else {**found, "plain": (NO,)}
