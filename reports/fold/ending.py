"""What each sample of an op came to, as far as two journals are compared by it: the fold that `answers.diff` reads.

An `Ending` leaves out what differs from run to run, such as times and the share of a bound, so an op has few distinct
ones. The fold lists these once, and of each cell the numbers of its samples and of their endings: all samples of a
journal are compared without reading a line of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness.records.frontend import FRONTEND, blocked, culprit
from harness.records.journal import Record
from harness.records.outcome import BEST, Blocked, NotRun, Outside, Passed, TimedOut, Wrong
from harness.records.signature import Signature, signature
from reports.index.op_records import OpRecords

from .cell import Key
from .reason import first_line, likeness, normalised, size

FOLD = "endings"


@dataclass(frozen=True, slots=True)
class Ending:
    """What a sample came to.

    - `signature`: that of its outcome; the culprit of a blocked sample is the frontend's.
    - `detail`: the first line of the diagnostic without numbers and types, or what else `reason.likeness` compares.
    - `step`: of a wrong sample the first wrong pass, "" where nobody looked for it.
    - `executors`: those that the outcome rests on: they got the right result, or the wrong one.
    - `seconds`: the deadline of a sample that did not end; None of others.
    - `instead`: of a sample that a second opinion clears, the signature that it has without it; None of others.
    """

    signature: Signature
    detail: str = ""
    step: str = ""
    executors: tuple[str, ...] = ()
    seconds: float | None = None
    instead: Signature | None = None

    @property
    def outcome(self) -> str:
        """The class name of the outcome."""
        return self.signature.outcome


@dataclass(frozen=True, slots=True)
class Drawn:
    """A sample by its id; `size` is how much there is to look at: elements, dims and arguments, () without a sample."""

    id: str
    size: tuple[int, ...]
    is_plain: bool


Endings = Mapping[str, Ending]
"""What the samples of one cell came to, by their ids, in the order of the journal."""


def fold(of: OpRecords) -> dict[str, Any]:
    """The distinct endings of an op, its samples, and by cell the numbers of both; minimised records are left out.

    Of two records of one sample in one cell, the first counts.
    """
    endings = _Endings(of.records)
    plain = {record.id for record in of.records if record.plain}
    numbers: dict[str, int] = {}
    samples: list[list[Any]] = []
    cells: dict[tuple[str, str, str], dict[int, int]] = {}
    for record in of.records:
        if record.minimised is not None:
            continue
        id = record.id
        if id not in numbers:
            numbers[id] = len(samples)
            samples.append([id, size(record.sample) if record.sample else (), int(id in plain)])
        cell = cells.setdefault((record.backend, record.full_mode, record.dtype), {})
        cell.setdefault(numbers[id], endings.number(record))
    return {
        "samples": samples,
        "endings": [_json(ending) for ending in endings.distinct],
        "cells": [[*key, list(cell), list(cell.values())] for key, cell in cells.items()],
    }


def _json(ending: Ending) -> list[Any]:
    found = ending.instead
    texts = (ending.detail, ending.step, ending.executors, ending.seconds)
    return [_texts(ending.signature), *texts, _texts(found) if found else None]


def _texts(of: Signature) -> list[str]:
    return [of.outcome, of.stage, of.culprit, of.kind]


class OpEndings:
    """What the samples of one op came to, by cell, as the fold has it; `part` is None of an op without records."""

    def __init__(self, op: str, part: Any) -> None:
        part = part or {"samples": (), "endings": (), "cells": ()}
        self._samples = [Drawn(id, tuple(size), bool(plain)) for id, size, plain in part["samples"]]
        self._by_id = {sample.id: sample for sample in self._samples}
        self._endings = [_restored(*values) for values in part["endings"]]
        self._cells = {
            Key(op, backend, mode, dtype): (samples, endings)
            for backend, mode, dtype, samples, endings in part["cells"]
        }

    @property
    def cells(self) -> Sequence[Key]:
        """The cells, in the order of the journal."""
        return list(self._cells)

    def sample(self, id: str) -> Drawn:
        """The sample of this id; raises KeyError."""
        return self._by_id[id]

    def of(self, cell: Key) -> Endings:
        """The endings of a cell; none if it was not recorded."""
        samples, endings = self._cells.get(cell, ((), ()))
        return {self._samples[s].id: self._endings[e] for s, e in zip(samples, endings, strict=True)}


def _restored(
    found: Sequence[str],
    detail: str,
    step: str,
    executors: Sequence[str],
    seconds: float | None,
    instead: Sequence[str] | None,
) -> Ending:
    return Ending(Signature(*found), detail, step, tuple(executors), seconds, Signature(*instead) if instead else None)


class _Endings:
    """Makes endings of the records of one op, which is told to it whole: some of a record is said by others.

    `distinct` are those that there were so far, each with its number.
    """

    def __init__(self, records: Sequence[Record]) -> None:
        self.distinct: dict[Ending, int] = {}
        self._known: dict[tuple[int, str], int] = {}
        self._front = {
            (r.full_mode, r.dtype, r.id): r
            for r in records
            if r.backend == FRONTEND and not isinstance(r.outcome, BEST)
        }
        self._steps: dict[tuple[str, Signature], str] = {}
        for record in records:
            if record.first_wrong_pass and record.first_wrong_pass.where:
                key = (record.backend, signature(record.outcome, record.backend))
                self._steps.setdefault(key, record.first_wrong_pass.where)

    def number(self, record: Record) -> int:
        """The number of a record's ending. Most records share their outcome with others, and with it their ending."""
        if record.opinion or isinstance(record.outcome, (Blocked, Wrong)):
            return self._numbered(self._ending(record))
        key = (id(record.outcome), record.backend)
        if key not in self._known:
            self._known[key] = self._numbered(self._ending(record))
        return self._known[key]

    def _numbered(self, ending: Ending) -> int:
        return self.distinct.setdefault(ending, len(self.distinct))

    def _ending(self, record: Record) -> Ending:
        """The ending of a record.

        The first wrong pass is looked for in one record per op, backend and signature; it stands for the others too.
        """
        outcome = record.outcome
        found = signature(outcome, record.backend)
        match outcome:
            case Passed(executors=executors):
                was = record.opinion.instead if record.opinion else None
                return Ending(found, executors=executors, instead=signature(was, record.backend) if was else None)
            case Blocked():
                return self._blocked(record, outcome, found)
            case Outside(reason=text):
                return Ending(found, normalised(first_line(text)))
            case Wrong():
                own = record.first_wrong_pass and record.first_wrong_pass.where
                step = own or self._steps.get((record.backend, found), "")
                detail = likeness(outcome, record.backend)[1]
                return Ending(found, detail, step, outcome.confirmed or (outcome.executor,))
            case TimedOut(seconds=seconds) | NotRun(seconds=seconds):
                return Ending(found, seconds=seconds)
            case _ if record.backend == FRONTEND:
                stopped = blocked(outcome, told=False)
                return Ending(found, normalised(first_line(stopped.reason)) if stopped else "")
            case _:
                return Ending(found, likeness(outcome, record.backend)[1])

    def _blocked(self, record: Record, outcome: Blocked, found: Signature) -> Ending:
        """Of a blocked sample: what stopped the frontend. The reason is as long where the backend's record gives it."""
        front = self._front.get((record.full_mode, record.dtype, record.id))
        stopped = blocked(front.outcome, told=False) if front else None
        reason = outcome.reason or (stopped.reason if stopped else "")
        op = signature(front.outcome, FRONTEND).culprit if front else culprit(reason) or ""
        return Ending(replace(found, culprit=op), "" if outcome.by == "TimedOut" else normalised(first_line(reason)))
