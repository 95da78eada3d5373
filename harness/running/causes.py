"""What caused a failure: the first pass after which a result is wrong, and what runtime verification says."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from harness.judging import first_wrong_pass
from harness.programs.fork import ForkDied, in_fork
from harness.programs.protocols import Backend, Checker, Executor
from harness.records.outcome import FirstWrongPass, Outcome, Passed, Show, Wrong

from .clock import Clock
from .executables import diagnosis
from .verdicts import Prepared


def find_first_wrong_pass(
    wrong: Wrong, prepared: Prepared, backend: Backend, executors: Sequence[Executor], show: Show | None
) -> FirstWrongPass:
    """The first pass after which the results are wrong, at the sizes where they are; `show` gets the IR around it.

    The executor that saw the wrong result is asked first.
    """
    run = prepared.run_at(wrong.sizes)
    ordered = sorted(executors, key=lambda executor: executor.name != wrong.executor)

    def judge(results: Sequence[torch.Tensor]) -> float | Wrong:
        return prepared.compare(results, run, wrong.executor)

    def found(*, fork_each_step: bool) -> first_wrong_pass.Found:
        runner = first_wrong_pass.StepRunner(
            executors=ordered, inputs=run.inputs, judge=judge, fork_each_step=fork_each_step
        )
        return first_wrong_pass.find(prepared.contract, backend, prepared.artifact.lowered, runner)

    try:
        where = in_fork(lambda: found(fork_each_step=False), first_wrong_pass.ALL_STEPS_SECONDS)
    except ForkDied:  # of one of the steps: a fork for each costs more
        where = _found_in_forks(lambda: found(fork_each_step=True))
    if show and where.after:
        show("before", where.before)
        show("after", where.after)
    return where.first_wrong_pass


def _found_in_forks(found: Callable[[], first_wrong_pass.Found]) -> first_wrong_pass.Found:
    """What is found where each step runs in a fork of its own."""
    try:
        return in_fork(found, 2 * first_wrong_pass.ALL_STEPS_SECONDS)
    except ForkDied as death:
        between = {"all steps": f"a pass that runs alone dies: {death}"}
        return first_wrong_pass.Found(first_wrong_pass=FirstWrongPass(right=None, wrong=None, between=between))


def find_cause(
    outcome: Outcome, prepared: Prepared, checkers: Sequence[Checker], clock: Clock, died: str | None
) -> str:
    """What the checkers say of a wrong artifact at the sizes where it is wrong, of a deadly one at any size.

    Empty where they say nothing, or where the outcome is neither.
    """
    if isinstance(outcome, Passed) or not (died or isinstance(outcome, Wrong)):
        return ""
    clock.enter("execute")
    at = None if died or not isinstance(outcome, Wrong) else outcome.sizes
    asked = (run for run in prepared.admitted if at in (None, run.sizes))
    takers = [c for c in checkers if prepared.dialect in c.dialects]
    return next(filter(None, (diagnosis(c, prepared.artifact.lowered, run) for run in asked for c in takers)), "")
