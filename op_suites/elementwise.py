"""Elementwise arithmetic: one tensor, two tensors that broadcast, a tensor and a scalar, and a few of three tensors."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from harness.cases.case import OMIT, Draw, Inputs, OpCase
from harness.cases.dtypes import ALL, BOOL, COMPLEX, DTYPES, EVERY, FLOAT, INT, REAL, UNSIGNED
from harness.cases.explicit import INF, example, tensor
from harness.cases.libm import libm
from harness.cases.numeric import EXACT, ROUNDED, Composite, Numeric, Stated, Ulp
from harness.cases.sample import Fill
from harness.cases.strategies import ANY, MOSTLY_ZERO, TRUTHS, binary, unary

SIGNED = (*FLOAT, "i8", "i16", "i32", "i64")
BOUND = Fill(low=-2, high=3)
PERIODIC = Fill(low=-1e4, high=1e4)
SHIFTED = Composite((libm("exp"),))
"""An exponential whose argument an implementation may shift first, which adds a roundoff of the argument."""
FUSED = Composite((Ulp(4),))
"""A product or a quotient, a factor and a sum; each part of a complex product is a sum of two."""
ADDED = Composite((Ulp(2), libm("exp"), libm("log1p"), Ulp(2)))
"""The larger operand, plus the log1p of an exponential; to base 2, with a factor before and after."""
GAMMA = Composite((Stated(16, "series, recurrence and reflection by pieces, each libm's own; glibc states 7 ulp"),))
QUARTERS = Fill(low=-8, high=8, step=0.25)
"""Their quotients are integers, or farther from one than any dtype's roundoff: no floor can fall on the wrong side."""

BITS: Mapping[str, Any] = {"floats": (), "ints": (6, 1, -3, 0), "limits": (), "dtypes": INT + BOOL}
"""Scalars for operations on bits."""
UNCANCELLED = Fill(avoid=(-0.5,), margin=0.75)
"""Outside of (-1.25, 0.25), where the larger operand and the logarithm that is added to it cancel."""
NO_PRIMS = dict.fromkeys(INT + BOOL, "prims promote nothing: export keeps the dtype, of which eager makes f32")
NONFINITE = (math.inf, -math.inf, math.nan)


def python_scalar(
    d: Draw,
    *,
    floats: Sequence[float] = (2.0, 0.5, -1.5, 0.0),
    ints: Sequence[int] = (2, 1, -3, 0),
    flags: Sequence[bool] = (True, False),
    limits: Sequence[float] = NONFINITE,
) -> Any:
    """A Python scalar: mostly of the cell's kind, else of another kind, which promotes it or the tensor, or a limit."""
    whole = tuple(i for i in ints if d.dtype != "u8" or i >= 0)
    own: tuple[Any, ...] = (*floats,)
    other: tuple[Any, ...] = (*whole, *flags)
    if d.kind == "int":
        own, other = whole, (*floats, *flags)
    elif d.kind == "bool":
        own, other = (*flags,) or whole, (*whole, *floats)
    rare = tuple(limits) if d.kind != "complex" else ()  # implementations differ in complex overflow and NaN
    return d.choose(*d.choose(own, own, own, own, own, other or own, other or own, rare or own))


def with_scalar(
    op: str,
    *,
    fill: Fill = ANY,
    name: str = "other",
    dtypes: tuple[str, ...] = ALL,
    numeric: Numeric = EXACT,
    **scalars: Sequence[Any],
) -> OpCase:
    """An elementwise op of a tensor and a Python scalar of any kind."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        return {"self": d.tensor(d.shape(), fill=fill), name: python_scalar(d, **scalars)}

    return OpCase(op=op, inputs=inputs, dtypes=dtypes, numeric=numeric)


def alpha(d: Draw) -> Any:
    """A factor, or left out: its products are exact or rounded, and it is negative for unsigned numbers, which wrap."""
    factors = {"bool": (), "int": (-3, 2)}.get(d.kind, (2.0, 0.5, -3.125, 0.0))
    return d.choose(OMIT, *(factors[:1] if d.dtype in UNSIGNED else factors))


def promoted_inputs(*, with_alpha: bool = False) -> Inputs:
    """Two tensors that broadcast; one of them may have another dtype."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        dims = d.shape()
        pair = d.choose("alike", "alike", "other", "self")
        other = "i32" if d.kind in ("float", "complex") else "f32" if d.kind == "int" else "i64"
        a, b = d.pair(dims)
        specs = {"self": d.tensor(a), "other": d.tensor(b)}
        if pair != "alike":
            specs = {name: replace(spec, fill=replace(spec.fill, low=-9, high=9)) for name, spec in specs.items()}
            specs[pair] = replace(specs[pair], dtype=other)
        return {**specs, "alpha": alpha(d)} if with_alpha else specs

    return inputs


