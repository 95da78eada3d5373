"""What happened to one sample on one backend or in the frontend: the sum type `Outcome`, to and from JSON.

Consume it with `match` and `assert_never`. `OUTCOMES` lists its classes, the most alarming first. In a journal line the
class's name is `outcome`, its stage is `stage`, and its other fields are `detail`. An outcome is a recorded fact;
`expectation.judge` makes a verdict of the outcomes of a cell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from .opinion import Opinion

Stage = Literal["export", "import", "contract", "lower", "verify", "execute", "compare"]
STAGES: tuple[Stage, ...] = ("export", "import", "contract", "lower", "verify", "execute", "compare")
SHARED: tuple[Stage, ...] = ("export", "import", "contract")
"""The stages of the frontend, through which a program goes once for all backends."""
WrongKind = Literal["value", "shape", "dtype", "non-finite", "arity", "specialized"]
"""What differs from eager: the number of results (`arity`), a shape, a dtype, or an element (`value`).

`specialized` is a wrong shape that is the shape at export. `non-finite` means that every wrong element is NaN or
infinite, in eager's result or in the other one.
"""

Ran = Literal["", "right", "wrong", "died", "cannot run"]
"""What executors made of a module that its specification does not allow; `died` includes that it did not end."""


@dataclass(frozen=True, slots=True)
class Passed:
    """Right on every output at every size.

    - `share`: the worst error divided by its bound, in [0, 1]; 0 where all results are exact.
    - `executors`: the executors that got the right results.
    - `dissent`: other executors, each with what it got wrong or died of; that is the executor's own fault.
    """

    share: float
    executors: tuple[str, ...]
    dissent: Mapping[str, str] = field(default_factory=dict)
    stage: Stage = "compare"


@dataclass(frozen=True, slots=True)
class Wrong:
    """Silently wrong: the artifact ran, and its result is not eager's.

    - `kind`, `message`: what differs, and how, in one sentence.
    - `output`: the index of the wrong result.
    - `executor`: the executor that ran it.
    - `element`: the index of the worst element.
    - `expected`, `actual`: eager's value of that element and the executor's, as text.
    - `error`, `bound`: its error and the largest error allowed, as floats; None where they are not finite or not
      defined.
    - `count`, `of`: how many elements are out of bound, of how many.
    - `sizes`: the sizes of the named dims in that run.
    - `confirmed`: all executors with the same kind of wrong result in the same output, `executor` among them.
    - `others`: the other executors that were asked, each with its result, or why it cannot run the artifact.
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
    """The compiler or the compiled code died.

    `signal` is how: `SIGSEGV`, `exit 3`, `memory limit` ... `stderr` is the end of what it wrote there.
    """

    stage: Stage
    signal: str
    stderr: str


@dataclass(frozen=True, slots=True)
class Invalid:
    """The lowering succeeded, but its output breaks the dialect's own contract (verifier error, leaked dialect).

    Where the specification alone forbids it, it is run all the same:

    - `ran`: what the executors made of it, "" where none was asked.
    - `finding`: that in one sentence: which executors are right, what is wrong, why it cannot be run.

    Of the frontend: the importer or a pass of the contract pipeline made IR that the torch dialect's verifier rejects.
    """

    stage: Stage
    diagnostic: str
    ran: Ran = ""
    finding: str = ""


@dataclass(frozen=True, slots=True)
class Unsupported:
    """The lowering refused; `culprit` is the op it stopped at, after decomposition, such as `torch.aten.sort`.

    Of the frontend: the importer or the contract pipeline refused. The culprit may also be a dtype or a function of
    Python that the importer does not know, such as `torch.uint64` or `sym_float`.
    """

    stage: Stage
    diagnostic: str
    culprit: str | None


@dataclass(frozen=True, slots=True)
class TimedOut:
    """`stage` did not end within the sample's deadline of `seconds`."""

    stage: Stage
    seconds: float


@dataclass(frozen=True, slots=True)
class NotRun:
    """Not run after a hang: says nothing of the sample, since the parent did not wait for it as long as for others.

    - `stage`: the stage that the sample was in.
    - `seconds`: what it was given there; a share of the deadline.
    - `after`: the id of the sample of the same op that hung at this stage for the full deadline before, or took long to
      reach the memory limit there.
    """

    stage: Stage
    seconds: float
    after: str


@dataclass(frozen=True, slots=True)
class NotExported:
    """PyTorch's export cannot express the sample, or torch's own decomposition is not what eager computes.

    Neither is torch-mlir's fault. It is an outcome of the frontend, and of the control, which starts from the exported
    program; a backend's is `Blocked`.
    """

    stage: Stage
    reason: str


@dataclass(frozen=True, slots=True)
class Reached:
    """The frontend took the program to the backend contract: the best outcome of the frontend, and of nothing else."""

    stage: Stage = "contract"


@dataclass(frozen=True, slots=True)
class Blocked:
    """The backend never saw the program as the user wrote it, since the frontend failed before: no backend's fault.

    - `by`: the class name of the frontend's outcome, such as `Unsupported`; `stage` is that outcome's stage.
    - `reason`: why, in one line; "" where the frontend's own record of the sample says so.
    """

    stage: Stage
    by: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class NotExecuted:
    """No executor can run it, or one torch-mlir cannot read another's IR; `reasons` says why, by executor.

    In the second case, a version skew, `stage` is the one whose text the other side could not parse. Where the program
    that the backend drives is absent, that is the reason, and `stage` the one that needs it.
    """

    reasons: Mapping[str, str]
    stage: Stage = "execute"


