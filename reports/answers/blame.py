"""Who is at fault: how many executors confirm each verdict, the first wrong passes, and executors that are wrong."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from harness.records.expectation import CONTROL
from harness.records.frontend import FRONTEND
from harness.records.journal import Record
from harness.records.opinion import MEANS, SAYS
from harness.records.outcome import NotExecuted, Passed, Wrong
from harness.text import as_table, clip, one_line, plural
from reports.fold.call import repro_command
from reports.fold.reason import smallest, weight
from reports.index.index import Index
from reports.index.op_records import OpRecords

FOLD = "blame"
K = TypeVar("K")

_MESSAGE = 90
"""The most characters of an executor's message that the text shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmations:
    """The samples and cells of one backend and mode, counted by how many executors confirm the verdict.

    `passed` and `wrong` count samples by that number; `unexecuted` counts samples that no executor has run. `cells`
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

    `count` is the number of samples, `sample` the id of the smallest, and `message` what the executor got or died of.
    """

    op: str
    backend: str
    executor: str
    count: int
    message: str
    sample: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinions:
    """What an executor that is asked for second opinions says of the failures on one backend in one mode.

    `says` counts samples by what it says, see `harness.records.opinion`. `example` has by that the id of the smallest.
    """

    backend: str
    mode: str
    executor: str
    says: Counter[str]
    example: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlamedPass:
    """A pass after which samples on one backend are wrong for the first time.

    `count` is the number of these samples; only one sample per op, mode and way to be wrong is bisected. `ops` is the
    number of their ops, `sample` the id of the smallest sample. `step` names the pass, or a range of passes
    (`convert to cse`) if those just before the first wrong one cannot be run. It is None if no pass that can be run is
    wrong.
    """

    step: str | None
    backend: str
    count: int
    ops: int
    sample: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Blame:
    """The counts of a journal, its first wrong passes, and the executors that disagree with one that is right."""

    confirmed: tuple[Confirmations, ...]
    first_wrong_passes: tuple[BlamedPass, ...]
    dissents: tuple[Dissent, ...]
    opinions: tuple[Opinions, ...] = ()


# from records to what the index keeps ---------------------------------------------------------------------------------


def fold(of: OpRecords) -> dict[str, Any]:
    """Count the records of one op; minimised samples, the frontend and the control are left out."""
    kept = [i for i, r in enumerate(of.records) if not r.minimised and r.backend not in (CONTROL, FRONTEND)]
    records = [of.records[i] for i in kept]
    return {
        "confirmed": _confirmed(records, [of.places[i] for i in kept]),
        "passes": _passes(records),
        "dissents": _dissents(records),
        "opinions": _opinions(records),
    }


def _confirmed(records: Sequence[Record], places: Sequence[int]) -> list[list[Any]]:
    """By backend and mode: the first place in the journal, and the counts of `Confirmations`."""
    groups: dict[tuple[str, str], list[Record]] = defaultdict(list)
    first: dict[tuple[str, str], int] = {}
    for record, place in zip(records, places, strict=True):
        groups[record.backend, record.full_mode].append(record)
        first.setdefault((record.backend, record.full_mode), place)
    found = []
    for column, group in groups.items():
        outcomes = [record.outcome for record in group]
        passed = Counter(len(o.executors) for o in outcomes if isinstance(o, Passed))
        wrong = Counter(len(o.confirmed) or 1 for o in outcomes if isinstance(o, Wrong))
        unexecuted = sum(isinstance(o, NotExecuted) for o in outcomes)
        counts = [list(counter.items()) for counter in (passed, wrong, _cells(group))]
        found.append([*column, first[column], *counts, unexecuted])
    return found


def _cells(records: Iterable[Record]) -> Counter[int]:
    """Count the cells with a sample that passed, by the fewest executors that confirm one of these samples."""
    least: dict[str, int] = {}
    for record in records:
        if isinstance(record.outcome, Passed):
            executors = len(record.outcome.executors)
            least[record.dtype] = min(executors, least.get(record.dtype, executors))
    return Counter(least.values())


def _passes(records: Iterable[Record]) -> list[list[Any]]:
    """By first wrong pass and backend: the number of records, and the weight and id of the smallest."""
    groups: dict[tuple[str | None, str], list[Record]] = defaultdict(list)
    for record in records:
        if record.first_wrong_pass:
            groups[record.first_wrong_pass.where, record.backend].append(record)
    return [
        [*key, len(group), weight(chosen), chosen.id] for key, group in groups.items() for chosen in [smallest(group)]
    ]


def _dissents(records: Iterable[Record]) -> list[list[Any]]:
    """By backend and executor: the number of records, and of the smallest the executor's message and the id."""
    groups: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in records:
        if isinstance(record.outcome, Passed):
            for executor in record.outcome.dissent:
                groups[record.backend, executor].append(record)
    found = []
    for (backend, executor), group in sorted(groups.items()):
        record = smallest(group)
        assert isinstance(record.outcome, Passed)
        found.append([backend, executor, len(group), one_line(record.outcome.dissent[executor]), record.id])
    return found


def _opinions(records: Iterable[Record]) -> list[list[Any]]:
    """By backend, mode, executor and what it says: the number of records, and the weight and id of the smallest."""
    groups: dict[tuple[str, str, str, str], list[Record]] = defaultdict(list)
    for record in records:
        if opinion := record.opinion:
            groups[record.backend, record.full_mode, opinion.executor, opinion.says].append(record)
    return [[*key, len(group), weight(found := smallest(group)), found.id] for key, group in groups.items()]


