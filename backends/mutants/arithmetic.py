"""Mutators of arithmetic: the precision of an accumulator, NaN, the signedness of integers."""

from __future__ import annotations

from collections.abc import Iterator

from torch_mlir import ir as mlir

from backends.executors.llvm_jit import create
from harness.mutation.toolbox import Shapes

from .edit import (
    CMPF,
    CMPI,
    FLOATS,
    SUMS,
    Edit,
    attribute_setter,
    element_type,
    has_attribute,
    i64,
    is_float,
    op_names,
    replace_op,
    replace_result,
    signless,
    static_sizes,
    with_elements,
)

# accumulator: too narrow ----------------------------------------------------------------------------------------------

_INTEGERS = {"i64": 32, "i32": 16}
"""For each integer type: the bits that a truncated accumulator has."""
_TRUNCATED = op_names(
    tosa="reduce_sum reduce_product matmul conv2d conv3d depthwise_conv2d transpose_conv2d avg_pool2d",
    stablehlo="dot_general convolution",
)


def accumulator(op: mlir.Operation, shapes: Shapes) -> Iterator[Edit]:
    """Truncate the running value of a sum or product, or the first operand of an op that accumulates internally."""
    if op.name in _TRUNCATED:
        if _can_truncate(op.operands[0], op.name):
            yield Edit("operand truncated", lambda: op.operands.__setitem__(0, _truncated(op, op.operands[0])))
    elif op.name in ("stablehlo.reduce", "stablehlo.reduce_window") or _reduces(op):
        (block,) = op.regions[0].blocks
        terminator = block.operations[len(block.operations) - 1]
        for i, value in enumerate(terminator.operands):
            owner = value.owner
            if not isinstance(owner, mlir.Block) and owner.name in SUMS and _can_truncate(value, op.name):

                def apply(i: int = i, value: mlir.Value = value) -> None:
                    terminator.operands[i] = _truncated(terminator, value)

                yield Edit("truncated", apply)


def _reduces(op: mlir.Operation) -> bool:
    """Whether the operation is a linalg.generic with a reduction loop."""
    return op.name == "linalg.generic" and "reduction" in str(op.attributes["iterator_types"])


def _can_truncate(value: mlir.Value, user: str) -> bool:
    """Whether the value can be truncated in the dialect of its user: TOSA has casts only."""
    known = ("f32", "i32") if user.startswith("tosa.") else (*FLOATS, *_INTEGERS)
    return str(element_type(value)) in known


def _truncated(before: mlir.Operation, value: mlir.Value) -> mlir.Value:
    """Insert operations before this one that drop the low bits of a value, as a narrower accumulator would.

    TOSA casts to bf16 or i16 and back, an integer is truncated and extended, and the low bits of a float are cleared:
    by `reduce_precision` in StableHLO, by a mask in arith.
    """
    dialect, name = before.name.partition(".")[0], str(element_type(value))
    with mlir.InsertionPoint(before), before.location:
        if dialect == "tosa":
            return _through(value, mlir.BF16Type.get() if name == "f32" else signless(16), "tosa.cast", "tosa.cast")
        if name in _INTEGERS:
            casts = ("stablehlo.convert",) * 2 if dialect == "stablehlo" else ("arith.trunci", "arith.extsi")
            return _through(value, signless(_INTEGERS[name]), *casts)
        bits, exponent, lost = FLOATS[name]
        if name == "f64" and not _returns(before, name):
            lost += FLOATS["f32"][2]  # else a result narrower than f64 would not notice
        if dialect == "stablehlo":
            widths = {"exponent_bits": exponent, "mantissa_bits": bits - 1 - exponent - lost}
            attributes = {key: mlir.IntegerAttr.get(signless(32), n) for key, n in widths.items()}
            return create("stablehlo.reduce_precision", value.type, value, **attributes)
        whole = signless(bits)
        mask = create("arith.constant", whole, value=mlir.IntegerAttr.get(whole, -(1 << lost)))
        integer = create("arith.bitcast", whole, value)
        return create("arith.bitcast", value.type, create("arith.andi", whole, integer, mask))


def _returns(op: mlir.Operation, name: str) -> bool:
    """Whether the function around the operation returns a value of this element type."""
    while op.name != "func.func":
        op = op.parent
    return any(
        name in str(kind) for kind in mlir.FunctionType(mlir.TypeAttr(op.attributes["function_type"]).value).results
    )


def _through(value: mlir.Value, narrow: mlir.Type, down: str, up: str) -> mlir.Value:
    """Convert the value to a narrow element type by the operation `down`, and back by the operation `up`."""
    return create(up, value.type, create(down, with_elements(value.type, narrow), value))


# nan: NaN ignored -----------------------------------------------------------------------------------------------------

_IGNORES_NAN = {"arith.maximumf": "arith.maxnumf", "arith.minimumf": "arith.minnumf"}
_WITHOUT_NAN = {"uno": "false", "ord": "true", "oeq": "ueq", "une": "one"}
_NAN_MODES = op_names(
    tosa="maximum minimum clamp reduce_max reduce_min argmax max_pool2d",
)


