"""The same elements in another shape or order: reshaping, expanding, permuting, flipping."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.cases.case import OMIT, Dims, Draw, Inputs, OpCase
from harness.cases.dtypes import EVERY
from harness.cases.numeric import Linear
from harness.cases.sample import Dim, EnumArg, SizeOf
from harness.cases.strategies import row_major, unary_inputs

from .slicing import moves, with_dim

TERMS = Linear(("d0", "d1", "d2", "d3", "d4"))


def sizes_of(dims: Dims) -> tuple[Any, ...]:
    """The sizes of dims as arguments, symbolic where the dim is named."""
    return tuple(SizeOf(dim) if isinstance(dim, str) else dim for dim in dims)


def view_inputs(name: str, *, copies: bool = False) -> Inputs:
    """The same sizes, ones inserted, all or two dims merged, a dim split or inferred.

    An op that `copies` takes tensors of any layout in memory, and so does a view unless it merges dims.
    """

    def inputs(d: Draw) -> Mapping[str, Any]:
        how = d.choose("merge", "flatten", "split", "regroup", "ones", "infer", "same")
        dims = d.shape(2 if how == "merge" else 1 if how == "infer" else 0, 4, low=int(how in ("merge", "infer")))
        sizes = sizes_of(dims)
        match how:
            case "merge":  # the others are not empty, so that the merged one can be inferred
                at = d.integer(0, len(dims) - 2)
                sizes = (*sizes[:at], -1, *sizes[at + 2 :])
            case "flatten":
                sizes = (-1,)
            case "split":
                at = d.integer(0, len(dims))
                dims, parts = (*dims[:at], 6, *dims[at:]), d.choose((2, 3), (3, 1, 2), (6, 1))
                sizes = (*sizes[:at], *parts, *sizes[at:])
            case "regroup":
                dims, sizes = (*dims, 4, 6), (*sizes, *d.choose((8, 3), (2, 12), (24,), (4, 2, 3)))
            case "ones":
                at = d.integer(0, len(dims))
                sizes = (*sizes[:at], 1, *sizes[at:], 1)
            case "infer":
                at = d.integer(0, len(dims) - 1)
                sizes = (*sizes[:at], -1, *sizes[at + 1 :])
        merges = how in ("merge", "flatten", "regroup")
        return {"self": d.tensor(dims, layout="contiguous" if merges and not copies else d.layout()), name: sizes}

    return inputs


def expand_inputs(d: Draw) -> Mapping[str, Any]:
    """Ones expanded to a constant or to another dim's size, -1 for what stays, new leading dims; `implicit`."""
    dims, size = expanded(d, keep=(-1,))
    return {"self": d.tensor(dims, layout=d.layout()), "size": size, "implicit": d.choose(OMIT, True)}


def broadcast_to_inputs(d: Draw) -> Mapping[str, Any]:
    """Ones expanded to a constant or to another dim's size, new leading dims."""
    dims, size = expanded(d, keep=())
    return {"self": d.tensor(dims), "size": size}


def expanded(d: Draw, *, keep: tuple[int, ...]) -> tuple[Dims, tuple[Any, ...]]:
    """Dims, some of them 1, and the sizes to expand them to."""
    named = d.shape(0, 4)
    dims: list[Dim] = []
    size: list[Any] = []
    for dim in named:
        if d.flag():
            dims.append(1)
            size.append(d.choose(3, 1, 0, 2))
        dims.append(dim)
        size.append(d.choose(SizeOf(str(dim)), *keep))
    lead = d.choose((), (2,), (3, 1), (0,), (SizeOf(str(named[-1])),) if named else (1,))
    return tuple(dims), (*lead, *size)


def permute_inputs(d: Draw) -> Mapping[str, Any]:
    """Any order of the dims, some counted from the back."""
    dims = d.shape()
    return {"self": d.tensor(dims, layout=d.layout()), "dims": d.axes(dims, min_size=len(dims))}


