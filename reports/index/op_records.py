"""All records of one op, restored from their lines: what a fold is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.cases.sample import Sample
from harness.records.cause import Cause
from harness.records.element_types import judged, known_types
from harness.records.journal import Record
from harness.records.journal_file import no_outcome
from harness.records.restorer import Restorer
from harness.records.signature import Signature, signature

from .old import is_old, with_frontend


@dataclass(frozen=True, slots=True, eq=False)
class OpRecords:
    """The records of one op, in the order of the journal.

    `places` has of each record the number of its cell in the journal, counted from 0: it orders records of different
    ops as the journal does. `plain_calls` are the plain calls of the op by full mode, as far as the journal has them;
    they are known also where only some of the records are given. `causes` are those of the op, as far as its programs
    were cut. `first_wrong_passes` are known by backend, full mode and way to be wrong, also where the record that was
    bisected is not given; a range of passes is written as `FirstWrongPass.where` has it.
    """

    op: str
    records: tuple[Record, ...]
    places: tuple[int, ...]
    plain_calls: Mapping[str, Sample] = field(default_factory=dict)
    causes: tuple[Cause, ...] = ()
    first_wrong_passes: Mapping[tuple[str, str, Signature], str] = field(default_factory=dict)

    @property
    def family(self) -> str:
        """The module of `op_suites` that has the op's case."""
        return self.records[-1].family


Fold = Callable[[OpRecords], Any]
"""Maps the records of an op to a JSON value; None if there is nothing to keep."""


@dataclass(frozen=True, slots=True)
class CellLines:
    """The outcome lines of one cell as the journal has them.

    `place` is the number of the cell, counted from 0, `line` the number of its first line in the file, and `seconds`
    its wall time, None if that is not known.
    """

    place: int
    line: int
    backend: str
    mode: str
    dtype: str
    seconds: float | None
    lines: tuple[str, ...]


def restore_op(
    op: str, cells: Iterable[CellLines], header: Mapping[str, Any], causes: Iterable[Cause] = ()
) -> OpRecords:
    """Restore the records of an op from its lines; raises BadJournal with the number of a line that is no outcome.

    `header` is that of the journal: it says whether the frontend has records of its own there, and which element types
    the dialects have; samples outside of them get the outcome `Outside`.
    """
    restorer = Restorer()
    known = known_types(header)
    placed: list[tuple[Record, int]] = []
    for cell in cells:
        for number, text in enumerate(cell.lines, cell.line):
            try:
                placed.append((restorer.record(text), cell.place))
            except Exception as error:
                raise no_outcome(f"line {number}", error) from None
    placed = list(with_frontend(placed)) if is_old(header) else placed
    records = tuple(judged(record, known) for record, _ in placed)
    plain = {record.full_mode: record.sample for record in records if record.plain and record.sample}
    places = tuple(place for _, place in placed)
    return OpRecords(op, records, places, plain, tuple(causes), first_wrong_passes(records))


def first_wrong_passes(records: Iterable[Record]) -> Mapping[tuple[str, str, Signature], str]:
    """The first wrong pass by backend, mode and way to be wrong: one sample of each was bisected."""
    found: dict[tuple[str, str, Signature], str] = {}
    for record in records:
        if record.first_wrong_pass and (where := record.first_wrong_pass.where):
            key = (record.backend, record.full_mode, signature(record.outcome, record.backend))
            found[key] = min(found.get(key, where), where)
    return found
