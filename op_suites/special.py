"""Special functions: Bessel, Airy, gamma, error and related functions, and the orthogonal polynomials."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from harness.cases.case import Draw, Inputs, OpCase
from harness.cases.dtypes import ALL, BOOL, FLOAT, INT, REAL
from harness.cases.libm import libm
from harness.cases.numeric import Composite, Numeric, Stated, Tail, Ulp
from harness.cases.sample import Fill, TensorSpec
from harness.cases.strategies import MOSTLY_ZERO, binary_inputs, unary

SPECIAL = Composite((Stated(16, "series, recurrences and rational functions by pieces, each implementation's own"),))
"""Series and recurrences. The conditioning, which is measured, covers the zeros of oscillating functions too."""
NORMAL = Tail(libm("erf").n + 2)
"""An erf is added to 1, then halved: far left its error is as large as at the right, in eager too."""
NO_HALF = ("f32", "f64", *INT, *BOOL)
POLE = {"bool": "False is a pole, so that half of the results are infinite"}
ORDERS = tuple(float(n) for n in range(1, 10))


def inside(d: Draw, low: float, high: float, *, nonfinite: bool = True) -> Fill:
    """Elements in [low, high], integers no less than `low` either."""
    return Fill(low=math.ceil(low) if d.kind == "int" else low, high=high, nonfinite=nonfinite)


def within(low: float, high: float, *, name: str = "self") -> Inputs:
    """One tensor of any rank with elements in [low, high]."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        return {name: d.tensor(d.shape(), fill=inside(d, low, high))}

    return inputs


def pair_inputs(first: tuple[float, float], second: tuple[float, float]) -> Inputs:
    """Two tensors that broadcast, the elements of each in a range of its own."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        dims = d.shape()
        a, b = d.pair(dims)
        return {"self": d.tensor(a, fill=inside(d, *first)), "other": d.tensor(b, fill=inside(d, *second))}

    return inputs


def ordered_inputs(low: float, high: float, *orders: int) -> Inputs:
    """A tensor with elements in [low, high] and an integer: an order or a dimension."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        name = "p" if orders[0] else "n"
        return {"self": d.tensor(d.shape(), fill=inside(d, low, high)), name: d.choose(*orders)}

    return inputs


def degree(d: Draw, dims: tuple[Any, ...]) -> TensorSpec:
    """Degrees as integers, maybe negative, or as floats, which the op rounds toward zero.

    The floats keep away from integers: else the perturbed inputs of the float64 reference would have another degree.
    """
    if d.kind == "float" and d.flag():
        return d.tensor(dims, fill=Fill(low=0.25, high=9.75, avoid=ORDERS, margin=0.25, nonfinite=False))
    return d.tensor(dims, "i64" if d.kind == "float" else None, Fill(low=-1, high=9))


def polynomial_inputs(low: float, high: float) -> Inputs:
    """Arguments in [low, high] and degrees that broadcast, either one the larger."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        dims = d.shape()
        a, b = d.pair(dims)
        return {"x": d.tensor(a, fill=inside(d, low, high, nonfinite=False)), "n": degree(d, b)}

    return inputs


def special(
    op: str,
    low: float,
    high: float,
    *,
    name: str = "self",
    dtypes: tuple[str, ...] = NO_HALF,
    numeric: Numeric = SPECIAL,
    **more: Any,
) -> OpCase:
    """A special function of one tensor, on an interval of its domain."""
    return OpCase(op=f"aten.{op}.default", inputs=within(low, high, name=name), dtypes=dtypes, numeric=numeric, **more)


def polynomial(op: str, low: float, high: float) -> OpCase:
    """An orthogonal polynomial, inside its interval and somewhat beyond.

    Never at NaN: eager's recurrence then ends before it starts and returns uninitialized memory.
    """
    return OpCase(
        op=f"aten.special_{op}.default",
        inputs=polynomial_inputs(low, high),
        dtypes=NO_HALF,
        numeric=SPECIAL,
        values=("mixed", "extreme"),
    )


CASES = (
    special("i0", -11.0, 11.0, dtypes=ALL),
    special("special_i0e", -50.0, 50.0, dtypes=ALL),
    special("special_i1", -11.0, 11.0, dtypes=ALL),
    special("special_i1e", -50.0, 50.0, dtypes=ALL),
    special("special_bessel_j0", -30.0, 30.0),
    special("special_bessel_j1", -30.0, 30.0),
    special("special_bessel_y0", 0.0, 50.0),
    special("special_bessel_y1", 0.0, 50.0),
    special("special_modified_bessel_i0", -20.0, 20.0),
    special("special_modified_bessel_i1", -20.0, 20.0),
    special("special_modified_bessel_k0", 0.0, 40.0),
    special("special_modified_bessel_k1", 0.0, 40.0),
    special("special_scaled_modified_bessel_k0", 0.0, 60.0, name="x"),
    special("special_scaled_modified_bessel_k1", 0.0, 60.0, name="x"),
    special("special_spherical_bessel_j0", -30.0, 30.0, name="x"),
    special("special_airy_ai", -20.0, 8.0, name="x"),
    special("special_erfcx", -8.0, 50.0),
    special("special_ndtr", -8.0, 8.0, dtypes=ALL, numeric=NORMAL),
    special("special_log_ndtr", -30.0, 30.0),
    special("special_ndtri", 0.0, 1.0),
    unary("aten.special_entr.default", numeric=Composite((libm("log"), Ulp(1)))),
    OpCase(
        op="aten.special_xlog1py.default",
        inputs=binary_inputs(MOSTLY_ZERO, Fill(low=-0.9375)),
        numeric=Ulp(8),
    ),
    OpCase(
        op="aten.special_zeta.default",
        inputs=pair_inputs((1.25, 20.0), (0.25, 20.0)),
        dtypes=("f32", "f64", *INT),
        numeric=SPECIAL,
        exclude={"bool": "the first argument is then no more than 1, where zeta is infinite or NaN"},
    ),
    OpCase(op="aten.igamma.default", inputs=pair_inputs((0.25, 20.0), (0.0, 20.0)), dtypes=FLOAT, numeric=SPECIAL),
    OpCase(op="aten.igammac.default", inputs=pair_inputs((0.25, 20.0), (0.0, 20.0)), dtypes=FLOAT, numeric=SPECIAL),
    OpCase(op="aten.mvlgamma.default", inputs=ordered_inputs(1.75, 20.0, 1, 2, 3), dtypes=REAL, numeric=SPECIAL),
    *(
        OpCase(
            op=f"aten.{op}.default",
            inputs=ordered_inputs(0.25, 20.0, 0, 1, 2, 3),
            dtypes=REAL,
            numeric=SPECIAL,
            exclude=POLE,
        )
        for op in ("polygamma", "special_polygamma")
    ),
    *(polynomial(f"chebyshev_polynomial_{kind}", -1.5, 1.5) for kind in "tuvw"),
    *(polynomial(f"shifted_chebyshev_polynomial_{kind}", -0.25, 1.25) for kind in "tuvw"),
    polynomial("hermite_polynomial_h", -4.0, 4.0),
    polynomial("hermite_polynomial_he", -4.0, 4.0),
    polynomial("laguerre_polynomial_l", -1.0, 8.0),
    polynomial("legendre_polynomial_p", -1.25, 1.25),
)
