"""Taking tensors apart and putting them together: slices, windows and diagonals, joins, splits and repetitions.

If a result's size is computed from a symbolic one, the bounds keep it at 2 or more, since export specializes size 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.cases.case import OMIT, Dims, Draw, Inputs, OpCase
from harness.cases.dtypes import COMPLEX, EVERY, REAL
from harness.cases.numeric import Linear
from harness.cases.sample import Dim, Fill, SizeOf, TensorSpec
from harness.cases.strategies import row_major

MAX = 2**63 - 1
"""The number that export writes for an open end of a slice."""

RANGES = ((1, None, 1), (0, 2, 2), (1, 3, 3), (-2, None, 2), (None, -1, 1), (1, -1, 2), (-3, -1, 3), (None, None, 0),
          (0, MAX, 0), (2, 1, 2))  # fmt: skip
"""Start, end, and the least size of the dim at which neither is clamped."""
CLAMPED = ((-9, 2, 0), (1, 99, 0), (99, 100, 0), (3, -9, 0))
"""Starts and ends that are clamped."""


def with_dim(d: Draw, dim: Dim, *, low: int = 0) -> tuple[Dims, int]:
    """Up to three named dims with the given one put somewhere among them, and its index, from either end."""
    dims = d.shape(0, 3, low=low)
    at = d.integer(0, len(dims))
    return (*dims[:at], dim, *dims[at:]), d.choose(at, at - len(dims) - 1)


def cat_inputs(d: Draw) -> Mapping[str, Any]:
    """One to four tensors that differ in size along one dim."""
    count = d.choose(2, 1, 3, 4)
    parts = tuple(d.size(f"c{i}", 0, 4) for i in range(count))
    rest = d.shape(0, 3)
    at = d.integer(0, len(rest))
    tensors = tuple(d.tensor((*rest[:at], part, *rest[at:])) for part in parts)
    return {"tensors": tensors, "dim": OMIT if at == 0 and d.flag() else d.choose(at, at - len(rest) - 1)}


def stack_inputs(d: Draw) -> Mapping[str, Any]:
    """One to three tensors along a new dim."""
    dims = d.shape(0, 4)
    tensors = tuple(d.tensor(dims) for _ in range(d.choose(2, 1, 3)))
    return {"tensors": tensors, "dim": d.choose(OMIT, d.integer(-len(dims) - 1, len(dims)))}


def split_inputs(name: str, *options: Any, size: int) -> Inputs:
    """A dim to split in parts, even or not. It is constant, since the number of results depends on its size."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        dims, dim = with_dim(d, size)
        return {"self": d.tensor(dims), name: d.choose(*options), "dim": OMIT if dim == 0 and d.flag() else dim}

    return inputs


def plane_split_inputs(name: str, *options: Any, axis: int) -> Inputs:
    """The dim `axis`, or the only one of a vector, to split in even parts or at indices; it is constant."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        dims = d.shape(0 if axis == 1 else max(axis, 1), 3)
        at = min(axis, len(dims))
        return {"self": d.tensor((*dims[:at], 6, *dims[at:])), name: d.choose(*options)}

    return inputs


def tensor_split_inputs(d: Draw) -> Mapping[str, Any]:
    """A dim to split in as many parts as a tensor says, or at the indices that it holds."""
    dims, dim = with_dim(d, 6)
    if d.flag():
        parts = d.choose(2, 1, 4)
        where = d.tensor((), "i64", Fill(low=parts, high=parts))
    else:
        where = d.tensor((d.choose(2, 1, 0),), "i64", Fill(low=d.choose(0, -7), high=7))
    args = {"self": d.tensor(dims), "tensor_indices_or_sections": where}
    return args if dim == 0 and d.flag() else args | {"dim": dim}


def unbind_inputs(d: Draw) -> Mapping[str, Any]:
    """A dim taken apart; it is constant, since the number of results is its size."""
    dims, dim = with_dim(d, d.choose(3, 1, 2))
    return {"self": d.tensor(dims), "dim": OMIT if dim == 0 and d.flag() else dim}


def repeat_inputs(name: str, *, fewer: bool) -> Inputs:
    """A count per dim, maybe 0 or 1, and for a new leading dim; one count may be the size of a dim."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        dims = d.shape(0, 4)
        count = d.integer(0 if fewer else len(dims), len(dims) + 1)
        counts = [d.choose(2, 1, 3, 0) for _ in range(count)]
        if dims and counts and d.flag():
            counts[0] = SizeOf(str(dims[0]))
        return {"self": d.tensor(dims), name: tuple(counts)}

    return inputs


