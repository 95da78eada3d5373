"""Normalizations: softmax, and layer, batch, group, instance and root-mean-square norms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.cases.case import OMIT, Dims, Draw, Inputs, OpCase
from harness.cases.dtypes import ALL, FLOAT
from harness.cases.explicit import example
from harness.cases.libm import libm
from harness.cases.numeric import ROUNDED, Composite, Linear, Numeric, Over, Ulp
from harness.cases.sample import DtypeArg, Fill, SizeOf
from harness.cases.strategies import FAR_BELOW, NO_INFINITY, OVERFLOWING, row_major

EXPONENTIALS = (ROUNDED, libm("exp"), Linear((Over(),)))
"""The largest is subtracted, then come the exponentials and their sum."""
SOFTMAX = Composite((*EXPONENTIALS, ROUNDED))
LOG_SOFTMAX = Composite((*EXPONENTIALS, libm("log"), ROUNDED))
POSITIVE = Fill(low=0.25, high=4.0)
LARGE = Fill(low=-8, high=8, avoid=(0.0,), margin=2.0)


def softmax_inputs(d: Draw) -> Mapping[str, Any]:
    """A tensor of any rank, a dim and a `dtype` to compute in, which integers need."""
    dims = d.shape(0, 4)
    dtype = d.other_dtype("f64", "f32") if d.kind == "float" else DtypeArg(d.choose("f32", "f64"))
    return {"self": d.tensor(dims, fill=OVERFLOWING), "dim": d.axis(dims), "dtype": dtype}


def core_softmax_inputs(d: Draw) -> Mapping[str, Any]:
    """A tensor of any rank and a dim; only CUDA has `half_to_float`."""
    dims = d.shape(0, 4)
    return {"self": d.tensor(dims, fill=OVERFLOWING), "dim": d.axis(dims), "half_to_float": False}


def affine(d: Draw, dims: Dims, *, required: bool = False) -> tuple[Any, Any]:
    """A weight and a bias of these dims; unless `required`, either may be None."""
    weight, bias = d.tensor(dims, fill=NO_INFINITY), d.tensor(dims, fill=NO_INFINITY)
    return (weight, bias) if required else d.choose((weight, bias), (None, None), (weight, None), (None, bias))


def trailing(d: Draw) -> tuple[Dims, Dims]:
    """The dims of a tensor and the trailing ones that are normalized, which are not empty."""
    inner = d.shape(1, 2, low=1, prefix="n")
    return (*d.shape(0, 3), *inner), inner


def layer_norm_inputs(*, native: bool) -> Inputs:
    """A tensor, the dims to normalize, weight and bias."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        dims, inner = trailing(d)
        weight, bias = affine(d, inner)
        args = {
            "input": d.tensor(dims, fill=NO_INFINITY),
            "normalized_shape": tuple(SizeOf(str(n)) for n in inner),
            "weight": weight,
            "bias": bias,
            "eps": d.choose(1e-5, 0.1),
        }
        return args if native else {**args, "cudnn_enable": d.choose(OMIT, False)}

    return inputs


def rms_norm_inputs(d: Draw) -> Mapping[str, Any]:
    """A tensor, the dims to normalize, a weight and `eps`; elements are large if `eps` is left to the dtype."""
    dims, inner = trailing(d)
    eps = d.choose(None, 1e-5, 0.1)
    return {
        "input": d.tensor(dims, fill=LARGE if eps is None else NO_INFINITY),
        "normalized_shape": tuple(SizeOf(str(n)) for n in inner),
        "weight": d.choose(OMIT, d.tensor(inner)),
        "eps": eps,
    }


def image(d: Draw, *, channels: int | None = None, min_rank: int = 2, least: int = 1) -> tuple[Dims, Dims]:
    """The dims of a batch of images (N, C, ...), and its channels; `least` is 1 where a batch may be empty."""
    channel = d.size("c", low=1, high=5) if channels is None else channels
    spatial = d.shape(min_rank - 2, 2, low=least, prefix="x")
    return (d.size("n", low=least if least > 1 else 0, high=4), channel, *spatial), (channel,)


