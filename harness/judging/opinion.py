"""What a second opinion on a failed sample comes to: it confirms the failure, clears the backend, or does neither.

The executors whose verdict counts run with guards: an access out of bounds kills them, and memory that nobody wrote
holds huge values. An executor that is asked for an opinion has no guards, so it may be right by luck. It clears a
sample only where the executors with guards ran to their end and runtime verification, at every size, found nothing. A
sample on which compiled code died is never cleared: what else it does wrong is not known.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from harness.records.opinion import Opinion, Says
from harness.records.outcome import Crashed, NotExecuted, Outcome, Passed, Result, TimedOut, Wrong

from .blame import ExecutorVerdict

UNGUARDED = "unguarded_buffers"
"""The trait of a sample whose compiled code asked for more buffers than have guards."""
_LATE = ("execute", "compare")
"""The stages of failures on which an executor can have an opinion."""


def may_have_one(outcome: Outcome) -> bool:
    """Whether an executor can have an opinion on the outcome: the module was lowered, and found to be right by none."""
    return isinstance(outcome, (Wrong, Crashed, TimedOut, NotExecuted)) and outcome.stage in _LATE


def with_opinion(failed: Result, executor: str, verdicts: Iterable[ExecutorVerdict], verified: Iterable[str]) -> Result:
    """The result of a failed sample with the opinion of an executor; it has passed if that clears it.

    `verdicts` are the executor's on each run of the sample, `verified` is what runtime verification says of each: "" if
    it ran to its end and found nothing. Neither is drawn from further than it takes to know.
    """
    shares: list[float] = []
    for verdict in verdicts:
        match verdict:
            case Wrong(message=message):
                says = Opinion(executor=executor, says=_disagreement(failed.outcome, verdict), why=message)
                return replace(failed, opinion=says)
            case str():
                return replace(failed, opinion=Opinion(executor=executor, says="none", why=verdict))
            case _:
                shares.append(verdict)
    if not shares:
        return replace(failed, opinion=Opinion(executor=executor, says="none", why="no size to run at"))
    if why := _hindrance(failed, verified):
        return replace(failed, opinion=Opinion(executor=executor, says="right", why=why))
    return _cleared(failed, executor, max(shares))


def _disagreement(outcome: Outcome, other: Wrong) -> Says:
    """Whether an executor that is wrong too is so in the same kind and output."""
    alike = isinstance(outcome, Wrong) and (outcome.kind, outcome.output) == (other.kind, other.output)
    return "confirms" if alike else "differs"


def _hindrance(failed: Result, verified: Iterable[str]) -> str:
    """Why being right does not clear a failed sample; "" if it does."""
    match failed.outcome:
        case Crashed(signal=signal):
            return f"another executor dies of it ({signal})"
        case TimedOut():
            return "another executor does not end"
        case NotExecuted():
            return "no executor with guards can run it"
    if UNGUARDED in failed.traits:
        return "not every buffer had a guard"
    return failed.cause or next(filter(None, verified), "")


def _cleared(failed: Result, executor: str, share: float) -> Result:
    """The result of a wrong sample that an executor clears: right, and the others are at fault themselves."""
    wrong = failed.outcome
    assert isinstance(wrong, Wrong)
    at_fault = dict.fromkeys(wrong.confirmed or (wrong.executor,), wrong.message) | dict(wrong.others)
    opinion = Opinion(executor=executor, says="clears", instead=wrong)
    return replace(failed, outcome=Passed(share, (executor,), at_fault), opinion=opinion)
