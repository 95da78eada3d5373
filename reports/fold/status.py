"""The status of a cell: one word, one symbol and one meaning, decided from the outcomes of its samples.

Every report takes its symbols from here. `STATUSES` is in order of alarm, the most alarming first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from harness.records.outcome import BEST, Invalid, Outcome


@dataclass(frozen=True, slots=True, eq=False)
class Status:
    """What a cell shows; `name` also selects its colour in the HTML report and is a word of its filter (`is:wrong`).

    There is one object of each, so they are compared by identity.
    """

    name: str
    symbol: str
    meaning: str

    @property
    def rank(self) -> int:
        """The place in the order of alarm; 0 is the most alarming."""
        return STATUSES.index(self)

    @property
    def fails(self) -> bool:
        """Whether the backend falls short: any status from `WRONG` to `PARTIAL`, but not `ERROR`, a harness bug."""
        return self.rank <= PARTIAL.rank and self is not ERROR


WRONG = Status("wrong", "✗", "silently wrong on at least one sample")
ERROR = Status("error", "!", "a bug of the harness; says nothing about the backend")
CRASH = Status("crash", "▲", "the compiler or the compiled code died")
INVALID = Status("invalid", "◆", "made IR that breaks the dialect's own contract")
INVALID_RIGHT = Status("invalid-right", "◈", "made IR that the specification forbids, and that runs right")
TIMEOUT = Status("timeout", "∞", "did not end in time")
UNSUPPORTED = Status("unsupported", "○", "the lowering, or the frontend, says no; nothing passed")
PARTIAL = Status("partial", "◐", "some pass; others are refused, invalid, blocked, not exported, executed or run")
UNEXECUTED = Status("unexecuted", "◇", "no executor can run it, or one torch-mlir cannot read another's IR")
UNEXPORTED = Status("unexported", "⊘", "PyTorch cannot export it, or decomposes it wrongly")
BLOCKED = Status("blocked", "□", "the frontend failed, so the backend never saw it")
UNRUN = Status("unrun", "⋯", "not run, after another sample of the op hung")
OUTSIDE = Status("outside", "∉", "refused or invalid, with an element type that the dialect lacks")
EXCLUDED = Status("excluded", "–", "outside the contract, with a reason")
NEVER = Status("never", "·", "never run")
PASS = Status("pass", "●", "every sample passed (frontend: got through), excluded, outside aside")

STATUSES = (
    WRONG,
    ERROR,
    CRASH,
    INVALID,
    TIMEOUT,
    INVALID_RIGHT,
    UNSUPPORTED,
    PARTIAL,
    UNEXECUTED,
    UNEXPORTED,
    BLOCKED,
    UNRUN,
    OUTSIDE,
    EXCLUDED,
    NEVER,
    PASS,
)

STATUS_OF_OUTCOME: Mapping[str, Status] = {
    "Wrong": WRONG,
    "HarnessError": ERROR,
    "Crashed": CRASH,
    "Invalid": INVALID,
    "TimedOut": TIMEOUT,
    "InvalidRight": INVALID_RIGHT,
    "Unsupported": UNSUPPORTED,
    "NotExecuted": UNEXECUTED,
    "NotExported": UNEXPORTED,
    "Blocked": BLOCKED,
    "NotRun": UNRUN,
    "Outside": OUTSIDE,
    "Excluded": EXCLUDED,
    "Reached": PASS,
    "Passed": PASS,
}
"""The status of a cell in which every sample has the outcome of this name; the outcomes are in order of alarm.

`InvalidRight` is an `Invalid` that executors ran and found right.
"""
OUTCOMES_BY_ALARM = tuple(STATUS_OF_OUTCOME)
"""The names of the outcomes as reports count them, the most alarming first."""

GRAVE = ("Wrong", "HarnessError", "Crashed", "TimedOut")
"""One sample with one of these outcomes decides the status of its cell, however many samples passed."""
FAILING = ("Wrong", "Crashed", "Invalid", "TimedOut", "InvalidRight", "Unsupported")
"""Outcomes that are the backend's fault. A sample with one of these, or one of `GOOD`, is judged; others are not."""
GOOD = tuple(cls.__name__ for cls in BEST)
"""Outcomes of samples with which nothing is wrong: on a backend, and in the frontend's column."""
BEFORE = ("Excluded", "Blocked", "NotExported")
"""Outcomes of samples that a backend never saw; all others reached it."""

APART = "Outside"
"""The outcome of samples that are counted apart: in no number of all samples, and in no share."""

DECOMPOSED = "~"
"""Marks an op that reaches no backend, because it is decomposed into other ops before."""
DECOMPOSED_MEANING = "decomposed away: this op never reaches the backend"


def counted_name(outcome: Outcome) -> str:
    """Return the name by which reports count an outcome: that of its class, and `InvalidRight`."""
    return "InvalidRight" if isinstance(outcome, Invalid) and outcome.ran == "right" else type(outcome).__name__


def worst(outcomes: Iterable[str]) -> str | None:
    """Return the most alarming of these outcome names; None if there are none."""
    seen = set(outcomes)
    return next((name for name in STATUS_OF_OUTCOME if name in seen), None)


def decide(outcomes: Iterable[str]) -> Status:
    """Return the status of a cell whose samples have the outcomes of these names.

    If no sample passed, the most alarming outcome decides; a cell without samples is `NEVER`. If a sample passed, the
    most alarming outcome of `GRAVE` decides. Without one, the cell is `PASS` if all its other samples are excluded or
    outside the dialect, and `PARTIAL` if any sample was refused, invalid or not judged.
    """
    seen = set(outcomes)
    name = worst(seen & set(GRAVE)) if seen & set(GOOD) else worst(seen)
    if name:
        return STATUS_OF_OUTCOME[name]
    if not seen:
        return NEVER
    return PASS if seen <= {*GOOD, "Excluded", APART} else PARTIAL
