"""Reading elements by index, and replacing those that a mask or indices name."""

from __future__ import annotations

import base64
import math
import struct
import zlib
from collections.abc import Mapping
from typing import Any

from harness.cases.case import OMIT, Dims, Draw, Inputs, OpCase
from harness.cases.dtypes import EVERY, FLOAT
from harness.cases.numeric import EXACT, Linear
from harness.cases.sample import Dim, Fill, TensorSpec
from harness.cases.strategies import row_major, stored

PATTERNS: tuple[tuple[tuple[Dim, ...] | None, ...], ...] = (
    (("k",),),
    (None, ("k",)),
    (("k",), ("k",)),
    (("k", 1), (2,)),
    (("k",), None, ("k",)),
    (None, ("k", 2), (1,)),
    ((),),
    (("k",), None),
)
"""For each dim of the tensor the shape of its index, or None; the shapes broadcast."""

WHOLE = tuple(pattern for pattern in PATTERNS if None not in pattern)
"""The patterns that leave out no dim."""

_PACKED = {"f64": "d", "f32": "f", "f16": "e", "i64": "q", "i32": "i", "bool": "?"}


def constant(d: Draw, dims: Dims, values: tuple[float, ...], dtype: str | None = None) -> TensorSpec:
    """A tensor of these values, for arguments whose elements depend on each other."""
    dtype = dtype or d.dtype
    parts = (struct.pack("<f", v)[2:] if dtype == "bf16" else struct.pack(f"<{_PACKED[dtype]}", v) for v in values)
    data = base64.b64encode(zlib.compress(b"".join(parts))).decode()
    return d.tensor(dims, dtype, Fill(kind="literal", nonfinite=False, data=data))


def index_dtype(d: Draw) -> str:
    """The dtype of an index."""
    dtype: str = d.choose("i64", "i64", "i32")
    return dtype


def indexed(d: Draw, pattern: tuple[Dims | None, ...], *, low: int = 0) -> Dims:
    """Dims for a pattern of indices, and up to two dims behind them; indexed dims are not empty."""
    dims = tuple(d.size(f"d{i}", low if shape is None else 1, 5) for i, shape in enumerate(pattern))
    return dims + tuple(d.size(f"e{i}", low, 4) for i in range(d.integer(0, 2)))


def mask_indices(d: Draw, *, whole: bool = False) -> tuple[Dims, int, tuple[TensorSpec | None, ...]]:
    """Dims, the end of those that a boolean mask indexes, and the mask, which starts at dim 0 or (unless `whole`) 1."""
    dims = d.shape(1, 4)
    first = 0 if whole else d.integer(0, min(1, len(dims) - 1))
    behind = d.integer(first + 1, min(first + 2, len(dims)))
    return dims, behind, (*(None,) * first, d.tensor(dims[first:behind], "bool"))


def index_inputs(*, negative: bool = True, whole: bool = False, mask: bool = True) -> Inputs:
    """One to three indices, left out for some dims (unless `whole`), that broadcast with each other; or a mask.

    With a mask the size of the result depends on the values.
    """

    def inputs(d: Draw) -> Mapping[str, Any]:
        if mask and d.choose(False, False, False, True):
            dims, _, masks = mask_indices(d, whole=whole)
            return {"self": d.tensor(dims), "indices": masks}
        dims, _, indices = reading(d, negative=negative, whole=whole)
        return {"self": d.tensor(dims), "indices": indices}

    return inputs


def reading(
    d: Draw, *, negative: bool = True, whole: bool = False, low: int = 0
) -> tuple[Dims, tuple[Dims | None, ...], tuple[TensorSpec | None, ...]]:
    """Dims, a pattern of indices into them, and the indices."""
    pattern = d.choose(*(WHOLE if whole else PATTERNS))
    d.size("k", high=4)
    dims, dtype = indexed(d, pattern, low=low), index_dtype(d)
    indices = tuple(
        None if shape is None else d.index(shape, dim, dtype=dtype, negative=negative and d.flag())
        for shape, dim in zip(pattern, dims, strict=False)
    )
    return dims, pattern, indices


