"""One op in detail: where it passes and fails by mode, dtype and trait, why, and the smallest sample that shows it."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.cases.sample import dumps, to_json
from harness.errors import UnknownName
from harness.records.expectation import CONTROL
from harness.records.frontend import FRONTEND
from harness.records.opinion import opinion_json
from harness.records.outcome import Blocked
from harness.text import as_table, clean, clip, clip_middle, plural, tally
from reports.fold.call import call, explain_command, repro_command
from reports.fold.cell import Cell, CellRecords, Column, cells_of, dialect_name, outcome_name
from reports.fold.failures import FOLD as FAILURES
from reports.fold.matrix import Row, columns_of, load_row
from reports.fold.reason import Reason, cleared_in_words, diagnostic, headline, reasons
from reports.fold.rules import TraitCount, by_trait, rule
from reports.fold.severity import only
from reports.fold.status import PASS, STATUS_OF_OUTCOME, STATUSES
from reports.index.index import Index

from .clusters import Cluster, joined, order

_DIAGNOSTIC = 3000
"""The most characters of a diagnostic that the text shows."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """The cells of one op on one backend, or on all if `backend` is None; `ir` is the IR at each stage, or None.

    `records` has the records of each cell, but for those that were never run. `causes` are the clusters that the op is
    in, with its own samples alone, the worst first; if the frontend blocks it and nothing else fails, the frontend's.
    """

    row: Row
    backend: str | None
    cells: tuple[Cell, ...]
    records: Mapping[tuple[str, str], CellRecords]
    ir: str | None = None
    causes: tuple[Cluster, ...] = ()

    def text(self, *, width: int = 120) -> str:
        """Write the explanation for a terminal: what is at fault, the call that shows it and the command that runs it.

        Then follows each cell, with its first reason in full and the others in short.
        """
        where = f" on {self.backend}" if self.backend else ""
        blocks = [
            _at_fault(self, width),
            f"{self.row.op}{where}   family {self.row.family}",
            _reached(self.row, self.cells),
            self._table(),
        ]
        for cell in self.cells:
            blocks.append(_cell_text(cell, self.records.get((cell.backend, cell.mode)), width))
        if not any(records.plain_call for records in self.records.values()):
            blocks.append("no plain call of this op in this journal")
        if self.ir:
            blocks.append("IR\n" + textwrap.indent(self.ir.rstrip(), "  "))
        if self.backend is None:
            commands = [explain_command(self.row.op, name) for name in dict.fromkeys(c.backend for c in self.cells)]
            blocks.append("\n".join(commands))
        return "\n\n".join(block for block in blocks if block)

    def json(self) -> dict[str, Any]:
        """Return the explanation as JSON values, with nothing cut."""
        return {
            "op": self.row.op,
            "family": self.row.family,
            "backend": self.backend,
            "decomposed": self.row.decomposed,
            "causes": [cluster.json() for cluster in self.causes],
            "cells": [_cell_json(cell, self.records.get((cell.backend, cell.mode))) for cell in self.cells],
            "ir": self.ir,
        }

    def _table(self) -> str:
        """A table with one column per cell and one line per dtype; the last line joins all dtypes. A legend follows."""
        dtypes = list(dict.fromkeys(part.dtype for cell in self.cells for part in cell.by_dtype))
        lines = []
        for dtype in dtypes:
            parts = [next((p for p in cell.by_dtype if p.dtype == dtype), None) for cell in self.cells]
            lines.append([dtype, *map(_mark, parts)])
        lines.append(["all", *map(_mark, self.cells)])
        heads = [Column(cell.backend, cell.mode).head for cell in self.cells]
        if self.backend:
            heads = [head.partition("\n")[2] for head in heads]
        shown = {cell.status for cell in self.cells} | {p.status for cell in self.cells for p in cell.by_dtype}
        legend = "   ".join(f"{s.symbol} {s.name}" for s in STATUSES if s in shown)
        table = as_table(lines, ["dtype", *heads], disable_numparse=True, stralign="left")
        return f"{table}\n\n{legend}   n/m: passed of all samples, those outside left out"


def explain(index: Index, op: str, backend: str | None = None, *, ir: str | None = None) -> Explanation:
    """Explain an op on one backend, or on all if `backend` is None; raises UnknownName."""
    control = backend == CONTROL
    row = load_row(index, op, control=control)
    backends = dict.fromkeys(column.backend for column in columns_of(index.run, control=control))
    if backend is not None and backend not in backends:
        raise UnknownName("backend", backend, backends)
    records = {(c.backend, c.mode): c for c in cells_of(index.records(op))}
    shown = records if index.run.selected else {(c.backend, c.mode) for c in row.cells}
    cells = tuple(c for c in row.cells if backend in (None, c.backend) and (c.backend, c.mode) in shown)
    return Explanation(row, backend, cells, records, ir, _causes(index, op, backend, cells))


def _causes(index: Index, op: str, backend: str | None, cells: tuple[Cell, ...]) -> tuple[Cluster, ...]:
    """The clusters of the op on the backends of these cells."""
    part = index.part(FAILURES, op)
    names = list(dict.fromkeys(cell.backend for cell in cells))
    if part is None or not names:
        return ()
    is_whole = not index.run.selected
    found = [cluster for of in joined([(op, part)], names, is_whole=is_whole) for cluster in of.clusters]
    if not found and any(cell.counts.get(Blocked.__name__) for cell in cells):
        found = list(joined([(op, part)], (FRONTEND,), is_whole=is_whole)[0].clusters)
    return tuple(sorted(found, key=order))


def _at_fault(found: Explanation, width: int) -> str:
    """The worst cause: the culprit and what it does wrong, the call to see it, the command; then the others."""
    if not found.causes:
        return ""
    first, *others = found.causes
    lines = [clip(first.title, width), clip(first.example.call, width), first.repro or first.explain]
    lines += [clip(f"also {cluster.title} ({cluster.id})", width) for cluster in others]
    return "\n".join(line for line in lines if line)


def _mark(cell: Cell | None) -> str:
    """The cell's symbol and how many of its samples passed; a dot if it has no samples."""
    if cell is None or not (cell.total or cell.outside):
        return "·"
    return f"{cell.status.symbol} {cell.passed}/{cell.total}" if cell.total else cell.status.symbol


