"""Whose fault it is, folded: how many executors confirm what was seen, and where one of them is wrong itself."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tabulate import tabulate

from harness.records.expectation import CONTROL
from harness.records.journal import Journal, Record
from harness.records.outcome import NotExecuted, Passed, Wrong
from harness.text import clip, one_line, plural
from reports.fold.call import repro_command
from reports.fold.reason import smallest

_SAID = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """The samples of a backend and mode that ran, or should have: by how many executors each verdict is confirmed.

    `cells` are those with a sample that passes, by the fewest executors that confirm one.
    """

    backend: str
    mode: str
    passed: Counter[int]
    wrong: Counter[int]
    unexecuted: int
    cells: Counter[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dissent:
    """An executor that is wrong, or dies, on samples of an op where another one is right; `record` is the smallest."""

    op: str
    backend: str
    executor: str
    count: int
    said: str
    record: Record


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstWrongPasses:
    """A pass after which samples are the first time wrong on a backend, and `record` the smallest of them.

    They are counted once an op, mode and way to be wrong; `step` names two where none between them can be run, and is
    None where no step that can be run is wrong.
    """

    step: str | None
    backend: str
    count: int
    ops: int
    record: Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Blame:
    """All of a journal: the counts, the first wrong passes, and the executors that disagree with one that is right."""

    confirmed: tuple[Confirmed, ...]
    first_wrong_passes: tuple[FirstWrongPasses, ...]
    dissents: tuple[Dissent, ...]


def blame(journal: Journal) -> Blame:
    """The split of a journal; minimised samples and the control are left out."""
    records = [r for r in journal.records if not r.minimised and r.backend != CONTROL]
    return Blame(
        confirmed=tuple(_confirmed(records)),
        first_wrong_passes=_first_wrong_passes(records),
        dissents=tuple(_dissents(records)),
    )


def _confirmed(records: Iterable[Record]) -> Iterable[Confirmed]:
    groups: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in records:
        groups[record.backend, record.mode].append(record)
    for (backend, mode), found in groups.items():
        outcomes = [record.outcome for record in found]
        yield Confirmed(
            backend=backend,
            mode=mode,
            passed=Counter(len(o.executors) for o in outcomes if isinstance(o, Passed)),
            wrong=Counter(len(o.confirmed) or 1 for o in outcomes if isinstance(o, Wrong)),
            unexecuted=sum(isinstance(o, NotExecuted) for o in outcomes),
            cells=_cells(found),
        )


def _cells(records: Iterable[Record]) -> Counter[int]:
    least: dict[tuple[str, str], int] = {}
    for record in records:
        if isinstance(record.outcome, Passed):
            cell, by = (record.op, record.dtype), len(record.outcome.executors)
            least[cell] = min(by, least.get(cell, by))
    return Counter(least.values())


def _first_wrong_passes(records: Iterable[Record]) -> tuple[FirstWrongPasses, ...]:
    """The most frequent first."""
    groups: dict[tuple[str | None, str], list[Record]] = defaultdict(list)
    for record in records:
        if record.first_wrong_pass:
            groups[record.first_wrong_pass.where, record.backend].append(record)
    found = [
        FirstWrongPasses(step=step, backend=backend, count=len(of), ops=len({r.op for r in of}), record=smallest(of))
        for (step, backend), of in groups.items()
    ]
    return tuple(sorted(found, key=lambda p: (-p.count, p.step or "", p.backend)))


def _dissents(records: Iterable[Record]) -> Iterable[Dissent]:
    groups: dict[tuple[str, str, str], list[Record]] = defaultdict(list)
    for record in records:
        if isinstance(record.outcome, Passed):
            for executor in record.outcome.dissent:
                groups[record.op, record.backend, executor].append(record)
    for (op, backend, executor), found in sorted(groups.items()):
        record = smallest(found)
        assert isinstance(record.outcome, Passed)
        said = one_line(record.outcome.dissent[executor])
        yield Dissent(op=op, backend=backend, executor=executor, count=len(found), said=said, record=record)


def line(found: Blame) -> str:
    """The split in a line, empty where no second executor was asked."""
    twice = sum(n for c in found.confirmed for by in (c.passed, c.wrong) for count, n in by.items() if count > 1)
    faults = sum(d.count for d in found.dissents)
    if not twice and not faults:
        return ""
    wrong = sum(sum(c.wrong.values()) for c in found.confirmed)
    confirmed = sum(n for c in found.confirmed for count, n in c.wrong.items() if count > 1)
    said = f"blame: {confirmed:,} of {wrong:,} wrong samples are so by two executors or more"
    said += f"; {plural(faults, 'sample')} where an executor is at fault itself" if faults else ""
    return f"{said} (opcov blame)"


def as_json(found: Blame) -> dict[str, Any]:
    """The split as JSON values."""
    return {
        "confirmed": [
            {
                "backend": c.backend,
                "mode": c.mode,
                "passed": dict(sorted(c.passed.items())),
                "wrong": dict(sorted(c.wrong.items())),
                "unexecuted": c.unexecuted,
                "cells": dict(sorted(c.cells.items())),
            }
            for c in found.confirmed
        ],
        "parted": [
            {"pass": p.step, "backend": p.backend, "count": p.count, "ops": p.ops, "sample": p.record.id}
            for p in found.first_wrong_passes
        ],
        "dissents": [
            {
                "op": d.op,
                "backend": d.backend,
                "executor": d.executor,
                "count": d.count,
                "said": d.said,
                "sample": d.record.id,
            }
            for d in found.dissents
        ],
    }


def as_text(found: Blame) -> str:
    """The split for people: a table of counts, then a line for each executor that is at fault itself."""
    most = max((n for c in found.confirmed for n in (*c.passed, *c.wrong)), default=1)
    numbers = range(1, most + 1)
    heads = ["backend", "mode", *(f"right by {n}" for n in numbers), *(f"wrong by {n}" for n in numbers), "unexecuted"]
    rows = [
        (c.backend, c.mode, *(c.passed[n] for n in numbers), *(c.wrong[n] for n in numbers), c.unexecuted)
        for c in found.confirmed
    ]
    parts = ["Samples by how many executors confirm the verdict", str(tabulate(rows, headers=heads))]
    cells = [(c.backend, c.mode, *(c.cells[n] for n in numbers)) for c in found.confirmed]
    heads = ["backend", "mode", *(f"by {n}" for n in numbers)]
    parts += [
        "Cells that pass, by the fewest executors that confirm one of their samples",
        tabulate(cells, headers=heads),
    ]
    if found.first_wrong_passes:
        passes = [
            (p.step or "none that can be run", p.backend, p.count, p.ops, repro_command(p.record) or "")
            for p in found.first_wrong_passes
        ]
        heads = ["first wrong pass", "backend", "ways to be wrong", "ops", "see"]
        parts += ["Where wrong samples part from eager", str(tabulate(passes, headers=heads))]
    if not found.dissents:
        return "\n\n".join([*parts, "No executor disagrees with one that is right."])
    lines = [
        (d.op, d.backend, d.executor, d.count, clip(d.said, _SAID), repro_command(d.record) or "")
        for d in found.dissents
    ]
    heads = ["op", "backend", "executor at fault", "samples", "what it got", "see"]
    parts += ["Executors that are at fault themselves, where another one is right", str(tabulate(lines, headers=heads))]
    return "\n\n".join(parts)
