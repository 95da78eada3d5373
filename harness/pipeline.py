"""One sample through every stage on one backend, in this process: where an outcome is made.

    eager reference -> export -> import -> contract -> lower -> verify -> execute -> compare

What samples share is done once: the frontend and the lowering per program (samples that differ in values only are one
program), the reference per sample. The caches are small, since samples of one op come together.
"""

from __future__ import annotations

import time
import traceback
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import torch

from . import blame, parting
from .case import OpCase
from .compare import compare, judged
from .contained import Died, contained
from .edge import on_edge
from .errors import BadSample
from .materialize import copied
from .numeric import Distribution
from .outcome import (
    Crashed,
    Excluded,
    HarnessError,
    Invalid,
    NotExecuted,
    NotExported,
    Outcome,
    Parting,
    Passed,
    Result,
    Show,
    Stage,
    Unsupported,
    Wrong,
)
from .plugins import CONTROL
from .program import check_seen, program
from .protocols import (
    Backend,
    CannotExecute,
    Checker,
    Contract,
    ContractBroken,
    Executable,
    Executor,
    Frontend,
    Lowered,
    NotExpressible,
    Program,
    Refused,
    Specialized,
)
from .reference import EagerRefuses, Run, accumulation, runs
from .sample import Sample, Sizes

V = TypeVar("V")
ISOLATED_SECONDS = 10.0
"""What an isolated executor may take for one run."""
CHECKED_SECONDS = 5.0
"""What a checking executor may take for one run."""
ALIKE = 4.0
"""By how much an error may exceed that of torch's decomposition and still be put down to it."""


@dataclass(slots=True)
class Clock:
    """Knows which stage is on, and the seconds each took; `notify` hears of every stage as it is entered."""

    notify: Callable[[Stage], None]
    seconds: dict[str, float] = field(default_factory=dict)
    on: str = ""
    since: float = 0.0

    def enter(self, stage: Any) -> None:
        """Leave the stage that is on, enter this one ("" for none, "reference" for our own work)."""
        now = time.perf_counter()
        if self.on:
            self.seconds[self.on] = self.seconds.get(self.on, 0.0) + now - self.since
        self.on, self.since = stage, now
        if stage not in ("", "reference"):
            self.notify(stage)


class Recent(OrderedDict[str, V]):
    """A mapping that keeps the most recently used entries."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def get_or(self, key: str, make: Callable[[], V]) -> V:
        """The entry, made if it is not there."""
        if key in self:
            self.move_to_end(key)
        else:
            self[key] = make()
            if len(self) > self.size:
                self.popitem(last=False)
        return self[key]


@dataclass(frozen=True, slots=True)
class Artifact:
    """A lowered and verified module with what runs it, per executor: an executable or why there is none.

    That of an isolated executor compiles and runs in a fork, at each call.
    """

    lowered: Lowered
    executables: Mapping[str, Executable | str]
    isolated: frozenset[str]


class Stop(Exception):
    """Carries the outcome that ends a sample before the comparison."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome)
        self.outcome = outcome


