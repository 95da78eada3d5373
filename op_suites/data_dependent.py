"""Ops whose results depend on which values occur: those that select, those that count, those that repeat.

The size of most results depends on the values; they are compared in full.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from harness.cases.case import OMIT, Dims, Draw, Inputs, OpCase
from harness.cases.dtypes import ALL, EVERY, FLOAT, INT
from harness.cases.explicit import example, tensor
from harness.cases.numeric import Distribution, Linear, Ulp
from harness.cases.sample import Arg, Dim, Fill, SizeOf, TensorSpec

from .indexing import constant, index_dtype, masked

TERNARY = Fill(low=-1, high=1, step=1)
"""Many zeros, and many equal elements."""
DIGITS = Fill(low=0, high=9, nonfinite=False)


def masked_select_inputs(d: Draw) -> Mapping[str, Any]:
    """A mask that broadcasts with the tensor, either one the larger."""
    tensor, mask, _ = masked(d)
    return {"self": tensor, "mask": mask}


def nonzero_inputs(d: Draw) -> Mapping[str, Any]:
    """Any rank, with zeros, of which there may be many."""
    return {"self": d.tensor(d.shape(), fill=d.choose(TERNARY, Fill()))}


def nonzero_static_inputs(d: Draw) -> Mapping[str, Any]:
    """The number of rows is given: surplus ones are dropped, missing ones are filled."""
    dims = d.shape()
    sizes = (SizeOf(d.choose(*dims)),) if dims else ()
    return {
        "self": d.tensor(dims, fill=TERNARY),
        "size": d.choose(4, 0, 1, 30, *sizes),
        "fill_value": d.choose(OMIT, 0, 7, -5),
    }


def found(d: Draw) -> dict[str, Any]:
    """Whether the place of each element, and how often each occurs, is asked for."""
    return {"return_inverse": d.choose(OMIT, True, False), "return_counts": d.choose(OMIT, True, False)}


def unique_inputs(d: Draw) -> Mapping[str, Any]:
    """Any rank, without NaN: no NaN equals another one, so that their order would be open."""
    fill = d.choose(Fill(step=0.5, nonfinite=False), Fill(low=-1, high=1, step=1, nonfinite=False))
    return {"self": d.tensor(d.shape(), fill=fill), "sorted": d.choose(OMIT, True), **found(d)}


def slices(d: Draw) -> tuple[Dims, int]:
    """Dims, and the index of the only one that may be empty: eager refuses empty slices."""
    lead, behind = d.choose(((), ()), ((), ("b",)), (("a",), ()), (("a",), ("b",)))
    for name in (*lead, *behind):
        d.size(name, 1, 2)
    return (*lead, d.size("m", high=7), *behind), len(lead)


def unique_dim_inputs(d: Draw) -> Mapping[str, Any]:
    """Slices along a dim, some of them equal."""
    dims, dim = slices(d)
    fill = Fill(low=-1, high=1, step=1, nonfinite=False)
    return {
        "self": d.tensor(dims, fill=fill),
        "dim": d.choose(dim, dim - len(dims)),
        "sorted": d.choose(OMIT, True),
        **found(d),
    }


def unique_consecutive_inputs(d: Draw) -> Mapping[str, Any]:
    """Runs of equal elements, or of equal slices.

    The dim is not negative: export then promises a result of another rank than eager has.
    """
    if d.flag():
        dims, dim = slices(d)
        return {"self": d.tensor(dims, fill=TERNARY), **found(d), "dim": dim}
    return {"self": d.tensor(d.shape(), fill=TERNARY), **found(d), "dim": d.choose(OMIT, None)}


REPEATS = Fill(low=0, high=4, nonfinite=False)
ONCE = Fill(low=1, high=1, nonfinite=False)


def repeated(d: Draw, dim: Dim, *shapes: Dims) -> dict[str, Arg]:
    """How often to repeat each element of a dim: 0 to 4 times, or all once, so that the size of the result is known."""
    dims, dtype = d.choose((dim,), *shapes), index_dtype(d)
    if isinstance(dim, str) and d.choose(False, False, True):
        return {"repeats": d.tensor(dims, dtype, ONCE), "output_size": SizeOf(dim)}
    return {"repeats": d.tensor(dims, dtype, REPEATS), "output_size": d.choose(OMIT, None)}


def twice_none_thrice(d: Draw) -> dict[str, Arg]:
    """The repeats of three elements (2, 0 and 3 times), which make five."""
    return {"repeats": constant(d, (3,), (2, 0, 3), index_dtype(d)), "output_size": d.choose(5, OMIT)}


def repeats_inputs(d: Draw) -> Mapping[str, Any]:
    """Repeats alone; the result holds each of their indices as often as they say."""
    if d.mode == "static" and d.choose(False, False, True):
        return {**twice_none_thrice(d), "repeats": constant(d, (3,), (2, 0, 3))}
    made = repeated(d, d.size("n", high=6))
    repeats = made["repeats"]
    assert isinstance(repeats, TensorSpec)
    return made | {"repeats": d.tensor(repeats.dims, fill=repeats.fill)}


def repeat_interleave_inputs(d: Draw) -> Mapping[str, Any]:
    """Elements of a dim, or of the flattened tensor, and a tensor of repeats: one for each element, or one for all."""
    how = d.choose("dim", "flat", "known")
    if how == "flat":
        dims = d.shape(0, 4)
        same: tuple[Dims, ...] = ((1,), ())
        made = repeated(d, dims[0], *same) if len(dims) == 1 else {"repeats": d.tensor(d.choose(*same), "i64", REPEATS)}
        return {"self": d.tensor(dims), "dim": d.choose(OMIT, None), **made}
    if how == "known":
        rest = d.shape(0, 3)
        at = d.integer(0, len(rest))
        return {"self": d.tensor((*rest[:at], 3, *rest[at:])), "dim": at, **twice_none_thrice(d)}
    dims = d.shape(1, 4)
    axis = d.axis(dims)
    return {"self": d.tensor(dims), "dim": axis, **repeated(d, dims[axis], (1,), ())}


def bincount_inputs(d: Draw) -> Mapping[str, Any]:
    """Small numbers, each counted or weighted."""
    n = d.size("n", high=9)
    kind = d.choose(None, "f32", "f64", "i32")
    weights = d.tensor((n,), kind, DIGITS if kind == "i32" else None) if kind else d.choose(OMIT, None)
    return {"self": d.tensor((n,), fill=DIGITS), "weights": weights, "minlength": d.choose(OMIT, 0, 12, 4)}


BINS: tuple[tuple[Any, float, float], ...] = ((4, -2.5, 1.5), (OMIT, -50.5, 49.5), (3, -1.5, 1.5), (1, 0.5, 9.5))
"""Bins of size 1 or 9 that end between integers."""
INTEGERS = Fill(step=1)
ENDS = Fill(low=0, high=3, step=3, nonfinite=False)
"""Zeros and threes: the ends of the range that they span or, if all are equal, the middle of the range around them."""
HALVES = Fill(low=0, high=4, step=0.5, nonfinite=False)
EDGES: tuple[tuple[float, ...], ...] = ((-2.0, -0.5, 1.0, 4.0), (0.0, 1.0), (-8.0, -1.5, -1.0, -0.5, 0.0, 16.0))
WIDE = ("f32", "f64")
"""The dtypes for which eager can find the range of the values."""


def histc_inputs(d: Draw) -> Mapping[str, Any]:
    """Elements that keep away from the edges of bins, except those at the two ends of the range."""
    if d.flag():
        return {"self": d.tensor(d.shape(low=1), fill=ENDS), "bins": 3, "min": d.maybe(0), "max": d.maybe(0.0)}
    bins, low, high = d.choose(*BINS)
    return {"self": d.tensor(d.shape(), fill=INTEGERS), "bins": bins, "min": low, "max": high}


def weighed(d: Draw, dims: Dims) -> dict[str, Any]:
    """Weights, small multiples of a half so that sums are exact, or none; and whether densities are asked for."""
    weight = d.tensor(dims, fill=HALVES) if d.flag() else d.choose(OMIT, None)
    return {"weight": weight, "density": d.choose(OMIT, True, False)}


def histogram_inputs(d: Draw) -> Mapping[str, Any]:
    """Elements that keep away from the edges of bins, except the two ends; the range is given or that of the values."""
    dims = d.shape(0, 4)
    if d.dtype in WIDE and d.flag():
        args = {"self": d.tensor(dims, fill=ENDS), "bins": 3, "range": d.choose(OMIT, None)}
    else:
        bins, low, high = d.choose(*BINS)
        args = {"self": d.tensor(dims, fill=INTEGERS), "bins": bins, "range": (low, high)}
    return args | weighed(d, dims)


def histogram_bins_inputs(d: Draw) -> Mapping[str, Any]:
    """The edges of bins, and elements, some of which are on the edges."""
    dims, edges = d.shape(0, 4), d.choose(*EDGES)
    return {
        "self": d.tensor(dims, fill=Fill(step=0.5)),
        "bins": constant(d, (len(edges),), edges),
        **weighed(d, dims),
    }


def histogramdd_inputs(d: Draw) -> Mapping[str, Any]:
    """Points with one to three coordinates, each with bins of its own."""
    dims, coordinates = d.shape(1, 3), d.choose(2, 1, 3)
    if d.dtype in WIDE and d.flag():
        args = {
            "self": d.tensor((*dims, coordinates), fill=ENDS),
            "bins": (3, 1, 5)[:coordinates],
            "range": d.choose(OMIT, None),
        }
    else:
        chosen = [d.choose(*(b for b in BINS if b[0] is not OMIT)) for _ in range(coordinates)]
        args = {
            "self": d.tensor((*dims, coordinates), fill=INTEGERS),
            "bins": tuple(bins for bins, _, _ in chosen),
            "range": tuple(end for _, low, high in chosen for end in (low, high)),
        }
    return args | weighed(d, dims)


def histogramdd_bins_inputs(d: Draw) -> Mapping[str, Any]:
    """Points with one to three coordinates, each with edges of its own; a range has no effect then."""
    dims, coordinates = d.shape(1, 3), d.choose(2, 1, 3)
    chosen = [d.choose(*EDGES) for _ in range(coordinates)]
    return {
        "self": d.tensor((*dims, coordinates), fill=Fill(step=0.5)),
        "bins": tuple(constant(d, (len(edges),), edges) for edges in chosen),
        "range": d.choose(OMIT, None, (-1.0, 2.0) * coordinates),
        **weighed(d, dims),
    }


def hash_inputs(d: Draw) -> Mapping[str, Any]:
    """All elements, or those along some dims; no NaN, since NaN has many bit patterns."""
    dims = d.shape(low=1)
    axes: Any = d.choose(OMIT, d.axes(dims))
    return {
        "self": d.tensor(dims, fill=Fill(nonfinite=False)),
        "dim": axes,
        "keepdim": d.choose(OMIT, True, False),
        "mode": d.choose(OMIT, 0),
    }


CHANCES = (4.0, 1.0, 2.0, 1.0)
CHOSEN = Distribution(low=0, high=3, mean=1.0, std=math.sqrt(1.25))


def multinomial_inputs(d: Draw) -> Mapping[str, Any]:
    """The same four chances everywhere: many draws with replacement, or one out of each of many rows.

    More than one draw without replacement would have another distribution.
    """
    if d.mode == "static" and d.flag():
        weights = constant(d, (64, 4), CHANCES * 64)
        return {"self": weights, "num_samples": 1, "replacement": d.choose(OMIT, False)}
    rows = d.choose((), (3,))
    count = SizeOf(d.size("k", 1, 96)) if d.mode == "dynamic" or d.flag() else 64
    return {"self": constant(d, (*rows, 4), CHANCES * (3 if rows else 1)), "num_samples": count, "replacement": True}


def counts(op: str, inputs: Inputs, dtypes: tuple[str, ...]) -> OpCase:
    """A histogram: sums are exact, densities are not."""
    return OpCase(op=op, inputs=inputs, dtypes=dtypes, numeric=Ulp(4), static_only=NO_SHAPES)


EMPTY = example(self=tensor([[], []], dims=("d0", "d1")))
"""A matrix without elements; of vectors there are enough."""
NO_SHAPES = "export has no shape function of it: it runs the kernel on tensors of the sizes at hand"

CASES = (
    OpCase(op="aten.masked_select.default", inputs=masked_select_inputs, dtypes=EVERY),
    OpCase(op="aten.nonzero.default", inputs=nonzero_inputs, dtypes=EVERY, examples=(EMPTY,)),
    OpCase(op="aten.nonzero_numpy.default", inputs=nonzero_inputs, dtypes=EVERY, examples=(EMPTY,)),
    OpCase(op="aten.nonzero_static.default", inputs=nonzero_static_inputs, dtypes=EVERY),
    OpCase(op="aten.argwhere.default", inputs=nonzero_inputs, dtypes=EVERY, examples=(EMPTY,)),
    OpCase(op="aten._unique2.default", inputs=unique_inputs, dtypes=ALL),
    OpCase(op="aten.unique_dim.default", inputs=unique_dim_inputs, dtypes=ALL),
    OpCase(op="aten.unique_consecutive.default", inputs=unique_consecutive_inputs, dtypes=ALL),
    OpCase(op="aten.repeat_interleave.Tensor", inputs=repeats_inputs, dtypes=("i64", "i32")),
    OpCase(op="aten.repeat_interleave.self_Tensor", inputs=repeat_interleave_inputs, dtypes=EVERY),
    OpCase(op="aten.bincount.default", inputs=bincount_inputs, dtypes=("i64", *INT[:-1]), numeric=Linear(("n",))),
    OpCase(op="aten.histc.default", inputs=histc_inputs, dtypes=FLOAT),
    counts("aten.histogram.bin_ct", histogram_inputs, FLOAT),
    counts("aten.histogram.bins_tensor", histogram_bins_inputs, FLOAT),
    counts("aten.histogramdd.default", histogramdd_inputs, FLOAT),
    counts("aten.histogramdd.TensorList_bins", histogramdd_bins_inputs, FLOAT),
    OpCase(
        op="aten.hash_tensor.default",
        inputs=hash_inputs,
        static_only="its shape function makes constants of symbolic sizes",
    ),
    OpCase(op="aten.multinomial.default", inputs=multinomial_inputs, dtypes=FLOAT, numeric=CHOSEN, values=("mixed",)),
)

EXCLUDED: Mapping[str, str] = {
    "aten._local_scalar_dense.default": "its result is a Python number: no program of tensors returns it",
}
