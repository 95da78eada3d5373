"""How an executor runs an artifact: in this process, or in a fork where it is isolated or may die of what it checks."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from harness.judging.reference import Run
from harness.programs.fork import ForkDied, in_fork
from harness.programs.materialize import copied
from harness.programs.protocols import CannotExecute, Checker, Executable, Executor, Lowered

ISOLATED_SECONDS = 10.0
"""What an isolated executor may take for one run."""
CHECKED_SECONDS = 5.0
"""What a checking executor may take for one run."""


def is_isolated(executor: Executor) -> bool:
    """Whether the executor compiles and runs in a fork."""
    return getattr(executor, "isolated", False)


def road(executor: Executor) -> str:
    """The compilation route that the executor shares with others, and with it their mistakes."""
    return getattr(executor, "road", executor.name)


def executable(executor: Executor, lowered: Lowered) -> Executable | str:
    """The lowered module as the executor runs it, or why the executor cannot run it."""
    if is_isolated(executor):
        return _in_a_fork(executor, lowered)
    try:
        return executor.compile(lowered)
    except CannotExecute as refusal:
        return str(refusal)


def _in_a_fork(executor: Executor, lowered: Lowered) -> Executable:
    """Compile and run in a fork at each call; if the fork dies, the executor cannot run the module."""

    def run(inputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        try:
            return in_fork(lambda: executor.compile(lowered)(inputs), ISOLATED_SECONDS)
        except ForkDied as death:
            raise CannotExecute(f"it dies: {death}") from None

    return run


def diagnosis(checker: Checker, lowered: Lowered, run: Run) -> str:
    """What the checker's death at this run says; empty where it lives or fails, which changes no verdict."""

    def call() -> None:
        checker.compile(lowered)([copied(t) for t in run.inputs])

    try:
        in_fork(call, CHECKED_SECONDS)
    except ForkDied as death:
        return checker.diagnose(lowered, death.stderr)
    except Exception:
        return ""
    return ""
