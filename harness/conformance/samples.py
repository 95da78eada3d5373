"""The samples that plugins are tried on: small calls of common ops."""

from __future__ import annotations

from dataclasses import replace

from harness.cases.sample import Fill, Mode, Sample, TensorSpec

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
