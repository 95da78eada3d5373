"""The supervisor owns a worker process: it starts one, gives each sample a deadline, and replaces a worker that dies.

A worker is absent, idle or busy. Whatever ends a busy worker becomes the outcome of the sample that it was running.
"""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType

from harness.cases.sample import Sample, to_json
from harness.records.outcome import (
    STAGES,
    Crashed,
    Excluded,
    HarnessError,
    Outcome,
    Passed,
    Result,
    Show,
    Stage,
    TimedOut,
)
from harness.text import portable

from .child import WARM, Child, fork_server, start
from .request import Request, WarmUp

TAIL = 4000
"""How many of the last characters of stderr an outcome keeps."""
REFERENCE = "reference"
"""The key of the seconds that a sample takes before its first stage."""
OUTSIDE = ("SIGKILL", "SIGTERM", "memory corrupted")
"""Deaths that say nothing about eager: the worker was killed from outside, or an earlier sample damaged it."""
DIES = "eager itself dies of it"
"""The start of the reason of a sample on which eager dies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one sample may take.

    `seconds` is the wall time of all its stages; `memory` the bytes that it may allocate beyond what its worker had. A
    worker whose resident size exceeds `resident` bytes after a sample is replaced, so that leaks do not add up.
    """

    seconds: float = 30.0
    memory: int = 4 << 30
    resident: int = 2 << 30


class Supervisor:
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
        self._absent: Mapping[str, str] | None = None
        self._context = fork_server(warm_up or WarmUp(backends=self.backends, fully=False), preload)
        handle, path = tempfile.mkstemp(prefix="opcov-", suffix=".stderr")
        os.close(handle)
        self._stderr = Path(path)

    def absent(self) -> Mapping[str, str]:
        """The executors that a worker could not load, each with the reason; start one if none has run yet."""
        if self._absent is None:
            self._start()
        return self._absent or {}

    def run(self, sample: Sample, backend: str, show: Show | None = None, *, find_pass: bool = False) -> Result:
        """The result of one sample on one backend, whatever the sample does to the worker.

        `show` is given the IR of each stage that was reached, even if the next stage kills the worker. `find_pass` asks
        for the first pass after which a wrong result is wrong.

        A sample on which the worker dies before the first stage runs again in a fresh worker: if that dies too, eager
        itself dies of the sample; if not, the previous sample had written over the worker's memory. A sample on which
        the worker dies or hangs in execution runs again on the isolated executors alone: if one of them is right, the
        first executor is at fault; if none is, checkers may find the cause.

        Raises OpcovError if no worker can be started, for instance because a plugin's package is missing.
        """
        result = self._run(sample, backend, show, find_pass=find_pass)
        if _is_early_death(result):
            result = self._run(sample, backend, show, find_pass=find_pass)
        if died := _death_in_execution(result.outcome):
            again = self._run(sample, backend, None, died)
            return again if isinstance(again.outcome, Passed) else replace(result, cause=again.cause)
        return result

    def _run(
        self, sample: Sample, backend: str, show: Show | None, died: str | None = None, *, find_pass: bool = False
    ) -> Result:
        request = Request(
            op=sample.op,
            sample=to_json(sample),
            backend=backend,
            show=show is not None,
            find_pass=find_pass,
            died=died,
        )
        child = self._child or self._start()
        started = time.monotonic()
        stage: Stage | None = None
        entered = started
        seconds: dict[str, float] = {}
        try:
            child.pipe.send(request)
            while child.pipe.poll(max(0.0, started + self.limits.seconds - time.monotonic())):
                kind, value, *rest = child.pipe.recv()
                now = time.monotonic()
                if kind == "result":
                    result: Result = value
                    # a result with a cause had an access out of bounds, which may have damaged the worker
                    if rest[0] > self.limits.resident or result.cause:
                        self._stop()
                    return result
                if kind == "ir" and show:
                    show(*value)
                    continue
                key = stage or REFERENCE
                seconds[key] = seconds.get(key, 0.0) + now - entered
                stage, entered = value, now
            self._stop()
            self.deaths += 1
            outcome: Outcome = TimedOut(stage or STAGES[0], self.limits.seconds)
        except (EOFError, ConnectionError):
            outcome = self._death(child, stage or STAGES[0])
        except Exception as error:  # the reply cannot be read: compiled code wrote over the worker's memory
            self._stop()
            self.deaths += 1
            outcome = Crashed(stage or STAGES[0], "memory corrupted", f"{type(error).__name__}: {error}")
        if stage is None:
            outcome = _eagers_own(outcome)
        return Result(outcome=outcome, seconds=seconds | {stage or REFERENCE: time.monotonic() - entered})

    def _start(self) -> Child:
        limit = self.limits.memory
        self._child = start(self._context, str(self._stderr), self.backends, limit, self.thorough, self._tail)
        self._absent = self._child.absent
        return self._child

    def _death(self, child: Child, stage: Stage) -> Outcome:
        """The outcome of a sample that killed its worker: a signal, an exit status, or the memory limit."""
        child.process.join()
        code = child.process.exitcode or 0
        self._child = None
        self.deaths += 1
        tail = self._tail()
        if code < 0:
            name = signal.Signals(-code).name
            starved = any(text in tail for text in ("bad_alloc", "out of memory", "Out of memory", "MemoryError"))
            return Crashed(stage, f"{name} (memory limit)" if starved else name, tail)
        if "Traceback" in tail and "worker.py" in tail and code == 1:
            return HarnessError(tail, stage)
        return Crashed(stage, f"exit {code}", tail)

    def _tail(self) -> str:
        try:
            return portable(self._stderr.read_text(errors="replace")[-TAIL:]).strip()
        except OSError:
            return ""

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

    def __enter__(self) -> Supervisor:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        self.close()


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


def _death_in_execution(outcome: Outcome) -> str | None:
    match outcome:
        case Crashed(stage="execute" | "compare", signal=signal):
            return signal
        case TimedOut(stage="execute", seconds=seconds):
            return f"no result in {seconds:g} s"
        case _:
            return None
