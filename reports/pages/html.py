"""The HTML report: one self-contained file, the matrix as a table and, behind each cell, why it fails.

The table is in the markup, so that it can be read, searched and printed without scripts; what the panel shows is
embedded as JSON, folded: reasons instead of samples, each with its smallest one, every text stored once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from harness.cases.sample import dumps
from harness.records.journal import Journal
from harness.records.outcome import OUTCOMES
from harness.text import clean, clip, clip_middle, share
from reports.answers.todo import of_matrix as todo
from reports.fold.call import call, explain_command, repro_command
from reports.fold.matrix import Cell, Column, Matrix, fold
from reports.fold.provenance import control_line, provenance
from reports.fold.reason import Reason, diagnostic, reasons
from reports.fold.rules import by_trait, rule
from reports.fold.status import DECOMPOSED, DECOMPOSED_MEANING, OF_OUTCOME, PASS, STATUSES, Status

from .pieces import OUTCOME_NAMES, STATUSES_PASS_FIRST, answer_lines

TEMPLATES = Path(__file__).parent / "templates"
_REASONS = 6
_DIAGNOSTIC = 1500
_SAMPLE = 3000
_TODO = 12
_OUTCOMES = tuple(cls.__name__ for cls in OUTCOMES)


def render(journal: Journal, *, control: bool = False) -> str:
    """The report as HTML; `control` gives the control backend columns too."""
    matrix = fold(journal, control=control)
    totals = matrix.totals()
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"breakable": _breakable, "share": share, "count": lambda number: f"{number:,}"}
    text = environment.get_template("report.html").render(
        about=provenance(journal),
        matrix=matrix,
        backends=_spans(matrix.columns),
        totals=totals,
        statuses=STATUSES,
        shown=[s for s in STATUSES_PASS_FIRST if s is PASS or any(t.ops.get(s.name) for t in totals)],
        outcomes=[name for name in OUTCOME_NAMES if any(t.samples.get(name) for t in totals)],
        control=control_line(matrix.control),
        asides=answer_lines(journal),
        todos=[todo(matrix, backend) for backend in matrix.backends],
        todo_limit=_TODO,
        decomposed=DECOMPOSED,
        decomposed_meaning=DECOMPOSED_MEANING,
        data=_script(payload(matrix)),
        style=_asset("report.css"),
        script=_asset("report.js"),
    )
    return text.encode("utf-8", "replace").decode("utf-8")


def _breakable(name: str) -> Markup:
    """An op's name that may be broken after a dot or an underscore."""
    return Markup(escape(name).replace(".", Markup(".<wbr>")).replace("_", Markup("_<wbr>")))


def _asset(name: str) -> Markup:
    return Markup((TEMPLATES / name).read_text(encoding="utf-8"))


def _script(data: Any) -> Markup:
    """JSON that is safe inside a script element: no `<` (which could end it), no `&`, ASCII only."""
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=True)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def _spans(columns: tuple[Column, ...]) -> list[tuple[str, int]]:
    """Backends with how many columns each has, for the upper header row."""
    counts: dict[str, int] = {}
    for column in columns:
        counts[column.backend] = counts.get(column.backend, 0) + 1
    return list(counts.items())


# the embedded data ----------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Texts:
    """Every text once, referred to by its index."""

    index: dict[str, int] = field(default_factory=dict)

    def __call__(self, text: str | None) -> int | None:
        return None if text is None else self.index.setdefault(text, len(self.index))


def payload(matrix: Matrix) -> Mapping[str, Any]:
    """What the page's script needs, small: names by index, one entry per reason."""
    texts = _Texts()
    rows = [
        {
            "op": row.op,
            "family": row.family,
            "gone": row.decomposed,
            "cells": [_cell(cell, texts) for cell in row.cells],
        }
        for row in matrix.rows
    ]
    return {
        "statuses": [_status(status) for status in STATUSES],
        "outcomes": _OUTCOMES,
        "columns": matrix.columns,
        "rows": rows,
        "texts": list(texts.index),
    }


def _status(status: Status) -> dict[str, Any]:
    return {"name": status.name, "symbol": status.symbol, "meaning": status.meaning, "fails": status.fails}


def _cell(cell: Cell, texts: _Texts) -> dict[str, Any] | None:
    """One cell: status, passed, total, counts, parts by dtype, traits, rule, reasons, reasons left out, reached."""
    if not cell.total and not cell.evidence:
        return None
    found = rule(cell)
    why = reasons(cell)
    return {
        "s": cell.status.rank,
        "n": cell.passed,
        "m": cell.total,
        "k": _counts(cell),
        "d": [[texts(p.dtype), p.status.rank, p.passed, p.total, _counts(p)] for p in cell.parts],
        "t": [[texts(t.trait), t.passed, t.total] for t in by_trait(cell)],
        "u": texts(str(found)) if found else None,
        "w": [_reason(reason, texts) for reason in why[:_REASONS]],
        "x": max(len(why) - _REASONS, 0),
        "r": texts(", ".join(cell.reached)) if cell.reached else None,
        "z": cell.decomposed,
        "c": texts(explain_command(cell.op, cell.backend)),
    }


def _counts(cell: Cell) -> list[tuple[int, int]]:
    """By index of the outcome, what passed first, then in order of alarm."""
    names = ("Passed", *(name for name in OF_OUTCOME if name != "Passed"))
    return [(_OUTCOMES.index(name), cell.counts[name]) for name in names if cell.counts.get(name)]


def _reason(reason: Reason, texts: _Texts) -> list[int | None]:
    """As the script takes it apart: outcome, stage, culprit, count, line, diagnostic, call, sample, command ..."""
    record = reason.smallest
    sample = record.sample
    return [
        _OUTCOMES.index(reason.outcome),
        texts(reason.stage),
        texts(reason.culprit),
        reason.count,
        texts(clip(reason.line, 200)),
        texts(clip_middle(diagnostic(record.outcome), _DIAGNOSTIC)),
        texts(clip(call(sample), _SAMPLE)) if sample else None,
        texts(dumps(sample)) if sample and len(dumps(sample)) <= _SAMPLE else None,
        texts(repro_command(record)),
        texts(record.dtype),
        texts(record.minimised),
        texts(reason.dynamism or None),
        texts(f"runtime verification: {clean(reason.cause)}" if reason.cause else None),
        texts("; ".join(reason.first_wrong_passes) or None),
    ]