def two_axes_inputs(first: str, second: str) -> Inputs:
    """A tensor of any rank, and two of its dims, which may be the same."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        dims = d.shape()
        return {"self": d.tensor(dims, layout=d.layout()), first: d.axis(dims), second: d.axis(dims)}

    return inputs


def rank_inputs(min_rank: int, max_rank: int) -> Inputs:
    """A tensor of a rank in a range and nothing else."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        return {"self": d.tensor(d.shape(min_rank, max_rank), layout=d.layout())}

    return inputs


def with_ones(d: Draw) -> Dims:
    """Dims of any rank, some of them 1; a symbolic dim never is 1, since the rank of the result depends on that."""
    dims: list[Dim] = []
    for dim in d.shape(d.choose(2, 1, 0), 3, low=2 if d.mode == "dynamic" else 0):
        dims += [1, dim] if d.flag() else [dim]
    return (*dims, *d.choose((1,), (), (1, 1)))


def squeeze_inputs(how: str) -> Inputs:
    """All dims, one or several, to squeeze: those of size 1 are removed, others stay."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        dims = with_ones(d)
        args = {"self": d.tensor(dims, layout=d.layout())}
        match how:
            case "dim":
                return args | {"dim": d.choose(len(dims) - 1, -1, d.axis(dims)) if dims else d.choose(0, -1)}
            case "dims":
                return args | {"dim": d.axes(dims)}
            case _:
                return args

    return inputs


def plain_squeeze_inputs(name: str = "self", **more: Any) -> Inputs:
    """A dim of size 1 behind two others: without one, squeezing does nothing."""
    return lambda d: {name: d.tensor((*d.shape(2, 2), 1)), **more}


def plain_expand_inputs(d: Draw) -> Mapping[str, Any]:
    """A matrix, repeated along a new dim in front: to its own sizes, expanding does nothing."""
    dims = d.shape(2, 2)
    return {"self": d.tensor(dims), "size": (2, *sizes_of(dims))}


def unsqueeze_inputs(d: Draw) -> Mapping[str, Any]:
    """A dim of size 1 anywhere."""
    dims = d.shape(0, 4)
    return {"self": d.tensor(dims, layout=d.layout()), "dim": d.integer(-len(dims) - 1, len(dims))}


def flatten_inputs(d: Draw) -> Mapping[str, Any]:
    """A range of dims, all of them by default."""
    dims = d.shape()
    rank = max(len(dims), 1)
    start = d.integer(0, rank - 1)
    end = d.integer(start, rank - 1)
    return {
        "self": d.tensor(dims, layout=d.layout()),
        "start_dim": d.choose(OMIT, start, start - rank) if start == 0 else d.choose(start, start - rank),
        "end_dim": d.choose(OMIT, end, end - rank) if end == rank - 1 else d.choose(end, end - rank),
    }


def unflatten_inputs(d: Draw) -> Mapping[str, Any]:
    """A constant dim to split in two or three, maybe one inferred; or a symbolic dim that gets a 1 next to it."""
    if d.flag():
        dims, dim = with_dim(d, d.size("m", 1))
        return {"self": d.tensor(dims), "dim": dim, "sizes": d.choose((SizeOf("m"), 1), (1, -1), (-1,))}
    dims, dim = with_dim(d, 12)
    return {"self": d.tensor(dims), "dim": dim, "sizes": d.choose((3, 4), (2, -1), (-1, 2, 3), (12, 1))}


def flip_inputs(d: Draw) -> Mapping[str, Any]:
    """Any of the dims, or none."""
    dims = d.shape()
    return {"self": d.tensor(dims), "dims": d.axes(dims)}


def roll_inputs(d: Draw) -> Mapping[str, Any]:
    """Some dims, or the flattened tensor, to roll in either direction, maybe by more than their size."""
    dims = d.shape()
    axes = d.axes(dims)
    shifts = tuple(d.choose(1, -1, 2, 0, -5, 9) for _ in axes or (0,))
    return {"self": d.tensor(dims), "shifts": shifts, "dims": axes if axes else d.choose(OMIT, ())}


def movedim_inputs(d: Draw) -> Mapping[str, Any]:
    """Several dims to as many places."""
    dims = d.shape()
    source = d.axes(dims)
    places = d.axes(dims, min_size=len(dims))[: len(source)]
    return {"self": d.tensor(dims), "source": source, "destination": places}


def pixels_inputs(name: str, *, inverse: bool) -> Inputs:
    """Channels to space or back, with any leading dims. Sizes that must be divisible are constant."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        factor = d.choose(2, 1, 3)
        lead = tuple(d.size(f"n{i}", high=3) for i in range(d.choose(1, 0, 2)))
        channels = d.integer(1, 2)
        if inverse:
            h, w = (d.integer(1, 2) * factor for _ in range(2))
            return {"self": d.tensor((*lead, channels, h, w)), name: factor}
        space = (d.size("h", 1, 3), d.size("w", 1, 3))
        return {"self": d.tensor((*lead, channels * factor**2, *space)), name: factor}

    return inputs


