"""Facets of what is no shape: dims, dtypes, inferred sizes, optional arguments. See `facets.py`."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from .facets import Facet, Kind, Rank, static
from .promotions import with_dtype
from .sample import Arg, Fill, Sample, TensorSpec, map_tensors, tensors

DIMS: tuple[str, ...] = (
    "dim",
    "dims",
    "dim0",
    "dim1",
    "dim2",
    "axis",
    "axis0",
    "axis1",
    "start_dim",
    "end_dim",
    "source",
    "destination",
)
DIMS += ("dimension", "dimensions", "dims_self", "dims_other")
"""The arguments that count dims."""
SIZES = ("size", "sizes", "shape")
"""The arguments that list sizes, one of which may be inferred."""
AWAY = Fill(low=0, high=1, nonfinite=False)
"""How a tensor is filled that is injected for an optional argument."""


@dataclass(frozen=True, slots=True)
class Counted:
    """An argument names a dim from the back (`negative`) or from the front, of a tensor of rank 0 or higher."""

    argument: str
    negative: bool
    of_scalar: bool = False
    kind: Kind = "dim"

    @property
    def name(self) -> str:
        """`dim<0`, `dim>=0 at rank 0`."""
        return f"{self.argument}{'<0' if self.negative else '>=0'}{' at rank 0' if self.of_scalar else ''}"

    @property
    def same_result(self) -> bool:
        """Another number for the same dim changes nothing."""
        return not self.of_scalar

    def holds(self, sample: Sample) -> bool:
        """Whether the argument has such a number."""
        return _is_scalar(sample) == self.of_scalar and any(
            (i < 0) == self.negative for i in _integers(sample.args.get(self.argument))
        )

    def injected(self, sample: Sample) -> Iterator[Sample]:
        """The same dims counted from the other end; for rank 0, its one dim of a tensor that has become a scalar."""
        arg = sample.args.get(self.argument)
        if not tensors(sample.args) or not _integers(arg):
            return
        if self.of_scalar:
            number = -1 if self.negative else 0
            one = (number,) if isinstance(arg, tuple) else number
            of_rank_0 = [sample] if _is_scalar(sample) else Rank(_first(sample), 0).injected(sample)
            yield from (static(_with(scalar, self.argument, one)) for scalar in of_rank_0)
            return
        rank = max(len(tensors(sample.args)[0].dims), 1)
        for step in (rank, rank + 1):
            yield static(_with(sample, self.argument, self._moved(arg, step)))

    def _moved(self, arg: Arg, by: int) -> Arg:
        if isinstance(arg, tuple):
            return tuple(self._moved(item, by) for item in arg)
        if not isinstance(arg, int) or (arg < 0) == self.negative:
            return arg
        return arg - by if self.negative else arg + by


def _integers(arg: Arg) -> list[int]:
    items = arg if isinstance(arg, tuple) else (arg,)
    return [item for item in items if isinstance(item, int) and not isinstance(item, bool)]


def _is_scalar(sample: Sample) -> bool:
    found = tensors(sample.args)
    return bool(found) and not found[0].dims


def _first(sample: Sample) -> str:
    """The first argument that holds a tensor."""
    return next(name for name, arg in sample.args.items() if tensors(arg))


def _with(sample: Sample, argument: str, value: Arg) -> Sample:
    return replace(sample, args={**sample.args, argument: value})


Beside = Literal["static", "one dynamic dim", "all dims dynamic"]


@dataclass(frozen=True, slots=True)
class Inferred:
    """A list of sizes has -1 at this position, while all dims are constant, one of them is symbolic, or all are."""

    argument: str
    position: int
    beside: Beside
    kind: Kind = "inferred"
    same_result: bool = True

    @property
    def name(self) -> str:
        """`size@0=-1, all dims dynamic`."""
        return f"{self.argument}@{self.position}=-1, {self.beside}"

    def holds(self, sample: Sample) -> bool:
        """Whether the sample has it."""
        arg = sample.args.get(self.argument)
        listed = isinstance(arg, tuple) and len(arg) > self.position
        return listed and arg[self.position] == -1 and self._fits(sample)  # type: ignore[index]

    def _fits(self, sample: Sample) -> bool:
        match self.beside:
            case "static":
                return sample.mode == "static"
            case "one dynamic dim":
                return len(sample.dynamic) == 1
            case "all dims dynamic":
                return len(sample.dynamic) >= 2 and len(sample.dynamic) == len(sample.sizes)

    def injected(self, sample: Sample) -> Iterator[Sample]:
        """The size there replaced, in a sample that has as many dynamic dims."""
        arg = sample.args.get(self.argument)
        if isinstance(arg, tuple) and len(arg) > self.position and self._fits(sample):
            yield _with(sample, self.argument, (*arg[: self.position], -1, *arg[self.position + 1 :]))


@dataclass(frozen=True, slots=True)
class Dtypes:
    """A tensor of the first dtype comes before one of the second."""

    first: str
    second: str
    kind: Kind = "dtypes"
    same_result: bool = False

    @property
    def name(self) -> str:
        """`dtypes=f32,i64`."""
        return f"dtypes={self.first},{self.second}"

    def holds(self, sample: Sample) -> bool:
        """Whether there are two such tensors."""
        names = [t.dtype for t in tensors(sample.args)]
        return self.first in names and self.second in names[names.index(self.first) :]

    def injected(self, sample: Sample) -> Iterator[Sample]:
        """The second dtype for a tensor after one of the first, which the dtype of the sample becomes if need be."""
        if sample.dtype != self.first and not any(t.dtype == self.first for t in tensors(sample.args)):
            sample = map_tensors(sample, lambda t: replace(t, dtype=self.first) if t.dtype == sample.dtype else t)
            sample = replace(sample, dtype=self.first)
        names = [t.dtype for t in tensors(sample.args)]
        if self.first not in names:
            return
        for later in range(names.index(self.first) + 1, len(names)):
            yield static(with_dtype(sample, later, self.second))


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """An optional argument: its default, and the values to try in its place; a tensor too if it takes one."""

    name: str
    default: Arg
    values: tuple[Arg, ...] = ()
    tensor: bool = False

    def is_away(self, sample: Sample) -> bool:
        """Whether the sample gives another value than the default."""
        return self.name in sample.args and not _equal(sample.args[self.name], self.default)


def _equal(one: Arg, other: Arg) -> bool:
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


@dataclass(frozen=True, slots=True)
class Given:
    """An optional argument is away from its default, or at it."""

    option: Option
    away: bool
    kind: Kind = "argument"
    same_result: bool = False

    @property
    def name(self) -> str:
        """`keepdim=away`."""
        return f"{self.option.name}={'away' if self.away else 'default'}"

    def holds(self, sample: Sample) -> bool:
        """Whether the argument is so."""
        return self.option.is_away(sample) == self.away

    def injected(self, sample: Sample) -> Iterator[Sample]:
        """The argument left out, or given."""
        name = self.option.name
        if not self.away:
            yield static(replace(sample, args={n: arg for n, arg in sample.args.items() if n != name}))
            return
        for value in (*self.option.values, *(_tensors_like(sample) if self.option.tensor else ())):
            if not _equal(value, self.option.default):
                yield static(_with(sample, name, value))


def _tensors_like(sample: Sample) -> Iterator[TensorSpec]:
    """Tensors that may fit beside the first one: of its dims, of one of them, of none."""
    found = tensors(sample.args)
    dims = found[0].dims if found else ()
    for chosen in dict.fromkeys((dims, *((dim,) for dim in dims), ())):
        for dtype in dict.fromkeys((sample.dtype, "bool", "i64")):
            yield TensorSpec(dims=chosen, dtype=dtype, fill=AWAY, seed=len(found) + 1)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two optional arguments are away from their defaults at once; `donors` are samples in which they are."""

    first: Option
    second: Option
    donors: tuple[Sample, ...]
    kind: Kind = "pair"
    same_result: bool = False

    @property
    def name(self) -> str:
        """`stride+padding`."""
        return f"{self.first.name}+{self.second.name}"

    def holds(self, sample: Sample) -> bool:
        """Whether both are."""
        return self.first.is_away(sample) and self.second.is_away(sample)

    def injected(self, sample: Sample) -> Iterator[Sample]:
        """The values of a donor, then the donors themselves."""
        for donor in self.donors:
            given = {option.name: donor.args[option.name] for option in (self.first, self.second)}
            if not tensors(given):
                yield static(replace(sample, args={**sample.args, **given}))
        yield from self.donors


