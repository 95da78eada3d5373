"""How bad it is that a sample fails: what is unusual about it, and so may excuse the failure.

A failing sample belongs to the mildest severity that explains it. `SEVERITIES` is in order, the worst first: the plain
call, ordinary values, the ends of the range, NaN or infinities, a size of 0 or 1 or a rank of 0, a rare dtype. The last
four are *excuses*: what a sample has of them is derived from it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Literal

from harness.cases.sample import Arg, Sample, SizeOf, Sizes, TensorSpec, walk

from .journal import Record
from .outcome import Wrong

Severity = Literal["plain", "ordinary", "ends", "nonfinite", "degenerate", "rare"]
Excuse = Literal["ends", "nonfinite", "degenerate", "rare"]
SEVERITIES: tuple[Severity, ...] = ("plain", "ordinary", "ends", "nonfinite", "degenerate", "rare")
EXCUSES: tuple[Excuse, ...] = ("ends", "nonfinite", "degenerate", "rare")
"""The severities that are excuses, the mildest last."""
COMMON = frozenset(("f32", "f16", "bf16", "i64", "i32", "bool"))
"""The dtypes that networks use; all others are rare."""
_AT_EXPORTED_SIZES = ("export", "import", "contract", "lower", "verify")


def severity(record: Record, plain: Sample | None) -> Severity:
    """The severity of a record that fails; `plain` is the plain call of its op and mode, None if it is not known."""
    if record.plain:
        return "plain"
    return next(_excuses(record, plain), "ordinary")


def excuses(record: Record, plain: Sample | None) -> tuple[Excuse, ...]:
    """What may excuse a record's failure, the mildest last; nothing without a sample.

    A size of 0 or 1 counts if it is one at which the sample fails, or may fail where that is not known. An argument
    that has such a size, or the rank 0, in the plain call too is left out: there it is ordinary.
    """
    return tuple(_excuses(record, plain))[::-1]


def _excuses(record: Record, plain: Sample | None) -> Iterator[Excuse]:
    """What may excuse a record's failure, the mildest first: most callers need no more, and an index asks for each."""
    sample = record.sample
    if sample is None:
        return
    leaves = list(walk(sample.args))
    specs = [leaf for leaf in leaves if isinstance(leaf, TensorSpec)]
    if sample.dtype not in COMMON or any(t.dtype not in COMMON for t in specs):
        yield "rare"
    if any(is_small(sample, sizes, plain) for sizes in failing_sizes(record)):
        yield "degenerate"
    ways = {t.fill.values for t in specs}
    if "nonfinite" in ways or any(isinstance(leaf, float) and not math.isfinite(leaf) for leaf in leaves):
        yield "nonfinite"
    if "extreme" in ways:
        yield "ends"


def failing_sizes(record: Record) -> tuple[Sizes, ...]:
    """The sizes at which the record's sample fails; all that it runs at, where that is not known."""
    sample = record.sample
    if sample is None:
        return ()
    if isinstance(record.outcome, Wrong) and record.outcome.sizes:
        return ({**sample.sizes, **record.outcome.sizes},)
    return (sample.sizes,) if record.stage in _AT_EXPORTED_SIZES else sample.runs or (sample.sizes,)


def is_small(sample: Sample, sizes: Sizes, plain: Sample | None) -> bool:
    """Whether an argument has a size of 0 or 1, or the rank 0, at these sizes, and has not in the plain call."""
    return bool(_small_arguments(sample, sizes) - _usual(plain))


def _usual(plain: Sample | None) -> set[str]:
    return _small_arguments(plain, plain.sizes) if plain else set()


def _small_arguments(sample: Sample, sizes: Sizes) -> set[str]:
    return {name for name, arg in sample.args.items() if any(_is_small(leaf, sizes) for leaf in walk(arg))}


def _is_small(leaf: Arg, sizes: Sizes) -> bool:
    match leaf:
        case TensorSpec():
            return min(leaf.shape(sizes), default=0) < 2
        case SizeOf(dim=dim):
            return sizes[dim] < 2
        case _:
            return False
