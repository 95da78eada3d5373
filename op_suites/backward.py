"""Gradients of activations, softmax, norms and losses: the ops that training graphs contain.

Only floats are sampled: some of these ops take integers in eager, but integers have no gradients.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from harness.cases.case import OMIT, Draw, Inputs, OpCase
from harness.cases.dtypes import FLOAT
from harness.cases.explicit import NAN, Example, example, tensor
from harness.cases.libm import libm
from harness.cases.numeric import EXACT, Composite, Linear, Numeric, Over, Ulp
from harness.cases.sample import DtypeArg, Fill, SizeOf
from harness.cases.strategies import row_major

FINITE = Fill(reach="unit", nonfinite=False)
"""At infinity these gradients are products such as 0 * inf, whose value depends on the formula."""

POSITIVE = Fill(low=0.25, high=4, nonfinite=False)
MASKS = ((True, True, True), (True, False, False), (False, True, True), (True, True, False), (True, False, True))


def pointwise_inputs(other: str, fill: Fill, **attributes: tuple[Any, ...]) -> Inputs:
    """The gradient of the result, the tensor that the formula needs, and attributes from these options."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        dims = d.shape()
        chosen = {name: d.choose(*options) for name, options in attributes.items()}
        return {"grad_output": d.tensor(dims, fill=FINITE), other: d.tensor(dims, fill=fill), **chosen}

    return inputs


def pointwise(
    op: str,
    other: str = "self",
    *,
    fill: Fill = FINITE,
    numeric: Numeric,
    examples: tuple[Example, ...] = (),
    **attributes: tuple[Any, ...],
) -> OpCase:
    """The gradient of an elementwise op."""
    inputs = pointwise_inputs(other, fill, **attributes)
    return OpCase(op=op, inputs=inputs, dtypes=FLOAT, numeric=numeric, examples=examples)


def leaky_relu_inputs(d: Draw) -> Mapping[str, Any]:
    """The gradient, computed from the input or the result, which shows the input's sign for positive slopes only."""
    dims = d.shape()
    is_result = d.flag()
    return {
        "grad_output": d.tensor(dims),
        "self": d.tensor(dims),
        "negative_slope": d.choose(0.01, 0.5, 0) if is_result else d.choose(0.01, -0.5, 2),
        "self_is_result": is_result,
    }


def elu_inputs(d: Draw) -> Mapping[str, Any]:
    """The gradient, computed from the input or from the result, with all three factors."""
    dims = d.shape()
    return {
        "grad_output": d.tensor(dims, fill=FINITE),
        "alpha": d.choose(1.0, 0.5, 2),
        "scale": d.choose(1.0, 1.5),
        "input_scale": d.choose(1.0, 0.5),
        "is_result": d.flag(),
        "self_or_result": d.tensor(dims, fill=FINITE),
    }