def index_put_inputs(*, negative: bool = True, whole: bool = False) -> Inputs:
    """Values that broadcast, to set or to add. Only added ones may share a place: else their order would matter."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        accumulate = d.choose(OMIT, False, True)
        if d.choose(False, False, False, True):
            dims, behind, masks = mask_indices(d, whole=whole)
            values = d.tensor(d.choose((), (1, *dims[behind:])))
            return {"self": d.tensor(dims), "indices": masks, "values": values, "accumulate": accumulate}
        return {**placed(d, accumulate is True, negative=negative, whole=whole), "accumulate": accumulate}

    return inputs


def placed(d: Draw, accumulate: bool, *, negative: bool, whole: bool) -> dict[str, Any]:
    """A tensor, indices into it and values for these places."""
    patterns = WHOLE if whole else PATTERNS
    pattern = d.choose(*(p for p in patterns if accumulate or p[0] in (("k",), ())))
    if accumulate:
        d.size("k", high=4)
    dims = indexed(d, pattern)
    if not accumulate:  # each index of the first dim once, in another order, so that no place occurs twice
        pattern = tuple((dims[0],) if shape == ("k",) else shape for shape in pattern)
    dtype = index_dtype(d)
    once = Fill(kind="permutation", of=dims[0], nonfinite=False)
    indices = tuple(
        None
        if shape is None
        else d.tensor(shape, dtype, once)
        if i == 0 and shape == (dims[0],)
        else d.index(shape, dims[i], dtype=dtype, negative=negative and d.flag())
        for i, shape in enumerate(pattern)
    )
    result = indexed_dims(pattern, dims)
    values = d.tensor(d.choose(result, d.broadcast(result)))
    return {"self": d.tensor(dims), "indices": indices, "values": values}


def index_put_impl_inputs(d: Draw) -> Mapping[str, Any]:
    """As `index_put_inputs`, with or without checks of the indices."""
    unsafe = d.choose(OMIT, True, False)
    return {**index_put_inputs(negative=unsafe is not True)(d), "unsafe": unsafe}


def masked_index(d: Draw) -> tuple[Dims, Dims, TensorSpec, tuple[TensorSpec | None, ...]]:
    """The dims of a tensor and of what is read, a mask that broadcasts to the latter, and indices.

    Where the mask is False some are out of bounds. Where it is True none is negative, and no dim is empty: there
    PyTorch's kernel and its own decomposition differ.
    """
    if d.choose(False, False, True):
        dims = (d.size("m", 1), *d.shape(0, 2, low=1, prefix="e"))
        mask = constant(d, (4, *(1 for _ in dims[1:])), (True, False, True, False), "bool")
        return dims, (4, *dims[1:]), mask, (constant(d, (4,), (0, 99, 0, -99), index_dtype(d)),)
    dims, pattern, indices = reading(d, negative=False, low=1)
    result = indexed_dims(pattern, dims)
    return dims, result, d.tensor(d.broadcast(result), "bool"), indices


def unsafe_masked_index_inputs(d: Draw) -> Mapping[str, Any]:
    """Indices that are read where a mask is True, and a scalar for the other places."""
    dims, _, mask, indices = masked_index(d)
    return {"self": d.tensor(dims), "mask": mask, "indices": indices, "fill": stored(d)}


def unsafe_masked_put_inputs(d: Draw) -> Mapping[str, Any]:
    """Values that are added at indices where a mask is True."""
    dims, result, mask, indices = masked_index(d)
    return {"self": d.tensor(dims), "mask": mask, "indices": indices, "values": d.tensor(result)}


def indexed_dims(pattern: tuple[Dims | None, ...], dims: Dims) -> Dims:
    """The dims of what a pattern of indices reads.

    Those of the indices take the place of the indexed dims, or come first if these are not adjacent.
    """
    places = [i for i, shape in enumerate(pattern) if shape is not None]
    shapes = [shape for shape in pattern if shape is not None]
    rank = max(len(shape) for shape in shapes)
    aligned = [(1,) * (rank - len(shape)) + shape for shape in shapes]
    joint = tuple(next((dim for dim in column if dim != 1), 1) for column in zip(*aligned, strict=True))
    if places[-1] - places[0] == len(places) - 1:
        return (*dims[: places[0]], *joint, *dims[places[-1] + 1 :])
    return (*joint, *(dim for i, dim in enumerate(dims) if i not in places))


def index_select_inputs(d: Draw) -> Mapping[str, Any]:
    """A vector of indices into one dim, or a single one."""
    dims = d.shape(1, 4, low=1)
    axis = d.axis(dims)
    index = d.index(d.choose((d.size("k", high=4),), ()), dims[axis], dtype=index_dtype(d))
    return {"self": d.tensor(dims), "dim": axis, "index": index}


def gather_inputs(d: Draw) -> Mapping[str, Any]:
    """An index of any size along its dim, and of the tensor's or of size 1 along the others."""
    dims = d.shape(0, 4, low=1)
    axis = d.axis(dims)
    across = d.size("k", high=4)
    shape = tuple(across if i == axis % len(dims) else d.choose(dim, dim, 1) for i, dim in enumerate(dims))
    index = d.index(shape, dims[axis] if dims else 1)
    return {"self": d.tensor(dims), "dim": axis, "index": index, "sparse_grad": d.choose(OMIT, True)}


