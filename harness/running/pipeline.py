"""One sample through every stage on one backend, in this process: where an outcome is made.

    eager reference -> export -> import -> contract -> lower -> verify -> execute -> compare

The frontend's own column ends at the contract.

1. `caches.py` gives what other samples share: references, contract, artifact.
2. `verdicts.py` asks the executors, compares, and decides whether the backend is at fault.
3. `causes.py` says more about a failure: the first wrong pass, what runtime verification finds.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from harness.cases.case import OpCase
from harness.cases.sample import Sample
from harness.errors import BadSample
from harness.judging.compare import compare
from harness.judging.reference import Run, result_types
from harness.programs import plugins
from harness.programs.protocols import (
    Backend,
    Checker,
    CompilerDied,
    Contract,
    Executor,
    Frontend,
    Unavailable,
    VersionSkew,
)
from harness.records.frontend import FRONTEND
from harness.records.outcome import (
    Crashed,
    FirstWrongPass,
    HarnessError,
    NotExecuted,
    Outcome,
    Passed,
    Reached,
    Result,
    Show,
    Stage,
    Wrong,
)
from harness.records.toolchain import ABSENT

from . import decomposition, second_opinion
from .caches import Artifact, Artifacts, Contracts, References, Stop, starts_early
from .causes import find_cause, find_first_wrong_pass
from .clock import Clock
from .death import crashed
from .executables import ExecutionDied, is_isolated
from .frontends import Frontends
from .verdicts import Panel, Prepared, unless_forbidden

RETYPED = "dtype=decomposed"
"""The trait of a sample of which torch's decomposition gives a result another dtype; its values are judged too."""
Tell = Callable[[Mapping[str, Any]], None]
"""Called with fields of `Result` by name, as they become known."""


def nobody(known: Mapping[str, Any]) -> None:
    """Ignore what is known."""


@dataclass(slots=True)
class Findings:
    """What is known of a sample so far; the fields are those of `Result`."""

    outcome: Outcome | None = None
    reached: tuple[str, ...] = ()
    cause: str = ""
    first_wrong_pass: FirstWrongPass | None = None
    numeric: str = ""
    traits: tuple[str, ...] = ()
    results: tuple[str, ...] = ()
    advisers: tuple[str, ...] = ()
    introduced: tuple[str, ...] = ()

    def known(self) -> Mapping[str, Any]:
        """What of the result does not depend on the outcome: it stays known if the process dies."""
        fields = ("reached", "introduced", "numeric", "traits", "results", "advisers")
        return {field: getattr(self, field) for field in fields}

    def result(self, seconds: Mapping[str, float]) -> Result:
        """The findings as a result, with the seconds of each stage; there must be an outcome."""
        assert self.outcome is not None
        return Result(
            outcome=self.outcome,
            seconds=seconds,
            cause=self.cause,
            first_wrong_pass=self.first_wrong_pass,
            **self.known(),
        )


