"""The worker: a child process that runs samples, one request at a time, and may die of any of them.

It talks to the supervisor over a pipe. `("loading", name)` goes out before each executor is loaded, since that may kill
the process, then `("ready", loaded)`, with what the process has loaded, or `("failed", (text, exit status))`. Then a
`Request` comes in, `("enter", stage)` goes out as each stage is entered, `("ir", (stage, text))` if the request asks
for IR, `("known", fields)` as fields of the result become known, and at last `("result", result, resident bytes, what
has changed of torch's state)`. Its stderr and that of the compilers go to a file, which the supervisor reads when the
worker dies.

This module is a composition root: it joins the registry, the frontend, the backends and the executors.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache, lru_cache
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cases.case import OpCase
from harness.cases.road import DEFAULT
from harness.cases.sample import Sample, from_json
from harness.cases.transformed import judging
from harness.errors import BadCompiler, OpcovError
from harness.programs import plugins
from harness.programs.compiler import chosen
from harness.programs.fork import ForkDied, die_with_parent, in_fork
from harness.programs.loaded import COMPILER, is_pinned_pair, loaded
from harness.programs.provider import check_libraries, provide
from harness.records.frontend import FRONTEND
from harness.records.outcome import HarnessError, Result, Shown, Stage
from harness.records.toolchain import FAST, Loaded
from harness.text import one_line
from op_suites import catalog

from .limits import limit_memory, status
from .memory import FROM_CONTRACT
from .request import CutProgram, CutRequest, CutText, Request

if TYPE_CHECKING:
    from harness.programs.protocols import Backend, Frontend

    from .pieces import Pieces
    from .pipeline import Pipeline


def pipeline(backends: Sequence[str], *, thorough: bool = False, without: Mapping[str, str] | None = None) -> Pipeline:
    """A pipeline with the default frontend, these backends and every executor that can be loaded but for `without`."""
    return load(backends, thorough=thorough, without=without or {})[0]


def load(
    backends: Sequence[str],
    *,
    thorough: bool,
    without: Mapping[str, str],
    loading: Callable[[str], None] = lambda name: None,
) -> tuple[Pipeline, Loaded]:
    """The pipeline, and what this process has loaded for it; raises OpcovError.

    The executors in `without` are absent for these reasons. `loading` is called with the name of each other one before
    it is loaded, and with an empty name when all are; with that of the compiler first of all.
    """
    _import_compiler(loading)
    from .pipeline import Pipeline

    executors, absent = plugins.executors(loading, without)
    advisers, lacking = plugins.advisers(loading, without)
    absent |= lacking
    loading("")
    lowerings = {name: plugins.backend(name)() for name in backends if name != FRONTEND}
    front, why = frontend()
    tool = chosen().tool
    if tool:
        _through(tool, front, lowerings)
    ready = Pipeline(front, lowerings, executors, thorough=thorough, advisers=advisers)
    present = [name for name in plugins.executor_names() if name not in absent]
    said = {name: found.json() for name, low in lowerings.items() if (found := getattr(low, "element_types", None))}
    return ready, replace(loaded(lowerings, present, absent, tool), element_types=said, frontend=why)


@cache
def frontend() -> tuple[Frontend, str]:
    """The frontend, and what is said of it; forks of a process that has compared two frontends need not do it again.

    The fast one imitates the official path of the pinned torch and torch-mlir. For another pair it is compared with
    that path, in a fork, since a part of another version may kill the process.
    """
    from backends.frontend import Fx
    from backends.official import PATH, Official

    from . import trial

    if is_pinned_pair():
        return Fx(), ""
    try:
        differs = in_fork(lambda: trial.difference(trial.samples(case), Fx(), Official()), trial.FRONTENDS_SECONDS)
    except ForkDied as death:
        differs = f"to compare them ends with {death}"
    if differs:
        return Official(), f"{PATH}, since the fast one differs ({one_line(differs)})"
    return Fx(), f"{FAST}, the same as {PATH} on twenty programs"


def _through(path: Path, front: Frontend, lowerings: Mapping[str, Backend]) -> None:
    """Run pipelines through a `torch-mlir-opt` from now on; raises BadCompiler if it does not fit what is installed.

    A process that was forked of one that has looked need not look again.
    """
    from backends import ir
    from backends.frontend import CONTRACT_PIPELINE
    from backends.tool import Tool

    from . import trial

    if (known := ir.tool()) and known.path == path:
        return
    tool = Tool(path)
    ours = {name: lowering for name, lowering in lowerings.items() if name in FROM_CONTRACT}
    tool.require(CONTRACT_PIPELINE, *(lowering.recipe.pipeline for lowering in ours.values()))  # type: ignore[attr-defined]
    ir.use(tool)
    try:
        with tool.within(trial.SECONDS):
            trial.check_crossing(trial.samples(case), front, ours.values())
    except OpcovError:
        ir.use(None)
        raise


def _import_compiler(loading: Callable[[str], None]) -> None:
    """Import the compiler that this process measures; raises OpcovError."""
    compiler = chosen()
    provide(compiler)
    loading(COMPILER)
    try:
        import backends.frontend  # noqa: F401 # heavy: only worker processes load torch
    except Exception as error:  # a broken package may raise any type
        raise BadCompiler(
            f"--torch-mlir {compiler.spec}: opcov cannot use it: {type(error).__name__}: {one_line(str(error))}",
            hint=f"does `python -c 'import {COMPILER}.fx'` work with it, and is it built for this torch and Python?",
        ) from error
    check_libraries(compiler)


@cache
def case(op: str) -> OpCase:
    """The registry's case of an op."""
    return next(c for cases in catalog().values() for c in cases if c.op == op)


