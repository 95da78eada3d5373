"""Mutators of the place that a value is read from or written to: offsets, windows, dims, dynamic sizes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from torch_mlir import ir as mlir

from backends.executors.llvm_jit import create, integer_of
from harness.mutation.toolbox import Shapes

from .edit import (
    Edit,
    attribute_like,
    attribute_setter,
    element_type,
    has_attribute,
    incremented,
    integers,
    is_float,
    is_summed_in_any_order,
    replace_result,
    shape_constant,
    shape_setter,
    static_sizes,
)

# offset: off by one ---------------------------------------------------------------------------------------------------


def offset(op: mlir.Operation, shapes: Shapes) -> Iterator[Edit]:
    """Change a slice, padding, stride, dilation or index by one."""
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
            if not isinstance(element_type(op.results[0]), mlir.ComplexType):
                one = "1.0" if is_float(element_type(op.results[0])) else "1"
                yield Edit("one more", lambda: _one_more(op, "stablehlo.add", f"dense<{one}> : {kind}"))
        case _ if op.name.startswith("tosa.") and has_attribute(op, "pad"):
            yield from _moved_tosa_window(op)
        case _ if op.name.startswith("linalg.") and has_attribute(op, "strides") and has_attribute(op, "dilations"):
            yield from _narrower_window(op)


def _one_more(op: mlir.Operation, add: str, one: str) -> None:
    """Add the constant `one` to the operation's result wherever it is used, by the operation `add`."""
    uses = [(use.owner, use.operand_number) for use in op.results[0].uses]
    kind = op.results[0].type
    constant = "stablehlo.constant" if add.startswith("stablehlo.") else "arith.constant"
    with mlir.InsertionPoint.after(op), op.location:
        more = create(add, kind, op.results[0], create(constant, kind, value=mlir.Attribute.parse(one)))
    for owner, number in uses:
        owner.operands[number] = more


def _moved_slice(op: mlir.Operation) -> Iterator[Edit]:
    """Move the slice one element up; one down if it ends at the end of its dim."""
    whole = op.operands[0] if op.name == "tensor.extract_slice" else op.operands[1]
    offsets, sizes, strides = (integers(op.attributes[f"static_{n}"]) for n in ("offsets", "sizes", "strides"))
    shape = list(mlir.RankedTensorType(whole.type).shape)
    for i, (offset, size, stride, dim) in enumerate(zip(offsets, sizes, strides, shape, strict=True)):
        if offset < 0 or size <= 0 or size == dim:  # the offset or size is an operand, or the slice is the whole dim
            continue
        by = 1 if dim < 0 or offset + (size - 1) * stride + 1 < dim else -1
        if offset + by >= 0:
            moved = mlir.DenseI64ArrayAttr.get(incremented(offsets, i, by))
            yield Edit("from one off", attribute_setter(op, "static_offsets", moved))


def _moved_pad(op: mlir.Operation, low: str, high: str, least: int = 0) -> Iterator[Edit]:
    """Move one element of padding from one side to the other; neither side gets less than `least`."""
    before, after = integers(op.attributes[low]), integers(op.attributes[high])
    for i, (a, b) in enumerate(zip(before, after, strict=True)):
        if max(a, b) <= 0 or min(a, b) < -99:
            continue
        by = 1 if b - 1 >= least else -1
        if a + by < least:
            continue
        new = (
            attribute_like(op.attributes[low], incremented(before, i, by)),
            attribute_like(op.attributes[high], incremented(after, i, -by)),
        )

        def apply(new: tuple[mlir.Attribute, mlir.Attribute] = new) -> None:
            op.attributes[low], op.attributes[high] = new

        yield Edit("one from the other side", apply)