def softmax_inputs(fill: Fill) -> Inputs:
    """The gradient and the result, reduced along one dim."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        dims = d.shape(0, 4)
        return {
            "grad_output": d.tensor(dims, fill=FINITE),
            "output": d.tensor(dims, fill=fill),
            "dim": d.axis(dims),
            "input_dtype": DtypeArg(d.dtype),
        }

    return inputs


def layer_norm_inputs(d: Draw) -> Mapping[str, Any]:
    """One or two normalized dims, with or without weight and bias; three results, some of them masked out."""
    lead = d.shape(1, 2, low=1, prefix="n")
    inner = tuple(d.size(f"m{i}", 1, 4, symbolic=False) for i in range(d.choose(1, 2)))
    stats = (*lead, *(1 for _ in inner))
    affine = d.choose(True, True, False)
    wanted = d.choose(*MASKS) if affine else (True, False, False)
    return {
        "grad_out": d.tensor((*lead, *inner), fill=FINITE),
        "input": d.tensor((*lead, *inner), fill=FINITE),
        "normalized_shape": tuple(SizeOf(m) for m in inner),
        "mean": d.tensor(stats, fill=FINITE),
        "rstd": d.tensor(stats, fill=POSITIVE),
        "weight": d.tensor(inner, fill=FINITE) if affine else None,
        "bias": d.tensor(inner, fill=FINITE) if affine else None,
        "output_mask": wanted,
    }


def group_norm_inputs(d: Draw) -> Mapping[str, Any]:
    """One to three groups of channels, with or without weight; three results, some of them masked out."""
    groups, batch, length = d.choose(2, 1, 3), d.size("n", 1, 3), d.size("x", 1, 4)
    channels = groups * d.choose(2, 1)
    affine = d.choose(True, True, False)
    return {
        "grad_out": d.tensor((batch, channels, length), fill=FINITE),
        "input": d.tensor((batch, channels, length), fill=FINITE),
        "mean": d.tensor((batch, groups), fill=FINITE),
        "rstd": d.tensor((batch, groups), fill=POSITIVE),
        "weight": d.tensor((channels,), fill=FINITE) if affine else None,
        "N": SizeOf(batch),
        "C": channels,
        "HxW": SizeOf(length),
        "group": groups,
        "output_mask": d.choose(*MASKS) if affine else (True, False, False),
    }


def batch_norm_inputs(d: Draw) -> Mapping[str, Any]:
    """The gradient, computed from the saved statistics in training, else from the running ones; maybe a weight."""
    dims = (
        d.size("n", 1, 3),
        d.size("c", 1, 3, symbolic=False),
        *(d.size(f"x{i}", 1, 3) for i in range(d.choose(2, 1))),
    )
    stats = ("c",)
    train = d.flag()
    return {
        "grad_out": d.tensor(dims, fill=FINITE),
        "input": d.tensor(dims, fill=FINITE),
        "weight": d.choose(None, d.tensor(stats, fill=FINITE)),
        "running_mean": d.tensor(stats, fill=FINITE),
        "running_var": d.tensor(stats, fill=POSITIVE),
        "save_mean": d.tensor(stats, fill=FINITE),
        "save_invstd": d.tensor(stats, fill=POSITIVE),
        "train": train,
        "eps": d.choose(1e-5, 0.5),
        "output_mask": d.choose(*MASKS),
    }


def nll_loss_inputs(*, images: bool = False) -> Inputs:
    """Each reduction, with or without class weights and an ignored class; of images, of a batch or of a single row."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        classes = d.size("c", 1, 5)
        reduction = d.choose(1, 0, 2)
        batch = (d.size("n", 1, 5),) if images or d.choose(True, True, False) else ()
        places = (*batch, d.size("x0", 1, 4), d.size("x1", 1, 4)) if images else batch
        return {
            "grad_output": d.tensor(places if reduction == 0 else (), fill=FINITE),
            "self": d.tensor((*places[:1], classes, *places[1:]), fill=FINITE),
            "target": d.index(places, classes),
            "weight": d.choose(None, d.tensor((classes,), fill=POSITIVE)),
            "reduction": reduction,
            "ignore_index": d.choose(-100, 0),
            "total_weight": d.tensor((), fill=POSITIVE),
        }

    return inputs


def binary_cross_entropy_inputs(d: Draw) -> Mapping[str, Any]:
    """Each reduction, of probabilities between 0 and 1, with a weight that broadcasts or without."""
    dims = d.shape()
    reduction = d.choose(OMIT, 0, 2, 1)
    return {
        "grad_output": d.tensor(dims if reduction == 0 else (), fill=FINITE),
        "self": d.tensor(dims, fill=Fill(low=0.03125, high=0.96875, nonfinite=False)),
        "target": d.tensor(dims, fill=UNIT),
        "weight": d.choose(OMIT, None, d.tensor(d.broadcast(dims), fill=POSITIVE)),
        "reduction": reduction,
    }


def log_sigmoid_inputs(d: Draw) -> Mapping[str, Any]:
    """An input with equal elements, so that the buffer, in which the forward pass leaves exp(-|x|), agrees with it."""
    dims = d.shape()
    x = d.choose(0.5, -2.0, 0.0, 4.0)
    buffer = math.exp(-abs(x))
    return {
        "grad_output": d.tensor(dims, fill=FINITE),
        "self": d.tensor(dims, fill=Fill(low=x, high=x, nonfinite=False)),
        "buffer": d.tensor(dims, fill=Fill(low=buffer, high=buffer, nonfinite=False)),
    }


def mse_loss_inputs(d: Draw) -> Mapping[str, Any]:
    """Each reduction."""
    dims = d.shape(0, 4, low=1)
    reduction = d.choose(1, 0, 2)
    return {
        "grad_output": d.tensor(dims if reduction == 0 else (), fill=FINITE),
        "self": d.tensor(dims, fill=FINITE),
        "target": d.tensor(dims, fill=FINITE),
        "reduction": reduction,
    }


def dropout_inputs(d: Draw) -> Mapping[str, Any]:
    """The mask that was drawn, and the scale of the elements that it keeps."""
    dims = d.shape()
    return {"grad_output": d.tensor(dims), "mask": d.tensor(dims, "bool"), "scale": d.choose(2.0, 1.0, 1.25)}


def gradient(op: str, inputs: Inputs, numeric: Numeric, dtypes: tuple[str, ...] = FLOAT, **more: Any) -> OpCase:
    """The gradient of an op that is not elementwise."""
    return OpCase(op=op, inputs=inputs, dtypes=dtypes, numeric=numeric, **more)


