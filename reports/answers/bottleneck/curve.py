"""In which order to lower ops so that most programs become whole: a greedy curve, no proof that none is better."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.text import share

SHOWN = 20
MARKS = (50, 75, 90, 95)
"""The percentages of the surface for which the number of ops is said."""
Needs = Mapping[frozenset[str], int]
"""By the ops that programs need, how many programs these are."""


@dataclass(frozen=True, slots=True)
class Curve:
    """Ops in greedy order, each with how many of `total` programs are whole with it and those before it.

    `start` programs are whole without any. Programs that no op makes whole are in `total` alone.
    """

    start: int
    total: int
    steps: tuple[tuple[str, int], ...]

    @property
    def end(self) -> int:
        """How many programs are whole with all ops."""
        return self.steps[-1][1] if self.steps else self.start

    def reach(self, whole: float) -> int | None:
        """How many ops it takes until so many programs are whole; None if no number does."""
        if self.start >= whole:
            return 0
        return next((place for place, (_, count) in enumerate(self.steps, 1) if count >= whole), None)

    def marks(self) -> str:
        """How many ops it takes for some shares of the surface, and for all that it can have."""
        found = [(mark, self.reach(mark * self.total / 100)) for mark in MARKS]
        said = [f"{mark} %: {ops}" for mark, ops in found if ops is not None]
        return ", ".join([*said, f"{share(self.end, self.total)}, which is most: {self.reach(self.end)}"])

    def first(self, limit: int = SHOWN) -> str:
        """The first ops, each with the share of the surface that is whole with it."""
        return ", ".join(f"{_short(op)} {share(whole, self.total)}" for op, whole in self.steps[:limit])

    def json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {"start": self.start, "total": self.total, "steps": [list(step) for step in self.steps]}


def _short(name: str) -> str:
    return name.replace("torch.", "")


def needs(sets: Iterable[tuple[Iterable[str], int]]) -> Needs:
    """Sets of ops that programs need, each with a number of programs, with equal sets joined."""
    found: Counter[frozenset[str]] = Counter()
    for ops, count in sets:
        found[frozenset(ops)] += count
    return found


def greedy(of: Needs, total: int) -> Curve:
    """Repeatedly the op whose addition makes most programs whole.

    Among equals it is the op that most programs still wait for, then the first by name.
    """
    left = dict(of)
    whole = start = left.pop(frozenset(), 0)
    steps = []
    while left:
        makes: Counter[str] = Counter()
        waits: Counter[str] = Counter()
        for ops, count in left.items():
            for op in ops:
                waits[op] += count
                makes[op] += count * (len(ops) == 1)
        best = min(waits, key=lambda op: (-makes[op], -waits[op], op))
        rest: Counter[frozenset[str]] = Counter()
        for ops, count in left.items():
            rest[ops - {best}] += count
        whole += rest.pop(frozenset(), 0)
        steps.append((best, whole))
        left = dict(rest)
    return Curve(start, total, tuple(steps))
