"""Reductions over all dims, one dim or several, and the cumulative ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from harness.cases.case import OMIT, Dims, Draw, Inputs, OpCase
from harness.cases.dtypes import ALL, BOOL, COMPLEX, EVERY, FLOAT, INT, REAL
from harness.cases.explicit import INF, NAN, example, tensor
from harness.cases.libm import libm
from harness.cases.numeric import EXACT, ROUNDED, Composite, Linear, Numeric, Over, Ulp
from harness.cases.sample import Fill
from harness.cases.strategies import ANY, FAR_BELOW, NO_INFINITY, OVERFLOWING, TRUTHS

TERMS = Linear((Over(),))
PRIM_TERMS = Linear((Over("dims"),))
MOMENTS = Composite((TERMS, ROUNDED, ROUNDED, TERMS, Ulp(2)))
"""The mean, the differences, the mean of their squares, maybe its root."""
PRIM_MOMENTS = Composite((PRIM_TERMS, ROUNDED, ROUNDED, PRIM_TERMS, Ulp(2)))
NORM = Composite((libm("pow"), TERMS, libm("pow")))
"""The powers, their sum, its root."""
LOGSUMEXP = Composite((ROUNDED, libm("exp"), TERMS, libm("log"), ROUNDED))

DISTINCT = Fill(kind="distinct")
INFINITE = (float("inf"), float("-inf"))
"""Orders of norms that are extrema; an empty tensor has no extremum."""
NO_TIES = {"bool": "two values only: which of the ties has the index is not specified"}

MISTYPED = dict.fromkeys(COMPLEX, "torch-mlir's decomposition mixes up the real and the complex dtype")
SPECIALIZED = dict.fromkeys(COMPLEX, "export makes the count a complex number divides by a constant")


def reducible(
    d: Draw, least: int, *, single: bool = False, every: bool = False, min_rank: int = 0, max_rank: int = 5
) -> tuple[Dims, tuple[int, ...]]:
    """The dims of a tensor and those to reduce (one, all or some), each of which has at least `least` elements."""
    rank = d.integer(max(min_rank, d.mode == "dynamic"), max_rank)
    if every:
        axes = tuple(range(rank))
    elif single:
        axes = (d.axis(range(rank)),) if rank else ()
    else:
        axes = d.axes(range(rank), min_size=1) if rank else d.choose((0,), (-1,), ())
    reduced = {axis % rank for axis in axes} if rank else set()
    if reduced and d.degenerate and least <= d.degenerate[1] and d.flag():
        # a sum of nothing fails more often than one of empty rows
        d.degenerate = (axes[0] % rank, d.degenerate[1])
    high = (6, 7, 6, 5, 4, 3)[rank]
    return tuple(d.size(f"d{i}", least if i in reduced else 0, high) for i in range(rank)), axes


def accumulator(d: Draw) -> Any:
    """`dtype=`: left out, or another one to accumulate in; the FX importer takes no complex one, so none is drawn."""
    wider = {"float": ("f64", "f32"), "int": ("i64", "f32"), "bool": ("i32", "f32"), "complex": ()}
    return d.other_dtype(*wider[d.kind])


def factors(d: Draw) -> Fill:
    """Elements whose products neither overflow nor underflow, whatever their order."""
    if d.kind in ("float", "complex"):
        return Fill(low=-1.25, high=1.25, avoid=(0.0,), margin=0.75, nonfinite=d.kind == "float")
    return Fill(low=-9, high=9)


def over_all(*, least: int = 0, dtype: bool = False, fill: Fill | None = None) -> Inputs:
    """A tensor of any rank, and maybe `dtype`."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        args: dict[str, Any] = {"self": d.tensor(d.shape(low=least), fill=fill)}
        return {**args, "dtype": accumulator(d)} if dtype else args

    return inputs


