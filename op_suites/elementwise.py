"""Elementwise arithmetic: one tensor, two tensors that broadcast, a tensor and a scalar, and a few of three tensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from harness.case import OMIT, Draw, Inputs, OpCase
from harness.dtypes import BOOL, COMPLEX, DTYPES, EVERY, FLOAT, INT, REAL
from harness.numeric import EXACT, Composite, Ulp
from harness.sample import Fill
from harness.strategies import ANY, binary, unary, with_scalar

SIGNED = (*FLOAT, "i8", "i16", "i32", "i64")
MODEST = Fill(low=-9, high=9)
PERIODIC = Fill(low=-1e4, high=1e4)
SHIFTED = Composite(4)
"""An exponential whose argument may be shifted first, which adds a roundoff of the argument."""
QUARTERS = Fill(low=-8, high=8, step=0.25)
"""Their quotients are integers, or farther from one than any dtype's roundoff: no floor can fall on the wrong side."""


def alpha(d: Draw) -> Any:
    """A factor whose products are exact, or left out."""
    return OMIT if d.kind == "bool" else d.choose(OMIT, d.scalar(2.0, 0.5, -4.0, 0.0))


def promoted_inputs(*, with_alpha: bool = False) -> Inputs:
    """Two tensors that broadcast, either one the larger and either one of another dtype."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        dims = d.shape()
        pair = d.choose("alike", "alike", "other", "self")
        other = "i32" if d.kind in ("float", "complex") else "f32" if d.kind == "int" else "i64"
        specs = {"self": d.tensor(dims), "other": d.tensor(d.broadcast(dims))}
        if d.flag():
            specs["self"], specs["other"] = specs["other"], specs["self"]
        if pair != "alike":
            specs = {name: replace(spec, fill=replace(spec.fill, low=-9, high=9)) for name, spec in specs.items()}
            specs[pair] = replace(specs[pair], dtype=other)
        return {**specs, "alpha": alpha(d)} if with_alpha else specs

    return inputs


def scalar_alpha_inputs(d: Draw) -> Mapping[str, Any]:
    """A tensor, a scalar and `alpha`."""
    return {"self": d.tensor(d.shape()), "other": d.scalar(), "alpha": alpha(d)}


def divisor(d: Draw) -> tuple[Fill, Fill]:
    """Fills of a dividend and a divisor; never 0, nor -1 by which the least integer cannot be divided."""
    if d.kind == "int":
        return ANY, Fill(avoid=(-1, 0))
    return QUARTERS, replace(QUARTERS, avoid=(0.0,), margin=0.25)


def quotient_inputs(*, mode: bool = False) -> Inputs:
    """A dividend and a divisor that broadcast, and maybe a `rounding_mode`."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        dims = d.shape()
        smaller = d.broadcast(dims)
        a, b = d.choose((dims, smaller), (smaller, dims))
        dividend, by = divisor(d)
        specs = {"self": d.tensor(a, fill=dividend), "other": d.tensor(b, fill=by)}
        return {**specs, "rounding_mode": d.choose("floor", "trunc", None)} if mode else specs

    return inputs


