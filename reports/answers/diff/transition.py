"""How two endings of one sample compare: worse, undecided, changed, better or the same. See docs/diff.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from harness.records.outcome import STAGES
from reports.fold.ending import Ending
from reports.fold.status import GOOD

Kind = Literal["worse", "undecided", "changed", "better"]
KINDS: tuple[Kind, ...] = ("worse", "undecided", "changed", "better")
"""The most alarming first."""
RIGHT = GOOD
RED = ("Wrong", "Crashed", "TimedOut")
"""What nobody may become, from whatever it was."""
NEWLY: Mapping[str, str] = {
    "Wrong": "newly wrong",
    "Crashed": "new crash",
    "TimedOut": "newly timed out",
    "Invalid": "newly invalid",
    "Unsupported": "newly refused",
    "Outside": "newly outside the dialect",
    "Blocked": "newly blocked",
    "NotExported": "newly unexported",
    "Excluded": "newly excluded",
}
"""What a worse sample is called, by what it came to; the most alarming first."""
NO_LONGER: Mapping[str, str] = {
    "Wrong": "no longer wrong",
    "Crashed": "no longer crashing",
    "TimedOut": "no longer timed out",
}
"""What a better sample that is not right is called, by what it had been; the most alarming first."""
FIXED = "fixed"
CHANGED = "changed"
UNDECIDED: Mapping[str, str] = {
    "HarnessError": "harness error",
    "NotExecuted": "not executed",
    "NotRun": "not run after a hang",
}
"""Why a sample with such an outcome on one side is undecided."""
VOID = tuple(UNDECIDED)
"""Outcomes that say nothing of the compiler: opcov failed, no executor can run it, it was not waited for."""
MISSING_EXECUTOR = "missing executor"
SHORTER_DEADLINE = "shorter deadline"
_ALARM = (*NEWLY, *VOID, *RIGHT)


@dataclass(frozen=True, slots=True)
class Means:
    """What a run could judge samples with.

    `missing` are the executors that the other run had and this one has not; `seconds` is the deadline of a sample, None
    if the journal does not say.
    """

    missing: frozenset[str] = frozenset()
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Transition:
    """How a sample has changed: `name` is what reports call it, such as `newly wrong` or `fixed`.

    Of what is undecided the name is the reason. `rank` orders transitions, the most alarming first.
    """

    kind: Kind
    name: str
    rank: tuple[int, int, int]


def transition(before: Ending, after: Ending, means: tuple[Means, Means] = (Means(), Means())) -> Transition | None:
    """The transition of a sample from one ending to another; None if they are the same.

    Two samples of which nothing is known are the same if it is for the same reason.
    """
    if is_same(before, after):
        return None
    if reason := _undecided(before, after, means):
        return undecided(before, after, reason)
    if after.outcome in RED and before.outcome != after.outcome:
        return _transition("worse", NEWLY[after.outcome], before, after)
    if before.outcome in RIGHT:
        return _transition("worse", NEWLY[after.outcome], before, after)
    if after.outcome in RIGHT:
        return _transition("better", FIXED, before, after)
    if before.outcome in RED and before.outcome != after.outcome:
        return _transition("better", NO_LONGER[before.outcome], before, after)
    return _transition("changed", CHANGED, before, after)


def undecided(before: Ending, after: Ending, reason: str) -> Transition:
    """The transition of a sample whose change says nothing of the compilers, for this reason."""
    return _transition("undecided", reason, before, after)


def _transition(kind: Kind, name: str, before: Ending, after: Ending) -> Transition:
    return Transition(kind, name, (KINDS.index(kind), _ALARM.index(after.outcome), _ALARM.index(before.outcome)))


def _undecided(before: Ending, after: Ending, means: tuple[Means, Means]) -> str:
    """Why the transition says nothing of the compilers; "" if it does."""
    for ending in (after, before):
        if ending.outcome in VOID:
            return UNDECIDED[ending.outcome]
    for mine, theirs, their_means in ((before, after, means[1]), (after, before, means[0])):
        if _ran(theirs) and mine.executors and their_means.missing.issuperset(mine.executors):
            return MISSING_EXECUTOR
        if mine.outcome == "TimedOut" and (mine.seconds or 0.0) < (their_means.seconds or 0.0):
            return SHORTER_DEADLINE
    return ""


def _ran(ending: Ending) -> bool:
    return STAGES.index(ending.signature.stage) >= STAGES.index("execute")


def is_same(before: Ending, after: Ending) -> bool:
    """Whether two endings are the same, as far as both journals tell.

    Right is right, by whatever executor and at whatever share of the bound. A second opinion may have cleared the
    sample in one run, and not have been asked for in the other. Of the first wrong pass, and of the op that stopped the
    frontend, a journal may say nothing. A sample is outside the dialect by what the header of its journal
    says, so it is compared as what it was before: refused, with a diagnostic.
    """
    one, other = before.signature, after.signature
    outcomes = {one.outcome, other.outcome}
    if outcomes <= {*RIGHT} or before.instead == other or after.instead == one:
        return True
    if outcomes & {*VOID}:
        return one.outcome == other.outcome
    if before.step and after.step and before.step != after.step:
        return False
    if "Outside" in outcomes and outcomes <= {"Outside", "Unsupported", "Invalid"}:
        return (one.stage, before.detail) == (other.stage, after.detail)
    if outcomes == {"Blocked"}:
        one, other = replace(one, culprit=""), replace(other, culprit="")
    return one == other and before.detail == after.detail
