"""Order: sorting, the largest elements, medians, quantiles, and places in a sorted sequence.

With ties several indices are right. So elements are distinct, except where an op promises a stable order.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.cases.case import OMIT, Dims, Draw, Inputs, OpCase
from harness.cases.dtypes import ALL, DTYPES, REAL
from harness.cases.explicit import NAN, example, tensor
from harness.cases.numeric import EXACT
from harness.cases.sample import Fill, SizeOf

from .slicing import with_dim

DISTINCT = Fill(kind="distinct")
SORTED = Fill(kind="sorted", step=0.5, nonfinite=False)
STEPS = Fill(step=0.5, nonfinite=False)

NO_BOOL = {"bool": "more than two booleans have ties, which leave the indices open"}


def distinct_dims(d: Draw, *, low: int = 0) -> Dims:
    """Any rank for which the dtype has enough distinct elements."""
    return d.shape(0, 2 if DTYPES[d.dtype].bits == 8 else 4, low=low)


def sort_inputs(*, stable: tuple[Any, ...]) -> Inputs:
    """A dim, a direction, and whether equal elements keep their order; if not, all elements are distinct."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        how = d.choose(*(stable if d.kind != "bool" else (True,)))
        dims = d.shape(0, 4) if how is True else distinct_dims(d)
        fill = Fill(step=0.5) if how is True else DISTINCT
        descending = d.choose(OMIT, True, False)
        return {
            "self": d.tensor(dims, fill=fill),
            "stable": how,
            "dim": d.maybe(d.axis(dims)),
            "descending": descending,
        }

    return inputs


def topk_inputs(d: Draw) -> Mapping[str, Any]:
    """The k largest or smallest elements, or all; `sorted` is False only for k = 1, since it leaves the order open."""
    k = d.choose(2, 1, 3, 0, "all")
    size = d.size("m", k if isinstance(k, int) else 0, 7)
    dims: Dims = (size,)
    dim = d.choose(0, -1)
    if DTYPES[d.dtype].bits > 8:
        dims, dim = with_dim(d, size)
    last = dim in (-1, len(dims) - 1)
    return {
        "self": d.tensor(dims, fill=DISTINCT),
        "k": SizeOf(size) if k == "all" else k,
        "dim": OMIT if last and d.flag() else dim,
        "largest": d.choose(OMIT, False, True),
        "sorted": d.choose(OMIT, True, False) if k == 1 else d.choose(OMIT, True),
    }


def kthvalue_inputs(d: Draw) -> Mapping[str, Any]:
    """The k-th smallest along a dim."""
    k = d.choose(2, 1, 3)
    size = d.size("m", k, 7)
    dims, dim = with_dim(d, size) if DTYPES[d.dtype].bits > 8 else ((size,), d.choose(0, -1))
    last = dim in (-1, len(dims) - 1)
    return {
        "self": d.tensor(dims, fill=DISTINCT),
        "k": k,
        "dim": OMIT if last and d.flag() else dim,
        "keepdim": d.choose(OMIT, True),
    }


def median_inputs(d: Draw) -> Mapping[str, Any]:
    """The median along a dim; it is the lower one if there are two middle elements."""
    dims = distinct_dims(d, low=1)
    return {"self": d.tensor(dims, fill=DISTINCT), "dim": d.axis(dims), "keepdim": d.choose(OMIT, True)}


def middle_inputs(d: Draw) -> Mapping[str, Any]:
    """Any rank, with ties; integers are not empty, since they have no NaN as the median of nothing."""
    return {"self": d.tensor(d.shape(low=0 if d.kind == "float" else 1))}


def aminmax_inputs(d: Draw) -> Mapping[str, Any]:
    """All elements, or those along a dim, which a scalar has too."""
    keepdim = d.choose(OMIT, True, False)
    if d.flag():
        dims = d.shape(low=1)
        return {"self": d.tensor(dims), "dim": d.choose(OMIT, None, *(() if dims else (0, -1))), "keepdim": keepdim}
    dims, dim = with_dim(d, d.size("m", 1))
    return {"self": d.tensor(dims), "dim": dim, "keepdim": keepdim}