def take_inputs(d: Draw) -> Mapping[str, Any]:
    """Indices into the flattened tensor, from the front or the back; not of rank 0, which PyTorch cannot decompose."""
    size = d.size("n", 1)
    dims = d.choose((size,), (2, size))
    index = d.index(d.choose((d.size("k", high=4),), ("k", 2)), size, negative=True)
    return {"self": d.tensor(dims), "index": index}


def take_along_dim_inputs(d: Draw) -> Mapping[str, Any]:
    """Indices along a dim, that broadcast with the tensor along the others; or into the flattened tensor.

    With symbolic sizes only the latter: to broadcast, the op itself asks for the sizes as numbers. Along a dim, indices
    may count from the back.
    """
    across = d.size("k", high=4)
    if d.mode == "dynamic" or d.flag():
        size = d.size("n", 1)
        return {"self": d.tensor((size,)), "indices": d.index((across,), size), "dim": d.choose(OMIT, None)}
    dims = d.shape(1, 4, low=1)
    axis = d.axis(dims)
    at = axis % len(dims)
    kept = tuple(dim if i == at else d.choose(dim, dim, 1) for i, dim in enumerate(dims))
    shape = tuple(across if i == at else d.choose(dim, dim, 1) for i, dim in enumerate(dims))
    return {"self": d.tensor(kept), "indices": d.index(shape, dims[axis], negative=d.flag()), "dim": axis}


def embedding_inputs(d: Draw) -> Mapping[str, Any]:
    """Rows of a table by indices of any rank; the options matter to the gradient only."""
    rows = d.size("v", 1, 7)
    return {
        "weight": d.tensor((rows, d.size("e", high=4))),
        "indices": d.index(d.shape(0, 3), rows, dtype=index_dtype(d)),
        "padding_idx": d.choose(OMIT, 0, -1),
        "scale_grad_by_freq": d.choose(OMIT, True),
        "sparse": d.choose(OMIT, True),
    }


BAGS = ((0,), (0, 2, 3, 3), (0, 0, 4))
"""Where bags begin: some are empty."""


def bag_inputs(*paddings: Any, constant_if_padded: bool = False) -> Inputs:
    """Rows of a table, of which each bag gives the sum, the mean or the maximum; indices that are padding are ignored.

    Sizes that PyTorch's shape function makes constants are constant: the number of indices if the offsets end with it,
    those of the table if there is padding and `constant_if_padded`.
    """

    def inputs(d: Draw) -> Mapping[str, Any]:
        mode, last = d.choose(0, 1, 2), d.flag()
        padding = d.choose(*paddings)
        stuck = constant_if_padded and padding is not None
        if stuck and d.mode == "dynamic":
            last = False
        offsets = d.choose(*BAGS)
        rows, width = d.size("v", 1, 7, symbolic=not stuck), d.size("e", 1, 4, symbolic=not stuck)
        count: Dim = offsets[-1] + 1 if last else d.size("n", offsets[-1], offsets[-1] + 3)
        if last:
            offsets = (*offsets, offsets[-1] + 1)
        dtype = index_dtype(d)
        weights = mode == 0 and d.flag()
        return {
            # which element is the largest is open if one is NaN
            "weight": d.tensor((rows, width), fill=Fill(reach="root", nonfinite=mode != 2)),
            "indices": d.index((count,), rows, dtype=dtype),
            "offsets": constant(d, (len(offsets),), offsets, dtype),
            "scale_grad_by_freq": mode != 2 and d.flag(),
            "mode": mode,
            "sparse": mode != 2 and d.flag(),
            "per_sample_weights": d.tensor((count,)) if weights else None,
            "include_last_offset": last,
            "padding_idx": padding,
        }

    return inputs


