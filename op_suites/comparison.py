"""Comparisons and predicates: booleans out, with ties among the elements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.cases.case import OMIT, Draw, OpCase
from harness.cases.dtypes import ALL, EVERY, REAL
from harness.cases.explicit import example, tensor
from harness.cases.numeric import EXACT
from harness.cases.sample import Fill
from harness.cases.strategies import compare, row_major, unary

from .elementwise import python_scalar

TIES = Fill(step=0.5)


def scalar_inputs(d: Draw) -> Mapping[str, Any]:
    """A tensor, and a scalar of any kind that may equal some of its elements."""
    other = python_scalar(d, floats=(0.5, 0.0, -1.0), ints=(1, 0, -3))
    return {"self": d.tensor(d.shape(), fill=TIES), "other": other}


def isin_inputs(d: Draw) -> Mapping[str, Any]:
    """Elements to look up, and those among which to look; each tensor is distinct where `assume_unique` says so."""
    unique = d.flag()
    fill = Fill(kind="distinct") if unique else Fill(low=-4, high=4, step=1)
    dims = d.shape(max_rank=3 if unique else 5)  # an 8-bit dtype has no more distinct elements
    return {
        "elements": d.tensor(dims, fill=fill),
        "test_elements": d.tensor(d.shape(max_rank=2, prefix="t"), fill=fill),
        "assume_unique": True if unique else d.choose(OMIT, False),
        "invert": d.choose(OMIT, True),
    }


def isclose_inputs(d: Draw) -> Mapping[str, Any]:
    """Two tensors whose differences are multiples of a half, and tolerances away from such multiples."""
    a, b = d.pair(d.shape())
    fill = Fill(low=-8, high=8, step=0.5)
    return {
        "self": d.tensor(a, fill=fill),
        "other": d.tensor(b, fill=fill),
        "rtol": d.choose(OMIT, 0.0, 1e-3),
        "atol": d.choose(OMIT, 0.25, 1.25),
        "equal_nan": d.choose(OMIT, True),
    }


AROUND = tensor([-0.5, 0.0, 0.5, 1.0, 1.5], dims=("n",))
NEAR = (example(self=AROUND, other=0.5), example(self=AROUND, other=1))
"""Each scalar equals one element and has others on both sides: a wrong scalar shows, and so does < in place of <=."""


def comparison(op: str, dtypes: tuple[str, ...]) -> tuple[OpCase, OpCase]:
    """A comparison of two tensors, and of a tensor and a scalar."""
    return (
        compare(f"aten.{op}.Tensor", dtypes=dtypes),
        OpCase(op=f"aten.{op}.Scalar", inputs=scalar_inputs, dtypes=dtypes, examples=NEAR),
    )


CASES = (
    *comparison("eq", EVERY),
    *comparison("ne", EVERY),
    *comparison("lt", ALL),
    *comparison("le", ALL),
    *comparison("gt", ALL),
    *comparison("ge", ALL),
    unary("aten.isnan.default", dtypes=EVERY, numeric=EXACT),
    unary("aten.isinf.default", dtypes=EVERY, numeric=EXACT),
    unary("aten.isfinite.default", dtypes=EVERY, numeric=EXACT),
    unary("aten.isposinf.default", numeric=EXACT),
    unary("aten.isneginf.default", numeric=EXACT),
    unary("aten.signbit.default", numeric=EXACT),
    unary("aten.logical_not.default", dtypes=EVERY, numeric=EXACT),
    OpCase(op="aten.isclose.default", inputs=isclose_inputs, dtypes=EVERY),
    unary("aten.isreal.default", dtypes=EVERY, numeric=EXACT),
    OpCase(
        op="aten.isin.Tensor_Tensor",
        inputs=isin_inputs,
        dtypes=REAL,
        untried=row_major("its kernel views them, so that eager refuses some sizes", "test_elements"),
    ),
)
