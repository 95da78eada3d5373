"""Find the first wrong pass: run a wrong sample's program after each step of its compilation, and judge the results."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import torch

from harness.programs.fork import ForkDied, in_fork
from harness.programs.materialize import copied
from harness.programs.program import seed_eager
from harness.programs.protocols import Backend, CannotExecute, Contract, Executor, ImpossibleShape, Lowered, Step
from harness.records.outcome import FirstWrongPass, Wrong

from .blame import ExecutorVerdict
from .compare import impossible

STEP_SECONDS = 5.0
"""The time that one step may take to compile and run where it has a fork of its own."""
ALL_STEPS_SECONDS = 15.0
"""The time that all steps may take together; steps that are left then are not run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The first wrong pass, with the IR before and after it; the IR is empty where there is none."""

    first_wrong_pass: FirstWrongPass
    before: str = ""
    after: str = ""


@dataclass(slots=True, kw_only=True)
class StepRunner:
    """Runs steps on the inputs; `judge` turns results into the share of the bound, or into what is wrong with them.

    The first of the executors that can run a step decides. Verdicts are kept, so that no IR is run twice.
    `fork_each_step` runs each step in a fork of its own, so that a step that dies does not end the search. No step
    starts after `deadline` (of `time.monotonic`).
    """

    executors: Sequence[Executor]
    inputs: Sequence[torch.Tensor]
    judge: Callable[[Sequence[torch.Tensor]], float | Wrong]
    fork_each_step: bool = False
    deadline: float = field(default_factory=lambda: time.monotonic() + ALL_STEPS_SECONDS)
    _verdicts: dict[tuple[str, str], ExecutorVerdict] = field(default_factory=dict)

    def __call__(self, step: Step) -> ExecutorVerdict:
        """Return the verdict on the step's results, or why no executor can run the step."""
        if isinstance(step.lowered, str):
            return step.lowered
        key = (step.lowered.dialect, step.lowered.ir)
        if key not in self._verdicts:
            self._verdicts[key] = self._verdict(step.lowered)
        return self._verdicts[key]

    def _verdict(self, lowered: Lowered) -> ExecutorVerdict:
        reason = f"no executor takes {lowered.dialect}"
        for executor in self.executors:
            if lowered.dialect not in executor.dialects:
                continue
            seconds = min(STEP_SECONDS, self.deadline - time.monotonic())
            if seconds <= 0:
                return f"not run: the steps before it took {ALL_STEPS_SECONDS:g} s"
            attempt = partial(self._run_and_judge, executor, lowered)
            try:
                return in_fork(attempt, seconds) if self.fork_each_step else attempt()
            except (CannotExecute, ForkDied) as refusal:
                reason = f"{executor.name}: {refusal}"
        return reason

    def _run_and_judge(self, executor: Executor, lowered: Lowered) -> ExecutorVerdict:
        executable = executor.compile(lowered)
        seed_eager(0)
        try:
            return self.judge(executable([copied(t) for t in self.inputs]))
        except ImpossibleShape as error:
            return impossible(error, executor.name, {})
        except CannotExecute:
            raise
        except Exception as error:  # eager may raise any type
            raise CannotExecute(f"{type(error).__name__}: {str(error)[:300]}") from None


def find(contract: Contract, backend: Backend, lowered: Lowered, runner: StepRunner) -> Found:
    """Return the first step after which the results are wrong, and the last one before it after which they are right.

    The steps from the program to the contract are run only if the contract's IR is not right itself.
    """
    right: Step | None = None
    between: dict[str, str] = {}
    for step in _steps(contract, backend, lowered, runner):
        match runner(step):
            case float():
                right, between = step, {}
            case Wrong() as wrong:
                return _first_wrong(right, step, wrong.message, between)
            case reason:
                between[step.name] = reason
    return _first_wrong(right, None, "", between)


def _steps(contract: Contract, backend: Backend, lowered: Lowered, runner: StepRunner) -> Iterator[Step]:
    """The steps from the program to the lowered module; a frontend or backend without `steps` counts as one step."""
    whole = Step(name="contract", lowered=Lowered(dialect="torch", ir=contract.ir, program=contract.program))
    if contract.steps and not isinstance(runner(whole), float):
        yield from contract.steps()
    else:
        yield whole
    if lowering_steps := getattr(backend, "steps", None):
        yield from lowering_steps(contract)
    yield Step(name="lower", lowered=lowered)


def _first_wrong(right: Step | None, wrong: Step | None, message: str, between: dict[str, str]) -> Found:
    names = [step.name if step else None for step in (right, wrong)]
    named = FirstWrongPass(right=names[0], wrong=names[1], message=message, between=between)
    return Found(first_wrong_pass=named, before=_ir(right), after=_ir(wrong))


def _ir(step: Step | None) -> str:
    return step.lowered.ir if step and isinstance(step.lowered, Lowered) else ""