def rot90_inputs(d: Draw) -> Mapping[str, Any]:
    """Quarter turns either way in the plane of two dims."""
    dims = d.shape(2, 4)
    plane = d.axes(dims, min_size=2)[:2]
    return {"self": d.tensor(dims), "k": d.choose(OMIT, 2, -1, 0, 7), "dims": plane}


def like_inputs(d: Draw) -> Mapping[str, Any]:
    """A tensor that broadcasts to another one's shape."""
    dims = d.shape()
    return {"self": d.tensor(d.broadcast(dims)), "other": d.tensor(dims)}


def regrouped_inputs(d: Draw) -> Mapping[str, Any]:
    """A tensor and another one of as many elements: a dim split, two merged or regrouped, ones put in or taken out."""
    dims = d.shape(0, 3)
    at = d.integer(0, len(dims))
    groups: tuple[tuple[Dims, Dims], ...] = (((6,), (2, 3)), ((2, 3), (6,)), ((4, 6), (8, 3)), ((), (1,)), ((1, 1), ()))
    mine, others = d.choose(*groups, ((), ()))
    return {name: d.tensor((*dims[:at], *part, *dims[at:])) for name, part in (("self", mine), ("other", others))}


def resize_inputs(d: Draw) -> Mapping[str, Any]:
    """A size of as many elements or fewer: the further elements of a larger result are uninitialized.

    Export compares the old size with the new one, and specializes the rows if the comparison depends on them.
    """
    rows = SizeOf(d.size("n"))
    size = d.choose((rows, 6), (rows, 2), (3, rows, 2), (rows, 0), (rows, 1, 2, 2), (rows, 3, 2, 1), (rows,))
    formats = ("contiguous_format", *(("channels_last",) if len(size) == 4 else ()))
    format = d.choose(OMIT, None, *(EnumArg("memory_format", name) for name in formats))
    return {"self": d.tensor(("n", 6)), "size": size, "memory_format": format}


def channel_shuffle_inputs(d: Draw) -> Mapping[str, Any]:
    """Channels in one or several groups, with one to three dims behind them."""
    groups = d.choose(2, 1, 3)
    space = d.shape(1, 3)
    return {"self": d.tensor((d.size("n", high=3), groups * d.choose(2, 1, 3), *space)), "groups": groups}


def collapse_inputs(d: Draw) -> Mapping[str, Any]:
    """A range of dims, counted from the front."""
    dims = d.shape(1)
    start = d.integer(0, len(dims) - 1)
    return {"a": d.tensor(dims), "start": start, "end": d.integer(start, len(dims) - 1)}


def split_dim_inputs(d: Draw) -> Mapping[str, Any]:
    """A constant dim to split in two, or a dim of any size that gets a 1 next to it."""
    inner, outer = d.choose((6, 2), (6, 1), (6, 6), (0, 3), ("m", SizeOf("m")), ("m", 1))
    dims, dim = with_dim(d, d.size("m", 1) if inner == "m" else inner)
    return {"a": d.tensor(dims), "dim": dim % len(dims), "outer_length": outer}


def prims_squeeze_inputs(d: Draw) -> Mapping[str, Any]:
    """Some of the dims of size 1, counted from the front, or none."""
    dims = with_ones(d)
    ones = tuple(i for i, dim in enumerate(dims) if dim == 1)
    return {"a": d.tensor(dims), "dimensions": ones[d.integer(0, len(ones)) :]}


