"""The HTML report: one self-contained file with the matrix as a table and, behind each cell, why it fails.

The table is in the markup, so that it can be read, searched and printed without scripts. What the panel of a cell shows
is embedded as JSON. To keep it small, it holds distinct reasons with their smallest samples instead of all samples, and
every text once.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from harness.cases.road import DEFAULT, split_mode
from harness.text import share
from reports.answers.clusters import clusters
from reports.answers.diff.diff import Diff
from reports.answers.diff.transition import KINDS, Kind
from reports.answers.trend import Trend
from reports.fold.call import explain_command
from reports.fold.cell import Cell, Column
from reports.fold.matrix import Matrix, load
from reports.fold.provenance import control_line, provenance
from reports.fold.severity import GRADES, only
from reports.fold.status import (
    APART,
    CRASH,
    DECOMPOSED,
    DECOMPOSED_MEANING,
    GOOD,
    GRAVE,
    OUTCOMES_BY_ALARM,
    PASS,
    STATUS_OF_OUTCOME,
    STATUSES,
    WRONG,
    Status,
)
from reports.index.index import Index

from . import bottleneck as bottleneck_data
from . import causes as cause_data
from . import panels as panel_data
from . import samples as sample_data
from .causes import Link, OfCells
from .diff.section import Section, section
from .panels import NUMBERS, Panels
from .pieces import (
    FRACTION_MEANING,
    NO_PLAIN_CALLS,
    OUTCOME_NAMES,
    STATUSES_PASS_FIRST,
    answer_lines,
    severity_counts,
    severity_words,
    shares,
    signs,
)
from .samples import Samples
from .trend import HEIGHT, WIDTH, charts, heading

TEMPLATES = Path(__file__).parent / "templates"


def render(
    index: Index,
    *,
    control: bool = False,
    against: Diff | None = None,
    trends: Sequence[Trend] = (),
    known: Mapping[str, Sequence[Link]] = MappingProxyType({}),
    cascades: Collection[str] = (),
) -> str:
    """Write the report as HTML; with `control`, the control backend has columns too.

    `against` is what changed from an older run to this one: a section of its own, and a mark in the cells that changed.
    `trends` may be of other runs. `known` are the known issues by the id of a cluster. `cascades` are columns.
    """
    matrix = load(index, control=control)
    causes = clusters(index)
    diff = section(against) if against else None
    totals = matrix.totals()
    text = (
        _environment()
        .get_template("report.html")
        .render(
            about=provenance(index.run, matrix),
            matrix=matrix,
            diff=diff,
            backends=_spans(matrix.columns),
            totals=totals,
            statuses=STATUSES,
            shown=[s for s in STATUSES_PASS_FIRST if s is PASS or any(t.ops.get(s.name) for t in totals)],
            outcomes=[name for name in OUTCOME_NAMES if any(t.samples.get(name) for t in totals)],
            grades=GRADES,
            red=severity_counts(matrix),
            plain=_red_plain_calls(matrix),
            no_plain="" if matrix.has_plain_calls else NO_PLAIN_CALLS,
            control=control_line(matrix),
            asides=answer_lines(index),
            causes=[cause_data.table(of, known) for of in causes],
            bottleneck=bottleneck_data.section(index, cascades),
            charts=charts([trend for backend in matrix.backends for trend in trends if trend.backend == backend]),
            charted=heading(trends) if trends else "",
            data=_script(
                payload(matrix, panel_data.load(index), sample_data.load(index), diff, cause_data.of_cells(causes))
            ),
            query=_asset("query.js"),
            style=_asset("report.css"),
            script=_asset("report.js"),
        )
    )
    return text.encode("utf-8", "replace").decode("utf-8")


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "cause_heads": cause_data.HEADS,
        "chart_size": (WIDTH, HEIGHT),
        "bottleneck_size": bottleneck_data.SIZE,
        "bottleneck_grid": bottleneck_data.GRID,
        "fraction_meaning": FRACTION_MEANING,
        "decomposed": DECOMPOSED,
        "decomposed_meaning": DECOMPOSED_MEANING,
    }
    environment.filters |= {
        "breakable": _breakable,
        "shares": shares,
        "signs": signs,
        "only": only,
        "share": share,
        "count": lambda number: f"{number:,}",
    }
    return environment


def _red_plain_calls(matrix: Matrix) -> list[tuple[Status, Cell]]:
    """The cells whose plain call is wrong or crashes, with which of the two: the wrong ones first."""
    found = [(STATUS_OF_OUTCOME[cell.plain], cell) for row in matrix.rows for cell in row.cells if cell.plain]
    return [(status, cell) for wanted in (WRONG, CRASH) for status, cell in found if status is wanted]


def _breakable(name: str) -> Markup:
    """An op's name with line breaks allowed after each dot and underscore."""
    return Markup(escape(name).replace(".", Markup(".<wbr>")).replace("_", Markup("_<wbr>")))


def _asset(name: str) -> Markup:
    return Markup((TEMPLATES / name).read_text(encoding="utf-8"))


def _script(data: Any) -> Markup:
    """JSON that is safe inside a script element: ASCII without `<` (which could end the element), `>` and `&`."""
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=True)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def _column(column: Column) -> list[Any]:
    """A column, and what a query may ask of its road if that is not the default one."""
    mode, by = split_mode(column.mode)
    return [*column] if by == DEFAULT else [*column, {"mode": [mode], **by.facts}]


