"""Products of matrices and vectors, their fused forms with a scaled addend, and distances between rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.cases.case import OMIT, Dims, Draw, Inputs, OpCase
from harness.cases.dtypes import COMPLEX, EVERY, REAL
from harness.cases.explicit import NAN, example, tensor
from harness.cases.libm import libm
from harness.cases.numeric import ROUNDED, Composite, Linear, Ulp
from harness.cases.sample import Fill
from harness.cases.strategies import row_major

NUMBER = REAL + COMPLEX
SUM_K = Linear(("k",))
"""A sum over the dim `k`: every strategy here gives this name to the dim that is summed."""

SHAPES = (
    (("n", "k"), ("k", "m")),
    (("k",), ("k",)),
    (("n", "k"), ("k",)),
    (("k",), ("k", "m")),
    (("b", "n", "k"), ("b", "k", "m")),
    (("b", "n", "k"), ("k", "m")),
    (("n", "k"), ("b", "k", "m")),
    (("b", "n", "k"), ("k",)),
    (("k",), ("b", "k", "m")),
    (("k",), ("a", "b", "k", "m")),
    ((1, "n", "k"), ("b", "k", "m")),
    (("a", "b", "n", "k"), ("a", "b", "k", "m")),
    (("a", 1, "n", "k"), ("b", "k", "m")),
    (("a", "b", "n", "k"), (1, 1, "k", "m")),
)

EQUATIONS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "ij,jk->ik": (("n", "k"), ("k", "m")),
    "bij,bjk->bik": (("b", "n", "k"), ("b", "k", "m")),
    "bhqd,bhkd->bhqk": (("a", "b", "n", "k"), ("a", "b", "m", "k")),
    "...ij,...jk->...ik": (("b", "n", "k"), ("b", "k", "m")),
    "i,j->ij": (("n",), ("m",)),
    "ij,ij->": (("k", "l"), ("k", "l")),
    "ij,ij": (("k", "l"), ("k", "l")),
    "ij->ji": (("n", "m"),),
    "ij->i": (("n", "k"),),
    "i...->...": (("n", "k"),),
    "ii->i": (("n", "n"),),
    "ii": (("k", "k"),),
    "bi,ij,bj->b": (("b", "k"), ("k", "l"), ("b", "l")),
}


def declare(d: Draw, *shapes: tuple[Any, ...], high: int = 6) -> None:
    """Declare every dim that the shapes name."""
    for name in dict.fromkeys(dim for shape in shapes for dim in shape if isinstance(dim, str)):
        d.size(name, high=high)


def product_inputs(first: tuple[Any, ...], second: tuple[Any, ...], names: str) -> Inputs:
    """Two tensors of these dims; a dim that both name is shared."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        declare(d, first, second)
        return {name: d.tensor(dims) for name, dims in zip(names.split(), (first, second), strict=True)}

    return inputs


def matmul_inputs(d: Draw) -> Mapping[str, Any]:
    """Vectors, matrices and batches of them in every combination, batches that broadcast too."""
    first, second = d.choose(*SHAPES)
    declare(d, first, second, high=5)
    return {"self": d.tensor(first), "other": d.tensor(second)}


def added_inputs(addend: tuple[str, ...], first: tuple[str, ...], second: tuple[str, ...], names: str) -> Inputs:
    """An addend that broadcasts with the product of two tensors, `beta` for the addend and `alpha` for the product.

    The signs of `alpha` and `beta` agree: else the sum on absolute inputs would not bound the magnitude. `alpha` is
    never 0, which leaves open whether non-finite factors count; `beta=0` discards the addend by definition.
    """

    def inputs(d: Draw) -> Mapping[str, Any]:
        declare(d, first, second)
        pairs: tuple[tuple[Any, Any], ...] = ((0.5, 2.0), (0.0, 2.0), (1.5, OMIT), (-1.5, -0.5), (2, 3))
        if d.kind == "int":
            pairs = ((2, 3), (0, 2), (3, OMIT), (2, 3) if d.dtype == "u8" else (-1, -2))
        beta, alpha = d.choose((OMIT, OMIT), *pairs)
        tensors = {name: d.tensor(dims) for name, dims in zip(names.split(), (first, second), strict=True)}
        return {"self": d.tensor(d.broadcast(addend)), **tensors, "beta": beta, "alpha": alpha}

    return inputs


