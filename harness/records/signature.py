"""What failures of one kind have in common: the outcome, its stage, the op at fault and the kind of fault."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from .frontend import FRONTEND, culprit
from .outcome import (
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


@dataclass(frozen=True, slots=True, order=True)
class Signature:
    """Equal for two samples that came to the same end; it leaves out numbers, seconds, messages and executors.

    - `outcome`: the class name of the outcome, `stage` its stage.
    - `culprit`: the op at which the lowering or the frontend stopped; "" where none is named.
    - `kind`: of a wrong sample what differs, of a crash the signal, of an invalid module what executors made of it, of
      a blocked sample the frontend's outcome, of one outside the dialect the element types that it lacks; else "".
    """

    outcome: str
    stage: str
    culprit: str = ""
    kind: str = ""

    def __str__(self) -> str:
        """The signature in one line, such as `Unsupported at lower: torch.aten.sort`."""
        more = ", ".join(part for part in (self.culprit, self.kind) if part)
        return f"{self.outcome} at {self.stage}" + (f": {more}" if more else "")


def signature(outcome: Outcome, backend: str) -> Signature:
    """The signature of an outcome on a backend, or in the frontend."""
    name = type(outcome).__name__
    match outcome:
        case Unsupported(culprit=op):
            return Signature(name, outcome.stage, op or "")
        case Invalid(diagnostic=text, ran=ran):
            return Signature(name, outcome.stage, (culprit(text) or "") if backend == FRONTEND else "", ran)
        case Wrong(kind=kind):
            return Signature(name, outcome.stage, kind=kind)
        case Crashed(signal=signal):
            return Signature(name, outcome.stage, kind=signal)
        case Blocked(by=by):
            return Signature(name, outcome.stage, kind=by)
        case Outside(lacking=lacking):
            return Signature(name, outcome.stage, kind=lacking)
        case Passed() | Reached() | TimedOut() | NotRun() | NotExported() | NotExecuted() | Excluded() | HarnessError():
            return Signature(name, outcome.stage)
        case _:
            assert_never(outcome)
