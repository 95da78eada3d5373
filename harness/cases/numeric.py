"""Numeric classes: how an op's results may differ from the float64 reference; `tolerance.py` turns them to bounds.

Budgets are in units of roundoff: one correctly rounded operation is off by 1 of them, a unit in the last place is 2 at
most. The text of a class is how the reports name it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from .sample import Arg, Sample, SizeOf, Sizes, tensors, walk


@dataclass(frozen=True, slots=True)
class Exact:
    """No rounding: data movement, comparisons, integers. Equal bit for bit (any NaN equals any NaN)."""

    def __str__(self) -> str:
        return "exact"


@dataclass(frozen=True, slots=True)
class Ulp:
    """Each element on its own, within `n` units of roundoff of the reference: `n` operations, each rounded."""

    n: float = 4

    def __str__(self) -> str:
        return f"ulp({self.n:g})"


@dataclass(frozen=True, slots=True)
class Transcendental:
    """A function as a libm has it: within `n` units of roundoff, or within what the dialect promises of `function`.

    `harness/promises.py` holds the promises.
    """

    function: str
    n: float

    def __str__(self) -> str:
        return f"{self.function}({self.n:g})"


@dataclass(frozen=True, slots=True)
class Over:
    """As a length: the sizes of the dims that an argument of the sample names, by index; of all if it names none.

    The dims are those of the first tensor, all of them where `argument` is None. Where the argument holds `sizes`
    themselves (`normalized_shape`) these are taken.
    """

    argument: str | None = "dim"
    sizes: bool = False

    def __str__(self) -> str:
        return f"|{self.argument or 'self'}|"


@dataclass(frozen=True, slots=True)
class Linear:
    """Sums of products: within roundoff x length x the op on absolute inputs (Higham 2002, section 3.1).

    `length` is the product of these sizes: literal factors, named dims, or the dims that an argument names.
    """

    length: tuple[str | int | Over, ...]

    def __str__(self) -> str:
        return f"linear({'*'.join(map(str, self.length))})"


@dataclass(frozen=True, slots=True)
class Tail:
    """Each element on its own, where terms of the size of the op at |x| cancel: `n` units of roundoff of these."""

    n: float

    def __str__(self) -> str:
        return f"tail({self.n:g})"


@dataclass(frozen=True, slots=True)
class Stated:
    """A part whose count of roundoffs was set by hand, for the reason `why`."""

    n: float
    why: str

    def __str__(self) -> str:
        return f"stated({self.n:g})"


Part = Ulp | Transcendental | Linear | Stated


@dataclass(frozen=True, slots=True)
class Composite:
    """A composition such as softmax: the roundoffs of its parts, of the result and of what the result owes its inputs.

    The conditioning is measured: the float64 op on inputs perturbed by one unit of the sample dtype's roundoff.
    """

    parts: tuple[Part, ...]

    def __str__(self) -> str:
        return f"composite({' + '.join(map(str, self.parts))})"


@dataclass(frozen=True, slots=True)
class Distribution:
    """Random values: shape, dtype, range and the first two moments (within `sigmas` standard errors)."""

    low: float
    high: float
    mean: float
    std: float
    sigmas: float = 6

    def __str__(self) -> str:
        return "distribution"


@dataclass(frozen=True, slots=True)
class ShapeOnly:
    """Values that mean nothing by contract (uninitialized memory): shape and dtype only, for the reason given."""

    reason: str

    def __str__(self) -> str:
        return "shape only"


Numeric = Exact | Ulp | Transcendental | Tail | Linear | Composite | Distribution | ShapeOnly
EXACT: Final = Exact()
ROUNDED: Final = Ulp(1)
"""One operation that IEEE 754 rounds correctly: a sum, a difference, a product, a quotient, a root."""


def roundoffs(part: Part, sizes: Sizes) -> float:
    """How many units of roundoff a part is off by at most, at these sizes."""
    match part:
        case Ulp(n) | Transcendental(_, n) | Stated(n):
            return n
        case Linear(length):
            return terms(length, sizes) + 2  # the sums, the product of each term, the result


def terms(length: tuple[str | int | Over, ...], sizes: Sizes) -> int:
    """How many terms a sum has at these sizes."""
    return math.prod(part if isinstance(part, int) else sizes.get(str(part), 1) for part in length)


def of_sample(numeric: Numeric, sample: Sample) -> Numeric:
    """The class with its lengths as the sample has them.

    A sample that the case did not draw itself lacks the dims that a length names, and the law of its values. Every
    element of its inputs may then be a term of a sum (in a part of a composition: every element along a dim), and
    random values are judged by shape and dtype.
    """
    shapes = [t.shape(sample.sizes) for t in tensors(sample.args)]
    match numeric:
        case Linear():
            return _linear(numeric, sample, max(map(math.prod, shapes), default=1))
        case Composite(parts):
            longest = max((size for shape in shapes for size in shape), default=1)
            return Composite(tuple(_linear(p, sample, longest) if isinstance(p, Linear) else p for p in parts))
        case Distribution() if sample.origin != "census":
            return ShapeOnly("the law that values are held to is that of the case's own samples")
        case _:
            return numeric


def _linear(numeric: Linear, sample: Sample, unknown: int) -> Linear:
    if sample.origin != "census" and any(isinstance(part, str) for part in numeric.length):
        return Linear((unknown,))
    length: list[str | int | Over] = []
    for part in numeric.length:
        length += _dims(part, sample.args) if isinstance(part, Over) else [part]
    return replace(numeric, length=tuple(length))


def _dims(over: Over, args: Mapping[str, Arg]) -> list[str | int]:
    named = list(walk(args.get(over.argument) if over.argument else ()))
    if over.sizes:
        return [leaf.dim if isinstance(leaf, SizeOf) else leaf for leaf in named if isinstance(leaf, (SizeOf, int))]
    dims = tensors(args)[0].dims
    axes = [axis for axis in named if isinstance(axis, int)] if dims else []
    return [dims[axis] for axis in axes] or list(dims)