def _spans(columns: tuple[Column, ...]) -> list[tuple[str, int]]:
    """Each backend and the number of its columns, for the upper header row."""
    counts: dict[str, int] = {}
    for column in columns:
        counts[column.backend] = counts.get(column.backend, 0) + 1
    return list(counts.items())


# the embedded data ----------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Texts:
    """A table of texts in which every text occurs once; calling it adds a text and returns its index."""

    index: dict[str, int] = field(default_factory=dict)

    def __call__(self, text: str | None) -> int | None:
        return None if text is None else self.place(text)

    def place(self, text: str) -> int:
        """The index of a text."""
        return self.index.setdefault(text, len(self.index))


def payload(
    matrix: Matrix,
    panels: Panels,
    samples: Mapping[str, Any],
    diff: Section | None = None,
    causes: OfCells = MappingProxyType({}),
) -> Mapping[str, Any]:
    """Return what the page's script needs, as JSON values; texts, outcomes and statuses are referred to by index."""
    texts = _Texts()
    changes = diff.changes if diff else {}
    filtered = Samples(texts.place)
    rows = []
    for row in matrix.rows:
        cells = [
            _cell(cell, panels.get((cell.op, cell.backend, cell.mode)), texts, changes.get((cell.op, column)))
            for cell, column in zip(row.cells, matrix.columns, strict=True)
        ]
        if of := samples.get(row.op):
            for cell, shown in zip(row.cells, cells, strict=True):
                if shown is not None:
                    shown["f"] = filtered.cell(of, cell)
        for cell, shown in zip(row.cells, cells, strict=True):
            if shown is not None and (found := causes.get((cell.op, cell.backend, cell.mode))):
                shown["y"] = [[texts(id), texts(title)] for id, title in found]
        groups = filtered.groups(of) if of else []
        rows.append({"op": row.op, "family": row.family, "gone": row.decomposed, "g": groups, "cells": cells})
    return {
        "kinds": KINDS if diff else (),
        "statuses": [_status(status) for status in STATUSES],
        "decide": _decide(),
        "grades": [{"name": grade.name, "symbol": grade.symbol, "words": only(grade)} for grade in GRADES],
        "outcomes": OUTCOMES_BY_ALARM,
        "columns": [_column(column) for column in matrix.columns],
        "rows": rows,
        **filtered.tables(),
        "texts": list(texts.index),
    }


def _decide() -> dict[str, list[int]]:
    """What `reports.fold.status.decide` goes by, for the script: outcomes by index, and the status of each."""
    place = OUTCOMES_BY_ALARM.index
    kinds = {"grave": GRAVE, "good": GOOD, "free": ("Excluded", APART)}
    found = {kind: [place(name) for name in names] for kind, names in kinds.items()}
    return found | {"of": [status.rank for status in STATUS_OF_OUTCOME.values()]}


def _status(status: Status) -> dict[str, Any]:
    return {"name": status.name, "symbol": status.symbol, "meaning": status.meaning, "fails": status.fails}


def _cell(cell: Cell, panel: Any, texts: _Texts, changed: tuple[Kind, str] | None) -> dict[str, Any] | None:
    """One cell, or None if it has no records. Its keys, which the script reads:

    s, n, m, k: status, samples passed, samples in all, samples by outcome; g, q: severity, and when samples fail in
    words; d: the same but for the words, by dtype; p, l: the plain call's status, and what the panel shows of it; t: by
    trait, samples passed and in all; u: the rule; o: what second opinions clear; w: the first reasons; x: how many
    reasons are left out; r: the ops that reached the backend; z: whether the op was decomposed; c: the explain command;
    v, where it changed: the kind of change, and that in words; f: by dtype, what the filter may ask of its samples,
    from `Samples.cell`; y, where it fails: the clusters that it is in, each with its id and title.
    """
    if panel is None:
        return None
    traits, separating, distinct, more, plain, cleared = panel
    return {
        "s": cell.status.rank,
        "n": cell.passed,
        "m": cell.total,
        "k": _counts(cell),
        "g": _grade(cell),
        "q": texts(severity_words(cell) or None),
        "p": STATUS_OF_OUTCOME[cell.plain].rank if cell.plain else None,
        "l": [texts(text) for text in plain] if plain else None,
        "d": [[texts(p.dtype), p.status.rank, p.passed, p.total, _counts(p), _grade(p)] for p in cell.by_dtype],
        "t": [[texts(trait), passed, total] for trait, passed, total in traits],
        "u": texts(separating),
        "o": texts(cleared),
        "w": [[texts(v) if i not in NUMBERS else v for i, v in enumerate(reason)] for reason in distinct],
        "x": more,
        "r": texts(", ".join(cell.reached)) if cell.reached else None,
        "z": cell.decomposed,
        "c": texts(explain_command(cell.op, cell.backend)),
    } | ({"v": [KINDS.index(changed[0]), texts(changed[1])]} if changed else {})


def _grade(cell: Cell) -> int | None:
    return cell.severity.rank if cell.severity else None


def _counts(cell: Cell) -> list[tuple[int, int]]:
    """Pairs of an outcome's index and its count: `Passed` first, then in order of alarm."""
    names = ("Passed", *(name for name in STATUS_OF_OUTCOME if name != "Passed"))
    return [(OUTCOMES_BY_ALARM.index(name), cell.counts[name]) for name in names if cell.counts.get(name)]
