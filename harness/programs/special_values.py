"""The special values that a fill brings into a tensor once each: the ends of a dtype, a subnormal number, -0.0."""

from __future__ import annotations

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


def placed(x: torch.Tensor, values: list[float] | list[int], g: torch.Generator) -> torch.Tensor:
    """The tensor with each of the values once, at random places; some of them where there is no room for all."""
    count = min(len(values), x.numel())
    where = torch.randperm(x.numel(), generator=g)[:count]
    which = torch.randperm(len(values), generator=g)[:count]
    flat = x.reshape(-1).clone()
    flat[where] = torch.tensor(values, dtype=x.dtype)[which]
    return flat.reshape(x.shape)