# from what the index keeps to the answer ------------------------------------------------------------------------------


def blame(index: Index) -> Blame:
    """Find who is at fault in a journal; minimised samples and the control are left out."""
    parts = index.parts(FOLD)
    dissents = [
        Dissent(op=op, backend=backend, executor=executor, count=count, message=message, sample=sample)
        for op, part in parts
        for backend, executor, count, message, sample in part["dissents"]
    ]
    return Blame(
        confirmed=_confirmations([found for _, part in parts for found in part["confirmed"]]),
        first_wrong_passes=_first_wrong_passes([found for _, part in parts for found in part["passes"]]),
        dissents=tuple(dissents),
        opinions=_joined_opinions([found for _, part in parts for found in part["opinions"]]),
    )


def _confirmations(parts: Iterable[list[Any]]) -> tuple[Confirmations, ...]:
    """Add up the counts of the ops; a backend and mode that comes first in the journal comes first."""
    groups: dict[tuple[str, str], list[list[Any]]] = defaultdict(list)
    for backend, mode, *counts in sorted(parts, key=lambda part: part[2]):
        groups[backend, mode].append(counts)
    found = []
    for (backend, mode), group in groups.items():
        passed, wrong, cells = (_sum(counts[number] for counts in group) for number in (1, 2, 3))
        unexecuted = sum(counts[4] for counts in group)
        found.append(
            Confirmations(backend=backend, mode=mode, passed=passed, wrong=wrong, unexecuted=unexecuted, cells=cells)
        )
    return tuple(found)


def _joined_opinions(parts: Iterable[list[Any]]) -> tuple[Opinions, ...]:
    """Add up the opinions of the ops."""
    groups: dict[tuple[str, str, str], list[list[Any]]] = defaultdict(list)
    for backend, mode, executor, *found in parts:
        groups[backend, mode, executor].append(found)
    return tuple(
        Opinions(
            backend=backend,
            mode=mode,
            executor=executor,
            says=_sum([(says, count)] for says, count, *_ in group),
            example={says: min((w, id) for one, _, w, id in group if one == says)[1] for says, *_ in group},
        )
        for (backend, mode, executor), group in sorted(groups.items())
    )


def _sum(counts: Iterable[list[tuple[K, int]]]) -> Counter[K]:
    total: Counter[K] = Counter()
    for one in counts:
        for key, count in one:  # Counter.update takes three times as long for so few
            total[key] += count
    return total


def _first_wrong_passes(parts: Iterable[list[Any]]) -> tuple[BlamedPass, ...]:
    """Join the groups of the ops by first wrong pass and backend; the largest group comes first."""
    groups: dict[tuple[str | None, str], list[list[Any]]] = defaultdict(list)
    for step, backend, *found in parts:
        groups[step, backend].append(found)
    passes = [
        BlamedPass(
            step=step,
            backend=backend,
            count=sum(count for count, *_ in group),
            ops=len(group),
            sample=min(group, key=lambda found: found[1])[2],
        )
        for (step, backend), group in groups.items()
    ]
    return tuple(sorted(passes, key=lambda p: (-p.count, p.step or "", p.backend)))


# the answer -----------------------------------------------------------------------------------------------------------


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
            {"pass": p.step, "backend": p.backend, "count": p.count, "ops": p.ops, "sample": p.sample}
            for p in found.first_wrong_passes
        ],
        "dissents": [
            {
                "op": d.op,
                "backend": d.backend,
                "executor": d.executor,
                "count": d.count,
                "said": d.message,
                "sample": d.sample,
            }
            for d in found.dissents
        ],
        "opinions": [
            {"backend": o.backend, "mode": o.mode, "executor": o.executor, "says": dict(o.says), "example": o.example}
            for o in found.opinions
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
    parts = ["Samples by how many executors confirm the verdict", as_table(rows, heads)]
    cells = [(c.backend, c.mode, *(c.cells[n] for n in numbers)) for c in found.confirmed]
    heads = ["backend", "mode", *(f"by {n}" for n in numbers)]
    parts += [
        "Cells that pass, by the fewest executors that confirm one of their samples",
        as_table(cells, heads),
    ]
    if found.first_wrong_passes:
        passes = [
            (p.step or "none that can be run", p.backend, p.count, p.ops, repro_command(p.sample, p.backend) or "")
            for p in found.first_wrong_passes
        ]
        heads = ["first wrong pass", "backend", "ways to be wrong", "ops", "see"]
        parts += ["Where wrong samples part from eager", as_table(passes, heads)]
    if found.opinions:
        rows = [(o.backend, o.mode, o.executor, *(o.says[says] for says in SAYS)) for o in found.opinions]
        heads = ["backend", "mode", "asked", *SAYS]
        parts += ["Second opinions on samples that failed", as_table(rows, heads)]
        parts.append("\n".join(f"{says}: {MEANS[says]}" for says in SAYS))
    if not found.dissents:
        return "\n\n".join([*parts, "No executor disagrees with one that is right."])
    lines = [
        (d.op, d.backend, d.executor, d.count, clip(d.message, _MESSAGE), repro_command(d.sample, d.backend) or "")
        for d in found.dissents
    ]
    heads = ["op", "backend", "executor at fault", "samples", "what it got", "see"]
    parts += ["Executors that are at fault themselves, where another one is right", as_table(lines, heads)]
    return "\n\n".join(parts)
