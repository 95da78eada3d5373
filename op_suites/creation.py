"""Tensors made of sizes and scalars alone, filled like another tensor, or masked to a triangle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.case import OMIT, Draw, Inputs, OpCase
from harness.dtypes import ALL, REAL
from harness.numeric import EXACT, Numeric, ShapeOnly, Ulp
from harness.sample import DtypeArg, EnumArg, SizeOf

HERE = (*ALL, "c64")
NO_C128 = {"c128": "the FX importer takes no complex128 as a dtype argument, be it of a decomposition"}
UNINITIALIZED = ShapeOnly("uninitialized memory")
SCALARS_ONLY = "its sizes are no symbolic integers in the schema"


def own_dtype(d: Draw, default: str = "f32") -> Any:
    """`dtype=` of the cell, sometimes left to the default that is the same."""
    return d.choose(DtypeArg(d.dtype), OMIT) if d.dtype == default else DtypeArg(d.dtype)


def number(d: Draw) -> Any:
    """A number that the cell's dtype holds."""
    return d.scalar(1.5, -2.0, 0.0, float("inf"), ints=(7, -3, 0, 100))


def sizes(d: Draw, max_rank: int = 4) -> tuple[Any, ...]:
    """A size of any rank, its dims symbolic or constant."""
    return tuple(d.choose(SizeOf(str(n)), SizeOf(str(n)), 1, 3) for n in d.shape(0, max_rank))


def sized_inputs(*, fill: bool = False, memory: bool = False) -> Inputs:
    """A size, maybe the number to fill with, and `dtype`."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        args: dict[str, Any] = {"size": sizes(d), "dtype": own_dtype(d)}
        if memory:
            args["memory_format"] = d.maybe(EnumArg("memory_format", "contiguous_format"))
        return {**args, "fill_value": number(d)} if fill else args

    return inputs


def like_inputs(*, fill: bool = False) -> Inputs:
    """A tensor whose dims the result has, and its dtype unless `dtype` is another."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        source = d.choose(d.dtype, "i32", "f64")
        dtype = d.maybe(DtypeArg(d.dtype)) if source == d.dtype else DtypeArg(d.dtype)
        memory = d.maybe(EnumArg("memory_format", "preserve_format"))
        args = {"self": d.tensor(d.shape(), source), "dtype": dtype, "memory_format": memory}
        return {**args, "fill_value": number(d)} if fill else args

    return inputs


def new_inputs(*, fill: bool = False) -> Inputs:
    """A tensor whose dtype the result has unless `dtype` is another, and a size of its own."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        source = d.choose(d.dtype, "i32", "f64")
        dtype = d.maybe(DtypeArg(d.dtype)) if source == d.dtype else DtypeArg(d.dtype)
        args = {"self": d.tensor(d.shape(0, 2, prefix="s"), source), "size": sizes(d), "dtype": dtype}
        return {**args, "fill_value": number(d)} if fill else args

    return inputs


def arange_inputs(*, start: bool = False, step: bool = False) -> Inputs:
    """The ends of a range and its step: integers, the last end symbolic, or (constants all) fractions."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        dtype = own_dtype(d, "i64")
        if d.mode == "static" and d.kind == "float" and d.flag():
            ends = {"start": d.choose(0.5, -1.5), "end": d.choose(4.0, 2.75)}
            args = {**ends, "step": d.choose(0.5, 1.25)} if step else ends
        else:
            args = {"start": d.choose(0, -2), "end": SizeOf(d.size("n", high=9)), "step": d.choose(1, 2, 3)}
            if d.dtype == "u8":
                args["start"] = 0
            elif step and d.mode == "static" and d.flag():
                args |= {"start": d.choose(7, 4), "end": -3, "step": d.choose(-1, -4)}
        names = ("start", "end", "step")[not start : 2 + step]
        return {name: args[name] for name in names} | {"dtype": dtype}

    return inputs


