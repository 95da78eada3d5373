"""Which of a list of compilers is the first bad one: a binary search that judges as few of them as it can."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from harness.records.outcome import BEST
from harness.records.signature import Signature

RIGHT = tuple(cls.__name__ for cls in BEST)
SILENT = ("NotExecuted", "HarnessError", "NotRun", "Excluded", "NotExported")
"""Outcomes that say nothing of the compiler."""
Said = Literal["good", "bad", "undecided"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the sample came to with one compiler, and why in one line."""

    signature: Signature
    why: str


@dataclass(slots=True)
class Bisection:
    """The search among `specs`, from the oldest to the newest; `judge` runs the sample with the one at a place.

    Bad is what is not right. Where the sample is not right with the first compiler either, bad is what ends as it does
    with the last. `verdicts` are those of the compilers that were judged; `first_bad` is the place of the first bad
    one, None if there is none.
    """

    specs: Sequence[str]
    judge: Callable[[int], Verdict]
    verdicts: dict[int, Verdict] = field(default_factory=dict)
    first_bad: int | None = None

    def search(self) -> None:
        """Judge the first, the last, and those between that decide."""
        last = len(self.specs) - 1
        for place in (0, last):
            self.verdicts[place] = self.judge(place)
        if self.said(last) != "bad" or self.said(0) == "undecided":
            return
        self.first_bad = last if self.said(0) == "good" else 0
        candidates = list(range(1, last))
        while candidates and self.first_bad:
            middle = candidates[len(candidates) // 2]
            self.verdicts[middle] = self.judge(middle)
            match self.said(middle):
                case "bad":
                    self.first_bad = middle
                    candidates = [place for place in candidates if place < middle]
                case "good":
                    candidates = [place for place in candidates if place > middle]
                case "undecided":
                    candidates.remove(middle)

    def said(self, place: int) -> Said:
        """What a compiler that was judged is."""
        mine, first = self.verdicts[place].signature, self.verdicts[0].signature
        last = self.verdicts[len(self.specs) - 1].signature
        if mine.outcome in SILENT:
            return "undecided"
        if first.outcome in (*RIGHT, *SILENT):
            return "good" if mine.outcome in RIGHT else "bad"
        return "bad" if mine == last and last.outcome not in RIGHT else "good"

    def answer(self) -> str:
        """The answer in one line."""
        last = len(self.specs) - 1
        if undecided := [self.specs[place] for place in (0, last) if self.said(place) == "undecided"]:
            return f"nothing to search: {' and '.join(undecided)} says nothing of the compiler"
        if self.first_bad is None:
            return f"nothing to search: the last one, {self.specs[last]}, is good"
        if self.first_bad == 0:
            return f"bad already with the first one, {self.specs[0]}: name an older one"
        unsure = [place for place in range(self.first_bad) if self._is_unsure(place)]
        among = f", or one of {', '.join(self.specs[place] for place in unsure)}" if unsure else ""
        return f"first bad: {self.specs[self.first_bad]}{among}"

    def _is_unsure(self, place: int) -> bool:
        """Whether a compiler that could not be judged lies between the last good one and the first bad one."""
        if place not in self.verdicts or self.said(place) != "undecided":
            return False
        between = range(place + 1, self.first_bad or 0)
        return not any(other in self.verdicts and self.said(other) == "good" for other in between)
