"""Mutators of the values that are computed: operand order, an operation left out, predicates, constants."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from torch_mlir import ir as mlir

from harness.mutation.toolbox import Shapes

from .edit import (
    CMPF,
    CMPI,
    Edit,
    attribute_setter,
    element_type,
    i64,
    op_names,
    replace_op,
    replace_result,
)

# swap: operands in the wrong order ------------------------------------------------------------------------------------

_ORDERED = op_names(
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
    """Swap the first two operands of an operation whose order matters; of a select, its two values."""
    first = 1 if op.name in _SELECTS else 0
    if op.name not in _ORDERED | _SELECTS or len(op.operands) < first + 2:
        return
    one, other = op.operands[first], op.operands[first + 1]
    if element_type(one) == element_type(other) and one != other:  # operands of different sizes may verify, too

        def apply() -> None:
            op.operands[first], op.operands[first + 1] = other, one

        yield Edit("operands swapped", apply)


# drop: an operation left out ------------------------------------------------------------------------------------------

_DROPPED = op_names(
    arith="negf maximumf minimumf maxnumf minnumf maxsi minsi maxui minui select",
    math="absf absi",
    complex="neg",
    linalg="negf abs max min",
    tosa="negate clamp maximum minimum abs logical_not bitwise_not select",
    stablehlo="negate clamp maximum minimum abs not select",
)
_KEPT_OPERANDS = {"stablehlo.clamp": (1,), **dict.fromkeys(_SELECTS, (1, 2))}
_TWO_SIDED = ("max", "min")


def drop(op: mlir.Operation, shapes: Shapes) -> Iterator[Edit]:
    """Leave out a negation, clamp, maximum, minimum, absolute value or select: use one of its operands instead."""
    if op.name not in _DROPPED:
        return
    kept = _KEPT_OPERANDS.get(op.name, (0, 1) if any(side in op.name for side in _TWO_SIDED) else (0,))
    for i in kept:
        if op.operands[i].type == op.results[0].type:
            yield Edit(f"left out for operand {i}", lambda i=i: replace_result(op, op.operands[i]))  # type: ignore[misc]


# predicate: the wrong comparison --------------------------------------------------------------------------------------

_NEXT = {"lt": "le", "le": "lt", "gt": "ge", "ge": "gt"}


def _neighbour(predicate: str) -> str | None:
    """Return the predicate that differs where both sides are equal; `eq` becomes `ge`, and `ne` becomes `lt`.

    None for the predicates that compare nothing (`false`, `ord`, `uno`, `true`).
    """
    sign, rest = (predicate[0], predicate[1:]) if len(predicate) == 3 else ("", predicate)
    if rest in _NEXT:
        return sign + _NEXT[rest]
    return {"eq": (sign or "s") + "ge", "ne": (sign or "s") + "lt"}.get(rest)


def predicate(op: mlir.Operation, shapes: Shapes) -> Iterator[Edit]:
    """Compare with the neighbouring predicate."""
    match op.name:
        case "arith.cmpi" | "arith.cmpf":
            names = CMPI if op.name == "arith.cmpi" else CMPF
            before = names[mlir.IntegerAttr(op.attributes["predicate"]).value]
            after = _neighbour(before)
            if after in names:
                yield Edit(f"{before} for {after}", attribute_setter(op, "predicate", i64(names.index(after))))
        case "stablehlo.compare":
            before = str(op.attributes["comparison_direction"]).split()[-1].rstrip(">")
            after = _neighbour(before.lower())
            if after:
                direction = mlir.Attribute.parse(f"#stablehlo<comparison_direction {after[-2:].upper()}>")
                yield Edit(
                    f"{before} for {after[-2:].upper()}", attribute_setter(op, "comparison_direction", direction)
                )
        case "tosa.greater" | "tosa.greater_equal" | "tosa.equal":
            after = "tosa.greater" if op.name == "tosa.greater_equal" else "tosa.greater_equal"
            if str(element_type(op.operands[0])) != "i1":
                yield Edit(f"{after.removeprefix('tosa.')} instead", lambda: replace_op(op, after))


# constant: another value ----------------------------------------------------------------------------------------------

_CONSTANTS = {"arith.constant": "value", "tosa.const": "values", "stablehlo.constant": "value"}


def constant(op: mlir.Operation, shapes: Shapes) -> Iterator[Edit]:
    """Give a constant another value; constants of index type are left alone."""
    name = _CONSTANTS.get(op.name)
    if name is None or "index" in str(op.results[0].type):
        return
    after = _other_value(op.attributes[name], element_type(op.results[0]))
    if after is not None:
        yield Edit("another value", attribute_setter(op, name, after))


def _other_value(attribute: mlir.Attribute, element: mlir.Type) -> mlir.Attribute | None:
    """Return another value of the same type, None where there is none.

    A scalar and a splat change as `_other_scalar` says. Of a table of i32, i64, f32 or f64 the first entry changes by
    one, towards 0 if it is at least 1.
    """
    if isinstance(attribute, (mlir.FloatAttr, mlir.IntegerAttr, mlir.BoolAttr)):
        return _other_scalar(attribute, element)
    if not isinstance(attribute, mlir.DenseElementsAttr):
        return None
    kind = mlir.RankedTensorType(attribute.type)
    if attribute.is_splat:
        scalar = _other_scalar(attribute.get_splat_value(), element)
        return mlir.DenseElementsAttr.get_splat(kind, scalar) if scalar is not None else None
    if str(element) not in ("i32", "i64", "f32", "f64"):
        return None
    values = np.array(attribute)
    if not values.size:
        return None
    flat = values.reshape(-1)
    flat[0] = flat[0] - 1 if flat[0] >= 1 else flat[0] + 1
    return mlir.DenseElementsAttr.get(values, type=kind)


def _other_scalar(attribute: mlir.Attribute, element: mlir.Type) -> mlir.Attribute | None:
    """Return the value plus one; None if it is no float or integer.

    A float above 100 in magnitude is halved, an integer above 100 is decremented, NaN and infinities become 0, and an
    i1 is negated.
    """
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
