"""A worker process as the supervisor sees it, and how it comes up: forked by a fork server that has loaded torch."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from types import ModuleType

from harness.errors import OpcovError

from .request import WarmUp

START_SECONDS = 120.0
"""How long a worker may take to start."""


@dataclass(slots=True)
class Child:
    """A worker process, the parent's end of its pipe, and the executors it could not load, each with the reason."""

    process: BaseProcess
    pipe: Connection
    absent: Mapping[str, str] = field(default_factory=dict)


WARM = "harness.running.warm"
"""The module that the fork server imports before it forks a worker."""


def fork_server(warm_up: WarmUp, preload: str = WARM) -> ForkServerContext:
    """The context whose processes are forked by the fork server; start that server if none runs yet.

    Returns at once, while the server goes on to import the module `preload` and to do the warm-up. A process has one
    fork server, so only the first call decides what is loaded; what it has not loaded, each worker loads.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([preload])
    os.environ |= warm_up.environment()
    forkserver.ensure_running()
    return context


def start(
    context: ForkServerContext,
    stderr: str,
    backends: Sequence[str],
    memory: int,
    thorough: bool,
    last_words: Callable[[], str],
) -> Child:
    """Start a worker and wait until it can take samples; the arguments are those of `worker.main`.

    `last_words` returns what the worker wrote to `stderr`. Raises OpcovError where no worker comes up.
    """
    from .worker import main

    ours, theirs = context.Pipe()
    process = context.Process(target=main, args=(theirs, stderr, tuple(backends), memory, thorough), daemon=True)
    with _without_main():
        process.start()
    theirs.close()
    try:
        if not ours.poll(START_SECONDS):
            process.kill()
            raise OpcovError(f"no worker came up within {START_SECONDS:.0f} s", hint="is the machine overloaded?")
        kind, said = ours.recv()
    except EOFError:
        process.join()
        raise OpcovError(f"the worker died at its start: {last_words()}", hint="run `make setup` again") from None
    if kind != "ready":
        process.join()
        ours.close()
        raise OpcovError(said)
    return Child(process, ours, said)


@contextmanager
def _without_main() -> Iterator[None]:
    """Hide this process's main script: multiprocessing would import it, and pytest with it, in each worker."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
