"""The matrix as text for a terminal, Markdown, CSV and JSON, and the short form that ends a pytest run."""

from __future__ import annotations

import csv
import io
import json
import textwrap
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tabulate import MIN_PADDING, tabulate

from harness.errors import UnknownName
from harness.records.journal import Journal
from harness.records.outcome import OUTCOMES
from harness.text import clip, share
from reports.answers.blame import blame
from reports.answers.blame import line as blame_line
from reports.answers.slack import line as slack_line
from reports.answers.slack import slack
from reports.fold.call import call, explain_command, repro_command
from reports.fold.matrix import Cell, Column, Matrix, Row, by_alarm
from reports.fold.provenance import Provenance, control_line, provenance
from reports.fold.reason import Reason, reasons
from reports.fold.status import CRASH, DECOMPOSED, DECOMPOSED_MEANING, ERROR, PASS, STATUSES, WRONG, Status

FORMATS = ("text", "markdown", "csv", "json")
_NAME = 48
_OUTCOME_NAMES = tuple(cls.__name__ for cls in reversed(OUTCOMES))


@dataclass(frozen=True, slots=True)
class Alarm:
    """One op on one backend that is wrong or crashes, over all modes; `reason` is the worst."""

    op: str
    backend: str
    status: Status
    modes: tuple[str, ...]
    bad: int
    total: int
    reason: Reason


def render(matrix: Matrix, journal: Journal, format: str = "text", *, width: int = 120) -> str:
    """The whole matrix in one of `FORMATS`; raises UnknownName."""
    match format:
        case "text":
            return _text(matrix, journal, width)
        case "markdown":
            return _markdown(matrix, journal)
        case "csv":
            return _csv(matrix)
        case "json":
            return json.dumps(as_json(matrix, journal), indent=1) + "\n"
        case _:
            raise UnknownName("format", format, FORMATS)


def summary(matrix: Matrix, journal: Journal, width: int = 120, *, limit: int = 10) -> str:
    """The short form: notes, totals and the most alarming cells, each with a reason and commands to paste."""
    about = provenance(journal)
    found = alarms(matrix)
    blocks = [_heading(about, width), _totals(matrix, width), control_line(matrix.control)]
    blocks += _lines(journal, width)
    if found:
        count = f"{min(limit, len(found))} of {len(found)}" if len(found) > limit else str(len(found))
        blocks.append(f"Most alarming ({count}, by op and backend)")
        blocks += [_alarm(alarm, width) for alarm in found[:limit]]
    return "\n\n".join(blocks)


def alarms(matrix: Matrix) -> tuple[Alarm, ...]:
    """Wrong, then our own errors, then crashes; within each the larger share of bad samples first."""
    groups: dict[tuple[str, str], list[Cell]] = defaultdict(list)
    for row in matrix.rows:
        for cell in row.cells:
            if cell.status in (WRONG, ERROR, CRASH):
                groups[cell.op, cell.backend].append(cell)
    found = [_of_cells(cells) for cells in groups.values()]
    return tuple(sorted(found, key=lambda a: (a.status.rank, -a.bad / (a.total or 1), a.op, a.backend)))


def _of_cells(cells: list[Cell]) -> Alarm:
    status = min((cell.status for cell in cells), key=lambda s: s.rank)
    cells = [cell for cell in cells if cell.status is status]
    every = [reasons(cell)[0] for cell in cells]
    chosen = next((r for r in every if r.smallest.minimised), every[0])
    return Alarm(
        op=cells[0].op,
        backend=cells[0].backend,
        status=status,
        modes=tuple(cell.mode for cell in cells),
        bad=sum(cell.counts.get(chosen.outcome, 0) for cell in cells),
        total=sum(cell.total for cell in cells),
        reason=chosen,
    )


