"""Find the ops of a program that are at fault, by running parts of it: a pure search over an abstract program.

The ops of a program are numbered in its order, and a *part* is a set of them. How a part ends is None if it passes;
else its way of failing, which two parts share if they fail alike.

1. The suspects are the ops that alone fail as the program does. Without one, the cause is the composition: the smallest
   group of ops that still fails so (delta debugging: Zeller and Hildebrandt, 2002).
2. They are cut out at once. As long as the rest fails, it is cut in the same way: what that adds is needed as well.
3. Each op whose return the rest survives is put back: what stays cut is at fault.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass
from typing import Protocol

Part = frozenset[int]
End = Hashable
"""How a part ends: None if it passes, else its way of failing."""


class CannotTell(Exception):
    """It is not known how a part ends; the text says why."""


class Parts(Protocol):
    """A program whose parts can be run; its methods raise CannotTell."""

    def alone(self, part: Part, way: End) -> End:
        """How a part ends that stands alone; `way` is what it is asked for: another way need not be told exactly."""
        ...

    def rest(self, part: Part) -> End:
        """How a part ends that is what is left of the program."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the search found, in the order of the program.

    - `culprits`: the ops at fault; with `composition` the smallest group of ops that still fails.
    - `needs`: the ops that have to be cut out too before the rest passes, in the order found.
    """

    culprits: tuple[int, ...]
    composition: bool
    needs: tuple[int, ...] = ()


def search(count: int, way: End, parts: Parts) -> Found:
    """Find what is at fault in a program of `count` ops that fails in this way; raises CannotTell.

    A part of which it is not known how it ends is no suspect; how the rest ends must be known.
    """
    whole = frozenset(range(count))
    blamed = [_blamed(whole, way, parts)]
    cut = set(blamed[0].ops)
    while (rest := whole - cut) and (end := parts.rest(rest)) is not None:
        blamed.append(_blamed(rest, end, parts))
        cut.update(blamed[-1].ops)
    for op in (op for one in blamed if not one.composition for op in one.ops):
        if len(cut) > 1 and _passes(whole - (cut - {op}), parts):
            cut.discard(op)
    first, *others = [kept for one in blamed if (kept := one.within(cut)).ops]
    needs = tuple(op for one in others for op in one.ops)
    return Found(culprits=first.ops, composition=first.composition, needs=needs)


@dataclass(frozen=True, slots=True)
class _Blamed:
    """Ops that fail as a part does: each alone or, in a composition, together."""

    ops: tuple[int, ...]
    composition: bool = False

    def within(self, cut: Collection[int]) -> _Blamed:
        """Those of them that stay cut."""
        return _Blamed(tuple(op for op in self.ops if op in cut), self.composition)


def _passes(part: Part, parts: Parts) -> bool:
    try:
        return parts.rest(part) is None
    except CannotTell:
        return False


def _blamed(part: Part, way: End, parts: Parts) -> _Blamed:
    """The ops of a part that alone fail as it does; if there is none, the smallest group of ops that does."""

    def fails(ops: Collection[int]) -> bool:
        try:
            return parts.alone(frozenset(ops), way) == way
        except CannotTell:
            return False

    if len(part) == 1:
        return _Blamed(tuple(part))
    suspects = tuple(op for op in sorted(part) if fails((op,)))
    return _Blamed(suspects) if suspects else _Blamed(smallest(sorted(part), fails), composition=True)


def smallest(ops: Sequence[int], fails: Callable[[Collection[int]], bool]) -> tuple[int, ...]:
    """The smallest group found of these ops, which fail together, that still fails; none of its ops can be left out.

    First ops are left out at the end and at the start, so that the group stays together in the program, then within.
    """
    group = list(ops)
    for from_end in (True, False):
        step = len(group) // 2
        while step:
            shorter = group[:-step] if from_end else group[step:]
            if len(group) > step and fails(shorter):
                group = shorter
            else:
                step //= 2
    size = len(group) // 2
    while size:
        left_out = _leave_out(group, size, fails)
        if left_out is None:
            size //= 2
        else:
            group = left_out
            size = min(size, len(group) // 2)
    return tuple(group)


def _leave_out(group: list[int], size: int, fails: Callable[[Collection[int]], bool]) -> list[int] | None:
    """The group without the first run of so many neighbours that it fails without; None if there is none."""
    for start in range(0, len(group), size):
        fewer = group[:start] + group[start + size :]
        if fewer and fails(fewer):
            return fewer
    return None
