"""The ways in which the samples of an op fail, each with the sample that shows it best."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.cases.sample import dumps

from .expectation import CONTROL
from .journal import Record
from .outcome import Crashed, Invalid, TimedOut, Unsupported, Wrong
from .signature import Signature, signature

FAILURES = (Wrong, Crashed, Invalid, Unsupported, TimedOut)
"""The outcomes that a backend, or the frontend, is at fault for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failing:
    """One way of failing of an op on a backend, or in the frontend, in one mode on one road: `mode` is the full one.

    `id` is the sample that shows it best, `cells` how many cells it holds back, `failures` how many samples fail so;
    `steps` is how many different ops the contract of that sample has, 0 if it was not reached.
    """

    op: str
    backend: str
    mode: str
    way: Signature
    id: str
    cells: int
    failures: int
    steps: int


def failing(records: Iterable[Record]) -> tuple[Failing, ...]:
    """The ways in which the records of an op fail, in their order."""
    found: dict[tuple[str, str, Signature], list[Record]] = {}
    for record in records:
        if isinstance(record.outcome, FAILURES) and record.backend != CONTROL and record.sample:
            key = (record.backend, record.full_mode, signature(record.outcome, record.backend))
            found.setdefault(key, []).append(record)
    return tuple(_failing(*key, alike) for key, alike in found.items())


def _failing(backend: str, mode: str, way: Signature, alike: list[Record]) -> Failing:
    best = min(alike, key=_rank)
    return Failing(
        op=best.op,
        backend=backend,
        mode=mode,
        way=way,
        id=best.id,
        cells=len({record.dtype for record in alike}),
        failures=sum(not record.minimised for record in alike),
        steps=len(best.reached),
    )


def _rank(record: Record) -> tuple[bool, bool, int, int]:
    """A sort key: minimised samples first, then plain calls, then small ones."""
    assert record.sample
    shrunk = bool(record.minimised) and not record.without
    return not shrunk, not record.plain, len(record.reached), len(dumps(record.sample))