def scalar_quotient_inputs(*, mode: bool = False) -> Inputs:
    """A dividend, a scalar divisor, and maybe a `rounding_mode`; an integer dividend with a float divisor too."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        by = d.scalar(2.0, 0.75, -1.5, ints=(2, 7, -3))
        if d.kind == "int" and d.flag():
            by = 0.75
        fill = ANY if isinstance(by, int) else QUARTERS
        args = {"self": d.tensor(d.shape(), fill=fill), "other": by}
        return {**args, "rounding_mode": d.choose("floor", "trunc", None)} if mode else args

    return inputs


def pow_inputs(d: Draw) -> Mapping[str, Any]:
    """Bases and exponents that broadcast: any exponent of positive bases, integral ones of negative bases."""
    dims = d.shape()
    positive = d.flag()
    if d.kind in ("int", "bool"):
        base, exponent = ANY, Fill(low=0, high=5)
    elif positive or d.kind == "complex":
        base, exponent = Fill(low=0.25, high=16), Fill(low=-3, high=3)
    else:
        base, exponent = Fill(avoid=(0.0,), margin=0.25), Fill(low=-3, high=3, step=1)
    return {"self": d.tensor(dims, fill=base), "exponent": d.tensor(d.broadcast(dims), fill=exponent)}


def pow_scalar_inputs(d: Draw) -> Mapping[str, Any]:
    """Bases and a scalar exponent: negative bases for integral ones only, integers to no negative power."""
    dims = d.shape()
    if d.kind in ("int", "bool"):
        exponent = d.choose(2, 3, 0, 1) if d.kind == "bool" else d.choose(2, 3, 0, 1, 2.0, 0.5)
        return {"self": d.tensor(dims, fill=Fill(low=0) if exponent == 0.5 else ANY), "exponent": exponent}
    exponent = d.choose(2.0, 3, 0.5, -1.5, 0.0, -1, 2.5)
    fill = ANY if exponent == int(exponent) else Fill(low=0.0)
    if d.kind == "complex":
        fill = Fill(reach="unit", low=0.25, high=4, nonfinite=False)
    return {"self": d.tensor(dims, fill=fill), "exponent": exponent}


def scalar_pow_inputs(d: Draw) -> Mapping[str, Any]:
    """A scalar base and exponents."""
    base = d.scalar(2.0, 0.5, 1.0, ints=(2, 3, 0))
    fill = Fill(low=0, high=5) if d.kind in ("int", "bool") else Fill(low=-8, high=8)
    return {"self": base, "exponent": d.tensor(d.shape(), fill=fill)}


def shift_inputs(d: Draw) -> Mapping[str, Any]:
    """Integers and shifts below their width."""
    dims = d.shape()
    by = Fill(low=0, high=DTYPES[d.dtype].bits - 1)
    return {"self": d.tensor(dims), "other": d.tensor(d.broadcast(dims), fill=by)}


def where_inputs(d: Draw) -> Mapping[str, Any]:
    """A condition and two tensors, any of which may broadcast."""
    dims = d.shape()
    shapes = d.choose((dims, dims, dims), (d.broadcast(dims), dims, dims), (dims, d.broadcast(dims), d.broadcast(dims)))
    return {"condition": d.tensor(shapes[0], "bool"), "self": d.tensor(shapes[1]), "other": d.tensor(shapes[2])}


def clamp_inputs(d: Draw) -> Mapping[str, Any]:
    """A tensor and scalar bounds: either left out, or crossed."""
    low, high = d.choose((-1.0, 1.5), (None, 0.5), (0.0, None), (2.0, -1.0))
    if d.kind == "int":
        low, high = d.choose((1, 7), (None, 3), (2, None), (5, 2), (0.5, 2.5))
    return {"self": d.tensor(d.shape()), "min": low, "max": high}


def clamp_tensor_inputs(d: Draw) -> Mapping[str, Any]:
    """A tensor and bounds that broadcast with it, either left out."""
    dims = d.shape()
    low, high = (d.tensor(d.broadcast(dims), fill=Fill(low=-2, high=3, nonfinite=False)) for _ in range(2))
    given = d.choose("both", "min", "max")
    return {"self": d.tensor(dims), "min": low if given != "max" else OMIT, "max": high if given != "min" else OMIT}


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


def lerp_inputs(scalar: bool) -> Inputs:
    """Two ends and a weight, inside and outside of [0, 1], which broadcasts or is a scalar."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        dims = d.shape()
        weight = d.choose(0.25, 0.75, -1.5, 0.0, 1.0) if scalar else d.tensor(d.broadcast(dims))
        return {"self": d.tensor(dims), "end": d.tensor(d.broadcast(dims)), "weight": weight}

    return inputs


def nan_to_num_inputs(d: Draw) -> Mapping[str, Any]:
    """A tensor and the numbers that replace what is not finite."""
    nan, posinf, neginf = d.maybe(2.5), d.maybe(100.0), d.maybe(-7.0)
    return {"self": d.tensor(d.shape()), "nan": nan, "posinf": posinf, "neginf": neginf}


