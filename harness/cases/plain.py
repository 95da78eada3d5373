"""The plain call of an op: its most ordinary invocation, which documentation would show.

It has the first dtype, ordinary finite values, row-major tensors, sizes of 2 and more, the arguments that the op
requires, and the optional ones that most of OpInfo's samples of the op give. In dynamic mode its first dim alone is
symbolic, and the artifact runs at sizes of 2 and more.

Nothing is drawn: the case's strategy runs with an ordinary choice at each of its choices, so that the plain call is a
sample that the strategy can draw, and depends neither on the seed nor on the profile. Where that call gives other
optional arguments than it should, a size below 2 or a rank below 2, other choices are tried one by one, and the best
one is kept. A case whose strategy cannot tell says its plain call itself (`OpCase.plain`).

`ordinary.json` says which optional arguments an op has, with their defaults, and which of them are given. The command
`python -m tests.ordinary_calls` writes it from torch's schemas and from OpInfo.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

from .case import OMIT, Dims, Draw, OpCase
from .other_samples import with_values
from .sample import Arg, Mode, Sample, SizeOf, tensors, walk
from .sizes import Bounds, first_dim, runs, symbolic, without_unused

_FACTS = Path(__file__).with_name("ordinary.json")
_SIZES = (3, 4, 2)
"""The sizes of named dims, in turn: neighbours differ, so that an exchange of two shows."""
_LEAST = 2
_RANK = 2
_ROUNDS = 6
"""The most choices that differ from the ordinary ones."""
_TRIED = 8
"""The most options that are tried at one choice."""


def plain_call(case: OpCase, mode: Mode, dtype: str = "") -> Sample | None:
    """The plain call of a case, or the like of another dtype; None in dynamic mode if no dim may be symbolic."""
    dtype = dtype or case.dtypes[0]
    best = _Call.made(case, dtype, mode, {})
    for _ in range(0 if case.plain else _ROUNDS):
        if best.faults == (0, 0):
            break
        better = min((_Call.made(case, dtype, mode, other) for other in best.others()), key=_faults, default=best)
        if better.faults >= best.faults:
            break
        best = better
    sample = with_values(best.sample, case.values[0])
    return sample if mode == "static" else _dynamic(sample, best.bounds)


@dataclass(frozen=True, slots=True)
class _Call:
    """A call with the choices that made it.

    `chosen` are the choices that are not the ordinary ones: by the number of the choice, the number of the option.
    `options` has of each choice how many options there were. `faults` counts what is not plain about the call, and what
    its rank lacks to 2.
    """

    sample: Sample
    bounds: Mapping[str, Bounds]
    chosen: Mapping[int, int]
    options: Sequence[int]
    faults: tuple[int, int]

    @classmethod
    def made(cls, case: OpCase, dtype: str, mode: Mode, chosen: Mapping[int, int]) -> _Call:
        """The call that these choices make."""
        d = _Ordinary(draw=_no_draw, dtype=dtype, mode=mode, numeric=case.numeric, chosen=chosen)
        args = {name: arg for name, arg in (case.plain or case.inputs)(d).items() if arg is not OMIT}
        sample = Sample(op=case.op, dtype=d.dtype, mode=mode, sizes=dict(d.sizes), args=args)
        sample = without_unused(sample)
        sample = replace(sample, runs=(sample.sizes,))
        faults = len(unusual(sample)) + len(small(sample)), _lacking_rank(sample)
        return cls(sample, d.bounds, chosen, d.options, faults)

    def others(self) -> Iterator[Mapping[int, int]]:
        """The choices with one more that is not the ordinary one."""
        for number, count in enumerate(self.options):
            if number not in self.chosen:
                yield from ({**self.chosen, number: option} for option in range(min(count, _TRIED)))


def _faults(call: _Call) -> tuple[int, int]:
    return call.faults


def _lacking_rank(sample: Sample) -> int:
    ranks = [len(t.dims) for t in tensors(sample.args)]
    return max(_RANK - max(ranks), 0) if ranks else 0


def _no_draw(strategy: Any) -> NoReturn:
    raise AssertionError("a plain call is not drawn")


@dataclass(slots=True)
class _Ordinary(Draw):
    """Makes the ordinary choice at each choice of a strategy, but for those in `chosen`; see `_Call`."""

    chosen: Mapping[int, int] = field(default_factory=dict)
    options: list[int] = field(default_factory=list)
    axes_chosen: int = 0

    def __post_init__(self) -> None:
        """No dim is degenerate."""

    def _pick(self, count: int, ordinary: int) -> int:
        """The number of the option to take, of `count`."""
        self.options.append(count)
        return min(self.chosen.get(len(self.options) - 1, ordinary), count - 1)

    def choose(self, *options: Any) -> Any:
        """OMIT, if it is an option; else the first one, which is the simplest."""
        omit = next((i for i, option in enumerate(options) if option is OMIT), 0)
        return options[self._pick(len(options), omit)]

    def integer(self, low: int, high: int) -> int:
        """2, or what is nearest to it."""
        return low + self._pick(high - low + 1, min(max(_LEAST, low), high) - low)

    def size(self, name: str, low: int = 0, high: int = 6, *, symbolic: bool = True) -> str:
        """Declare a named dim of an ordinary size."""
        least = min(max(low, _LEAST), high)
        wanted = min(max(_SIZES[len(self.sizes) % len(_SIZES)], least), high)
        self.sizes[name] = least + self._pick(high - least + 1, wanted - least)
        self.bounds[name] = Bounds(low, high, symbolic and high >= _LEAST)
        return name

    def shape(
        self, min_rank: int = 0, max_rank: int = 5, *, low: int = 0, prefix: str = "d", symbolic: bool = True
    ) -> Dims:
        """Declare the dims of a whole tensor: two; or those beside others, which few are: one."""
        ordinary = min(max(_RANK if max_rank > 3 else 1, min_rank), max_rank)
        rank = min_rank + self._pick(max_rank - min_rank + 1, ordinary - min_rank)
        high = max(low, *_SIZES)
        return tuple(self.size(f"{prefix}{i}", low, high, symbolic=symbolic) for i in range(rank))

    def axis(self, dims: Sequence[Any]) -> int:
        """The last dim, counted from the front; the one before it at the next call, so that two dims differ."""
        rank = max(len(dims), 1)
        self.axes_chosen += 1
        index = self._pick(rank, -self.axes_chosen % rank)
        return int(self.choose(index, index - rank))

    def axes(self, dims: Sequence[Any], *, min_size: int = 0) -> tuple[int, ...]:
        """The last dims, as few as may be; all of them in reverse order, which is no permutation without effect."""
        rank = len(dims)
        count = min(max(min_size, 1), rank)
        first = self._pick(rank - count + 1, rank - count)
        found = tuple(range(first, first + count))
        return found[::-1] if count == rank else found


# what is not plain about a call ---------------------------------------------------------------------------------------


def unusual(sample: Sample) -> list[str]:
    """The optional arguments that the call gives but few do, or does not give but most do."""
    facts = _facts().get(sample.op, {})
    given = facts.get("given", ())
    return [
        name
        for name, default in facts.get("defaults", {}).items()
        if (name in given) != (_as_json(sample.args.get(name, default)) != default)
    ]


def small(sample: Sample) -> list[int]:
    """The sizes below 2: of dims of tensors, and of arguments that are sizes."""
    sizes = [n for t in tensors(sample.args) for n in t.shape(sample.sizes)]
    sizes += [sample.sizes[leaf.dim] for leaf in walk(sample.args) if isinstance(leaf, SizeOf)]
    return [n for n in sizes if n < _LEAST]


@cache
def _facts() -> Mapping[str, Mapping[str, Any]]:
    found: Mapping[str, Mapping[str, Any]] = json.loads(_FACTS.read_text(encoding="utf-8"))
    return found


def _as_json(arg: Arg) -> Any:
    """The argument as a default is written: lists for tuples."""
    return [_as_json(item) for item in arg] if isinstance(arg, tuple) else arg


# dynamic mode ---------------------------------------------------------------------------------------------------------


def _dynamic(sample: Sample, bounds: Mapping[str, Bounds]) -> Sample | None:
    """The call with one symbolic dim, the first if it may be one; None if none may be."""
    candidates = symbolic(sample, bounds)
    if not candidates:
        return None
    first = first_dim(sample)
    name = first if first in candidates else candidates[0]
    bound = replace(bounds[name], low=max(bounds[name].low, _LEAST))
    return replace(sample, dynamic=(name,), runs=runs(sample.sizes, {name: bound}))