def scalar_alpha_inputs(**scalars: Sequence[Any]) -> Inputs:
    """A tensor, a scalar of any kind and `alpha`."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        return {"self": d.tensor(d.shape()), "other": python_scalar(d, **scalars), "alpha": alpha(d)}

    return inputs


def divisor(d: Draw) -> tuple[Fill, Fill]:
    """Fills of a dividend and a divisor, which is never 0, nor -1, by which the least integer cannot be divided."""
    if d.kind == "int":
        return ANY, Fill(avoid=(-1, 0))
    return QUARTERS, replace(QUARTERS, avoid=(0.0,), margin=0.25)


def quotient_inputs(*, mode: bool = False) -> Inputs:
    """A dividend and a divisor that broadcast, and maybe a `rounding_mode`."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        dims = d.shape()
        a, b = d.pair(dims)
        dividend, by = divisor(d)
        specs = {"self": d.tensor(a, fill=dividend), "other": d.tensor(b, fill=by)}
        return {**specs, "rounding_mode": d.choose("floor", "trunc", None)} if mode else specs

    return inputs


def scalar_quotient_inputs(*, mode: bool = False) -> Inputs:
    """A dividend, a scalar divisor of its kind or another, and maybe a `rounding_mode`."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        flags = () if d.kind == "bool" else (True,)  # eager divides no bool by a bool
        by = python_scalar(d, floats=(2.0, 0.75, -1.5), ints=(2, 7, -3), flags=flags, limits=())
        fill = ANY if d.kind != "float" and isinstance(by, int) else QUARTERS
        args = {"self": d.tensor(d.shape(), fill=fill), "other": by}
        return {**args, "rounding_mode": d.choose("floor", "trunc", None)} if mode else args

    return inputs


def pow_inputs(least: int) -> Inputs:
    """Bases and exponents that broadcast: any exponent of positive bases, integral ones of negative bases.

    `least` is the least exponent of integer bases.
    """

    def inputs(d: Draw) -> Mapping[str, Any]:
        a, b = d.pair(d.shape())
        positive = d.flag()
        if d.kind in ("int", "bool"):
            base, exponent = ANY, Fill(low=least, high=5)
        elif positive or d.kind == "complex":
            base, exponent = Fill(low=0.25, high=16), Fill(low=-3, high=3)
        else:
            base, exponent = Fill(avoid=(0.0,), margin=0.25), Fill(low=-3, high=3, step=1)
        return {"self": d.tensor(a, fill=base), "exponent": d.tensor(b, fill=exponent)}

    return inputs


def pow_scalar_inputs(d: Draw) -> Mapping[str, Any]:
    """Bases and a scalar exponent. Negative bases have integral exponents only, and integer bases no negative ones."""
    dims = d.shape()
    if d.kind in ("int", "bool"):
        exponent = d.choose(2, 3, 0, 1, True, 2.0, 0.5)
        return {"self": d.tensor(dims, fill=Fill(low=0) if exponent == 0.5 else ANY), "exponent": exponent}
    limits = () if d.kind == "complex" else (math.inf, -math.inf)
    exponent = d.choose(2.0, 3, 0.5, -1.5, 0.0, -1, 2.5, True, *limits)
    fill = ANY if float(exponent).is_integer() else Fill(low=0.0)
    if d.kind == "complex":
        fill = Fill(reach="unit", low=0.25, high=4, nonfinite=False)
    return {"self": d.tensor(dims, fill=fill), "exponent": exponent}


def scalar_pow_inputs(d: Draw) -> Mapping[str, Any]:
    """A scalar base of any kind and exponents."""
    base = python_scalar(d, floats=(2.0, 0.5, 1.0), ints=(2, 3, 0), flags=(True,), limits=(math.inf,))
    fill = Fill(low=0, high=5) if d.kind in ("int", "bool") else Fill(low=-8, high=8)
    return {"self": base, "exponent": d.tensor(d.shape(), fill=fill)}


def shift_inputs(d: Draw) -> Mapping[str, Any]:
    """Integers and shifts below their width."""
    a, b = d.pair(d.shape())
    by = Fill(low=0, high=DTYPES[d.dtype].bits - 1)
    return {"self": d.tensor(a), "other": d.tensor(b, fill=by)}


def where_inputs(d: Draw) -> Mapping[str, Any]:
    """A condition and two tensors, any of which may broadcast."""
    dims = d.shape()
    shapes = d.choose((dims, dims, dims), (d.broadcast(dims), dims, dims), (dims, d.broadcast(dims), d.broadcast(dims)))
    return {"condition": d.tensor(shapes[0], "bool"), "self": d.tensor(shapes[1]), "other": d.tensor(shapes[2])}


def where_scalar_inputs(*names: str) -> Inputs:
    """A condition, `self` and `other`, each a scalar of any kind if in `names`, else a tensor that may broadcast."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        dims = d.shape()
        a, b = d.pair(dims)
        args = {"condition": d.tensor(a, "bool")}
        return args | {n: python_scalar(d) if n in names else d.tensor(b) for n in ("self", "other")}

    return inputs


