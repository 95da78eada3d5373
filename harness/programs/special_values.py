"""The special values that a fill brings into a tensor once each: the ends of a dtype, a subnormal number, -0.0."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from harness.cases.dtypes import Dtype
from harness.cases.sample import Fill


def special_values(fill: Fill, kind: Dtype) -> list[float]:
    """The finite special values that a fill allows in a floating dtype.

    The ends are those of the dtype, where the fill bounds neither the range nor the magnitudes; with `reach` root they
    are left to sums that may overflow. Multiples of a step, and ranges without 0, have fewer.
    """
    values = [-0.0] if fill.step else [-0.0, kind.tiny / 2]
    if fill.reach != "unit" and not fill.step:
        values += [kind.high] * (fill.high is None) + [kind.low] * (fill.low is None)
    return [v for v in values if _allowed(v, fill)]


def _allowed(value: float, fill: Fill) -> bool:
    inside = (fill.low is None or value >= fill.low) and (fill.high is None or value <= fill.high)
    return inside and all(abs(value - edge) >= fill.margin and value != edge for edge in fill.avoid)


def placed(x: torch.Tensor, values: Sequence[float], g: torch.Generator, turn: int) -> torch.Tensor:
    """The tensor with each of the values once, at random places; where there is room for fewer, others at each turn."""
    count = min(len(values), x.numel())
    where = torch.randperm(x.numel(), generator=g)[:count]
    chosen = [values[(turn * count + i) % len(values)] for i in range(count)]
    flat = x.reshape(-1).clone()
    flat[where] = torch.tensor(chosen, dtype=x.dtype)
    return flat.reshape(x.shape)
