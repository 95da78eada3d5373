"""An edit of one operation, and the helpers that mutators build edits with."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from torch_mlir import ir as mlir

from backends.executors.llvm_jit import create
from harness.mutation.toolbox import Shapes


@dataclass(frozen=True, slots=True)
class Edit:
    """One way to change an operation: `what` describes it, `apply` does it in place."""

    what: str
    apply: Callable[[], None]


Mutator = Callable[[mlir.Operation, Shapes], Iterator[Edit]]
"""Yields the edits of one kind that can be made at an operation, given the shapes of `main`'s arguments at export."""

FLOATS = {"f64": (64, 11, 29), "f32": (32, 8, 16), "f16": (16, 5, 5), "bf16": (16, 8, 4)}
"""For each float type: its bits, the bits of its exponent, and how many low bits a truncated accumulator lacks."""
CMPI = ("eq", "ne", "slt", "sle", "sgt", "sge", "ult", "ule", "ugt", "uge")
"""The predicates of arith.cmpi, in the order of arith::CmpIPredicate."""
CMPF = (
    *("false", "oeq", "ogt", "oge", "olt", "ole", "one", "ord"),
    *("ueq", "ugt", "uge", "ult", "ule", "une", "uno", "true"),
)
"""The predicates of arith.cmpf, in the order of arith::CmpFPredicate."""

# names and types ------------------------------------------------------------------------------------------------------


def op_names(**names: str) -> frozenset[str]:
    """Return `dialect.name` for each of the names that are listed, separated by spaces, for each dialect."""
    return frozenset(f"{dialect}.{name}" for dialect, listed in names.items() for name in listed.split())


SUMS = op_names(arith="addf addi mulf muli", complex="add mul", stablehlo="add multiply")
"""Sums and products."""


def element_type(value: mlir.Value) -> mlir.Type:
    """Return the element type of a tensor, or the type of a scalar."""
    kind = value.type
    return kind.element_type if isinstance(kind, mlir.ShapedType) else kind


def is_float(kind: mlir.Type) -> bool:
    """Whether the type is one of `FLOATS`."""
    return str(kind) in FLOATS


def signless(bits: int) -> mlir.Type:
    """Return the signless integer type of this many bits."""
    return mlir.IntegerType.get_signless(bits)


def with_elements(kind: mlir.Type, elements: mlir.Type) -> mlir.Type:
    """Return the tensor type with another element type; of a scalar type, the element type itself."""
    if isinstance(kind, mlir.RankedTensorType):
        return mlir.RankedTensorType.get(list(mlir.RankedTensorType(kind).shape), elements)
    return elements


def static_sizes(value: mlir.Value) -> list[int] | None:
    """Return the sizes of a tensor; None if one of them is dynamic, or if the value is no ranked tensor."""
    if not isinstance(value.type, mlir.RankedTensorType) or not mlir.RankedTensorType(value.type).has_static_shape:
        return None
    return list(mlir.RankedTensorType(value.type).shape)


def is_summed_in_any_order(
    op: mlir.Operation, maps: Sequence[mlir.AffineMap], operand: int, pair: tuple[int, int]
) -> bool:
    """Whether the operation sums over both dims and nothing else depends on them: then to exchange them is right."""
    loops = re.findall(r"iterator_type<(\w+)>", str(op.attributes["iterator_types"]))
    dims = {str(maps[operand].results[i]) for i in pair}
    elsewhere = [str(result) for i, map in enumerate(maps) if i != operand for result in map.results]
    (block,) = op.regions[0].blocks
    *body, end = block.operations
    return (
        dims <= {f"d{i}" for i, loop in enumerate(loops) if loop == "reduction"}
        and dims.isdisjoint(re.findall(r"d\d+", " ".join(elsewhere)))
        and all(not isinstance(value.owner, mlir.Block) and value.owner.name in SUMS for value in end.operands)
        and all(each.name != "linalg.index" for each in body)
    )


# attributes -----------------------------------------------------------------------------------------------------------


def has_attribute(op: mlir.Operation, name: str) -> bool:
    """Whether the operation has an attribute of this name."""
    return name in op.attributes


def attribute_setter(op: mlir.Operation, name: str, value: mlir.Attribute) -> Callable[[], None]:
    """Return a function that sets an attribute of the operation."""
    return lambda: op.attributes.__setitem__(name, value)


def i64(value: int) -> mlir.Attribute:
    """Return an i64 attribute, the form that arith keeps its predicates in."""
    return mlir.IntegerAttr.get(signless(64), value)


def integers(attribute: mlir.Attribute) -> list[int]:
    """Return the values of a dense or array attribute of integers, flattened."""
    if isinstance(attribute, mlir.DenseI64ArrayAttr):
        return list(attribute)
    return [int(x) for x in np.array(mlir.DenseIntElementsAttr(attribute)).reshape(-1)]


def attribute_like(attribute: mlir.Attribute, values: Sequence[int]) -> mlir.Attribute:
    """Return the values as an attribute of the same form and type as this one."""
    if isinstance(attribute, mlir.DenseI64ArrayAttr):
        return mlir.DenseI64ArrayAttr.get(list(values))
    kind = mlir.DenseElementsAttr(attribute).type
    return mlir.Attribute.parse(f"dense<{_nested(values, list(kind.shape))}> : {kind}")


def _nested(values: Sequence[int], shape: Sequence[int]) -> str:
    return str(np.array(values, dtype=np.int64).reshape(shape).tolist())


def incremented(values: Sequence[int], at: int, by: int) -> list[int]:
    """Return the values with `by` added to the one at index `at`."""
    return [value + by if i == at else value for i, value in enumerate(values)]


# operations -----------------------------------------------------------------------------------------------------------


def replace_result(op: mlir.Operation, value: mlir.Value) -> None:
    """Make every user of the operation's result use this value instead."""
    op.results[0].replace_all_uses_with(value)


def replace_op(op: mlir.Operation, name: str) -> None:
    """Replace the operation by one of another name on the same operands."""
    with mlir.InsertionPoint(op), op.location:
        replace_result(op, create(name, op.results[0].type, *op.operands))


def shape_constant(value: mlir.Value) -> mlir.Operation | None:
    """Return the `tosa.const_shape` that defines the value; None if another operation does."""
    owner = value.owner
    return owner if not isinstance(owner, mlir.Block) and owner.name == "tosa.const_shape" else None


def shape_setter(op: mlir.Operation, operand: int, values: Sequence[int]) -> Callable[[], None]:
    """Return a function that gives the operation a new `tosa.const_shape` for this operand.

    The old constant is left as it is, since other operations may use it.
    """

    def apply() -> None:
        with mlir.InsertionPoint(op), op.location:
            attribute = mlir.Attribute.parse(f"dense<{list(values)}> : tensor<{len(values)}xindex>")
            op.operands[operand] = create("tosa.const_shape", op.operands[operand].type, values=attribute)

    return apply
