"""Imported once by the fork server: loads and exercises everything heavy, so that each forked worker starts warm.

Forking a warm process takes milliseconds. Importing torch and torch-mlir and exporting for the first time takes
seconds, and each first export with symbolic sizes takes 0.2 s more (sympy's caches).
"""

from __future__ import annotations

import warnings

import torch
import torch.export

from harness.cases.draw import census, profile
from harness.cases.sample import MODES
from harness.programs import plugins

from . import worker
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


def exercise(ready: Pipeline) -> None:
    """Run a few samples; their results do not matter."""
    for op in (FIRST, *EXPORTED):
        case = worker.case(op)
        for mode in MODES:
            for sample in census(case, case.dtypes[0], mode, profile("quick"), seed=0):
                for backend in ready.backends if op == FIRST else ("control",):
                    ready.run(case, sample, backend, lambda stage: None)


torch.set_num_threads(1)
torch.set_num_interop_threads(1)
warnings.filterwarnings("ignore")
exercise(worker.pipeline(tuple(n for n in plugins.names(plugins.BACKENDS) if n in BUILT_IN)))
