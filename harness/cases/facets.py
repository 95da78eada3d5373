"""Facets of calls: what a census may hold or lack, and how to inject it into a sample that lacks it.

A facet here is a fact about shapes or memory layouts. `argument_facets.py` has those of the other arguments, and
`harness/programs/value_facets.py` those of the elements of tensors. Whether eager takes a sample that a facet was
injected into is not known here: `harness/surface/tame.py` asks it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from .sample import Arg, Dim, Layout, Sample, Sizes, TensorSpec, map_leaves, map_tensors, tensors
from .sizes import without_unused

Kind = Literal["value", "tie", "duplicate", "rank", "size", "layout", "dim", "dtypes", "inferred", "argument", "pair"]
KINDS: Mapping[Kind, str] = {
    "value": "NaN, infinities, -0.0, subnormals, the ends of a dtype, the high bit of an unsigned one",
    "tie": "equal elements",
    "duplicate": "equal indices",
    "rank": "the rank of a tensor, from 0 to 5",
    "size": "one dim of size 0 or 1 among larger ones",
    "layout": "a tensor that is not row-major",
    "dim": "a dim counted from the front or from the back, also of a tensor of rank 0",
    "dtypes": "two tensors of different dtypes",
    "inferred": "a size that is to be inferred (-1), static or beside dynamic dims",
    "argument": "an optional argument at its default, and away from it",
    "pair": "two optional arguments away from their defaults at once, as in samples of OpInfo",
}
"""What each kind of facet is about."""
RANKS = range(6)
POSITIONS = range(5)
_NEW = 2
"""The size of a dim that is added to raise a rank."""

Reshape = Callable[[tuple[Dim, ...]], tuple[Dim, ...]]


class Undefined(str):
    """A reason in `OpCase.untried` for which eager is not even asked: its kernel would read outside of the arguments.

    What it finds there differs from process to process, so that it may agree with float64.
    """

    __slots__ = ()


class Facet(Protocol):
    """Something that a sample may hold.

    `same_result` says that a sample which it is injected into must have the same result as before: only then does the
    injected value mean what the facet says.
    """

    @property
    def kind(self) -> Kind:
        """What it is about."""

    @property
    def name(self) -> str:
        """What a case's `untried` and reports call it, such as `self:rank=0`."""

    @property
    def same_result(self) -> bool:
        """See the class."""

    def holds(self, sample: Sample) -> bool:
        """Whether the sample has it."""

    def injected(self, sample: Sample) -> Iterator[Sample]:
        """Ways to bring it into the sample; whether they make sense is not known."""


def specs(sample: Sample, argument: str) -> list[TensorSpec]:
    """The tensors of one argument, which may be a list of them."""
    return tensors(sample.args.get(argument))


def with_specs(sample: Sample, argument: str, change: Callable[[TensorSpec], TensorSpec]) -> Sample:
    """The sample with the tensors of one argument changed."""

    def leaf(arg: Arg) -> Arg:
        return change(arg) if isinstance(arg, TensorSpec) else arg

    return replace(sample, args={**sample.args, argument: map_leaves(sample.args[argument], leaf)})


def static(sample: Sample, sizes: Sizes | None = None) -> Sample:
    """The sample as a static one, at these sizes, without those that no argument uses."""
    tidy = without_unused(replace(sample, mode="static", dynamic=(), sizes=sizes or sample.sizes))
    return replace(tidy, runs=(tidy.sizes,))


@dataclass(frozen=True, slots=True)
class Rank:
    """A tensor argument has this rank."""

    argument: str
    rank: int
    kind: Kind = "rank"
    same_result: bool = False

    @property
    def name(self) -> str:
        """`self:rank=0`."""
        return f"{self.argument}:rank={self.rank}"

    def holds(self, sample: Sample) -> bool:
        """Whether a tensor of the argument has the rank."""
        return any(len(t.dims) == self.rank for t in specs(sample, self.argument))

    def injected(self, sample: Sample) -> Iterator[Sample]:
        """Dims added or dropped, at the front or at the back: of all tensors, of those like it, of it alone.

        Each once with the other arguments as they are, and once with those fitted that are dims or lists of the rank.
        """
        found = specs(sample, self.argument)
        if not found or len(found[0].dims) == self.rank:
            return
        old, mine = found[0].dims, {id(t) for t in found}
        for reshape in _reshapes(len(old), self.rank):
            for chosen in (lambda t: True, lambda t: t.dims == old, lambda t: id(t) in mine):
                changed = map_tensors(
                    sample,
                    lambda t, c=chosen, r=reshape: replace(t, dims=r(t.dims)) if c(t) else t,  # type: ignore[misc]
                )
                yield static(changed)
                yield static(replace(changed, args=_fitted(changed.args, len(old), self.rank)))


