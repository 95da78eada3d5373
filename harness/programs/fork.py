"""Call a function in a fork of this process: what kills the fork is an exception here, with signal and last stderr."""

from __future__ import annotations

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
TAIL = 300


class ForkDied(Exception):
    """The fork died, with the signal and what stderr says of it, or had not returned in time.

    `stderr` is all that it had written by then.
    """

    def __init__(self, fate: str, stderr: str = "") -> None:
        super().__init__(fate)
        self.stderr = stderr


def in_fork(call: Callable[[], T], seconds: float) -> T:
    """The call's result, made in a fork and pickled; raises what the call raises, and ForkDied.

    The fork has the memory of this process, warm as it is, and nothing it does comes back but the result.
    """
    with tempfile.TemporaryFile() as stderr:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            _serve(call, writing, stderr)
        os.close(writing)
        data = _read(reading, time.monotonic() + seconds)
        os.close(reading)
        if data is None:
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if data is None:
            raise ForkDied(f"no result in {seconds:g} s", _text(stderr))
        if not data:
            text = _text(stderr)
            raise ForkDied(f"{_fate(status)}: {_said(text)}".removesuffix(": "), text)
    try:
        good, value = pickle.loads(data)
    except Exception as error:  # what the call ran wrote over its own answer
        raise ForkDied(f"its answer cannot be read: {type(error).__name__}") from None
    if not good:
        raise value
    result: T = value
    return result


def _serve(call: Callable[[], Any], writing: int, stderr: BinaryIO) -> NoReturn:
    """In the fork: call, answer, end, whatever happens: it must never go on as if it were its parent."""
    status = 1
    try:
        faulthandler.disable()  # a death here is an answer
        os.dup2(stderr.fileno(), 2)
        try:
            answer = (True, call())
        except Exception as error:
            answer = (False, error)
        data = pickle.dumps(answer)
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(data)
        status = 0
    except BaseException as error:  # such as an answer that cannot be pickled
        os.write(2, f"{type(error).__name__}: {error}\n".encode())
    finally:
        os._exit(status)


def _read(reading: int, deadline: float) -> bytes | None:
    """All that is written until the other end closes, or None if it has not by then."""
    data = b""
    while select.select([reading], [], [], max(0.0, deadline - time.monotonic()))[0]:
        chunk = os.read(reading, 1 << 20)
        if not chunk:
            return data
        data += chunk
    return None


def _fate(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    return signal.Signals(-code).name if code < 0 else f"exit {code}"


def _text(stderr: BinaryIO) -> str:
    return Path(f"/proc/self/fd/{stderr.fileno()}").read_text(errors="replace")


def _said(text: str) -> str:
    """The first line that speaks of an error, else the first one; no stack trace."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    said = [line for line in lines if "error" in line.lower()] or lines
    return said[0][:TAIL] if said else ""