def one_hot_inputs(d: Draw) -> Mapping[str, Any]:
    """Classes of any rank. Their number is given: export refuses to find it in the values."""
    classes = d.choose(5, 1, 7)
    return {"self": d.index(d.shape(0, 4), classes), "num_classes": classes}


def masked_fill_inputs(d: Draw) -> Mapping[str, Any]:
    """A mask that broadcasts with the tensor, either one the larger, and a scalar."""
    tensor, mask, _ = masked(d)
    value = stored(d) if d.kind in ("int", "bool") else d.choose(1.5, -math.inf, 0.0, math.nan, 2)
    return {"self": tensor, "mask": mask, "value": value}


def masked_fill_tensor_inputs(d: Draw) -> Mapping[str, Any]:
    """A mask that broadcasts with the tensor, either one the larger, and a tensor of rank 0."""
    tensor, mask, _ = masked(d)
    return {"self": tensor, "mask": mask, "value": d.tensor(())}


def masked(d: Draw) -> tuple[TensorSpec, TensorSpec, Dims]:
    """A tensor and a mask that broadcast, and the dims that they broadcast to."""
    dims = d.shape()
    first, second = d.pair(dims)
    return d.tensor(first), d.tensor(second, "bool"), dims


def moves(op: str, inputs: Inputs, **more: Any) -> OpCase:
    """An op that only moves elements, whatever their dtype."""
    return OpCase(op=op, inputs=inputs, dtypes=EVERY, numeric=EXACT, **more)


def puts(op: str, inputs: Inputs, **more: Any) -> OpCase:
    """An op that sets elements or adds to them."""
    return OpCase(op=op, inputs=inputs, dtypes=EVERY, numeric=Linear((2, "k")), **more)


def bags(op: str, inputs: Inputs, **more: Any) -> OpCase:
    """A sum, a mean or a maximum of each bag of rows."""
    contiguous = row_major("its kernel reads them as if they were row-major", "offsets")
    return OpCase(
        op=op,
        inputs=inputs,
        dtypes=FLOAT,
        numeric=Linear((10,)),
        unjudged=FOR_THE_GRADIENT,
        untried=contiguous,
        **more,
    )


FOR_THE_GRADIENT = dict.fromkeys((1, 2, 3), "kept for the gradient: how much of it is filled in is open")

CASES = (
    moves("aten.index.Tensor", index_inputs()),
    moves("aten.index.Tensor_hacked_twin", index_inputs(whole=True), seen_as="aten.index.Tensor"),
    moves("aten._unsafe_index.Tensor", index_inputs(negative=False, mask=False)),
    moves("aten._unsafe_masked_index.default", unsafe_masked_index_inputs),
    moves("aten.index_select.default", index_select_inputs),
    moves("aten.gather.default", gather_inputs),
    moves("aten.take.default", take_inputs),
    moves("aten.take_along_dim.default", take_along_dim_inputs),
    moves("aten.embedding.default", embedding_inputs),
    moves("aten.masked_fill.Scalar", masked_fill_inputs),
    moves("aten.masked_fill.Tensor", masked_fill_tensor_inputs),
    puts("aten.index_put.default", index_put_inputs()),
    puts("aten.index_put.hacked_twin", index_put_inputs(whole=True), seen_as="aten.index_put.default"),
    puts("aten._index_put_impl.default", index_put_impl_inputs),
    puts(
        "aten._unsafe_index_put.hacked_twin",
        index_put_inputs(negative=False, whole=True),
        seen_as="aten._unsafe_index_put.default",
    ),
    puts("aten._unsafe_masked_index_put_accumulate.default", unsafe_masked_put_inputs),
    OpCase(op="aten.one_hot.default", inputs=one_hot_inputs, dtypes=("i64",), numeric=EXACT),
    bags("aten._embedding_bag.default", bag_inputs(OMIT, 0, -1)),
    bags(
        "aten.embedding_bag.padding_idx",
        bag_inputs(None, 0, -1, constant_if_padded=True),
        misshapen={2: "with include_last_offset PyTorch's shape function counts bags otherwise than its kernel does"},
    ),
)
