"""A fork of this process that stays and serves one request after the other, so that only the first one costs a fork.

A fork of a process that has loaded torch and torch-mlir costs 40 to 70 ms of CPU time: its page tables are copied, and
so is each page that it writes to. A helper that died is replaced at the next request.
"""

from __future__ import annotations

import faulthandler
import gc
import io
import os
import pickle
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any, NoReturn

from .fork import ForkDied, die_with_parent

USES = 200
"""Requests that one helper serves, so that leaks do not add up."""


class NotServed(Exception):
    """The helper gave no answer to the request, which may be the fault of a request before it."""


@dataclass(frozen=True, slots=True)
class _Process:
    """A helper process, its parent's id and the parent's end of the pipe."""

    pid: int
    parent: int
    pipe: Connection


class Helper:
    """Serves requests in a fork of this process; `serve` is what the fork calls with each request.

    Requests, answers and exceptions are pickled. What `serve` changes stays in the fork, for the requests after it.
    """

    def __init__(self, serve: Callable[[Any], Any]) -> None:
        self._serve = serve
        self._process: _Process | None = None
        self._served = 0

    def ask(self, request: object, seconds: float) -> Any:
        """Return the answer to the request.

        Raises the Exception that `serve` raises. Raises ForkDied if there is no answer within so many `seconds`. Raises
        NotServed if the request cannot be pickled, if the helper dies, or if its answer cannot be read.
        """
        try:
            data = _dumped(request)
        except Exception as error:
            raise NotServed(f"{type(error).__name__}: {error}") from None
        process = self._started()
        try:
            process.pipe.send_bytes(data)
            if not process.pipe.poll(seconds):
                self.stop()
                raise ForkDied(f"no result in {seconds:g} s")
            returned, value = pickle.loads(process.pipe.recv_bytes())
        except ForkDied:
            raise
        except Exception as error:
            self.stop()
            raise NotServed(f"{type(error).__name__}: {error}") from None
        self._served += 1
        if self._served >= USES:
            self.stop()
        if not returned:
            raise value
        return value

    def stop(self) -> None:
        """End the helper, if there is one; the next request starts another."""
        process, self._process = self._process, None
        if process is not None and process.parent == os.getpid():
            process.pipe.close()
            os.kill(process.pid, signal.SIGKILL)
            os.waitpid(process.pid, 0)

    def _started(self) -> _Process:
        """The running helper of this process; a fork of this process does not share it, but gets one of its own."""
        if self._process is None or self._process.parent != os.getpid():
            ours, theirs = Pipe()
            parent = os.getpid()
            pid = os.fork()
            if pid == 0:
                ours.close()
                _answer_all(self._serve, theirs, parent)
            theirs.close()
            self._process, self._served = _Process(pid, parent, ours), 0
        return self._process


def _answer_all(serve: Callable[[Any], Any], pipe: Connection, parent: int) -> NoReturn:
    """In the helper: serve until the pipe closes or the parent ends. The helper must never run its parent's code."""
    try:
        die_with_parent()
        faulthandler.disable()
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # whoever asks makes a fork of its own where stderr matters
        gc.freeze()  # a collection would write to, and so copy, all of the parent's objects
        while os.getppid() == parent:
            request = pickle.loads(pipe.recv_bytes())
            try:
                answer = (True, serve(request))
            except Exception as error:
                answer = (False, error)
            pipe.send_bytes(_dumped(answer))
    finally:
        os._exit(0)


class _Pickler(pickle.Pickler):
    """Pickles plain tensors as their bytes: torch's own way makes an archive of each, and takes 0.2 ms for it."""

    def reducer_override(self, value: Any) -> Any:
        """How to pickle the value, if it is a tensor of which nothing matters but dtype, shape and elements."""
        torch: Any = sys.modules.get("torch")  # where it is not loaded, there are no tensors
        if torch is None or type(value) is not torch.Tensor or value.layout != torch.strided or value.is_quantized:
            return NotImplemented
        special = value.requires_grad or value.is_conj() or value.is_neg() or value.device.type != "cpu"
        if special or not value.is_contiguous():
            return NotImplemented
        from .elements import as_bytes  # late: it loads torch

        return _tensor, (as_bytes(value), value.dtype, tuple(value.shape))


def _tensor(data: bytes, dtype: Any, shape: tuple[int, ...]) -> Any:
    import torch

    if not data:
        return torch.empty(shape, dtype=dtype)
    return torch.frombuffer(bytearray(data), dtype=dtype).reshape(shape)


def _dumped(value: object) -> bytes:
    text = io.BytesIO()
    _Pickler(text, protocol=pickle.HIGHEST_PROTOCOL).dump(value)
    return text.getvalue()
