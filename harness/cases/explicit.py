"""Explicit samples: what a case lists in `examples`, written by hand with values, for a fault that no draw may show.

OpCase(..., examples=(
    example(self=tensor([2.0, NAN, 1.0, 3.0]), descending=True),
    example(self=tensor([[100, 200, 50], [7, 7, 255]], "u8"), dim=1),
    example(self=tensor([2.0, NAN, 1.0], dims=("n",)), dim=0),  # dynamic too
))
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from harness.errors import BadSample

from .dtypes import DTYPES
from .literal import literal
from .sample import Arg, Dim, Mode, Sample, Sizes, TensorSpec, map_leaves, walk

NAN: Final = math.nan
INF: Final = math.inf
_SYMBOLIC = 2
"""The least size at export of a dim that stays symbolic."""


@dataclass(frozen=True, slots=True)
class Given:
    """A tensor with its elements: its spec, and the sizes of its named dims."""

    spec: TensorSpec
    sizes: Sizes


@dataclass(frozen=True, slots=True)
class Example:
    """One invocation: the dtype of its cell, the arguments by schema name, and the sizes of the named dims."""

    dtype: str
    args: Mapping[str, Arg]
    sizes: Sizes

    def sample(self, op: str, mode: Mode) -> Sample | None:
        """The sample of a mode; None in dynamic mode where no named dim can be symbolic.

        In dynamic mode all of these dims are symbolic. The artifact runs at the sizes of the elements alone.
        """
        dynamic = tuple(name for name, size in self.sizes.items() if size >= _SYMBOLIC) if mode == "dynamic" else ()
        if mode == "dynamic" and not dynamic:
            return None
        sample = Sample(op=op, dtype=self.dtype, mode=mode, sizes=self.sizes, args=self.args, origin="explicit")
        return replace(sample, dynamic=dynamic, runs=(self.sizes,))


def tensor(elements: Any, dtype: str = "f32", dims: tuple[Dim | None, ...] = ()) -> Given:
    """A tensor of these elements: nested lists, or a number for a rank of 0.

    `dims` names those of its dims that are symbolic in dynamic mode; None keeps a size constant. Raises BadSample.
    """
    _check_dtype(dtype)
    shape, flat = _flattened(elements)
    if dims and len(dims) != len(shape):
        raise BadSample(f"an example names {len(dims)} dims of a tensor of shape {list(shape)}", hint="name each")
    named: tuple[Dim, ...] = tuple(size if dim is None else dim for dim, size in zip(dims, shape, strict=False))
    sizes = {dim: size for dim, size in zip(named, shape, strict=False) if isinstance(dim, str)}
    return Given(TensorSpec(dims=named or shape, dtype=dtype, fill=literal(flat, dtype)), sizes)


def example(of: str | None = None, /, **args: Any) -> Example:
    """One invocation, its arguments by schema name; raises BadSample.

    Its cell is that of the first tensor's dtype; `of` names another dtype, or that of a call without tensors.
    """
    given = [leaf for leaf in walk(args) if isinstance(leaf, Given)]
    if of is None and not given:
        raise BadSample("an example without a tensor has no dtype", hint="name it first: example('f32', ...)")
    dtype = of or given[0].spec.dtype
    _check_dtype(dtype)
    sizes: dict[str, int] = {}
    for name, size in (item for leaf in given for item in leaf.sizes.items()):
        if sizes.setdefault(name, size) != size:
            raise BadSample(f"an example has the dim {name} with the sizes {sizes[name]} and {size}", hint="name two")
    specs = map_leaves(args, lambda leaf: leaf.spec if isinstance(leaf, Given) else leaf)
    return Example(dtype, specs, sizes)


def _check_dtype(name: str) -> None:
    if name not in DTYPES:
        raise BadSample(f"an example has the dtype {name!r}", hint=f"the dtypes are {', '.join(DTYPES)}")


def _flattened(elements: Any) -> tuple[tuple[int, ...], list[Any]]:
    """The shape and the elements of nested lists; raises BadSample where they are no tensor."""
    if not isinstance(elements, list):
        return (), [elements]
    parts = [_flattened(part) for part in elements]
    if len({shape for shape, _ in parts}) > 1:
        raise BadSample(f"the rows of {elements} are not of one length", hint="make them so")
    shape = parts[0][0] if parts else ()
    return (len(elements), *shape), [element for _, flat in parts for element in flat]