def repeat_interleave_inputs(d: Draw) -> Mapping[str, Any]:
    """Each element of a dim, or of the flattened tensor, several times."""
    dim = d.choose(None, OMIT, "dim")
    dims = d.shape(int(dim == "dim"), 4)
    return {"self": d.tensor(dims), "repeats": d.choose(2, 1, 3, 0), "dim": d.axis(dims) if dim == "dim" else dim}


def slice_inputs(d: Draw) -> Mapping[str, Any]:
    """Starts and ends from the front or the back, left out or open, and a step; for constant dims also clamped ones."""
    constant = d.choose(False, False, True)
    start, end, low = d.choose(*RANGES, *(CLAMPED if constant else ()))
    step = d.choose(OMIT, 2, 3, 1)
    least = low + 1 + (1 if step is OMIT else step) if d.mode == "dynamic" and not constant else low
    dims, dim = with_dim(d, d.size("m", least, least + 4, symbolic=not constant))
    if not constant and start == 0 and d.flag():
        end = SizeOf("m")
    args = {"self": d.tensor(dims, layout=d.layout()), "start": start, "end": end, "step": step}
    return args if dim == 0 and d.flag() else args | {"dim": dim}


def plain_slice_inputs(d: Draw) -> Mapping[str, Any]:
    """The middle of the last dim: without a start and an end, a slice is the tensor itself."""
    return {"self": d.tensor((d.size("n"), d.size("m", 4))), "dim": 1, "start": 1, "end": 3}


def select_inputs(d: Draw) -> Mapping[str, Any]:
    """An index from the front or the back."""
    index = d.choose(0, -1, 1, -2, 2)
    low = index + 1 if index >= 0 else -index
    dims, dim = with_dim(d, d.size("m", low, low + 3))
    return {"self": d.tensor(dims, layout=d.layout()), "dim": dim, "index": index}


def narrow_inputs(d: Draw) -> Mapping[str, Any]:
    """A start and a length, which may be 0 or the whole size."""
    start, length = d.choose((1, 2), (0, 1), (2, 0), (-2, 2), (0, SizeOf("m")))
    low = 0 if isinstance(length, SizeOf) else abs(start) + length if d.mode == "dynamic" else max(start, 0) + length
    dims, dim = with_dim(d, d.size("m", low, low + 3))
    return {"self": d.tensor(dims), "dim": dim, "start": start, "length": length}


def narrow_tensor_inputs(d: Draw) -> Mapping[str, Any]:
    """A start in a tensor, which may count from the back if one element is taken, and a length."""
    length, starts = d.choose((2, 3), (1, 2), (0, 3), (3, 1))
    dims, dim = with_dim(d, d.size("m", length + starts, length + starts + 3))
    start = d.index((), starts, dtype=d.choose("i64", "i32"), negative=length == 1)
    return {"self": d.tensor(dims), "dim": dim, "start": start, "length": length}


def strided(d: Draw, *, overlap: bool) -> tuple[TensorSpec, Mapping[str, Any]]:
    """Rows of constant length, and windows of constant strides into them: with gaps, columns, one element, none.

    With `overlap`, also windows that hold an element more than once: a stride is 0 or less than the extent inside it.
    """
    rows = SizeOf(d.size("n", 2))
    apart = (
        ((rows, 3), (6, 2), OMIT),
        ((3, rows), (1, 6), 0),
        ((rows, 2, 2), (6, 1, 2), 1),
        ((rows,), (6,), 5),
        ((), (), 3),
        ((2, 3), (6, 1), None),
        ((2, 0), (1, 1), 4),
    )
    overlapping = (
        ((2, 3), (0, 1), None),
        ((4, 3), (1, 2), 3),
        ((rows, 4), (2, 1), OMIT),
        ((rows, 3), (0, 2), 7),
        ((2, rows, 2), (3, 1, 0), 2),
    )
    size, stride, offset = d.choose(*apart, *(overlapping if overlap else ()))
    return d.tensor(("n", 6)), {"size": size, "stride": stride, "storage_offset": offset}


