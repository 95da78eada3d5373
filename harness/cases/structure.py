"""What the shapes of a call show: ranks, sizes of 0 and 1, and what the op does where they are."""

from __future__ import annotations

import math
from collections.abc import Iterator

from .argument_facets import DIMS
from .facets import is_alone
from .sample import Arg, Dim, Sample, TensorSpec, tensors, walk

Shape = tuple[int, ...]
IDLE = "idle"
"""The trait of a call that acts along a dim of size 0 or 1, where it has next to nothing to do."""


def structure(sample: Sample) -> set[str]:
    """The structural traits of a sample, at its sizes at export.

    - `self:rank=2`: of each argument.
    - `self:size_0@k`, `self:size_1@d`: a dim among larger ones, by its name without a number. Dims that differ in
      nothing but their number are alike: to an elementwise op it is all one which of them is empty.
    - `dim:size_0`, `dim:size_1`, `dim:all`, `dim:rank=0`: the argument names a dim of that size, all dims, or one of a
      tensor of rank 0.
    - `empty`, `single`: a tensor without elements, or with one but not of rank 0.
    - `dim:size_0 alone`, `empty alone`: so are those of the last two kinds called without any other argument.
    - `idle`: the op acts along a dim of size 0 or 1.
    - `expands`, `expands:size_0`: a 1 broadcasts to a larger size, or something is empty beside it.
    - `expands:square`: what is broadcast has two dims of one size, which a lowering may take for each other.
    - `crosses`: each of two tensors has a 1 where the other has a larger size.
    """
    named = [(name, spec) for name, arg in sample.args.items() for spec in tensors(arg)]
    shapes = [spec.shape(sample.sizes) for _, spec in named]
    found = {f"{name}:rank={len(spec.dims)}" for name, spec in named}
    found |= {trait for (name, spec), shape in zip(named, shapes, strict=True) for trait in _sizes(name, spec, shape)}
    bare = {trait for name in DIMS if shapes for trait in _acted(name, sample.args.get(name), _shape_of(name, shapes))}
    found |= {IDLE for trait in bare if ":size_" in trait}
    bare |= {trait for shape in shapes for trait in _counts(shape)}
    alone = all(name in DIMS or tensors(arg) for name, arg in sample.args.items())
    return found | bare | {f"{trait} alone" for trait in bare if alone} | set(_expansion(shapes))


def _shape_of(name: str, shapes: list[Shape]) -> Shape:
    """The shape whose dims an argument names: that of the first tensor, but for `dims_other`."""
    return shapes[-1] if name == "dims_other" else shapes[0]


def _sizes(name: str, spec: TensorSpec, shape: Shape) -> Iterator[str]:
    for i, (dim, size) in enumerate(zip(spec.dims, shape, strict=True)):
        if size < 2 and is_alone(shape, i):
            yield f"{name}:size_{size}@{_role(dim)}"


def _counts(shape: Shape) -> Iterator[str]:
    if 0 in shape:
        yield "empty"
    elif shape and math.prod(shape) == 1:
        yield "single"


def _role(dim: Dim) -> str:
    return dim.rstrip("0123456789") if isinstance(dim, str) else ""


def _acted(name: str, arg: Arg, shape: Shape) -> Iterator[str]:
    """What the dims that an argument names have to do with a shape."""
    numbers = [n for n in walk(arg) if isinstance(n, int) and not isinstance(n, bool)]
    if not numbers:
        return
    if not shape:
        yield f"{name}:rank=0"
        return
    acted = {n % len(shape) for n in numbers}
    left = [n for i, n in enumerate(shape) if i not in acted]
    yield from (f"{name}:size_{shape[i]}" for i in acted if shape[i] < 2 and all(left))
    if not left:
        yield f"{name}:all"


def _expansion(shapes: list[Shape]) -> Iterator[str]:
    """Whether a 1 of one shape broadcasts to another size of the longest, or also the other way round, or to 0."""
    longest = max(shapes, key=len, default=())
    for shape in shapes:
        lead, aligned = longest[: len(longest) - len(shape)], longest[len(longest) - len(shape) :]
        pairs = [pair for pair in zip(shape, aligned, strict=True) if pair[0] != pair[1]]
        if not all(1 in pair for pair in pairs):
            continue
        empty = 0 in (*shape, *longest)
        if (lead or pairs) and _is_square(shape) and not empty:
            yield "expands:square"
        if pairs:
            yield "expands"
            if any(n == 1 for _, n in pairs) and (any(n == 1 for n, _ in pairs) or any(n > 1 for n in lead)):
                yield "crosses"
            if empty:
                yield "expands:size_0"


def _is_square(shape: Shape) -> bool:
    """Whether two dims with something in them have one size."""
    large = [n for n in shape if n > 1]
    return len(set(large)) < len(large)