def _case(request: Request | CutRequest) -> OpCase:
    """The case by which a request's sample is judged."""
    return judging(case(request.op), _sample(request.sample))


@lru_cache(maxsize=64)
def _sample(text: str) -> Sample:
    """The sample of a request; the same object for each backend."""
    return from_json(json.loads(text))


def main(
    requests: Connection,
    stderr: str,
    backends: Sequence[str],
    memory: int,
    thorough: bool,
    without: Mapping[str, str],
) -> None:
    """Serve until the pipe closes; `memory` bytes may be allocated beyond what is in use when a sample starts.

    The executors in `without` are absent for these reasons.
    """
    _end_with_run()
    _redirect(stderr)
    import torch

    from .torch_state import TorchState

    torch.set_num_threads(1)
    try:
        ready, seen = load(
            backends, thorough=thorough, without=without, loading=lambda name: requests.send(("loading", name))
        )
    except OpcovError as error:
        requests.send(("failed", (str(error), error.code)))
        return
    _relieve_collector()
    state = TorchState()
    requests.send(("ready", seen))
    while True:
        try:
            request: Request | CutRequest = requests.recv()
        except EOFError:
            return
        _forget_stderr()
        limit_memory(memory)
        found = _cut(ready, requests, request) if isinstance(request, CutRequest) else _serve(ready, requests, request)
        off_default = _sample(request.sample).road != DEFAULT  # no sample of the default road goes through torch.func
        requests.send(("result", found, _resident(), state.changed(transforms=off_default)))


@cache
def _pieces(ready: Pipeline) -> Pieces:
    from backends import cutting

    from .pieces import Pieces

    return Pieces(ready, cutting, {case.op: case for cases in catalog().values() for case in cases})


def _cut(ready: Pipeline, replies: Connection, request: CutRequest) -> CutProgram | CutText | Result:
    def enter(stage: Stage) -> None:
        replies.send(("enter", stage))

    return _pieces(ready).serve(_case(request), _sample(request.sample), request, enter)


def _serve(ready: Pipeline, replies: Connection, request: Request) -> Result:
    def enter(stage: Stage) -> None:
        replies.send(("enter", stage))

    def show(stage: Shown, text: str) -> None:
        replies.send(("ir", (stage, text)))

    def tell(known: Mapping[str, Any]) -> None:
        replies.send(("known", known))

    try:
        if request.failed:
            wanted = _case(request), _sample(request.sample), request.backend
            return ready.opinion(*wanted, request.failed, enter)
        if request.ir is not None:
            ready = _executing(ready, request.backend, request.ir)
        return ready.run(
            _case(request),
            _sample(request.sample),
            request.backend,
            enter,
            show if request.show else None,
            request.died,
            find_pass=request.find_pass,
            tell=tell,
        )
    except Exception:  # a bug of ours must not look like a crash of the compiler
        return Result(outcome=HarnessError(traceback.format_exc(limit=-8)))


def _executing(ready: Pipeline, backend: str, ir: str) -> Pipeline:
    """A pipeline with the same frontend and executors, all of which are asked, in which the backend gives this IR."""
    from .given import Given
    from .pipeline import Pipeline

    executors = (*ready.executors, *ready.checkers)
    given = {backend: Given(ready.backends[backend], ir)}
    return Pipeline(ready.frontends.built_in, given, executors, thorough=True)


def _relieve_collector() -> None:
    """Let the garbage collector skip what stays loaded, and come less often: a tenth of what tracing a program costs.

    The half a million objects of torch's and sympy's modules are no garbage. The forks of this process profit too: a
    collection writes to the pages of all that it visits.
    """
    gc.freeze()
    gc.set_threshold(50_000, 10, 10)


def _end_with_run() -> None:
    """Let the kernel kill this worker when its run ends.

    The worker's parent is the fork server. It ends with the run, but only once no worker holds the pipe open over which
    it sees that the run is alive: so this worker closes its copy.
    """
    die_with_parent()
    alive = getattr(forkserver._forkserver, "_forkserver_alive_fd", None)
    if alive is not None:
        os.close(alive)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the supervisor handles Ctrl-C


def _redirect(path: str) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.close(file)


def _forget_stderr() -> None:
    os.ftruncate(2, 0)


def _resident() -> int:
    return status("VmRSS")
