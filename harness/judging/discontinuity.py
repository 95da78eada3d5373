"""Find wrong results that are the case's fault: its inputs lie on a discontinuity, or a NaN's payload shows.

Rounding may take an input across a discontinuity that is close to it. The result is then right for inputs a roundoff
away, and says nothing about the backend. Nor does a result that depends on which bits a NaN in the input has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from harness.cases.case import Canonical
from harness.cases.sample import Sample
from harness.programs.program import seed_eager

from .compare import right, same
from .reference import EagerCall, Run, WideCall, eager_results, wide_results
from .tolerance import FRACTION, NOISE, Bounded, jumps, roundoff

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
    """Return whether every wrong element of an output is right on the other side of a jump, or shows a NaN's payload.

    `got` is the wrong result of output number `output` for the program's arguments `args`, `want` its reference. All
    inputs are moved away from 0, then towards it, by 1 and by `FRACTION` steps; a step is 2 roundoffs of the input's
    magnitude, which is at least one unit in the last place.
    """
    explained = right(got, want, dialect)
    wide = wide_results(sample, canonical)
    for sign in (1.0, -1.0):
        near, far = (_shifted_result(wide, args, output, sign * steps) for steps in (1.0, FRACTION))
        explained |= _right_across_jump(got, want, dialect, near, far)
    return bool((explained | _shows_payload(eager_results(sample, canonical), args, output, want)).all())


def is_on_edge(sample: Sample, run: Run, canonical: Canonical | None = None) -> bool:
    """Return whether a roundoff of the inputs decides an element of a result: the op jumps there, or a tie breaks."""
    wide = wide_results(sample, canonical)
    here = wide([_shifted(a, 0.0) for a in run.inputs])
    if here is None:
        return False
    for sign in (1.0, -1.0):
        near, far = (wide([_shifted(a, sign * steps) for a in run.inputs]) for steps in (1.0, FRACTION))
        if near is None or far is None or any(_jumped(*results) for results in zip(here, near, far, strict=True)):
            return True
    return False


def _jumped(here: torch.Tensor, near: torch.Tensor, far: torch.Tensor) -> bool:
    """Whether an element of a float64 result jumps, or one of another result changes at all."""
    if near.shape != here.shape or far.shape != here.shape:
        return True
    if not here.dtype.is_floating_point and not here.is_complex():
        return bool((near != here).any())
    change = (near - here).abs()
    noise = NOISE * torch.finfo(torch.float64).eps * here.abs()
    return bool((jumps(change, (far - here).abs()) & (change > noise)).any())


def _shifted_result(wide: WideCall, args: Sequence[torch.Tensor], output: int, steps: float) -> torch.Tensor | None:
    """The float64 result for inputs moved away from 0 by so many steps; None where eager takes no float64."""
    results = wide([_shifted(a, steps) for a in args])
    return results[output] if results else None


def _shifted(t: torch.Tensor, steps: float) -> torch.Tensor:
    """The moved tensor, in float64 so that the steps are not rounded away; a tensor that is not floating stays."""
    if not t.is_floating_point():
        return t
    return t.double() * (1 + 2 * steps * roundoff(t.dtype))


def _right_across_jump(
    got: torch.Tensor, want: Bounded, dialect: str, near: torch.Tensor | None, far: torch.Tensor | None
) -> torch.Tensor:
    """Where the result is right for the inputs a step away, and the reference jumps on the way to them.

    `near` and `far` are the float64 references for inputs moved by one step and by `FRACTION` steps.
    """
    if near is None or far is None or near.shape != got.shape or far.shape != got.shape:
        return torch.zeros(got.shape, dtype=torch.bool)
    if want.wide is None or want.within(dialect) is None:
        moved = near.to(got.dtype)
        return right(got, replace(want, eager=moved), dialect) & (moved != want.eager)
    jumped = jumps((near - want.wide).abs(), (far - want.wide).abs())
    return right(got, replace(want, eager=near.to(got.dtype), wide=near), dialect) & jumped


def _shows_payload(eager: EagerCall, args: Sequence[torch.Tensor], output: int, want: Bounded) -> torch.Tensor:
    """Where eager's own result changes with the payload of the NaNs in its inputs."""
    others = [_with_other_payload(a) for a in args]
    if all(other is a for other, a in zip(others, args, strict=True)):
        return torch.zeros(want.eager.shape, dtype=torch.bool)
    seed_eager(0)
    return ~same(eager(others)[output], want.eager)


def _with_other_payload(t: torch.Tensor) -> torch.Tensor:
    """The tensor with another payload in its NaNs; the same tensor if it has none."""
    if t.dtype not in _BITS or not bool(t.isnan().any()):
        return t
    bits = t.contiguous().view(_BITS[t.dtype])
    return torch.where(t.isnan(), bits ^ 1, bits).view(t.dtype)
