"""Statistics and calculus on samples: distances, correlations, differences, gradients and integrals along a dim."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.cases.case import OMIT, Dims, Draw, Inputs, OpCase
from harness.cases.dtypes import COMPLEX, EVERY, FLOAT, REAL
from harness.cases.explicit import example, tensor
from harness.cases.libm import libm
from harness.cases.numeric import ROUNDED, Composite, Linear, Over, Ulp
from harness.cases.sample import Fill, TensorSpec
from harness.cases.strategies import NO_INFINITY

NUMBER = REAL + COMPLEX
ALL_TERMS = Linear((Over(None),))
NORM = Composite((ROUNDED, libm("pow"), ALL_TERMS, libm("pow"), Ulp(2)))
"""Differences, their powers, the sum of these, its root, and a scaling by it."""
COVARIANCE = Composite((ALL_TERMS, ROUNDED, ALL_TERMS, Ulp(4)))
"""Means, differences from them, sums of their products, over a count and over deviations."""
DIFFERENCES = Composite((Ulp(8),))
"""Differences of up to three orders, or two of them over their distances."""
AREA = Composite((Ulp(3), ALL_TERMS))
"""Widths and heights, and the sum of their products."""
SMALL = Fill(low=-100, high=100)
"""Integers whose halves and sums every float holds."""
CONCRETE = "export makes every size a constant: the op, composed in C++, asks for the numbers"
COMPARED = "the op compares its degrees of freedom, a tensor, with 0: export takes no `aten.equal`"
INFINITE = (float("inf"), float("-inf"))
ORDERS = (2.0, 1.0, float("inf"), 3.0, float("-inf"), 0.5)


def along(d: Draw, *, low: int = 0, max_rank: int = 4) -> tuple[Dims, int]:
    """The dims of a tensor and an axis; the dim there is `n`, of at least `low` elements."""
    rank = d.integer(1, max_rank)
    axis = d.axis(range(rank))
    names = ["n" if i == axis % rank else f"d{i}" for i in range(rank)]
    return tuple(d.size(name, *((low, low + 4 if low else 6) if name == "n" else (0, 4))) for name in names), axis


def differenced(d: Draw, order: int = 1) -> tuple[Dims, int]:
    """As `along`, for an op that shrinks the dim by `order`; in dynamic mode to 2 or more, as export requires."""
    return along(d, low=order + 2 if d.mode == "dynamic" else 0)


def modest(d: Draw) -> Fill:
    """Elements whose sums are finite and, of integers, exact."""
    return SMALL if d.kind == "int" else NO_INFINITY


# distances ------------------------------------------------------------------------------------------------------------


def dist_inputs(d: Draw) -> Mapping[str, Any]:
    """Two tensors that broadcast and the order of the norm of their difference.

    For extrema they are not empty. For order 0, which counts elements that differ, all differ by a margin.
    """
    order = d.choose(2, 1, float("inf"), 3, float("-inf"), 0)
    fills = (Fill(low=0.25, high=8.0), Fill(low=-8.0, high=-0.25)) if order == 0 else (None, None)
    dims = d.shape(low=int(order in INFINITE))
    a, b = d.pair(dims)
    return {"self": d.tensor(a, fill=fills[0]), "other": d.tensor(b, fill=fills[1]), "p": order}


def pairwise_inputs(d: Draw) -> Mapping[str, Any]:
    """Two vectors, or batches of them, that broadcast; `eps` is added to each difference."""
    order = d.choose(*ORDERS)
    dims = (*d.shape(0, 2), d.size("n", int(order in INFINITE)))
    smaller = d.choose(dims, dims[1:] or dims, (*dims[:-1], 1))
    a, b = d.choose((dims, smaller), (smaller, dims))
    return {
        "x1": d.tensor(a),
        "x2": d.tensor(b),
        "p": order,
        "eps": d.choose(OMIT, 0.25),
        "keepdim": d.choose(OMIT, True),
    }


def renorm_inputs(d: Draw) -> Mapping[str, Any]:
    """A tensor of two dims or more, the dim whose slices are shrunk, an order, and a norm that no simple slice has."""
    dims = d.shape(2, 4)
    return {
        "self": d.tensor(dims),
        "p": d.choose(2.0, 1, 3, 0.5),
        "dim": d.axis(dims),
        "maxnorm": d.choose(1.3, 0.07, 40.1),
    }


def vecdot_inputs(d: Draw) -> Mapping[str, Any]:
    """Two tensors that broadcast and the dim of the products that is summed."""
    dims, axis = along(d)
    a, b = d.pair(dims) if len(dims) > 1 else (dims, dims)  # two vectors: a dot product, which does not broadcast
    return {"x": d.tensor(a), "y": d.tensor(b), "dim": axis}


# correlations ---------------------------------------------------------------------------------------------------------


def observed(d: Draw, least: int = 0) -> Dims:
    """Variables in rows and observations in columns, or one variable.

    Integers have 4 observations: their mean and all that is computed from it are then exact, whatever cancels.
    """
    several = d.mode == "dynamic" or d.flag()
    n = 4 if d.kind == "int" else d.size("n", least, 6)
    return (d.size("v", 0, 4), n) if several else (n,)


def corrcoef_inputs(d: Draw) -> Mapping[str, Any]:
    """Variables that are not constant, unless they have one observation or none."""
    dims = observed(d)
    return {"self": d.tensor(dims, fill=Fill(kind="distinct", low=-8, high=100))}


def cov_inputs(d: Draw) -> Mapping[str, Any]:
    """Variables, a correction, and integer and real weights of the observations, all of them positive."""
    correction = d.choose(OMIT, 0, 2)
    weighted = False if d.kind == "int" else d.flag()
    dims = observed(d, 3 if correction == 2 else 1 if weighted else 0)
    args: dict[str, Any] = {"self": d.tensor(dims, fill=modest(d)), "correction": correction}
    if weighted:
        frequency = d.tensor(dims[-1:], "i64", Fill(low=1, high=4))
        importance = d.tensor(
            dims[-1:], "f32" if d.kind == "complex" else None, Fill(low=0.5, high=2.0, nonfinite=False)
        )
        args["fweights"], args["aweights"] = d.choose((frequency, None), (None, importance), (frequency, importance))
    return args


# differences and integrals --------------------------------------------------------------------------------------------


def diff_inputs(d: Draw) -> Mapping[str, Any]:
    """A tensor, how often to take differences along a dim, and what comes before and after."""
    order = d.choose(1, 2, 0, 3)
    dims, axis = differenced(d, order)
    at = axis % len(dims)

    def ends() -> Any:
        return d.choose(OMIT, OMIT, d.tensor((*dims[:at], d.choose(1, 2), *dims[at + 1 :])))

    return {"self": d.tensor(dims), "n": order, "dim": axis, "prepend": ends(), "append": ends()}


def steps_inputs(d: Draw) -> Mapping[str, Any]:
    """Samples at equal distances along a dim; the distances keep halves exact."""
    dims, axis = differenced(d)
    return {"y": d.tensor(dims, fill=modest(d)), "dx": d.choose(OMIT, 0.5, 2.0, -1.5), "dim": axis}


def places_inputs(d: Draw) -> Mapping[str, Any]:
    """Samples along a dim, and their places in any order: one vector for all lines, or other places for each line."""
    dims, axis = differenced(d)
    at = axis % len(dims)
    alone = tuple(dim if i == at else 1 for i, dim in enumerate(dims))
    places = d.choose((dims[at],), dims, alone, dims[d.integer(0, at) :])
    return {"y": d.tensor(dims, fill=modest(d)), "x": d.tensor(places, fill=modest(d)), "dim": axis}


def gradient_inputs(spacing: str) -> Inputs:
    """A tensor, the dims of its gradient, the order at the edges and the spacing: a scalar, scalars or coordinates."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        edge = d.choose(OMIT, 1, 2)
        least = 3 if edge == 2 else 2
        rank = d.integer(1, 3)
        axes = _gradient_axes(d, rank, spacing)
        reduced = set(range(rank)) if axes is None else {axis % rank for axis in axes}
        dims = tuple(d.size(f"d{i}", least if i in reduced else 0, 6) for i in range(rank))
        args = {"self": d.tensor(dims, fill=modest(d)), "spacing": _spacing(d, dims, axes, spacing)}
        if spacing in ("scalarrayarray", "tensorarray"):
            args["dim"] = axes
        else:
            args["dim"] = d.choose(OMIT, None) if axes is None else axes[0]
        return {**args, "edge_order": edge}

    return inputs


