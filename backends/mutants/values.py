"""Mistakes in what is computed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from torch_mlir import ir as mlir

from backends.executors.llvm_jit import create

from .edit import (
    DIGITS,
    Edit,
    Shapes,
    becomes,
    element,
    has,
    i64,
    is_float,
    named,
    renamed,
    retyped,
    setting,
    signless,
    static,
)

# operands in the wrong order ------------------------------------------------------------------------------------------

_ORDERED = named(
    arith="subi subf divf divsi divui floordivsi ceildivsi remf remsi remui shli shrsi shrui",
    math="powf atan2 fpowi copysign ipowi",
    complex="sub div pow atan2 create",
    linalg="sub div matmul batch_matmul",
    tosa="sub intdiv pow logical_left_shift logical_right_shift arithmetic_right_shift greater greater_equal matmul"
    " concat",
    stablehlo="subtract divide power remainder shift_left shift_right_arithmetic shift_right_logical atan2 dot_general"
    " concatenate complex",
    tensor="concat",
)
_SELECTS = frozenset(("arith.select", "tosa.select", "stablehlo.select"))


def swap(op: mlir.Operation, shapes: Shapes) -> Iterator[Edit]:
    """The operands of an op in the wrong order."""
    first = 1 if op.name in _SELECTS else 0
    if op.name not in _ORDERED | _SELECTS or len(op.operands) < first + 2:
        return
    one, other = op.operands[first], op.operands[first + 1]
    if element(one) == element(other) and one != other:  # of other sizes, it may verify all the same

        def apply() -> None:
            op.operands[first], op.operands[first + 1] = other, one

        yield Edit("operands swapped", apply)


# a negation, a clamp, an absolute value left out ----------------------------------------------------------------------

_DROPPED = named(
    arith="negf maximumf minimumf maxnumf minnumf maxsi minsi maxui minui select",
    math="absf absi",
    complex="neg",
    linalg="negf abs max min",
    tosa="negate clamp maximum minimum abs logical_not bitwise_not select",
    stablehlo="negate clamp maximum minimum abs not select",
)
_KEEPS = {"stablehlo.clamp": (1,), **dict.fromkeys(_SELECTS, (1, 2))}
_TWO_SIDED = ("max", "min")


def drop(op: mlir.Operation, shapes: Shapes) -> Iterator[Edit]:
    """A negation, a clamp, an absolute value, a choice left out."""
    if op.name not in _DROPPED:
        return
    keeps = _KEEPS.get(op.name, (0, 1) if any(side in op.name for side in _TWO_SIDED) else (0,))
    for i in keeps:
        if op.operands[i].type == op.results[0].type:
            yield Edit(f"left out for operand {i}", lambda i=i: becomes(op, op.operands[i]))  # type: ignore[misc]


# a comparison's predicate ---------------------------------------------------------------------------------------------

_CMPI = ("eq", "ne", "slt", "sle", "sgt", "sge", "ult", "ule", "ugt", "uge")
_CMPF = (
    *("false", "oeq", "ogt", "oge", "olt", "ole", "one", "ord"),
    *("ueq", "ugt", "uge", "ult", "ule", "une", "uno", "true"),
)
"""In the order of arith::CmpFPredicate."""
_NEXT = {"lt": "le", "le": "lt", "gt": "ge", "ge": "gt"}


def _neighbour(predicate: str) -> str | None:
    """The predicate that differs at one boundary; `eq` becomes `ge`, `ne` becomes `lt`."""
    sign, rest = (predicate[0], predicate[1:]) if len(predicate) == 3 else ("", predicate)
    if rest in _NEXT:
        return sign + _NEXT[rest]
    return {"eq": (sign or "s") + "ge", "ne": (sign or "s") + "lt"}.get(rest)


def predicate(op: mlir.Operation, shapes: Shapes) -> Iterator[Edit]:
    """A comparison by the predicate next to the right one."""
    match op.name:
        case "arith.cmpi" | "arith.cmpf":
            names = _CMPI if op.name == "arith.cmpi" else _CMPF
            before = names[mlir.IntegerAttr(op.attributes["predicate"]).value]
            after = _neighbour(before)
            if after in names:
                yield Edit(f"{before} for {after}", setting(op, "predicate", i64(names.index(after))))
        case "stablehlo.compare":
            before = str(op.attributes["comparison_direction"]).split()[-1].rstrip(">")
            after = _neighbour(before.lower())
            if after:
                direction = mlir.Attribute.parse(f"#stablehlo<comparison_direction {after[-2:].upper()}>")
                yield Edit(f"{before} for {after[-2:].upper()}", setting(op, "comparison_direction", direction))
        case "tosa.greater" | "tosa.greater_equal" | "tosa.equal":
            after = "tosa.greater" if op.name == "tosa.greater_equal" else "tosa.greater_equal"
            if str(element(op.operands[0])) != "i1":
                yield Edit(f"{after.removeprefix('tosa.')} instead", lambda: renamed(op, after))


# another constant -----------------------------------------------------------------------------------------------------

_CONSTANTS = {"arith.constant": "value", "tosa.const": "values", "stablehlo.constant": "value"}


def constant(op: mlir.Operation, shapes: Shapes) -> Iterator[Edit]:
    """Another constant."""
    name = _CONSTANTS.get(op.name)
    if name is None or "index" in str(op.results[0].type):
        return
    after = _other(op.attributes[name], element(op.results[0]))
    if after is not None:
        yield Edit("another value", setting(op, name, after))


def _other(attribute: mlir.Attribute, element: mlir.Type) -> mlir.Attribute | None:
    """One more, 0 for what is not finite, the other truth value; in a table, the first entry of it alone."""
    if isinstance(attribute, (mlir.FloatAttr, mlir.IntegerAttr, mlir.BoolAttr)):
        return _other_scalar(attribute, element)
    if not isinstance(attribute, mlir.DenseElementsAttr):
        return None
    elements = attribute
    kind = mlir.RankedTensorType(elements.type)
    if elements.is_splat:
        scalar = _other_scalar(elements.get_splat_value(), element)
        return mlir.DenseElementsAttr.get_splat(kind, scalar) if scalar is not None else None
    if str(element) not in ("i32", "i64", "f32", "f64"):
        return None
    values = np.array(elements)
    if not values.size:
        return None
    flat = values.reshape(-1)
    flat[0] = flat[0] - 1 if flat[0] >= 1 else flat[0] + 1
    return mlir.DenseElementsAttr.get(values, type=kind)


def _other_scalar(attribute: mlir.Attribute, element: mlir.Type) -> mlir.Attribute | None:
    if isinstance(attribute, mlir.FloatAttr):
        value = mlir.FloatAttr(attribute).value
        other = value / 2 if abs(value) > 100 else value + 1
        return mlir.FloatAttr.get(element, other if np.isfinite(value) else 0.0)
    if str(element) == "i1":
        held = bool(mlir.BoolAttr(attribute).value if isinstance(attribute, mlir.BoolAttr) else attribute.value)
        return mlir.IntegerAttr.get(element, 0 if held else 1)
    if isinstance(attribute, mlir.IntegerAttr):
        value = mlir.IntegerAttr(attribute).value
        return mlir.IntegerAttr.get(element, value - 1 if value > 100 else value + 1)
    return None


# the accumulator truncated --------------------------------------------------------------------------------------------

_INTEGERS = {"i64": 32, "i32": 16}
"""Of an integer: the bits a truncated accumulator has."""
_SUMS = named(
    arith="addf addi mulf muli",
    complex="add mul",
    stablehlo="add multiply",
)
_TRUNCATED = named(
    tosa="reduce_sum reduce_product matmul conv2d conv3d depthwise_conv2d transpose_conv2d avg_pool2d",
    stablehlo="dot_general convolution",
)


def accumulator(op: mlir.Operation, shapes: Shapes) -> Iterator[Edit]:
    """A sum or product that keeps fewer digits than its type has."""
    if op.name in _TRUNCATED:
        if _truncates(op.operands[0], op.name):
            yield Edit("operand truncated", lambda: op.operands.__setitem__(0, _truncated(op, op.operands[0])))
    elif op.name in ("stablehlo.reduce", "stablehlo.reduce_window") or _reduces(op):
        (block,) = op.regions[0].blocks
        back = block.operations[len(block.operations) - 1]
        for i, value in enumerate(back.operands):
            owner = value.owner
            if not isinstance(owner, mlir.Block) and owner.name in _SUMS and _truncates(value, op.name):
                yield Edit(
                    "truncated",
                    lambda i=i, value=value: back.operands.__setitem__(i, _truncated(back, value)),  # type: ignore[misc]
                )


def _reduces(op: mlir.Operation) -> bool:
    return op.name == "linalg.generic" and "reduction" in str(op.attributes["iterator_types"])


def _truncates(value: mlir.Value, user: str) -> bool:
    """Whether there is a way to truncate it: TOSA has casts only."""
    known = ("f32", "i32") if user.startswith("tosa.") else (*DIGITS, *_INTEGERS)
    return str(element(value)) in known


def _truncated(before: mlir.Operation, value: mlir.Value) -> mlir.Value:
    """The value without the digits that a narrower accumulator would not have kept."""
    dialect, name = before.name.partition(".")[0], str(element(value))
    with mlir.InsertionPoint(before), before.location:
        if dialect == "tosa":
            return _through(value, mlir.BF16Type.get() if name == "f32" else signless(16), "tosa.cast", "tosa.cast")
        if name in _INTEGERS:
            casts = ("stablehlo.convert",) * 2 if dialect == "stablehlo" else ("arith.trunci", "arith.extsi")
            return _through(value, signless(_INTEGERS[name]), *casts)
        bits, exponent, lost = DIGITS[name]
        if name == "f64" and not _returns(before, name):
            lost += DIGITS["f32"][2]  # what is left would do for any result that is narrower
        if dialect == "stablehlo":
            kept = {"exponent_bits": exponent, "mantissa_bits": bits - 1 - exponent - lost}
            attributes = {key: mlir.IntegerAttr.get(signless(32), n) for key, n in kept.items()}
            return create("stablehlo.reduce_precision", value.type, value, **attributes)
        whole = signless(bits)
        mask = create("arith.constant", whole, value=mlir.IntegerAttr.get(whole, -(1 << lost)))
        seen = create("arith.bitcast", whole, value)
        return create("arith.bitcast", value.type, create("arith.andi", whole, seen, mask))


def _returns(op: mlir.Operation, name: str) -> bool:
    """Whether the function that the op is in has a result of this element type."""
    while op.name != "func.func":
        op = op.parent
    return any(
        name in str(kind) for kind in mlir.FunctionType(mlir.TypeAttr(op.attributes["function_type"]).value).results
    )


def _through(value: mlir.Value, narrow: mlir.Type, down: str, up: str) -> mlir.Value:
    return create(up, value.type, create(down, retyped(value.type, narrow), value))


# NaN forgotten --------------------------------------------------------------------------------------------------------

_QUIET = {"arith.maximumf": "arith.maxnumf", "arith.minimumf": "arith.minnumf"}
_WITHOUT_NAN = {"uno": "false", "ord": "true", "oeq": "ueq", "une": "one"}
_NAN_MODES = named(
    tosa="maximum minimum clamp reduce_max reduce_min argmax max_pool2d",
)


def nan(op: mlir.Operation, shapes: Shapes) -> Iterator[Edit]:
    """NaN not told from numbers, or not passed on."""
    if op.name in _QUIET:
        yield Edit("NaN ignored", lambda: renamed(op, _QUIET[op.name]))
    elif op.name == "arith.cmpf":
        before = _CMPF[mlir.IntegerAttr(op.attributes["predicate"]).value]
        after = _WITHOUT_NAN.get(before) or {"o": "u", "u": "o"}[before[0]] + before[1:]
        if after in _CMPF:
            yield Edit(f"{before} for {after}", setting(op, "predicate", i64(_CMPF.index(after))))
    elif op.name in _NAN_MODES and is_float(element(op.operands[0])):
        yield Edit("NaN ignored", setting(op, "nan_mode", mlir.Attribute.parse("#tosa.nan_mode<IGNORE>")))
    elif op.name in ("stablehlo.maximum", "stablehlo.minimum") and is_float(element(op.operands[0])):
        yield Edit("NaN ignored", lambda: _by_comparison(op))
    elif op.name == "stablehlo.compare" and op.operands[0] == op.operands[1] and is_float(element(op.operands[0])):
        direction = mlir.Attribute.parse("#stablehlo<comparison_direction LT>")
        yield Edit("NaN ignored", setting(op, "comparison_direction", direction))
    elif op.name == "tosa.equal" and op.operands[0] == op.operands[1] and static(op.results[0]) is not None:
        yield Edit("NaN ignored", lambda: becomes(op, _true(op)))


def _true(op: mlir.Operation) -> mlir.Value:
    with mlir.InsertionPoint(op), op.location:
        kind = op.results[0].type
        return create("tosa.const", kind, values=mlir.Attribute.parse(f"dense<true> : {kind}"))


def _by_comparison(op: mlir.Operation) -> None:
    """`max(a, b)` as `a > b ? a : b`, which is b where a is NaN."""
    one, other = op.operands
    direction = "GT" if op.name.endswith("maximum") else "LT"
    with mlir.InsertionPoint(op), op.location:
        truth = retyped(one.type, signless(1))
        how = {"comparison_direction": mlir.Attribute.parse(f"#stablehlo<comparison_direction {direction}>")}
        becomes(
            op,
            create("stablehlo.select", one.type, create("stablehlo.compare", truth, one, other, **how), one, other),
        )


# signed for unsigned --------------------------------------------------------------------------------------------------

_SIGNED = {
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
_BY_SIGN = named(
    stablehlo="convert divide remainder maximum minimum",
)


def sign(op: mlir.Operation, shapes: Shapes) -> Iterator[Edit]:
    """Unsigned integers taken as signed."""
    if op.name in _SIGNED:
        yield Edit("as if signed", lambda: _signed(op, _SIGNED[op.name]))
    elif op.name == "arith.cmpi":
        before = _CMPI[mlir.IntegerAttr(op.attributes["predicate"]).value]
        if before.startswith("u"):
            yield Edit("as if signed", setting(op, "predicate", i64(_CMPI.index("s" + before[1:]))))
    elif op.name in _BY_SIGN and str(element(op.operands[0])).startswith("ui"):
        yield Edit("as if signed", lambda: _bits_as_signed(op))
    elif op.name == "tosa.rescale":
        for name in ("input_unsigned", "output_unsigned"):
            if has(op, name) and mlir.BoolAttr(op.attributes[name]).value:
                yield Edit(f"{name} forgotten", setting(op, name, mlir.BoolAttr.get(False)))


def _signed(op: mlir.Operation, name: str) -> None:
    extra = {"round": mlir.BoolAttr.get(False)} if name.startswith("tosa.") else {}
    with mlir.InsertionPoint(op), op.location:
        becomes(op, create(name, op.results[0].type, *op.operands, **extra))


def _bits_as_signed(op: mlir.Operation) -> None:
    signed = signless(int(str(element(op.operands[0]))[2:]))
    with mlir.InsertionPoint(op), op.location:
        seen = [create("stablehlo.bitcast_convert", retyped(v.type, signed), v) for v in op.operands]
        if op.name == "stablehlo.convert":
            becomes(op, create(op.name, op.results[0].type, *seen))
            return
        result = create(op.name, seen[0].type, *seen)
        becomes(op, create("stablehlo.bitcast_convert", op.results[0].type, result))