def cumulative_inputs(d: Draw) -> Mapping[str, Any]:
    """A tensor of distinct elements, and a dim."""
    dims = distinct_dims(d)
    return {"self": d.tensor(dims, fill=DISTINCT), "dim": d.axis(dims)}


HALVES = Fill(low=-40, high=40, step=0.5)
EIGHTHS = Fill(low=0, high=1, step=0.125, nonfinite=False)
OFF_TIES = 307 / 1024
"""A quantile that is not halfway between two elements, if there are fewer than 500."""


def quantile_inputs(*, scalar: bool) -> Inputs:
    """Elements that are multiples of a half or NaN, and quantiles that are multiples of an eighth.

    All ways to interpolate between them are exact.
    """

    def inputs(d: Draw) -> Mapping[str, Any]:
        dims = d.shape(0, 4, low=1)
        how = d.choose(OMIT, "linear", "lower", "higher", "midpoint", "nearest")
        if scalar:
            q: Any = OFF_TIES if how == "nearest" else d.choose(0.5, 0.25, 0.0, 1.0, 0.875)
        else:
            fill = Fill(low=OFF_TIES, high=OFF_TIES, nonfinite=False) if how == "nearest" else EIGHTHS
            q = d.tensor(d.choose((d.size("k", high=3),), ()), fill=fill)
        return {
            "self": d.tensor(dims, fill=HALVES),
            "q": q,
            "dim": d.choose(d.axis(dims), OMIT, None),
            "keepdim": d.choose(OMIT, True, False),
            "interpolation": how,
        }

    return inputs


def mode_inputs(d: Draw) -> Mapping[str, Any]:
    """An odd number of elements of two values, so that one value is the most frequent; the dim is constant."""
    dims, dim = with_dim(d, d.choose(5, 1, 3))
    two = Fill(low=0, high=1, step=1, nonfinite=False)
    last = dim in (-1, len(dims) - 1)
    which: Any = OMIT if last and d.flag() else dim
    return {"self": d.tensor(dims, fill=two), "dim": which, "keepdim": d.choose(OMIT, True)}


def msort_inputs(d: Draw) -> Mapping[str, Any]:
    """Any rank, sorted along its first dim, with ties: the order of equal values cannot be seen."""
    return {"self": d.tensor(d.shape(1, 4))}


def side(d: Draw) -> dict[str, Any]:
    """Which side of equal elements, given as `right` or as `side`, and the dtype of the result."""
    said = d.choose({}, {"right": True}, {"side": "right"}, {"side": "left"}, {"side": None}, {"right": False})
    return {**said, "out_int32": d.choose(OMIT, True)}


def searchsorted_inputs(d: Draw) -> Mapping[str, Any]:
    """One sequence for any number of values, or a batch of sequences for a batch of values.

    `sorter` is left out or None: no fill can make a tensor of indices that sorts another tensor.
    """
    length = d.size("m", high=6)
    if d.flag():
        lead = d.shape(1, 2, low=1)
        values: Dims = (*lead, d.size("k", high=4))
    else:
        lead, values = (), d.shape(0, 3)
    sequence = d.tensor((*lead, length), fill=SORTED)
    return {
        "sorted_sequence": sequence,
        "self": d.tensor(values, fill=STEPS),
        **side(d),
        "sorter": d.choose(OMIT, None),
    }


def searchsorted_scalar_inputs(d: Draw) -> Mapping[str, Any]:
    """One sequence and a scalar."""
    sequence = d.tensor((d.size("m", high=6),), fill=SORTED)
    return {"sorted_sequence": sequence, "self": d.scalar(0.5, 2.0, -1.5, 0.0), **side(d)}


def right(d: Draw) -> dict[str, Any]:
    """Which side of equal elements, and the dtype of the result."""
    return {"right": d.choose(OMIT, True, False), "out_int32": d.choose(OMIT, True)}


def bucketize_inputs(d: Draw) -> Mapping[str, Any]:
    """Values of any rank and boundaries."""
    values = d.tensor(d.shape(0, 4), fill=Fill(step=0.5))
    return {"self": values, "boundaries": d.tensor((d.size("m", high=6),), fill=SORTED), **right(d)}


