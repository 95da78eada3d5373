"""Comparisons and predicates: booleans out, with ties among the elements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.case import OMIT, Draw, OpCase
from harness.dtypes import ALL, EVERY
from harness.numeric import EXACT
from harness.sample import Fill
from harness.strategies import compare, unary

TIES = Fill(step=0.5)


def scalar_inputs(d: Draw) -> Mapping[str, Any]:
    """A tensor with ties and a scalar among them; an integer tensor and a float between two integers too."""
    fits = {"bool": (True, False, 0.5), "int": (1, 0, 0.5) if d.dtype == "u8" else (1, 0, -3, 0.5)}
    other = d.choose(*fits.get(d.kind, (0.5, 0.0, -1.0, 2)))
    return {"self": d.tensor(d.shape(), fill=TIES), "other": other}


def isclose_inputs(d: Draw) -> Mapping[str, Any]:
    """Two tensors whose differences are multiples of a half, and tolerances that are far from these."""
    dims = d.shape()
    fill = Fill(low=-8, high=8, step=0.5)
    return {
        "self": d.tensor(dims, fill=fill),
        "other": d.tensor(d.broadcast(dims), fill=fill),
        "rtol": d.choose(OMIT, 0.0, 1e-3),
        "atol": d.choose(OMIT, 0.25, 1.25),
        "equal_nan": d.choose(OMIT, True),
    }


def comparison(op: str, dtypes: tuple[str, ...]) -> tuple[OpCase, OpCase]:
    """A comparison of two tensors, and of a tensor and a scalar."""
    return (
        compare(f"aten.{op}.Tensor", dtypes=dtypes),
        OpCase(op=f"aten.{op}.Scalar", inputs=scalar_inputs, dtypes=dtypes),
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
)
