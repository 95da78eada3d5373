from __future__ import annotations

import pytest

from reports.fold.matrix import Matrix
from reports.fold.status import STATUSES
from reports.index.index import Index
from reports.pages.formats import render
from reports.pages.summary import summary


@pytest.mark.parametrize("width", [80, 100, 120, 200])
def test_text_fits_its_width(whole: tuple[Matrix, Index], width: int) -> None:
    for text in (render(whole[0], whole[1], "text", width=width), summary(*whole, width)):
        long = [
            line for line in text.splitlines() if len(line) > width and "opcov" not in line and line[0] not in "✗▲!◐"
        ]
        assert not long, long


def test_text_names_every_op_and_status(whole: tuple[Matrix, Index]) -> None:
    matrix, made = whole
    text = render(matrix, made)
    joined = text.replace("\n└ ", "")
    for row in matrix.rows:
        assert row.op in joined
    for status in STATUSES:
        assert f"{status.symbol} {status.name}: {status.meaning}" in text
    assert "aten.gelu.default ~" in text
    assert "control: 100 % Passed" in text
    assert "POOLING (4)" in text
