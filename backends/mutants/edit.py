"""An edit of one op, and what edits are made with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from torch_mlir import ir as mlir

from backends.executors.llvm_jit import create

Shapes = Sequence[Sequence[int]]
"""Those of the arguments at export."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A way to change one op: what it does, and what does it."""

    what: str
    apply: Callable[[], None]


Rule = Callable[[mlir.Operation, Shapes], Iterator[Edit]]


def named(**names: str) -> frozenset[str]:
    """`dialect.name` for each name of each dialect."""
    return frozenset(f"{dialect}.{name}" for dialect, found in names.items() for name in found.split())


DIGITS = {"f64": (64, 11, 29), "f32": (32, 8, 16), "f16": (16, 5, 5), "bf16": (16, 8, 4)}
"""Of a float: its bits, those of its exponent, and how many of its last ones a truncated accumulator lacks."""


def becomes(op: mlir.Operation, value: mlir.Value) -> None:
    """Let everything that uses the op's result use this value."""
    op.results[0].replace_all_uses_with(value)


def setting(op: mlir.Operation, name: str, value: mlir.Attribute) -> Callable[[], None]:
    """Sets an attribute of the op, when called."""
    return lambda: op.attributes.__setitem__(name, value)


def has(op: mlir.Operation, name: str) -> bool:
    """Whether the op has the attribute."""
    return name in op.attributes


def element(value: mlir.Value) -> mlir.Type:
    """The element type of a tensor, or the type of a scalar."""
    kind = value.type
    return kind.element_type if isinstance(kind, mlir.ShapedType) else kind


def is_float(kind: mlir.Type) -> bool:
    """Whether it is a float type whose digits are known."""
    return str(kind) in DIGITS


def static(value: mlir.Value) -> list[int] | None:
    """The sizes of a tensor, None where one is unknown."""
    if not isinstance(value.type, mlir.RankedTensorType) or not mlir.RankedTensorType(value.type).has_static_shape:
        return None
    return list(mlir.RankedTensorType(value.type).shape)


def integers(attribute: mlir.Attribute) -> list[int]:
    """The values of a dense or array attribute of integers."""
    if isinstance(attribute, mlir.DenseI64ArrayAttr):
        return list(attribute)
    return [int(x) for x in np.array(mlir.DenseIntElementsAttr(attribute)).reshape(-1)]


def like(attribute: mlir.Attribute, values: Sequence[int]) -> mlir.Attribute:
    """The values as an attribute of the same form."""
    if isinstance(attribute, mlir.DenseI64ArrayAttr):
        return mlir.DenseI64ArrayAttr.get(list(values))
    kind = mlir.DenseElementsAttr(attribute).type
    return mlir.Attribute.parse(f"dense<{_nested(values, list(kind.shape))}> : {kind}")


def _nested(values: Sequence[int], shape: Sequence[int]) -> str:
    return str(np.array(values, dtype=np.int64).reshape(shape).tolist())


def changed(values: Sequence[int], at: int, by: int) -> list[int]:
    """The values, the one at this index changed by so much."""
    return [value + by if i == at else value for i, value in enumerate(values)]


def i64(value: int) -> mlir.Attribute:
    """An integer attribute, as predicates are."""
    return mlir.IntegerAttr.get(signless(64), value)


def renamed(op: mlir.Operation, name: str) -> None:
    """Let an op of another name take the op's place, on the same operands."""
    with mlir.InsertionPoint(op), op.location:
        becomes(op, create(name, op.results[0].type, *op.operands))


def signless(bits: int) -> mlir.Type:
    """The signless integer type of so many bits."""
    return mlir.IntegerType.get_signless(bits)


def retyped(kind: mlir.Type, elements: mlir.Type) -> mlir.Type:
    """The type with other elements, tensor or scalar."""
    if isinstance(kind, mlir.RankedTensorType):
        return mlir.RankedTensorType.get(list(mlir.RankedTensorType(kind).shape), elements)
    return elements


def shape_constant(value: mlir.Value) -> mlir.Operation | None:
    """The `tosa.const_shape` that makes the value, if one does."""
    owner = value.owner
    return owner if not isinstance(owner, mlir.Block) and owner.name == "tosa.const_shape" else None


def with_shape(op: mlir.Operation, operand: int, values: Sequence[int]) -> Callable[[], None]:
    """Give the op another constant for this operand; others may use the old one."""

    def apply() -> None:
        with mlir.InsertionPoint(op), op.location:
            attribute = mlir.Attribute.parse(f"dense<{list(values)}> : tensor<{len(values)}xindex>")
            op.operands[operand] = create("tosa.const_shape", op.operands[operand].type, values=attribute)

    return apply
