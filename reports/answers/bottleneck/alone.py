"""Which of the ops at the contract a backend lowers right alone, with the types that occur."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from reports.fold.programs import AT_LEAST, RIGHT, UNKNOWN, VERIFIED_ALL, Program, Shown

State = Literal["right", "in part", "fails", "not known"]
STATES: tuple[State, ...] = get_args(State)
LAST: tuple[State, ...] = ("fails", "not known")
FAILS = (VERIFIED_ALL, AT_LEAST, UNKNOWN)
OUTSIDE = "Outside"
LEGEND = (
    "Counted: ops at the contract, by type, which is the sample's dtype. Known alone by programs of that op only, and\n"
    "by cutting (opcov causes): it fails alone, or is in a rest that passes. right: with each type that occurs,\n"
    "never seen to fail; in part: right somewhere; fails: nowhere. whole: of the last two, those in larger\n"
    "programs that are right, which says less. Programs with a type that the dialect lacks do not count."
)


@dataclass(frozen=True, slots=True)
class Alone:
    """By op its state on a backend; `whole` are ops not right alone that are in a larger program which is."""

    states: Mapping[str, State]
    whole: frozenset[str]

    def ops(self, state: State) -> frozenset[str]:
        """The ops in a state."""
        return frozenset(op for op, own in self.states.items() if own == state)

    @property
    def row(self) -> list[int]:
        """How many ops occur, how many are in each state, and how many are right in larger programs only."""
        return [len(self.states), *(len(self.ops(state)) for state in STATES), len(self.whole)]

    def json(self) -> dict[str, Any]:
        """The ops by state as JSON values."""
        return {**{state: sorted(self.ops(state)) for state in STATES}, "whole": sorted(self.whole)}


def alone(programs: Iterable[Program], shown: Iterable[Shown], backend: str, modes: Iterable[str]) -> Alone:
    """What is known of each op on a backend in these modes."""
    modes = frozenset(modes)
    occurs: dict[str, set[tuple[str, str]]] = defaultdict(set)
    right: dict[str, set[tuple[str, str]]] = defaultdict(set)
    wrong: dict[str, set[tuple[str, str]]] = defaultdict(set)
    together: set[str] = set()
    for program in programs:
        how, type = program.ends[backend].how if backend in program.ends else "", (program.mode, program.dtype)
        if program.mode not in modes or not program.reaches or how in ("", OUTSIDE):
            continue
        for op in program.ops:
            occurs[op].add(type)
        if how == RIGHT:
            together |= {*program.ops}
        if len(program.ops) == 1 and (how == RIGHT or how in FAILS):
            (right if how == RIGHT else wrong)[program.ops[0]].add(type)
    for one in shown:
        if one.backend == backend and one.mode in modes:
            (right if one.is_right else wrong)[one.op].add((one.mode, one.dtype))
    states = {op: _state(types, right[op], wrong[op]) for op, types in sorted(occurs.items())}
    return Alone(states, frozenset(op for op in together if states[op] in LAST))


def _state(occurs: set[tuple[str, str]], right: set[tuple[str, str]], wrong: set[tuple[str, str]]) -> State:
    if right:
        return "right" if occurs <= right and not wrong else "in part"
    return "fails" if wrong else "not known"
