"""Tensors made of sizes and scalars alone, filled like another tensor, or masked to a triangle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.cases.case import OMIT, Draw, Inputs, OpCase
from harness.cases.dtypes import ALL, COMPLEX, DTYPES, EVERY, FLOAT, INT, REAL
from harness.cases.explicit import example, tensor
from harness.cases.libm import libm
from harness.cases.numeric import EXACT, Composite, Numeric, ShapeOnly, Ulp
from harness.cases.sample import DtypeArg, EnumArg, Fill, SizeOf
from harness.cases.strategies import unary

HERE = (*ALL, "c64")
NO_C128 = {"c128": "the FX importer takes no complex128 as a dtype argument, be it of a decomposition"}
UNINITIALIZED = ShapeOnly("uninitialized memory")
SCALARS_ONLY = "its sizes are no symbolic integers in the schema"
CPU = EnumArg("device", "cpu")
SPACED = (*REAL, "c64")


def own_dtype(d: Draw, default: str = "f32") -> Any:
    """The dtype of the cell as `dtype=`; where it is the default, maybe left out."""
    return d.choose(DtypeArg(d.dtype), OMIT) if d.dtype == default else DtypeArg(d.dtype)


def number(d: Draw) -> Any:
    """A number that the cell's dtype holds, or rounds."""
    return d.scalar(1.5, -2.0, 0.0, float("inf"), 0.1, ints=(7, -3, 0, 100))


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
    """A tensor whose dims the result has, and whose dtype it has unless `dtype` is given."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        source = d.choose(d.dtype, "i32", "f64")
        dtype = d.maybe(DtypeArg(d.dtype)) if source == d.dtype else DtypeArg(d.dtype)
        memory = d.maybe(EnumArg("memory_format", "preserve_format"))
        args = {"self": d.tensor(d.shape(), source), "dtype": dtype, "memory_format": memory}
        return {**args, "fill_value": number(d)} if fill else args

    return inputs


def new_inputs(*, fill: bool = False) -> Inputs:
    """A tensor whose dtype the result has unless `dtype` is given, and the size of the result."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        source = d.choose(d.dtype, "i32", "f64")
        dtype = d.maybe(DtypeArg(d.dtype)) if source == d.dtype else DtypeArg(d.dtype)
        args = {"self": d.tensor(d.shape(0, 2, prefix="s"), source), "size": sizes(d), "dtype": dtype}
        return {**args, "fill_value": number(d)} if fill else args

    return inputs


def far_range(d: Draw) -> tuple[int, int] | None:
    """A range up to the largest integer of the dtype, or to where a short float no longer holds every integer."""
    kind = DTYPES[d.dtype]
    if kind.kind == "int":
        return int(kind.high) - 5, int(kind.high)
    return (-2, round(1 / kind.roundoff) + 3) if kind.bits == 16 else None


def arange_inputs(*, start: bool = False, step: bool = False) -> Inputs:
    """The ends of a range and its step: integers, the last end symbolic, or fractions or far ends, all constant."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        dtype = own_dtype(d, "i64")
        far = far_range(d) if start or d.kind == "float" else None  # from 0 they are too many
        kinds = ["near", *["far"] * bool(far), *["fractions"] * (d.kind == "float")] if d.mode == "static" else ["near"]
        kind = d.choose(*kinds)
        if kind == "fractions":
            # one element where the start is rounded, since no other is exact then
            first, last = d.choose((-1.5, 2.75), (0.1, 0.55) if start else (0, 0.55))
            args = {"start": first, "end": last, "step": d.choose(0.5, 1.25)}
        elif kind == "far":
            args = dict(zip(("start", "end"), far or (), strict=True)) | {"step": 1}
        else:
            args = near_range(d, step=step)
        names = ("start", "end", "step")[not start : 2 + step]
        return {name: args[name] for name in names} | {"dtype": dtype}

    return inputs


def near_range(d: Draw, *, step: bool) -> dict[str, Any]:
    """Small integers, the end symbolic; maybe a step, which may be negative."""
    first, each = 0 if d.dtype == "u8" else d.choose(0, -2), d.choose(1, 2, 3) if step else 1
    # export makes a constant of the size that gives one element
    least = first + each + 1 if each > 1 and d.mode == "dynamic" else 0
    args = {"start": first, "end": SizeOf(d.size("n", least, 9)), "step": each}
    if step and d.dtype != "u8" and d.mode == "static" and d.flag():
        args |= {"start": d.choose(7, 4), "end": -3, "step": d.choose(-1, -4)}
    return args


def eye_inputs(*, columns: bool) -> Inputs:
    """One size or two."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        args: dict[str, Any] = {"n": SizeOf(d.size("n"))}
        if columns:
            args["m"] = SizeOf(d.size("m"))
        return {**args, "dtype": own_dtype(d)}

    return inputs


