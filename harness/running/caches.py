"""What samples share is made once: the contract and the artifact per program, the references per sample.

Samples that differ in values only are one program. The caches are small, since the samples of one op come together.
Each cache holds the value or the reason why there is none, and raises `Stop` with the outcome in the second case.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TypeVar

from harness.cases.case import OpCase
from harness.cases.road import DEFAULT
from harness.cases.sample import Sample, dumps
from harness.cases.transformed import untransformed, unusable
from harness.judging.reference import EagerRefuses, Run, accumulation, runs
from harness.programs.feeding import ONLY_TENSORS, Fed, can_feed
from harness.programs.program import check_seen, program
from harness.programs.protocols import (
    Backend,
    CompilerDied,
    Contract,
    ContractBroken,
    Executable,
    Executor,
    Frontend,
    Lowered,
    NotExpressible,
    OutsideSpecification,
    Program,
    Refused,
    Unavailable,
    VersionSkew,
)
from harness.programs.transforms import Untransformable
from harness.records.expectation import CONTROL
from harness.records.frontend import refusal
from harness.records.outcome import Crashed, Excluded, Invalid, NotExported, Outcome, Stage, Unsupported

from .clock import Clock
from .executables import executable, is_isolated
from .lru_cache import LruCache

V = TypeVar("V")


class Stop(Exception):
    """Carries the outcome that ends a sample before the comparison."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome)
        self.outcome = outcome


_programs: LruCache[str] = LruCache(64)


def _program_of(sample: Sample) -> str:
    """The key of the sample's program, made once for all backends and caches."""
    return _programs.get_or(dumps(sample), lambda: sample.program)


class References:
    """What eager makes of each sample, and in which precision it adds up."""

    def __init__(self, frontends: Frontends, size: int) -> None:
        self.frontends = frontends
        self._runs: LruCache[tuple[Run, ...] | Outcome] = LruCache(size)
        self._accumulations: LruCache[str | None] = LruCache(size)

    def get(self, case: OpCase, sample: Sample, clock: Clock) -> tuple[Run, ...]:
        """The reference at each of the sample's sizes; raises Stop where eager refuses the sample."""

        def make() -> tuple[Run, ...] | Outcome:
            if why := unusable(sample):
                return Excluded(why)
            try:
                return runs(sample, case.numeric_of(sample), case.canonical)
            except Untransformable as nothing:
                return Excluded(str(nothing))
            except EagerRefuses as refusal:
                return Excluded(f"eager refuses: {refusal}{self._whether_export_refuses(sample, clock)}")

        clock.enter("reference")
        return _or_stop(self._runs.get_or(sample.id, make))

    def accumulation_traits(self, case: OpCase, sample: Sample) -> tuple[str, ...]:
        """The trait `accumulates=wider|own`, where it can be measured; it depends on the program, not on the values."""
        found = self._accumulations.get_or(_program_of(sample), lambda: accumulation(sample, case.numeric_of(sample)))
        return (f"accumulates={found}",) if found else ()

    def clear(self) -> None:
        """Forget everything."""
        self._runs.clear()
        self._accumulations.clear()

    def _whether_export_refuses(self, sample: Sample, clock: Clock) -> str:
        """Whether export refuses a sample of OpInfo's error inputs too; empty for any other sample."""
        if sample.origin != "rejected":
            return ""
        try:
            run_frontend(exporting(self.frontends(sample)), sample, clock.enter)
        except NotExpressible as refusal:
            return "; export refuses it too" if refusal.stage == "export" else "; export takes it"
        return "; export takes it"


class Contracts:
    """What the frontend makes of each program."""

    def __init__(self, frontends: Frontends, backends: Mapping[str, Backend], size: int) -> None:
        self.frontends = frontends
        self.backends = backends
        self._found: LruCache[Contract | NotExpressible] = LruCache(size)

    def get(self, case: OpCase, sample: Sample, backend: str, clock: Clock) -> Contract:
        """The program in the backend contract; raises Stop where there is none, BrokenCase where the op is not seen.

        Stop carries the frontend's outcome, also where a backend asks: see `Memory.attributed`.
        A backend that starts from the exported program gets that program also where the import fails.
        """
        early = starts_early(self.backends.get(backend))
        frontend = self.frontends(sample)
        step = exporting(frontend) if early else frontend.run

        def make() -> Contract | NotExpressible:
            try:
                contract = run_frontend(step, sample, clock.enter)
            except NotExpressible as refusal:
                if refusal.exported:
                    refusal.exported = self._seen(case, sample, refusal.exported, clock)
                return refusal
            return self._seen(case, sample, contract, clock)

        whole = _program_of(sample)
        found = self._found.get_or(f"export {whole}" if early and whole not in self._found else whole, make)
        if isinstance(found, Contract):
            return found
        if early and found.exported:
            return found.exported
        if (case.unexported or sample.road != DEFAULT) and backend == CONTROL:
            return Contract(program=program(sample), ir="", exported=(), reached=())
        raise Stop(NotExported(found.stage, found.reason) if early else refusal(found.stage, found.reason))

    def clear(self) -> None:
        """Forget everything."""
        self._found.clear()

    def _seen(self, case: OpCase, sample: Sample, contract: Contract, clock: Clock) -> Contract:
        """The contract, once its op was seen; raises BrokenCase.

        Under a transform the op must be in the untransformed program, and what the other one has instead is noted.
        """
        if sample.road.transform == "none":
            check_seen(sample, contract.exported, case.seen_as)
            return contract
        try:
            plain = run_frontend(exporting(self.frontends(sample)), untransformed(sample), clock.enter).exported
        except NotExpressible:  # then its own column says so
            return replace(contract, introduced=contract.exported)
        check_seen(sample, plain, case.seen_as)
        return replace(contract, introduced=tuple(op for op in contract.exported if op not in plain))


