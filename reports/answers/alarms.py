"""Which results are the most alarming: ops that are wrong, crash or show a harness error, worst first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.records.expectation import CONTROL
from harness.text import clip
from reports.fold.call import call, explain_command, repro_command
from reports.fold.cell import Cell, cells_of
from reports.fold.matrix import Matrix
from reports.fold.reason import reasons
from reports.fold.severity import Grade, only
from reports.fold.status import CRASH, ERROR, WRONG, Status
from reports.index.index import Index
from reports.index.op_records import OpRecords

FOLD = "alarms"
ALARMING = (WRONG, ERROR, CRASH)
_LONGEST = 1000
"""The most characters of a reason and of a sample that are kept; lines of a terminal are shorter."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """One op that is wrong, crashes or shows a harness error on one backend.

    `status` is the worst that the op has in any mode, and `modes` are the modes that have it. `total` counts the
    samples of those modes; `bad` counts those with `outcome`. `line` says what is wrong with the smallest of these; its
    id is `sample`, and `call` is how it reads, None if the record has no sample. `severity` is that of those modes.
    """

    op: str
    backend: str
    status: Status
    modes: tuple[str, ...]
    bad: int
    total: int
    outcome: str
    line: str
    call: str | None
    sample: str
    severity: Grade | None = None


def fold(of: OpRecords) -> list[list[Any]] | None:
    """The most alarming reason of each alarming cell of an op: backend, mode, and what `Alarm` shows of it."""
    found = []
    for cell in cells_of(of):
        if cell.backend != CONTROL and cell.status in ALARMING:
            reason = reasons(cell)[0]
            record = reason.smallest
            shown = clip(call(record.sample), _LONGEST) if record.sample else None
            is_minimised = record.minimised is not None
            line = clip(reason.line, _LONGEST)
            found.append([cell.backend, cell.mode, [reason.outcome, line, shown, record.id, is_minimised]])
    return found or None


def alarms(matrix: Matrix, index: Index) -> tuple[Alarm, ...]:
    """Return the alarms of a matrix: wrong ops, then harness errors, then crashes, by severity and share of samples."""
    shown = {(op, backend, mode): reason for op, cells in index.parts(FOLD) for backend, mode, reason in cells}
    groups: dict[tuple[str, str], list[Cell]] = defaultdict(list)
    for row in matrix.rows:
        for cell in row.cells:
            if cell.status in ALARMING and cell.backend != CONTROL:
                groups[cell.op, cell.backend].append(cell)
    found = [_alarm(cells, shown) for cells in groups.values()]
    return tuple(sorted(found, key=_order))


def _order(a: Alarm) -> tuple[int, int, float, str, str]:
    return (a.status.rank, a.severity.rank if a.severity else 0, -a.bad / (a.total or 1), a.op, a.backend)


def _alarm(cells: list[Cell], shown: Mapping[tuple[str, str, str], list[Any]]) -> Alarm:
    """Join the alarming cells of one op on one backend, one cell per mode."""
    status = min((cell.status for cell in cells), key=lambda s: s.rank)
    cells = [cell for cell in cells if cell.status is status]
    reasons = [shown[cell.op, cell.backend, cell.mode] for cell in cells]
    outcome, line, call, sample, _ = next((reason for reason in reasons if reason[-1]), reasons[0])
    return Alarm(
        op=cells[0].op,
        backend=cells[0].backend,
        status=status,
        modes=tuple(cell.mode for cell in cells),
        bad=sum(cell.counts.get(outcome, 0) for cell in cells),
        total=sum(cell.total for cell in cells),
        outcome=outcome,
        line=line,
        call=call,
        sample=sample,
        severity=min((c.severity for c in cells if c.severity), key=lambda grade: grade.rank, default=None),
    )


def as_text(alarm: Alarm, width: int) -> str:
    """The alarm in a few lines: counts, reason, smallest sample and the commands that show more.

    Commands may be longer than `width` characters, so that they can be pasted.
    """
    where = f"{alarm.backend} {' and '.join(alarm.modes)}"
    head = f"{alarm.status.symbol} {alarm.op}  {where}: {alarm.outcome} on {alarm.bad} of {alarm.total} samples"
    head += f"; {alarm.severity.symbol} fails {only(alarm.severity)}" if alarm.severity else ""
    lines = [head, "    " + clip(alarm.line, width - 4)]
    if alarm.call is not None:
        lines.append("    " + clip(alarm.call, width - 4))
    commands = [explain_command(alarm.op, alarm.backend), repro_command(alarm.sample, alarm.backend)]
    return "\n".join(lines + [f"    {command}" for command in commands if command])