def over_dim(*, least: int = 0, dtype: bool = False, keepdim: bool = True, fill: Fill | None = None) -> Inputs:
    """A tensor and one dim, `keepdim` and maybe `dtype`; `least` is the least size of the reduced dim."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        dims, axes = reducible(d, least, single=True)
        args: dict[str, Any] = {"self": d.tensor(dims, fill=fill), "dim": axes[0] if axes else d.choose(0, -1)}
        if keepdim:
            args["keepdim"] = d.choose(OMIT, True)
        return {**args, "dtype": accumulator(d)} if dtype else args

    return inputs


def over_dims(
    *,
    least: int = 0,
    dtype: bool = False,
    keepdim: bool = True,
    none: bool = True,
    some: bool = False,
    fill: Fill | None = None,
) -> Inputs:
    """A tensor and several dims, or all of them where left out (None or empty), `keepdim` and maybe `dtype`."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        whole = d.choose(False, False, False, True) and not some
        dims, axes = reducible(d, least, every=whole)
        args: dict[str, Any] = {"self": d.tensor(dims, fill=fill), "dim": axes}
        if whole:
            args["dim"] = d.choose(None, ()) if none else ()
        if keepdim:
            args["keepdim"] = d.choose(OMIT, True)
        return {**args, "dtype": accumulator(d)} if dtype else args

    return inputs


def arg_inputs(d: Draw) -> Mapping[str, Any]:
    """A tensor without ties and one dim or, where None or left out, all of them."""
    whole = d.flag()
    dims, axes = reducible(d, 1, single=True, every=whole, max_rank=3)
    dim = d.choose(OMIT, None) if whole else axes[0] if axes else d.choose(0, -1)
    return {"self": d.tensor(dims, fill=DISTINCT), "dim": dim, "keepdim": d.choose(OMIT, True)}


def prod_inputs(*, axis: bool) -> Inputs:
    """A tensor of few factors, maybe a dim with `keepdim`, and `dtype`."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        dims = d.shape(0, 2)
        args: dict[str, Any] = {"self": d.tensor(dims, fill=factors(d)), "dtype": accumulator(d)}
        return {**args, "dim": d.axis(dims), "keepdim": d.choose(OMIT, True)} if axis else args

    return inputs


def cumulative_inputs(*, product: bool = False) -> Inputs:
    """A tensor, the dim along which it accumulates, and `dtype`."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        dims = d.shape(0, 3)
        return {
            "self": d.tensor(dims, fill=factors(d) if product else None),
            "dim": d.axis(dims),
            "dtype": accumulator(d),
        }

    return inputs


LARGE = Fill(low=800.0, high=1000.0)


def logcumsumexp_inputs(d: Draw) -> Mapping[str, Any]:
    """A tensor without elements near 0, and a dim; sums of complex exponentials keep off the logarithm's branch cut.

    Where a 0 dominates, the op takes the logarithm of a sum near 1, whose roundoff the conditioning does not measure.
    Some tensors are so large that their exponentials overflow, which the op is made to avoid.
    """
    dims = d.shape(0, 4)
    if d.kind == "float" and d.flag():
        return {"self": d.tensor(dims, fill=LARGE), "dim": d.axis(dims)}
    high = 1.0 if d.kind == "complex" else None
    fill = Fill(reach="unit", low=high and -high, high=high, avoid=(0.0,), margin=0.5)
    return {"self": d.tensor(dims, fill=fill), "dim": d.axis(dims)}


def moment_inputs(d: Draw) -> Mapping[str, Any]:
    """A tensor, its dims, `keepdim`, and a correction, which may exceed the number of elements."""
    whole = d.choose(False, False, True)
    dims, axes = reducible(d, 0, every=whole, min_rank=1, max_rank=3)
    correction = d.choose(OMIT, 0, None, 1, 2, 0.5)
    dim = d.choose(OMIT, None, ()) if whole or not axes else axes
    x = d.tensor(dims, fill=NO_INFINITY)
    return {"self": x, "dim": dim, "correction": correction, "keepdim": d.choose(OMIT, True)}


def unbiased_inputs(*, dim: bool) -> Inputs:
    """A tensor, maybe its dims and `keepdim`, and `unbiased`; without a degree of freedom the variance is NaN."""
    over = over_dims(fill=NO_INFINITY) if dim else over_all(fill=NO_INFINITY)

    def inputs(d: Draw) -> Mapping[str, Any]:
        return {**over(d), "unbiased": d.choose(OMIT, False, True)}

    return inputs


