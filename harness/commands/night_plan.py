"""What a night does with its time: which cells in which order, what it explores, and what counts as found."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from harness.records.expectation import CONTROL
from harness.records.journal import Record
from harness.records.signature import Signature, signature
from harness.running.cells import Cell

ALARMING = ("Wrong", "Crashed", "TimedOut", "Invalid")
"""The outcomes that exploring is to find: what a refused sample says, the census says too."""
CLOSING, SHARE = 300.0, 0.15
"""Seconds that are kept to compare and publish, at most, and the share of the budget that is kept."""
SHORTEST = 10.0
"""A part of the night for which fewer seconds are left does not start."""


def for_parts(seconds: float) -> float:
    """How much of a night's budget is for its parts; the rest is to compare and to publish what they found."""
    return seconds - min(SHARE * seconds, CLOSING)


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
        where = f"{r.op} {r.backend} {r.mode} {r.dtype}"
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
    return record.backend, record.mode, signature(record.outcome, record.backend)
