"""Strategies that many cases share, and one-line constructors of cases that use them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .case import Draw, Inputs, OpCase
from .dtypes import ALL, DTYPES
from .explicit import tensor
from .numeric import EXACT, Numeric, Ulp
from .sample import LAYOUTS, Fill

ANY = Fill()
OVERFLOWING = Fill(low=-200, high=200)
"""Their exponentials in f32 are infinite or 0, unless the largest element is subtracted first."""
FAR_BELOW = tensor([[-150.0, -180.0, -149.0], [-190.0, -121.0, -120.0]], dims=("n", "m"))
"""A row's exponentials are all 0 in f32 unless its largest element is subtracted: not 0 or -100, which are larger."""
MOSTLY_ZERO = Fill(step=2)
"""So many zeros that one meets a NaN in the other tensor. The result there is NaN: `xlogy(0, nan)` is not 0."""
TRUTHS = Fill(kind="sparse")
"""Mostly zeros, else `any` would never be False; numbers that are true though fractions, or have no bit in common."""
NO_INFINITY = Fill(reach="unit", low=-40, high=40)
"""For ops that take a mean: the mean of infinities is infinite, or NaN as in eager, depending on how it is computed."""


def row_major(reason: str, argument: str = "*") -> Mapping[str, str]:
    """For `OpCase.untried`: no other layout is drawn for an argument, or for any (`*`), with the reason why."""
    return {f"{argument}:{layout}": reason for layout in LAYOUTS[1:]}


def stored(d: Draw) -> Any:
    """A Python scalar that the op stores as it is: among them a fraction to be rounded, and the largest integer."""
    largest = int(DTYPES[d.dtype].high) if d.kind == "int" else 1
    return d.scalar(2.0, 0.1, -1.5, 0.0, ints=(2, largest, -3, 0))


def unary_inputs(fill: Fill = ANY, *, name: str = "self") -> Inputs:
    """A strategy: one tensor of any rank."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        return {name: d.tensor(d.shape(), fill=fill)}

    return inputs


def binary_inputs(fill: Fill = ANY, other: Fill | None = None) -> Inputs:
    """A strategy: two tensors that broadcast; either one may be the smaller, or each in other dims."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        a, b = d.pair(d.shape())
        return {"self": d.tensor(a, fill=fill), "other": d.tensor(b, fill=other or fill)}

    return inputs


def unary(
    op: str, *, fill: Fill = ANY, dtypes: tuple[str, ...] = ALL, numeric: Numeric = Ulp(4), **more: Any
) -> OpCase:
    """An elementwise op of one tensor."""
    return OpCase(op=op, inputs=unary_inputs(fill), dtypes=dtypes, numeric=numeric, **more)


def binary(
    op: str,
    *,
    fill: Fill = ANY,
    other: Fill | None = None,
    dtypes: tuple[str, ...] = ALL,
    numeric: Numeric = Ulp(2),
    **more: Any,
) -> OpCase:
    """An elementwise op of two tensors that broadcast."""
    return OpCase(op=op, inputs=binary_inputs(fill, other), dtypes=dtypes, numeric=numeric, **more)


def compare(op: str, **more: Any) -> OpCase:
    """A comparison of two tensors: exact, with ties."""
    return binary(op, numeric=EXACT, fill=Fill(step=0.5), **more)
