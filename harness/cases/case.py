"""The registry's entry for one op (`OpCase`), and the `Draw` through which its strategy asks hypothesis for choices."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cache, lru_cache
from types import NoneType
from typing import TYPE_CHECKING, Any, Final

from harness.errors import BadSample

from .dtypes import ALL, BY_TORCH, DTYPES, FLOAT
from .explicit import Example
from .numeric import EXACT, Composite, Exact, Linear, Numeric, of_sample
from .sample import (
    LAYOUTS,
    ONE_SIDED,
    Arg,
    Dim,
    DtypeArg,
    Fill,
    Layout,
    Mode,
    Sample,
    TensorSpec,
    Values,
)
from .sizes import Bounds, runs, symbolic, without_unused

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

Dims = tuple[Dim, ...]


OMIT: Final = object()
"""As an argument's value: the argument is left out of the call and takes its default."""

_MAX_SIZE = {0: 6, 1: 7, 2: 6, 3: 5, 4: 3, 5: 3}
"""The largest size of a dim, by the rank of its tensor."""


def _choice(*options: Any) -> SearchStrategy[Any]:
    """Choose one of the options.

    Here and below, hypothesis is imported where something is drawn: it takes longer to load than the whole registry.
    """
    from hypothesis.strategies import sampled_from

    return sampled_from(options)


@lru_cache(maxsize=4096, typed=True)
def _integer(low: int, high: int) -> SearchStrategy[int]:
    from hypothesis.strategies import integers

    return integers(low, high)


def _order(count: int) -> SearchStrategy[list[int]]:
    """Choose an order of the integers below `count`."""
    from hypothesis.strategies import permutations

    return permutations(range(count))


_cached_choice = lru_cache(maxsize=4096, typed=True)(_choice)
"""Cached, since a strategy is costly to make; typed, since 1, 1.0 and True would otherwise be one key."""


_DEGENERATE = (*(None,) * 4, *((i, 0) for i in (0, 0, 0, 1, 1, 2, 3, 4)), *((i, 1) for i in (0, 1, 2)))
"""What `Draw.degenerate` may be, the more often the more likely: a leading empty dim is that of a batch."""