def as_strided_inputs(d: Draw) -> Mapping[str, Any]:
    """Windows into rows, overlapping or not."""
    tensor, window = strided(d, overlap=True)
    return {"self": tensor, **window}


def as_strided_scatter_inputs(d: Draw) -> Mapping[str, Any]:
    """Windows into rows that hold no element twice, and the tensor to write there."""
    tensor, window = strided(d, overlap=False)
    dims = tuple(size.dim if isinstance(size, SizeOf) else size for size in window["size"])
    return {"self": tensor, "src": d.tensor(dims), **window}


def diagonal_of(d: Draw) -> int:
    """The offset of a diagonal of `m` rows and `n` columns: 0, or in dynamic mode one with two elements or more."""
    rows, columns = d.sizes["m"], d.sizes["n"]
    long = (k for k in (1, -1, 2, -3) if d.mode == "static" or min(rows + min(k, 0), columns - max(k, 0)) >= 2)
    return int(d.choose(0, *long))


def diagonal_inputs(d: Draw) -> Mapping[str, Any]:
    """Diagonals above and below the main one, of any two dims, constant or not."""
    dims: Dims = d.shape(0, 2)
    constant = d.flag()
    first, second = (d.integer(0, 4), d.integer(0, 4)) if constant else (d.size("m"), d.size("n"))
    offset = d.choose(0, 1, -1, 2, -3) if constant else diagonal_of(d)
    dims, one = _insert(d, dims, first)
    dims, two = _insert(d, dims, second)
    one = one + 1 if two <= one else one
    rank = len(dims)
    main = {"offset": OMIT if offset == 0 else offset}
    if (one, two) == (0, 1) and d.flag():
        return {"self": d.tensor(dims), **main}
    return {"self": d.tensor(dims), **main, "dim1": d.choose(one, one - rank), "dim2": d.choose(two, two - rank)}


def linalg_diagonal_inputs(d: Draw) -> Mapping[str, Any]:
    """As `diagonal_inputs`, by default of the last two dims."""
    args = dict(diagonal_inputs(d))
    rank = len(args["self"].dims)
    last = (args.get("dim1", 0) % rank, args.get("dim2", 1) % rank) == (rank - 2, rank - 1)
    chosen = {} if last and d.flag() else {name: args.get(name, i) for i, name in enumerate(("dim1", "dim2"))}
    return {"A": args["self"], "offset": args["offset"], **chosen}


def diag_inputs(d: Draw) -> Mapping[str, Any]:
    """A vector to put on a diagonal, or a matrix to take one from."""
    if d.flag():
        return {"self": d.tensor((d.size("m", high=6), d.size("n", high=6))), "diagonal": diagonal_of(d)}
    return {"self": d.tensor((d.size("n", high=4),)), "diagonal": d.choose(OMIT, 1, -1, 2, 0, -3)}


def diag_embed_inputs(d: Draw) -> Mapping[str, Any]:
    """The last dim put on a diagonal of any two dims of the result."""
    dims = d.shape(1, 4)
    offset, plane = d.choose(OMIT, 1, -1, 0, -2), d.axes((*dims, 1), min_size=2)[:2]
    chosen = {"dim1": plane[0], "dim2": plane[1]} if d.flag() else {}
    return {"self": d.tensor(dims), "offset": offset, **chosen}


def diagflat_inputs(d: Draw) -> Mapping[str, Any]:
    """All elements put on a diagonal; few of them, since the result is square."""
    dims = tuple(d.size(f"d{i}", high=3) for i in range(d.integer(int(d.mode == "dynamic"), 3)))
    return {"self": d.tensor(dims), "offset": d.choose(OMIT, 1, -1, 0, -2)}


def matrix_inputs(d: Draw) -> Mapping[str, Any]:
    """A matrix, square or not."""
    n = d.size("n")
    return {"self": d.tensor(d.choose((n, n), (n, d.size("m"))))}


def _insert(d: Draw, dims: Dims, dim: Dim) -> tuple[Dims, int]:
    at = d.integer(0, len(dims))
    return (*dims[:at], dim, *dims[at:]), at


