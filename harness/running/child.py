"""A worker process as the supervisor sees it, and how it comes up: forked by a fork server that has loaded torch."""

from __future__ import annotations

import atexit
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cache
from multiprocessing import forkserver, spawn
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import NamedTemporaryFile
from types import ModuleType
from typing import Any

from harness.errors import BadCompiler, OpcovError
from harness.programs.compiler import Compiler, chosen
from harness.programs.loaded import COMPILER
from harness.records.toolchain import Loaded
from harness.text import one_line

from .request import LOADING, WarmUp
from .request import warm_up as asked

START_SECONDS = 120.0
"""How long a worker may take to start."""
LOAD_SECONDS = 60.0
"""How long the fork server or a worker may take to load the compiler, or one executor."""
_HANGS = "importing it does not end within {:.0f} s"


@dataclass(slots=True)
class Child:
    """A worker process, the parent's end of its pipe, and what the process has loaded."""

    process: BaseProcess
    pipe: Connection
    loaded: Loaded = field(default_factory=Loaded)


class _BrokenExecutor(Exception):
    """A worker died or did not go on while it loaded the executor `name`; `reason` says how."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(name, reason)
        self.name = name
        self.reason = reason


WARM = "harness.running.warm"
"""The module that the fork server imports before it forks a worker."""


def fork_server(warm_up: WarmUp, preload: str = WARM) -> ForkServerContext:
    """The context whose processes are forked by the fork server; start that server if none runs yet.

    Returns at once, while the server goes on to import the module `preload` and to do the warm-up. A process has one
    fork server for one compiler, so only the first call decides what is loaded; what it has not loaded, each worker
    loads. Where another compiler was chosen since, another server takes its place.
    """
    global _serves
    context = multiprocessing.get_context("forkserver")
    if _serves not in (None, chosen()):
        _stop_server(forkserver._forkserver)
    _serves = chosen()
    context.set_forkserver_preload([preload])
    path = tuple(spawn.get_preparation_data("worker")["sys_path"])  # which multiprocessing gives to each worker
    os.environ |= replace(warm_up, path=path).environment() | {LOADING: f"{LOAD_SECONDS:.0f} {_note()}"}
    forkserver.ensure_running()
    return context


def is_serving() -> bool:
    """Whether this process has a fork server for the compiler that is chosen, so that a worker starts at once."""
    return _serves is not None and _serves == chosen()


@cache
def _note() -> str:
    """The file in which the fork server notes what it loads; it is gone when this process ends."""
    file = NamedTemporaryFile(prefix="opcov-loading-")  # noqa: SIM115
    atexit.register(file.close)
    return file.name


def _is_timed_out(server: Any) -> bool:
    """Whether the fork server has ended because something took too long to load; multiprocessing clears it away."""
    if server._forkserver_pid is None:
        return False
    ended = os.waitid(os.P_PID, server._forkserver_pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    return bool(ended and ended.si_code == os.CLD_KILLED and ended.si_status == signal.SIGALRM)


def _hung(server: Any) -> str:
    """What the fork server could not load in time, which has ended it; "" if it died of something else."""
    for _ in range(20):  # its end of the connection is closed a moment before it is known to have ended
        if _is_timed_out(server):
            return Path(_note()).read_text(encoding="utf-8")
        time.sleep(0.01)
    return ""


def _stop_server(server: Any) -> None:
    """End the fork server. It would end by itself, but not while any process that was forked of this one is alive."""
    if server._forkserver_pid is not None:
        with suppress(ProcessLookupError):
            os.kill(server._forkserver_pid, signal.SIGTERM)
    server._stop()


_serves: Compiler | None = None
"""The compiler that the running fork server has loaded, or loads."""


def start(
    context: ForkServerContext,
    stderr: str,
    backends: Sequence[str],
    memory: int,
    thorough: bool,
    absent: Mapping[str, str],
    last_words: Callable[[], str],
) -> Child:
    """Start a worker and wait until it can take samples; the arguments are those of `worker.main`.

    `absent` are the executors that it must not load, each with the reason. One whose loading ends the worker is absent
    too: another worker is started without it. `last_words` returns what the worker wrote to `stderr`. Raises OpcovError
    where no worker comes up for another reason.
    """
    without = dict(absent)
    server: Any = forkserver._forkserver
    warm = list(server._preload_modules)
    while True:
        try:
            return _started(context, (stderr, tuple(backends), memory, thorough, without), last_words)
        except _BrokenExecutor as broken:
            without[broken.name] = broken.reason
            if warm and not server._preload_modules:  # now that it is known what the server died of
                _restart(context, warm, without)
        except _NoServer as died:
            if not server._preload_modules:
                raise OpcovError(f"no worker can be forked: {died}", hint="is the machine out of memory?") from None
            if hung := _hung(server):  # a worker would only wait for it once more
                if hung == COMPILER:
                    raise _broken_compiler(_HANGS.format(LOAD_SECONDS)) from None
                without[hung] = f"it does not load within {LOAD_SECONDS:.0f} s"
                _restart(context, warm, without)
            else:
                _stop_server(server)
                context.set_forkserver_preload([])  # a worker that loads all itself can say what the server died of


def _restart(context: ForkServerContext, warm: Sequence[str], without: Mapping[str, str]) -> None:
    """Let another fork server do the warm-up, without these executors."""
    os.environ |= replace(asked(), without=tuple(without)).environment()
    _stop_server(forkserver._forkserver)
    context.set_forkserver_preload(list(warm))


def _started(context: ForkServerContext, arguments: tuple[object, ...], last_words: Callable[[], str]) -> Child:
    """A worker that can take samples; raises _BrokenExecutor, _NoServer and OpcovError."""
    from .worker import main

    if _is_timed_out(forkserver._forkserver):  # multiprocessing would start another one, which would end likewise
        raise _NoServer("it could not load in time what it loads first")
    ours, theirs = context.Pipe()
    process = context.Process(target=main, args=(theirs, *arguments), daemon=True)
    try:
        with without_main():
            process.start()
    except (EOFError, OSError) as died:
        raise _NoServer(f"{type(died).__name__}: {died}") from None
    theirs.close()
    kind, loading = "loading", ""
    said: Any = None
    try:
        while kind == "loading":
            if not ours.poll(LOAD_SECONDS if loading else START_SECONDS):
                process.kill()
                if loading == COMPILER:
                    raise _broken_compiler(_HANGS.format(LOAD_SECONDS))
                if loading:
                    raise _BrokenExecutor(loading, f"it does not load within {LOAD_SECONDS:.0f} s")
                raise OpcovError(f"no worker came up within {START_SECONDS:.0f} s", hint="is the machine overloaded?")
            kind, said = ours.recv()
            loading = said if kind == "loading" else ""
    except EOFError:
        process.join()
        if loading == COMPILER:
            raise _broken_compiler(f"importing it ends the process: {_end(process, last_words())}") from None
        if loading:
            raise _BrokenExecutor(loading, f"loading it ends the process: {_end(process, last_words())}") from None
        raise OpcovError(f"the worker died at its start: {last_words()}", hint="run `make setup` again") from None
    if kind != "ready":
        process.join()
        ours.close()
        error = OpcovError(said[0])
        error.code = said[1]
        raise error
    return Child(process, ours, said)


def _broken_compiler(how: str) -> BadCompiler:
    return BadCompiler(f"--torch-mlir {chosen().spec}: {how}", hint="is it built for this Python, torch and processor?")


def _end(process: BaseProcess, last_words: str) -> str:
    """How a process ended, and the last line that it wrote."""
    code = process.exitcode or 0
    how = signal.Signals(-code).name if code < 0 else f"exit {code}"
    return one_line(", ".join((how, *last_words.splitlines()[-1:])))


class _NoServer(Exception):
    """The fork server has died, mostly of what it loads before it forks."""


@contextmanager
def without_main() -> Iterator[None]:
    """Hide this process's main script: multiprocessing would import it, and pytest with it, in each worker."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