def _alarm(alarm: Alarm, width: int) -> str:
    where = f"{alarm.backend} {' and '.join(alarm.modes)}"
    head = f"{alarm.status.symbol} {alarm.op}  {where}: {alarm.reason.outcome} on {alarm.bad} of {alarm.total} samples"
    record = alarm.reason.smallest
    lines = [head, "    " + clip(alarm.reason.line, width - 4)]
    if record.sample is not None:
        lines.append("    " + clip(call(record.sample), width - 4))
    commands = [explain_command(alarm.op, alarm.backend), repro_command(record)]
    return "\n".join(lines + [f"    {command}" for command in commands if command])


# text -----------------------------------------------------------------------------------------------------------------


def _text(matrix: Matrix, journal: Journal, width: int) -> str:
    blocks = [_heading(provenance(journal), width), *_tables(matrix, width), _legend(width)]
    blocks += [_totals(matrix, width), _samples(matrix, width), control_line(matrix.control)]
    blocks += _lines(journal, width)
    return "\n\n".join(blocks) + "\n"


def _lines(journal: Journal, width: int) -> list[str]:
    """What `opcov blame` and `opcov slack` say, in a line each."""
    return [textwrap.fill(said, width) for said in (blame_line(blame(journal)), slack_line(slack(journal))) if said]


def _heading(about: Provenance, width: int) -> str:
    facts = [f"opcov {about.run} · {about.started} · {about.size}", about.options, about.toolchain]
    facts += [about.registry] if about.registry else []
    lines = [line for fact in facts for line in textwrap.wrap(fact, width, subsequent_indent="  ")]
    return "\n".join(lines + [f"! {note}" for note in about.notes])


def _tables(matrix: Matrix, width: int) -> list[str]:
    """The matrix, in as many tables side by side as the width asks for."""
    sizes = [_cell_width(matrix, number) for number in range(len(matrix.columns))]
    name = min(_NAME, max((len(_name(row)) for row in matrix.rows), default=2))
    return [_table(matrix, group, name) for group in _groups(name, sizes, width)]


def _cell_width(matrix: Matrix, number: int) -> int:
    column = matrix.columns[number]
    head = max(len(column.backend), len(column.mode)) + MIN_PADDING
    return max(head, *(len(_mark(row.cells[number])) for row in matrix.rows), 1)


def _table(matrix: Matrix, group: Sequence[int], name: int) -> str:
    digits = [_digits([row.cells[number] for row in matrix.rows]) for number in group]
    lines: list[list[str]] = []
    starts: list[int] = []
    for family, rows in matrix.families.items():
        starts.append(len(lines))
        lines.append([f"{family.upper()} ({len(rows)})", *("" for _ in group)])
        for row in rows:
            cells = [_aligned(row.cells[n], d) for n, d in zip(group, digits, strict=True)]
            *above, last = _broken(_name(row), name)
            lines += [[line, *("" for _ in group)] for line in above]
            lines.append([last, *cells])
    heads = ["op", *(f"{matrix.columns[n].backend}\n{matrix.columns[n].mode}" for n in group)]
    said = tabulate(lines, headers=heads, disable_numparse=True, stralign="left").splitlines()
    above_body = len(said) - len(lines)
    for start in reversed(starts[1:]):
        said.insert(above_body + start, "")
    return "\n".join(line.rstrip() for line in said)


def _name(row: Row) -> str:
    return f"{row.op} {DECOMPOSED}" if row.decomposed else row.op


def _broken(name: str, length: int) -> list[str]:
    """A name over several lines where it is too long, broken after a dot or an underscore."""
    lines = []
    while len(name) > length:
        at = max(name.rfind(".", 0, length), name.rfind("_", 0, length)) + 1
        at = at if at > length // 3 else length
        lines.append(name[:at])
        name = "└ " + name[at:]
    return [*lines, name]


def _digits(cells: Sequence[Cell]) -> tuple[int, int]:
    return (
        max((len(str(cell.passed)) for cell in cells if cell.total), default=1),
        max((len(str(cell.total)) for cell in cells if cell.total), default=1),
    )


def _mark(cell: Cell) -> str:
    return f"{cell.status.symbol} {cell.passed}/{cell.total}" if cell.total else cell.status.symbol


