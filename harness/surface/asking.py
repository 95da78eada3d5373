"""Ask eager in a fork, so that a call in which it dies, hangs or eats all memory is one more answer."""

from __future__ import annotations

import ctypes
import os
import signal
import tempfile
import warnings
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import BinaryIO, Literal, TypeVar, cast

import torch

from harness.cases.case import OpCase
from harness.cases.literal import astray
from harness.cases.sample import Sample, tensors
from harness.judging.agreement import Agreement, agreement
from harness.programs.fork import ForkDied, in_fork
from harness.running.limits import limit_memory

T = TypeVar("T")
Reply = Agreement | Literal["dies", "unjudged"]
Ask = Callable[[Sample, "Sample | None"], Reply]
"""From a call, and a sample whose result it should have, to what eager makes of it; see `harness.judging.agreement`.

It `refuses` where oneMKL finds fault with an argument, as it does with NaN: then the result is what was in memory.
It is `unjudged` where eager agrees with float64 and the control does not pass the call, or another processor may refuse
it, and `dies` where eager dies, or reads or writes outside of the arguments, at an index that it does not check.
"""
Passes = Callable[[OpCase, Sample], bool]
"""Whether the control passes a call."""
SECONDS = 900.0
"""How long all questions about one op may take."""
CALL_SECONDS = 10.0
"""The CPU time that one call may take."""
MEMORY = 2 << 30
"""How many bytes the calls may allocate."""
BY_PROCESSOR = ("aten.conv*", "aten._convolution.*", "aten._convolution_mode.*", "aten.gelu_backward.*")
"""Ops that oneDNN computes in bf16 and f16 where the processor has instructions for them: then it refuses another dtype
beside them, which eager's own kernels take elsewhere."""
SHORT = ("bf16", "f16")
MAX_DEATHS = 50
"""In so many calls of one op eager may die."""
_UNANSWERED = "dies"
_OUTSIDE = ("SIGSEGV", "SIGBUS")
"""What ends a process that accesses memory which it does not have."""


class Died(Exception):
    """The process that asked died although it was not asking eager, or died too often."""


def ask_in_fork(case: OpCase, search: Callable[[Ask], T], passes: Passes = lambda case, sample: True) -> T:
    """Return the result of the search, which runs in a fork and asks eager as often as it likes.

    `passes` is asked of the calls on which eager agrees with float64.

    Where eager dies of a call, the search starts again in another fork, and is told so: it must ask the same questions
    each time. Answers that are known are not asked for again. Raises Died.
    """
    with tempfile.TemporaryFile() as log:
        for _ in range(MAX_DEATHS):
            known = _read(log)
            asking = _Asking(case, passes, log, known)
            try:
                return in_fork(partial(asking.run, search), SECONDS)
            except ForkDied as died:
                if len(_read(log)) == len(known):
                    raise Died(str(died)) from None
        raise Died(f"eager died of {MAX_DEATHS} calls")


class _Asking:
    """Asks eager and writes each question to a log before, and its answer after."""

    def __init__(self, case: OpCase, passes: Passes, log: BinaryIO, known: Mapping[str, Reply]) -> None:
        self.case = case
        self.passes = passes
        self.log = log
        self.known = dict(known)

    def run(self, search: Callable[[Ask], T]) -> T:
        """Run the search within the limits of memory and time, without a word on stdout, where the answer goes.

        It has one thread: a fork of a process that has had more may wait for the others for ever.
        """
        torch.set_num_threads(1)
        warnings.simplefilter("ignore")
        with tempfile.TemporaryFile() as stdout:
            os.dup2(stdout.fileno(), 1)
        limit_memory(MEMORY)
        return search(self)

    def __call__(self, sample: Sample, like: Sample | None = None) -> Reply:
        """Ask about one call."""
        key = sample.id + (like.id if like else "")
        if key not in self.known:
            self._write(f"\n{key} {_UNANSWERED}")
            signal.setitimer(signal.ITIMER_PROF, CALL_SECONDS)  # SIGPROF ends the process, in native code too
            before = _written()
            reply: Reply = agreement(self.case, sample, like)
            if _written() > before:
                reply = "refuses"
            elif reply == "agrees" and _strays(self.case, sample):
                reply = "dies"
            judged = reply != "agrees" or (not is_by_processor(sample) and self.passes(self.case, sample))
            self.known[key] = reply if judged else "unjudged"
            signal.setitimer(signal.ITIMER_PROF, 0)
            self._write(f"\n{key} {self.known[key]}")
        return self.known[key]

    def _write(self, line: str) -> None:
        os.write(self.log.fileno(), line.encode())


def _strays(case: OpCase, sample: Sample) -> bool:
    """Whether eager takes the least or largest i64 for an index unchecked: then it dies of another one out there."""
    if (far := astray(sample)) == sample:
        return False
    try:
        in_fork(partial(agreement, case, far), CALL_SECONDS)
    except ForkDied as died:
        return died.how in _OUTSIDE
    return False


def is_by_processor(sample: Sample) -> bool:
    """Whether it depends on the processor if eager takes a call; see `BY_PROCESSOR`."""
    dtypes = {tensor.dtype for tensor in tensors(sample.args)}
    return len(dtypes) > 1 and not dtypes.isdisjoint(SHORT) and any(fnmatchcase(sample.op, op) for op in BY_PROCESSOR)


def _written() -> int:
    """How many bytes there are in stdout, where oneMKL writes what it finds fault with."""
    ctypes.CDLL(None).fflush(None)
    return os.fstat(1).st_size


def _read(log: BinaryIO) -> dict[str, Reply]:
    """The answers so far; a question without one was the last of its process."""
    text = Path(f"/proc/self/fd/{log.fileno()}").read_text(encoding="ascii")
    answers = (line.split() for line in text.splitlines() if line)
    return {key: cast(Reply, answer) for key, answer in answers}
