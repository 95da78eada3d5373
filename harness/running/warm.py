"""Imported once by the fork server: loads torch and all that a sample needs, so that each forked worker starts warm.

Forking a warm process takes milliseconds. Importing torch and torch-mlir takes seconds, the first export imports as
much again, and each first export with symbolic sizes takes 0.2 s more (sympy's caches).
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cases.case import OpCase
from harness.cases.draw import census
from harness.cases.profile import profile
from harness.cases.sample import MODES, Mode, Sample, TensorSpec
from harness.errors import OpcovError
from harness.programs import plugins
from harness.records.frontend import FRONTEND

from . import worker
from .request import LOADING, WarmUp, warm_up

if TYPE_CHECKING:
    from .pipeline import Pipeline

BUILT_IN = ("linalg", "tosa", "stablehlo", "control")
FIRST = "aten.add.Tensor"
"""This op runs through every backend: it is known to kill none."""
EXPORTED = (
    "aten.conv2d.default",
    "aten.layer_norm.default",
    "aten.max_pool2d.default",
    "aten.mm.default",
    "aten.softmax.int",
    "aten.sum.dim_IntList",
    "aten.view.default",
)
"""These ops are only exported, by the control backend: an op that kills a worker must not kill the fork server."""


def exercise(ready: Pipeline, asked: WarmUp) -> None:
    """Run a few samples; their results do not matter."""
    front = [FRONTEND] if FRONTEND in asked.backends else []
    for case, sample in _samples(asked):
        for backend in (*front, *ready.backends) if case.op == FIRST else ("control",):
            ready.run(case, sample, backend, lambda stage: None)


def _samples(asked: WarmUp) -> Iterator[tuple[OpCase, Sample]]:
    modes = [mode for mode in MODES if mode in asked.modes]
    yield from ((worker.case(FIRST), _sum(mode)) for mode in modes)
    for op in EXPORTED if asked.fully else ():
        case = worker.case(op)
        for mode in modes:
            yield from ((case, sample) for sample in census(case, case.dtypes[0], mode, profile("quick"), seed=0))


def _sum(mode: Mode) -> Sample:
    """A sample of `FIRST`, written down rather than drawn: the fork server then does not need hypothesis."""
    sizes = {"d0": 2, "d1": 3}
    args = {name: TensorSpec(dims=("d0", "d1"), dtype="f32") for name in ("self", "other")}
    runs, dynamic = ((sizes,), ()) if mode == "static" else ((sizes, {"d0": 5, "d1": 4}), ("d0", "d1"))
    return Sample(op=FIRST, dtype="f32", mode=mode, sizes=sizes, args=args, dynamic=dynamic, runs=runs)


def _backends(asked: WarmUp) -> tuple[str, ...]:
    """Those asked for that are opcov's own: a plugin may kill the fork server, and what it needs may be missing."""
    known = [name for name in plugins.names(plugins.BACKENDS) if name in BUILT_IN]
    wanted = [name for name in known if name in asked.backends or (asked.fully and name == "control")]
    return tuple(wanted or ["control"])


def warm(asked: WarmUp) -> None:
    """Load and exercise what was asked for; the collector of garbage then passes over it, in each fork too.

    Executors that are not opcov's own are left to the workers: they may kill the process that loads them.
    """
    if asked.path:
        sys.path[:] = asked.path
    gc.disable()  # what is imported stays: to look for garbage in it takes an eighth of the time
    import torch

    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    warnings.filterwarnings("ignore")
    without = plugins.strangers() | dict.fromkeys(asked.without, "")
    ready, _ = worker.load(_backends(asked), thorough=False, without=without, loading=_bounded)
    exercise(ready, asked)
    gc.freeze()
    gc.enable()


def _bounded(name: str) -> None:
    """Note what is loaded, and let a compiler or executor that hangs at its import end this server.

    Whoever started the server has said where to note it, and after how many seconds it ends.
    """
    seconds, _, note = os.environ.get(LOADING, "0 ").partition(" ")
    if note:
        Path(note).write_text(name, encoding="utf-8")
    signal.alarm(int(seconds) if name else 0)


with suppress(OpcovError):  # each worker says it
    warm(warm_up())