@dataclass(frozen=True, slots=True)
class Excluded:
    """Outside the contract: eager itself refuses the sample, or the case excludes it with a reason."""

    reason: str
    stage: Stage = "export"


@dataclass(frozen=True, slots=True)
class Outside:
    """Refused, or made IR that is not valid, of a sample with an element type that the dialect lacks.

    No journal line has it: `element_types.judged` makes it of an `Unsupported` or `Invalid` record.

    - `lacking`: the element types that the dialect lacks, joined by commas.
    - `by`: the class name of the recorded outcome; `stage` is that outcome's stage.
    - `reason`: the diagnostic of that outcome.
    """

    stage: Stage
    lacking: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class HarnessError:
    """A bug of opcov's own, such as a broken case; a run with one of these fails."""

    traceback: str
    stage: Stage = "export"


Outcome = (
    Passed
    | Wrong
    | Crashed
    | Invalid
    | Unsupported
    | TimedOut
    | NotRun
    | NotExported
    | Reached
    | Blocked
    | NotExecuted
    | Outside
    | Excluded
    | HarnessError
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
    Blocked,
    NotRun,
    Outside,
    Excluded,
    Reached,
    Passed,
)
BEST: tuple[type[Outcome], ...] = (Passed, Reached)
"""The outcomes of a sample with which nothing is wrong: on a backend, and in the frontend."""
BY_NAME: Mapping[str, type[Outcome]] = {cls.__name__: cls for cls in OUTCOMES}
_DETAILS = {name: tuple(f.name for f in fields(cls)) for name, cls in BY_NAME.items()}

Shown = Stage | Literal["before", "after"]
Show = Callable[[Shown, str], None]
"""Receives the IR of a stage, or the IR `before` and `after` the first wrong pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstWrongPass:
    """The first step of the compiler after which a program's results differ from eager's.

    - `wrong`: that step; None if the results are right after every step that can be run.
    - `message`: how the results are wrong.
    - `right`: the last step before it after which the results are right; None if there is none.
    - `between`: the steps between the two, each with the reason why it cannot be run.
    """

    right: str | None
    wrong: str | None
    message: str = ""
    between: Mapping[str, str] = field(default_factory=dict)

    @property
    def where(self) -> str | None:
        """The wrong step, or, if the steps before it cannot be run, the range of steps that holds the wrong one."""
        return f"{next(iter(self.between))} to {self.wrong}" if self.wrong and self.between else self.wrong

    def __str__(self) -> str:
        """The finding in one line, as commands and reports print it."""
        unknown = f"; {', '.join(self.between)} cannot be run" if self.between else ""
        if self.wrong is None:
            return f"right until {self.right}, after every step that can be run{unknown}"
        since = f"right until {self.right}" if self.right else "no step before it is right"
        return f"parts from eager after {self.wrong} ({since}{unknown})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The outcome of one sample on one backend, and what else running it has shown.

    - `seconds`: the seconds spent in each stage.
    - `reached`: the torch-dialect ops at the backend contract.
    - `introduced`: the overloads that the exported graph has because of a transform.
    - `cause`: what runtime verification says of an artifact that is wrong or dies, in a sentence; "" if nothing.
    - `first_wrong_pass`: where a wrong sample goes wrong; None if nobody asked.
    - `numeric`: the numeric class whose bound the results are held to, as text; "" if all are exact.
    - `traits`: the traits that only running the sample shows.
    - `results`: the element types of eager's results, by their short names.
    - `hung`: the stages that did not end within the full deadline, also where another executor then decided.
    - `advisers`: the executors that can be asked for a second opinion on the lowered module.
    - `opinion`: what one of them makes of a sample that failed; None if none was asked.
    """

    outcome: Outcome
    seconds: Mapping[str, float] = field(default_factory=dict)
    reached: tuple[str, ...] = ()
    introduced: tuple[str, ...] = ()
    cause: str = ""
    first_wrong_pass: FirstWrongPass | None = None
    numeric: str = ""
    traits: tuple[str, ...] = ()
    results: tuple[str, ...] = ()
    hung: tuple[Stage, ...] = ()
    advisers: tuple[str, ...] = ()
    opinion: Opinion | None = None


def detail(outcome: Outcome) -> dict[str, Any]:
    """The outcome's fields except its stage, as JSON values: the `detail` of a journal line."""
    values = asdict(outcome)
    del values["stage"]
    return values


def restore(name: str, stage: str, values: Mapping[str, Any]) -> Outcome:
    """The inverse of `detail`: an outcome from its class name, stage and detail; raises KeyError or TypeError."""
    if stage not in STAGES:
        raise KeyError(stage)
    cls: Any = BY_NAME[name]
    kept = {key: values[key] for key in _DETAILS[name] if key in values}
    for key in ("executors", "element", "confirmed"):
        if key in kept:
            kept[key] = tuple(kept[key])
    outcome: Outcome = cls(**kept, stage=stage)
    return outcome