def batch_norm_inputs(op: str) -> Inputs:
    """Images normalized by running statistics or, in training, by their own.

    In training there are no running statistics: export would see them change.
    """

    def inputs(d: Draw) -> Mapping[str, Any]:
        training = op in ("native_batch_norm", "batch_norm") and d.flag()
        dims, channel = image(d, least=2 if training else 1)
        weight, bias = affine(d, channel)
        mean, var = d.tensor(channel, fill=NO_INFINITY), d.tensor(channel, fill=POSITIVE)
        stats: dict[str, Any] = {"running_mean": None if training else mean, "running_var": None if training else var}
        args = {"input": d.tensor(dims, fill=NO_INFINITY), "weight": weight, "bias": bias, **stats}
        if op != "_native_batch_norm_legit_no_training":
            args["training"] = training
        args |= {"momentum": d.choose(0.1, 0.5), "eps": d.choose(1e-5, 0.1)}
        return {**args, "cudnn_enabled": d.flag()} if op == "batch_norm" else args

    return inputs


def no_stats_inputs(d: Draw) -> Mapping[str, Any]:
    """Images normalized by their own statistics."""
    dims, channel = image(d, least=2)
    weight, bias = affine(d, channel)
    eps, momentum = d.choose(1e-5, 0.1), d.choose(0.1, 0.5)
    args = {"input": d.tensor(dims, fill=NO_INFINITY), "weight": weight, "bias": bias}
    return {**args, "training": True, "momentum": momentum, "eps": eps}


def functional_batch_norm_inputs(d: Draw) -> Mapping[str, Any]:
    """Images normalized by running statistics or, in training, by their own, which update the running ones returned."""
    training = d.flag()
    dims, channel = image(d, least=2 if training else 1)
    weight, bias = affine(d, channel)
    return {
        "input": d.tensor(dims, fill=NO_INFINITY),
        "weight": weight,
        "bias": bias,
        "running_mean": d.tensor(channel, fill=NO_INFINITY),
        "running_var": d.tensor(channel, fill=POSITIVE),
        "training": training,
        "momentum": d.choose(0.1, 0.5),
        "eps": d.choose(1e-5, 0.1),
    }


def instance_norm_inputs(d: Draw) -> Mapping[str, Any]:
    """Images normalized by running statistics, or each by its own."""
    own = d.flag()
    dims, channel = image(d, min_rank=3, least=2)
    weight, bias = affine(d, channel)
    mean, var = d.tensor(channel, fill=NO_INFINITY), d.tensor(channel, fill=POSITIVE)
    return {
        "input": d.tensor(dims, fill=NO_INFINITY),
        "weight": weight,
        "bias": bias,
        "running_mean": None if own else mean,
        "running_var": None if own else var,
        "use_input_stats": own,
        "momentum": d.choose(0.1, 0.5),
        "eps": d.choose(1e-5, 0.1),
        "cudnn_enabled": d.flag(),
    }


def grouped(d: Draw, groups: int) -> int:
    """A number of channels; one per group becomes an `as_strided`, which the FX importer takes only if it is static."""
    return groups * int(d.choose(1, 2) if d.mode == "static" else d.choose(2, 3))


def group_norm_inputs(d: Draw) -> Mapping[str, Any]:
    """Images whose channels come in groups."""
    groups = d.choose(1, 2, 3)
    dims, channel = image(d, channels=grouped(d, groups))
    weight, bias = affine(d, channel)
    args = {"input": d.tensor(dims, fill=NO_INFINITY), "num_groups": groups, "weight": weight, "bias": bias}
    return {**args, "eps": d.choose(OMIT, 0.1), "cudnn_enabled": d.choose(OMIT, False)}


def native_group_norm_inputs(d: Draw) -> Mapping[str, Any]:
    """Images whose channels come in groups, and their sizes as arguments."""
    groups = d.choose(1, 2, 3)
    channels = grouped(d, groups)
    n, x, deep = d.size("n", high=4), d.size("x", low=1), d.flag()
    weight, bias = affine(d, (channels,))
    return {
        "input": d.tensor((n, channels, 1, x) if deep else (n, channels, x), fill=NO_INFINITY),
        "weight": weight,
        "bias": bias,
        "N": SizeOf(n),
        "C": channels,
        "HxW": SizeOf(x),
        "group": groups,
        "eps": d.choose(1e-5, 0.1),
    }


