"""Which results are the most alarming: ops that are wrong, crash or show a harness error, worst first."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from harness.text import clip
from reports.fold.call import call, explain_command, repro_command
from reports.fold.matrix import Cell, Matrix
from reports.fold.reason import Reason, reasons
from reports.fold.status import CRASH, ERROR, WRONG, Status


@dataclass(frozen=True, slots=True)
class Alarm:
    """One op that is wrong, crashes or shows a harness error on one backend.

    `status` is the worst that the op has in any mode, and `modes` are the modes that have it. `total` counts the
    samples of those modes; `bad` counts those with the outcome of `reason`.
    """

    op: str
    backend: str
    status: Status
    modes: tuple[str, ...]
    bad: int
    total: int
    reason: Reason


def alarms(matrix: Matrix) -> tuple[Alarm, ...]:
    """Return the alarms of a matrix: wrong ops, then harness errors, then crashes, by the share of bad samples."""
    groups: dict[tuple[str, str], list[Cell]] = defaultdict(list)
    for row in matrix.rows:
        for cell in row.cells:
            if cell.status in (WRONG, ERROR, CRASH):
                groups[cell.op, cell.backend].append(cell)
    found = [_alarm(cells) for cells in groups.values()]
    return tuple(sorted(found, key=lambda a: (a.status.rank, -a.bad / (a.total or 1), a.op, a.backend)))


def _alarm(cells: list[Cell]) -> Alarm:
    """Join the alarming cells of one op on one backend, one cell per mode."""
    status = min((cell.status for cell in cells), key=lambda s: s.rank)
    cells = [cell for cell in cells if cell.status is status]
    first = [reasons(cell)[0] for cell in cells]
    chosen = next((r for r in first if r.smallest.minimised), first[0])
    return Alarm(
        op=cells[0].op,
        backend=cells[0].backend,
        status=status,
        modes=tuple(cell.mode for cell in cells),
        bad=sum(cell.counts.get(chosen.outcome, 0) for cell in cells),
        total=sum(cell.total for cell in cells),
        reason=chosen,
    )


def as_text(alarm: Alarm, width: int) -> str:
    """The alarm in a few lines: counts, reason, smallest sample and the commands that show more.

    Commands may be longer than `width` characters, so that they can be pasted.
    """
    where = f"{alarm.backend} {' and '.join(alarm.modes)}"
    head = f"{alarm.status.symbol} {alarm.op}  {where}: {alarm.reason.outcome} on {alarm.bad} of {alarm.total} samples"
    record = alarm.reason.smallest
    lines = [head, "    " + clip(alarm.reason.line, width - 4)]
    if record.sample is not None:
        lines.append("    " + clip(call(record.sample), width - 4))
    commands = [explain_command(alarm.op, alarm.backend), repro_command(record)]
    return "\n".join(lines + [f"    {command}" for command in commands if command])