def clamp_inputs(d: Draw) -> Mapping[str, Any]:
    """A tensor and scalar bounds of any kind; one may be left out or infinite, or the lower one may be the larger."""
    low, high = d.choose((-1.0, 1.5), (None, 0.5), (0.0, None), (2.0, -1.0), (0, 2), (-math.inf, 1.0))
    if d.kind == "int":
        low, high = d.choose((1, 7), (None, 3), (2, None), (5, 2), (0.5, 2.5), (False, 9))
    return {"self": d.tensor(d.shape()), "min": low, "max": high}


def clamp_tensor_inputs(d: Draw) -> Mapping[str, Any]:
    """A tensor and bounds that broadcast with it; one may be left out."""
    dims = d.shape()
    low, high = (d.tensor(d.broadcast(dims), fill=Fill(low=-2, high=3, nonfinite=False)) for _ in range(2))
    given = d.choose("both", "min", "max")
    return {"self": d.tensor(dims), "min": low if given != "max" else OMIT, "max": high if given != "min" else OMIT}


def with_tensor_inputs(name: str, fill: Fill = ANY) -> Inputs:
    """A tensor and another one, the argument of this name, that broadcast."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        dims = d.shape()
        a, b = d.pair(dims)
        return {"self": d.tensor(a), name: d.tensor(b, fill=fill)}

    return inputs


def bound_scalar_inputs(name: str) -> Inputs:
    """A tensor and one scalar bound of any kind, maybe NaN, which then is the result."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        flags = () if d.kind == "bool" else (True,)  # eager bounds no bool by a bool
        return {"self": d.tensor(d.shape()), name: python_scalar(d, floats=(0.5, -1.0), ints=(1, 3, -2), flags=flags)}

    return inputs


def fused_inputs(divide: bool) -> Inputs:
    """`self + value * tensor1 * tensor2` or `/ tensor2`, all three broadcasting."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        dims = d.shape()
        by = Fill(reach="unit", avoid=(0.0,), margin=0.25) if divide else None
        return {
            "self": d.tensor(d.broadcast(dims)),
            "tensor1": d.tensor(dims),
            "tensor2": d.tensor(d.broadcast(dims), fill=by),
            "value": OMIT if d.kind == "bool" else d.maybe(d.scalar(0.5, -1.5, 0.0)),
        }

    return inputs


HALFWAY = example(
    self=tensor([INF, 1.0, -INF], dims=("n",)), end=tensor([1.0, 3.0, 1.0], dims=("n",)), weight=tensor(0.5)
)
"""With a weight of one half eager reckons from the end; reckoned from an infinite start, the result would be NaN."""


QUOTIENTS = example(self=tensor([-3.5, -0.5, 0.5, 3.5], dims=("n",)), other=2.0, rounding_mode="trunc")
"""Rounded towards 0 from either side."""
TIES = example(self=tensor([-1.5, -0.5, 0.5, 1.5, 2.5], dims=("n",)), decimals=0)
"""Halfway between two numbers, each rounded to the even one."""
CHOICE = example(
    "f32", condition=tensor([True, False], "bool", dims=("n",)), self=tensor([2.0, 3.0], dims=("n",)), other=1
)
"""One element of each side."""


def lerp_inputs(scalar: bool) -> Inputs:
    """Two ends and a weight, inside and outside of [0, 1], which broadcasts or is a scalar."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        dims = d.shape()
        weight = d.choose(0.25, 0.75, -1.5, 0.0, 1.0) if scalar else d.tensor(d.broadcast(dims))
        a, b = d.pair(dims)
        return {"self": d.tensor(a), "end": d.tensor(b), "weight": weight}

    return inputs


