"""The supervisor owns a worker process: it starts one, gives each sample a deadline, and replaces a worker that dies.

A worker is absent, idle or busy. Whatever ends a busy worker becomes the outcome of the sample that it was running.
"""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

from harness.cases.sample import Sample, dumps
from harness.records.opinion import Opinion
from harness.records.outcome import (
    STAGES,
    Crashed,
    Excluded,
    HarnessError,
    Invalid,
    NotRun,
    Outcome,
    Passed,
    Result,
    Show,
    Stage,
    TimedOut,
)
from harness.records.toolchain import Loaded

from .child import WARM, Child, fork_server, start
from .deadline import Deadline
from .death import KILLED, OUTSIDE, crashed, tail
from .request import CutProgram, CutRequest, CutText, Request, WarmUp

DIES = "eager itself dies of it"
"""The start of the reason of a sample on which eager dies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one sample may take.

    `seconds` is the wall time of all its stages (see `Deadline`); `memory` the bytes that it may allocate beyond what
    its worker had. A worker whose resident size exceeds `resident` bytes after a sample is replaced, so that leaks do
    not add up. Of all stages that end, the longest takes 4.4 s.
    """

    seconds: float = 20.0
    memory: int = 2 << 30
    resident: int = 2 << 30


Asked = Request | CutRequest
Answer = CutProgram | CutText | Result


class Supervisor(AbstractContextManager["Supervisor"]):
    """Runs samples in a warm child process, one at a time; a context manager."""

    def __init__(
        self,
        backends: Sequence[str],
        limits: Limits | None = None,
        preload: str = WARM,
        *,
        thorough: bool = False,
        warm_up: WarmUp | None = None,
    ) -> None:
        """Let the fork server load torch meanwhile; by default it warms up these backends, not fully."""
        self.backends = tuple(backends)
        self.thorough = thorough
        self.limits = limits or Limits()
        self.deaths = 0
        self._child: Child | None = None
        self._loaded: Loaded | None = None
        self._context = fork_server(warm_up or WarmUp(backends=self.backends, fully=False), preload)
        self._stderr = _empty_file()

    def loaded(self) -> Loaded:
        """What the last worker has loaded; start one if none has run yet. Raises OpcovError."""
        if self._loaded is None:
            self._start()
        assert self._loaded is not None
        return self._loaded

    def run(
        self,
        sample: Sample,
        backend: str,
        show: Show | None = None,
        *,
        find_pass: bool = False,
        short: Mapping[Stage, str] | None = None,
        ir: str | None = None,
    ) -> Result:
        """The result of one sample on one backend, whatever the sample does to the worker.

        `show` is given the IR of each stage that was reached, even if the next stage kills the worker. `find_pass` asks
        for the first pass after which a wrong result is wrong. `short` maps the stages that have only a share of the
        deadline to the samples that hung there: one that does not end in that time is `NotRun`. `ir` is lowered IR to
        execute in place of what the backend makes.

        A sample on which the worker dies before the first stage runs again in a fresh worker: if that dies too, eager
        itself dies of the sample; if not, the previous sample had written over the worker's memory. So does a sample
        whose worker was killed from outside: if that happens again, the sample crashes, for instance because it takes
        all memory. A sample on which the worker dies or hangs in execution runs again on the isolated executors alone:
        if one of them is right, the first executor is at fault; if none is, checkers may find the cause.

        Raises OpcovError if no worker can be started, for instance because a plugin's package is missing.
        """
        request = Request(
            op=sample.op, sample=dumps(sample), backend=backend, show=show is not None, find_pass=find_pass, ir=ir
        )
        return self._settled(request, show, short or {})

    def cut(self, request: CutRequest) -> Answer:
        """What is asked of a piece; a `Result` if the worker died or hung over it. Raises OpcovError as `run` does."""
        return (self._answer if request.depth == "text" else self._settled)(request, None, {})

    def _settled(self, request: Asked, show: Show | None, short: Mapping[Stage, str]) -> Result:
        """The result of what a request runs, asked for again where the first death does not say whose fault it is."""
        deaths = self.deaths
        result = self._result(request, show, short)
        if _is_early_death(result) or _is_killed(result.outcome):
            deaths = self.deaths
            result = self._result(request, show, short)
        if self.deaths > deaths and (died := _death_in_execution(result.outcome)):
            again = self._result(_again(request, died), None, short)
            if isinstance(again.outcome, Passed | Invalid):
                return replace(again, hung=result.hung)
            return replace(result, cause=again.cause)
        return result

    def opinion(self, sample: Sample, backend: str, failed: Result) -> Result:
        """The result of a sample that failed, with a second opinion; raises OpcovError as `run` does."""
        request = Request(op=sample.op, sample=dumps(sample), backend=backend, failed=failed)
        return _advised(failed, self._result(request, None, {}))

    def _result(self, request: Asked, show: Show | None, short: Mapping[Stage, str]) -> Result:
        return _as_result(self._answer(request, show, short))

    def _answer(self, request: Asked, show: Show | None, short: Mapping[Stage, str]) -> Answer:
        """What a worker answers; a fresh one is asked if torch's state was left changed, and its answer counts."""
        answer, changed = self._asked(request, show, short)
        return self._asked(request, show, short)[0] if changed else answer

    def _asked(self, request: Asked, show: Show | None, short: Mapping[Stage, str]) -> tuple[Answer, str]:
        """What a worker answers, and what it says has changed in torch's state of its thread: then it is stopped."""
        child = self._child or self._start()
        deadline = Deadline(self.limits.seconds, short)
        known: dict[str, Any] = {}
        try:
            child.pipe.send(request)
            if received := _received(child, deadline, show, known):
                answer, resident, changed = received
                if resident > self.limits.resident or changed:
                    self._stop()
                return answer, changed
            self._stop()
            self.deaths += 1
            outcome: Outcome = deadline.outcome()
        except (EOFError, ConnectionError):
            child.process.join()
            self._child = None
            self.deaths += 1
            outcome = _died(deadline.stage or STAGES[0], child.process.exitcode or 0, _last_words(self._stderr))
        except Exception as error:  # the reply cannot be read: compiled code wrote over the worker's memory
            self._stop()
            self.deaths += 1
            outcome = Crashed(deadline.stage or STAGES[0], "memory corrupted", f"{type(error).__name__}: {error}")
        if deadline.stage is None:
            outcome = _eagers_own(outcome)
        hung = (outcome.stage,) if isinstance(outcome, TimedOut) else ()
        return Result(outcome=outcome, seconds=deadline.spent(), hung=hung, **known), ""

    def _start(self) -> Child:
        absent = self._loaded.absent if self._loaded else {}
        rest = (str(self._stderr), self.backends, self.limits.memory, self.thorough)
        self._child = start(self._context, *rest, absent, partial(_last_words, self._stderr))
        self._loaded = self._child.loaded
        return self._child

    def renew(self) -> None:
        """Let the next sample run in a fresh worker."""
        self._stop()

    def _stop(self) -> None:
        if self._child:
            self._child.process.kill()
            self._child.process.join()
            self._child.pipe.close()
            self._child = None

    def close(self) -> None:
        """End the worker."""
        self._stop()
        self._stderr.unlink(missing_ok=True)

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        self.close()


