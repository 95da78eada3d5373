"""What the HTML report shows in the panel of a cell beside its counts: traits, the rule, why samples did not pass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.cases.sample import dumps
from harness.text import clean, clip, clip_middle
from reports.fold.call import call, repro_command
from reports.fold.cell import CellRecords, cells_of
from reports.fold.reason import Reason, cleared_in_words, diagnostic, headline, reasons
from reports.fold.rules import by_trait, rule
from reports.fold.status import OUTCOMES_BY_ALARM
from reports.index.index import Index
from reports.index.op_records import OpRecords

FOLD = "panels"
_REASONS = 6
"""The most reasons that the panel of a cell shows."""
_DIAGNOSTIC = 1500
"""The most characters of a diagnostic."""
_SAMPLE = 3000
"""The most characters of a sample, as a call; a sample whose JSON is longer is left out."""
NUMBERS = (0, 3)
"""The places of a reason's numbers, its outcome and its count; the others are texts."""
Panels = Mapping[tuple[str, str, str], Any]
"""By op, backend and mode, what the panel of a cell shows beside its counts."""


def fold(of: OpRecords) -> list[list[Any]]:
    """What the panels of an op's cells show, by backend and mode.

    That is the traits, the rule, the reasons, how many of these are left out, the plain call, and what was cleared.
    """
    return [[cell.backend, cell.mode, _panel(cell)] for cell in cells_of(of)]


def _panel(cell: CellRecords) -> list[Any]:
    separating = rule(cell)
    distinct = reasons(cell)
    return [
        [[t.trait, t.passed, t.total] for t in by_trait(cell)],
        str(separating) if separating else None,
        [_reason(reason) for reason in distinct[:_REASONS]],
        max(len(distinct) - _REASONS, 0),
        _plain_call(cell),
        clip(cleared_in_words(cell), 400) or None,
    ]


def _plain_call(cell: CellRecords) -> list[str | None] | None:
    """What the panel shows of the plain call: what became of it, how it reads, how to run it; None if there is none."""
    record = cell.plain
    if record is None or record.sample is None:
        return None
    line = clip(headline(record.outcome), 200)
    return [line, clip(call(record.sample), _SAMPLE), repro_command(record.id, record.backend)]


def _reason(reason: Reason) -> list[int | str | None]:
    """A reason as a list, in the order in which `reason` in report.js takes it apart."""
    record = reason.smallest
    sample = record.sample
    return [
        OUTCOMES_BY_ALARM.index(reason.outcome),
        reason.stage,
        reason.culprit,
        reason.count,
        clip(reason.line, 200),
        clip_middle(diagnostic(record.outcome), _DIAGNOSTIC),
        clip(call(sample), _SAMPLE) if sample else None,
        dumps(sample) if sample and len(dumps(sample)) <= _SAMPLE else None,
        repro_command(record.id, record.backend),
        record.dtype,
        record.minimised,
        reason.dynamism or None,
        f"runtime verification: {clean(reason.cause)}" if reason.cause else None,
        "; ".join(reason.first_wrong_passes) or None,
        f"fails {reason.when}" if reason.when else None,
        clip("second opinion: " + clean("; ".join(reason.opinions)), 400) if reason.opinions else None,
    ]


def load(index: Index) -> Panels:
    """Read the panels of all cells."""
    return {(op, backend, mode): panel for op, cells in index.parts(FOLD) for backend, mode, panel in cells}