def _aligned(cell: Cell, digits: tuple[int, int]) -> str:
    if not cell.total:
        return cell.status.symbol
    return f"{cell.status.symbol} {cell.passed:>{digits[0]}}/{cell.total:<{digits[1]}}"


def _legend(width: int) -> str:
    said = [f"{s.symbol} {s.name}: {s.meaning}" for s in STATUSES]
    said += [f"{DECOMPOSED} {DECOMPOSED_MEANING}", "n/m passed of all samples, excluded and unjudged ones included"]
    half = (len(said) + 1) // 2
    left = max(len(text) for text in said[:half])
    right = max(len(text) for text in said[half:])
    if left + 3 + right > width:
        return "\n".join(said)
    pairs = zip(said[:half], [*said[half:], ""], strict=False)
    return "\n".join(f"{a:<{left}}   {b}".rstrip() for a, b in pairs)


def _totals(matrix: Matrix, width: int) -> str:
    """Ops by status, one line per status and one column per column of the matrix, which makes it a legend too."""
    totals = matrix.totals()
    shown = [s for s in (PASS, *STATUSES[:-1]) if s is PASS or any(t.ops.get(s.name) for t in totals)]
    lines = [[f"{s.symbol} {s.name}", *(_number(t.ops.get(s.name, 0)) for t in totals)] for s in shown]
    lines.append(["samples passed", *(share(t.passed, t.total) for t in totals)])
    return _blocks(matrix, f"ops ({len(matrix.rows):,})", lines, width)


def _samples(matrix: Matrix, width: int) -> str:
    """Samples by outcome, laid out as the ops are."""
    totals = matrix.totals()
    shown = [name for name in _OUTCOME_NAMES if any(t.samples.get(name) for t in totals)]
    lines = [[name, *(_number(t.samples.get(name, 0)) for t in totals)] for name in shown]
    lines.append(["all", *(f"{t.total:,}" for t in totals)])
    return _blocks(matrix, "samples", lines, width)


def _blocks(matrix: Matrix, corner: str, lines: list[list[str]], width: int) -> str:
    """A table of numbers by column of the matrix, in as many blocks as the width asks for."""
    sizes = [max(len(column.backend), len(column.mode), 7) + MIN_PADDING for column in matrix.columns]
    first = max(len(corner), *(len(line[0]) for line in lines))
    tables = []
    for group in _groups(first, sizes, width):
        heads = [corner, *(f"{matrix.columns[n].backend}\n{matrix.columns[n].mode}" for n in group)]
        body = [[line[0], *(line[n + 1] for n in group)] for line in lines]
        align = ["left", *("right" for _ in group)]
        tables.append(tabulate(body, headers=heads, disable_numparse=True, colalign=align))
    return "\n\n".join(tables)


def _groups(first: int, sizes: Sequence[int], width: int) -> list[list[int]]:
    """Columns of these sizes, by number, in groups that fit beside a first column."""
    groups: list[list[int]] = [[]]
    used = first
    for number, size in enumerate(sizes):
        if groups[-1] and used + 2 + size > width:
            groups.append([])
            used = first
        groups[-1].append(number)
        used += 2 + size
    return groups


def _number(count: int) -> str:
    return f"{count:,}" if count else "–"


# Markdown, CSV, JSON --------------------------------------------------------------------------------------------------


