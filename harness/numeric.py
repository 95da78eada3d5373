"""Numeric classes: how an op's results may differ from the float64 reference; `tolerance.py` turns them to bounds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Exact:
    """No rounding: data movement, comparisons, integers. Equal bit for bit (any NaN equals any NaN)."""


@dataclass(frozen=True, slots=True)
class Ulp:
    """Each element on its own, within `n` units of roundoff of the reference (`n` covers a libm's error)."""

    n: float = 4


@dataclass(frozen=True, slots=True)
class Linear:
    """Sums of products: within roundoff x length x the op on absolute inputs (Higham 2002, section 3.1).

    `length` is the product of these sizes: literal factors or named dims.
    """

    length: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Composite:
    """A composition such as softmax or a norm: `n` roundoffs of the result, and of what the result owes its inputs.

    The conditioning is measured: the float64 op on inputs perturbed by one unit of the sample dtype's roundoff.
    """

    n: float = 16


@dataclass(frozen=True, slots=True)
class Distribution:
    """Random values: shape, dtype, range and the first two moments (within `sigmas` standard errors)."""

    low: float
    high: float
    mean: float
    std: float
    sigmas: float = 6


@dataclass(frozen=True, slots=True)
class ShapeOnly:
    """Values that mean nothing by contract (uninitialized memory): shape and dtype only, for the reason given."""

    reason: str


Numeric = Exact | Ulp | Linear | Composite | Distribution | ShapeOnly
EXACT = Exact()