def spaced_inputs(*tensors: str, base: bool = False) -> Inputs:
    """Two ends, as tensors of rank 0 if named in `tensors`, a number of steps, maybe 0 or 1, and maybe a base."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        values = ends(d, base=base)
        args: dict[str, Any] = dict(zip(("start", "end"), values, strict=True))
        for name in tensors:
            held = (args[name],) * 2 if d.kind == "int" else (-2, 3)
            fill = Fill(low=held[0], high=held[1], nonfinite=False)
            args[name] = d.tensor((), d.choose(d.dtype, "i64"), fill)
        args |= {"steps": d.choose(5, 0, 1, 2, 9), "dtype": own_dtype(d)}
        if base:  # powers of a fraction stay off the edges of integers
            args["base"] = d.choose(2.3, 3.7) if d.kind == "int" else d.choose(OMIT, 2.0, 0.5)
        return args | {"device": d.maybe(CPU)} if tensors else args

    return inputs


def ends(d: Draw, *, base: bool) -> tuple[Any, Any]:
    """Two numbers, some of them rounded; the steps between integers are integers, unless they are exponents."""
    match d.kind:
        case "int":
            options: tuple[Any, ...] = ((0, 3), (3, 1), (1, 2)) if base else ((0, 8), (2, 10), (12, 4))
        case "complex":
            options = ((0.5 + 1.0j, 2.0 - 1.0j), (1.0, 2.0j))
        case _:
            options = ((0.0, 1.0), (-2.0, 3.0), (3.0, -1.5), (1.0, 1.0), (0.1, 2.7))
    start, end = d.choose(*options)
    return start, end


def window_inputs(d: Draw) -> Mapping[str, Any]:
    """The length of a window, and whether it is periodic."""
    return {"window_length": d.choose(5, 0, 1, 2, 8), "periodic": d.choose(True, False), "dtype": own_dtype(d)}


def iota_inputs(d: Draw) -> Mapping[str, Any]:
    """A symbolic length, the first integer and the step."""
    signed = d.dtype != "u8"
    start, step = d.choose(0, 3, *((-2,) if signed else ())), d.choose(1, 2, *((-3,) if signed else ()))
    args = {"length": SizeOf(d.size("n", high=9)), "start": start, "step": step, "dtype": DtypeArg(d.dtype)}
    return {**args, "device": CPU, "requires_grad": False}


def fill_inputs(d: Draw) -> Mapping[str, Any]:
    """A tensor, and the number that it is filled with."""
    return {"self": d.tensor(d.shape()), "value": number(d)}


def fill_tensor_inputs(d: Draw) -> Mapping[str, Any]:
    """A tensor, and the tensor of one element that it is filled with, of its dtype or a small integer."""
    small = d.tensor((), "i32", Fill(low=-100, high=100))
    return {"self": d.tensor(d.shape()), "value": d.choose(d.tensor(()), small)}


def strided(d: Draw) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """A size and strides: contiguous, transposed or with gaps."""
    n, m = (SizeOf(d.size(name)) for name in "nm")
    options: tuple[Any, ...] = (
        ((n, m), (m, 1)),
        ((n,), (2,)),
        ((n, m), (1, n)),
        ((n, 3, 2), (6, 2, 1)),
        ((3, n), (1, 3)),
    )
    size, stride = d.choose(*options, *([] if d.mode == "dynamic" else [((), ())]))
    return size, stride


def strided_inputs(d: Draw) -> Mapping[str, Any]:
    """A size and strides, and `dtype`."""
    size, stride = strided(d)
    return {"size": size, "stride": stride, "dtype": own_dtype(d)}


def new_strided_inputs(d: Draw) -> Mapping[str, Any]:
    """A tensor whose dtype the result has unless `dtype` is given, and the size and strides of the result."""
    size, stride = strided(d)
    return {**new_inputs()(d), "size": size, "stride": stride}


def permuted_inputs(d: Draw) -> Mapping[str, Any]:
    """A size, and the order in which its dims lie in memory."""
    size = sizes(d)
    layout = tuple(axis % len(size) for axis in d.axes(size, min_size=len(size)))
    return {"size": size, "physical_layout": layout, "dtype": own_dtype(d)}


def scalar_inputs(d: Draw) -> Mapping[str, Any]:
    """A number and its dtype."""
    return {"s": number(d), "dtype": own_dtype(d)}


def indices_inputs(d: Draw) -> Mapping[str, Any]:
    """The rows, columns and offset of a triangle; torch-mlir's decomposition ignores any `dtype` but the default."""
    args = {"row": d.integer(0, 5), "col": d.integer(0, 5), "offset": d.choose(OMIT, 1, -2, 7)}
    return {**args, "dtype": own_dtype(d, "i64")}


def triangle_inputs(d: Draw) -> Mapping[str, Any]:
    """Matrices, maybe in batches, and the diagonal that bounds the triangle."""
    return {"self": d.tensor(d.shape(2, 4)), "diagonal": d.choose(OMIT, 1, -1, 1, -1, 3, -4)}