CASES = (
    OpCase(op="aten.add.Tensor", inputs=promoted_inputs(with_alpha=True), dtypes=EVERY, numeric=Ulp(4)),
    OpCase(op="aten.sub.Tensor", inputs=promoted_inputs(with_alpha=True), dtypes=REAL + COMPLEX, numeric=Ulp(4)),
    OpCase(op="aten.mul.Tensor", inputs=promoted_inputs(), dtypes=EVERY, numeric=Ulp(4)),
    binary("aten.div.Tensor", dtypes=EVERY, numeric=Ulp(4)),
    OpCase(op="aten.add.Scalar", inputs=scalar_alpha_inputs, dtypes=EVERY, numeric=Ulp(4)),
    OpCase(op="aten.sub.Scalar", inputs=scalar_alpha_inputs, dtypes=REAL + COMPLEX, numeric=Ulp(4)),
    OpCase(op="aten.rsub.Scalar", inputs=scalar_alpha_inputs, dtypes=REAL + COMPLEX, numeric=Ulp(4)),
    with_scalar("aten.mul.Scalar", dtypes=EVERY),
    with_scalar("aten.div.Scalar", 2.0, 0.75, -1.5, 0.0, dtypes=EVERY, numeric=Ulp(4)),
    OpCase(op="aten.div.Tensor_mode", inputs=quotient_inputs(mode=True), dtypes=REAL, numeric=Ulp(4)),
    OpCase(op="aten.div.Scalar_mode", inputs=scalar_quotient_inputs(mode=True), dtypes=REAL, numeric=Ulp(4)),
    OpCase(op="aten.floor_divide.default", inputs=quotient_inputs(), dtypes=REAL),
    OpCase(op="aten.remainder.Tensor", inputs=quotient_inputs(), dtypes=REAL),
    OpCase(op="aten.remainder.Scalar", inputs=scalar_quotient_inputs(), dtypes=REAL),
    OpCase(op="aten.fmod.Tensor", inputs=quotient_inputs(), dtypes=REAL),
    OpCase(op="aten.fmod.Scalar", inputs=scalar_quotient_inputs(), dtypes=REAL),
    OpCase(op="aten.pow.Tensor_Tensor", inputs=pow_inputs, dtypes=REAL + COMPLEX, numeric=Ulp(8)),
    OpCase(op="aten.pow.Tensor_Scalar", inputs=pow_scalar_inputs, dtypes=EVERY, numeric=Ulp(8)),
    OpCase(op="aten.pow.Scalar", inputs=scalar_pow_inputs, dtypes=REAL + COMPLEX, numeric=Ulp(8)),
    binary("aten.maximum.default", numeric=EXACT),
    binary("aten.minimum.default", numeric=EXACT),
    OpCase(op="aten.clamp.default", inputs=clamp_inputs),
    OpCase(op="aten.clamp.Tensor", inputs=clamp_tensor_inputs, dtypes=REAL),
    OpCase(op="aten.where.self", inputs=where_inputs, dtypes=EVERY),
    OpCase(op="aten.addcmul.default", inputs=fused_inputs(divide=False), dtypes=REAL + COMPLEX, numeric=Composite(16)),
    OpCase(op="aten.addcdiv.default", inputs=fused_inputs(divide=True), dtypes=FLOAT + COMPLEX, numeric=Composite(16)),
    OpCase(op="aten.lerp.Tensor", inputs=lerp_inputs(scalar=False), dtypes=FLOAT + COMPLEX, numeric=Composite(16)),
    OpCase(
        op="aten.lerp.Scalar",
        inputs=lerp_inputs(scalar=True),
        dtypes=FLOAT,
        numeric=Composite(16),
        exclude=dict.fromkeys(COMPLEX, "the FX importer takes no complex scalar, which export makes of the weight"),
    ),
    unary("aten.neg.default", dtypes=REAL + COMPLEX, numeric=EXACT),
    unary("aten.abs.default", dtypes=REAL + COMPLEX, numeric=Ulp(2)),
    unary("aten.sign.default", numeric=EXACT),
    unary("aten.floor.default", dtypes=REAL, numeric=EXACT),
    unary("aten.ceil.default", dtypes=REAL, numeric=EXACT),
    unary("aten.round.default", dtypes=REAL, numeric=EXACT),
    unary("aten.trunc.default", dtypes=REAL, numeric=EXACT),
    unary("aten.frac.default", dtypes=FLOAT, numeric=EXACT),
    OpCase(
        op="aten.nan_to_num.default",
        inputs=nan_to_num_inputs,
        exclude=dict.fromkeys(COMPLEX, "its decomposition in export takes no complex numbers"),
    ),
    unary("aten.square.default", dtypes=EVERY),
    unary("aten.reciprocal.default", dtypes=EVERY),
    unary("aten.sqrt.default", dtypes=EVERY, fill=Fill(low=0.0)),
    unary("aten.rsqrt.default", dtypes=EVERY, fill=Fill(low=0.0)),
    unary("aten.exp.default", dtypes=EVERY, numeric=Ulp(8)),
    unary("aten.exp2.default", dtypes=EVERY, numeric=Ulp(8)),
    unary("aten.expm1.default", dtypes=EVERY, numeric=Ulp(8)),
    unary("aten.log.default", dtypes=EVERY, fill=Fill(low=0.0)),
    unary("aten.log2.default", dtypes=EVERY, fill=Fill(low=0.0)),
    unary("aten.log10.default", dtypes=EVERY, fill=Fill(low=0.0)),
    unary("aten.log1p.default", dtypes=EVERY, fill=Fill(low=-0.9375)),
    unary("aten.sin.default", dtypes=EVERY, fill=PERIODIC),
    unary("aten.cos.default", dtypes=EVERY, fill=PERIODIC),
    unary("aten.tan.default", dtypes=EVERY, fill=PERIODIC, numeric=Ulp(8)),
    unary("aten.asin.default", dtypes=EVERY, fill=Fill(low=-1.0, high=1.0), numeric=Ulp(8)),
    unary("aten.acos.default", dtypes=EVERY, fill=Fill(low=-1.0, high=1.0), numeric=Ulp(8)),
    unary("aten.atan.default", dtypes=EVERY),
    unary("aten.sinh.default", dtypes=EVERY, numeric=SHIFTED),
    unary("aten.cosh.default", dtypes=EVERY, numeric=SHIFTED),
    unary("aten.asinh.default", dtypes=EVERY, numeric=Ulp(8)),
    unary("aten.acosh.default", dtypes=EVERY, fill=Fill(low=1.0), numeric=Ulp(8)),
    unary("aten.atanh.default", dtypes=EVERY, fill=Fill(low=-0.9375, high=0.9375), numeric=Ulp(8)),
    unary("aten.erf.default", fill=Fill(reach="unit"), numeric=Ulp(8)),
    binary("aten.atan2.default", numeric=Ulp(8)),
    binary("aten.bitwise_and.Tensor", dtypes=INT + BOOL),
    binary("aten.bitwise_or.Tensor", dtypes=INT + BOOL),
    binary("aten.bitwise_xor.Tensor", dtypes=INT + BOOL),
    with_scalar("aten.bitwise_and.Scalar", ints=(6, 1, -3, 0), dtypes=INT + BOOL),
    unary("aten.bitwise_not.default", dtypes=INT + BOOL),
    OpCase(op="aten.bitwise_left_shift.Tensor", inputs=shift_inputs, dtypes=INT),
    OpCase(op="aten.bitwise_right_shift.Tensor", inputs=shift_inputs, dtypes=INT),
    binary("aten.logical_and.default", dtypes=EVERY),
    binary("aten.logical_or.default", dtypes=EVERY),
    binary("aten.logical_xor.default", dtypes=EVERY),
)
