"""How an executor runs an artifact: in this process, or in a fork where it is isolated or may die of what it checks.

Reusable executors share one fork that stays, the helper.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from harness.judging.reference import Run
from harness.programs.fork import ForkDied, in_fork
from harness.programs.helper import Helper
from harness.programs.materialize import copied
from harness.programs.protocols import CannotExecute, Checker, Executable, Executor, Lowered, Program

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
            return _results(executor, lowered, inputs, ISOLATED_SECONDS)
        except ForkDied as death:
            raise CannotExecute(f"it dies: {death}") from None

    return run


def diagnosis(checker: Checker, lowered: Lowered, run: Run) -> str:
    """What the checker's death at this run says; empty where it lives or fails, which changes no verdict."""
    try:
        _results(checker, lowered, [copied(t) for t in run.inputs], CHECKED_SECONDS)
    except ForkDied as death:
        return checker.diagnose(lowered, death.stderr)
    except Exception:
        return ""
    return ""


def _results(
    executor: Executor, lowered: Lowered, inputs: Sequence[torch.Tensor], seconds: float
) -> list[torch.Tensor]:
    """Compile and run in the helper, if the executor is `reusable`, or else in a fork; raises as `in_fork` does.

    Where the helper has no results and no refusal to give, a fork says what is wrong: an earlier run may have damaged
    the helper, and only a fork that ran nothing else tells how this one dies.
    """
    if getattr(executor, "reusable", False):
        try:
            results: list[torch.Tensor] = _helper.ask(_Request(executor, lowered.dialect, lowered.ir, inputs), seconds)
            return results
        except (CannotExecute, ForkDied):
            raise
        except Exception:
            _helper.stop()
    return in_fork(lambda: executor.compile(lowered)(inputs), seconds)


@dataclass(frozen=True, slots=True)
class _Request:
    """What the helper is to compile and run. The program is left out: it may be of a class that cannot be pickled."""

    executor: Executor
    dialect: str
    ir: str
    inputs: Sequence[torch.Tensor]


class _Server:
    """Compiles and runs in the helper. It keeps the executable of the last request: samples often share a module.

    It keeps none that has global variables, whose values would pass from one run to the next.
    """

    def __init__(self) -> None:
        self._kept: tuple[object, Executable] | None = None

    def __call__(self, request: _Request) -> list[torch.Tensor]:
        key = (type(request.executor), request.dialect, request.ir)
        kept, self._kept = self._kept, None
        if kept is None or kept[0] != key:
            nothing = Program(op="", module=torch.nn.Module(), args=())
            lowered = Lowered(dialect=request.dialect, ir=request.ir, program=nothing)
            kept = (key, request.executor.compile(lowered))
        results = list(kept[1](request.inputs))
        if "ml_program" not in request.ir:
            self._kept = kept
        return results


_helper = Helper(_Server())