def prim_inputs(*, product: bool = False, variance: bool = False) -> Inputs:
    """A tensor and dims counted from the front, at least one unless the rank is 0; maybe a correction."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        dims, axes = reducible(d, 0, max_rank=2 if product else 5)
        fill = factors(d) if product else NO_INFINITY if variance else None
        args = {"inp": d.tensor(dims, fill=fill), "dims": tuple(axis % len(dims) for axis in axes) if dims else ()}
        return {**args, "correction": d.choose(1.0, 0.0, 0.5, 2.0)} if variance else args

    return inputs


def norm_inputs(*, optional: bool) -> Inputs:
    """A tensor, the order of the norm, dims, `keepdim`, `dtype`; 0 counts nonzeros, infinite orders are extrema."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        dims, axes = reducible(d, 1, min_rank=1)
        empty = optional and not all(d.least(dim) for dim in dims)  # export refuses the extremum of an empty dim
        order = d.choose(
            *(p for p in (2.0, 1.0, float("inf"), 3, float("-inf"), 0, None) if not empty or p not in INFINITE)
        )
        keepdim = d.choose(OMIT, True)
        if optional:
            return {"self": d.tensor(dims), "p": order, "dim": axes, "keepdim": keepdim}
        # For extrema torch-mlir's decomposition drops the dtype, so that no backend sees it.
        extreme = order in INFINITE
        dtype = OMIT if extreme else d.other_dtype("f64")
        whole = not extreme or all(d.least(dim) for dim in dims)  # without elements there is no extremum
        dim = d.choose(axes, OMIT, None) if whole else axes
        return {
            "self": d.tensor(dims),
            "ord": OMIT if order is None else order,
            "dim": dim,
            "keepdim": keepdim,
            "dtype": dtype,
        }

    return inputs


def total_norm_inputs(d: Draw) -> Mapping[str, Any]:
    """A tensor and the order of the norm over all its elements; for an extremum there is at least one."""
    order = d.choose(2, 1, float("inf"), 3, 0.5, float("-inf"), 0)
    return {"self": d.tensor(d.shape(low=int(order in INFINITE))), "p": order}


def frobenius_inputs(d: Draw) -> Mapping[str, Any]:
    """A tensor and one or two dims, or none for all of them."""
    dims = d.shape()
    return {"self": d.tensor(dims), "dim": d.axes(dims)[:2], "keepdim": d.choose(OMIT, True)}


def linalg_norm_inputs(d: Draw) -> Mapping[str, Any]:
    """The norm of all elements, of the vectors along one dim or of the matrices in two; 2 and -2 are singular values.

    Export makes constants of most sizes of matrices, so that these are static. Singular values are not defined for
    matrices that are empty or not finite, and eager does not compute them in half precision.
    """
    kind = d.choose("vectors", "all", "pairs", *(("matrices",) if d.mode == "static" else ()))
    order, dim, fill = d.choose(OMIT, None), d.choose(OMIT, None), Fill(reach="unit")
    if kind == "all":
        dims = d.shape()
    elif kind == "pairs":
        dims = d.shape(2, 4)
        dim = d.axes(dims, min_size=2)[:2]
    elif kind == "vectors":
        order = d.choose(2, 1, float("inf"), 3.5, float("-inf"), 0)
        dims, axes = reducible(d, int(order in INFINITE), single=True, min_rank=1, max_rank=4)
        dim = axes if len(dims) > 1 else d.choose(axes, OMIT)
    else:
        order = d.choose(1, -1, float("inf"), float("-inf"), *(() if d.dtype in ("f16", "bf16") else (2, -2)))
        dims = d.shape(2, 4, low=1)
        dim = d.axes(dims, min_size=2)[:2] if len(dims) > 2 else d.choose((-2, -1), (1, 0), OMIT)
        fill = replace(fill, nonfinite=abs(order) != 2)
    dtype = OMIT if d.kind == "complex" else d.other_dtype("f64")
    self = d.tensor(dims, fill=fill)
    return {"self": self, "ord": order, "dim": dim, "keepdim": d.choose(OMIT, True), "dtype": dtype}


