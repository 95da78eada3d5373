"""Mistakes in where a value is read from, or put."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from torch_mlir import ir as mlir

from backends.executors.llvm_jit import create, integer_of

from .edit import (
    Edit,
    Shapes,
    becomes,
    changed,
    element,
    has,
    integers,
    is_float,
    like,
    setting,
    shape_constant,
    static,
    with_shape,
)

# off by one -----------------------------------------------------------------------------------------------------------


def offset(op: mlir.Operation, shapes: Shapes) -> Iterator[Edit]:
    """Off by one: a slice, a padding, a stride, a dilation, an index."""
    match op.name:
        case "tensor.extract_slice" | "tensor.insert_slice":
            yield from _moved_slice(op)
        case "tensor.pad":
            yield from _moved_pad(op, "static_low", "static_high")
        case "stablehlo.pad":
            yield from _moved_pad(op, "edge_padding_low", "edge_padding_high", least=-99)
        case "stablehlo.slice":
            yield from _moved_hlo_slice(op)
        case "stablehlo.convolution" | "stablehlo.reduce_window":
            yield from _moved_window(op)
        case "tosa.slice":
            yield from _moved_tosa_slice(op)
        case "tosa.pad":
            yield from _moved_tosa_pad(op)
        case "linalg.index":
            yield Edit("one more", lambda: _one_more(op, "arith.addi", "1 : index"))
        case "stablehlo.iota":
            kind = op.results[0].type
            if not isinstance(element(op.results[0]), mlir.ComplexType):
                one = "1.0" if is_float(element(op.results[0])) else "1"
                yield Edit("one more", lambda: _one_more(op, "stablehlo.add", f"dense<{one}> : {kind}"))
        case _ if op.name.startswith("tosa.") and has(op, "pad"):
            yield from _moved_tosa_window(op)
        case _ if op.name.startswith("linalg.") and has(op, "strides") and has(op, "dilations"):
            yield from _narrower_window(op)


def _one_more(op: mlir.Operation, add: str, one: str) -> None:
    uses = [(use.owner, use.operand_number) for use in op.results[0].uses]
    kind = op.results[0].type
    constant = "stablehlo.constant" if add.startswith("stablehlo.") else "arith.constant"
    with mlir.InsertionPoint.after(op), op.location:
        more = create(add, kind, op.results[0], create(constant, kind, value=mlir.Attribute.parse(one)))
    for owner, number in uses:
        owner.operands[number] = more


def _moved_slice(op: mlir.Operation) -> Iterator[Edit]:
    """The window one further, or one less far where it ends at the end."""
    whole = op.operands[0] if op.name == "tensor.extract_slice" else op.operands[1]
    offsets, sizes, strides = (integers(op.attributes[f"static_{n}"]) for n in ("offsets", "sizes", "strides"))
    shape = list(mlir.RankedTensorType(whole.type).shape)
    for i, (offset, size, stride, dim) in enumerate(zip(offsets, sizes, strides, shape, strict=True)):
        if offset < 0 or size <= 0 or size == dim:  # an operand says it, or there is no room
            continue
        by = 1 if dim < 0 or offset + (size - 1) * stride + 1 < dim else -1
        if offset + by >= 0:
            moved = mlir.DenseI64ArrayAttr.get(changed(offsets, i, by))
            yield Edit("from one off", setting(op, "static_offsets", moved))


def _moved_pad(op: mlir.Operation, low: str, high: str, least: int = 0) -> Iterator[Edit]:
    before, after = integers(op.attributes[low]), integers(op.attributes[high])
    for i, (a, b) in enumerate(zip(before, after, strict=True)):
        if max(a, b) <= 0 or min(a, b) < -99:
            continue
        by = 1 if b - 1 >= least else -1
        if a + by < least:
            continue
        new = like(op.attributes[low], changed(before, i, by)), like(op.attributes[high], changed(after, i, -by))

        def apply(new: tuple[mlir.Attribute, mlir.Attribute] = new) -> None:
            op.attributes[low], op.attributes[high] = new

        yield Edit("one from the other side", apply)


def _moved_hlo_slice(op: mlir.Operation) -> Iterator[Edit]:
    starts, limits, strides = (integers(op.attributes[n]) for n in ("start_indices", "limit_indices", "strides"))
    shape = static(op.operands[0])
    for i, dim in enumerate(shape or ()):
        size = -(-(limits[i] - starts[i]) // strides[i])
        if size <= 0 or size == dim:
            continue
        by = 1 if starts[i] + (size - 1) * strides[i] + 1 < dim else -1
        if starts[i] + by >= 0:
            yield Edit("from one off", _sliced(op, i, starts[i] + by, size, strides[i]))
        if strides[i] > 1 and size > 1:
            yield Edit("stride one less", _sliced(op, i, starts[i], size, strides[i] - 1))


def _sliced(op: mlir.Operation, i: int, start: int, size: int, stride: int) -> Callable[[], None]:
    def apply() -> None:
        for name, value in (
            ("start_indices", start),
            ("limit_indices", start + (size - 1) * stride + 1),
            ("strides", stride),
        ):
            values = integers(op.attributes[name])
            op.attributes[name] = mlir.DenseI64ArrayAttr.get([*values[:i], value, *values[i + 1 :]])

    return apply


def _moved_window(op: mlir.Operation) -> Iterator[Edit]:
    """Windows of StableHLO: the padding from one side to the other; a stride one less, the padding made up for."""
    if not has(op, "padding"):
        return
    padding = integers(op.attributes["padding"])
    strides = integers(op.attributes["window_strides"]) if has(op, "window_strides") else [1] * (len(padding) // 2)
    out = _windows(op)
    for i, stride in enumerate(strides):
        low, high = 2 * i, 2 * i + 1
        if padding[low] + padding[high] > 0:
            moved = changed(changed(padding, low, 1), high, -1)
            yield Edit("padded from the other side", setting(op, "padding", like(op.attributes["padding"], moved)))
        if stride > 1 and out and out[i] > 1:
            padded = like(op.attributes["padding"], changed(padding, high, -(out[i] - 1)))
            smaller = mlir.DenseI64ArrayAttr.get(changed(strides, i, -1))

            def apply(padded: mlir.Attribute = padded, smaller: mlir.Attribute = smaller) -> None:
                op.attributes["padding"], op.attributes["window_strides"] = padded, smaller

            yield Edit("stride one less", apply)


def _windows(op: mlir.Operation) -> list[int] | None:
    """How many windows there are along each dim."""
    shape = static(op.results[0])
    if op.name == "stablehlo.reduce_window" or shape is None:
        return shape
    spelled = str(op.attributes["dimension_numbers"]).rpartition("->")[2].strip("[]> ").split(", ")
    return [shape[spelled.index(str(i))] for i in range(len(spelled) - 2)]


def _moved_tosa_slice(op: mlir.Operation) -> Iterator[Edit]:
    constant, shape, size = shape_constant(op.operands[1]), static(op.operands[0]), static(op.results[0])
    if constant is None or shape is None or size is None:
        return
    starts = integers(constant.attributes["values"])
    for i, start in enumerate(starts):
        by = 1 if start + size[i] < shape[i] else -1
        if start + by >= 0 and size[i] < shape[i]:
            yield Edit("from one off", with_shape(op, 1, changed(starts, i, by)))


def _moved_tosa_pad(op: mlir.Operation) -> Iterator[Edit]:
    constant = shape_constant(op.operands[1])
    padding = integers(constant.attributes["values"]) if constant is not None else []
    for i in range(0, len(padding), 2):
        if padding[i] + padding[i + 1] > 0:
            by = 1 if padding[i + 1] else -1
            moved = changed(changed(padding, i, by), i + 1, -by)
            yield Edit("one from the other side", with_shape(op, 1, moved))


def _moved_tosa_window(op: mlir.Operation) -> Iterator[Edit]:
    padding = integers(op.attributes["pad"])
    for i in range(0, len(padding), 2):
        if padding[i] + padding[i + 1] > 0:
            by = 1 if padding[i + 1] else -1
            moved = mlir.DenseI64ArrayAttr.get(changed(changed(padding, i, by), i + 1, -by))
            yield Edit("padded from the other side", setting(op, "pad", moved))


def _narrower_window(op: mlir.Operation) -> Iterator[Edit]:
    for name in ("strides", "dilations"):
        values = integers(op.attributes[name])
        for i, value in enumerate(values):
            if value > 1:
                smaller = like(op.attributes[name], changed(values, i, -1))
                yield Edit(f"{name[:-1]} one less", setting(op, name, smaller))


# dims of equal size transposed ----------------------------------------------------------------------------------------


def transpose(op: mlir.Operation, shapes: Shapes) -> Iterator[Edit]:
    """Two dims of one size exchanged: in a transpose, a broadcast, what a linalg op or a product reads."""
    match op.name:
        case "linalg.generic":
            yield from _transposed_reads(op)
        case "tosa.transpose":
            yield from _transposed(op, "perms", op.results[0])
        case "stablehlo.transpose":
            yield from _transposed(op, "permutation", op.results[0])
        case "stablehlo.broadcast_in_dim":
            yield from _transposed(op, "broadcast_dimensions", op.operands[0])
        case "tosa.matmul" | "stablehlo.dot_general" | "stablehlo.convolution" | "tosa.conv2d":
            for i in range(2):
                shape = static(op.operands[i])
                pair = _equal(shape or ())
                if pair and shape:
                    yield Edit(f"operand {i} transposed", _transposing(op, i, len(shape), pair))


def _equal(sizes: Sequence[int]) -> tuple[int, int] | None:
    """The last two dims of equal size, larger than 1, of a tensor that has elements."""
    pairs = [(i, j) for j in range(len(sizes)) for i in range(j) if sizes[i] == sizes[j] > 1]
    return pairs[-1] if pairs and 0 not in sizes else None


def _transposed(op: mlir.Operation, name: str, value: mlir.Value) -> Iterator[Edit]:
    order = [int(x) for x in op.attributes[name]]
    pair = _equal(static(value) or ())
    if pair:
        i, j = pair
        order[i], order[j] = order[j], order[i]
        now = mlir.DenseI32ArrayAttr if name == "perms" else mlir.DenseI64ArrayAttr
        yield Edit("two dims of one size exchanged", setting(op, name, now.get(order)))


def _transposing(op: mlir.Operation, operand: int, rank: int, pair: tuple[int, int]) -> Callable[[], None]:
    def apply() -> None:
        order = list(range(rank))
        order[pair[0]], order[pair[1]] = order[pair[1]], order[pair[0]]
        dialect = op.name.partition(".")[0]
        value = op.operands[operand]
        attributes = (
            {"perms": mlir.DenseI32ArrayAttr.get(order)}
            if dialect == "tosa"
            else {"permutation": mlir.DenseI64ArrayAttr.get(order)}
        )
        with mlir.InsertionPoint(op), op.location:
            op.operands[operand] = create(f"{dialect}.transpose", value.type, value, **attributes)

    return apply


def _transposed_reads(op: mlir.Operation) -> Iterator[Edit]:
    """An input of a linalg op read with two dims of one size exchanged, where the others are not read alike."""
    maps = [mlir.AffineMapAttr(a).value for a in mlir.ArrayAttr(op.attributes["indexing_maps"])]
    for i, (value, map) in enumerate(zip(op.operands, maps, strict=True)):
        pair = _equal(static(value) or ()) if i < len(maps) - len(op.results) else None
        if pair is None:
            continue
        results = list(map.results)
        results[pair[0]], results[pair[1]] = results[pair[1]], results[pair[0]]
        now = [*maps[:i], mlir.AffineMap.get(map.n_dims, map.n_symbols, results), *maps[i + 1 :]]
        attribute = mlir.ArrayAttr.get([mlir.AffineMapAttr.get(m) for m in now])
        yield Edit(f"operand {i} transposed", setting(op, "indexing_maps", attribute))


# a dynamic size frozen ------------------------------------------------------------------------------------------------


def freeze(op: mlir.Operation, shapes: Shapes) -> Iterator[Edit]:
    """A size of an argument as it was at export, wherever this op asks for it; for TOSA, the argument's own type."""
    match op.name:
        case "tensor.dim":
            shape, at = _at_export(op.operands[0], shapes), integer_of(op.operands[1])
            if shape is not None and at is not None:
                yield Edit("size of export", _sized(op, f"{shape[at]} : index"))
        case "shape.shape_of":
            shape = _at_export(op.operands[0], shapes)
            if shape and isinstance(op.results[0].type, mlir.RankedTensorType):
                yield Edit("size of export", _sized(op, f"dense<{list(shape)}> : tensor<{len(shape)}xindex>"))
        case "stablehlo.get_dimension_size":
            shape = _at_export(op.operands[0], shapes)
            if shape is not None:
                size = shape[mlir.IntegerAttr(op.attributes["dimension"]).value]
                yield Edit("size of export", _sized(op, f"dense<{size}> : {op.results[0].type}"))
        case "tosa.reshape":
            constant, shape = shape_constant(op.operands[1]), _at_export(op.operands[0], shapes)
            values = integers(constant.attributes["values"]) if constant is not None else []
            if shape and values.count(-1) == 1:
                rest = -int(np.prod(values))
                size = int(np.prod(shape)) // rest if rest else 0
                frozen = [size if value == -1 else value for value in values]
                yield Edit("size of export", with_shape(op, 1, frozen))


def _at_export(value: mlir.Value, shapes: Shapes) -> Sequence[int] | None:
    return shapes[value.arg_number] if isinstance(value, mlir.BlockArgument) else None


def _sized(op: mlir.Operation, value: str) -> Callable[[], None]:
    name = "stablehlo.constant" if op.name.startswith("stablehlo.") else "arith.constant"

    def apply() -> None:
        with mlir.InsertionPoint(op), op.location:
            becomes(op, create(name, op.results[0].type, value=mlir.Attribute.parse(value)))

    return apply
