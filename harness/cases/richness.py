"""How much a sample can show: the order in which samples are preferred."""

from __future__ import annotations

import math

from .sample import Sample, SizeOf, tensors, walk


def has_elements(sample: Sample) -> bool:
    """Whether no tensor is empty, no size argument is 0, and one of them is larger than 1."""
    counts = element_counts(sample)
    return min(counts, default=0) > 0 and max(counts) > 1


def element_counts(sample: Sample, *, filled: bool = False) -> list[int]:
    """The number of elements of each tensor, and each size argument; `filled` leaves out tensors written down."""
    sizes = [sample.sizes[leaf.dim] for leaf in walk(sample.args) if isinstance(leaf, SizeOf)]
    chosen = [t for t in tensors(sample.args) if not filled or t.fill.kind != "literal"]
    return [math.prod(t.shape(sample.sizes)) for t in chosen] + sizes


def richness(sample: Sample) -> tuple[int, ...]:
    """How much a sample can show, to sort by.

    First whether it has elements, then how many dynamic dims, elements of its smallest filled tensor or size argument
    (5 at most, which have room for special values), dims larger than 1 (2 at most), equal sizes (4 at most), numbers in
    lists, and elements.
    """
    large = sum(n > 1 for n in sample.sizes.values())
    elements, dynamic, equal = has_elements(sample), len(sample.dynamic), min(_equal_sizes(sample), 4)
    counts = element_counts(sample)
    return (elements, dynamic, _room(sample), min(large, 2), equal, _list_magnitudes(sample), sum(counts))


def _room(sample: Sample) -> int:
    return min(min(element_counts(sample, filled=True), default=0), 5)


def _equal_sizes(sample: Sample) -> int:
    """The number of dims as large as an earlier dim of their tensor; one larger than 2 counts twice.

    A lowering that exchanges two such dims keeps the shape, so that only the values show the mistake.
    """

    def count(shape: tuple[int, ...]) -> int:
        return sum(min(n - 1, 2) for i, n in enumerate(shape) if n > 1 and n in shape[:i])

    return sum(count(t.shape(sample.sizes)) for t in tensors(sample.args))


def _list_magnitudes(sample: Sample) -> int:
    """The sum of the magnitudes, 2 at most each, of the integers in list arguments: pads, strides, dims.

    A lowering may take one of them for another, which zeros do not show.
    """
    lists = (arg for arg in sample.args.values() if isinstance(arg, tuple))
    return sum(min(abs(n), 2) for numbers in lists for n in numbers if isinstance(n, int))
