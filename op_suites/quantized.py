"""Quantization: rounding to a grid and back, quantized tensors, and products of 8-bit integers.

A value in the middle of two points of the grid is rounded to either of them, as one roundoff decides. No value lies
there: values are multiples of a third and scales multiples of a quarter, so that quotients are multiples of a third or
a ninth, and none is a half. They are so small that this holds in half types too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.cases.case import Dims, Draw, Inputs, OpCase
from harness.cases.dtypes import EVERY, FLOAT
from harness.cases.numeric import EXACT
from harness.cases.sample import Fill, TensorSpec, Values
from harness.cases.strategies import unary, unary_inputs

THIRDS = Fill(low=-3.0, high=3.0, step=1 / 3, nonfinite=False)
QUARTERS = Fill(low=0.25, high=1.0, step=0.25, nonfinite=False)
SCALES = (0.5, 0.25, 0.75, 1.0)
RANGES = ((-128, 127), (0, 255), (-8, 7), (0, 15))
VALUES: tuple[Values, ...] = ("mixed", "extreme")
"""No NaN or infinity is drawn: their conversion to integers is undefined."""
ZERO_POINTS = {12: (3, -128, 127), 13: (3, 0, 255), 14: (3, -1000, 1000)}
"""Zero points, by the numbers of PyTorch's quantized dtypes qint8, quint8 and qint32, which no sample can hold."""


def clipped(d: Draw) -> dict[str, int]:
    """The least and the largest integer; with a zero point at one of them, values beyond it occur."""
    low, high = d.choose(*RANGES)
    return {"quant_min": low, "quant_max": high}


def grid_inputs(d: Draw) -> Mapping[str, Any]:
    """A tensor, a grid and its ends."""
    ends = clipped(d)
    zero = d.choose(ends["quant_min"], ends["quant_max"], ends["quant_max"] - 4)
    return {"self": d.tensor(d.shape(), fill=THIRDS), "scale": d.choose(*SCALES), "zero_point": zero, **ends}