def _moved_hlo_slice(op: mlir.Operation) -> Iterator[Edit]:
    """Move the slice by one element, or make its stride one less at the same size."""
    starts, limits, strides = (integers(op.attributes[n]) for n in ("start_indices", "limit_indices", "strides"))
    shape = static_sizes(op.operands[0])
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
    """Return a function that slices dim `i` of a `stablehlo.slice` from `start`, at this size and stride."""

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
    """Move one element of padding to the other side, or make a stride one less.

    With the smaller stride there is less padding at the end, so that the number of windows stays the same.
    """
    if not has_attribute(op, "padding"):
        return
    padding = integers(op.attributes["padding"])
    strides = (
        integers(op.attributes["window_strides"]) if has_attribute(op, "window_strides") else [1] * (len(padding) // 2)
    )
    out = _windows(op)
    for i, stride in enumerate(strides):
        low, high = 2 * i, 2 * i + 1
        if padding[low] + padding[high] > 0:
            moved = incremented(incremented(padding, low, 1), high, -1)
            yield Edit(
                "padded from the other side",
                attribute_setter(op, "padding", attribute_like(op.attributes["padding"], moved)),
            )
        if stride > 1 and out and out[i] > 1:
            padded = attribute_like(op.attributes["padding"], incremented(padding, high, -(out[i] - 1)))
            smaller = mlir.DenseI64ArrayAttr.get(incremented(strides, i, -1))

            def apply(padded: mlir.Attribute = padded, smaller: mlir.Attribute = smaller) -> None:
                op.attributes["padding"], op.attributes["window_strides"] = padded, smaller

            yield Edit("stride one less", apply)


def _windows(op: mlir.Operation) -> list[int] | None:
    """Return how many windows there are along each dim; None if a size is dynamic."""
    shape = static_sizes(op.results[0])
    if op.name == "stablehlo.reduce_window" or shape is None:
        return shape
    spelled = str(op.attributes["dimension_numbers"]).rpartition("->")[2].strip("[]> ").split(", ")
    return [shape[spelled.index(str(i))] for i in range(len(spelled) - 2)]


def _moved_tosa_slice(op: mlir.Operation) -> Iterator[Edit]:
    """Move the slice one element up; one down if it ends at the end of its dim."""
    constant, shape, size = shape_constant(op.operands[1]), static_sizes(op.operands[0]), static_sizes(op.results[0])
    if constant is None or shape is None or size is None:
        return
    starts = integers(constant.attributes["values"])
    for i, start in enumerate(starts):
        by = 1 if start + size[i] < shape[i] else -1
        if start + by >= 0 and size[i] < shape[i]:
            yield Edit("from one off", shape_setter(op, 1, incremented(starts, i, by)))


def _moved_tosa_pad(op: mlir.Operation) -> Iterator[Edit]:
    """Move one element of a `tosa.pad` from one side to the other."""
    constant = shape_constant(op.operands[1])
    padding = integers(constant.attributes["values"]) if constant is not None else []
    for i in range(0, len(padding), 2):
        if padding[i] + padding[i + 1] > 0:
            by = 1 if padding[i + 1] else -1
            moved = incremented(incremented(padding, i, by), i + 1, -by)
            yield Edit("one from the other side", shape_setter(op, 1, moved))


def _moved_tosa_window(op: mlir.Operation) -> Iterator[Edit]:
    """Move one element of a convolution's or pooling's padding from one side to the other."""
    padding = integers(op.attributes["pad"])
    for i in range(0, len(padding), 2):
        if padding[i] + padding[i + 1] > 0:
            by = 1 if padding[i + 1] else -1
            moved = mlir.DenseI64ArrayAttr.get(incremented(incremented(padding, i, by), i + 1, -by))
            yield Edit("padded from the other side", attribute_setter(op, "pad", moved))


def _narrower_window(op: mlir.Operation) -> Iterator[Edit]:
    """Make a stride or a dilation of a linalg convolution or pooling one less."""
    for name in ("strides", "dilations"):
        values = integers(op.attributes[name])
        for i, value in enumerate(values):
            if value > 1:
                smaller = attribute_like(op.attributes[name], incremented(values, i, -1))
                yield Edit(f"{name[:-1]} one less", attribute_setter(op, name, smaller))


# transpose: dims of equal size exchanged ------------------------------------------------------------------------------


def transpose(op: mlir.Operation, shapes: Shapes) -> Iterator[Edit]:
    """Exchange two dims of equal size: in a transpose or broadcast, or of an input of a linalg op or a product."""
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
                shape = static_sizes(op.operands[i])
                pair = _equal(shape or ())
                if pair and shape:
                    yield Edit(f"operand {i} transposed", _transposing(op, i, len(shape), pair))


def _equal(sizes: Sequence[int]) -> tuple[int, int] | None:
    """Return the last two dims of equal size, larger than 1; None if there are none or the tensor has no elements."""
    pairs = [(i, j) for j in range(len(sizes)) for i in range(j) if sizes[i] == sizes[j] > 1]
    return pairs[-1] if pairs and 0 not in sizes else None


def _transposed(op: mlir.Operation, name: str, value: mlir.Value) -> Iterator[Edit]:
    """Exchange two entries of the attribute `name`: those at the indices of two dims of the value of equal size."""
    order = [int(x) for x in op.attributes[name]]
    pair = _equal(static_sizes(value) or ())
    if pair:
        i, j = pair
        order[i], order[j] = order[j], order[i]
        form = mlir.DenseI32ArrayAttr if name == "perms" else mlir.DenseI64ArrayAttr
        yield Edit("two dims of one size exchanged", attribute_setter(op, name, form.get(order)))


def _transposing(op: mlir.Operation, operand: int, rank: int, pair: tuple[int, int]) -> Callable[[], None]:
    """Return a function that puts a transpose of this pair of dims before an operand of the operation."""

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
    """Exchange two dims of equal size in the indexing map of one input, and leave the other maps as they are."""
    maps = [mlir.AffineMapAttr(a).value for a in mlir.ArrayAttr(op.attributes["indexing_maps"])]
    for i, (value, map) in enumerate(zip(op.operands, maps, strict=True)):
        pair = _equal(static_sizes(value) or ()) if i < len(maps) - len(op.results) else None
        if pair is None or is_summed_in_any_order(op, maps, i, pair):
            continue
        results = list(map.results)
        results[pair[0]], results[pair[1]] = results[pair[1]], results[pair[0]]
        changed = [*maps[:i], mlir.AffineMap.get(map.n_dims, map.n_symbols, results), *maps[i + 1 :]]
        attribute = mlir.ArrayAttr.get([mlir.AffineMapAttr.get(m) for m in changed])
        yield Edit(f"operand {i} transposed", attribute_setter(op, "indexing_maps", attribute))


# freeze: a dynamic size made static -----------------------------------------------------------------------------------


def freeze(op: mlir.Operation, shapes: Shapes) -> Iterator[Edit]:
    """Replace an argument's dynamic size, where the operation reads it, by its size at export.

    TOSA reads no sizes: there the size that a reshape infers becomes the size that it had at export.
    """
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
                yield Edit("size of export", shape_setter(op, 1, frozen))


def _at_export(value: mlir.Value, shapes: Shapes) -> Sequence[int] | None:
    """Return the shape that the value had at export if it is an argument of `main`, else None."""
    return shapes[value.arg_number] if isinstance(value, mlir.BlockArgument) else None


def _sized(op: mlir.Operation, value: str) -> Callable[[], None]:
    """Return a function that replaces the operation's result by a constant, given as the text of its attribute."""
    name = "stablehlo.constant" if op.name.startswith("stablehlo.") else "arith.constant"

    def apply() -> None:
        with mlir.InsertionPoint(op), op.location:
            replace_result(op, create(name, op.results[0].type, value=mlir.Attribute.parse(value)))

    return apply
