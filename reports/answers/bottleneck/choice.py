"""What a backend has to add to cover all where each sample may take the level that needs least.

To find the smallest set is hard, so the greedy one has a lower bound beside it. Each cover has the *forced* ops: those
that a sample misses at every level that can be mended. After them, samples that share no op at any level need ops of
their own each, as many as the level that needs fewest. These and the forced ops are the bound.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.text import plural
from reports.fold.programs import AT_LEAST, RIGHT, VERIFIED_ALL, Levels

Ops = frozenset[str]
Ways = frozenset[Ops]
"""What a sample misses at each level, of which one has to be mended."""
LEGEND = (
    "Counted: each sample at any one level, as far as one journal has it at several. Greedy: each time the set that\n"
    "most samples per op miss, then less what is not needed. Bound: ops missed at every level, then the fewest ops of\n"
    "samples that share none. apart: samples that no op mends at any level."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The ops that a backend `adds` to cover all samples that can be, which take at least `bound` ops.

    `right` of `samples` are right at some level today; `apart` are mended at none.
    """

    backend: str
    samples: int
    right: int
    apart: int
    adds: Ops
    bound: int

    def line(self, limit: int | None) -> str:
        """The choice in one line, at most `limit` of its ops."""
        names = [name.replace("torch.", "") for name in sorted(self.adds)]
        more = f" and {len(names) - limit} more" if limit is not None and len(names) > limit else ""
        size = "the fewest" if len(self.adds) == self.bound else f"no set has fewer than {self.bound}"
        return (
            f"any level, {self.backend}: all ({plural(self.samples, 'sample')}, {self.right:,} right at some level,"
            f" {self.apart:,} apart): {plural(len(names), 'op')}, {size}: {', '.join(names[:limit])}{more}"
        )

    def json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {
            "backend": self.backend,
            "samples": self.samples,
            "right": self.right,
            "apart": self.apart,
            "adds": sorted(self.adds),
            "at_least": self.bound,
        }


def choice(samples: Iterable[Levels], backend: str) -> Choice:
    """What a backend has to add where each sample may take any level at which it was measured."""
    found: Counter[Ways] = Counter()
    for levels in samples:
        ends = [program.ends[backend] for program in levels if backend in program.ends]
        if ends:
            ways = {frozenset(end.misses) for end in ends if end.how in (RIGHT, VERIFIED_ALL, AT_LEAST)}
            found[frozenset(ways)] += levels[0].count
    right = sum(count for ways, count in found.items() if frozenset() in ways)
    apart = found.pop(frozenset(), 0)
    return Choice(
        backend=backend,
        samples=sum(found.values()) + apart,
        right=right,
        apart=apart,
        adds=_pruned(_greedy(found), list(found)),
        bound=_bound(list(found)),
    )


def _forced(of: Iterable[Ways]) -> Ops:
    """The ops that every cover has."""
    return frozenset(op for ways in of for op in frozenset.intersection(*ways))


def _left(of: Mapping[Ways, int], done: Ops) -> Counter[Ways]:
    """What samples still miss after these ops; those that miss nothing any more are gone."""
    found: Counter[Ways] = Counter()
    for ways, count in of.items():
        rest = frozenset(way - done for way in ways)
        if frozenset() not in rest:
            found[rest] += count
    return found


def _greedy(of: Mapping[Ways, int]) -> Ops:
    """The forced ops, then repeatedly the set that most samples per op miss at some level."""
    adds = _forced(of)
    left = _left(of, adds)
    while left:
        gains: Counter[Ops] = Counter()
        for ways, count in left.items():
            gains.update(dict.fromkeys(ways, count))
        best = min(gains, key=lambda way: (-gains[way] / len(way), len(way), sorted(way)))
        adds |= best
        left = _left(left, best)
    return adds


def _pruned(adds: Ops, of: Sequence[Ways]) -> Ops:
    """The ops without those that no sample needs once all others are added."""
    for op in sorted(adds):
        fewer = adds - {op}
        if all(any(way <= fewer for way in ways) for ways in of):
            adds = fewer
    return adds


def _bound(of: Sequence[Ways]) -> int:
    """How many ops every cover has at least."""
    forced = _forced(of)
    used: set[str] = set()
    bound = len(forced)
    left = _left(dict.fromkeys(of, 1), forced)
    for ways in sorted(left, key=lambda ways: (len(frozenset.union(*ways)), sorted(map(sorted, ways)))):
        ops = frozenset.union(*ways)
        if not ops & used:
            used |= ops
            bound += min(map(len, ways))
    return bound
