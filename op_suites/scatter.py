"""Writing elements, slices and diagonals into a tensor at indices, and reducing values that share an index or segment.

Where writes to one place do not commute, indices are distinct: a permutation along the last dim, or a single index.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.cases.case import OMIT, Dims, Draw, Inputs, OpCase
from harness.cases.dtypes import EVERY, FLOAT, REAL
from harness.cases.numeric import EXACT, ROUNDED, Composite, Linear, Numeric, Over
from harness.cases.sample import Dim, Fill, SizeOf, TensorSpec
from harness.cases.strategies import stored

from .indexing import constant, index_dtype, masked


def places(d: Draw, *, distinct: bool = False) -> tuple[Dims, int, TensorSpec]:
    """Dims, the index of one of them, and a tensor of indices along it.

    It has any size along that dim, and along each other one the tensor's size or 1.
    """
    dims = d.shape(0, 4, low=1)
    axis = d.axis(dims)
    at = axis % max(len(dims), 1)
    shape: list[Dim] = [d.choose(dim, dim, 1) for dim in dims]
    if not dims:
        return dims, axis, d.index((), 1)
    if distinct and at == len(dims) - 1:
        shape[at] = dims[at]
        every = Fill(kind="permutation", of=dims[at], nonfinite=False)
        return dims, axis, d.tensor(tuple(shape), "i64", every)
    shape[at] = 1 if distinct else d.size("k", high=4)
    return dims, axis, d.index(tuple(shape), dims[at])


def source_dims(d: Draw, index: TensorSpec) -> Dims:
    """Dims as large as those of the index, or larger where these have size 1."""
    return tuple(3 if dim == 1 and d.flag() else dim for dim in index.dims)


def scatter_inputs(*, distinct: bool) -> Inputs:
    """A source as large as the index or larger."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        dims, axis, index = places(d, distinct=distinct)
        return {"self": d.tensor(dims), "dim": axis, "index": index, "src": d.tensor(source_dims(d, index))}

    return inputs


def scatter_value_inputs(d: Draw) -> Mapping[str, Any]:
    """One scalar for all places."""
    dims, axis, index = places(d)
    return {"self": d.tensor(dims), "dim": axis, "index": index, "value": stored(d)}


REFUSED = {"bool": ("mean",), "complex": ("amax", "amin")}
"""Ways to reduce that eager does not take, by kind of dtype."""


def reduced_inputs(inputs: Inputs, *reductions: str, include_self: bool = False) -> Inputs:
    """These inputs, and a way to reduce values that meet in one place, with or without the value that was there."""

    def reduced(d: Draw) -> Mapping[str, Any]:
        taken = (how for how in reductions if how not in REFUSED.get(d.kind, ()))
        self_too = {"include_self": d.choose(OMIT, False, True)} if include_self else {}
        return {**inputs(d), "reduce": d.choose(*taken), **self_too}

    return reduced


def along_inputs(*, distinct: bool = False, alpha: bool = False) -> Inputs:
    """A vector of indices into one dim, and as many slices to put there.

    `alpha` is positive for floats: else the sum on absolute inputs would not bound the magnitude.
    """

    def inputs(d: Draw) -> Mapping[str, Any]:
        dims = d.shape(1, 4, low=1)
        axis = d.axis(dims)
        at = axis % len(dims)
        count = dims[at] if distinct else d.size("k", high=4)
        if distinct:
            index = d.tensor((count,), "i64", Fill(kind="permutation", of=count, nonfinite=False))
        else:
            index = d.index((count,), dims[at], dtype=index_dtype(d) if alpha else "i64")
        source = d.tensor(tuple(count if i == at else dim for i, dim in enumerate(dims)))
        scale = {"alpha": d.choose(OMIT, True if d.kind == "bool" else d.scalar(2.0, 0.5, 0.0))} if alpha else {}
        return {"self": d.tensor(dims), "dim": axis, "index": index, "source": source, **scale}

    return inputs