def nan_to_num_inputs(d: Draw) -> Mapping[str, Any]:
    """A tensor and the numbers that replace NaN and the infinities."""
    nan, posinf, neginf = d.maybe(2.5), d.maybe(100.0), d.maybe(-7.0)
    return {"self": d.tensor(d.shape()), "nan": nan, "posinf": posinf, "neginf": neginf}


def ldexp_inputs(d: Draw) -> Mapping[str, Any]:
    """Any numbers and integral exponents of two, of one dtype or another, that broadcast."""
    a, b = d.pair(d.shape())
    exponent = d.tensor(b, d.choose("i32", "i64", "f32"), Fill(low=-9, high=9, step=1))
    return {"self": d.tensor(a), "other": exponent}


def logit_inputs(d: Draw) -> Mapping[str, Any]:
    """Probabilities; with `eps`, which clamps them away from 0 and 1, numbers outside of [0, 1] too."""
    eps = d.choose(OMIT, 0.125, 0.03125)
    fill = Fill(low=0.0, high=1.0) if eps is OMIT else Fill(low=-0.5, high=1.5)
    return {"self": d.tensor(d.shape(), fill=fill), "eps": eps}


def polar_inputs(d: Draw) -> Mapping[str, Any]:
    """Radii and angles that broadcast."""
    a, b = d.pair(d.shape())
    return {"abs": d.tensor(a, fill=Fill(low=0.0)), "angle": d.tensor(b, fill=PERIODIC)}


def round_inputs(d: Draw) -> Mapping[str, Any]:
    """Multiples of a quarter, ties among them, whose products with powers of ten are exact.

    Where the power is 0.1, which is rounded, no element is close to a tie.
    """
    decimals = d.choose(1, 0, 2, -1)
    edges = Fill(avoid=(-5.0, 5.0), margin=0.25) if decimals < 0 else ANY
    return {"self": d.tensor(d.shape(), fill=replace(edges, low=-8, high=8, step=0.25)), "decimals": decimals}


def gamma_inputs(d: Draw) -> Mapping[str, Any]:
    """Positive numbers, or numbers of both signs away from the poles at 0, -1, -2 ..."""
    poles = tuple(float(-i) for i in range(9))
    both = d.kind == "float" and d.flag()
    fill = Fill(low=-7.5, high=40.0, avoid=poles, margin=0.125) if both else Fill(low=0.125)
    return {"self": d.tensor(d.shape(), fill=fill)}


EXCLUDED: Mapping[str, str] = {
    "aten.atan2.out": "it writes to an argument; its functional form aten.atan2.default is covered",
}