def _reached(row: Row, cells: tuple[Cell, ...]) -> str:
    """A sentence on the ops that reach the backend; empty if no record lists them."""
    reached = sorted({name for cell in cells for name in cell.reached})
    if not reached:
        return ""
    if reached == [dialect_name(row.op)]:
        return f"reaches the backend as {reached[0]}"
    decomposed = all(cell.decomposed for cell in cells if cell.decomposed is not None)
    verb = "is decomposed away; the backend sees" if decomposed else "reaches the backend as"
    return textwrap.fill(f"{verb} {', '.join(reached)}", 116, subsequent_indent="  ", break_on_hyphens=False)


def _cell_text(cell: Cell, records: CellRecords | None, width: int) -> str:
    head = f"{cell.backend} {cell.mode}: {cell.status.symbol} {cell.status.name}, {cell.status.meaning}"
    if not (cell.total or cell.outside) or records is None:
        return head
    verb = "reached the backends" if cell.backend == FRONTEND else "passed"
    head += f"; fails {only(cell.severity)}" if cell.severity else ""
    lines = [head, *_plain_lines(records, width)]
    lines.append(f"  {cell.passed} of {plural(cell.total, 'sample')} {verb}: {tally(cell.counts)}")
    if cleared := cleared_in_words(records):
        lines += textwrap.wrap(cleared, width, initial_indent=" " * 2, subsequent_indent=" " * 4)
    if cell.status is not PASS:
        lines += _trait_lines(records, width)
    for number, reason in enumerate(reasons(records), 1):
        lines += ["", *_reason_lines(reason, number, width, full=number == 1)]
    return "\n".join(lines)


def _plain_lines(records: CellRecords, width: int) -> list[str]:
    """What becomes of the plain call, how it reads and, unless it is right, how to run it; nothing if there is none."""
    record = records.plain
    if record is None or record.sample is None:
        return []
    status = STATUS_OF_OUTCOME[outcome_name(record)]
    lines = [clip(f"  plain call: {status.symbol} {status.name}, {headline(record.outcome)}", width)]
    wrapped = textwrap.wrap(call(record.sample), width - 4, break_long_words=False, break_on_hyphens=False)
    lines += [f"    {line}" for line in wrapped]
    command = repro_command(record.id, record.backend)
    return [*lines, f"    {command}"] if command and status is not PASS else lines


def _plain_json(records: CellRecords | None) -> dict[str, Any] | None:
    record = records.plain if records else None
    if record is None or record.sample is None:
        return None
    return {
        "outcome": outcome_name(record),
        "stage": record.stage,
        "headline": headline(record.outcome),
        "id": record.id,
        "call": call(record.sample),
        "sample": to_json(record.sample),
        "command": repro_command(record.id, record.backend),
    }


