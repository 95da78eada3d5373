"""What happened to one sample on one backend: a closed sum type, JSON in and out.

Consume it with `match` and `assert_never`; the order of `OUTCOMES` is the order of alarm, most alarming first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

Stage = Literal["export", "import", "contract", "lower", "verify", "execute", "compare"]
STAGES: tuple[Stage, ...] = ("export", "import", "contract", "lower", "verify", "execute", "compare")
WrongKind = Literal["value", "shape", "dtype", "non-finite", "arity", "specialized"]


@dataclass(frozen=True, slots=True)
class Passed:
    """Right on every output at every size; `share` is the worst error over its bound, in [0, 1].

    `executors` are those that say so; `dissent` is what others got wrong, or died of: their own fault.
    """

    share: float
    executors: tuple[str, ...]
    dissent: Mapping[str, str] = field(default_factory=dict)
    stage: Stage = "compare"


@dataclass(frozen=True, slots=True)
class Wrong:
    """Silently wrong: the artifact ran and its result is not eager's.

    `element` is the index of the worst element, `expected` and `actual` its values as text, `sizes` the named dims of
    the run it was seen at, `count` and `of` how many elements are out of bound. `executor` is who ran it, `confirmed`
    are all that were asked and got the same wrong, `others` says what the rest got, or why they cannot run it.
    """

    kind: WrongKind
    message: str
    output: int
    executor: str
    element: tuple[int, ...] = ()
    expected: str = ""
    actual: str = ""
    error: float | None = None
    bound: float | None = None
    count: int = 0
    of: int = 0
    sizes: Mapping[str, int] = field(default_factory=dict)
    confirmed: tuple[str, ...] = ()
    others: Mapping[str, str] = field(default_factory=dict)
    stage: Stage = "compare"


@dataclass(frozen=True, slots=True)
class Crashed:
    """The compiler or the compiled code died; `signal` is `SIGSEGV`, `exit 3`, `memory limit` ..."""

    stage: Stage
    signal: str
    stderr: str


@dataclass(frozen=True, slots=True)
class Invalid:
    """The lowering said yes, but its output breaks the dialect's own contract (verifier error, leaked dialect)."""

    stage: Stage
    diagnostic: str


@dataclass(frozen=True, slots=True)
class Unsupported:
    """The lowering said no; `culprit` is the op it stopped at, after decomposition, such as `torch.aten.sort`."""

    stage: Stage
    diagnostic: str
    culprit: str | None


@dataclass(frozen=True, slots=True)
class TimedOut:
    """The stage did not end within the sample's deadline of `seconds`."""

    stage: Stage
    seconds: float


@dataclass(frozen=True, slots=True)
class NotExported:
    """PyTorch's export or the importer cannot express the sample: no backend's fault."""

    stage: Stage
    reason: str


@dataclass(frozen=True, slots=True)
class NotExecuted:
    """Lowered and verified, but no executor can run it; `reasons` maps executor to why."""

    reasons: Mapping[str, str]
    stage: Stage = "execute"


@dataclass(frozen=True, slots=True)
class Excluded:
    """Outside the contract: eager itself refuses it, or the case says why."""

    reason: str
    stage: Stage = "export"


@dataclass(frozen=True, slots=True)
class HarnessError:
    """Our own bug (a broken case included); a run with one of these is not green."""

    traceback: str
    stage: Stage = "export"


Outcome = (
    Passed | Wrong | Crashed | Invalid | Unsupported | TimedOut | NotExported | NotExecuted | Excluded | HarnessError
)
OUTCOMES: tuple[type[Outcome], ...] = (
    HarnessError,
    Wrong,
    Crashed,
    Invalid,
    TimedOut,
    Unsupported,
    NotExecuted,
    NotExported,
    Excluded,
    Passed,
)
BY_NAME: Mapping[str, type[Outcome]] = {cls.__name__: cls for cls in OUTCOMES}

Shown = Stage | Literal["before", "after"]
Show = Callable[[Shown, str], None]
"""Given the IR of a stage, or that before and after the step where results part from eager's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstWrongPass:
    """Where on its way through the compiler, step by step, a program's results part from eager's.

    `wrong` is the first step after which they are wrong, and `message` says how; None where they are right after every
    step that can be run. `right` is the last step before it after which they are right, None if there is none;
    `between` are the steps between the two, and why none of them can be run.
    """

    right: str | None
    wrong: str | None
    message: str = ""
    between: Mapping[str, str] = field(default_factory=dict)

    @property
    def where(self) -> str | None:
        """The first wrong step, or that and the first one before it that cannot be run: it is one of these."""
        return f"{next(iter(self.between))} to {self.wrong}" if self.wrong and self.between else self.wrong

    def __str__(self) -> str:
        """In one line."""
        unknown = f"; {', '.join(self.between)} cannot be run" if self.between else ""
        if self.wrong is None:
            return f"right until {self.right}, after every step that can be run{unknown}"
        since = f"right until {self.right}" if self.right else "no step before it is right"
        return f"parts from eager after {self.wrong} ({since}{unknown})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one sample did on one backend: the outcome, the seconds of each stage, the ops at the backend contract.

    `cause` is what a checking executor says of an artifact that is wrong or dies: a sentence, empty if it says nothing.
    `first_wrong_pass` says after which step the results of a wrong sample are wrong, if that was asked.
    `numeric` names the class whose bound its results are held to, "" where all are exact; `traits` are those that
    only running it shows.
    """

    outcome: Outcome
    seconds: Mapping[str, float] = field(default_factory=dict)
    reached: tuple[str, ...] = ()
    cause: str = ""
    first_wrong_pass: FirstWrongPass | None = None
    numeric: str = ""
    traits: tuple[str, ...] = ()


def detail(outcome: Outcome) -> dict[str, Any]:
    """The outcome's fields but its stage, as JSON values (the journal's `detail`)."""
    values = asdict(outcome)
    del values["stage"]
    return values


def restore(name: str, stage: str, values: Mapping[str, Any]) -> Outcome:
    """The inverse of `detail`: an outcome from its class name, stage and detail; raises KeyError or TypeError."""
    if stage not in STAGES:
        raise KeyError(stage)
    cls: Any = BY_NAME[name]
    kept = {f.name: values[f.name] for f in fields(cls) if f.name in values}
    for key in ("executors", "element", "confirmed"):
        if key in kept:
            kept[key] = tuple(kept[key])
    outcome: Outcome = cls(**kept, stage=stage)
    return outcome
