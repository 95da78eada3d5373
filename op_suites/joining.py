"""Several tensors to one, or to others of their common shape: stacks, grids, products, blocks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.cases.case import OMIT, Dims, Draw, Inputs

from .slicing import moves


def stacked_inputs(*families: tuple[str, ...]) -> Inputs:
    """One to three tensors of ranks that go together: members of a family, whose first member has the most dims.

    A letter of a member is a dim that the tensors share; `1` is a dim of size 1. Each tensor has its own dim `c`, along
    which they are joined.
    """

    def inputs(d: Draw) -> Mapping[str, Any]:
        family = d.choose(*families)
        members = [family[0] if d.mode == "dynamic" else d.choose(*family)]
        members += [d.choose(*family) for _ in range(d.choose(1, 0, 2))]
        tensors = []
        for i, member in enumerate(members):
            names = (f"c{i}" if name == "c" else name for name in member)
            tensors.append(d.tensor(tuple(1 if name == "1" else _shared(d, name) for name in names)))
        return {"tensors": tuple(tensors)}

    return inputs


def _shared(d: Draw, name: str) -> str:
    """The dim of that name, declared where it is new."""
    return name if name in d.sizes else d.size(name, high=4)


def several_inputs(d: Draw) -> Mapping[str, Any]:
    """One to three tensors of any ranks."""
    return {"tensors": tuple(d.tensor(d.shape(d.choose(1, 0), 4, prefix=name)) for name in "abc"[: d.choose(2, 1, 3)])}


def broadcast_inputs(d: Draw) -> Mapping[str, Any]:
    """One to three tensors that broadcast, one of which has all dims."""
    dims = d.shape()
    before, behind = d.choose((1, 0), (0, 1), (0, 0), (1, 1), (2, 0))
    shapes = (*(d.broadcast(dims) for _ in range(before)), dims, *(d.broadcast(dims) for _ in range(behind)))
    return {"tensors": tuple(d.tensor(shape) for shape in shapes)}


def vectors(d: Draw, *, scalars: bool, high: int = 4) -> tuple[Any, ...]:
    """One to three vectors, or scalars instead of some of them."""
    count = d.choose(2, 1, 3)
    kept = d.integer(0, count - 1)
    shapes: list[Dims] = [(d.size(f"n{i}", high=high),) for i in range(count)]
    return tuple(d.tensor(() if scalars and i != kept and d.flag() else shape) for i, shape in enumerate(shapes))


def meshgrid_inputs(*indexing: str) -> Inputs:
    """Vectors and scalars; the first one lies along the first dim of the grid, or (`xy`) along the second."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        return {"tensors": vectors(d, scalars=True), "indexing": d.choose(*indexing) if indexing else OMIT}

    return inputs


def product_inputs(d: Draw) -> Mapping[str, Any]:
    """Vectors."""
    return {"tensors": vectors(d, scalars=False, high=3)}


def combinations_inputs(d: Draw) -> Mapping[str, Any]:
    """A vector, how many of its elements to combine, and whether an element may occur more than once."""
    count = d.choose(OMIT, 3, 0, *((1,) if d.mode == "static" else ()))  # export specializes the size if it is 1
    return {"self": d.tensor((d.size("n", high=5),)), "r": count, "with_replacement": d.maybe(True)}


def blocks_inputs(d: Draw) -> Mapping[str, Any]:
    """One to three matrices, rows and scalars."""
    ranks = (d.choose(2, 1) if d.mode == "dynamic" else d.choose(2, 1, 0), *d.choose((2,), (), (1, 0), (0, 2)))
    return {"tensors": tuple(d.tensor(d.shape(r, r, prefix=name)) for name, r in zip("abc", ranks, strict=False))}


def chunk_cat_inputs(d: Draw) -> Mapping[str, Any]:
    """One to three tensors, none empty, with common dims before the one that is padded and cut into equal chunks.

    If there are several chunks, export specializes that dim.
    """
    count = d.choose(2, 1, 3, 8)
    lead = d.shape(0, 2, low=1, prefix="n")
    dim = len(lead)
    shapes: list[Dims] = []
    for i in range(d.choose(2, 1, 3)):
        shapes.append((*lead, d.size(f"c{i}", 1, symbolic=count == 1), *d.shape(0, 2, low=1, prefix=f"t{i}")))
    alike = {len(shape) for shape in shapes} == {len(shapes[0])}
    return {
        "tensors": tuple(d.tensor(shape) for shape in shapes),
        "dim": d.choose(dim, dim - len(shapes[0])) if alike else dim,
        "num_chunks": count,
    }


CASES = (
    moves("aten.hstack.default", stacked_inputs(("nc",), ("c", ""), ("nct",), ("ncts",))),
    moves("aten.vstack.default", stacked_inputs(("cm", "m"), ("c1", "1", ""), ("cmt",), ("cmts",))),
    moves("aten.dstack.default", stacked_inputs(("mnc", "mn"), ("1nc", "1n", "n"), ("11c", "", "1"), ("mncs",))),
    moves("aten.column_stack.default", stacked_inputs(("nc", "n"), ("1c", "1", ""), ("nct",))),
    moves("aten._chunk_cat.default", chunk_cat_inputs),
    moves("aten.atleast_1d.Sequence", several_inputs),
    moves("aten.atleast_2d.Sequence", several_inputs),
    moves("aten.atleast_3d.Sequence", several_inputs),
    moves("aten.broadcast_tensors.default", broadcast_inputs),
    moves("aten.meshgrid.default", meshgrid_inputs()),
    moves("aten.meshgrid.indexing", meshgrid_inputs("ij", "xy")),
    moves("aten.cartesian_prod.default", product_inputs),
    moves(
        "aten.combinations.default",
        combinations_inputs,
        unexported="of two elements or more, whose number export forgets: PendingUnbackedSymbolNotFound",
    ),
    moves("aten.block_diag.default", blocks_inputs),
)