class Pipeline:
    """Runs samples; one per process, since it holds the compiled artifacts of the programs seen last.

    The executors are asked in order until one is right, or, if `thorough`, all of them. It remembers so many contracts,
    artifacts and references.
    """

    def __init__(
        self,
        frontend: Frontend,
        backends: Mapping[str, Backend],
        executors: Sequence[Executor],
        *,
        thorough: bool = False,
        remembers: int = 24,
    ) -> None:
        self.frontend = frontend
        self.backends = backends
        self.executors = sorted((e for e in executors if not isinstance(e, Checker)), key=_isolated)
        self.checkers = [e for e in executors if isinstance(e, Checker)]
        self.thorough = thorough
        self._contracts: Recent[Contract | NotExpressible] = Recent(remembers)
        self._artifacts: Recent[Artifact | Outcome] = Recent(remembers)
        self._references: Recent[tuple[Run, ...] | Outcome] = Recent(remembers)
        self._last: dict[str, Outcome] = {}
        self._accumulations: Recent[str | None] = Recent(remembers)

    def forget(self) -> None:
        """Empty the caches."""
        for cache in (self._contracts, self._artifacts, self._references, self._accumulations):
            cache.clear()

    def run(
        self,
        case: OpCase,
        sample: Sample,
        backend: str,
        notify: Callable[[Stage], None],
        show: Show | None = None,
        died: str | None = None,
        *,
        parted: bool = False,
    ) -> Result:
        """The result of one sample on one backend; raises BadSample, and nothing else but what kills the process.

        `show` is given the IR of the stages, as soon as each is there. `died` says what execution in this process was
        seen to die of: then the isolated executors alone are asked. `parted` asks where a wrong result parts from
        eager's.
        """
        clock = Clock(notify)
        reached: tuple[str, ...] = ()
        cause = ""
        parts: Parting | None = None
        numeric = ""
        measured: tuple[str, ...] = ()
        try:
            references = self._reference(case, sample, clock)
            measured = self._accumulation(case, sample)
            contract = self._contract(case, sample, backend, clock)
            reached = contract.reached
            if show:
                show("contract", contract.ir)
            artifact = self._artifact(contract, sample, backend, clock)
            if show:
                show("lower", artifact.lowered.ir)
            dialect = artifact.lowered.dialect
            numeric = _numeric(case, references[0], dialect)
            name = f"{backend} {sample.id}"
            known = self._last.get(name) if parted else None
            outcome = known or self._judge(case, sample, contract, artifact, references, clock, died)
            self._last = {name: outcome}
            if parted and isinstance(outcome, Wrong):
                parts = self._parting(outcome, case, contract, backend, artifact.lowered, references, show)
            if not known:
                cause = self._cause(outcome, contract, artifact.lowered, references, clock, died)
        except Stop as stop:
            outcome = stop.outcome
        except BadSample:
            raise
        except MemoryError:
            outcome = Crashed(_stage(clock), "memory limit", traceback.format_exc(limit=-3))
        except Exception:
            outcome = HarnessError(traceback.format_exc(limit=-8), _stage(clock))
        clock.enter("")
        return Result(
            outcome=outcome,
            seconds=clock.seconds,
            reached=reached,
            cause=cause,
            parts=parts,
            numeric=numeric,
            traits=measured,
        )

    def prepared(self, case: OpCase, sample: Sample, backend: str) -> tuple[Lowered, tuple[Run, ...]]:
        """The lowered and verified module of a sample and the references it is held to; raises Stop."""
        clock = Clock(lambda stage: None)
        references = self._reference(case, sample, clock)
        contract = self._contract(case, sample, backend, clock)
        return self._artifact(contract, sample, backend, clock).lowered, _admitted(contract, references)

    def _reference(self, case: OpCase, sample: Sample, clock: Clock) -> tuple[Run, ...]:
        def make() -> tuple[Run, ...] | Outcome:
            try:
                return runs(sample, case.numeric_of(sample), case.canonical)
            except EagerRefuses as refusal:
                return Excluded(f"eager refuses: {refusal}{self._said_by_export(sample, clock)}")

        clock.enter("reference")
        return _or_stop(self._references.get_or(sample.id, make))

    def _accumulation(self, case: OpCase, sample: Sample) -> tuple[str, ...]:
        """The trait that says in what eager adds up, where that can be told; it is a program's, whatever the values."""
        found = self._accumulations.get_or(sample.program, lambda: accumulation(sample, case.numeric_of(sample)))
        return (f"accumulates={found}",) if found else ()

    def _said_by_export(self, sample: Sample, clock: Clock) -> str:
        """Whether export rejects it too, where the sample is there to be rejected."""
        if sample.origin != "rejected":
            return ""
        try:
            export(getattr(self.frontend, "export", self.frontend.run), sample, clock.enter)
        except NotExpressible as refusal:
            return "; export refuses it too" if refusal.stage == "export" else "; export takes it"
        return "; export takes it"

    def _contract(self, case: OpCase, sample: Sample, backend: str, clock: Clock) -> Contract:
        """What the backend is given; one that starts from the exported program is spared the import's failures."""
        early = getattr(self.backends[backend], "starts", "contract") == "export"
        step = getattr(self.frontend, "export", self.frontend.run) if early else self.frontend.run

        def make() -> Contract | NotExpressible:
            try:
                contract = export(step, sample, clock.enter)
            except NotExpressible as refusal:
                if refusal.exported:
                    check_seen(sample, refusal.exported.exported, case.seen_as)
                return refusal
            check_seen(sample, contract.exported, case.seen_as)
            return contract

        whole = sample.program
        found = self._contracts.get_or(f"export {whole}" if early and whole not in self._contracts else whole, make)
        if isinstance(found, Contract):
            return found
        if early and found.exported:
            return found.exported
        if case.unexported and backend == CONTROL:
            return Contract(program=program(sample), ir="", exported=(), reached=())
        raise Stop(NotExported(found.stage, found.reason))

    def _artifact(self, contract: Contract, sample: Sample, backend: str, clock: Clock) -> Artifact:
        def make() -> Artifact | Outcome:
            clock.enter("lower")
            with _blamed(clock):
                lowered = self.backends[backend].lower(contract)
                clock.enter("verify")
                self.backends[backend].verify(lowered)
            clock.enter("execute")
            executors = self._for(lowered)
            isolated = frozenset(e.name for e in executors if _isolated(e))
            return Artifact(lowered, {e.name: executable(e, lowered) for e in executors}, isolated)

        def stopped() -> Artifact | Outcome:
            try:
                return make()
            except Stop as stop:
                return stop.outcome

        return _or_stop(self._artifacts.get_or(f"{backend} {sample.program}", stopped))

    def _for(self, lowered: Lowered) -> list[Executor]:
        return [e for e in self.executors if lowered.dialect in e.dialects]

    def _judge(
        self,
        case: OpCase,
        sample: Sample,
        contract: Contract,
        artifact: Artifact,
        references: tuple[Run, ...],
        clock: Clock,
        died: str | None,
    ) -> Outcome:
        """What the executors make of the artifact, at every size the contract admits, up to one that is wrong.

        Or what torch's own decomposition does: then no backend is at fault.
        """
        admitted = _admitted(contract, references)
        if not artifact.executables:
            return NotExecuted({"none": f"no executor takes {artifact.lowered.dialect}"})
        dialect = artifact.lowered.dialect
        roads = {e.name: getattr(e, "road", e.name) for e in self._for(artifact.lowered)}
        dead = {name: died for name in artifact.executables if died and name not in artifact.isolated}
        closed = {roads[name] for name in dead}

        def asked(run: Run) -> dict[str, blame.Verdict]:
            verdicts: dict[str, blame.Verdict] = {}
            astray = set(closed)
            for name, executable in artifact.executables.items():
                if roads[name] in closed:
                    continue
                verdicts[name] = verdict = _verdict(case, executable, run, references[0], name, dialect, clock)
                if isinstance(verdict, Wrong):
                    astray.add(roads[name])
                if isinstance(verdict, float) and roads[name] not in astray and not self.thorough:
                    break
            return verdicts

        outcome = blame.outcome(map(asked, admitted), roads)
        match outcome:
            case Passed():
                return replace(outcome, dissent={**dead, **outcome.dissent})
            case Wrong():
                outcome = _unless_decomposed_so(outcome, case, contract, references, dialect, clock)
                return _unless_on_edge(outcome, case, sample, artifact, references)
            case _:
                return outcome

    def _parting(
        self,
        wrong: Wrong,
        case: OpCase,
        contract: Contract,
        backend: str,
        lowered: Lowered,
        references: tuple[Run, ...],
        show: Show | None,
    ) -> Parting:
        """Where the results part from eager's, at the sizes they are wrong at; whoever saw it is asked first."""
        run = _run_at(wrong.sizes, references)
        executors = sorted(self.executors, key=lambda executor: executor.name != wrong.executor)

        def judge(results: Sequence[torch.Tensor]) -> float | Wrong:
            return compare(results, run, references[0], case, wrong.executor, lowered.dialect)

        def found(apart: bool) -> parting.Found:
            trial = parting.Trial(executors=executors, inputs=run.inputs, judge=judge, apart=apart)
            return parting.find(contract, self.backends[backend], lowered, trial)

        try:
            where = contained(lambda: found(apart=False), parting.WAY_SECONDS)
        except Died:  # of one of the steps: a fork for each costs more
            where = _apart(lambda: found(apart=True))
        if show and where.after:
            show("before", where.before)
            show("after", where.after)
        return where.parting

    def _cause(
        self,
        outcome: Outcome,
        contract: Contract,
        lowered: Lowered,
        references: tuple[Run, ...],
        clock: Clock,
        died: str | None,
    ) -> str:
        """What the checkers say of an artifact at the sizes it is wrong at, or of a deadly one at any it is to take."""
        if isinstance(outcome, Passed) or not (died or isinstance(outcome, Wrong)):
            return ""
        clock.enter("execute")
        at = None if died or not isinstance(outcome, Wrong) else outcome.sizes
        asked = (run for run in _admitted(contract, references) if at in (None, run.sizes))
        checkers = [c for c in self.checkers if lowered.dialect in c.dialects]
        return next(filter(None, (_diagnosis(c, lowered, run) for run in asked for c in checkers)), "")