@dataclass(slots=True)
class Draw:
    """The source of a case's choices. Every choice goes through hypothesis and shrinks to its first option.

    `draw` draws from a hypothesis strategy; `dtype` and `mode` are those of the cell, `numeric` is the case's class.
    A strategy declares named dims with `size` or `shape`, which record them in `sizes` and `bounds`. `seeds` counts the
    tensors drawn so far; each takes its number as its seed. `degenerate` is the position of one named dim among those
    that may have the size (0 or 1) which it gets, and that size; None in dynamic mode, where runs have such sizes.
    """

    draw: Callable[[SearchStrategy[Any]], Any]
    dtype: str
    mode: Mode
    numeric: Numeric = EXACT
    sizes: dict[str, int] = field(default_factory=dict)
    bounds: dict[str, Bounds] = field(default_factory=dict)
    seeds: int = 0
    degenerate: tuple[int, int] | None = None
    eligible: int = 0

    def __post_init__(self) -> None:
        if self.mode == "static":
            self.degenerate = self.choose(*_DEGENERATE)

    # choices

    def choose(self, *options: Any) -> Any:
        """One of the options; the first is the simplest."""
        plain = all(isinstance(option, (str, int, float, NoneType)) for option in options)
        return self.draw((_cached_choice if plain else _choice)(*options))

    def integer(self, low: int, high: int) -> int:
        """An integer in [low, high]."""
        return int(self.draw(_integer(low, high)))

    def flag(self) -> bool:
        """False or True."""
        return bool(self.choose(False, True))

    def maybe(self, value: Any) -> Any:
        """The value, or OMIT."""
        return self.choose(OMIT, value)

    @property
    def kind(self) -> str:
        """`float`, `int`, `bool` or `complex`."""
        return DTYPES[self.dtype].kind

    def scalar(self, *floats: float, ints: Sequence[int] = (2, 1, -3, 0)) -> Any:
        """A Python scalar that fits the cell's dtype without promoting it."""
        if self.kind == "bool":
            return self.flag()
        if self.kind == "int":
            return self.choose(*(i for i in ints if i >= DTYPES[self.dtype].low))
        return self.choose(*(floats or (2.0, 0.5, -1.5, 0.0)))

    # named dims

    def size(self, name: str, low: int = 0, high: int = 6, *, symbolic: bool = True) -> str:
        """Declare a named dim with a size in [low, high]; `symbolic=False` keeps it constant in dynamic mode too."""
        symbolic = symbolic and high >= 2
        least = max(low, 2 if symbolic else 1) if self.mode == "dynamic" else max(low, 1)
        size = self.integer(min(least, high), high)
        if self.degenerate and low <= self.degenerate[1]:
            size = self.degenerate[1] if self.degenerate[0] == self.eligible else size
            self.eligible += 1
        self.sizes[name] = size
        self.bounds[name] = Bounds(low, high, symbolic)
        return name

    def shape(
        self, min_rank: int = 0, max_rank: int = 5, *, low: int = 0, prefix: str = "d", symbolic: bool = True
    ) -> Dims:
        """Declare the named dims `d0, d1, ...` of a tensor of any rank in [min_rank, max_rank]."""
        rank = self.integer(min_rank, max_rank)
        if self.mode == "dynamic" and rank == 0:
            rank = self.integer(1, max(1, max_rank))
        return tuple(self.size(f"{prefix}{i}", low, max(low, _MAX_SIZE[rank]), symbolic=symbolic) for i in range(rank))

    def broadcast(self, dims: Dims) -> Dims:
        """The same dims, or dims that broadcast to them: some replaced by a literal 1, leading ones dropped, or all."""
        how = self.choose("same", "ones", "leading", "scalar")
        if how == "ones":
            return tuple(self.choose(1, d) for d in dims)
        if how == "leading" and dims:
            return dims[self.integer(1, len(dims)) :]
        return () if how == "scalar" else dims

    def pair(self, dims: Dims) -> tuple[Dims, Dims]:
        """Two shapes that broadcast to these dims: one is smaller, or each has a 1 where the other has a dim."""
        smaller = self.broadcast(dims)
        odd, even = (tuple(1 if i % 2 == k else d for i, d in enumerate(dims)) for k in (1, 0))
        crossed = (odd, even) if len(dims) > 1 else (dims, dims)
        shapes: tuple[Dims, Dims] = self.choose((dims, smaller), (smaller, dims), crossed)
        return shapes

    def axis(self, dims: Sequence[Any]) -> int:
        """The index of a dim, counted from the front or from the back; 0 or -1 for a rank-0 tensor."""
        rank = max(len(dims), 1)
        index = self.integer(0, rank - 1)
        small = [i for i, dim in enumerate(dims) if isinstance(dim, str) and self.sizes[dim] < 2]
        index = small[0] if small and self.flag() else index  # where an op has nothing to do it is likely to fail
        return int(self.choose(index, index - rank))

    def axes(self, dims: Sequence[Any], *, min_size: int = 0) -> tuple[int, ...]:
        """The indices of `min_size` or more distinct dims (all, if there are fewer), in any order, some negative."""
        rank = len(dims)
        count = self.integer(min(min_size, rank), rank)
        return tuple(self.choose(i, i - rank) for i in self.draw(_order(rank))[:count])

    def at(self, dims: Sequence[Dim], axis: int) -> int:
        """The size of the dim at an index."""
        dim = dims[axis]
        return dim if isinstance(dim, int) else self.sizes[dim]

    def least(self, dim: Dim) -> int:
        """The least size of the dim in any run: its lower bound if it may be symbolic in this mode, else its size."""
        if isinstance(dim, int):
            return dim
        bounds = self.bounds[dim]
        return bounds.low if self.mode == "dynamic" and bounds.symbolic else self.sizes[dim]

    # arguments

    def tensor(
        self, dims: Dims = (), dtype: str | None = None, fill: Fill | None = None, layout: Layout = "contiguous"
    ) -> TensorSpec:
        """A tensor argument; without a `fill`, its magnitudes reach `root` if the op is Linear, `unit` if Composite."""
        self.seeds += 1
        dtype = dtype or self.dtype
        if fill is None:
            modest = isinstance(self.numeric, (Linear, Composite))
            fill = Fill(reach="root" if isinstance(self.numeric, Linear) else "unit") if modest else Fill()
        if DTYPES[dtype].kind == "complex" and not isinstance(self.numeric, Exact):
            # Implementations differ in how complex numbers overflow, and in the sign of zero on a branch cut. A result
            # that is not finite is right wherever eager's is not, whatever its parts are.
            fill = replace(fill, reach="unit", avoid=(*fill.avoid, 0.0), margin=max(fill.margin, 0.0625))
        return TensorSpec(dims=tuple(dims), dtype=dtype, fill=fill, seed=self.seeds, layout=layout)

    def layout(self) -> Layout:
        """A layout in memory: row-major twice as often as any other."""
        layout: Layout = self.choose("contiguous", *LAYOUTS)
        return layout

    def index(self, dims: Dims, of: Dim, *, dtype: str = "i64", negative: bool = False) -> TensorSpec:
        """A tensor of indices into the dim `of`, some from the back if `negative`. The dim must not be empty."""
        return self.tensor(dims, dtype, Fill(kind="index", of=of, low=-1 if negative else 0, nonfinite=False))

    def other_dtype(self, *names: str) -> Any:
        """A `dtype=` argument: left out, or one of these."""
        return self.choose(OMIT, *(DtypeArg(n) for n in names))