def bucketize_scalar_inputs(d: Draw) -> Mapping[str, Any]:
    """A scalar and boundaries."""
    boundaries = d.tensor((d.size("m", high=6),), fill=SORTED)
    return {"self": d.scalar(0.5, 2.0, -1.5, 0.0), "boundaries": boundaries, **right(d)}


def without_stable(inputs: Inputs) -> Inputs:
    """These inputs without the argument `stable`, which the overload does not have."""

    def fewer(d: Draw) -> Mapping[str, Any]:
        return {name: value for name, value in inputs(d).items() if name != "stable"}

    return fewer


def orders(op: str, inputs: Inputs, dtypes: tuple[str, ...] = REAL, **more: Any) -> OpCase:
    """An op that compares and moves elements."""
    return OpCase(op=op, inputs=inputs, dtypes=dtypes, numeric=EXACT, **more)


SORT = without_stable(sort_inputs(stable=(False,)))
# NaN counts as the largest (opcov's issue 14): linalg and StableHLO sort it as if each comparison with it were false
WITH_NAN = tensor([2.0, NAN, 1.0, 3.0], dims=("n",))
BETWEEN = example(
    self=tensor([[-1.0, 0.5, 2.0], [1.5, 3.0, -0.5], [0.0, 1.0, 2.5]], dims=("n", "n")),
    boundaries=tensor([-0.75, 0.25, 1.0, 1.75, 2.25], dims=("k",)),
)
"""In each row values of other buckets, one of them a boundary."""
NAN_IN_EACH_COLUMN = tensor(
    [[3.0, NAN, 1.0, 5.0, NAN], [NAN, 2.0, 4.0, NAN, 0.0], [1.0, 7.0, NAN, 2.0, 6.0]], dims=("n", "m")
)

CASES = (
    orders(
        "aten.sort.default",
        SORT,
        exclude=NO_BOOL,
        examples=(
            example(self=WITH_NAN),
            example(self=WITH_NAN, descending=True),
            example(self=NAN_IN_EACH_COLUMN, dim=0),
        ),
    ),
    orders("aten.sort.stable", sort_inputs(stable=(True, True, False, None)), ALL),
    orders("aten.argsort.default", SORT, exclude=NO_BOOL),
    orders("aten.argsort.stable", sort_inputs(stable=(True, True, False)), ALL),
    orders("aten.msort.default", msort_inputs, ALL),
    orders(
        "aten.topk.default",
        topk_inputs,
        examples=(example(self=WITH_NAN, k=2), example(self=WITH_NAN, k=2, largest=False)),
    ),
    orders("aten.kthvalue.default", kthvalue_inputs),
    orders("aten.median.dim", median_inputs),
    orders("aten.nanmedian.dim", median_inputs),
    orders("aten.median.default", middle_inputs),
    orders("aten.nanmedian.default", middle_inputs),
    orders("aten.quantile.default", quantile_inputs(scalar=False), ("f32", "f64")),
    orders("aten.quantile.scalar", quantile_inputs(scalar=True), ("f32", "f64")),
    orders("aten.nanquantile.default", quantile_inputs(scalar=False), ("f32", "f64")),
    orders("aten.nanquantile.scalar", quantile_inputs(scalar=True), ("f32", "f64")),
    orders("aten.aminmax.default", aminmax_inputs, ALL),
    orders("aten.cummax.default", cumulative_inputs, exclude=NO_BOOL),
    orders("aten.cummin.default", cumulative_inputs, exclude=NO_BOOL),
    orders("aten.mode.default", mode_inputs, ALL, unjudged={1: "which of the equal elements is open"}),
    orders("aten.searchsorted.Tensor", searchsorted_inputs),
    orders("aten.searchsorted.Scalar", searchsorted_scalar_inputs),
    orders("aten.bucketize.Tensor", bucketize_inputs, examples=(BETWEEN,)),
    orders("aten.bucketize.Scalar", bucketize_scalar_inputs),
)