def _admitted(contract: Contract, references: tuple[Run, ...]) -> tuple[Run, ...]:
    """The runs at sizes that the contract admits."""
    return tuple(r for r in references if contract.admits([t.shape for t in r.inputs]))


def _apart(found: Callable[[], parting.Found]) -> parting.Found:
    """What is found where each step runs in a fork of its own."""
    try:
        return contained(found, 2 * parting.WAY_SECONDS)
    except Died as death:
        between = {"all steps": f"a pass that runs alone dies: {death}"}
        return parting.Found(parting=Parting(right=None, wrong=None, between=between))


Front = Callable[[Program, Callable[[Stage], None]], Contract]


def export(step: Front, sample: Sample, enter: Callable[[Stage], None]) -> Contract:
    """The result of the frontend's step; with export's own ranges where it refuses those of the dynamic dims."""
    try:
        return step(program(sample), enter)
    except NotExpressible as refusal:
        if refusal.stage != "export" or not sample.dynamic:
            raise
        return step(program(sample, relaxed=True), enter)


def _unless_decomposed_so(
    wrong: Wrong, case: OpCase, contract: Contract, references: Sequence[Run], dialect: str, clock: Clock
) -> Outcome:
    """The outcome; NotExported where torch's own decomposition is as wrong, before any backend has seen the program."""
    if contract.decomposed is None:
        return wrong
    clock.enter("export")
    run = _run_at(wrong.sizes, references)
    try:
        torch.manual_seed(0)
        results = contract.decomposed()([copied(t) for t in run.inputs])
    except Specialized as guard:
        return NotExported("export", f"torch's own decomposition holds for some sizes only: {guard}")
    except Exception:  # it does not take these sizes, or is not to be had: then it is no excuse
        return wrong
    before = compare(results, run, references[0], case, "eager", dialect)
    if not isinstance(before, Wrong) or (before.kind, before.output) != (wrong.kind, wrong.output):
        return wrong
    exact = wrong.error is None or before.error is None
    if exact and (before.element, before.actual) != (wrong.element, wrong.actual):
        return wrong
    if not exact and (wrong.error or 0.0) > ALIKE * (before.error or 0.0):
        return wrong
    return NotExported("export", f"torch's own decomposition is not what eager computes: {before.message}")