class Pipeline:
    """Runs samples; one per process, since it holds the compiled artifacts of the programs seen last.

    The executors are asked in order until one is right, or, if `thorough`, all of them; the `advisers` for a second
    opinion only. `remembers` is how many contracts, artifacts and references it keeps. `plugin` gives other frontends.
    """

    def __init__(
        self,
        frontend: Frontend,
        backends: Mapping[str, Backend],
        executors: Sequence[Executor],
        *,
        thorough: bool = False,
        remembers: int = 48,
        advisers: Sequence[Executor] = (),
        plugin: Callable[[str], Frontend] = plugins.frontend,
    ) -> None:
        self.frontends = Frontends(frontend, plugin)
        self.advisers = advisers
        self.backends = backends
        self.executors = sorted((e for e in executors if not isinstance(e, Checker)), key=is_isolated)
        self.checkers = [e for e in executors if isinstance(e, Checker)]
        self.panel = Panel(executors=self.executors, thorough=thorough)
        self._references = References(self.frontends, remembers)
        self._contracts = Contracts(self.frontends, backends, remembers)
        self._artifacts = Artifacts(backends, self.executors, remembers)
        self._last: dict[tuple[str, str], Outcome] = {}

    def forget(self) -> None:
        """Empty the caches."""
        for kept in (self._references, self._contracts, self._artifacts):
            kept.clear()

    def run(
        self,
        case: OpCase,
        sample: Sample,
        backend: str,
        notify: Callable[[Stage], None],
        show: Show | None = None,
        died: str | None = None,
        *,
        find_pass: bool = False,
        tell: Tell = nobody,
    ) -> Result:
        """The result of one sample on one backend; raises BadSample, and nothing else but what kills the process.

        Where the frontend fails, the outcome is the frontend's, whatever the backend: `Memory.attributed` tells whose.
        `show` is given the IR of the stages, as soon as each is there. `died` says what execution in this process was
        seen to die of: then the isolated executors alone are asked. `find_pass` asks for the first pass after which a
        wrong result is wrong. `tell` is given what is known of the sample, each time that more is.
        """
        clock = Clock(notify)
        found = Findings()
        try:
            references = self._references.get(case, sample, clock)
            found.traits = self._references.accumulation_traits(case, sample)
            found.results = result_types(references)
            if backend == FRONTEND:
                contract = self._contract(case, sample, backend, references, clock, found, show, tell)
                raise Stop(_frontends_own(contract, case, references, clock))
            prepared = self._prepare(case, sample, backend, references, clock, found, show, tell)
            known = self._last.get((backend, sample.id)) if find_pass else None
            outcome, died = (known, died) if known else executed(self.panel.outcome, prepared, clock, died)
            self._last = {(backend, sample.id): outcome}
            found.outcome = unless_forbidden(outcome, prepared, died)
            found.traits += _unguarded(prepared)
            if find_pass and isinstance(found.outcome, Wrong):
                lowering = self.backends[backend]
                found.first_wrong_pass = find_first_wrong_pass(found.outcome, prepared, lowering, self.executors, show)
            if not known:
                found.cause = find_cause(outcome, prepared, self.checkers, clock, died)
        except BadSample:
            raise
        except Exception as error:
            found.outcome = ended(error, clock.stage)
        clock.enter("")
        return found.result(clock.seconds)

    def _contract(
        self,
        case: OpCase,
        sample: Sample,
        backend: str,
        references: tuple[Run, ...],
        clock: Clock,
        found: Findings,
        show: Show | None,
        tell: Tell,
    ) -> Contract:
        """Take the sample to the backend contract, noting what is found on the way; raises Stop."""
        contract = self._contracts.get(case, sample, backend, clock)
        found.reached, found.introduced = contract.reached, contract.introduced
        tell(found.known())
        if show:
            show("contract", contract.ir)
        if not starts_early(self.backends.get(backend)):
            decomposition.refuse_constant(contract, references)
        return contract

    def _prepare(
        self,
        case: OpCase,
        sample: Sample,
        backend: str,
        references: tuple[Run, ...],
        clock: Clock,
        found: Findings,
        show: Show | None,
        tell: Tell,
    ) -> Prepared:
        """Take the sample to its lowered and verified module, noting what is found on the way; raises Stop."""
        contract = self._contract(case, sample, backend, references, clock, found, show, tell)
        artifact = self._artifacts.get(contract, sample, backend, clock)
        if show:
            show("lower", artifact.lowered.ir)
        retyped = {} if starts_early(self.backends[backend]) else decomposition.retyped(contract, references[0])
        found.traits += (RETYPED,) if retyped else ()
        prepared = Prepared(
            case=case, sample=sample, contract=contract, artifact=artifact, references=references, retyped=retyped
        )
        found.numeric = prepared.numeric()
        found.advisers = tuple(e.name for e in self.advisers if prepared.dialect in e.dialects)
        tell(found.known())
        return prepared

    def opinion(
        self, case: OpCase, sample: Sample, backend: str, failed: Result, notify: Callable[[Stage], None]
    ) -> Result:
        """The result of a sample that failed, with a second opinion; raises what ends the sample before execution."""
        clock = Clock(notify)
        return second_opinion.ask(
            failed, self.prepared(case, sample, backend, clock), self.advisers, self.checkers, clock
        )

    def contracted(self, case: OpCase, sample: Sample, backend: str, clock: Clock) -> tuple[Contract, tuple[Run, ...]]:
        """The sample in the backend contract, and its references at the sizes that this admits; raises Stop."""
        references = self._references.get(case, sample, clock)
        contract = self._contracts.get(case, sample, backend, clock)
        return contract, tuple(run for run in references if contract.admits(run.shapes))

    def artifact(self, contract: Contract, backend: str, clock: Clock) -> Artifact:
        """What a backend makes of a contract that no sample has; raises Stop."""
        return self._artifacts.made(contract, self.backends[backend], clock)

    def prepared(self, case: OpCase, sample: Sample, backend: str, clock: Clock) -> Prepared:
        """The sample, ready to be executed; raises Stop where it does not come so far."""
        references = self._references.get(case, sample, clock)
        return self._prepare(case, sample, backend, references, clock, Findings(), None, nobody)


def executed(
    ask: Callable[[Prepared, Clock, str | None], Outcome], prepared: Prepared, clock: Clock, died: str | None
) -> tuple[Outcome, str | None]:
    """What the executors make of a program, and what it was seen to die of in execution; `died` as in `Pipeline.run`.

    `ask` is a method of the panel. After a death the isolated executors alone are asked, and one that is right clears
    the backend.
    """
    try:
        return ask(prepared, clock, died), died
    except ExecutionDied as death:
        crash = crashed("execute", death.how, death.stderr)
    except MemoryError:
        crash = Crashed("execute", "memory limit", traceback.format_exc(limit=-3))
    again = ask(prepared, clock, crash.signal)
    return again if isinstance(again, Passed) else crash, crash.signal


def ended(error: Exception, stage: Stage) -> Outcome:
    """The outcome of a sample that this exception ended at the stage; called while it is handled."""
    match error:
        case Stop():
            return error.outcome
        case CompilerDied():
            return crashed(stage, error.how, error.stderr)
        case VersionSkew():
            return NotExecuted({"version skew": str(error)}, stage)
        case Unavailable():
            return NotExecuted({ABSENT: str(error)}, stage)
        case MemoryError():
            return Crashed(stage, "memory limit", traceback.format_exc(limit=-3))
        case _:
            return HarnessError(traceback.format_exc(limit=-8), stage)


def _unguarded(prepared: Prepared) -> tuple[str, ...]:
    """The trait `unguarded_buffers` if compiled code asked for more buffers than its executor guards."""
    executables = prepared.artifact.executables.values()
    return ("unguarded_buffers",) if any(getattr(each, "unguarded", 0) for each in executables) else ()


def _frontends_own(contract: Contract, case: OpCase, references: Sequence[Run], clock: Clock) -> Outcome:
    """The outcome of a program that is in the contract: reached, if what torch-mlir got is what eager computes."""

    def compared(results: Sequence[torch.Tensor], run: Run) -> float | Wrong:
        return compare(results, run, references[0], case, "eager")

    clock.enter("export")
    allowed = [run for run in references if contract.allows(run.shapes)]
    return decomposition.fault(contract, allowed, compared) or Reached()