def weight_norm_inputs(d: Draw) -> Mapping[str, Any]:
    """Vectors along all dims but the first or the last, none of them zero, and the lengths to give them."""
    dims = d.shape(2, 4, low=1)
    dim = d.choose(0, len(dims) - 1)
    lengths = tuple(size if i == dim else 1 for i, size in enumerate(dims))
    return {
        "v": d.tensor(dims, fill=LARGE),
        "g": d.tensor(lengths, fill=NO_INFINITY),
        "dim": OMIT if dim == 0 and d.flag() else dim,
    }


def normalized(*over: str | int | Over) -> Composite:
    """The mean and the variance over these dims, the reciprocal of the root, scale and shift."""
    return Composite((Linear(over), ROUNDED, Linear(over), ROUNDED, libm("rsqrt"), Ulp(3)))


def norm(op: str, inputs: Inputs, *over: str | int | Over, **more: Any) -> OpCase:
    """A normalization over some dims of its input."""
    return OpCase(op=f"aten.{op}.default", inputs=inputs, dtypes=FLOAT, numeric=normalized(*over), **more)


def softmax(op: str, inputs: Inputs, dtypes: tuple[str, ...], numeric: Numeric, *, core: bool = False) -> OpCase:
    """A softmax over one dim; the core op has an argument that is CUDA's alone."""
    alone = {"half_to_float": False} if core else {}
    examples = (example(self=FAR_BELOW, dim=1, **alone),)
    fixed = dict.fromkeys(alone, "CUDA's alone: eager on the CPU refuses True")
    return OpCase(op=f"aten.{op}", inputs=inputs, dtypes=dtypes, numeric=numeric, fixed=fixed, examples=examples)


SHAPE = Over("normalized_shape", sizes=True)
BATCH = ("n", "x0", "x1")

EXCLUDED: Mapping[str, str] = {
    "aten._native_batch_norm_legit.default": "it writes to its running statistics; the form that returns them instead"
    " is aten._native_batch_norm_legit_functional.default"
}

CASES = (
    softmax("softmax.int", softmax_inputs, ALL, SOFTMAX),
    softmax("log_softmax.int", softmax_inputs, ALL, LOG_SOFTMAX),
    softmax("_softmax.default", core_softmax_inputs, FLOAT, SOFTMAX, core=True),
    softmax("_log_softmax.default", core_softmax_inputs, FLOAT, LOG_SOFTMAX, core=True),
    norm("layer_norm", layer_norm_inputs(native=False), SHAPE),
    norm("native_layer_norm", layer_norm_inputs(native=True), SHAPE),
    norm("rms_norm", rms_norm_inputs, SHAPE),
    norm("batch_norm", batch_norm_inputs("batch_norm"), *BATCH),
    norm("native_batch_norm", batch_norm_inputs("native_batch_norm"), *BATCH),
    norm("_native_batch_norm_legit_no_training", batch_norm_inputs("_native_batch_norm_legit_no_training")),
    OpCase(
        op="aten._native_batch_norm_legit.no_stats",
        inputs=no_stats_inputs,
        dtypes=FLOAT,
        numeric=normalized(*BATCH),
        fixed={"training": "without running statistics there is nothing but training"},
    ),
    norm("instance_norm", instance_norm_inputs, "x0", "x1"),
    norm("group_norm", group_norm_inputs, 3, "x0", "x1"),
    norm(
        "native_group_norm",
        native_group_norm_inputs,
        3,
        "x",
        untried=row_major("eager reads its tensors as if they were row-major, or refuses"),
    ),
    norm(
        "_weight_norm_interface",
        weight_norm_inputs,
        Over(None),
        untried=row_major("eager's kernel reads its inputs as if they were row-major, whatever they are"),
    ),
    norm("_native_batch_norm_legit_functional", functional_batch_norm_inputs, *BATCH),
)