def created(op: str, inputs: Inputs, dtypes: tuple[str, ...] = HERE, numeric: Numeric = EXACT, **more: Any) -> OpCase:
    """An op that creates a tensor, exact unless a numeric class is given; the values of its tensors do not matter."""
    more |= {"values": ("mixed",), "exclude": NO_C128}
    return OpCase(op=f"aten.{op}", inputs=inputs, dtypes=dtypes, numeric=numeric, **more)


def spaced(op: str, *tensors: str, base: bool = False) -> OpCase:
    """Numbers between two ends of which some are tensors; the conditioning covers the rounding of an exponent.

    Without a device torch's decomposition of the linear ones fails.
    """
    apart = {name: tensor(end) if name in tensors else end for name, end in (("start", -2.0), ("end", 3.0))}
    return OpCase(
        op=f"aten.{op}",
        inputs=spaced_inputs(*tensors, base=base),
        dtypes=REAL,
        numeric=Composite((Ulp(5), libm("pow"))),
        values=("mixed",),
        static_only=SCALARS_ONLY,
        exclude=dict.fromkeys(COMPLEX, "torch's own decomposition drops the imaginary part of an end that is a tensor"),
        examples=(example(**apart, steps=5, device=CPU, **({"base": 2.0} if base else {})),),
    )


FOLDED = "TorchScript's: export makes a constant of it, or a conversion of a constant, and records no call"
NO_TENSOR = "its result is no tensor: a symbolic integer or boolean of export's, which no backend returns"

EXCLUDED: Mapping[str, str] = {
    "aten.tensor.default": "TorchScript's: no list is its `t[]` outside of it, eager refuses every one",
    "aten.tensor.bool": "TorchScript's: export records aten.empty and aten.fill_ in its stead",
    "aten.tensor.float": FOLDED,
    "aten.tensor.int": FOLDED,
    "aten.sym_size.int": NO_TENSOR,
    "aten.sym_stride.int": NO_TENSOR,
    "aten.sym_numel.default": NO_TENSOR,
    "aten.sym_storage_offset.default": NO_TENSOR,
    "aten.sym_is_contiguous.default": NO_TENSOR,
}

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
    created("empty_strided.default", strided_inputs, numeric=UNINITIALIZED),
    created("new_empty_strided.default", new_strided_inputs, numeric=UNINITIALIZED),
    created("empty_permuted.default", permuted_inputs, numeric=UNINITIALIZED),
    created("eye.default", eye_inputs(columns=False)),
    created("eye.m", eye_inputs(columns=True)),
    created("linspace.default", spaced_inputs(), SPACED, Ulp(4), static_only=SCALARS_ONLY),
    spaced("linspace.Scalar_Tensor", "end"),
    spaced("linspace.Tensor_Scalar", "start"),
    spaced("linspace.Tensor_Tensor", "start", "end"),
    # an exponent is 3 at most and rounded twice: that is 2 * 3 * ln 10 roundoffs of its power, and pow adds its own
    created("logspace.default", spaced_inputs(base=True), SPACED, Ulp(32), static_only=SCALARS_ONLY),
    spaced("logspace.Scalar_Tensor", "end", base=True),
    spaced("logspace.Tensor_Scalar", "start", base=True),
    spaced("logspace.Tensor_Tensor", "start", "end", base=True),
    # an angle of up to 2 pi is rounded twice, which shows most at the least element that is not zero, of about 0.15
    created("hann_window.periodic", window_inputs, FLOAT, Ulp(32), static_only=SCALARS_ONLY),
    OpCase(
        op="prims.iota.default",
        inputs=iota_inputs,
        dtypes=("i64", *(t for t in INT if t != "i64")),
        values=("mixed",),
        fixed={"requires_grad": "it makes integers, which have no gradient"},
    ),
    created("scalar_tensor.default", scalar_inputs, static_only="it has no dims"),
    created("tril_indices.default", indices_inputs, ("i64",), static_only=SCALARS_ONLY),
    created("triu_indices.default", indices_inputs, ("i64",), static_only=SCALARS_ONLY),
    OpCase(op="aten.fill.Scalar", inputs=fill_inputs, dtypes=EVERY),
    OpCase(op="aten.fill.Tensor", inputs=fill_tensor_inputs, dtypes=EVERY),
    unary("aten.zero.default", dtypes=EVERY, numeric=EXACT),
    unary(
        "aten._shape_as_tensor.default",
        dtypes=EVERY,
        numeric=EXACT,
        unexported="export traces into its kernel, which then writes to a tensor that has no data",
    ),
    OpCase(op="aten.tril.default", inputs=triangle_inputs, dtypes=HERE, exclude=NO_C128),
    OpCase(op="aten.triu.default", inputs=triangle_inputs, dtypes=HERE, exclude=NO_C128),
)