def _received(
    child: Child, deadline: Deadline, show: Show | None, known: dict[str, Any]
) -> tuple[Answer, int, str] | None:
    """A worker's answer, its resident bytes and what has changed of torch's state; None if the deadline has passed."""
    while child.pipe.poll(deadline.left()):
        kind, value, *rest = child.pipe.recv()
        if kind == "result":
            return (value, *rest)
        if kind == "ir" and show:
            show(*value)
        elif kind == "known":
            known.update(value)
        elif kind == "enter":
            deadline.enter(value)
    return None


def _empty_file() -> Path:
    handle, path = tempfile.mkstemp(prefix="opcov-", suffix=".stderr")
    os.close(handle)
    return Path(path)


def _as_result(answer: Answer) -> Result:
    """The answer to a request that runs something; a piece that cannot be had is told of before it is run."""
    return answer if isinstance(answer, Result) else Result(outcome=HarnessError(f"no result but {answer}"))


def _died(stage: Stage, code: int, stderr: str) -> Outcome:
    """The outcome of a sample that killed its worker: a signal, an exit status, or the memory limit."""
    if "Traceback" in stderr and "worker.py" in stderr and code == 1:
        return HarnessError(stderr, stage)
    return crashed(stage, signal.Signals(-code).name if code < 0 else f"exit {code}", stderr)


def _again(request: Asked, died: str) -> Asked:
    """The request, for the isolated executors alone."""
    if isinstance(request, CutRequest):
        return replace(request, died=died)
    return replace(request, show=False, find_pass=False, died=died)


def _advised(failed: Result, answer: Result) -> Result:
    """The result with the opinion that the worker gave; there is none if the worker died or hung over it."""
    if answer.opinion:
        return answer
    why = f"the worker ends with {type(answer.outcome).__name__} at {answer.outcome.stage}"
    return replace(failed, opinion=Opinion(executor=", ".join(failed.advisers), says="none", why=why))


def _last_words(stderr: Path) -> str:
    try:
        return tail(stderr.read_text(errors="replace"))
    except OSError:
        return ""


def _eagers_own(outcome: Outcome) -> Outcome:
    """The outcome of a sample that ended before its first stage, in eager: excluded, since no backend has seen it.

    A worker that was killed from outside says nothing about eager.
    """
    match outcome:
        case Crashed(signal=signal) if not signal.startswith(OUTSIDE):
            return Excluded(f"{DIES}: {signal}")
        case TimedOut(seconds=seconds):
            return Excluded(f"eager itself does not end in {seconds:g} s")
        case _:
            return outcome


def _is_early_death(result: Result) -> bool:
    return isinstance(result.outcome, Excluded) and result.outcome.reason.startswith(DIES)


def _is_killed(outcome: Outcome) -> bool:
    """Whether a signal ended the worker that no program sends itself."""
    return isinstance(outcome, Crashed) and outcome.signal in KILLED


def _death_in_execution(outcome: Outcome) -> str | None:
    match outcome:
        case Crashed(stage="execute" | "compare", signal=signal):
            return signal
        case TimedOut(stage="execute", seconds=seconds) | NotRun(stage="execute", seconds=seconds):
            return f"no result in {seconds:g} s"
        case _:
            return None
