"""Which samples of two runs a query selects: those that are as it asks in either of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from harness.records.query import Query, parse
from reports.fold import ending
from reports.fold.cell import Key
from reports.fold.selected import NothingSelected, Selected, names
from reports.index.index import Index


@dataclass(frozen=True, slots=True)
class Choice:
    """The samples that are to be compared, each with its cell, and the query that selects them."""

    query: str
    samples: Collection[tuple[Key, str]]


def choice(before: Index, after: Index, where: str) -> Choice:
    """What a query selects of two runs; raises BadQuery, UnknownName for a name that neither has, NothingSelected.

    A sample that is as asked in one run is compared, whatever it is in the other: `outcome:wrong` selects what is newly
    wrong and what no longer is.
    """
    one, other = names(before), names(after)
    query = parse(where, {field: {*one[field], *other[field]} for field in one})
    found = frozenset(chosen for index in (before, after) for chosen in _selected(index, query))
    if not found:
        raise NothingSelected(
            f"--where: no sample of the two journals is {where}",
            hint="leave a condition out, or see `opcov matrix` for what there is",
        )
    return Choice(where, found)


def _selected(index: Index, query: Query) -> Iterator[tuple[Key, str]]:
    try:
        found = Selected(index, query, {ending.FOLD: ending.fold})
    except NothingSelected:
        return
    for op, part in found.parts(ending.FOLD):
        endings = ending.OpEndings(op, part)
        yield from ((cell, id) for cell in endings.cells for id in endings.of(cell))