def _markdown(matrix: Matrix, journal: Journal) -> str:
    about = provenance(journal)
    lines = ["# Op coverage", "", f"{about.size} · {about.started} · run {about.run}", ""]
    lines += [_escaped(about.options), "", _escaped(about.toolchain), ""]
    lines += [about.registry, ""] if about.registry else []
    lines += [line for note in about.notes for line in (f"> **{_escaped(note)}**", "")]
    lines += ["## Totals", "", *_markdown_totals(matrix), "", control_line(matrix.control), ""]
    lines += ["## Legend", "", "| | | |", "|---|---|---|"]
    lines += [f"| {s.symbol} | {s.name} | {s.meaning} |" for s in STATUSES]
    lines += [f"| {DECOMPOSED} | | {DECOMPOSED_MEANING} |"]
    lines += ["| n/m | | passed of all samples, excluded and unjudged ones included |", ""]
    heads = [f"{column.backend} {column.mode}" for column in matrix.columns]
    for family, rows in matrix.families.items():
        lines += [f"## {_escaped(family)}", "", _pipe("op", *heads), _pipe("---", *("---" for _ in heads))]
        for row in rows:
            name = f"`{_escaped(row.op)}`" + (f" {DECOMPOSED}" if row.decomposed else "")
            lines.append(_pipe(name, *map(_mark, row.cells)))
        lines.append("")
    return "\n".join(lines)


def _markdown_totals(matrix: Matrix) -> list[str]:
    shown = (PASS, *STATUSES[:-1])
    lines = [_pipe("ops", *(f"{s.symbol} {s.name}" for s in shown), "samples passed")]
    lines.append(_pipe("---", *("---:" for _ in shown), "---:"))
    for t in matrix.totals():
        counts = [_number(t.ops.get(s.name, 0)) for s in shown]
        samples = f"{t.passed:,}/{t.total:,} ({share(t.passed, t.total)})"
        lines.append(_pipe(f"{t.column.backend} {t.column.mode}", *counts, samples))
    return lines


def _pipe(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("`", "'")


def _csv(matrix: Matrix) -> str:
    """One line per cell; a column in which an op was never run has one line without a dtype."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    heads = ["op", "family", "backend", "mode", "dtype", "status", "passed", "total", "share"]
    writer.writerow([*heads, *_OUTCOME_NAMES, "decomposed"])
    for row in matrix.rows:
        for joined in row.cells:
            for cell in joined.parts or (joined,):
                counts = [cell.counts.get(name, 0) for name in _OUTCOME_NAMES]
                gone = "" if cell.decomposed is None else str(cell.decomposed).lower()
                start = [row.op, row.family, cell.backend, cell.mode, cell.dtype or ""]
                writer.writerow([*start, cell.status.name, cell.passed, cell.total, _used(cell), *counts, gone])
    return out.getvalue()


def _used(cell: Cell) -> str:
    return "" if cell.share is None else f"{cell.share:.4g}"


def as_json(matrix: Matrix, journal: Journal) -> dict[str, Any]:
    """The matrix as JSON values."""
    return {
        "header": dict(journal.header),
        "footer": dict(journal.footer) if journal.footer is not None else None,
        "complete": journal.complete,
        "notes": list(provenance(journal).notes),
        "statuses": [asdict(status) for status in STATUSES],
        "columns": [_column_json(column) for column in matrix.columns],
        "ops": [
            {
                "op": row.op,
                "family": row.family,
                "decomposed": row.decomposed,
                "cells": [_cell_json(cell) for cell in row.cells],
            }
            for row in matrix.rows
        ],
        "totals": [
            _column_json(t.column) | {"ops": _ranked(t.ops), "cells": _ranked(t.cells), "samples": dict(t.samples)}
            for t in matrix.totals()
        ],
        "control": dict(matrix.control),
    }


def _column_json(column: Column) -> dict[str, Any]:
    return {"backend": column.backend, "mode": column.mode}


def _ranked(counts: Any) -> dict[str, int]:
    return {status.name: count for status, count in by_alarm(counts)}


def _cell_json(cell: Cell) -> dict[str, Any]:
    fact = {
        "status": cell.status.name,
        "worst": cell.worst,
        "passed": cell.passed,
        "total": cell.total,
        "share": cell.share,
        "counts": dict(cell.counts),
        "decomposed": cell.decomposed,
    }
    if cell.dtype is not None:
        return {"dtype": cell.dtype, **fact}
    return {"backend": cell.backend, "mode": cell.mode, **fact, "dtypes": [_cell_json(part) for part in cell.parts]}