def index_fill_inputs(*, tensor: bool) -> Inputs:
    """A vector of indices into one dim, and one value: a scalar or a tensor of rank 0."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        dims = d.shape(1, 4, low=1)
        axis = d.axis(dims)
        index = d.index((d.size("k", high=4),), dims[axis], negative=d.flag())
        return {
            "self": d.tensor(dims),
            "dim": axis,
            "index": index,
            "value": d.tensor(()) if tensor else stored(d),
        }

    return inputs


def masked_scatter_inputs(d: Draw) -> Mapping[str, Any]:
    """A mask that broadcasts with the tensor, and a source as large as the result, so that it has enough elements."""
    tensor, mask, dims = masked(d)
    return {"self": tensor, "mask": mask, "source": d.tensor(dims)}


def put_inputs(d: Draw) -> Mapping[str, Any]:
    """Values for places in the flattened tensor: each place once, or, if values are added, any, from either end."""
    accumulate = d.choose(OMIT, False, True)
    size = d.size("n", 1)
    dims: Dims = d.choose((size,), (2, size))
    if accumulate is True:
        count = d.size("k", high=4)
        index = d.index(d.choose((count,), (count, 2)), size, negative=True)
    else:
        once = Fill(kind="permutation", of=size, nonfinite=False)
        index = d.tensor(d.choose((size,), (1, size)), "i64", once)
    return {"self": d.tensor(dims), "index": index, "source": d.tensor(index.dims), "accumulate": accumulate}


SEGMENTS = ((2, 0, 3), (5,), (0, 5), (1, 1, 1, 2))
"""The lengths of the segments."""


def segment_reduce_inputs(d: Draw) -> Mapping[str, Any]:
    """Segments of the first or the second dim, by their lengths or by where they begin and end; some are empty."""
    lengths = d.choose(*SEGMENTS)
    offsets = tuple(sum(lengths[:i]) for i in range(len(lengths) + 1))
    by, values = d.choose(("lengths", lengths), ("offsets", offsets))
    lead: Dims = d.choose((), (2,))
    dims = (*lead, sum(lengths), *d.shape(0, 2, prefix="e"))
    return {
        "data": d.tensor(dims),
        "reduce": d.choose("sum", "mean", "max", "min", "prod"),
        by: constant(d, (*lead, len(values)), values * (2 if lead else 1), index_dtype(d)),
        "axis": len(lead) if lead else d.maybe(0),
        "unsafe": d.choose(OMIT, True),
        "initial": d.choose(OMIT, None, 2.0, 0.0, -1.5),
    }


def around(d: Draw, *inner: Dim) -> tuple[Dims, int]:
    """Up to two named dims with the given ones among them, and the index of the first of these, from either end."""
    dims = d.shape(0, 2)
    at = d.integer(0, len(dims))
    return (*dims[:at], *inner, *dims[at:]), d.choose(at, at - len(dims) - len(inner))


def without(dims: Dims, axis: int, *instead: Dim) -> Dims:
    """The dims with one removed, or replaced by others."""
    at = axis % len(dims)
    return (*dims[:at], *instead, *dims[at + 1 :])


def select_scatter_inputs(d: Draw) -> Mapping[str, Any]:
    """One slice, counted from the front or the back."""
    index = d.choose(0, -1, 1, -2, 2)
    least = index + 1 if index >= 0 else -index
    dims, axis = around(d, d.size("m", least, least + 3))
    return {"self": d.tensor(dims), "src": d.tensor(without(dims, axis)), "dim": axis, "index": index}


def slice_scatter_inputs(d: Draw) -> Mapping[str, Any]:
    """A range of constant length, every second element too, or the whole dim."""
    start, end, step, length, low = d.choose(
        (1, 3, OMIT, 2, 3),
        (OMIT, OMIT, OMIT, "m", 0),
        (None, None, 1, "m", 0),
        (0, 2, OMIT, 2, 2),
        (-2, None, 1, 2, 2),
        (1, 4, 2, 2, 4),
        (0, SizeOf("m"), OMIT, "m", 0),
        (2, 2, OMIT, 0, 2),
        (-3, -1, OMIT, 2, 3),
    )
    least = low + 1 if low and d.mode == "dynamic" else low
    dims, axis = around(d, d.size("m", least, least + 3))
    source = d.tensor(without(dims, axis, length))
    return {"self": d.tensor(dims), "src": source, "dim": axis, "start": start, "end": end, "step": step}


def plain_slice_scatter_inputs(d: Draw) -> Mapping[str, Any]:
    """The middle of the last dim: without a start and an end, the source is the result."""
    n = d.size("n")
    return {"self": d.tensor((n, d.size("m", 4))), "src": d.tensor((n, 2)), "dim": 1, "start": 1, "end": 3}


def plain_diagonal_scatter_inputs(d: Draw) -> Mapping[str, Any]:
    """A diagonal of each matrix of a batch."""
    n = d.size("a")
    return {"self": d.tensor((n, 3, 4)), "src": d.tensor((n, 3)), "offset": 1, "dim1": 1, "dim2": 2}


def diagonal_scatter_inputs(d: Draw) -> Mapping[str, Any]:
    """The main diagonal of a square or one of its neighbours, or one of a constant oblong, in the plane of two dims."""
    n = d.size("m", high=4)
    first, second, offset, length = d.choose((n, n, 0, n), (3, 4, 1, 3), (4, 3, -2, 2), (4, 3, 0, 3), (2, 5, 4, 1))
    lead, behind = d.choose(((), ("a",)), (("a",), ()), ((), ()), (("a",), ("b",)))
    for name in (*lead, *behind):
        d.size(name, high=3)
    dims: Dims = (*lead, first, *behind, second)
    rank, one = len(dims), len(lead)
    args = {
        "self": d.tensor(dims),
        "src": d.tensor((*lead, *behind, length)),
        "offset": OMIT if offset == 0 else offset,
    }
    return args | {"dim1": d.choose(one, one - rank), "dim2": d.choose(rank - 1, -1)}


def moves(op: str, inputs: Inputs, plain: Inputs | None = None) -> OpCase:
    """An op that only moves elements, whatever their dtype."""
    return OpCase(op=op, inputs=inputs, dtypes=EVERY, numeric=EXACT, plain=plain)


FOLDED = Composite((Linear(("k",)), ROUNDED))
"""A sum, a product or a mean of the values that meet in one place."""


def folds(op: str, inputs: Inputs, numeric: Numeric = FOLDED, dtypes: tuple[str, ...] = REAL, **more: Any) -> OpCase:
    """An op that reduces the values that meet in one place."""
    return OpCase(op=op, inputs=inputs, dtypes=dtypes, numeric=numeric, **more)


ANYWHERE, ONCE = scatter_inputs(distinct=False), scatter_inputs(distinct=True)

CASES = (
    moves("aten.scatter.src", ONCE),
    moves("aten.scatter.value", scatter_value_inputs),
    folds("aten.scatter.reduce", reduced_inputs(ANYWHERE, "add", "multiply"), dtypes=EVERY),
    folds("aten.scatter.value_reduce", reduced_inputs(scatter_value_inputs, "add", "multiply"), dtypes=EVERY),
    folds("aten.scatter_add.default", ANYWHERE, Linear(("k",)), EVERY),
    folds(
        "aten.scatter_reduce.two",
        reduced_inputs(ANYWHERE, "sum", "prod", "mean", "amax", "amin", include_self=True),
        dtypes=EVERY,
    ),
    folds("aten.put.default", put_inputs, Linear((2, "k")), EVERY),
    folds("aten.segment_reduce.default", segment_reduce_inputs, Composite((Linear((Over(None),)), ROUNDED)), FLOAT),
    folds("aten.index_add.default", along_inputs(alpha=True), Linear(("k",)), EVERY),
    folds(
        "aten.index_reduce.default",
        reduced_inputs(along_inputs(), "prod", "mean", "amax", "amin", include_self=True),
        untried={"source:expanded": "eager fails an assertion of its own, a bug of PyTorch's"},
    ),
    moves("aten.index_copy.default", along_inputs(distinct=True)),
    moves("aten.index_fill.int_Scalar", index_fill_inputs(tensor=False)),
    moves("aten.index_fill.int_Tensor", index_fill_inputs(tensor=True)),
    moves("aten.masked_scatter.default", masked_scatter_inputs),
    moves("aten.select_scatter.default", select_scatter_inputs),
    moves("aten.slice_scatter.default", slice_scatter_inputs, plain_slice_scatter_inputs),
    moves("aten.diagonal_scatter.default", diagonal_scatter_inputs, plain_diagonal_scatter_inputs),
)
