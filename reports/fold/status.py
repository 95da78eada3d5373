"""The status of a cell: one word, one symbol and one meaning, decided from the counts of its outcomes.

Every report shows the same symbols and takes them from here; `STATUSES` is in order of alarm, most alarming first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Status:
    """What a cell shows; `name` is also its colour class and its word in filters (`is:wrong`)."""

    name: str
    symbol: str
    meaning: str

    @property
    def rank(self) -> int:
        """The place in the order of alarm, 0 the most alarming."""
        return STATUSES.index(self)

    @property
    def fails(self) -> bool:
        """Whether the backend was seen to fall short: anything from wrong to partly right, but for our own errors."""
        return self.rank <= PARTIAL.rank and self is not ERROR


WRONG = Status("wrong", "✗", "silently wrong on at least one sample")
ERROR = Status("error", "!", "a bug of the harness; says nothing about the backend")
CRASH = Status("crash", "▲", "the compiler or the compiled code died")
INVALID = Status("invalid", "◆", "lowered to IR that breaks the dialect's own contract")
TIMEOUT = Status("timeout", "∞", "did not end in time")
UNSUPPORTED = Status("unsupported", "○", "the lowering says no; nothing passed")
PARTIAL = Status("partial", "◐", "some samples passed; the rest were refused, invalid, not executed or not exported")
UNEXECUTED = Status("unexecuted", "◇", "lowered and verified, but no executor can run it")
UNEXPORTED = Status("unexported", "□", "PyTorch's export or the importer cannot express it")
EXCLUDED = Status("excluded", "–", "outside the contract, with a reason")
NEVER = Status("never", "·", "never run")
PASS = Status("pass", "●", "every sample passed, excluded ones aside")

STATUSES = (
    WRONG,
    ERROR,
    CRASH,
    INVALID,
    TIMEOUT,
    UNSUPPORTED,
    PARTIAL,
    UNEXECUTED,
    UNEXPORTED,
    EXCLUDED,
    NEVER,
    PASS,
)
BY_NAME: Mapping[str, Status] = {status.name: status for status in STATUSES}

OF_OUTCOME: Mapping[str, Status] = {
    "Wrong": WRONG,
    "HarnessError": ERROR,
    "Crashed": CRASH,
    "Invalid": INVALID,
    "TimedOut": TIMEOUT,
    "Unsupported": UNSUPPORTED,
    "NotExecuted": UNEXECUTED,
    "NotExported": UNEXPORTED,
    "Excluded": EXCLUDED,
    "Passed": PASS,
}
"""The status of a cell in which every sample has this outcome, in order of alarm."""

GRAVE = ("Wrong", "HarnessError", "Crashed", "TimedOut")
"""Outcomes of which one decides a cell, however many samples passed."""
FAILING = ("Wrong", "Crashed", "Invalid", "TimedOut", "Unsupported")
"""Outcomes that are the backend's to answer for; these and `Passed` are judged, the others are not."""

DECOMPOSED = "~"
"""Marks an op that never reached a backend: it was decomposed into others before."""
DECOMPOSED_MEANING = "decomposed away: this op never reaches the backend"


def worst(outcomes: Iterable[str]) -> str | None:
    """The most alarming of these outcome names; None of none."""
    seen = set(outcomes)
    return next((name for name in OF_OUTCOME if name in seen), None)


def decide(outcomes: Iterable[str]) -> Status:
    """The status of a cell that holds these outcomes.

    One sample that is wrong, broken, crashing or timing out decides it, however many passed. Otherwise a cell with a
    pass is `PASS` where all the rest is excluded, and `PARTIAL` where anything was refused, or lowered to what the next
    tool will refuse (a dialect may lack a dtype of the op's), or not judged.
    """
    seen = set(outcomes)
    name = worst(seen & set(GRAVE)) if "Passed" in seen else worst(seen)
    if name:
        return OF_OUTCOME[name]
    if not seen:
        return NEVER
    return PASS if seen <= {"Passed", "Excluded"} else PARTIAL