def _gradient_axes(d: Draw, rank: int, spacing: str) -> tuple[int, ...] | None:
    if spacing in ("scalarrayarray", "tensorarray"):
        return d.axes(range(rank), min_size=1)
    return None if d.flag() else (d.axis(range(rank)),)


def _spacing(d: Draw, dims: Dims, axes: Sequence[int] | None, spacing: str) -> Any:
    """Dyadic numbers or, for integers, a fraction above 1; or distinct coordinates, floats for integers."""
    if spacing == "scalarint":
        return d.choose(OMIT, None, 2.0, 2.5 if d.kind == "int" else 0.5, -4)
    axes = range(len(dims)) if axes is None else axes
    if spacing != "tensorarray":
        return tuple(d.choose(2.5, -2.5) if d.kind == "int" else d.choose(2.0, 0.5, 1, -4.0) for _ in axes)
    return tuple(_coordinates(d, dims[axis]) for axis in axes)


def _coordinates(d: Draw, dim: Any) -> TensorSpec:
    return d.tensor((dim,), "f32" if d.kind == "int" else None, Fill(kind="distinct", reach="unit", nonfinite=False))


EDGES = example(
    self=tensor([[1.0, 4.0, -2.0], [3.0, 0.5, 8.0]], dims=("d0", "d1")),
    spacing=(tensor([0.0, 2.0], dims=("d0",)), tensor([0.0, 1.0, 3.0], dims=("d1",))),
    dim=(0, 1),
)
"""A dim of two elements, of which none is between the edges."""

