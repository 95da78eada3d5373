"""The matrix as Markdown: provenance, totals, legend, and one table per family of ops."""

from __future__ import annotations

from collections.abc import Sequence

from reports.answers.clusters import Cluster, Clusters, clusters
from reports.fold.matrix import Matrix
from reports.fold.provenance import control_line, provenance
from reports.fold.severity import GRADES, only
from reports.fold.status import DECOMPOSED, DECOMPOSED_MEANING, STATUSES
from reports.index.index import Index

from .clusters import verdict
from .pieces import (
    FRACTION_MEANING,
    NO_PLAIN_CALLS,
    SHARES,
    STATUSES_PASS_FIRST,
    mark,
    number,
    plain_shares,
    severity_counts,
    shares,
)

_CAUSES = 10
"""The most causes of a backend."""


def as_markdown(matrix: Matrix, index: Index) -> str:
    """Write the whole matrix as Markdown."""
    about = provenance(index.run, matrix)
    lines = ["# Op coverage", "", f"{about.size} · {about.started} · run {about.run}", ""]
    lines += [_escaped(about.options), "", _escaped(about.toolchain), ""]
    lines += [about.registry, ""] if about.registry else []
    lines += [line for note in about.notes for line in (f"> **{_escaped(note)}**", "")]
    lines += ["## Totals", "", *_totals(matrix), "", control_line(matrix), ""]
    lines += _causes(clusters(index))
    lines += ["## Legend", "", *_legend(), ""]
    heads = [f"{column.backend} {column.mode}" for column in matrix.columns]
    for family, rows in matrix.families.items():
        lines += [f"## {_escaped(family)}", "", _table_line("op", *heads), _table_line("---", *("---" for _ in heads))]
        for row in rows:
            name = f"`{_escaped(row.op)}`" + (f" {DECOMPOSED}" if row.decomposed else "")
            lines.append(_table_line(name, *map(mark, row.cells)))
        lines.append("")
    return "\n".join(lines)


def _totals(matrix: Matrix) -> list[str]:
    """A table of the ops by status and of the samples that passed, one line per column of the matrix."""
    statuses = STATUSES_PASS_FIRST
    lines = [_table_line("ops", *(f"{s.symbol} {s.name}" for s in statuses), *(f"samples {name}" for name in SHARES))]
    lines.append(_table_line("---", *("---:" for _ in statuses), *("---:" for _ in SHARES)))
    for t in matrix.totals():
        counts = [number(t.ops.get(s.name, 0)) for s in statuses]
        fractions = (f"{t.passed:,}/{of:,} ({part})" for of, part in zip((t.total, t.arrived), shares(t), strict=True))
        lines.append(_table_line(f"{t.column.backend} {t.column.mode}", *counts, *fractions))
    return [*lines, "", *_severities(matrix)]


def _severities(matrix: Matrix) -> list[str]:
    """A table of the plain calls that are right and of how bad the red is, one column per column of the matrix."""
    calls = [[name, *found] for name, found in plain_shares(matrix)]
    found = severity_counts(matrix)
    red = [[f"{s.symbol}{g.symbol} {s.name} {g.words}", *map(number, counts)] for s, g, counts in found]
    if not calls and not red:
        return [NO_PLAIN_CALLS]
    heads = [f"{column.backend} {column.mode}" for column in matrix.columns]
    lines = [_table_line("ops", *heads), _table_line("---", *("---:" for _ in heads))]
    return [*lines, *(_table_line(*line) for line in (*calls, *red)), *([] if calls else ["", NO_PLAIN_CALLS])]


def _causes(found: Sequence[Clusters]) -> list[str]:
    """The verdict of each backend, and a table of its worst causes; nothing if nothing fails."""
    lines = ["## Causes", ""]
    for of in found:
        if of.clusters:
            heads = ("cause", "ops", "cells", "samples", "plain calls", "run it")
            lines += [_escaped(verdict(of.counted)), "", _table_line(*heads), _table_line("---", *["---:"] * 4, "---")]
            lines += [_table_line(*_cause(cluster)) for cluster in of.clusters[:_CAUSES]]
            more = len(of.clusters) - _CAUSES
            lines += ["", f"{more:,} more: `opcov clusters --backend {of.backend}`"] if more > 0 else []
            lines.append("")
    return lines if len(lines) > 2 else []


def _cause(cluster: Cluster) -> list[str]:
    counts = (len(cluster.ops), len(cluster.cells), cluster.samples, len(cluster.plain))
    signs = f"{cluster.status.symbol}{cluster.severity.symbol}"
    return [f"{signs} {_escaped(cluster.says)}", *map(number, counts), f"`{cluster.repro or cluster.explain}`"]


def _legend() -> list[str]:
    lines = ["| | | |", "|---|---|---|"]
    lines += [f"| {s.symbol} | {s.name} | {s.meaning} |" for s in STATUSES]
    lines += [f"| {grade.symbol} | {grade.name} | red {only(grade)} |" for grade in GRADES]
    lines += [f"| {DECOMPOSED} | | {DECOMPOSED_MEANING} |"]
    return [*lines, f"| n/m | | {FRACTION_MEANING} |"]


def _table_line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("`", "'")