def tensor_grid_inputs(*, enabled: bool = False) -> Inputs:
    """A tensor, a grid, as tensors of one element, its ends, and maybe whether to round to it at all."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        ends = clipped(d)
        dims = d.choose((1,), ())
        args = {"self": d.tensor(d.shape(), fill=THIRDS), "scale": d.tensor(dims, "f32", QUARTERS)}
        args["zero_point"] = zero_points(d, dims, ends)
        if enabled:
            on = d.choose(1, 0)
            args["fake_quant_enabled"] = d.tensor((1,), "i64", Fill(low=on, high=on))
        return {**args, **ends}

    return inputs


def zero_points(d: Draw, dims: tuple[Any, ...], ends: Mapping[str, int]) -> TensorSpec:
    """Zero points within the ends, as integers or as floats."""
    fill = Fill(low=ends["quant_min"], high=ends["quant_max"], step=1.0, nonfinite=False)
    return d.tensor(dims, d.choose("i32", "i32", "f32"), fill)


def with_channels(d: Draw) -> tuple[Dims, int, Dims]:
    """The dims of a tensor, the index of the one that counts channels, which is not empty, and that dim."""
    others = d.shape(0, 3)
    axis = d.integer(0, len(others))
    channels = d.size("c", 1, 5)
    return (*others[:axis], channels, *others[axis:]), axis, (channels,)


def channels_inputs(d: Draw) -> Mapping[str, Any]:
    """A tensor and a grid for each of its channels."""
    ends = clipped(d)
    dims, axis, channels = with_channels(d)
    args = {"self": d.tensor(dims, fill=THIRDS), "scale": d.tensor(channels, "f32", QUARTERS)}
    return {**args, "zero_point": zero_points(d, channels, ends), "axis": axis, **ends}


def quantize_inputs(d: Draw) -> Mapping[str, Any]:
    """A tensor, a grid and the quantized dtype."""
    dtype = d.choose(*ZERO_POINTS)
    zero = d.choose(*ZERO_POINTS[dtype])
    return {"self": d.tensor(d.shape(), fill=THIRDS), "scale": d.choose(*SCALES), "zero_point": zero, "dtype": dtype}


def quantize_channels_inputs(d: Draw) -> Mapping[str, Any]:
    """A tensor, a grid for each of its channels and the quantized dtype."""
    dtype = d.choose(*ZERO_POINTS)
    _, low, high = ZERO_POINTS[dtype]
    dims, axis, channels = with_channels(d)
    args = {"self": d.tensor(dims, fill=THIRDS), "scales": d.tensor(channels, "f32", QUARTERS)}
    zeros = d.tensor(channels, d.choose("i64", "i32"), Fill(low=low, high=high))
    return {**args, "zero_points": zeros, "axis": axis, "dtype": dtype}


def made_inputs(d: Draw) -> Mapping[str, Any]:
    """The integers of a quantized tensor, and its grid."""
    return {"self": d.tensor(d.shape()), "scale": d.choose(*SCALES), "zero_point": d.choose(3, 0, 100)}


def made_channels_inputs(d: Draw) -> Mapping[str, Any]:
    """The integers of a quantized tensor, and a grid for each of its channels."""
    dims, axis, channels = with_channels(d)
    scale = d.tensor(channels, d.choose("f32", "f64"), QUARTERS)
    zeros = d.tensor(channels, d.choose("i64", "i32"), Fill(low=0, high=100))
    return {"self": d.tensor(dims), "scale": scale, "zero_point": zeros, "axis": axis}


def product_inputs(d: Draw) -> Mapping[str, Any]:
    """Two matrices of 8-bit integers; the second one is signed."""
    n, k, m = (d.size(name) for name in "nkm")
    return {"self": d.tensor((n, k)), "mat2": d.tensor((k, m), "i8")}


NO_SYMBOLS = "with symbolic sizes: export has no rule for its shape but to run it"


def fake(op: str, inputs: Inputs) -> OpCase:
    """Rounding to a grid and back, in floats: exact, since the product of a small integer and a scale is exact."""
    return OpCase(op=f"aten.{op}", inputs=inputs, dtypes=FLOAT, values=VALUES, unexported=NO_SYMBOLS)


NO_FAKE = "export's tensors without data are never quantized: quantized nyi in meta tensors"
NO_FLOAT8 = (
    "float8 is no dtype of a sample's: eager has a kernel for CPUs (e4m3fn, e5m2), and torch.export and the importer"
    " take the call"
)

EXCLUDED: Mapping[str, str] = {
    "aten.int_repr.default": f"of quantized tensors only, which no sample can hold; {NO_FAKE}",
    "aten._scaled_mm.default": NO_FLOAT8,
    "aten._scaled_mm_v2.default": NO_FLOAT8,
}

CASES = (
    fake("fake_quantize_per_tensor_affine.default", grid_inputs),
    fake("fake_quantize_per_tensor_affine_cachemask.default", grid_inputs),
    fake("fake_quantize_per_tensor_affine.tensor_qparams", tensor_grid_inputs()),
    fake("_fake_quantize_per_tensor_affine_cachemask_tensor_qparams.default", tensor_grid_inputs(enabled=True)),
    fake("fake_quantize_per_channel_affine.default", channels_inputs),
    fake("fake_quantize_per_channel_affine_cachemask.default", channels_inputs),
    OpCase(op="aten.quantize_per_tensor.default", inputs=quantize_inputs, dtypes=("f32",), values=VALUES),
    OpCase(
        op="aten.quantize_per_channel.default",
        inputs=quantize_channels_inputs,
        dtypes=("f32",),
        values=VALUES,
        unexported=NO_FAKE,
    ),
    OpCase(
        op="aten._make_per_tensor_quantized_tensor.default",
        inputs=made_inputs,
        dtypes=("i8", "u8", "i32"),
        unexported=NO_FAKE,
    ),
    OpCase(
        op="aten._make_per_channel_quantized_tensor.default",
        inputs=made_channels_inputs,
        dtypes=("i8", "u8", "i32"),
        unexported=NO_FAKE,
    ),
    # no sample can hold a quantized tensor; any other one is converted to float32
    unary("aten.dequantize.self", dtypes=EVERY, numeric=EXACT, unexported=NO_SYMBOLS),
    OpCase(
        op="aten.dequantize.tensor",
        inputs=unary_inputs(name="qtensor"),
        dtypes=EVERY,
        seen_as="aten.dequantize.self",
        unexported=NO_SYMBOLS,
    ),
    OpCase(op="aten._int_mm.default", inputs=product_inputs, dtypes=("i8", "u8"), numeric=EXACT),
)
