"""Future A beside Future B: what arrives right at linalg directly, and what through the dialect of a cascade."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from harness.cases.sample import MODES
from harness.text import share
from reports.fold.programs import RIGHT, End, Program

DIRECT = "linalg"
_TORCH = "torch."
LEGEND = (
    "Counted: samples that have all these columns, excluded ones aside; blocked, outside a dialect or not executed is\n"
    "not right. at most: as if the conversions that samples stop at existed; what would stop them next is not known."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Future:
    """How many of `total` programs in one mode are right at linalg by way of `by`, and at most if all converted."""

    by: str
    mode: str
    total: int
    right: int
    most: int

    def json(self) -> dict[str, Any]:
        """The same as JSON values."""
        values = {"by": self.by, "mode": self.mode, "total": self.total, "right": self.right}
        return values if self.by == DIRECT else {**values, "at_most": self.most}

    @property
    def row(self) -> tuple[str, ...]:
        """The row of a table."""
        most = "" if self.by == DIRECT else share(self.most, self.total)
        return self.by, self.mode, f"{self.right:,} of {self.total:,}", share(self.right, self.total), most


def lacks_conversion(end: End) -> bool:
    """Whether all that failed was the conversion of an op of a dialect other than torch."""
    return bool(end.misses) and not any(name.startswith(_TORCH) for name in end.misses)


def futures(programs: Iterable[Program], cascades: Sequence[str]) -> tuple[Future, ...]:
    """The shares by way of linalg itself and of each cascade, in each mode; none if a column is missing for it."""
    ways = (DIRECT, *cascades)
    both = [program for program in programs if {*ways} <= {*program.ends}]
    return tuple(
        Future(
            by=way,
            mode=mode,
            total=sum(p.count for p in both if p.mode == mode),
            right=sum(p.count for p in both if p.mode == mode and p.ends[way].how == RIGHT),
            most=sum(
                p.count for p in both if p.mode == mode and (p.ends[way].how == RIGHT or lacks_conversion(p.ends[way]))
            ),
        )
        for mode in MODES
        for way in ways
        if any(p.mode == mode for p in both)
    )
