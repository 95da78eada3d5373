"""Conversions between dtypes, and copies and views that change nothing but layout or type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.cases.case import OMIT, Dims, Draw, Inputs, OpCase
from harness.cases.dtypes import COMPLEX, DTYPES, EVERY
from harness.cases.explicit import INF, NAN, example, tensor
from harness.cases.numeric import EXACT, Ulp
from harness.cases.sample import DtypeArg, EnumArg, Fill
from harness.cases.strategies import ANY, row_major, unary

ROUNDED = Ulp(1.0625)
"""One rounding; from float64 to a half type eager goes through float32 and rounds twice."""
SAME_BITS = {
    "f32": ("i32", "f32"),
    "f64": ("i64", "c64"),
    "f16": ("i16", "bf16"),
    "bf16": ("i16", "f16"),
    "i8": ("u8", "i8"),
    "u8": ("i8", "u8"),
    "i16": ("f16", "bf16"),
    "i32": ("f32", "i32"),
    "i64": ("f64", "i64"),
    "bool": ("u8", "i8"),
    "c64": ("f64", "c64"),
}


def target(d: Draw) -> str:
    """Any dtype but complex128, which the FX importer does not take as an argument; complex numbers stay complex."""
    if d.kind == "complex":
        return "c64"
    return str(d.choose("f32", "i32", "f64", "i64", "f16", "bf16", "bool", "i8", "u8", "i16", "c64"))


def convertible(d: Draw, to: str) -> Fill:
    """Floats within the range of the integers that they are converted to: outside of it the result is undefined."""
    if d.kind not in ("float", "complex") or DTYPES[to].kind != "int":
        return ANY
    return Fill(low=max(DTYPES[to].low, -1000) + 1, high=min(DTYPES[to].high, 1000) - 1, nonfinite=False)


def convert_inputs(*, name: str = "self", copy: bool = False, to: bool = False) -> Inputs:
    """A tensor, a dtype to convert to, maybe its own, and the memory format and flags of the copy if the op has any."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        dtype = target(d)
        dims, format = formatted(d)
        args = {name: d.tensor(dims, fill=convertible(d, dtype)), "dtype": DtypeArg(dtype)}
        if copy or to:
            args |= {"memory_format": format, "non_blocking": d.maybe(True)}
        return {**args, "copy": d.maybe(True)} if to else args

    return inputs


def placed_inputs(*, layout: bool = False, format: bool = True) -> Inputs:
    """The arguments of `aten.to.dtype`, the tensor's device, and a layout and memory format if the op has them."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        args = {**convert_inputs(to=True)(d), "device": CPU}
        if layout:
            args |= {"layout": d.maybe(STRIDED), "dtype": d.choose(args["dtype"], OMIT), "device": d.maybe(CPU)}
        return {name: arg for name, arg in args.items() if format or name != "memory_format"}

    return inputs


def cast_inputs(to: str) -> Inputs:
    """A tensor to convert to the dtype in the op's name."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        return {"self": d.tensor(d.shape(), fill=convertible(d, to)), "non_blocking": d.maybe(True)}

    return inputs


def copied_inputs(d: Draw) -> Mapping[str, Any]:
    """A tensor with the dims and the dtype of the result, and the one to copy, which broadcasts to it."""
    dtype = target(d)
    dims = d.shape()
    src = d.tensor(d.broadcast(dims), fill=convertible(d, dtype))
    return {"self": d.tensor(dims, dtype), "src": src, "non_blocking": d.maybe(True)}


def formatted(d: Draw) -> tuple[Dims, Any]:
    """The dims of a tensor, and a memory format that it can have."""
    name = d.choose(OMIT, "preserve_format", "contiguous_format", "channels_last", "channels_last_3d")
    rank = {"channels_last": 4, "channels_last_3d": 5}.get(name)
    dims = d.shape() if rank is None else d.shape(rank, rank)
    return dims, OMIT if name is OMIT else EnumArg("memory_format", name)


def copy_inputs(*, preserve: bool = True) -> Inputs:
    """A tensor and a memory format."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        dims, format = formatted(d)
        if not preserve and format == EnumArg("memory_format", "preserve_format"):
            format = OMIT
        return {"self": d.tensor(dims), "memory_format": format}

    return inputs


def pair_inputs(**flags: Any) -> Inputs:
    """A tensor, and another one to whose dtype it is converted."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        dtype = target(d)
        other = d.tensor(d.shape(0, 2, prefix="o"), dtype)
        return {"self": d.tensor(d.shape(), fill=convertible(d, dtype)), "other": other} | {
            name: d.maybe(value) for name, value in flags.items()
        }

    return inputs


def bits_inputs(d: Draw) -> Mapping[str, Any]:
    """A tensor and a dtype of the same width."""
    return {"self": d.tensor(d.shape()), "dtype": DtypeArg(d.choose(*SAME_BITS[d.dtype]))}


