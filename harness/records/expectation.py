"""Judge a cell's outcomes: a shortfall of a backend is a result, a fault of opcov itself fails the run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, assert_never

from .journal import Record
from .outcome import (
    BEST,
    OUTCOMES,
    Blocked,
    Crashed,
    Excluded,
    HarnessError,
    Invalid,
    NotExecuted,
    NotExported,
    NotRun,
    Outcome,
    Outside,
    Passed,
    Reached,
    TimedOut,
    Unsupported,
    Wrong,
)

CONTROL = "control"
"""The name of the control backend, which compares eager with itself."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict on a cell, with the reason in one line.

    - `right`: every sample passed, or reached the backend contract in the frontend's column.
    - `shortfall`: some did not, by the backend's or the frontend's fault or a limit of export or of the executors.
    - `outside`: every sample is excluded, outside the dialect or not run after a hang: there is nothing to judge.
    - `broken`: opcov itself is at fault.
    """

    kind: Literal["right", "shortfall", "outside", "broken"]
    reason: str = ""


def judge(records: Sequence[Record], backend: str) -> Verdict:
    """The verdict on one cell's records, by the most alarming outcome among them; minimised samples do not count.

    The control backend must pass everywhere: any other outcome there is `broken`. Only two do not count against it:
    samples of OpInfo that eager or export rejects, since opcov did not choose them, and samples that were not run after
    a hang, since nothing is known of them.
    """
    if backend == CONTROL:
        records = [r for r in records if not not_ours(r)]
        if not records:
            return Verdict("outside", "eager or export rejects every sample of OpInfo")
    counts = Counter(type(r.outcome) for r in records if not r.minimised)
    worst = next((cls for cls in OUTCOMES if counts[cls]), Excluded)
    if worst in BEST or (worst is Outside and any(counts[cls] for cls in BEST)):
        return Verdict("right")
    shown = next(r for r in records if type(r.outcome) is worst)
    reason = f"{worst.__name__} {counts[worst]}/{counts.total()}: {one_line(shown.outcome)} (sample {shown.id})"
    if worst is HarnessError or (backend == CONTROL and not set(counts) <= {Passed, NotRun}):
        return Verdict("broken", reason)
    good = any(counts[cls] for cls in BEST)
    return Verdict("outside" if worst in (NotRun, Outside, Excluded) and not good else "shortfall", reason)


def not_ours(record: Record) -> bool:
    """Whether this is no fault of ours: a sample of OpInfo's, not kept for the census, that eager or export rejects.

    Or one that a transform cannot use, or that has no derivative.
    """
    if record.road.transform != "none" and isinstance(record.outcome, Excluded):
        return True
    opinfo = record.sample is not None and record.sample.origin in ("opinfo", "rejected")
    return opinfo and isinstance(record.outcome, (Excluded, NotExported))


def one_line(outcome: Outcome) -> str:
    """The reason for the outcome, in one line of at most 200 characters."""
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
        case NotRun(stage=stage, seconds=seconds, after=after):
            return f"{seconds:g} s in {stage}, where sample {after} hung"
        case NotExported(stage=stage, reason=reason):
            return f"{stage}: {reason}"
        case Reached():
            return "in the backend contract"
        case Blocked(stage=stage, by=by, reason=reason):
            return f"{by} at {stage} in the frontend" + (f": {reason}" if reason else "")
        case NotExecuted(reasons=reasons):
            return "; ".join(f"{name}: {why}" for name, why in reasons.items())
        case Outside(lacking=lacking, by=by):
            return f"the dialect has no {lacking}: {by}"
        case Excluded(reason=reason):
            return reason
        case HarnessError(traceback=traceback):
            return traceback.strip().splitlines()[-1] if traceback.strip() else ""
        case _:
            assert_never(outcome)
