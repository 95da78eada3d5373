"""The matrix as data for other programs: CSV and JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from reports.fold.cell import Cell, Column
from reports.fold.matrix import Matrix, by_alarm
from reports.fold.provenance import provenance
from reports.fold.status import CRASH, STATUSES, WRONG
from reports.index.index import Run

from .pieces import OUTCOME_NAMES


def as_csv(matrix: Matrix) -> str:
    """Write the matrix as CSV, one line per cell; an op that never ran in a column has one line without a dtype."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    heads = ["op", "family", "backend", "mode", "dtype", "status", "passed", "total", "reached", "share"]
    writer.writerow([*heads, "severity", "plain", *OUTCOME_NAMES, "decomposed"])
    for row in matrix.rows:
        for joined in row.cells:
            for cell in joined.by_dtype or (joined,):
                counts = [cell.counts.get(name, 0) for name in OUTCOME_NAMES]
                decomposed = "" if cell.decomposed is None else str(cell.decomposed).lower()
                start = [row.op, row.family, cell.backend, cell.mode, cell.dtype or ""]
                figures = [cell.status.name, cell.passed, cell.total, cell.arrived, _share(cell)]
                figures += [cell.severity.name if cell.severity else "", cell.plain or ""]
                writer.writerow([*start, *figures, *counts, decomposed])
    return out.getvalue()


def _share(cell: Cell) -> str:
    return "" if cell.share is None else f"{cell.share:.4g}"


def as_json(matrix: Matrix, run: Run) -> dict[str, Any]:
    """Return the matrix as JSON values: the run's header, toolchains and footer, statuses, columns, ops and totals."""
    return {
        "header": dict(run.header),
        "toolchains": [dict(line) for line in run.toolchains],
        "footer": dict(run.footer) if run.footer is not None else None,
        "complete": run.complete,
        "notes": list(provenance(run, matrix).notes),
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
            _column_json(t.column)
            | {"ops": _in_order(t.ops), "cells": _in_order(t.cells), "samples": dict(t.samples)}
            | {"passed": t.passed, "total": t.total, "reached": t.arrived}
            | {"plain": asdict(t.plain), "wrong": dict(t.red(WRONG)), "crash": dict(t.red(CRASH))}
            for t in matrix.totals()
        ],
        "control": dict(matrix.control),
        "control_aside": matrix.control_aside,
    }


def _column_json(column: Column) -> dict[str, Any]:
    return {"backend": column.backend, "mode": column.mode}


def _in_order(counts: Mapping[str, int]) -> dict[str, int]:
    return {status.name: count for status, count in by_alarm(counts)}


def _cell_json(cell: Cell) -> dict[str, Any]:
    """A cell of one dtype, or a joined cell with its cells by dtype."""
    facts = {
        "status": cell.status.name,
        "worst": cell.worst,
        "passed": cell.passed,
        "total": cell.total,
        "reached": cell.arrived,
        "share": cell.share,
        "counts": dict(cell.counts),
        "severity": cell.severity.name if cell.severity else None,
        "severities": {outcome: dict(counts) for outcome, counts in cell.severities.items()},
        "plain": cell.plain,
        "decomposed": cell.decomposed,
    }
    if cell.dtype is not None:
        return {"dtype": cell.dtype, **facts}
    return {"backend": cell.backend, "mode": cell.mode, **facts, "dtypes": [_cell_json(part) for part in cell.by_dtype]}
