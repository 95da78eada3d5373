"""What a night does with its time: which cells in which order, what it explores, and what counts as found."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness.records.expectation import CONTROL
from harness.records.journal import Record
from harness.records.signature import Signature, signature
from harness.running.cells import Cell

ALARMING = ("Wrong", "Crashed", "TimedOut", "Invalid")
"""The outcomes that exploring is to find: what a refused sample says, the census says too."""
SHORTEST = 10.0
"""A part of the night for which fewer seconds are left does not start."""
BASE = 15.0
"""Seconds that it takes to close a night of few outcomes: each command that compares or publishes starts anew."""
MARGIN = 1.25
"""So many times what closing took before is kept for it."""
REPORTS = 8.0
"""Closing takes so many times what a part takes to write its report: the index, the report, the diff, the baseline."""
ENOUGH = 500
"""A part with fewer outcomes tells nothing of the pace."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a night measures, in outcomes a second, and how many seconds it takes to close, an outcome.

    The values by default are those of two cores; a night replaces them by what it or the last one measured.
    """

    rate: float = 30.0
    closing: float = 0.001

    def for_part(self, left: float, outcomes: int) -> float:
        """How many of the seconds that are left a part may take, so that there is time to close after it.

        Closing takes longer the more outcomes there are: `outcomes` so far, and those that the part adds.
        """
        cost = MARGIN * self.closing
        return (left - BASE - cost * outcomes) / (1 + cost * self.rate)

    def after(self, outcomes: int, seconds: float, report: float, *, learns: bool) -> Pace:
        """The pace after a part that took so many seconds, and so many more for its report.

        Where no earlier night has told how long it takes to close, the report tells: that night `learns`.
        """
        if outcomes < ENOUGH or seconds <= 0:
            return self
        return Pace(outcomes / seconds, max(0.0, REPORTS * report / outcomes) if learns else self.closing)


def pace(of: Mapping[str, Any]) -> Pace:
    """The pace that a night has noted of itself; that of any night where it has noted none."""
    found = {key: float(of[key]) for key in ("rate", "closing") if isinstance(of.get(key), (int, float))}
    return Pace(**{key: value for key, value in found.items() if value > 0})


def ordered(cells: Iterable[Cell], costs: Mapping[str, float]) -> list[str]:
    """The names of cells, the ops that cost least in front; `costs` are seconds by cell, of an earlier run.

    A cell that was not measured then counts as an average one.
    """
    of_op: dict[str, list[str]] = defaultdict(list)
    for cell in cells:
        of_op[cell.case.op].append(cell.name)
    average = sum(costs.values()) / len(costs) if costs else 1.0
    cost = {op: sum(costs.get(name, average) for name in names) for op, names in of_op.items()}
    return [name for op in sorted(of_op, key=lambda op: (cost[op], op)) for name in of_op[op]]


def to_explore(
    cells: Sequence[str], *, changed: Iterable[str], near: Iterable[str], explored: Iterable[str]
) -> list[str]:
    """The cells to explore: those that changed, those near their bounds, then those that never ran.

    Where all of them were explored before, those that never ran in a census come once more.
    """
    known, before = set(cells), set(explored)
    first = [name for name in dict.fromkeys((*changed, *near)) if name in known]
    rest = [name for name in cells if name not in before] or list(cells)
    return list(dict.fromkeys((*first, *rest)))


@dataclass(frozen=True, slots=True)
class Find:
    """A sample that fails in a way in which no sample of the fixed part does, on its op, backend and mode."""

    record: Record
    signature: Signature

    def __str__(self) -> str:
        r = self.record
        where = f"{r.op} {r.backend} {r.full_mode} {r.dtype}"
        return f"{where}: {self.signature}\n    opcov repro {r.id} --backend {r.backend} --journal explicit.jsonl.gz"


def finds(explored: Iterable[Record], fixed: Iterable[Record]) -> Iterator[Find]:
    """What exploring an op found, one sample of each way of failing: a minimised one if there is any.

    The samples are made explicit ones: they are run as they are from now on.
    """
    known = {_key(record) for record in fixed}
    found: dict[tuple[str, str, Signature], Record] = {}
    for record in explored:
        if record.sample is None or record.backend == CONTROL or type(record.outcome).__name__ not in ALARMING:
            continue
        key = _key(record)
        if key not in known and (key not in found or (record.minimised and not found[key].minimised)):
            found[key] = record
    return (Find(replace(r, minimised=None, without=None), key[2]) for key, r in found.items())


def _key(record: Record) -> tuple[str, str, Signature]:
    return record.backend, record.full_mode, signature(record.outcome, record.backend)
