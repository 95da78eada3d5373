"""Journals from before the frontend had records of its own, read as if it had them.

There each backend's record said that the importer or the contract pipeline refused the sample (`NotExported`), or how
these died or hung. Such a record becomes `Blocked`, and the frontend gets one record of each sample.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from harness.records.expectation import CONTROL
from harness.records.frontend import FRONTEND, blocked, is_of_decomposition, of_export, refusal
from harness.records.journal import Record
from harness.records.outcome import SHARED, HarnessError, NotExported, Outcome, Reached

Placed = tuple[Record, int]
"""A record, and the number of its cell in the journal."""
SampleKey = tuple[str, str, str]
"""Mode, dtype and the id of a sample: with the op, what the backends' records of one sample share."""


def is_old(header: Mapping[str, Any]) -> bool:
    """Whether a journal with this header is from before the frontend had records of its own."""
    return not header.get("frontend")


def with_frontend(placed: Sequence[Placed]) -> Iterator[Placed]:
    """Yield the records of one op with those of the frontend, each before the first of a backend's of its sample."""
    fronts: dict[SampleKey, Record] = {}
    for record, _ in placed:
        if record.backend != CONTROL and not record.minimised and not isinstance(record.outcome, HarnessError):
            known, found = fronts.get(_key(record)), _of_frontend(record)
            fronts[_key(record)] = known if known and _rank(known) <= _rank(found) else found
    told: set[SampleKey] = set()
    for record, place in placed:
        key = _key(record)
        if key in fronts and key not in told:
            told.add(key)
            yield fronts[key], place
        yield _of_backend(record, fronts.get(key)), place


def _key(record: Record) -> SampleKey:
    return record.full_mode, record.dtype, record.id


def _rank(record: Record) -> int:
    """Which of several records of the frontend counts: the lowest, and the first of these.

    A wrong decomposition shows only where a backend is wrong too. One backend that came through shows that the frontend
    did: then another one that died in a stage of the frontend had been damaged before.
    """
    return 0 if is_of_decomposition(record.outcome) else 1 if isinstance(record.outcome, Reached) else 2


def _of_frontend(record: Record) -> Record:
    """The record of the frontend that a backend's record stands for."""
    return replace(
        record,
        backend=FRONTEND,
        outcome=_outcome(record),
        seconds={stage: s for stage, s in record.seconds.items() if stage in SHARED},
        breaks=record.breaks if record.stage in SHARED else None,
        cause=None,
        first_wrong_pass=None,
        numeric=None,
        hung=tuple(stage for stage in record.hung if stage in SHARED),
    )


def _outcome(record: Record) -> Outcome:
    match record.outcome:
        case NotExported(stage=stage, reason=reason):
            return refusal(stage, reason)
        case outcome if outcome.stage in SHARED:
            return of_export(outcome)
        case _:
            return Reached()


def _of_backend(record: Record, front: Record | None) -> Record:
    """The backend's record; blocked if the frontend failed, and it with it."""
    if record.backend == CONTROL or front is None or isinstance(front.outcome, Reached):
        return record
    stopped = blocked(_outcome(record), told=True)
    return replace(record, outcome=stopped, breaks=None) if stopped else record
