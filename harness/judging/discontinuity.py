"""Whether a wrong result is the right one of inputs a roundoff away: then it shows a bug of the case alone.

An input may lie so close to a discontinuity that rounding takes it across, and a NaN's payload may show in the result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from harness.cases.case import Canonical
from harness.cases.sample import Sample

from .compare import right, same
from .reference import Results, Wide, eager_results, wide_results
from .tolerance import FRACTION, Bounded, jumps, roundoff

_BITS = {
    torch.float64: torch.int64,
    torch.float32: torch.int32,
    torch.float16: torch.int16,
    torch.bfloat16: torch.int16,
}


def at_discontinuity(
    sample: Sample,
    args: Sequence[torch.Tensor],
    output: int,
    got: torch.Tensor,
    want: Bounded,
    dialect: str,
    canonical: Canonical | None = None,
) -> bool:
    """Whether every wrong element of this output is right for inputs moved across a jump, or shows a NaN's payload."""
    excused = right(got, want, dialect)
    wide = wide_results(sample, canonical)
    for sign in (1.0, -1.0):
        excused |= _across(got, want, dialect, *(_at(wide, args, output, sign * by) for by in (1.0, FRACTION)))
    return bool((excused | _payload(eager_results(sample, canonical), args, output, want)).all())


def _at(wide: Wide, args: Sequence[torch.Tensor], output: int, by: float) -> torch.Tensor | None:
    """The float64 result where every input is larger by so many roundoffs of its dtype."""
    found = wide([_moved(a, by) for a in args])
    return found[output] if found else None


def _moved(t: torch.Tensor, by: float) -> torch.Tensor:
    """In float64, so that the step is not rounded away."""
    if not t.is_floating_point():
        return t
    return t.double() * (1 + 2 * by * roundoff(t.dtype))


def _across(
    got: torch.Tensor, want: Bounded, dialect: str, near: torch.Tensor | None, far: torch.Tensor | None
) -> torch.Tensor:
    """Where the result is right for the near inputs, and has jumped on the way to them."""
    if near is None or far is None or near.shape != got.shape or far.shape != got.shape:
        return torch.zeros(got.shape, dtype=torch.bool)
    if want.wide is None or want.within(dialect) is None:
        moved = near.to(got.dtype)
        return right(got, replace(want, eager=moved), dialect) & (moved != want.eager)
    jumped = jumps((near - want.wide).abs(), (far - want.wide).abs())
    return right(got, replace(want, eager=near.to(got.dtype), wide=near), dialect) & jumped


def _payload(eager: Results, args: Sequence[torch.Tensor], output: int, want: Bounded) -> torch.Tensor:
    """Where eager's own result is another one for other NaNs."""
    others = [_other_nan(a) for a in args]
    if all(other is a for other, a in zip(others, args, strict=True)):
        return torch.zeros(want.eager.shape, dtype=torch.bool)
    torch.manual_seed(0)
    found = eager(others)[output]
    return ~same(found, want.eager)


def _other_nan(t: torch.Tensor) -> torch.Tensor:
    """The tensor with another payload in its NaNs; the same tensor if it has none."""
    if t.dtype not in _BITS or not bool(t.isnan().any()):
        return t
    bits = t.contiguous().view(_BITS[t.dtype])
    return torch.where(t.isnan(), bits ^ 1, bits).view(t.dtype)
