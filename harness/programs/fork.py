"""Call a function in a fork of this process; the death of the fork is an exception here, with its signal and stderr."""

from __future__ import annotations

import ctypes
import faulthandler
import os
import pickle
import select
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, NoReturn, TypeVar

T = TypeVar("T")
_PR_SET_PDEATHSIG = 1
MAX_ERROR_LENGTH = 300
"""How many characters of the line that tells of an error go into the exception's text."""


def die_with_parent() -> None:
    """Let the kernel kill this process when its parent ends, even if it is stuck in native code (Linux: prctl(2))."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class ForkDied(Exception):
    """The fork died, or did not return in time.

    The text is the signal or exit status and the line of stderr that tells of an error, or the deadline that passed.
    `how` is the signal or exit status alone. `stderr` is all that the fork had written by then.
    """

    def __init__(self, message: str, stderr: str = "", how: str = "") -> None:
        super().__init__(message)
        self.stderr = stderr
        self.how = how or message


def in_fork(call: Callable[[], T], seconds: float) -> T:
    """Return the result of the call, made in a fork of this process.

    The fork starts with this process's memory, with its loaded modules and filled caches. The pickled result, or the
    exception, is all that comes back from it. Raises the Exception that the call raises. Raises ForkDied if the fork
    dies, does not answer within so many `seconds`, or answers what cannot be pickled or read.
    """
    with tempfile.TemporaryFile() as stderr:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            _answer(call, writing, stderr)
        os.close(writing)
        data = _read(reading, time.monotonic() + seconds)
        os.close(reading)
        if data is None:
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if data is None:
            raise ForkDied(f"no result in {seconds:g} s", _written(stderr))
        if not data:
            text, how = _written(stderr), _cause_of_death(status)
            raise ForkDied(f"{how}: {_error_line(text)}".removesuffix(": "), text, how)
    try:
        returned, value = pickle.loads(data)
    except Exception as error:  # native code in the fork wrote over the answer
        raise ForkDied(f"its answer cannot be read: {type(error).__name__}") from None
    if not returned:
        raise value
    result: T = value
    return result


def _answer(call: Callable[[], Any], writing: int, stderr: BinaryIO) -> NoReturn:
    """In the fork: make the call, write the answer, exit. Whatever happens, the fork must not run its parent's code."""
    status = 1
    try:
        faulthandler.disable()  # a death here is one of the answers; no Python traceback in stderr
        os.dup2(stderr.fileno(), 2)
        try:
            answer = (True, call())
        except Exception as error:
            answer = (False, error)
        data = pickle.dumps(answer)
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(data)
        status = 0
    except BaseException as error:  # for example of an answer that cannot be pickled
        os.write(2, f"{type(error).__name__}: {error}\n".encode())
    finally:
        os._exit(status)


def _read(reading: int, deadline: float) -> bytes | None:
    """All that is written until the other end is closed, or None if it is still open at the deadline."""
    data = b""
    while select.select([reading], [], [], max(0.0, deadline - time.monotonic()))[0]:
        chunk = os.read(reading, 1 << 20)
        if not chunk:
            return data
        data += chunk
    return None


def _cause_of_death(status: int) -> str:
    """The name of the signal, such as `SIGSEGV`, or the exit status, such as `exit 3`."""
    code = os.waitstatus_to_exitcode(status)
    return signal.Signals(-code).name if code < 0 else f"exit {code}"


def _written(stderr: BinaryIO) -> str:
    return Path(f"/proc/self/fd/{stderr.fileno()}").read_text(errors="replace")


def _error_line(text: str) -> str:
    """The first line that contains "error", or else the first line; lines of a stack trace (`#0 ...`) do not count."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    candidates = [line for line in lines if "error" in line.lower()] or lines
    return candidates[0][:MAX_ERROR_LENGTH] if candidates else ""
