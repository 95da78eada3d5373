"""Who is at fault: how many executors confirm each verdict, the first wrong passes, and executors that are wrong."""

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

_MESSAGE = 90
"""The most characters of an executor's message that the text shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmations:
    """The samples and cells of one backend and mode, counted by how many executors confirm the verdict.

    `passed` and `wrong` count samples by that number; `unexecuted` counts samples that no executor can run. `cells`
    counts the (op, dtype) with a sample that passed, by the fewest executors that confirm one of these samples.
    """

    backend: str
    mode: str
    passed: Counter[int]
    wrong: Counter[int]
    unexecuted: int
    cells: Counter[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dissent:
    """An executor that is wrong or dies on samples of one op on which another executor is right.

    `count` is the number of samples, `record` the smallest of them, and `message` what the executor got or died of.
    """

    op: str
    backend: str
    executor: str
    count: int
    message: str
    record: Record


@dataclass(frozen=True, slots=True, kw_only=True)
class BlamedPass:
    """A pass after which samples on one backend are wrong for the first time.

    `count` is the number of these samples; only one sample per op, mode and way to be wrong is bisected. `ops` is the
    number of their ops, `record` the smallest sample. `step` names the pass, or a range of passes (`convert to cse`) if
    those just before the first wrong one cannot be run. It is None if no pass that can be run is wrong.
    """

    step: str | None
    backend: str
    count: int
    ops: int
    record: Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Blame:
    """The counts of a journal, its first wrong passes, and the executors that disagree with one that is right."""

    confirmed: tuple[Confirmations, ...]
    first_wrong_passes: tuple[BlamedPass, ...]
    dissents: tuple[Dissent, ...]


def blame(journal: Journal) -> Blame:
    """Find who is at fault in a journal; minimised samples and the control are left out."""
    records = [r for r in journal.records if not r.minimised and r.backend != CONTROL]
    return Blame(
        confirmed=tuple(_confirmed(records)),
        first_wrong_passes=_first_wrong_passes(records),
        dissents=tuple(_dissents(records)),
    )


def _confirmed(records: Iterable[Record]) -> Iterable[Confirmations]:
    groups: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in records:
        groups[record.backend, record.mode].append(record)
    for (backend, mode), group in groups.items():
        outcomes = [record.outcome for record in group]
        yield Confirmations(
            backend=backend,
            mode=mode,
            passed=Counter(len(o.executors) for o in outcomes if isinstance(o, Passed)),
            wrong=Counter(len(o.confirmed) or 1 for o in outcomes if isinstance(o, Wrong)),
            unexecuted=sum(isinstance(o, NotExecuted) for o in outcomes),
            cells=_cells(group),
        )


def _cells(records: Iterable[Record]) -> Counter[int]:
    """Count the cells with a sample that passed, by the fewest executors that confirm one of these samples."""
    least: dict[tuple[str, str], int] = {}
    for record in records:
        if isinstance(record.outcome, Passed):
            cell, executors = (record.op, record.dtype), len(record.outcome.executors)
            least[cell] = min(executors, least.get(cell, executors))
    return Counter(least.values())


def _first_wrong_passes(records: Iterable[Record]) -> tuple[BlamedPass, ...]:
    """Group the records by first wrong pass and backend; the largest group comes first."""
    groups: dict[tuple[str | None, str], list[Record]] = defaultdict(list)
    for record in records:
        if record.first_wrong_pass:
            groups[record.first_wrong_pass.where, record.backend].append(record)
    passes = [
        BlamedPass(step=step, backend=backend, count=len(group), ops=len({r.op for r in group}), record=smallest(group))
        for (step, backend), group in groups.items()
    ]
    return tuple(sorted(passes, key=lambda p: (-p.count, p.step or "", p.backend)))


def _dissents(records: Iterable[Record]) -> Iterable[Dissent]:
    groups: dict[tuple[str, str, str], list[Record]] = defaultdict(list)
    for record in records:
        if isinstance(record.outcome, Passed):
            for executor in record.outcome.dissent:
                groups[record.op, record.backend, executor].append(record)
    for (op, backend, executor), group in sorted(groups.items()):
        record = smallest(group)
        assert isinstance(record.outcome, Passed)
        message = one_line(record.outcome.dissent[executor])
        yield Dissent(op=op, backend=backend, executor=executor, count=len(group), message=message, record=record)


def line(found: Blame) -> str:
    """Write the counts in one line; empty if no verdict has a second executor that confirms it or disagrees."""
    twice = sum(n for c in found.confirmed for counts in (c.passed, c.wrong) for by, n in counts.items() if by > 1)
    faults = sum(d.count for d in found.dissents)
    if not twice and not faults:
        return ""
    wrong = sum(sum(c.wrong.values()) for c in found.confirmed)
    confirmed = sum(n for c in found.confirmed for by, n in c.wrong.items() if by > 1)
    text = f"blame: {confirmed:,} of {wrong:,} wrong samples are so by two executors or more"
    text += f"; {plural(faults, 'sample')} where an executor is at fault itself" if faults else ""
    return f"{text} (opcov blame)"


def as_json(found: Blame) -> dict[str, Any]:
    """Return the counts, first wrong passes and dissents as JSON values."""
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
                "said": d.message,
                "sample": d.record.id,
            }
            for d in found.dissents
        ],
    }


def as_text(found: Blame) -> str:
    """Write tables of the confirmed samples, the confirmed cells, the first wrong passes and the executors at fault."""
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
        (d.op, d.backend, d.executor, d.count, clip(d.message, _MESSAGE), repro_command(d.record) or "")
        for d in found.dissents
    ]
    heads = ["op", "backend", "executor at fault", "samples", "what it got", "see"]
    parts += ["Executors that are at fault themselves, where another one is right", str(tabulate(lines, headers=heads))]
    return "\n\n".join(parts)
