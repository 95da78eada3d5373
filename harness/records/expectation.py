"""Judges a cell's outcomes: a measured shortfall of a backend is a result, a fault of ours fails the run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, assert_never

from .journal import Record
from .outcome import (
    OUTCOMES,
    Crashed,
    Excluded,
    HarnessError,
    Invalid,
    NotExecuted,
    NotExported,
    Outcome,
    Passed,
    TimedOut,
    Unsupported,
    Wrong,
)

CONTROL = "control"
"""The backend that is eager against itself."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`right`, `shortfall` (the backend's, or a limit of export or of the executors), `outside` (nothing to judge) or
    `broken` (ours), with one line that says why."""

    kind: Literal["right", "shortfall", "outside", "broken"]
    reason: str = ""


def judge(records: Sequence[Record], backend: str) -> Verdict:
    """The verdict on one cell's records; the control backend has no right to any shortfall.

    Of OpInfo's samples it may lose those that eager or export rejects: nobody here chose them.
    """
    if backend == CONTROL:
        records = [r for r in records if not not_ours(r)]
    counts = Counter(type(r.outcome) for r in records if not r.minimised)
    worst = next((cls for cls in OUTCOMES if counts[cls]), Excluded)
    if worst is Passed:
        return Verdict("right")
    shown = next(r for r in records if type(r.outcome) is worst)
    reason = f"{worst.__name__} {counts[worst]}/{counts.total()}: {one_line(shown.outcome)} (sample {shown.id})"
    if worst is HarnessError or (backend == CONTROL and set(counts) != {Passed}):
        return Verdict("broken", reason)
    return Verdict("outside" if worst is Excluded and not counts[Passed] else "shortfall", reason)


def not_ours(record: Record) -> bool:
    """Whether the control may lose this record: a sample of OpInfo's, chosen by nobody here, that is rejected."""
    chosen = record.sample is not None and record.sample.origin != "census"
    return chosen and isinstance(record.outcome, (Excluded, NotExported))


def one_line(outcome: Outcome) -> str:
    """Why, in one line of at most 200 characters."""
    return _why(outcome).strip().splitlines()[0][:200] if _why(outcome).strip() else ""


def _why(outcome: Outcome) -> str:
    match outcome:
        case Passed(share=share):
            return f"worst error {share:.0%} of its bound"
        case Wrong(kind=kind, message=message):
            return f"{kind}: {message}"
        case Crashed(stage=stage, signal=signal):
            return f"{signal} in {stage}"
        case Invalid(diagnostic=diagnostic):
            return diagnostic
        case Unsupported(culprit=culprit, diagnostic=diagnostic):
            return f"stopped at {culprit}" if culprit else diagnostic
        case TimedOut(stage=stage, seconds=seconds):
            return f"{seconds:g} s in {stage}"
        case NotExported(stage=stage, reason=reason):
            return f"{stage}: {reason}"
        case NotExecuted(reasons=reasons):
            return "; ".join(f"{name}: {why}" for name, why in reasons.items())
        case Excluded(reason=reason):
            return reason
        case HarnessError(traceback=traceback):
            return traceback.strip().splitlines()[-1] if traceback.strip() else ""
        case _:
            assert_never(outcome)
