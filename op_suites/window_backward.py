"""Gradients of convolutions, pooling, upsampling, embeddings and slices.

The sizes of a gradient and of the tensor that it flows back to depend on each other, so that the dims that windows
slide over are constant.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from harness.cases.case import Draw, Inputs, OpCase
from harness.cases.dtypes import FLOAT
from harness.cases.numeric import EXACT, Composite, Linear, Numeric, Over, Stated
from harness.cases.sample import Fill, SizeOf
from harness.cases.strategies import row_major

from .scatter import around

FINITE = Fill(reach="unit", nonfinite=False)
MASKS = ((True, True, True), (True, False, False), (False, True, True), (False, True, False))


def convolution_inputs(d: Draw) -> Mapping[str, Any]:
    """One or two spatial dims, plain or transposed, grouped or not; three results, some of them masked out."""
    rank, transposed, groups = d.choose(2, 1), d.flag(), d.choose(1, 2)
    kernel = tuple(d.choose(2, 1, 3) for _ in range(rank))
    stride, dilation = (tuple(d.choose(1, 2) for _ in range(rank)) for _ in range(2))
    padding = tuple(d.choose(0, 1) for _ in range(rank))
    extra = tuple(d.choose(0, max(s, g) - 1) if transposed else 0 for s, g in zip(stride, dilation, strict=True))
    inner, outer = groups * d.choose(1, 2), groups * d.choose(1, 2)
    images, results = [], []
    for k, s, p, g, e in zip(kernel, stride, padding, dilation, extra, strict=True):
        reach = g * (k - 1) - 2 * p
        shorter = d.choose(2, 3) + max(0, -reach)  # `shorter` is the number of windows, `longer` what they span
        longer = (shorter - 1) * s + reach + 1 + (e if transposed else d.integer(0, s - 1))
        images.append(shorter if transposed else longer)
        results.append(longer if transposed else shorter)
    batch, wanted = d.size("n", high=3), d.choose(*MASKS)
    weight = (inner, outer // groups) if transposed else (outer, inner // groups)
    return {
        "grad_output": d.tensor((batch, outer, *results), fill=FINITE),
        "input": d.tensor((batch, inner, *images), fill=FINITE),
        "weight": d.tensor((*weight, *kernel), fill=FINITE),
        "bias_sizes": (outer,) if wanted[2] else d.choose(None, (outer,)),
        "stride": stride,
        "padding": padding,
        "dilation": dilation,
        "transposed": transposed,
        "output_padding": extra,
        "groups": groups,
        "output_mask": wanted,
    }


def windows(d: Draw, rank: int) -> tuple[dict[str, Any], list[int], list[int]]:
    """The attributes of pooling in two or three dims, the sizes of the image, and those of the result."""
    kernel = (d.choose(2, 1, 3), d.choose(2, 3), d.choose(2, 1))[:rank]
    stride = d.choose(kernel, (1, 2, 3)[:rank], (2, 1, 1)[:rank])
    padding = tuple(d.choose(0, k // 2) for k in kernel)
    ceil_mode = d.flag()
    images, results = [], []
    for k, s, p in zip(kernel, stride, padding, strict=True):
        size = k + d.integer(0, 4 if rank == 2 else 2)
        span = size + 2 * p - k
        count = (span + (s - 1 if ceil_mode else 0)) // s + 1
        images.append(size)
        results.append(count - (ceil_mode and (count - 1) * s >= size + p))
    return {"kernel_size": kernel, "stride": stride, "padding": padding, "ceil_mode": ceil_mode}, images, results


def avg_pool_inputs(rank: int) -> Inputs:
    """Every attribute."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        args, image, result = windows(d, rank)
        lead = (d.size("n", high=3), d.size("c", 1, 2))
        return {
            "grad_output": d.tensor((*lead, *result)),
            "self": d.tensor((*lead, *image)),
            **args,
            "count_include_pad": d.flag(),
            "divisor_override": d.choose(None, 3),
        }

    return inputs


def max_pool_inputs(rank: int) -> Inputs:
    """Every attribute; the indices are any places in the image, which several windows may share."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        args, image, result = windows(d, rank)
        lead = (d.size("n", high=3), d.size("c", 1, 2))
        plain, uneven = (1,) * rank, (2, *(1,) * (rank - 1))
        return {
            "grad_output": d.tensor((*lead, *result)),
            "self": d.tensor((*lead, *image)),
            **args,
            "dilation": d.choose(plain, uneven) if args["kernel_size"][0] == 1 else plain,
            "indices": d.index((*lead, *result), math.prod(image)),
        }

    return inputs


def adaptive_avg_pool_inputs(rank: int) -> Inputs:
    """Output sizes that divide the input's or do not, or exceed it."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        lead = (d.size("n", high=3), d.size("c", 1, 2))
        result = (d.choose(2, 1, 3), d.choose(3, 1, 5), d.choose(1, 2, 3))[:rank]
        image = tuple(d.size(f"x{i}", 1, 4) for i in range(rank))
        return {"grad_output": d.tensor((*lead, *result)), "self": d.tensor((*lead, *image))}

    return inputs


def tbc_inputs(d: Draw) -> Mapping[str, Any]:
    """The gradients of an input of (times, batch, channels), of the kernel over the times, and of the bias."""
    kernel, pad = d.choose(2, 1, 3), d.choose(0, 1)
    times = max(1, kernel - 2 * pad) + d.integer(0, 3)
    batch, channels, outer = d.size("n", 1, 3), d.size("c", 1, 3), d.size("o", 1, 3)
    return {
        "self": d.tensor((times + 2 * pad - kernel + 1, batch, outer), fill=FINITE),
        "input": d.tensor((times, batch, channels), fill=FINITE),
        "weight": d.tensor((kernel, channels, outer), fill=FINITE),
        "bias": d.tensor((outer,), fill=FINITE),
        "pad": pad,
    }