def eye_inputs(*, columns: bool) -> Inputs:
    """One size or two."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        args: dict[str, Any] = {"n": SizeOf(d.size("n"))}
        if columns:
            args["m"] = SizeOf(d.size("m"))
        return {**args, "dtype": own_dtype(d)}

    return inputs


def linspace_inputs(d: Draw) -> Mapping[str, Any]:
    """Two ends and a number of steps, 0 and 1 among them."""
    ends = d.choose((0.0, 1.0), (-2.0, 3.0), (3.0, -1.5), (1.0, 1.0))
    if d.kind == "int":
        ends = d.choose((0, 8), (2, 10), (12, 4))
    return {"start": ends[0], "end": ends[1], "steps": d.choose(5, 0, 1, 2, 9), "dtype": own_dtype(d)}


def scalar_inputs(d: Draw) -> Mapping[str, Any]:
    """A number and its dtype."""
    return {"s": number(d), "dtype": own_dtype(d)}


def indices_inputs(d: Draw) -> Mapping[str, Any]:
    """The rows, columns and offset of a triangle; torch-mlir's decomposition ignores any `dtype` but the default."""
    args = {"row": d.integer(0, 5), "col": d.integer(0, 5), "offset": d.choose(OMIT, 1, -2, 7)}
    return {**args, "dtype": own_dtype(d, "i64")}


def triangle_inputs(d: Draw) -> Mapping[str, Any]:
    """Matrices, maybe in batches, and the diagonal that ends the triangle."""
    return {"self": d.tensor(d.shape(2, 4)), "diagonal": d.choose(OMIT, 1, -1, 3, -4)}


def created(op: str, inputs: Inputs, dtypes: tuple[str, ...] = HERE, numeric: Numeric = EXACT, **more: Any) -> OpCase:
    """A tensor that is created, exact unless a numeric class is given; values of its arguments mean nothing."""
    more |= {"values": ("mixed",), "exclude": NO_C128}
    return OpCase(op=f"aten.{op}", inputs=inputs, dtypes=dtypes, numeric=numeric, **more)


CASES = (
    created("zeros.default", sized_inputs()),
    created("ones.default", sized_inputs()),
    created("full.default", sized_inputs(fill=True)),
    created("empty.memory_format", sized_inputs(memory=True), numeric=UNINITIALIZED),
    created("zeros_like.default", like_inputs()),
    created("ones_like.default", like_inputs()),
    created("full_like.default", like_inputs(fill=True)),
    created("empty_like.default", like_inputs(), numeric=UNINITIALIZED),
    created("new_zeros.default", new_inputs()),
    created("new_ones.default", new_inputs()),
    created("new_full.default", new_inputs(fill=True)),
    created("new_empty.default", new_inputs(), numeric=UNINITIALIZED),
    created("arange.default", arange_inputs(), ("i64", *(t for t in REAL if t != "i64"))),
    created("arange.start", arange_inputs(start=True), ("i64", *(t for t in REAL if t != "i64"))),
    created("arange.start_step", arange_inputs(start=True, step=True), ("i64", *(t for t in REAL if t != "i64"))),
    created("eye.default", eye_inputs(columns=False)),
    created("eye.m", eye_inputs(columns=True)),
    created("linspace.default", linspace_inputs, REAL, Ulp(4), static_only=SCALARS_ONLY),
    created("scalar_tensor.default", scalar_inputs, static_only="it has no dims"),
    created("tril_indices.default", indices_inputs, ("i64",), static_only=SCALARS_ONLY),
    created("triu_indices.default", indices_inputs, ("i64",), static_only=SCALARS_ONLY),
    OpCase(op="aten.tril.default", inputs=triangle_inputs, dtypes=HERE, exclude=NO_C128),
    OpCase(op="aten.triu.default", inputs=triangle_inputs, dtypes=HERE, exclude=NO_C128),
)