def linear_inputs(d: Draw) -> Mapping[str, Any]:
    """A vector, matrix or batch, a weight of shape [out, in], and a bias, which may be None or left out."""
    lead = d.choose(("n",), (), ("b", "n"), ("a", "b", "n"))
    declare(d, lead, ("k", "m"), high=5)
    bias = d.choose(OMIT, None, "bias")
    return {
        "input": d.tensor((*lead, "k")),
        "weight": d.tensor(("m", "k")),
        "bias": d.tensor(("m",)) if bias == "bias" else bias,
    }


def einsum_inputs(d: Draw) -> Mapping[str, Any]:
    """An equation with one to three operands: products, traces, transposes, sums, an ellipsis, implicit output."""
    equation = d.choose(*EQUATIONS)
    shapes = EQUATIONS[equation]
    declare(d, *shapes, high=4)
    path = d.choose(OMIT, None, (0, 1, 0, 1)) if len(shapes) == 3 else OMIT  # which pair to contract next
    return {"equation": equation, "tensors": tuple(d.tensor(dims) for dims in shapes), "path": path}


def tensordot_inputs(d: Draw) -> Mapping[str, Any]:
    """Two tensors contracted over none, one, two or all dims, given in any order and counted from either end."""
    dims_self, dims_other = d.choose(
        ((1,), (0,)), ((), ()), ((-1, 1), (0, -2)), ((1, 2), (1, 0)), ((0,), (0,)), ((0, 1), (-1, 0))
    )
    shared, whole = ("k", "l")[: len(dims_self)], 0 in dims_self
    first: list[Any] = [2] * len(shared) if whole else ["n", 2, 2]
    other: list[Any] = [2] * len(shared) if whole else [2, 2, "m"]
    declare(d, shared if whole else ("n", "m", *shared), high=4)
    for name, i, j in zip(shared, dims_self, dims_other, strict=True):
        first[i], other[j] = name, name
    return {
        "self": d.tensor(tuple(first)),
        "other": d.tensor(tuple(other)),
        "dims_self": dims_self,
        "dims_other": dims_other,
    }


def inner_inputs(d: Draw) -> Mapping[str, Any]:
    """Two tensors whose last dims are summed; one of them may be a scalar."""
    first = d.choose(("n", "k"), ("k",), ("a", "n", "k"))
    second = d.choose(("m", "k"), ("k",), ())
    declare(d, first, second, high=4)
    return {"self": d.tensor(first), "other": d.tensor(second)}


P = (2.0, 1.0, float("inf"), 3.0, 0.0, 0.5)
DISTANCE = Composite((ROUNDED, libm("pow"), Linear(("m",)), libm("pow")))
"""Differences, their powers, the sum of these, its root."""
ROWS = (
    (("p", "m"), ("r", "m")),
    (("b", "p", "m"), ("b", "r", "m")),
    (("a", "b", "p", "m"), ("a", "b", "r", "m")),
    (("a", 1, "p", "m"), ("b", "r", "m")),
    (("p", "m"), ("b", "r", "m")),
    (("b", "p", "m"), (1, "r", "m")),
)


def rows(p: float) -> Fill:
    """The fill of rows, by the order of the norm.

    For order 0, which counts differences that are not zero, some elements coincide. NaN and infinities are drawn unless
    the order is 0 or infinite: there their norm is not defined.
    """
    return Fill(reach="unit", step=0.5 if p == 0.0 else None, nonfinite=p not in (0.0, float("inf")))


def cdist_inputs(*, defaults: bool) -> Inputs:
    """Two batches of rows that broadcast, the order of the norm, and the mode of computation.

    Unless the mode is 2, the norm of order 2 may be computed by a product, which cancels where rows are close. There
    the elements of the two batches keep apart.
    """

    def inputs(d: Draw) -> Mapping[str, Any]:
        first, second = d.choose(*ROWS)
        declare(d, first, second, high=4)
        p, mode = d.choose(*P), d.choose(None, 1, 2, 0)
        product = p == 2.0 and mode != 2
        fills = (
            (Fill(low=1, high=3, nonfinite=False), Fill(low=-3, high=-1, nonfinite=False))
            if product
            else (rows(p),) * 2
        )
        return {
            "x1": d.tensor(first, fill=fills[0]),
            "x2": d.tensor(second, fill=fills[1]),
            "p": d.choose(p, OMIT) if defaults and p == 2.0 else p,
            "compute_mode": d.choose(None, OMIT) if defaults and mode is None else mode,
        }

    return inputs


