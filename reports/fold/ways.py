"""The ways in which ops fail, and what is known of their causes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from typing import Any

from harness.records.cause import Cause
from harness.records.failing import Failing, failing
from harness.records.journal import Record, record_restore
from harness.records.signature import Signature, signature
from reports.index.index import Index
from reports.index.op_records import OpRecords

FOLD = "ways"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is told of a cause: the fields of these names of `Cause`."""

    found: str
    culprits: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    unlocks: bool = False
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A way in which an op fails, and its cause; None if its program was not cut yet."""

    failing: Failing
    cause: Known | None = None


def fold(of: OpRecords) -> list[list[Any]] | None:
    """Of each way in which an op fails: backend, mode, signature, the other fields of `Failing`, and its cause."""
    causes = {(cause.backend, cause.mode, cause.way): cause for cause in of.causes}
    found = []
    for one in failing(of.records):
        cause = causes.get((one.backend, one.mode, one.way))
        facts = [one.backend, one.mode, list(astuple(one.way)), one.id, one.cells, one.failures, one.steps]
        found.append([*facts, _json(cause) if cause else None])
    return found or None


def _json(cause: Cause) -> list[Any]:
    return [cause.found, list(cause.culprits), list(cause.needs), cause.unlocks, cause.why]


def known(cause: Cause) -> Known:
    """What is told of a cause."""
    return Known(found=cause.found, culprits=cause.culprits, needs=cause.needs, unlocks=cause.unlocks, why=cause.why)


def load(index: Index) -> Iterator[Way]:
    """The ways in which the ops of an index fail, by op."""
    for op, rows in index.parts(FOLD):
        for backend, mode, way, id, cells, failures, steps, cause in rows:
            one = Failing(
                op=op,
                backend=backend,
                mode=mode,
                way=Signature(*way),
                id=id,
                cells=cells,
                failures=failures,
                steps=steps,
            )
            yield Way(failing=one, cause=_restored(*cause) if cause else None)


def _restored(found: str, culprits: list[str], needs: list[str], unlocks: bool, why: str) -> Known:
    return Known(found=found, culprits=tuple(culprits), needs=tuple(needs), unlocks=unlocks, why=why)


def pending(index: Index) -> list[Failing]:
    """The ways of failing whose cause is not known, those first that hold most cells back.

    Among equals, those of one sample follow each other: they share its program.
    """
    left = [way.failing for way in load(index) if way.cause is None]
    return sorted(left, key=lambda one: (-one.cells, one.op, one.mode, one.id))


def record(index: Index, failing: Failing) -> Record:
    """The record of the sample that shows a way of failing best; only its line is restored."""
    start = f'{{"kind":"outcome","id":"{failing.id}"'
    for cell in index.whole.cells(failing.op):
        if (cell.backend, cell.mode) == (failing.backend, failing.mode):
            for line in cell.lines:
                if line.startswith(start):
                    found = record_restore(json.loads(line))
                    if signature(found.outcome, found.backend) == failing.way:
                        return found
    raise KeyError(failing.id)
