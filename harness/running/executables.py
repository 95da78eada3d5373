"""How an executor runs an artifact: in this process, or in a fork where it is isolated or may die of what it runs.

Reusable executors share forks that stay, the helpers: one serves those whose death counts, one all others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from harness.judging.reference import Run
from harness.programs.feeding import fed
from harness.programs.fork import ForkDied, in_fork
from harness.programs.helper import Helper
from harness.programs.materialize import copied
from harness.programs.protocols import CannotExecute, Checker, Executable, Executor, Lowered, Program
from harness.text import one_line

from .lru_cache import LruCache

ISOLATED_SECONDS = 10.0
"""What an isolated executor may take for one run."""
CHECKED_SECONDS = 5.0
"""What a checking executor may take for one run."""
OPINION_SECONDS = 18.0
"""What an executor that is asked for a second opinion may take for one run."""
UNTIL_DEADLINE = 86_400.0
"""What any other executor may take in the helper: the supervisor ends this process before, at the sample's deadline."""
KEPT = 8
"""How many executables the helper keeps."""


class ExecutionDied(Exception):
    """Compiled code died, outside of this process: `how` is the signal or exit status, `stderr` what it wrote."""

    def __init__(self, how: str, stderr: str) -> None:
        super().__init__(how)
        self.how = how
        self.stderr = stderr


def is_isolated(executor: Executor) -> bool:
    """Whether the executor compiles and runs in a fork, and a death there is its own."""
    return getattr(executor, "isolated", False)


def road(executor: Executor) -> str:
    """The compilation route that the executor shares with others, and with it their mistakes."""
    return getattr(executor, "road", executor.name)


def executable(executor: Executor, lowered: Lowered) -> Executable | str:
    """The lowered module as the executor runs it, or why the executor cannot run it.

    If it is compiled and run elsewhere, then at each call, which raises CannotExecute; ExecutionDied if it dies there,
    unless the executor is isolated: then it cannot run the module.
    """
    if is_isolated(executor):
        return in_a_fork(executor, lowered, ISOLATED_SECONDS)
    if getattr(executor, "reusable", False):
        return _InHelper(executor, lowered)
    try:
        return executor.compile(lowered)
    except CannotExecute as refusal:
        return str(refusal)


def in_a_fork(executor: Executor, lowered: Lowered, seconds: float) -> Executable:
    """Compile and run in a fork at each call; one that dies, or takes more `seconds`, cannot run the module."""

    def run(inputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        try:
            return _answer(executor, lowered, inputs, seconds).results
        except ForkDied as death:
            raise CannotExecute(f"it dies: {death}") from None

    return run


class _InHelper:
    """Compiles and runs in the helper; `unguarded` is what the executable there said after its last run."""

    def __init__(self, executor: Executor, lowered: Lowered) -> None:
        self._executor = executor
        self._lowered = lowered
        self.unguarded = 0

    def __call__(self, inputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        try:
            answer = _answer(self._executor, self._lowered, inputs, UNTIL_DEADLINE)
        except ForkDied as death:
            raise ExecutionDied(death.how, death.stderr) from None
        self.unguarded = answer.unguarded
        return answer.results


def diagnosis(checker: Checker, lowered: Lowered, run: Run) -> str:
    """What the checker's death at this run says; empty where it lives or fails, which changes no verdict."""
    try:
        _answer(checker, lowered, _given(lowered, run), CHECKED_SECONDS)
    except ForkDied as death:
        return checker.diagnose(lowered, death.stderr)
    except Exception:
        return ""
    return ""


def doubts(checker: Checker, lowered: Lowered, run: Run) -> str:
    """Why it is not certain that the module does nothing wrong at this run; empty where the checker lives."""
    try:
        _answer(checker, lowered, _given(lowered, run), CHECKED_SECONDS)
    except ForkDied as death:
        return checker.diagnose(lowered, death.stderr) or f"{checker.name} dies of it: {death}"
    except Exception as error:
        return f"{checker.name} cannot run it: {one_line(str(error))}"
    return ""


def _given(lowered: Lowered, run: Run) -> list[torch.Tensor]:
    """What `main` is called with in a run."""
    return fed(lowered.program, [copied(t) for t in run.inputs])


def _answer(executor: Executor, lowered: Lowered, inputs: Sequence[torch.Tensor], seconds: float) -> _Answer:
    """Compile and run in the helper, if the executor is `reusable`, or else in a fork; raises as `in_fork` does.

    Where the helper has no results and no refusal to give, a fork says what is wrong: an earlier run may have damaged
    the helper, and only a fork that ran nothing else tells how this one dies. A module that has died in a fork runs in
    forks from then on: it would take the helper with it, which costs another fork.
    """
    key = _key(executor, lowered.dialect, lowered.ir)
    if getattr(executor, "reusable", False) and key not in _deadly:
        helper = _helper_of(executor)
        try:
            answer: _Answer = helper.ask(_Request(executor, lowered.dialect, lowered.ir, inputs), seconds)
            return answer
        except (CannotExecute, ForkDied):
            raise
        except Exception:
            helper.stop()
    try:
        return in_fork(lambda: _ran(executor.compile(lowered), inputs), seconds)
    except ForkDied:
        _deadly.get_or(key, lambda: True)
        raise


_deadly: LruCache[bool] = LruCache(64)
"""The modules that died in a fork last."""


def _key(executor: Executor, dialect: str, ir: str) -> tuple[type[Executor], str, str]:
    """What is compiled by what; an executor is pickled on its way to the helper, so its class stands for it."""
    return type(executor), dialect, ir


def _ran(executable: Executable, inputs: Sequence[torch.Tensor]) -> _Answer:
    return _Answer(list(executable(inputs)), getattr(executable, "unguarded", 0))


@dataclass(frozen=True, slots=True)
class _Request:
    """What the helper is to compile and run. The program is left out: it may be of a class that cannot be pickled."""

    executor: Executor
    dialect: str
    ir: str
    inputs: Sequence[torch.Tensor]


@dataclass(frozen=True, slots=True)
class _Answer:
    """The results of a run, and how many buffers had no guard in it."""

    results: list[torch.Tensor]
    unguarded: int


class _Server:
    """Compiles and runs in the helper. It keeps the executables of the last requests: samples often share a module.

    It keeps none that has global variables, whose values would pass from one run to the next.
    """

    def __init__(self) -> None:
        self._kept: LruCache[Executable] = LruCache(KEPT)

    def __call__(self, request: _Request) -> _Answer:
        if "ml_program" in request.ir:
            return _ran(_compiled(request), request.inputs)
        key = _key(request.executor, request.dialect, request.ir)
        return _ran(self._kept.get_or(key, lambda: _compiled(request)), request.inputs)


def _compiled(request: _Request) -> Executable:
    nothing = Program(op="", module=torch.nn.Module(), args=())
    return request.executor.compile(Lowered(dialect=request.dialect, ir=request.ir, program=nothing))


_helper = Helper(_Server())
"""Serves executors whose death is that of what they run."""
_others = Helper(_Server())
"""Serves isolated executors and checkers, which may damage or kill their process themselves."""


def _helper_of(executor: Executor) -> Helper:
    return _others if is_isolated(executor) or isinstance(executor, Checker) else _helper
