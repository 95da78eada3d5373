"""Activations: nonlinear elementwise functions, most of them with attributes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from harness.cases.case import OMIT, Draw, Inputs, OpCase
from harness.cases.dtypes import COMPLEX, EVERY, FLOAT, REAL
from harness.cases.explicit import Example, example, tensor
from harness.cases.libm import libm
from harness.cases.numeric import EXACT, Numeric, Tail, Ulp
from harness.cases.sample import Fill
from harness.cases.strategies import ANY, unary

SMOOTH = Fill(low=-1e4, high=1e4)
"""Without infinities: there a product such as `x sigmoid(x)` is 0 x inf in one formula and not in another."""
EXPONENTIAL = Fill(avoid=(-0.1171875,), margin=0.1328125)
"""Outside of (-0.25, 1/64), where exp(x) - 1 cancels: only the op expm1 must be as accurate as expm1."""
GATED = Ulp(5)
"""A sigmoid and a product."""
BENT = Ulp(16)
"""At the elements drawn, exp(x) - 1 is up to 3.5 times as far off as exp(x); then come the factors."""
TAILS = Tail(10)
"""The error is relative to the terms that cancel, not to their sum; at most 4.2 were measured, of mish in float64."""


def tuned_inputs(fill: Fill = ANY, **options: Sequence[Any]) -> Inputs:
    """A tensor of any rank, and each attribute as one of its options."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        return {"self": d.tensor(d.shape(), fill=fill)} | {name: d.choose(*some) for name, some in options.items()}

    return inputs


def tuned(
    op: str,
    *,
    fill: Fill = ANY,
    dtypes: tuple[str, ...] = FLOAT,
    numeric: Numeric,
    examples: tuple[Example, ...] = (),
    **options: Sequence[Any],
) -> OpCase:
    """An activation with attributes."""
    return OpCase(op=op, inputs=tuned_inputs(fill, **options), dtypes=dtypes, numeric=numeric, examples=examples)


def hardtanh_inputs(d: Draw) -> Mapping[str, Any]:
    """A tensor and bounds that fit its dtype."""
    if d.kind == "float":
        low, high = d.choose((OMIT, OMIT), (-2.0, 0.5), (0.0, 6.0))
    else:
        low, high = d.choose((0, 6), (1, 2)) if d.dtype == "u8" else d.choose((OMIT, OMIT), (0, 6), (-2, 100))
    return {"self": d.tensor(d.shape()), "min_val": low, "max_val": high}


def threshold_inputs(d: Draw) -> Mapping[str, Any]:
    """A tensor with ties at the threshold, the threshold, and the value that replaces elements up to it."""
    return {
        "self": d.tensor(d.shape(), fill=Fill(step=0.5)),
        "threshold": d.choose(0.5, -1.0, 2) if d.kind == "float" else d.scalar(ints=(1, 3, -2)),
        "value": d.choose(0.0, -7.5, 20, math.inf) if d.kind == "float" else d.scalar(ints=(0, 20, -7)),
    }


def prelu_inputs(d: Draw) -> Mapping[str, Any]:
    """A tensor whose second dim is the channels, and a slope for all of them or for each."""
    dims = d.shape(1)
    each = len(dims) > 1 and d.flag()
    return {"self": d.tensor(dims), "weight": d.tensor((dims[1],) if each else (1,))}


def prelu_kernel_inputs(d: Draw) -> Mapping[str, Any]:
    """A tensor, and slopes that broadcast with it."""
    dims = d.shape()
    return {"self": d.tensor(dims), "weight": d.tensor(d.broadcast(dims))}