CASES = (
    OpCase(op="aten.add.Tensor", inputs=promoted_inputs(with_alpha=True), dtypes=EVERY, numeric=FUSED),
    OpCase(op="aten.sub.Tensor", inputs=promoted_inputs(with_alpha=True), dtypes=REAL + COMPLEX, numeric=FUSED),
    OpCase(op="aten.subtract.Tensor", inputs=promoted_inputs(with_alpha=True), dtypes=REAL + COMPLEX, numeric=FUSED),
    OpCase(op="aten.rsub.Tensor", inputs=promoted_inputs(with_alpha=True), dtypes=REAL + COMPLEX, numeric=FUSED),
    OpCase(op="aten.mul.Tensor", inputs=promoted_inputs(), dtypes=EVERY, numeric=Ulp(4)),
    binary("aten.div.Tensor", dtypes=EVERY, numeric=Ulp(4)),
    binary("aten.divide.Tensor", dtypes=EVERY, numeric=Ulp(4)),
    binary("aten.true_divide.Tensor", dtypes=EVERY, numeric=Ulp(4)),
    OpCase(op="aten.add.Scalar", inputs=scalar_alpha_inputs(), dtypes=EVERY, numeric=FUSED),
    OpCase(op="aten.sub.Scalar", inputs=scalar_alpha_inputs(flags=()), dtypes=REAL + COMPLEX, numeric=FUSED),
    OpCase(op="aten.rsub.Scalar", inputs=scalar_alpha_inputs(flags=()), dtypes=REAL + COMPLEX, numeric=FUSED),
    with_scalar("aten.mul.Scalar", dtypes=EVERY, numeric=Ulp(2)),
    with_scalar("aten.div.Scalar", floats=(2.0, 0.75, -1.5, 0.0), dtypes=EVERY, numeric=Ulp(4)),
    OpCase(op="aten.div.Tensor_mode", inputs=quotient_inputs(mode=True), dtypes=REAL, numeric=Ulp(4)),
    OpCase(
        op="aten.div.Scalar_mode",
        inputs=scalar_quotient_inputs(mode=True),
        dtypes=REAL,
        numeric=Ulp(4),
        examples=(QUOTIENTS,),
    ),
    OpCase(op="aten.floor_divide.default", inputs=quotient_inputs(), dtypes=REAL),
    OpCase(op="aten.floor_divide.Scalar", inputs=scalar_quotient_inputs(), dtypes=ALL),
    OpCase(op="aten.remainder.Tensor", inputs=quotient_inputs(), dtypes=REAL),
    OpCase(op="aten.remainder.Scalar", inputs=scalar_quotient_inputs(), dtypes=REAL),
    OpCase(op="aten.fmod.Tensor", inputs=quotient_inputs(), dtypes=REAL),
    OpCase(op="aten.fmod.Scalar", inputs=scalar_quotient_inputs(), dtypes=REAL),
    OpCase(op="aten.pow.Tensor_Tensor", inputs=pow_inputs(0), dtypes=REAL + COMPLEX, numeric=libm("pow")),
    OpCase(op="aten.pow.Tensor_Scalar", inputs=pow_scalar_inputs, dtypes=EVERY, numeric=libm("pow")),
    OpCase(op="aten.pow.Scalar", inputs=scalar_pow_inputs, dtypes=REAL + COMPLEX, numeric=libm("pow")),
    OpCase(op="aten.float_power.Tensor_Tensor", inputs=pow_inputs(-5), dtypes=EVERY, numeric=libm("pow")),
    binary("aten.maximum.default", numeric=EXACT),
    binary("aten.minimum.default", numeric=EXACT),
    binary("aten.max.other", numeric=EXACT),
    binary("aten.min.other", numeric=EXACT),
    binary("aten.fmax.default", numeric=EXACT),
    binary("aten.fmin.default", numeric=EXACT),
    OpCase(
        op="aten.clamp.default",
        inputs=clamp_inputs,
        plain=lambda d: {"self": d.tensor(d.shape()), "min": -1.0, "max": 1.5},
    ),
    OpCase(op="aten.clamp.Tensor", inputs=clamp_tensor_inputs, dtypes=REAL),
    OpCase(op="aten.clamp_min.default", inputs=bound_scalar_inputs("min")),
    OpCase(op="aten.clamp_max.default", inputs=bound_scalar_inputs("max")),
    OpCase(op="aten.clamp_min.Tensor", inputs=with_tensor_inputs("min", BOUND)),
    OpCase(op="aten.clamp_max.Tensor", inputs=with_tensor_inputs("max", BOUND)),
    OpCase(op="aten.where.self", inputs=where_inputs, dtypes=EVERY),
    OpCase(op="aten.where.Scalar", inputs=where_scalar_inputs("self", "other"), dtypes=BOOL),
    OpCase(op="aten.where.ScalarSelf", inputs=where_scalar_inputs("self"), dtypes=EVERY),
    OpCase(op="aten.where.ScalarOther", inputs=where_scalar_inputs("other"), dtypes=EVERY, examples=(CHOICE,)),
    OpCase(op="aten.addcmul.default", inputs=fused_inputs(divide=False), dtypes=REAL + COMPLEX, numeric=FUSED),
    OpCase(op="aten.addcdiv.default", inputs=fused_inputs(divide=True), dtypes=FLOAT + COMPLEX, numeric=FUSED),
    OpCase(
        op="aten.lerp.Tensor",
        inputs=lerp_inputs(scalar=False),
        dtypes=FLOAT + COMPLEX,
        numeric=FUSED,
        examples=(HALFWAY,),
    ),
    OpCase(
        op="aten.lerp.Scalar",
        inputs=lerp_inputs(scalar=True),
        dtypes=FLOAT,
        numeric=FUSED,
        exclude=dict.fromkeys(COMPLEX, "the FX importer takes no complex scalar, which export makes of the weight"),
    ),
    unary("aten.neg.default", dtypes=REAL + COMPLEX, numeric=EXACT),
    unary("aten.positive.default", dtypes=REAL + COMPLEX, numeric=EXACT),
    unary("aten.abs.default", dtypes=REAL + COMPLEX, numeric=Ulp(2)),
    unary("aten.absolute.default", dtypes=REAL + COMPLEX, numeric=Ulp(2)),
    unary("aten.angle.default", dtypes=EVERY),
    OpCase(op="aten.polar.default", inputs=polar_inputs, dtypes=("f32", "f64"), numeric=Ulp(4)),
    unary("aten.conj_physical.default", dtypes=EVERY, numeric=EXACT),
    unary("aten._conj.default", dtypes=COMPLEX, numeric=EXACT),
    unary("aten.resolve_conj.default", dtypes=EVERY, numeric=EXACT),
    unary("aten.resolve_neg.default", dtypes=EVERY, numeric=EXACT),
    unary("aten.sign.default", numeric=EXACT),
    unary("aten.sgn.default", dtypes=EVERY),
    binary("aten.copysign.Tensor", numeric=EXACT),
    # No NaN is drawn as the scalar: its sign means nothing.
    with_scalar("aten.copysign.Scalar", floats=(2.0, -1.5, 0.0, -0.0), limits=(math.inf, -math.inf)),
    OpCase(op="aten.heaviside.default", inputs=with_tensor_inputs("values")),
    unary("aten.floor.default", dtypes=REAL, numeric=EXACT),
    unary("aten.ceil.default", dtypes=REAL, numeric=EXACT),
    unary("aten.round.default", dtypes=REAL, numeric=EXACT),
    OpCase(op="aten.round.decimals", inputs=round_inputs, dtypes=FLOAT, numeric=Ulp(4), examples=(TIES,)),
    unary("aten.trunc.default", dtypes=REAL, numeric=EXACT),
    unary("aten.fix.default", dtypes=REAL, numeric=EXACT),
    unary("aten.frac.default", dtypes=FLOAT, numeric=EXACT),
    unary("aten.frexp.Tensor", dtypes=FLOAT, numeric=EXACT, values=("mixed", "extreme")),
    OpCase(op="aten.ldexp.Tensor", inputs=ldexp_inputs, dtypes=EVERY, numeric=Ulp(4)),
    binary("aten.nextafter.default", dtypes=FLOAT, numeric=EXACT),
    OpCase(
        op="aten.nan_to_num.default",
        inputs=nan_to_num_inputs,
        exclude=dict.fromkeys(COMPLEX, "its decomposition in export takes no complex numbers"),
    ),
    unary("aten.square.default", dtypes=EVERY),
    unary("aten.reciprocal.default", dtypes=EVERY, numeric=libm("reciprocal")),
    unary("aten.sqrt.default", dtypes=EVERY, fill=Fill(low=0.0)),
    unary("prims.sqrt.default", dtypes=FLOAT + COMPLEX, fill=Fill(low=0.0), exclude=NO_PRIMS),
    unary("aten.rsqrt.default", dtypes=EVERY, fill=Fill(low=0.0), numeric=libm("rsqrt")),
    unary("aten.exp.default", dtypes=EVERY, numeric=libm("exp")),
    unary("aten.exp2.default", dtypes=EVERY, numeric=libm("exp2")),
    unary("aten.expm1.default", dtypes=EVERY, numeric=libm("expm1")),
    unary("aten.special_expm1.default", dtypes=EVERY, numeric=libm("expm1")),
    unary("aten.log.default", dtypes=EVERY, fill=Fill(low=0.0), numeric=libm("log")),
    unary("aten.log2.default", dtypes=EVERY, fill=Fill(low=0.0), numeric=libm("log2")),
    unary("aten.log10.default", dtypes=EVERY, fill=Fill(low=0.0), numeric=libm("log10")),
    unary("aten.log1p.default", dtypes=EVERY, fill=Fill(low=-0.9375), numeric=libm("log1p")),
    binary("aten.xlogy.Tensor", fill=MOSTLY_ZERO, other=Fill(low=0.0), numeric=Ulp(8)),
    binary("aten.logaddexp.default", fill=UNCANCELLED, dtypes=FLOAT + COMPLEX, numeric=ADDED),
    binary("aten.logaddexp2.default", fill=UNCANCELLED, dtypes=FLOAT, numeric=ADDED),
    OpCase(op="aten.logit.default", inputs=logit_inputs, numeric=Composite((Ulp(2), libm("log")))),
    unary("aten.sin.default", dtypes=EVERY, fill=PERIODIC, numeric=libm("sin")),
    unary("aten.cos.default", dtypes=EVERY, fill=PERIODIC, numeric=libm("cos")),
    unary("aten.tan.default", dtypes=EVERY, fill=PERIODIC, numeric=libm("tan")),
    unary("aten.sinc.default", dtypes=EVERY, fill=PERIODIC, numeric=Composite((ROUNDED, libm("sin"), ROUNDED))),
    unary("aten.deg2rad.default"),
    unary("aten.rad2deg.default"),
    unary("aten.asin.default", dtypes=EVERY, fill=Fill(low=-1.0, high=1.0), numeric=libm("asin")),
    unary("aten.acos.default", dtypes=EVERY, fill=Fill(low=-1.0, high=1.0), numeric=libm("acos")),
    unary("aten.atan.default", dtypes=EVERY, numeric=libm("atan")),
    unary("aten.sinh.default", dtypes=EVERY, numeric=SHIFTED),
    unary("aten.cosh.default", dtypes=EVERY, numeric=SHIFTED),
    unary("aten.asinh.default", dtypes=EVERY, numeric=libm("asinh")),
    unary("aten.acosh.default", dtypes=EVERY, fill=Fill(low=1.0), numeric=libm("acosh")),
    unary("aten.atanh.default", dtypes=EVERY, fill=Fill(low=-0.9375, high=0.9375), numeric=libm("atanh")),
    unary("aten.erf.default", fill=Fill(reach="unit"), numeric=libm("erf")),
    unary("aten.erfc.default", numeric=libm("erfc")),
    unary("aten.erfinv.default", fill=Fill(low=-1.0, high=1.0), numeric=libm("erfinv")),
    OpCase(op="aten.lgamma.default", inputs=gamma_inputs, numeric=GAMMA),
    OpCase(op="aten.digamma.default", inputs=gamma_inputs, numeric=GAMMA),
    binary("aten.atan2.default", numeric=libm("atan2")),
    binary("aten.hypot.default", dtypes=FLOAT, numeric=libm("hypot")),
    binary("aten.bitwise_and.Tensor", dtypes=INT + BOOL),
    binary("aten.bitwise_or.Tensor", dtypes=INT + BOOL),
    binary("aten.bitwise_xor.Tensor", dtypes=INT + BOOL),
    with_scalar("aten.bitwise_and.Scalar", **BITS),
    unary("aten.bitwise_not.default", dtypes=INT + BOOL),
    OpCase(op="aten.bitwise_left_shift.Tensor", inputs=shift_inputs, dtypes=INT),
    OpCase(op="aten.bitwise_right_shift.Tensor", inputs=shift_inputs, dtypes=INT),
    binary("aten.logical_and.default", fill=TRUTHS, dtypes=EVERY),
    binary("aten.logical_or.default", fill=TRUTHS, dtypes=EVERY),
    binary("aten.logical_xor.default", fill=TRUTHS, dtypes=EVERY),
)
