"""How bad it is that a sample fails: what is unusual about it, and so may excuse the failure.

A failing sample belongs to the mildest severity that explains it. `SEVERITIES` is in order, the worst first: the plain
call, ordinary values, the ends of the range, NaN or infinities, a size of 0 or 1 or a rank of 0, a rare dtype. The last
four are *excuses*: what a sample has of them is derived from it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from functools import lru_cache
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
_At = Literal["export", "runs"] | tuple[tuple[str, int], ...]
"""At which sizes a sample fails: those at export, any that it runs at, or these."""
_AT_EXPORTED_SIZES = ("export", "import", "contract", "lower", "verify")


def severity(record: Record, plain: Sample | None) -> Severity:
    """The severity of a record that fails; `plain` is the plain call of its op and mode, None if it is not known."""
    if record.plain:
        return "plain"
    if record.sample is None:
        return "ordinary"
    return _of_sample(record.sample, _failing_at(record), plain)


@lru_cache(maxsize=4096)
def _of_sample(sample: Sample, at: _At, plain: Sample | None) -> Severity:
    """The severity of a sample; kept, because a sample fails on several backends, and each report asks again."""
    return next(_excuses(sample, _sizes(sample, at), plain), "ordinary")


def excuses(record: Record, plain: Sample | None) -> tuple[Excuse, ...]:
    """What may excuse a record's failure, the mildest last; nothing without a sample.

    A size of 0 or 1 counts if it is one at which the sample fails, or may fail where that is not known. An argument
    that has such a size, or the rank 0, in the plain call too is left out: there it is ordinary.
    """
    sample = record.sample
    return tuple(_excuses(sample, failing_sizes(record), plain))[::-1] if sample else ()


def _excuses(sample: Sample, at: Iterable[Sizes], plain: Sample | None) -> Iterator[Excuse]:
    """What may excuse a failure at one of these sizes, the mildest first: most callers need no more."""
    leaves = list(walk(sample.args))
    specs = [leaf for leaf in leaves if isinstance(leaf, TensorSpec)]
    if sample.dtype not in COMMON or any(t.dtype not in COMMON for t in specs):
        yield "rare"
    if any(is_small(sample, sizes, plain) for sizes in at):
        yield "degenerate"
    ways = {t.fill.values for t in specs}
    if "nonfinite" in ways or any(isinstance(leaf, float) and not math.isfinite(leaf) for leaf in leaves):
        yield "nonfinite"
    if "extreme" in ways:
        yield "ends"


def failing_sizes(record: Record) -> tuple[Sizes, ...]:
    """The sizes at which the record's sample fails; all that it runs at, where that is not known."""
    return _sizes(record.sample, _failing_at(record)) if record.sample else ()


def _failing_at(record: Record) -> _At:
    if isinstance(record.outcome, Wrong) and record.outcome.sizes:
        return tuple(record.outcome.sizes.items())
    return "export" if record.stage in _AT_EXPORTED_SIZES else "runs"


def _sizes(sample: Sample, at: _At) -> tuple[Sizes, ...]:
    match at:
        case "export":
            return (sample.sizes,)
        case "runs":
            return sample.runs or (sample.sizes,)
        case sizes:
            return ({**sample.sizes, **dict(sizes)},)


def is_small(sample: Sample, sizes: Sizes, plain: Sample | None) -> bool:
    """Whether an argument has a size of 0 or 1, or the rank 0, at these sizes, and has not in the plain call."""
    usual = _usual(plain) if plain else ()
    return any(_has_small(arg, sizes) for name, arg in sample.args.items() if name not in usual)


@lru_cache(maxsize=64)
def _usual(plain: Sample) -> frozenset[str]:
    """The arguments that have such a size in the plain call."""
    return frozenset(name for name, arg in plain.args.items() if _has_small(arg, plain.sizes))


def _has_small(arg: Arg, sizes: Sizes) -> bool:
    for leaf in walk(arg):
        match leaf:
            case TensorSpec():
                if min(leaf.shape(sizes), default=0) < 2:
                    return True
            case SizeOf(dim=dim):
                if sizes[dim] < 2:
                    return True
    return False