def reduction(op: str, inputs: Inputs, dtypes: tuple[str, ...] = ALL, numeric: Numeric = EXACT, **more: Any) -> OpCase:
    """A reduction, exact unless a numeric class is given."""
    return OpCase(op=f"aten.{op}", inputs=inputs, dtypes=dtypes, numeric=numeric, **more)


DROPPED = {"output_dtype": "eager refuses the argument"}
KEPT = dict.fromkeys((*(name for name in INT if name != "i64"), *BOOL), "eager sums to i64, its meta function does not")

# opcov's issue 14: TOSA compares u8 as signed
HIGH_BIT = tensor([[100, 200, 50], [7, 7, 255]], "u8", dims=("n", "m"))
DISTINCT_HIGH_BIT = tensor([[100, 200, 50], [7, 9, 255]], "u8", dims=("n", "m"))
# an extremum that starts from the least or largest finite number, not from an infinity, is wrong where all are infinite
LEAST, MOST = (tensor([[1.5, end], [end, end]], dims=("n", "m")) for end in (-INF, INF))
ALL_LEAST, ALL_MOST = (tensor([end, end, end], dims=("n",)) for end in (-INF, INF))
# NaN is true: a comparison that says no to NaN is seen where all else is true, or false
TRUE, FALSE = (tensor([[x, NAN, x], [x, x, x]], dims=("n", "m")) for x in (1.5, 0.0))
# NaN alone, and not on the diagonal: an element that is wrongly taken for a number, or left out for another, shows
SPARSE_NAN = tensor([[1.5, NAN, -2.0], [0.5, 4.0, -1.0], [2.5, 3.0, 8.0]], dims=("n", "m"))
# a norm counts what is negative, too
SIGNED = tensor([[-1.5, 0.0, 2.0], [-3.0, 0.5, -4.0]], dims=("n", "m"))