def starts_early(backend: Backend | None) -> bool:
    """Whether a backend starts from the exported program; None stands for the frontend's own column."""
    return getattr(backend, "starts", "contract") == "export"


Frontends = Callable[[Sample], Frontend]
"""Gives the frontend of a sample's road."""
Front = Callable[[Program, Callable[[Stage], None]], Contract]
"""A frontend's `run` or `export`."""


def exporting(frontend: Frontend) -> Front:
    """What exports a program and does no more; the whole frontend where it has no such method."""
    step: Front = getattr(frontend, "export", frontend.run)
    return step


def run_frontend(step: Front, sample: Sample, enter: Callable[[Stage], None]) -> Contract:
    """Run a frontend's step on a sample; where export refuses the dims' ranges, let export choose them."""
    try:
        return step(program(sample), enter)
    except NotExpressible as refusal:
        if refusal.stage != "export" or not sample.dynamic:
            raise
        return step(program(sample, relaxed=True), enter)


@dataclass(frozen=True, slots=True)
class Artifact:
    """A lowered and verified module, and per executor what runs it, or why the executor cannot.

    The executable of an `isolated` executor compiles and runs in a fork at each call. `forbidden` says why the
    specification of the dialect does not allow the module; "" where it does.
    """

    lowered: Lowered
    executables: Mapping[str, Executable | str]
    isolated: frozenset[str]
    forbidden: str = ""


class Artifacts:
    """What each backend makes of each program."""

    def __init__(self, backends: Mapping[str, Backend], executors: Sequence[Executor], size: int) -> None:
        self.backends = backends
        self.executors = executors
        self._found: LruCache[Artifact | Outcome] = LruCache(size)

    def get(self, contract: Contract, sample: Sample, backend: str, clock: Clock) -> Artifact:
        """The backend's artifact of a program; raises Stop where it refuses the program, breaks its own rules, dies."""

        def make() -> Artifact | Outcome:
            try:
                return self.made(contract, self.backends[backend], clock)
            except Stop as stop:
                return stop.outcome

        return _or_stop(self._found.get_or(f"{backend} {_program_of(sample)}", make))

    def clear(self) -> None:
        """Forget everything."""
        self._found.clear()

    def made(self, contract: Contract, backend: Backend, clock: Clock) -> Artifact:
        """The artifact of a program, made anew; raises Stop."""
        lowered, forbidden = verified(contract, backend, clock)
        clock.enter("execute")
        executors = [e for e in self.executors if lowered.dialect in e.dialects]
        isolated = frozenset(e.name for e in executors if is_isolated(e))
        return Artifact(lowered, {e.name: _feeding(e, lowered) for e in executors}, isolated, forbidden)


def _feeding(executor: Executor, lowered: Lowered) -> Executable | str:
    """The executable of the program's arguments, or why the executor cannot run the module."""
    if not can_feed(executor, lowered.program):
        return ONLY_TENSORS
    found = executable(executor, lowered)
    return found if isinstance(found, str) or not lowered.program.arguments else Fed(found, lowered.program)


def verified(contract: Contract, backend: Backend, clock: Clock) -> tuple[Lowered, str]:
    """The lowered and verified module, and why its specification does not allow it ("" where it does); raises Stop."""
    clock.enter("lower")
    with _failures_as_outcomes(clock):
        lowered = backend.lower(contract)
        clock.enter("verify")
        try:
            backend.verify(lowered)
        except OutsideSpecification as broken:
            return lowered, str(broken)
    return lowered, ""


@contextmanager
def _failures_as_outcomes(clock: Clock) -> Iterator[None]:
    """Turn what a backend raises into its outcome; any exception that no protocol names is a crash of the compiler."""
    try:
        yield
    except Refused as refusal:
        raise Stop(Unsupported("lower", refusal.diagnostic, refusal.culprit)) from None
    except ContractBroken as broken:
        raise Stop(Invalid("verify", str(broken))) from None
    except (CompilerDied, VersionSkew, Unavailable, MemoryError):  # `ended` makes their outcomes, of the frontend's too
        raise
    except Exception as error:
        text = traceback.format_exc(limit=-3)
        raise Stop(Crashed(clock.stage, f"exception {type(error).__name__}", text)) from None


def _or_stop(value: V | Outcome) -> V:
    if isinstance(value, Outcome):
        raise Stop(value)
    return value