Inputs = Callable[[Draw], Mapping[str, Any]]
"""A case's strategy: it draws the arguments of one invocation, by schema name."""

Canonical = Callable[[Sequence[Any]], Sequence[Any]]
"""From an op's results, as tensors, to one form that all right results share. It calls methods of tensors only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpCase:
    """How to call one op, and how to judge its results.

    - `op`: the overload as PyTorch spells it.
    - `inputs`: the strategy that draws its arguments.
    - `dtypes`: the dtypes of its cells; the first is sampled most.
    - `numeric`: the numeric class of its floating results; integers are always exact.
    - `values`: the ways in which its tensors are filled.
    - `seen_as`: the overload that export records instead, where PyTorch rewrites the call while tracing.
    - `canonical`: brings results that are right in more than one way to one form before they are compared.
    - `plain`: the strategy of its plain call, where the ordinary choices of `inputs` do not make one: see `plain.py`.
    - `examples`: samples written by hand, which run in every profile: see `explicit.py`.
    - `picks`: gives the samples that are kept for its census: calls of OpInfo, and injected ones.
    - `nightly`: gives those that the nightly alone runs. `op_suites.catalog` sets both.

    Each of the others is a gap in the coverage, with its reason as text:

    - `exclude`: dtypes without cells.
    - `static_only`: no dim can be symbolic.
    - `fixed`: arguments that take only one value.
    - `unexported`: export cannot express the op, or not every sample; the control then starts from the program.
    - `unjudged`: outputs, by index, whose values cannot be compared; their shape and dtype are.
    - `misshapen`: outputs, by index, to which torch's own decomposition gives another shape or dtype than eager does,
      before any backend sees the program.
    - `untried`: facets (`self:nan`, `*:rank=0`, `self:nan f16` in one dtype), as globs, that no sample can hold, since
      it could not be judged; `opcov ops --tame` refutes a reason where eager takes the call and agrees with float64.
    """

    op: str
    inputs: Inputs
    dtypes: tuple[str, ...] = ALL
    numeric: Numeric = EXACT
    values: tuple[Values, ...] = ("mixed", "extreme", "nonfinite")
    unjudged: Mapping[int, str] = field(default_factory=dict)
    misshapen: Mapping[int, str] = field(default_factory=dict)
    seen_as: str | None = None
    static_only: str | None = None
    exclude: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, str] = field(default_factory=dict)
    canonical: Canonical | None = None
    unexported: str | None = None
    plain: Inputs | None = None
    examples: tuple[Example, ...] = ()
    picks: Callable[[], Sequence[Sample]] = tuple
    nightly: Callable[[], Sequence[Sample]] = tuple
    untried: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for dtype in {one.dtype for one in self.examples} - set(self.dtypes):
            raise BadSample(f"{self.op} has an example in {dtype}, which has no cells", hint="add it to its dtypes")

    @property
    def ways(self) -> tuple[Values, ...]:
        """Every way of filling: `values`, and, if they are more than one, `below` and `above` 0."""
        return (*self.values, *ONE_SIDED) if self.values[1:] else self.values

    def modes(self) -> tuple[Mode, ...]:
        """The modes that have cells."""
        return ("static",) if self.static_only else ("static", "dynamic")

    def explicit(self, dtype: str, mode: Mode) -> tuple[Sample, ...]:
        """The examples of a cell as samples."""
        found = (one.sample(self.op, mode) for one in self.examples if one.dtype == dtype and mode in self.modes())
        return tuple(sample for sample in found if sample)

    def numeric_of(self, sample: Sample) -> Numeric:
        """The numeric class for a sample, with every length expressed in the sample's own dims."""
        return of_sample(self.numeric, sample)

    def why_untried(self, facet: str, dtype: str) -> str | None:
        """The case's reason why no sample holds a facet, in a dtype or (``""``) in any; None if it gives none."""
        globs = {**self.untried, **{f"{name}=*": reason for name, reason in self.fixed.items()}}
        matching = (glob for glob in globs if fnmatchcase(facet, glob) or fnmatchcase(f"{facet} {dtype}", glob))
        return next((globs[glob] for glob in matching), None)

    def strategy(self, dtype: str, mode: Mode) -> SearchStrategy[Sample]:
        """A hypothesis strategy for this op's samples."""
        strategy: SearchStrategy[Sample] = _samples()(self, dtype, mode)
        return strategy


