from __future__ import annotations

import csv
import io
import json

from harness.records.outcome import Outside
from reports.fold.matrix import Matrix
from reports.fold.status import STATUSES
from reports.index.index import Index
from reports.pages.formats import render
from tests.synthetic import everything


def test_csv_has_a_line_per_cell_and_adds_up(whole: tuple[Matrix, Index]) -> None:
    matrix, made = whole
    lines = list(csv.DictReader(io.StringIO(render(matrix, made, "csv"))))
    census = [r for r in everything() if not r.minimised and r.backend != "control"]
    outside = sum(isinstance(r.outcome, Outside) for r in census)
    assert sum(int(line["total"]) for line in lines) == len(census) - outside
    assert sum(int(line["Outside"]) for line in lines) == outside == 1
    assert {line["status"] for line in lines} <= {s.name for s in STATUSES}


def test_json_is_json_and_complete(whole: tuple[Matrix, Index]) -> None:
    matrix, made = whole
    data = json.loads(render(matrix, made, "json"))
    assert len(data["ops"]) == len(matrix.rows)
    assert data["complete"] is True
    assert [c["backend"] for c in data["columns"][::2]] == ["frontend", "linalg", "tosa", "stablehlo"]
    for totals in data["totals"]:
        assert sum(totals["ops"].values()) == len(matrix.rows)
