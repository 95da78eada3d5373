"""Numeric classes: how far an op's results may be from the float64 reference.

`harness/judging/tolerance.py` derives bounds from them. Budgets count units of roundoff: a correctly rounded operation
is off by at most 1 of them, and a unit in the last place is at most 2. Reports name a class by its `str`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from .sample import Arg, Sample, SizeOf, Sizes, tensors, walk


@dataclass(frozen=True, slots=True)
class Exact:
    """No rounding: data movement, comparisons, integers. Results are equal bit for bit (any NaN equals any NaN)."""

    def __str__(self) -> str:
        return "exact"


@dataclass(frozen=True, slots=True)
class Ulp:
    """Each element within `n` units of roundoff of the reference, as after `n` rounded operations."""

    n: float = 4

    def __str__(self) -> str:
        return f"ulp({self.n:g})"


@dataclass(frozen=True, slots=True)
class Transcendental:
    """A function of a libm: within `n` units of roundoff, or as accurate as the dialect's specification says.

    `harness/judging/spec_accuracy.py` holds the accuracies that specifications state, by the name `function`.
    """

    function: str
    n: float

    def __str__(self) -> str:
        return f"{self.function}({self.n:g})"


@dataclass(frozen=True, slots=True)
class Over:
    """A length that depends on an argument: the sizes of the dims that it names by index, or of all if it names none.

    The dims are those of the first tensor; all of them if `argument` is None. If `sizes` is True, the argument holds
    sizes instead of indices, as `normalized_shape` does.
    """

    argument: str | None = "dim"
    sizes: bool = False

    def __str__(self) -> str:
        return f"|{self.argument or 'self'}|"


@dataclass(frozen=True, slots=True)
class Linear:
    """Sums of products: within roundoff x length x the op on absolute inputs (Higham 2002, section 3.1).

    `length` holds the factors of the length: numbers, named dims, or the dims that an argument names.
    """

    length: tuple[str | int | Over, ...]

    def __str__(self) -> str:
        return f"linear({'*'.join(map(str, self.length))})"


@dataclass(frozen=True, slots=True)
class Tail:
    """Each element within `n` units of roundoff of the op at |x|: for ops whose terms are that large, and cancel."""

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
    """A composition such as softmax: within n (u |r| + c) of the float64 reference r.

    n is the roundoffs of its parts together, u the unit roundoff. The conditioning c is measured: it is the change of r
    when every input moves by one roundoff of its dtype. Where |r| is less than `least`, that takes its place: an
    intermediate result of this size is rounded, and then cancels, as in 1 - cos where the cosine is almost 1.
    """

    parts: tuple[Part, ...]
    least: float = 0.0

    def with_sums(self, change: Callable[[Linear], Linear]) -> Composite:
        """The composition with each of its sums changed."""
        return replace(self, parts=tuple(change(p) if isinstance(p, Linear) else p for p in self.parts))

    def __str__(self) -> str:
        least = f" of {self.least:g} at least" if self.least else ""
        return f"composite({' + '.join(map(str, self.parts))}){least}"


@dataclass(frozen=True, slots=True)
class Distribution:
    """Random values, judged by shape, dtype, range and the first two moments (within `sigmas` standard errors)."""

    low: float
    high: float
    mean: float
    std: float
    sigmas: float = 6

    def __str__(self) -> str:
        return "distribution"


@dataclass(frozen=True, slots=True)
class ShapeOnly:
    """Values that mean nothing by contract, such as uninitialized memory; only shape and dtype are judged."""

    reason: str

    def __str__(self) -> str:
        return "shape only"


Numeric = Exact | Ulp | Transcendental | Tail | Linear | Composite | Distribution | ShapeOnly
EXACT: Final = Exact()
ROUNDED: Final = Ulp(1)
"""One operation that IEEE 754 rounds correctly: a sum, a difference, a product, a quotient, a root."""


def roundoffs(part: Part, sizes: Sizes) -> float:
    """The largest error of a part at these sizes, in units of roundoff."""
    match part:
        case Ulp(n) | Transcendental(_, n) | Stated(n):
            return n
        case Linear(length):
            return terms(length, sizes) + 2  # the sums, the product of each term, the result


def terms(length: tuple[str | int | Over, ...], sizes: Sizes) -> int:
    """How many terms a sum has at these sizes."""
    return math.prod(part if isinstance(part, int) else sizes.get(str(part), 1) for part in length)


def of_sample(numeric: Numeric, sample: Sample) -> Numeric:
    """The class with each `Over` in its lengths replaced by the dims or sizes of the sample.

    A sample that the case did not draw lacks the dims that a length names, and its values follow no known law. Every
    element of its largest tensor may then be a term of a sum (in a part of a composition: every element along its
    longest dim), and random values are judged by shape and dtype.
    """
    shapes = [t.shape(sample.sizes) for t in tensors(sample.args)]
    match numeric:
        case Linear():
            return _linear(numeric, sample, max(map(math.prod, shapes), default=1))
        case Composite():
            longest = max((size for shape in shapes for size in shape), default=1)
            return numeric.with_sums(lambda part: _linear(part, sample, longest))
        case Distribution() if sample.origin != "census":
            return ShapeOnly("the law that values are held to is that of the case's own samples")
        case _:
            return numeric


def _linear(numeric: Linear, sample: Sample, unknown: int) -> Linear:
    """The class with its length in terms of the sample's dims; `unknown` is the length where the sample lacks them."""
    if any(isinstance(part, str) and part not in sample.sizes for part in numeric.length):
        return Linear((unknown,))
    length: list[str | int | Over] = []
    for part in numeric.length:
        length += _dims(part, sample.args) if isinstance(part, Over) else [part]
    return replace(numeric, length=tuple(length))


def _dims(over: Over, args: Mapping[str, Arg]) -> list[str | int]:
    """The dims or literal sizes that the argument of an `Over` names; all of the tensor's if it names none that it has.

    A call that eager must refuse may name a dim that the tensor lacks.
    """
    named = list(walk(args.get(over.argument) if over.argument else ()))
    if over.sizes:
        return [leaf.dim if isinstance(leaf, SizeOf) else leaf for leaf in named if isinstance(leaf, (SizeOf, int))]
    dims = next((t.dims for t in tensors(args)), ())
    axes = [axis for axis in named if isinstance(axis, int) and -len(dims) <= axis < len(dims)]
    return [dims[axis] for axis in axes] or list(dims)
