"""How bad it is that a sample fails: what is unusual about it, and so may excuse the failure.

A failing sample belongs to the mildest severity that explains it. `SEVERITIES` is in order, the worst first: the plain
call, ordinary values, the ends of the range, NaN or infinities, a size of 0 or 1 or a rank of 0, a rare dtype. The last
four are *excuses*: what a sample has of them is derived from it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

from harness.cases.sample import Arg, Sample, SizeOf, Sizes, TensorSpec, tensors, walk

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
    found = excuses(record, plain)
    return found[-1] if found else "ordinary"


def excuses(record: Record, plain: Sample | None) -> tuple[Excuse, ...]:
    """What may excuse a record's failure, the mildest last; nothing without a sample.

    A size of 0 or 1 counts if it is one at which the sample fails, or may fail where that is not known. An argument
    that has such a size, or the rank 0, in the plain call too is left out: there it is ordinary.
    """
    sample = record.sample
    if sample is None:
        return ()
    specs = tensors(sample.args)
    ways = {t.fill.values for t in specs}
    numbers = [leaf for leaf in walk(sample.args) if isinstance(leaf, float)]
    has: Mapping[Excuse, bool] = {
        "ends": "extreme" in ways,
        "nonfinite": "nonfinite" in ways or not all(map(math.isfinite, numbers)),
        "degenerate": any(is_small(sample, sizes, plain) for sizes in failing_sizes(record)),
        "rare": not {sample.dtype, *(t.dtype for t in specs)} <= COMMON,
    }
    return tuple(excuse for excuse in EXCUSES if has[excuse])


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
