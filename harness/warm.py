"""Imported by the fork server, once: loads and exercises everything heavy, so that each forked worker starts warm.

A fork of a warm process costs milliseconds; importing torch and torch-mlir and exporting for the first time, seconds.
"""

from __future__ import annotations

import warnings

import torch
import torch.export

from . import plugins
from .case import OpCase
from .pipeline import Pipeline
from .sample import Sample, TensorSpec
from .worker import pipeline

torch.set_num_threads(1)
torch.set_num_interop_threads(1)
warnings.filterwarnings("ignore")


def exercise(ready: Pipeline) -> None:
    """One sample through the built-in backends; what becomes of it does not matter here."""
    arg = TensorSpec(dims=("n",), dtype="f32")
    sample = Sample(
        op="aten.neg.default", dtype="f32", mode="static", sizes={"n": 2}, args={"self": arg}, runs=({"n": 2},)
    )
    case = OpCase(op=sample.op, inputs=lambda d: {"self": d.tensor(d.shape())})
    for backend in ready.backends:
        ready.run(case, sample, backend, lambda stage: None)


BUILT_IN = ("linalg", "tosa", "stablehlo", "control")

exercise(pipeline(tuple(n for n in plugins.names(plugins.BACKENDS) if n in BUILT_IN)))
