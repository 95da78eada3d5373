"""Where a wrong sample's results part from eager's: its program is run after each step of its way to the executor."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import torch

from harness.programs.fork import ForkDied, in_fork
from harness.programs.materialize import copied
from harness.programs.protocols import Backend, CannotExecute, Contract, Executor, Lowered, Step
from harness.records.outcome import FirstWrongPass, Wrong

from .blame import ExecutorVerdict

STEP_SECONDS = 5.0
"""What one step may take to compile and run."""
ALL_STEPS_SECONDS = 15.0
"""What all of them may take together; those that are left then are not run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The first wrong pass, with the IR before and after it, where there is such."""

    first_wrong_pass: FirstWrongPass
    before: str = ""
    after: str = ""


@dataclass(slots=True, kw_only=True)
class StepRunner:
    """Runs steps on the inputs; `judge` makes of results what is wrong with them.

    The first of the executors that can run a step decides. What was run once is not run again. `apart` runs each step
    in a fork of its own.
    """

    executors: Sequence[Executor]
    inputs: Sequence[torch.Tensor]
    judge: Callable[[Sequence[torch.Tensor]], float | Wrong]
    apart: bool = False
    deadline: float = field(default_factory=lambda: time.monotonic() + ALL_STEPS_SECONDS)
    _known: dict[tuple[str, str], ExecutorVerdict] = field(default_factory=dict)

    def __call__(self, step: Step) -> ExecutorVerdict:
        """What becomes of the step, or why no executor can run it."""
        if isinstance(step.lowered, str):
            return step.lowered
        key = (step.lowered.dialect, step.lowered.ir)
        if key not in self._known:
            self._known[key] = self._verdict(step.lowered)
        return self._known[key]

    def _verdict(self, lowered: Lowered) -> ExecutorVerdict:
        why = f"no executor takes {lowered.dialect}"
        for executor in self.executors:
            if lowered.dialect not in executor.dialects:
                continue
            seconds = min(STEP_SECONDS, self.deadline - time.monotonic())
            if seconds <= 0:
                return f"not run: the steps before it took {ALL_STEPS_SECONDS:g} s"
            judged = partial(self._judged, executor, lowered)
            try:
                return in_fork(judged, seconds) if self.apart else judged()
            except (CannotExecute, ForkDied) as refusal:
                why = f"{executor.name}: {refusal}"
        return why

    def _judged(self, executor: Executor, lowered: Lowered) -> ExecutorVerdict:
        run = executor.compile(lowered)
        torch.manual_seed(0)
        try:
            return self.judge(run([copied(t) for t in self.inputs]))
        except CannotExecute:
            raise
        except Exception as error:  # eager raises what it likes
            raise CannotExecute(f"{type(error).__name__}: {str(error)[:300]}") from None


def find(contract: Contract, backend: Backend, lowered: Lowered, trial: StepRunner) -> Found:
    """The first step after which the results are wrong.

    The steps to the contract are gone through only where what they lead to is not right.
    """
    right: Step | None = None
    between: dict[str, str] = {}
    for step in _way(contract, backend, lowered, trial):
        match trial(step):
            case float():
                right, between = step, {}
            case Wrong() as wrong:
                return _found(right, step, wrong.message, between)
            case why:
                between[step.name] = why
    return _found(right, None, "", between)


def _way(contract: Contract, backend: Backend, lowered: Lowered, trial: StepRunner) -> Iterator[Step]:
    """The steps from the program to the lowered module; those of a frontend or backend that tells none are one."""
    whole = Step(name="contract", lowered=Lowered(dialect="torch", ir=contract.ir, program=contract.program))
    if contract.steps and not isinstance(trial(whole), float):
        yield from contract.steps()
    else:
        yield whole
    if own := getattr(backend, "steps", None):
        yield from own(contract)
    yield Step(name="lower", lowered=lowered)


def _found(right: Step | None, wrong: Step | None, message: str, between: dict[str, str]) -> Found:
    names = [step.name if step else None for step in (right, wrong)]
    found = FirstWrongPass(right=names[0], wrong=names[1], message=message, between=between)
    return Found(first_wrong_pass=found, before=_ir(right), after=_ir(wrong))


def _ir(step: Step | None) -> str:
    return step.lowered.ir if step and isinstance(step.lowered, Lowered) else ""
