"""A cell that a cluster holds back: what becomes of it once the culprit is mended, and what it stops at next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.records.severity import COMMON
from reports.fold.failures import Key

State = Literal["unlocked", "stops", "not tried"]
"""What becomes of a cell once the culprit is mended: it passes; it stops at something else; that was not tried."""
OTHERWISE = "the same op, otherwise"
"""Among the needs of a cell: another cluster with the same culprit."""
UNNAMED = "an op that is not known"
"""Among the needs of a cell: a cluster without a culprit."""


@dataclass(frozen=True, slots=True)
class ClusterCell:
    """A cell that a cluster holds back.

    `unlocks` is whether its programs pass with the culprit cut out, None if that was not tried; `needs` are what they
    stop at next; `others` are the other clusters that it is in. `verified` is whether the culprit is. `samples` of its
    samples fail so.
    """

    op: str
    mode: str
    dtype: str
    unlocks: bool | None
    needs: tuple[str, ...]
    others: tuple[Key, ...]
    verified: bool
    samples: int

    @property
    def name(self) -> tuple[str, str, str]:
        """The cell on its backend."""
        return self.op, self.mode, self.dtype

    @property
    def is_rare(self) -> bool:
        """Whether its dtype is none that networks use: `harness.records.severity.COMMON`."""
        return self.dtype not in COMMON

    def state(self, mended: Collection[Key]) -> State:
        """What becomes of the cell once these clusters, this one among them, are mended."""
        if self.unlocks is None:
            return "not tried"
        return "unlocked" if self.unlocks and set(self.others) <= set(mended) else "stops"

    def stops_at(self, mended: Collection[Key], culprits: Sequence[str]) -> tuple[str, ...]:
        """What the cell stops at then; `culprits` are those that are mended."""
        others = [_called(key, culprits) for key in self.others if key not in mended]
        return tuple(dict.fromkeys((*self.needs, *others)))


def _called(key: Key, mended: Sequence[str]) -> str:
    return OTHERWISE if key.culprits and key.culprits == mended else " with ".join(key.culprits) or UNNAMED


def needs(cells: Iterable[ClusterCell], mended: Collection[Key], culprits: Sequence[str]) -> Mapping[str, int]:
    """What cells stop at once clusters are mended, with the number of cells, the most first."""
    stopping = (cell for cell in cells if cell.state(mended) == "stops")
    return added(dict.fromkeys(cell.stops_at(mended, culprits), 1) for cell in stopping)


def added(counts: Iterable[Mapping[str, int]]) -> Mapping[str, int]:
    """The sums, the largest first."""
    found: Counter[str] = Counter()
    for of_op in counts:
        found.update(of_op)
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))