def _trait_lines(cell: CellRecords, width: int) -> list[str]:
    """The rule and the traits by how often they pass; nothing if all judged samples pass, or none."""
    counts = by_trait(cell)
    if not any(c.passed for c in counts):
        return []
    if not any(c.passed < c.total for c in counts):
        return []
    separating = rule(cell)
    lines = [f"  {separating}"] if separating else []
    groups = {
        "always fail": [c.trait for c in counts if not c.passed],
        "always pass": [c.trait for c in counts if c.passed == c.total],
        "sometimes": [_fraction(c) for c in counts if 0 < c.passed < c.total],
    }
    for title, names in groups.items():
        if names:
            indent = " " * 15
            filled = textwrap.fill(", ".join(names), width - 15, break_on_hyphens=False, break_long_words=False)
            lines.append(f"  {title:<11}  " + textwrap.indent(filled, indent)[15:])
    return lines


def _fraction(count: TraitCount) -> str:
    return f"{count.trait} {count.passed}/{count.total}"


def _reason_lines(reason: Reason, number: int, width: int, *, full: bool) -> list[str]:
    """A reason with its smallest sample and command; with `full`, its diagnostic and the sample's JSON too."""
    record = reason.smallest
    count = plural(reason.count, "sample") if reason.count else "seen while minimising"
    lines = [
        f"  {number}. {reason.outcome} at {reason.stage}, {count}"
        + (f", culprit {reason.culprit}" if reason.culprit else "")
    ]
    if reason.when:
        lines += textwrap.wrap(f"fails {reason.when}", width, initial_indent=" " * 5, subsequent_indent=" " * 7)
    if reason.dynamism:
        lines.append(f"     {reason.dynamism}")
    if reason.cause:
        cause = textwrap.wrap(clean(reason.cause), width - 7, break_long_words=False, break_on_hyphens=False)
        lines += ["     runtime verification:", *(f"       {line}" for line in cause)]
    for opinion in reason.opinions:
        said = f"second opinion: {clean(opinion)}"
        lines += textwrap.wrap(said, width, initial_indent=" " * 5, subsequent_indent=" " * 7)
    for text in reason.first_wrong_passes:
        lines += textwrap.wrap(text, width, initial_indent=" " * 5, subsequent_indent=" " * 7, break_on_hyphens=False)
    text = clip_middle(diagnostic(record.outcome), _DIAGNOSTIC) if full else clip(reason.line, width - 7)
    lines.append(textwrap.indent(text, "     | "))
    if isinstance(record.outcome, Blocked) and not record.outcome.reason:
        return [*lines, f"     {explain_command(record.op, FRONTEND)}"]
    if record.sample is not None:
        kind = f"smallest, minimised from {record.minimised}" if record.minimised else "smallest"
        invocation = textwrap.wrap(call(record.sample), width - 7, break_long_words=False, break_on_hyphens=False)
        lines += [f"     {kind}:", *(f"       {line}" for line in invocation)]
        if full:
            lines.append(f"       {dumps(record.sample)}")
    if command := repro_command(record.id, record.backend):
        lines.append(f"     {command}")
    return lines


def _cell_json(cell: Cell, records: CellRecords | None) -> dict[str, Any]:
    separating = rule(records) if records else None
    return {
        "backend": cell.backend,
        "mode": cell.mode,
        "status": cell.status.name,
        "severity": cell.severity.name if cell.severity else None,
        "plain": _plain_json(records),
        "passed": cell.passed,
        "total": cell.total,
        "counts": dict(cell.counts),
        "decomposed": cell.decomposed,
        "reached": list(cell.reached),
        "dtypes": {
            str(p.dtype): {"status": p.status.name, "passed": p.passed, "total": p.total, "counts": dict(p.counts)}
            for p in cell.by_dtype
        },
        "traits": {
            count.trait: {"passed": count.passed, "total": count.total}
            for count in (by_trait(records) if records else ())
        },
        "rule": str(separating) if separating else None,
        "cleared": [{"id": r.id, "opinion": opinion_json(r.opinion)} for r in records.cleared if r.opinion]
        if records
        else [],
        "reasons": [_reason_json(reason) for reason in (reasons(records) if records else ())],
    }


def _reason_json(reason: Reason) -> dict[str, Any]:
    sample = reason.smallest.sample
    return {
        "outcome": reason.outcome,
        "stage": reason.stage,
        "culprit": reason.culprit,
        "count": reason.count,
        "headline": reason.line,
        "severities": dict(reason.severities),
        "breaks": list(reason.breaks),
        "cause": reason.cause,
        "parts": list(reason.first_wrong_passes),
        "opinions": list(reason.opinions),
        "diagnostic": diagnostic(reason.smallest.outcome),
        "id": reason.smallest.id if sample else None,
        "minimised_from": reason.smallest.minimised,
        "call": call(sample) if sample else None,
        "sample": to_json(sample) if sample else None,
        "command": repro_command(reason.smallest.id, reason.smallest.backend),
    }
