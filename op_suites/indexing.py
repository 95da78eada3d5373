"""Reading elements by index, and replacing those that a mask or indices name.

A boolean mask as an index is left out: the size of its result depends on the values, which no cell here can express.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from harness.case import OMIT, Dims, Draw, Inputs, OpCase
from harness.dtypes import EVERY
from harness.numeric import EXACT, Linear
from harness.sample import Dim, Fill, TensorSpec

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
"""Per dim of the tensor the shape of its index, or None; the shapes broadcast."""


def index_dtype(d: Draw) -> str:
    """The dtype of an index."""
    dtype: str = d.choose("i64", "i64", "i32")
    return dtype


def indexed(d: Draw, pattern: tuple[Dims | None, ...]) -> Dims:
    """Dims for a pattern of indices, with none to two dims behind; those that are indexed are not empty."""
    dims = tuple(d.size(f"d{i}", 0 if shape is None else 1, 5) for i, shape in enumerate(pattern))
    return dims + tuple(d.size(f"e{i}", high=4) for i in range(d.integer(0, 2)))


def index_inputs(*, negative: bool = True) -> Inputs:
    """One to three indices, left out for some dims, that broadcast with each other."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        pattern = d.choose(*PATTERNS)
        d.size("k", high=4)
        dims, dtype = indexed(d, pattern), index_dtype(d)
        indices = tuple(
            None if shape is None else d.index(shape, dim, dtype=dtype, negative=negative and d.flag())
            for shape, dim in zip(pattern, dims, strict=False)
        )
        return {"self": d.tensor(dims), "indices": indices}

    return inputs


def index_put_inputs(d: Draw) -> Mapping[str, Any]:
    """Values that broadcast, set or added. Only those added may meet in one place: else their order would matter."""
    accumulate = d.choose(OMIT, False, True)
    pattern = d.choose(*(p for p in PATTERNS if accumulate is True or p[0] in (("k",), ())))
    if accumulate is True:
        d.size("k", high=4)
    dims = indexed(d, pattern)
    if accumulate is not True:  # each index of the first dim once, in another order, so that no place is meant twice
        pattern = tuple((dims[0],) if shape == ("k",) else shape for shape in pattern)
    dtype = index_dtype(d)
    once = Fill(kind="permutation", of=dims[0], nonfinite=False)
    indices = tuple(
        None
        if shape is None
        else d.tensor(shape, dtype, once)
        if i == 0 and shape == (dims[0],)
        else d.index(shape, dims[i], dtype=dtype, negative=d.flag())
        for i, shape in enumerate(pattern)
    )
    result = indexed_dims(pattern, dims)
    values = d.tensor(d.choose(result, d.broadcast(result)))
    return {"self": d.tensor(dims), "indices": indices, "values": values, "accumulate": accumulate}


def indexed_dims(pattern: tuple[Dims | None, ...], dims: Dims) -> Dims:
    """The dims of what a pattern of indices reads: those of the indices in their place, or first if they are apart."""
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
    """Indices into the flattened tensor, from the front or the back; not one alone, which PyTorch cannot decompose."""
    size = d.size("n", 1)
    dims = d.choose((size,), (2, size))
    index = d.index(d.choose((d.size("k", high=4),), ("k", 2)), size, negative=True)
    return {"self": d.tensor(dims), "index": index}


def take_along_dim_inputs(d: Draw) -> Mapping[str, Any]:
    """Indices along a dim, that broadcast with the tensor along the others; or into the flattened tensor.

    Where sizes are symbolic only the latter: to broadcast, this op itself asks for their numbers.
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
    return {"self": d.tensor(kept), "indices": d.index(shape, dims[axis]), "dim": axis}


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


def masked_fill_inputs(d: Draw) -> Mapping[str, Any]:
    """A mask that broadcasts with the tensor, either one the larger, and a scalar."""
    tensor, mask, _ = masked(d)
    value = d.scalar() if d.kind in ("int", "bool") else d.choose(1.5, -math.inf, 0.0, math.nan, 2)
    return {"self": tensor, "mask": mask, "value": value}


def masked_fill_tensor_inputs(d: Draw) -> Mapping[str, Any]:
    """A mask that broadcasts with the tensor, either one the larger, and a tensor of rank 0."""
    tensor, mask, _ = masked(d)
    return {"self": tensor, "mask": mask, "value": d.tensor(())}


def masked(d: Draw) -> tuple[TensorSpec, TensorSpec, Dims]:
    """A tensor and a mask that broadcast, and what to."""
    dims = d.shape()
    smaller = d.broadcast(dims)
    first, second = d.choose((dims, smaller), (smaller, dims))
    return d.tensor(first), d.tensor(second, "bool"), dims


def moves(op: str, inputs: Inputs) -> OpCase:
    """An op that only moves elements, whatever their dtype."""
    return OpCase(op=op, inputs=inputs, dtypes=EVERY, numeric=EXACT)


CASES = (
    moves("aten.index.Tensor", index_inputs()),
    moves("aten._unsafe_index.Tensor", index_inputs(negative=False)),
    moves("aten.index_select.default", index_select_inputs),
    moves("aten.gather.default", gather_inputs),
    moves("aten.take.default", take_inputs),
    moves("aten.take_along_dim.default", take_along_dim_inputs),
    moves("aten.embedding.default", embedding_inputs),
    moves("aten.masked_fill.Scalar", masked_fill_inputs),
    moves("aten.masked_fill.Tensor", masked_fill_tensor_inputs),
    OpCase(op="aten.index_put.default", inputs=index_put_inputs, dtypes=EVERY, numeric=Linear((2, "k"))),
)
