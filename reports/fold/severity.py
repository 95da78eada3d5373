"""The severity of what is red, as reports show it: a symbol, words, and how many samples have it.

Which severity a failing sample has is decided in `harness.records.severity`. A cell has the severity of its most severe
sample, samples that were minimised or run again included; of a cell that is wrong or crashes, the refused and invalid
samples do not count.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from harness.cases.sample import Sample
from harness.records.journal import Record
from harness.records.severity import SEVERITIES, severity

from .status import CRASH, FAILING, INVALID, TIMEOUT, WRONG, Status


@dataclass(frozen=True, slots=True)
class Grade:
    """A severity; `symbol` is the higher the worse it is, and `words` say when samples fail."""

    name: str
    symbol: str
    words: str

    @property
    def rank(self) -> int:
        """The place in the order of severity; 0 is the most severe."""
        return GRADES.index(self)


_SHOWN: Mapping[str, tuple[str, str]] = {
    "plain": ("█", "in the plain call"),
    "ordinary": ("▆", "for ordinary values"),
    "ends": ("▅", "at the ends of the range"),
    "nonfinite": ("▃", "for NaN or infinities"),
    "degenerate": ("▂", "for sizes of 0 or 1"),
    "rare": ("▁", "for a rare dtype"),
}
GRADES = tuple(Grade(name, *_SHOWN[name]) for name in SEVERITIES)
BY_NAME: Mapping[str, Grade] = {grade.name: grade for grade in GRADES}
PLAIN = GRADES[0]
RED: Mapping[Status, tuple[str, ...]] = {
    WRONG: ("Wrong", "Crashed"),
    CRASH: ("Crashed",),
    INVALID: ("Invalid",),
    TIMEOUT: ("TimedOut",),
}
"""The statuses that show a severity, each with the outcomes of the samples that count."""

Named = tuple[Record, str]
"""A record, and the name of its outcome as reports count it."""
Counts = Mapping[str, int]
"""How many samples have a severity, by its name; 0 where only samples that were run beside the census have it."""


def count(records: Iterable[Named], plain: Sample | None) -> dict[str, dict[str, int]]:
    """Count the failing samples by outcome name and severity; `plain` is the plain call of their op and mode."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for record, name in records:
        if name in FAILING:
            found[name][severity(record, plain)] += record.minimised is None
    return {name: dict(counts) for name, counts in found.items()}


def added(parts: Iterable[Mapping[str, Counts]]) -> dict[str, dict[str, int]]:
    """Add up counts by outcome name and severity."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for counts in parts:
        for name, by_severity in counts.items():
            found[name].update(by_severity)
    return {name: dict(counts) for name, counts in found.items()}


def worst(counts: Counts) -> Grade | None:
    """The most severe grade that any sample has; None if there is none."""
    return next((grade for grade in GRADES if grade.name in counts), None)


def grade(status: Status, counts: Mapping[str, Counts]) -> Grade | None:
    """The severity of a cell, from its status and its counts by outcome name; None if the status shows none."""
    if status not in RED:  # most cells: the matrix asks each cell several times
        return None
    return worst({name: 1 for outcome in RED[status] for name in counts.get(outcome, ())})


def of_status(status: Status, counts: Mapping[str, Counts]) -> Counts:
    """The counts by severity of the samples that count for a status."""
    found: Counter[str] = Counter()
    for outcome in RED.get(status, ()):
        found.update(counts.get(outcome, {}))
    return found


def only(grade: Grade) -> str:
    """The words for a cell whose most severe sample has this grade: milder ones are so only."""
    return grade.words if grade.rank < 2 else f"{grade.words} only"


def in_words(counts: Counts) -> str:
    """The counts in words, the most severe first: `in the plain call (1), for NaN or infinities (4)`."""
    shown = ((grade.words, counts[grade.name]) for grade in GRADES if grade.name in counts)
    return ", ".join(f"{words} ({number or 'run again'})" for words, number in shown)