def upsample_inputs(*, aligned: bool) -> Inputs:
    """The gradient of a larger or smaller result; without scales, or with those of the forward pass."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        lead = (d.size("n", high=3), d.size("c", 1, 2))
        (h, a), (w, b) = (d.choose((2, 2.0), (4, 0.5), (2, 1.5), (3, 1.0)) for _ in range(2))
        result = (int(h * a), int(w * b))
        corners = {"align_corners": d.flag()} if aligned else {}
        scales = d.choose({}, {"scales_h": a, "scales_w": b}, {"scales_h": None, "scales_w": None})
        return {
            "grad_output": d.tensor((*lead, *result), fill=FINITE),
            "output_size": result,
            "input_size": (*(SizeOf(dim) for dim in lead), h, w),
            **corners,
            **scales,
        }

    return inputs


def embedding_inputs(d: Draw) -> Mapping[str, Any]:
    """Indices that may name a row several times, a row that is padding or none, and whether to scale by frequency."""
    places = d.choose(("k",), ("k", 2), ())
    d.size("k", high=5)
    rows = d.choose(4, 1, 7)
    return {
        "grad_output": d.tensor((*places, d.size("e", 1, 4))),
        "indices": d.index(places, rows, dtype=d.choose("i64", "i32")),
        "num_weights": rows,
        "padding_idx": d.choose(-1, 0),
        "scale_grad_by_freq": d.flag(),
    }


def select_inputs(d: Draw) -> Mapping[str, Any]:
    """A slice, to put back where it was taken from."""
    dims, dim = around(d, 4)
    at = dim % len(dims)
    sizes = tuple(SizeOf(size) if isinstance(size, str) else size for size in dims)
    grad = d.tensor((*dims[:at], *dims[at + 1 :]))
    return {"grad_output": grad, "input_sizes": sizes, "dim": dim, "index": d.choose(0, -1, 2)}


def slice_inputs(d: Draw) -> Mapping[str, Any]:
    """A range, to put back where it was taken from."""
    dims, dim = around(d, 6)
    at = dim % len(dims)
    start, end, step, length = d.choose((1, 4, 1, 3), (0, 6, 2, 3), (2, 6, 3, 2), (0, 2**63 - 1, 1, 6), (2, 2, 1, 0))
    sizes = tuple(SizeOf(size) if isinstance(size, str) else size for size in dims)
    grad = d.tensor((*dims[:at], length, *dims[at + 1 :]))
    return {"grad_output": grad, "input_sizes": sizes, "dim": dim, "start": start, "end": end, "step": step}


def reflection_inputs(d: Draw) -> Mapping[str, Any]:
    """A padded image's gradient, folded back."""
    left, right, top, bottom = (d.choose(1, 0, 2) for _ in range(4))
    lead = (d.size("n", 1, 3), d.size("c", 1, 2))
    h, w = (d.integer(3, 5) for _ in range(2))
    grad = d.tensor((*lead, h + top + bottom, w + left + right))
    return {"grad_output": grad, "self": d.tensor((*lead, h, w)), "padding": (left, right, top, bottom)}


PRODUCTS = Composite((Linear((Over(None),)),))
"""Each gradient is a sum of products, with at most one term per element of the incoming gradient."""
PLACES = Stated(32, "a place is rounded in proportion to the size, and each weight is as steep as the place is far off")
INTERPOLATED = Composite((PLACES, Linear((16,)), Linear((4,))))


def gradient(op: str, inputs: Inputs, numeric: Numeric, *, dtypes: tuple[str, ...] = FLOAT, **more: Any) -> OpCase:
    """The gradient of an op, of floats alone."""
    return OpCase(op=op, inputs=inputs, dtypes=dtypes, numeric=numeric, **more)


CASES = (
    gradient("aten.convolution_backward.default", convolution_inputs, PRODUCTS),
    gradient(
        "aten.conv_tbc_backward.default",
        tbc_inputs,
        PRODUCTS,
        untried=row_major("its kernel views the tensors, so that eager refuses most sizes of such ones"),
        static_only="its kernel, which export traces, makes constants of all sizes",
    ),
    gradient("aten.avg_pool2d_backward.default", avg_pool_inputs(2), Linear((9,))),
    gradient("aten.avg_pool3d_backward.default", avg_pool_inputs(3), Linear((18,)), dtypes=("f32", "f64")),
    gradient("aten._adaptive_avg_pool2d_backward.default", adaptive_avg_pool_inputs(2), Linear((16,))),
    gradient("aten._adaptive_avg_pool3d_backward.default", adaptive_avg_pool_inputs(3), Linear((48,))),
    gradient("aten.max_pool2d_with_indices_backward.default", max_pool_inputs(2), Linear((16,))),
    gradient("aten.max_pool3d_with_indices_backward.default", max_pool_inputs(3), Linear((32,))),
    gradient("aten.upsample_nearest2d_backward.default", upsample_inputs(aligned=False), Linear((4,))),
    gradient(
        "aten.upsample_bilinear2d_backward.default",
        upsample_inputs(aligned=True),
        INTERPOLATED,
        static_only="its meta kernel fails an assertion in PyTorch where input_size is symbolic",
    ),
    gradient("aten.reflection_pad2d_backward.default", reflection_inputs, Linear((9,))),
    gradient("aten.embedding_dense_backward.default", embedding_inputs, Linear((2, "k"))),
    gradient("aten.select_backward.default", select_inputs, EXACT),
    gradient("aten.slice_backward.default", slice_inputs, EXACT),
)