def sum_to_size_inputs(d: Draw) -> Mapping[str, Any]:
    """A shape that broadcasts to the tensor's."""
    dims = d.shape()
    return {"self": d.tensor(dims), "size": sizes_of(d.broadcast(dims))}


EXCLUDED: Mapping[str, str] = {
    "aten.resize_.default": "writes to its argument; its functional form, aten.resize.default, is measured instead",
}

AS_IT_LIES = row_major("it copies nothing, so that eager refuses it for most sizes of such a tensor")

CASES = (
    moves("aten.view.default", view_inputs("size"), untried=AS_IT_LIES),
    moves("aten.reshape.default", view_inputs("shape", copies=True)),
    moves("aten._unsafe_view.default", view_inputs("size"), untried=AS_IT_LIES),
    moves("aten.expand.default", expand_inputs, plain=plain_expand_inputs),
    moves("aten.expand_as.default", like_inputs),
    moves("aten.broadcast_to.default", broadcast_to_inputs, plain=plain_expand_inputs),
    moves("aten.permute.default", permute_inputs),
    moves("aten.transpose.int", two_axes_inputs("dim0", "dim1")),
    moves("aten.swapaxes.default", two_axes_inputs("axis0", "axis1")),
    moves("aten.movedim.int", two_axes_inputs("source", "destination")),
    moves("aten.movedim.intlist", movedim_inputs),
    moves("aten.t.default", rank_inputs(0, 2)),
    moves("aten.mT.default", rank_inputs(2, 4)),
    moves("aten.squeeze.default", squeeze_inputs("all"), plain=plain_squeeze_inputs()),
    moves("aten.squeeze.dim", squeeze_inputs("dim"), plain=plain_squeeze_inputs(dim=2)),
    moves("aten.squeeze.dims", squeeze_inputs("dims"), plain=plain_squeeze_inputs(dim=(2,))),
    moves("aten.unsqueeze.default", unsqueeze_inputs),
    moves("aten.flatten.using_ints", flatten_inputs),
    moves("aten.unflatten.int", unflatten_inputs),
    moves("aten.flip.default", flip_inputs),
    moves("aten.roll.default", roll_inputs),
    moves("aten.rot90.default", rot90_inputs),
    moves("aten.reshape_as.default", regrouped_inputs),
    moves("aten.view_as.default", regrouped_inputs, untried=AS_IT_LIES),
    moves("aten.ravel.default", rank_inputs(0, 5)),
    moves("aten.resize.default", resize_inputs),
    moves("aten.numpy_T.default", rank_inputs(0, 5)),
    moves("aten.mH.default", rank_inputs(2, 4)),
    moves("aten.matrix_H.default", rank_inputs(2, 2)),
    moves("aten.atleast_1d.default", unary_inputs()),
    moves("aten.atleast_2d.default", unary_inputs()),
    moves("aten.atleast_3d.default", unary_inputs()),
    moves("aten.fliplr.default", rank_inputs(2, 5)),
    moves("aten.flipud.default", rank_inputs(1, 5)),
    moves("aten.lift_fresh.default", unary_inputs(), seen_as="aten.lift_fresh_copy.default"),
    moves("prims.collapse.default", collapse_inputs),
    moves("prims.split_dim.default", split_dim_inputs),
    moves("prims.squeeze.default", prims_squeeze_inputs, plain=plain_squeeze_inputs("a", dimensions=(2,))),
    moves("prims.view_of.default", unary_inputs(name="a")),
    OpCase(
        op="aten.sum_to_size.default",
        inputs=sum_to_size_inputs,
        dtypes=EVERY,
        numeric=TERMS,
        plain=lambda d: {"self": d.tensor(dims := d.shape(2, 2)), "size": sizes_of(dims[1:])},
    ),
    moves("aten.channel_shuffle.default", channel_shuffle_inputs),
    moves("aten.pixel_shuffle.default", pixels_inputs("upscale_factor", inverse=False)),
    moves("aten.pixel_unshuffle.default", pixels_inputs("downscale_factor", inverse=True)),
)