def _unless_on_edge(
    outcome: Outcome, case: OpCase, sample: Sample, artifact: Artifact, references: Sequence[Run]
) -> Outcome:
    """The outcome; our own error where the sample is placed so that rounding, or a NaN's payload, decides it."""
    if not isinstance(outcome, Wrong) or outcome.kind not in ("value", "non-finite") or sample.origin != "census":
        return outcome
    run, executable = _run_at(outcome.sizes, references), artifact.executables[outcome.executor]
    want = run.outputs[outcome.output]
    if isinstance(executable, str) or isinstance(want.numeric, Distribution):
        return outcome
    actual = judged(executable([copied(t) for t in run.inputs]), run, case)
    dialect = artifact.lowered.dialect
    if not on_edge(sample, run.inputs, outcome.output, actual[outcome.output], want, dialect, case.canonical):
        return outcome
    return HarnessError(
        f"the case's input lies on an edge, a roundoff decides its result: {outcome.message}", "compare"
    )


def _diagnosis(checker: Checker, lowered: Lowered, run: Run) -> str:
    """What the checker's death at this run says; nothing where it lives or fails, which changes no verdict."""

    def call() -> None:
        checker.compile(lowered)([copied(t) for t in run.inputs])

    try:
        contained(call, CHECKED_SECONDS)
    except Died as death:
        return checker.diagnose(lowered, death.stderr)
    except Exception:
        return ""
    return ""