def rrelu_inputs(*, noise: bool) -> Inputs:
    """A tensor, maybe one for the slopes, and the range of the slopes: a single point in training, which draws them."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        dims = d.shape()
        training = OMIT if d.dtype == "f16" else d.choose(OMIT, True)  # eager trains no f16
        ranges = ((0.25, 0.25), (0.5, 0.5), (0, 0)) if training is True else ((OMIT, OMIT), (0.25, 0.5), (0, 1))
        lower, upper = d.choose(*ranges)
        tensors = {"self": d.tensor(dims)} | ({"noise": d.tensor(dims)} if noise else {})
        return {**tensors, "lower": lower, "upper": upper, "training": training}

    return inputs


def glu_inputs(d: Draw) -> Mapping[str, Any]:
    """A tensor, and a dim of even size to split in two."""
    dims = d.shape(1)
    axis = d.axis(dims)
    even = d.choose(2, 4, 6)
    dims = (*dims[: axis % len(dims)], even, *dims[axis % len(dims) + 1 :])
    return {"self": d.tensor(dims, fill=SMOOTH), "dim": OMIT if axis == -1 and d.flag() else axis}


SHRUNK = example(self=tensor([[2.0, 0.5, -3.0], [-1.5, 1.0, 4.0], [0.0, 2.5, -0.5]], dims=("n", "m")), lambd=1.0)
"""Elements on both sides that shrink, and between them those that vanish, placed otherwise in rows and in columns."""

CASES = (
    unary("aten.relu.default", dtypes=REAL, numeric=EXACT),
    unary("aten.relu6.default", dtypes=REAL, numeric=EXACT),
    OpCase(op="aten.hardtanh.default", inputs=hardtanh_inputs, dtypes=REAL),
    tuned("aten.leaky_relu.default", negative_slope=(OMIT, 0.25, 0.0, -0.5), numeric=Ulp(4)),
    tuned("aten.gelu.default", fill=SMOOTH, numeric=TAILS, approximate=(OMIT, "tanh", "none")),
    unary("aten.silu.default", fill=SMOOTH, dtypes=FLOAT + COMPLEX, numeric=GATED),
    unary("aten.sigmoid.default", dtypes=EVERY, numeric=libm("sigmoid")),
    unary("aten.tanh.default", dtypes=EVERY, numeric=libm("tanh")),
    tuned(
        "aten.elu.default",
        fill=EXPONENTIAL,
        numeric=BENT,
        alpha=(OMIT, 0.5, 2.0),
        scale=(OMIT, 1.5),
        input_scale=(OMIT, 0.5, 2.0),
    ),
    unary("aten.selu.default", fill=EXPONENTIAL, dtypes=FLOAT, numeric=BENT),
    tuned("aten.celu.default", fill=EXPONENTIAL, numeric=BENT, alpha=(OMIT, 0.5, 2.0)),
    tuned("aten.softplus.default", numeric=TAILS, beta=(OMIT, 2.0, 0.5), threshold=(OMIT, 2.0)),
    unary("aten.hardsigmoid.default", dtypes=FLOAT, numeric=TAILS),
    unary("aten.hardswish.default", fill=SMOOTH, dtypes=FLOAT, numeric=TAILS),
    unary("aten.mish.default", fill=SMOOTH, dtypes=FLOAT, numeric=TAILS),
    # For x > 0 it is -log1p(exp(-x)): a plain log(1 + ...) instead loses digits, and from x = 17 on all of them.
    unary("aten.log_sigmoid.default", fill=EXPONENTIAL, dtypes=FLOAT, numeric=BENT),
    unary("aten.log_sigmoid_forward.default", fill=EXPONENTIAL, dtypes=FLOAT, numeric=BENT),
    OpCase(op="aten.threshold.default", inputs=threshold_inputs, dtypes=REAL),
    tuned("aten.softshrink.default", fill=Fill(step=0.5), numeric=Ulp(2), lambd=(OMIT, 0.0, 1.0), examples=(SHRUNK,)),
    tuned("aten.hardshrink.default", fill=Fill(step=0.5), numeric=EXACT, lambd=(OMIT, 0.0, 1.0)),
    OpCase(op="aten.prelu.default", inputs=prelu_inputs, dtypes=FLOAT, numeric=Ulp(2)),
    OpCase(op="aten._prelu_kernel.default", inputs=prelu_kernel_inputs, dtypes=FLOAT, numeric=Ulp(2)),
    OpCase(op="aten.rrelu.default", inputs=rrelu_inputs(noise=False), dtypes=FLOAT, numeric=Ulp(4)),
    OpCase(
        op="aten.rrelu_with_noise_functional.default", inputs=rrelu_inputs(noise=True), dtypes=FLOAT, numeric=Ulp(4)
    ),
    OpCase(op="aten.glu.default", inputs=glu_inputs, dtypes=FLOAT, numeric=GATED),
)