def unfold_inputs(d: Draw) -> Mapping[str, Any]:
    """Windows along a dim, that overlap, touch or leave gaps."""
    size, step = d.choose(2, 1, 3), d.choose(1, 2, 3)
    low = size + step if d.mode == "dynamic" else size
    dims, dim = with_dim(d, d.size("m", low, low + 4), low=int(d.mode == "dynamic"))
    return {"self": d.tensor(dims), "dimension": dim, "size": size, "step": step}


def moves(op: str, inputs: Inputs, **more: Any) -> OpCase:
    """An op that only moves elements, whatever their dtype."""
    return OpCase(op=op, inputs=inputs, dtypes=EVERY, **more)


BY_STRIDES = row_major("it reads memory by strides, and the tensors of a backend have none")

CASES = (
    moves("aten.cat.default", cat_inputs),
    moves("aten.stack.default", stack_inputs),
    moves("aten.split.Tensor", split_inputs("split_size", 2, 1, 3, 6, 9, size=6)),
    moves("aten.split_with_sizes.default", split_inputs("split_sizes", (2, 4), (1, 0, 5), (6,), size=6)),
    moves("aten.chunk.default", split_inputs("chunks", 2, 1, 3, 5, 9, size=7)),
    moves("aten.tensor_split.sections", split_inputs("sections", 2, 1, 3, 5, 9, size=7)),
    moves("aten.tensor_split.indices", split_inputs("indices", (2, 4), (-3,), (1, 9), (), size=6)),
    moves(
        "aten.tensor_split.tensor_indices_or_sections",
        tensor_split_inputs,
        unexported="where a tensor holds the number of results: GuardOnDataDependentSymNode",
    ),
    moves("aten.split.sizes", split_inputs("split_size", (2, 4), (1, 0, 5), (6,), size=6)),
    moves("aten.unsafe_split.Tensor", split_inputs("split_size", 2, 1, 3, 6, 9, size=6)),
    moves("aten.unsafe_chunk.default", split_inputs("chunks", 2, 1, 3, 5, 9, size=7)),
    moves("aten.hsplit.int", plane_split_inputs("sections", 2, 1, 3, 6, axis=1)),
    moves("aten.hsplit.array", plane_split_inputs("indices", (2, 4), (-3,), (1, 9), (), axis=1)),
    moves("aten.vsplit.int", plane_split_inputs("sections", 2, 1, 3, 6, axis=0)),
    moves("aten.vsplit.array", plane_split_inputs("indices", (2, 4), (-3,), (1, 9), (), axis=0)),
    moves("aten.dsplit.int", plane_split_inputs("sections", 2, 1, 3, 6, axis=2)),
    moves("aten.dsplit.array", plane_split_inputs("indices", (2, 4), (-3,), (1, 9), (), axis=2)),
    moves("aten.unbind.int", unbind_inputs),
    moves("aten.repeat.default", repeat_inputs("repeats", fewer=False)),
    moves("aten.tile.default", repeat_inputs("dims", fewer=True)),
    moves(
        "aten.repeat_interleave.self_int",
        repeat_interleave_inputs,
        fixed={"output_size": "a hint, which changes no result"},
    ),
    moves("aten.slice.Tensor", slice_inputs, plain=plain_slice_inputs),
    moves("aten.select.int", select_inputs),
    moves("aten.narrow.default", narrow_inputs),
    moves(
        "aten.narrow.Tensor",
        narrow_tensor_inputs,
        unexported="export drops the size that its fake implementation makes: PendingUnbackedSymbolNotFound",
    ),
    moves("aten.as_strided.default", as_strided_inputs, untried=BY_STRIDES),
    moves("aten.as_strided_scatter.default", as_strided_scatter_inputs, untried=BY_STRIDES),
    moves("aten.diagonal.default", diagonal_inputs),
    moves("aten.linalg_diagonal.default", linalg_diagonal_inputs),
    moves("aten.diag.default", diag_inputs),
    moves("aten.diag_embed.default", diag_embed_inputs),
    moves("aten.diagflat.default", diagflat_inputs),
    OpCase(
        op="aten.trace.default",
        inputs=matrix_inputs,
        dtypes=REAL + COMPLEX,
        numeric=Linear(("n",)),
        exclude={"bool": "eager refuses it"},
    ),
    moves("aten.unfold.default", unfold_inputs),
)