def _run_at(sizes: Sizes, references: Sequence[Run]) -> Run:
    return next(r for r in references if r.sizes == sizes)


def _numeric(case: OpCase, run: Run, dialect: str) -> str:
    """The class that results are held to in the dialect, in words; "" where none has a bound."""
    if any(dialect in output.promised for output in run.outputs):
        return f"{case.numeric}, promised by {dialect}"
    bounded = any(output.bound is not None or isinstance(output.numeric, Distribution) for output in run.outputs)
    return str(case.numeric) if bounded else ""


def _verdict(
    case: OpCase, executable: Executable | str, run: Run, first: Run, name: str, dialect: str, clock: Clock
) -> blame.Verdict:
    if isinstance(executable, str):
        return executable
    clock.enter("execute")
    try:
        actual = executable([copied(t) for t in run.inputs])
    except CannotExecute as refusal:
        return str(refusal)
    clock.enter("compare")
    return compare(actual, run, first, case, name, dialect)


def _isolated(executor: Executor) -> bool:
    return getattr(executor, "isolated", False)


def executable(executor: Executor, lowered: Lowered) -> Executable | str:
    """The lowered module as the executor runs it, in a fork if it is isolated, or why it cannot."""
    if _isolated(executor):
        return _in_fork(executor, lowered)
    try:
        return executor.compile(lowered)
    except CannotExecute as refusal:
        return str(refusal)


def _in_fork(executor: Executor, lowered: Lowered) -> Executable:
    """Compiles and runs in a fork at each call, whose death is a limit of the executor."""

    def run(inputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        try:
            return contained(lambda: executor.compile(lowered)(inputs), ISOLATED_SECONDS)
        except Died as death:
            raise CannotExecute(f"it dies: {death}") from None

    return run


@contextmanager
def _blamed(clock: Clock) -> Iterator[None]:
    """Turn what a backend raises into its outcome; any other exception out of a compiler is a crash of it."""
    try:
        yield
    except Refused as refusal:
        raise Stop(Unsupported("lower", refusal.diagnostic, refusal.culprit)) from None
    except ContractBroken as broken:
        raise Stop(Invalid("verify", str(broken))) from None
    except MemoryError:
        raise
    except Exception as error:
        text = traceback.format_exc(limit=-3)
        raise Stop(Crashed(_stage(clock), f"exception {type(error).__name__}", text)) from None


def _stage(clock: Clock) -> Stage:
    match clock.on:
        case "import" | "contract" | "lower" | "verify" | "execute" | "compare" as stage:
            return stage
        case _:
            return "export"


def _or_stop(value: V | Outcome) -> V:
    if isinstance(value, Outcome):
        raise Stop(value)
    return value