def pairs_inputs(d: Draw) -> Mapping[str, Any]:
    """A tensor whose last dim holds the two parts of a complex number."""
    return {"self": d.tensor((*d.shape(0, 4), 2))}


def parts_inputs(d: Draw) -> Mapping[str, Any]:
    """A real and an imaginary part that broadcast."""
    a, b = d.pair(d.shape())
    return {"real": d.tensor(a), "imag": d.tensor(b)}


CPU = EnumArg("device", "cpu")
STRIDED = EnumArg("layout", "strided")
LAYOUT = "tensors are contiguous in MLIR: no other layout is expressible"
EXCLUDED: Mapping[str, str] = {
    "aten.cuda.default": "it moves a tensor to a GPU: a PyTorch for CPUs refuses it",
}

# as booleans all but the zeros are true, fractions and NaN too
TRUTHS = tensor([0.0, 0.25, NAN, -0.0, INF, -2.0], dims=("n",))
BOOLEANS = tensor([True, False, True, False, False, True], "bool", dims=("n",))
TO_BOOL = (example(self=TRUTHS, dtype=DtypeArg("bool")),)
LIKE_BOOL = (example(self=TRUTHS, other=BOOLEANS),)

CASES = (
    OpCase(
        op="aten._to_copy.default", inputs=convert_inputs(copy=True), dtypes=EVERY, numeric=ROUNDED, examples=TO_BOOL
    ),
    OpCase(op="aten.to.dtype", inputs=convert_inputs(to=True), dtypes=EVERY, numeric=ROUNDED, examples=TO_BOOL),
    OpCase(
        op="aten.to.other",
        inputs=pair_inputs(copy=True, non_blocking=True),
        dtypes=EVERY,
        numeric=ROUNDED,
        fixed={"memory_format": LAYOUT},
        examples=LIKE_BOOL,
    ),
    OpCase(op="aten.to.device", inputs=placed_inputs(), dtypes=EVERY, numeric=ROUNDED),
    OpCase(op="aten.to.dtype_layout", inputs=placed_inputs(layout=True), dtypes=EVERY, numeric=ROUNDED),
    OpCase(
        op="aten.to.prim_Device",
        inputs=placed_inputs(format=False),
        dtypes=EVERY,
        numeric=ROUNDED,
        seen_as="aten.to.device",
    ),
    unary("aten.cpu.default", dtypes=EVERY, numeric=EXACT, seen_as="aten.to.dtype_layout"),
    OpCase(op="aten._cast_Float.default", inputs=cast_inputs("f32"), dtypes=EVERY, numeric=ROUNDED),
    OpCase(op="aten._cast_Long.default", inputs=cast_inputs("i64"), dtypes=EVERY, numeric=ROUNDED),
    OpCase(op="aten.chalf.default", inputs=copy_inputs(), dtypes=EVERY),
    OpCase(
        op="aten.copy.default",
        inputs=copied_inputs,
        dtypes=EVERY,
        numeric=ROUNDED,
        examples=(example("f32", self=BOOLEANS, src=TRUTHS),),
    ),
    OpCase(op="aten.type_as.default", inputs=pair_inputs(), dtypes=EVERY, numeric=ROUNDED, examples=LIKE_BOOL),
    OpCase(
        op="prims.convert_element_type.default",
        inputs=convert_inputs(name="a"),
        dtypes=EVERY,
        numeric=ROUNDED,
        examples=(example(a=TRUTHS, dtype=DtypeArg("bool")),),
    ),
    OpCase(op="aten.clone.default", inputs=copy_inputs(), dtypes=EVERY),
    OpCase(op="aten.contiguous.default", inputs=copy_inputs(preserve=False), dtypes=EVERY),
    unary("aten.detach.default", dtypes=EVERY, numeric=EXACT),
    unary("aten.alias.default", dtypes=EVERY, numeric=EXACT),
    unary("aten.lift_fresh_copy.default", dtypes=EVERY, numeric=EXACT),
    unary("aten.view_as_real.default", dtypes=COMPLEX, numeric=EXACT),
    unary("aten.real.default", dtypes=EVERY, numeric=EXACT),
    unary("aten.imag.default", dtypes=COMPLEX, numeric=EXACT),
    OpCase(op="aten.view.dtype", inputs=bits_inputs, dtypes=tuple(SAME_BITS)),
    OpCase(
        op="aten.view_as_complex.default",
        inputs=pairs_inputs,
        dtypes=("f32", "f64", "f16"),
        untried=row_major("the two parts of a number must be neighbours"),
    ),
    OpCase(op="aten.complex.default", inputs=parts_inputs, dtypes=("f32", "f64", "f16")),
)
