"""The supervisor owns a worker's life: it starts it, gives it a deadline, notices its death, starts the next.

A worker is `absent`, `idle` or `busy`; whatever ends a busy one becomes the outcome of the sample that it was on.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType

from harness.cases.sample import Sample, to_json
from harness.errors import OpcovError
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

START_SECONDS = 120.0
TAIL = 4000
REFERENCE = "reference"
"""Where the seconds go that a sample takes before its first stage."""
OUTSIDE = ("SIGKILL", "SIGTERM", "memory corrupted")
DIES = "eager itself dies of it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one sample may take: wall seconds over all its stages, and bytes beyond what its worker had.

    `resident` is the size in bytes past which a worker that has done its work is replaced, so that leaks do not add up.
    """

    seconds: float = 30.0
    memory: int = 4 << 30
    resident: int = 2 << 30


@dataclass(slots=True)
class Child:
    """A worker process and the parent's end of its pipe."""

    process: BaseProcess
    pipe: Connection


class Supervisor:
    """Runs samples in a warm child process, one at a time; a context manager."""

    def __init__(
        self,
        backends: Sequence[str],
        limits: Limits | None = None,
        preload: str = "harness.running.warm",
        *,
        thorough: bool = False,
    ) -> None:
        self.backends = tuple(backends)
        self.thorough = thorough
        self.limits = limits or Limits()
        self.deaths = 0
        self._child: Child | None = None
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([preload])
        handle, path = tempfile.mkstemp(prefix="opcov-", suffix=".stderr")
        os.close(handle)
        self._stderr = Path(path)

    def run(self, sample: Sample, backend: str, show: Show | None = None, *, find_pass: bool = False) -> Result:
        """The result of one sample on one backend, whatever it does to the worker.

        `show` is given the IR of each stage that was reached, also if the next one kills the worker. A death before
        the first stage is eager's own if it happens again in a fresh worker: else it was the last sample that had
        written over the worker's memory. A death or hang in execution is the executor's own if an isolated executor
        is right; else checkers may tell its cause. `find_pass` asks where a wrong one parts from eager.

        Raises OpcovError if no worker can be started, such as when a plugin's package is missing.
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
        child = self._child or self._start()
        started = time.monotonic()
        stage: Stage | None = None
        entered = started
        seconds: dict[str, float] = {}
        try:
            child.pipe.send((sample.op, to_json(sample), backend, show is not None, died, find_pass))
            while child.pipe.poll(max(0.0, started + self.limits.seconds - time.monotonic())):
                kind, value, *rest = child.pipe.recv()
                now = time.monotonic()
                if kind == "result":
                    result: Result = value
                    if rest[0] > self.limits.resident or result.cause:  # what is out of bounds may have hit the worker
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
        except Exception as error:  # no reply that can be read: compiled code wrote over the worker's own memory
            self._stop()
            self.deaths += 1
            outcome = Crashed(stage or STAGES[0], "memory corrupted", f"{type(error).__name__}: {error}")
        if stage is None:
            outcome = _eagers_own(outcome)
        return Result(outcome=outcome, seconds=seconds | {stage or REFERENCE: time.monotonic() - entered})

    def _start(self) -> Child:
        ours, theirs = self._context.Pipe()
        from .worker import main

        arguments = (theirs, str(self._stderr), self.backends, self.limits.memory, self.thorough)
        process = self._context.Process(target=main, args=arguments, daemon=True)
        process.start()
        theirs.close()
        self._child = Child(process, ours)
        try:
            if not ours.poll(START_SECONDS):
                raise OpcovError(f"no worker came up within {START_SECONDS:.0f} s", hint="is the machine overloaded?")
            kind, text = ours.recv()
        except EOFError:
            process.join()
            raise OpcovError(f"the worker died at its start: {self._tail()}", hint="run `make setup` again") from None
        if kind != "ready":
            self._stop()
            raise OpcovError(text)
        return self._child

    def _death(self, child: Child, stage: Stage) -> Outcome:
        """What the sample's death says: a signal, an exit status, or the memory limit."""
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
    """What ends a sample before its first stage: eager dies of it or does not end, and no backend has seen it.

    A worker that is killed from outside says nothing of eager.
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