def _reshapes(old: int, new: int) -> tuple[Reshape, ...]:
    """How the dims of a tensor change where one rank becomes another."""
    if new == 0:
        return (lambda dims: (),)
    if new < old:
        less = old - new
        return (lambda dims: dims[less:], lambda dims: dims[: max(len(dims) - less, 0)])
    more = (_NEW,) * (new - old)
    return (lambda dims: (*more, *dims), lambda dims: (*dims, *more))


def _fitted(args: Mapping[str, Arg], old: int, new: int) -> Mapping[str, Arg]:
    """The arguments without tensors as they fit the new rank: lists of the old length, and indices of dims."""

    def number(arg: Arg) -> Arg:
        is_dim = isinstance(arg, int) and not isinstance(arg, bool) and not -new <= arg < new and -old <= arg < old
        return (arg % new if new else -1) if is_dim else arg

    def fitted(arg: Arg) -> Arg:
        if not isinstance(arg, tuple) or tensors(arg):
            return number(arg)
        if len(arg) == old and arg:
            arg = arg[-new:] if 0 < new < old else (*arg, *range(old, new)) if _is_order(arg) else (*arg, *arg)[:new]
        return tuple(map(number, arg))

    return {name: fitted(arg) for name, arg in args.items()}


def _is_order(arg: tuple[Arg, ...]) -> bool:
    """Whether a list names each of so many dims once."""
    return all(isinstance(i, int) for i in arg) and {i % len(arg) for i in arg} == set(range(len(arg)))


@dataclass(frozen=True, slots=True)
class Size:
    """One dim of a tensor argument has size 0 or 1, among others that are larger."""

    argument: str
    position: int
    size: int
    kind: Kind = "size"
    same_result: bool = False

    @property
    def name(self) -> str:
        """`self:size_1@0`."""
        return f"{self.argument}:size_{self.size}@{self.position}"

    def holds(self, sample: Sample) -> bool:
        """Whether a tensor of the argument has the size there, in any run."""
        return any(self._in(t.shape(run)) for t in specs(sample, self.argument) for run in sample.runs)

    def _in(self, shape: tuple[int, ...]) -> bool:
        return len(shape) > self.position and shape[self.position] == self.size and is_alone(shape, self.position)

    def injected(self, sample: Sample) -> Iterator[Sample]:
        """The size of the dim changed wherever it occurs, or in this argument alone."""
        found = specs(sample, self.argument)
        if not found or self.position >= len(found[0].dims):
            return
        dim = found[0].dims[self.position]
        sizes = {name: max(size, 2) for name, size in sample.sizes.items()}
        if isinstance(dim, str):
            yield static(sample, {**sizes, dim: self.size})
            yield static(sample, {**sample.sizes, dim: self.size})
        yield static(with_specs(sample, self.argument, self._alone), sizes)

    def _alone(self, t: TensorSpec) -> TensorSpec:
        if self.position >= len(t.dims):
            return t
        return replace(t, dims=(*t.dims[: self.position], self.size, *t.dims[self.position + 1 :]))


def is_alone(shape: tuple[int, ...], position: int) -> bool:
    """Whether no other dim is empty and one of them is larger than this one, or there is no other."""
    others = [*shape[:position], *shape[position + 1 :]]
    return not others or (min(others) > 0 and max(others) > shape[position])


@dataclass(frozen=True, slots=True)
class Laid:
    """A tensor argument is not row-major, and its elements show it."""

    argument: str
    layout: Layout
    kind: Kind = "layout"
    same_result: bool = False

    @property
    def name(self) -> str:
        """`self:transposed`."""
        return f"{self.argument}:{self.layout}"

    def holds(self, sample: Sample) -> bool:
        """Whether a tensor of the argument has the layout."""
        return any(t.layout == self.layout and self._shows(t, sample.sizes) for t in specs(sample, self.argument))

    def _shows(self, t: TensorSpec, sizes: Sizes) -> bool:
        shape = t.shape(sizes)
        match self.layout:
            case "transposed":
                return len(shape) >= 2 and min(shape[-2:]) > 1
            case "expanded":
                return len(shape) >= 1 and shape[0] > 1 and math.prod(shape) > 0
            case _:
                return math.prod(shape) > 1

    def injected(self, sample: Sample) -> Iterator[Sample]:
        """The layout changed."""
        if specs(sample, self.argument):
            yield static(with_specs(sample, self.argument, lambda t: replace(t, layout=self.layout)))


def shape_facets(arguments: list[str]) -> Iterator[Facet]:
    """The facets of these tensor arguments that are about shapes and layouts."""
    layouts: tuple[Layout, ...] = ("transposed", "sliced", "expanded")
    for argument in arguments:
        yield from (Rank(argument, rank) for rank in RANKS)
        yield from (Size(argument, position, size) for position in POSITIONS for size in (0, 1))
        yield from (Laid(argument, layout) for layout in layouts)