@cache
def _samples() -> Callable[[OpCase, str, Mode], SearchStrategy[Sample]]:
    """The strategy of any case; cached, since hypothesis parses the source of a function that it makes a strategy."""
    from hypothesis.strategies import composite

    @composite
    def samples(draw: Any, case: OpCase, dtype: str, mode: Mode) -> Sample:
        d = Draw(draw=draw, dtype=dtype, mode=mode, numeric=case.numeric)
        args = {name: arg for name, arg in case.inputs(d).items() if arg is not OMIT}
        return _finish(d, Sample(op=case.op, dtype=dtype, mode=mode, sizes=dict(d.sizes), args=args))

    strategy: Callable[[OpCase, str, Mode], SearchStrategy[Sample]] = samples
    return strategy


def _finish(d: Draw, sample: Sample) -> Sample:
    """Drop the sizes that no argument uses, and choose the dynamic dims and the sizes of the runs."""
    sample = without_unused(sample)
    candidates = symbolic(sample, d.bounds)
    if sample.mode == "static" or not candidates:
        return replace(sample, runs=(sample.sizes,))
    dynamic = d.choose(candidates, *((name,) for name in candidates)) if len(candidates) > 1 else candidates
    return replace(sample, dynamic=dynamic, runs=runs(sample.sizes, {n: d.bounds[n] for n in dynamic}))


def dtype_of(torch_name: str) -> str:
    """The short name of a torch dtype: `float32` or `torch.float32` is `f32`."""
    return BY_TORCH[torch_name.removeprefix("torch.")]


__all__ = ["ALL", "FLOAT", "OMIT", "Arg", "Bounds", "Dims", "Draw", "Inputs", "OpCase", "dtype_of"]