def pdist_inputs(d: Draw) -> Mapping[str, Any]:
    """The rows of one matrix and the order of the norm."""
    p = d.choose(*P)
    dims: Dims = (d.size("n", high=5), d.size("m", high=4))
    return {"self": d.tensor(dims, fill=rows(p)), "p": d.choose(p, OMIT) if p == 2.0 else p}


MM = product_inputs(("n", "k"), ("k", "m"), "self mat2")

NAN_IN_A_ROW = example(
    x1=tensor([[NAN, -2.0], [1.0, 4.0]]), x2=tensor([[0.5, 2.0], [3.0, -1.0]]), p=2.0, compute_mode=1
)
"""Each distance from the first row is NaN. The frontend decomposes one of the modes alone."""

CASES = (
    OpCase(op="aten.mm.default", inputs=MM, dtypes=NUMBER, numeric=SUM_K),
    OpCase(
        op="aten.bmm.default",
        inputs=product_inputs(("b", "n", "k"), ("b", "k", "m"), "self mat2"),
        dtypes=NUMBER,
        numeric=SUM_K,
    ),
    OpCase(op="aten.matmul.default", inputs=matmul_inputs, dtypes=NUMBER, numeric=SUM_K),
    OpCase(op="aten.linear.default", inputs=linear_inputs, dtypes=NUMBER, numeric=SUM_K),
    OpCase(
        op="aten.addmm.default",
        inputs=added_inputs(("n", "m"), ("n", "k"), ("k", "m"), "mat1 mat2"),
        dtypes=NUMBER,
        numeric=SUM_K,
    ),
    OpCase(
        op="aten.baddbmm.default",
        inputs=added_inputs(("b", "n", "m"), ("b", "n", "k"), ("b", "k", "m"), "batch1 batch2"),
        dtypes=NUMBER,
        numeric=SUM_K,
    ),
    OpCase(
        op="aten.addbmm.default",
        inputs=added_inputs(("n", "m"), ("b", "n", "k"), ("b", "k", "m"), "batch1 batch2"),
        dtypes=NUMBER,
        numeric=Linear(("b", "k")),
    ),
    OpCase(
        op="aten.addmv.default",
        inputs=added_inputs(("n",), ("n", "k"), ("k",), "mat vec"),
        dtypes=NUMBER,
        numeric=SUM_K,
    ),
    OpCase(
        op="aten.addr.default",
        inputs=added_inputs(("n", "m"), ("n",), ("m",), "vec1 vec2"),
        dtypes=NUMBER,
        numeric=Linear((2,)),
    ),
    OpCase(op="aten.mv.default", inputs=product_inputs(("n", "k"), ("k",), "self vec"), dtypes=NUMBER, numeric=SUM_K),
    OpCase(op="aten.dot.default", inputs=product_inputs(("k",), ("k",), "self tensor"), dtypes=NUMBER, numeric=SUM_K),
    OpCase(op="aten.vdot.default", inputs=product_inputs(("k",), ("k",), "self other"), dtypes=NUMBER, numeric=SUM_K),
    OpCase(op="aten.inner.default", inputs=inner_inputs, dtypes=NUMBER, numeric=SUM_K),
    OpCase(op="aten.outer.default", inputs=product_inputs(("n",), ("m",), "self vec2"), dtypes=EVERY, numeric=Ulp(4)),
    OpCase(op="aten.tensordot.default", inputs=tensordot_inputs, dtypes=NUMBER, numeric=Linear(("k", "l"))),
    OpCase(op="aten.einsum.default", inputs=einsum_inputs, dtypes=NUMBER, numeric=Linear(("k", "l"))),
    OpCase(
        op="aten.cdist.default",
        inputs=cdist_inputs(defaults=True),
        dtypes=("f32", "f64"),
        numeric=DISTANCE,
        examples=(NAN_IN_A_ROW,),
    ),
    OpCase(
        op="aten._cdist_forward.default", inputs=cdist_inputs(defaults=False), dtypes=("f32", "f64"), numeric=DISTANCE
    ),
    OpCase(op="aten.pdist.default", inputs=pdist_inputs, dtypes=("f32", "f64"), numeric=DISTANCE),
    OpCase(
        op="aten._pdist_forward.default",
        inputs=pdist_inputs,
        dtypes=("f32", "f64"),
        numeric=DISTANCE,
        untried=row_major("eager asks for an input that is row-major"),
    ),
)