def nan(op: mlir.Operation, shapes: Shapes) -> Iterator[Edit]:
    """Ignore NaN: do not propagate it through a maximum or minimum, or take it for a number in a comparison."""
    if op.name in _IGNORES_NAN:
        yield Edit("NaN ignored", lambda: replace_op(op, _IGNORES_NAN[op.name]))
    elif op.name == "arith.cmpf":
        before = CMPF[mlir.IntegerAttr(op.attributes["predicate"]).value]
        after = _WITHOUT_NAN.get(before) or {"o": "u", "u": "o"}[before[0]] + before[1:]
        if after in CMPF:
            yield Edit(f"{before} for {after}", attribute_setter(op, "predicate", i64(CMPF.index(after))))
    elif op.name in _NAN_MODES and is_float(element_type(op.operands[0])):
        yield Edit("NaN ignored", attribute_setter(op, "nan_mode", mlir.Attribute.parse("#tosa.nan_mode<IGNORE>")))
    elif op.name in ("stablehlo.maximum", "stablehlo.minimum") and is_float(element_type(op.operands[0])):
        yield Edit("NaN ignored", lambda: _by_comparison(op))
    elif op.name == "stablehlo.compare" and op.operands[0] == op.operands[1] and is_float(element_type(op.operands[0])):
        direction = mlir.Attribute.parse("#stablehlo<comparison_direction LT>")
        yield Edit("NaN ignored", attribute_setter(op, "comparison_direction", direction))
    elif op.name == "tosa.equal" and op.operands[0] == op.operands[1] and static_sizes(op.results[0]) is not None:
        yield Edit("NaN ignored", lambda: replace_result(op, _true(op)))


def _true(op: mlir.Operation) -> mlir.Value:
    """Return a constant of the result's type that is true everywhere."""
    with mlir.InsertionPoint(op), op.location:
        kind = op.results[0].type
        return create("tosa.const", kind, values=mlir.Attribute.parse(f"dense<true> : {kind}"))


def _by_comparison(op: mlir.Operation) -> None:
    """Compute `max(a, b)` as `a > b ? a : b`, which is b where a is NaN; `min(a, b)` likewise."""
    one, other = op.operands
    direction = "GT" if op.name.endswith("maximum") else "LT"
    with mlir.InsertionPoint(op), op.location:
        boolean = with_elements(one.type, signless(1))
        attributes = {"comparison_direction": mlir.Attribute.parse(f"#stablehlo<comparison_direction {direction}>")}
        compared = create("stablehlo.compare", boolean, one, other, **attributes)
        replace_result(op, create("stablehlo.select", one.type, compared, one, other))


# sign: signed for unsigned --------------------------------------------------------------------------------------------

_SIGNED_TWINS = {
    "arith.extui": "arith.extsi",
    "arith.uitofp": "arith.sitofp",
    "arith.fptoui": "arith.fptosi",
    "arith.divui": "arith.divsi",
    "arith.remui": "arith.remsi",
    "arith.shrui": "arith.shrsi",
    "arith.maxui": "arith.maxsi",
    "arith.minui": "arith.minsi",
    "stablehlo.shift_right_logical": "stablehlo.shift_right_arithmetic",
    "tosa.logical_right_shift": "tosa.arithmetic_right_shift",
}
_SIGN_FROM_TYPE = op_names(
    stablehlo="convert divide remainder maximum minimum",
)
"""The operations that read from the type of their operands whether these are signed."""


def sign(op: mlir.Operation, shapes: Shapes) -> Iterator[Edit]:
    """Treat unsigned integers as signed."""
    if op.name in _SIGNED_TWINS:
        yield Edit("as if signed", lambda: _replace_by_signed(op, _SIGNED_TWINS[op.name]))
    elif op.name == "arith.cmpi":
        before = CMPI[mlir.IntegerAttr(op.attributes["predicate"]).value]
        if before.startswith("u"):
            yield Edit("as if signed", attribute_setter(op, "predicate", i64(CMPI.index("s" + before[1:]))))
    elif op.name in _SIGN_FROM_TYPE and str(element_type(op.operands[0])).startswith("ui"):
        yield Edit("as if signed", lambda: _bits_as_signed(op))
    elif op.name == "tosa.rescale":
        for name in ("input_unsigned", "output_unsigned"):
            if has_attribute(op, name) and mlir.BoolAttr(op.attributes[name]).value:
                yield Edit(f"{name} forgotten", attribute_setter(op, name, mlir.BoolAttr.get(False)))


def _replace_by_signed(op: mlir.Operation, name: str) -> None:
    """Replace the operation by its signed twin of this name."""
    extra = {"round": mlir.BoolAttr.get(False)} if name.startswith("tosa.") else {}
    with mlir.InsertionPoint(op), op.location:
        replace_result(op, create(name, op.results[0].type, *op.operands, **extra))


def _bits_as_signed(op: mlir.Operation) -> None:
    """Give the operation its operands bitcast to signed integers, and bitcast its result back unless it converts."""
    signed = signless(int(str(element_type(op.operands[0]))[2:]))
    with mlir.InsertionPoint(op), op.location:
        operands = [create("stablehlo.bitcast_convert", with_elements(v.type, signed), v) for v in op.operands]
        if op.name == "stablehlo.convert":
            replace_result(op, create(op.name, op.results[0].type, *operands))
            return
        result = create(op.name, operands[0].type, *operands)
        replace_result(op, create("stablehlo.bitcast_convert", op.results[0].type, result))