def argument_facets(samples: Sequence[Sample], options: Sequence[Option]) -> Iterator[Facet]:
    """The facets of the arguments that these samples have, and of an op's optional ones."""
    names = dict.fromkeys(name for sample in samples for name in sample.args)
    for name in names:
        if name in DIMS:
            yield from (Counted(name, negative, scalar) for scalar in (False, True) for negative in (True, False))
        if name in SIZES:
            yield from _inferred(name, samples)
    for option in options:
        yield from (Given(option, away) for away in (False, True))


def _inferred(name: str, samples: Sequence[Sample]) -> Iterator[Facet]:
    besides: tuple[Beside, ...] = ("static", "one dynamic dim", "all dims dynamic")
    longest = max((len(s.args[name]) for s in samples if isinstance(s.args.get(name), tuple)), default=0)
    yield from (Inferred(name, position, beside) for position in range(longest) for beside in besides)


def dtype_facets(samples: Sequence[Sample], firsts: Collection[str], seconds: Collection[str]) -> Iterator[Facet]:
    """The ordered pairs of two different dtypes; none for an op that takes one tensor."""
    if any(len(tensors(sample.args)) > 1 for sample in samples):
        yield from (Dtypes(a, b) for a in firsts for b in seconds if a != b)


def pair_facets(options: Sequence[Option], donors: Sequence[Sample]) -> Iterator[Facet]:
    """Each pair of optional arguments that are away from their defaults at once in a donor."""
    for i, first in enumerate(options):
        for second in options[i + 1 :]:
            if found := tuple(s for s in donors if first.is_away(s) and second.is_away(s)):
                yield Pair(first, second, found)
