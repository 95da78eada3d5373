"""The sizes of a sample's named dims: which dims may be symbolic, and at which sizes the artifact runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from .sample import Sample, SizeOf, Sizes, tensors, walk

_PRIMES = (7, 5, 3, 2, 3)
"""The sizes of the run at primes, by the position of the dim among the dynamic ones."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The sizes that a named dim may have (`low` to `high` when drawn), and whether it may be symbolic."""

    low: int
    high: int
    symbolic: bool


def without_unused(sample: Sample) -> Sample:
    """The sample without the sizes that no argument uses."""
    used = {dim for t in tensors(sample.args) for dim in (*t.dims, t.fill.of) if isinstance(dim, str)}
    used |= {leaf.dim for leaf in walk(sample.args) if isinstance(leaf, SizeOf)}
    return replace(sample, sizes={name: size for name, size in sample.sizes.items() if name in used})


def symbolic(sample: Sample, bounds: Mapping[str, Bounds]) -> tuple[str, ...]:
    """The named dims that may be symbolic; export makes a constant of a size of 0 or 1."""
    return tuple(name for name, size in sample.sizes.items() if bounds[name].symbolic and size >= 2)


def runs(sizes: Sizes, dynamic: Mapping[str, Bounds]) -> tuple[Sizes, ...]:
    """The sizes at which one artifact runs: as exported, the least (0 if allowed), 1, a prime, mixed; 5 at most."""

    def run(size: Callable[[int, Bounds], int]) -> dict[str, int]:
        return {**sizes, **{n: max(b.low, size(i, b)) for i, (n, b) in enumerate(dynamic.items())}}

    wanted = (
        dict(sizes),
        run(lambda i, b: b.low),
        run(lambda i, b: 1 if b.low < 1 else b.low + 1),
        run(lambda i, b: next((p for p in (_PRIMES[i % 5], 5, 7, 11, 13) if p >= b.low), b.low)),
        run(lambda i, b: b.low + 3 + i),
        run(lambda i, b: b.low + (4 if i else 1)),
    )
    distinct = {tuple(r.items()): r for r in wanted}
    return tuple(distinct.values())[:5]


def first_dim(sample: Sample) -> str | int | None:
    """The first dim of the first tensor that has dims, or of the first argument that is a size."""
    dims = (t.dims[0] for t in tensors(sample.args) if t.dims)
    sizes = (leaf.dim for leaf in walk(sample.args) if isinstance(leaf, SizeOf))
    return next(dims, None) or next(sizes, None)


def is_first_dim_dynamic(sample: Sample) -> bool:
    """Whether the first dim of a dynamic plain call is symbolic; where it cannot be, another one is."""
    return sample.dynamic == (first_dim(sample),)