def made_of(steps: int, *functions: str) -> Composite:
    """The numeric class of a composition: the number of its rounded operations, and its transcendental functions."""
    return Composite((Ulp(steps), *map(libm, functions)))


NORM = Composite((Linear((Over(None),)), Linear((Over(None),)), Ulp(10)))
"""Two sums over the normalized elements, and a few operations on them. Scale and shift have shorter sums."""
NEAR = Fill(reach="unit")
UNIT = Fill(low=0, high=1, nonfinite=False)
EDGES = Fill(reach="unit", nonfinite=False, avoid=(-3.0, 3.0), margin=0.0625)
"""Away from the edges of hard activations, and without NaN: to which side an edge belongs is a convention. So is the
gradient at NaN, on which eager's own kernels disagree, depending on the size."""

AT_THRESHOLD = example(
    grad_output=tensor([1.5, -2.0, 3.0], dims=("n",)), self=tensor([-1.0, 0.0, 1.0], dims=("n",)), threshold=0
)
"""Below, at and above the threshold."""
APART = example(
    grad_output=tensor([1.5, -2.0, 3.0], dims=("n",)),
    self=tensor([NAN, -1.0, 0.5], dims=("n",)),
    buffer=tensor([NAN, math.exp(-1.0), math.exp(-0.5)], dims=("n",)),
)
"""NaN, and elements on either side of 0."""
AS_ROWS = row_major("eager's kernel reads its inputs as if they were row-major, whatever they are")

CASES = (
    pointwise(
        "aten.threshold_backward.default",
        numeric=EXACT,
        fill=NEAR,
        threshold=(0, 0.5, -1.5),
        examples=(AT_THRESHOLD,),
    ),
    pointwise("aten.hardtanh_backward.default", numeric=EXACT, min_val=(-1.0, -0.5, 0), max_val=(1.0, 2.5, 6)),
    pointwise("aten.gelu_backward.default", numeric=made_of(8, "erf", "exp"), approximate=(OMIT, "tanh", "none")),
    pointwise("aten.tanh_backward.default", "output", numeric=made_of(3), fill=Fill(low=-1, high=1, nonfinite=False)),
    pointwise("aten.sigmoid_backward.default", "output", numeric=made_of(3), fill=UNIT),
    pointwise("aten.silu_backward.default", numeric=made_of(5, "sigmoid")),
    pointwise("aten.mish_backward.default", numeric=made_of(6, "exp", "log1p", "tanh", "sigmoid")),
    pointwise(
        "aten.softplus_backward.default",
        fill=NEAR,
        numeric=made_of(4, "exp"),
        beta=(1, 2.0, 0.5),
        threshold=(20, 2.25),
    ),
    pointwise("aten.hardswish_backward.default", numeric=made_of(4), fill=EDGES),
    pointwise("aten.hardsigmoid_backward.default", numeric=made_of(2), fill=EDGES),
    OpCase(op="aten.leaky_relu_backward.default", inputs=leaky_relu_inputs, dtypes=FLOAT, numeric=Ulp(2)),
    OpCase(op="aten.elu_backward.default", inputs=elu_inputs, dtypes=FLOAT, numeric=made_of(5, "exp")),
    OpCase(op="aten.native_dropout_backward.default", inputs=dropout_inputs, dtypes=FLOAT, numeric=Ulp(4)),
    gradient("aten._softmax_backward_data.default", softmax_inputs(UNIT), Composite((Linear((Over(),)), Ulp(3)))),
    gradient(
        "aten._log_softmax_backward_data.default",
        softmax_inputs(Fill(low=-8, high=0, nonfinite=False)),
        Composite((libm("exp"), Linear((Over(),)), Ulp(2))),
    ),
    gradient("aten.native_layer_norm_backward.default", layer_norm_inputs, NORM, untried=AS_ROWS),
    gradient(
        "aten.native_group_norm_backward.default",
        group_norm_inputs,
        NORM,
        untried=AS_ROWS,
    ),
    gradient("aten.native_batch_norm_backward.default", batch_norm_inputs, NORM),
    gradient("aten.nll_loss_backward.default", nll_loss_inputs(), made_of(2)),
    gradient(
        "aten.nll_loss2d_backward.default",
        nll_loss_inputs(images=True),
        made_of(2),
        untried=row_major("the gradient would be laid out likewise, which eager refuses for most sizes", "self"),
    ),
    gradient("aten.binary_cross_entropy_backward.default", binary_cross_entropy_inputs, made_of(7)),
    gradient("aten.log_sigmoid_backward.default", log_sigmoid_inputs, made_of(5, "exp"), examples=(APART,)),
    gradient("aten.mse_loss_backward.default", mse_loss_inputs, made_of(4)),
)
