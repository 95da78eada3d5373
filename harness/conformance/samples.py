"""The samples that plugins are tried on: small calls of common ops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harness.cases.plain import plain_call
from harness.cases.road import Level, Road
from harness.cases.sample import MODES, Fill, Mode, Sample, TensorSpec
from harness.running.worker import case

SUBJECTS = ("aten.relu.default", "aten.neg.default", "aten.abs.default", "aten.tanh.default")
"""Unary ops: the first two that a backend takes are those on which faults are tried."""
PROGRAMS = (
    *SUBJECTS,
    "aten.add.Tensor",
    "aten.mul.Tensor",
    "aten.mm.default",
    "aten.sum.dim_IntList",
    "aten.permute.default",
    "aten.cat.default",
    "aten.gt.Tensor",
)
"""The ops whose plain calls a plugin has to get right, or to refuse."""
COMPOSITE = "aten.silu.default"
"""An op that PyTorch's table decomposes, and torch-mlir's contract pipeline too if it is not legal."""
RUBBISH = "this is no IR"
"""A text that nothing parses."""
SIZES = (4, 1, 0, 7)
"""The sizes at which one dynamic artifact runs, the first one that of export."""


def unary(op: str, mode: Mode = "static", values: str = "mixed") -> Sample:
    """A call of a unary op on eight elements in f32, or on a dim of each of `SIZES`."""
    dynamic = mode == "dynamic"
    spec = TensorSpec(dims=("n",) if dynamic else (8,), dtype="f32")
    sizes = tuple({"n": n} for n in SIZES) if dynamic else ({},)
    dims = ("n",) if dynamic else ()
    args = {"self": replace(spec, fill=Fill(values=values))}  # type: ignore[arg-type]
    return Sample(op=op, dtype="f32", mode=mode, sizes=sizes[0], args=args, dynamic=dims, runs=sizes)


def growing(op: str) -> Sample:
    """A call of a unary op that is exported at a size and also runs at a larger one: IR for one size is wrong there."""
    small, *_, large = SIZES
    return replace(unary(op, "dynamic"), runs=({"n": small}, {"n": large}))


def calls(op: str) -> Sequence[Sample]:
    """An op's calls, static and dynamic: at sizes of 0 and 1 too where it is a subject."""
    if op in SUBJECTS:
        return unary(op), unary(op, "dynamic")
    return [call for mode in MODES if (call := plain_call(case(op), mode))]


def by(frontend: str, sample: Sample, level: Level = "torch-mlir", legal: tuple[str, ...] = ()) -> Sample:
    """The sample by the road of a frontend."""
    return replace(sample, road=Road(frontend, level=level, legal=legal))