CASES = (
    OpCase(op="aten.dist.default", inputs=dist_inputs, dtypes=FLOAT + COMPLEX, numeric=NORM),
    OpCase(op="aten.pairwise_distance.default", inputs=pairwise_inputs, dtypes=NUMBER, numeric=NORM),
    OpCase(op="aten.renorm.default", inputs=renorm_inputs, dtypes=FLOAT + COMPLEX, numeric=NORM),
    OpCase(op="aten.linalg_vecdot.default", inputs=vecdot_inputs, dtypes=FLOAT + COMPLEX, numeric=Linear(("n",))),
    OpCase(op="aten.corrcoef.default", inputs=corrcoef_inputs, dtypes=NUMBER, numeric=COVARIANCE, unexported=COMPARED),
    OpCase(op="aten.cov.default", inputs=cov_inputs, dtypes=NUMBER, numeric=COVARIANCE, unexported=COMPARED),
    OpCase(op="aten.diff.default", inputs=diff_inputs, dtypes=EVERY, numeric=DIFFERENCES),
    *(
        OpCase(op=f"aten.{op}.dx", inputs=steps_inputs, dtypes=NUMBER, numeric=Linear((3, "n")))
        for op in ("trapezoid", "trapz", "cumulative_trapezoid")
    ),
    *(
        OpCase(op=f"aten.{op}.x", inputs=places_inputs, dtypes=NUMBER, numeric=AREA)
        for op in ("trapezoid", "trapz", "cumulative_trapezoid")
    ),
    *(
        OpCase(
            op=f"aten.gradient.{kind}",
            inputs=gradient_inputs(kind),
            dtypes=tuple(name for name in NUMBER if name != "u8"),
            numeric=DIFFERENCES,
            static_only=CONCRETE,
            examples=(EDGES,) if kind == "tensorarray" else (),
        )
        for kind in ("scalarint", "scalarrayint", "scalarrayarray", "tensorarray")
    ),
)
