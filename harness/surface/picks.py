"""Which calls of OpInfo the census keeps: those that show what the case does not draw, few and small ones.

First, over all of an op's dtypes, calls are picked that show traits which no static cell of the op shows; then in each
cell the one that shows most of what the cell lacks, if that is not little.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice

from harness.cases.sample import Sample, dumps
from harness.cases.traits import traits

MOST = 3
"""The most calls that are picked in a cell for traits that no cell of the op shows."""
MUCH = 5
"""So many traits that a cell lacks are worth one call more."""
LONGEST = 4000
"""The most characters of a call's JSON: of its elements, most are random."""
_NOT_THEIRS = ("device=", "layout=", "pin_memory=", "values=")
"""Traits that say where a tensor lies, or how its elements were made, and so nothing of the call."""


def telling(sample: Sample) -> frozenset[str]:
    """The traits of a sample that a call of OpInfo may show first: of its shapes, dtypes and attributes."""
    return frozenset(t for t in traits(sample) if not t.startswith(_NOT_THEIRS) and not t.endswith(":literal"))


@dataclass(frozen=True, slots=True)
class Cell:
    """A static cell of an op: what it shows, and the calls that OpInfo makes in its dtype."""

    shown: frozenset[str]
    calls: Sequence[Sample]


def pick(cells: Mapping[str, Cell], fits: Callable[[Sample], bool]) -> list[Sample]:
    """The calls to keep of one op, whose cells are given by dtype, the first dtype first.

    `fits` says whether a call can be judged; it is asked of those alone that would be picked.
    """
    shown = {trait for cell in cells.values() for trait in cell.shown}
    picked: list[Sample] = []
    for cell in cells.values():
        left, of_cell = _ordered(cell.calls), set(cell.shown)
        for most, least, known in ((MOST, 1, shown), (1, MUCH, of_cell)):
            for found in islice(iter(partial(_next, left, known, least, fits), None), most):
                picked.append(found)
                shown |= telling(found)
                of_cell |= telling(found)
    return picked


def _next(left: list[Sample], shown: Set[str], least: int, fits: Callable[[Sample], bool]) -> Sample | None:
    """Take the call that shows most which is not shown, `least` traits or more; what does not fit is dropped."""
    while left:
        best = max(left, key=lambda call: len(telling(call) - shown))  # the first, which is shortest, of several
        if len(telling(best) - shown) < least:
            return None
        left.remove(best)
        if fits(best):
            return best
    return None


def _ordered(calls: Iterable[Sample]) -> list[Sample]:
    """The calls as picks, the shortest first; those that are too long are left out."""
    texts = {dumps(call): call for call in (replace(call, origin="picked") for call in calls)}
    return [texts[text] for text in sorted(texts, key=lambda text: (len(text), text)) if len(text) <= LONGEST]