CASES = (
    reduction("sum.default", over_all(dtype=True), EVERY, TERMS),
    reduction("sum.dim_IntList", over_dims(dtype=True), EVERY, TERMS),
    reduction("mean.default", over_all(dtype=True), FLOAT, TERMS, exclude=SPECIALIZED),
    reduction(
        "mean.dim",
        over_dims(dtype=True),
        FLOAT,
        TERMS,
        exclude=SPECIALIZED,
        # opcov's issue 14: StableHLO's lowering dies of SIGSEGV
        examples=(example(self=tensor(2.5), dim=(-1,), keepdim=True),),
    ),
    reduction("prod.default", prod_inputs(axis=False), EVERY, TERMS),
    reduction("prod.dim_int", prod_inputs(axis=True), EVERY, TERMS),
    reduction("amax.default", over_dims(least=1, none=False), examples=(example(self=LEAST, dim=(1,)),)),
    reduction("amin.default", over_dims(least=1, none=False), examples=(example(self=MOST, dim=(1,)),)),
    reduction("max.default", over_all(least=1), examples=(example(self=ALL_LEAST),)),
    reduction("min.default", over_all(least=1), examples=(example(self=ALL_MOST),)),
    reduction(
        "max.dim",
        over_dim(least=1, fill=DISTINCT),
        REAL,
        exclude=NO_TIES,
        examples=(example(self=HIGH_BIT, dim=1),),
    ),
    reduction(
        "min.dim",
        over_dim(least=1, fill=DISTINCT),
        REAL,
        exclude=NO_TIES,
        examples=(example(self=DISTINCT_HIGH_BIT, dim=1),),
    ),
    reduction("argmax.default", arg_inputs, REAL),
    reduction("argmin.default", arg_inputs, REAL),
    reduction("any.default", over_all(fill=TRUTHS), EVERY, examples=(example(self=FALSE),)),
    reduction("any.dim", over_dim(fill=TRUTHS), EVERY, examples=(example(self=FALSE, dim=1),)),
    reduction("any.dims", over_dims(fill=TRUTHS), EVERY, examples=(example(self=FALSE, dim=(1,)),)),
    reduction("all.default", over_all(fill=ANY), EVERY, examples=(example(self=TRUE),)),
    reduction("all.dim", over_dim(fill=ANY), EVERY, examples=(example(self=TRUE, dim=1),)),
    reduction("var.correction", moment_inputs, FLOAT + COMPLEX, MOMENTS),
    reduction("std.correction", moment_inputs, FLOAT + COMPLEX, MOMENTS),
    reduction("var_mean.correction", moment_inputs, FLOAT, MOMENTS, exclude=MISTYPED),
    reduction(
        "linalg_vector_norm.default",
        norm_inputs(optional=False),
        FLOAT,
        NORM,
        exclude=MISTYPED,
        unexported="by infinite orders, where a dim that is not reduced is empty: its shape function refuses it",
        examples=(example(self=SPARSE_NAN, ord=INF, dim=(1,)),),
    ),
    reduction(
        "norm.ScalarOpt_dim",
        norm_inputs(optional=True),
        FLOAT,
        NORM,
        exclude=MISTYPED,
        examples=(example(self=SIGNED, p=0, dim=(1,)),),
    ),
    reduction(
        "logsumexp.default",
        over_dims(some=True, fill=OVERFLOWING),
        EVERY,
        LOGSUMEXP,
        examples=(example(self=FAR_BELOW, dim=(1,)), example(self=LEAST, dim=(1,))),
    ),
    reduction("cumsum.default", cumulative_inputs(), EVERY, TERMS),
    reduction("cumprod.default", cumulative_inputs(product=True), EVERY, TERMS),
    reduction(
        "count_nonzero.default",
        over_all(),
        EVERY,
        fixed={"dim": "aten.count_nonzero.dim_IntList has the dims"},
    ),
    reduction("count_nonzero.dim_IntList", over_dims(keepdim=False, none=False), EVERY),
    reduction("all.dims", over_dims(fill=ANY), EVERY, examples=(example(self=TRUE, dim=(1,)),)),
    reduction("nansum.default", over_dims(dtype=True), ALL, TERMS, examples=(example(self=SPARSE_NAN, dim=(0,)),)),
    reduction("nanmean.default", over_dims(dtype=True), FLOAT, TERMS, examples=(example(self=SPARSE_NAN, dim=(0,)),)),
    reduction(
        "logcumsumexp.default",
        logcumsumexp_inputs,
        FLOAT + COMPLEX,
        LOGSUMEXP,
        examples=(example(self=FAR_BELOW, dim=1), example(self=LEAST, dim=1)),
    ),
    *(
        reduction(f"{op}.{kind}", unbiased_inputs(dim=kind == "dim"), FLOAT + COMPLEX, MOMENTS)
        for op in ("var", "std")
        for kind in ("default", "dim")
    ),
    *(
        reduction(f"{op}.{kind}", unbiased_inputs(dim=kind == "dim"), FLOAT, MOMENTS, exclude=SPECIALIZED)
        for op in ("var_mean", "std_mean")
        for kind in ("default", "dim")
    ),
    reduction("std_mean.correction", moment_inputs, FLOAT, MOMENTS, exclude=SPECIALIZED),
    reduction("norm.Scalar", total_norm_inputs, FLOAT + COMPLEX, NORM),
    reduction("frobenius_norm.dim", frobenius_inputs, FLOAT + COMPLEX, NORM),
    reduction(
        "linalg_norm.default",
        linalg_norm_inputs,
        FLOAT + COMPLEX,
        NORM,
        examples=(example(self=SIGNED, ord=3.5, dim=(1,)),),
    ),
    OpCase(
        op="prims.sum.default",
        inputs=prim_inputs(),
        dtypes=(*FLOAT, "i64", *COMPLEX),
        numeric=PRIM_TERMS,
        exclude=KEPT,
        fixed=DROPPED,
    ),
    OpCase(
        op="prims.prod.default",
        inputs=prim_inputs(product=True),
        dtypes=(*FLOAT, "i64", *COMPLEX),
        numeric=PRIM_TERMS,
        exclude=KEPT,
        fixed=DROPPED,
    ),
    OpCase(
        op="prims.var.default",
        inputs=prim_inputs(variance=True),
        dtypes=FLOAT + COMPLEX,
        numeric=PRIM_MOMENTS,
        fixed=DROPPED,
    ),
)
