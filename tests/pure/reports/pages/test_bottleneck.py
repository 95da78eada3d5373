"""The pictures of the bottleneck show what the answer says."""

from __future__ import annotations

import pytest

from reports.answers.bottleneck.bottleneck import Narrows, bottleneck
from reports.pages import bottleneck as page
from reports.pages.html import render
from tests.synthetic import index, whole_index

FOUND = bottleneck([whole_index()], ())
SECTION = page.section(whole_index(), ())


def shares(line: page.Line) -> list[float]:
    """The heights of a line's points as shares of the height that stands for all."""
    return [(page.HEIGHT - page.EDGE - spot.y) / (page.HEIGHT - 2 * page.EDGE) for spot in line.spots]


def ops(line: page.Line, most: int) -> list[float]:
    """The places of a line's points as numbers of ops."""
    return [(spot.x - page.EDGE) / (page.WIDTH - 2 * page.EDGE) * most for spot in line.spots]


def default() -> Narrows:
    (narrows,) = FOUND.roads
    return narrows


def test_the_curve_from_nothing_and_where_each_backend_is_on_it() -> None:
    nothing, _ = SECTION.pictures
    curve = default().curve
    (line,) = nothing.lines
    assert shares(line) == pytest.approx(
        [n / curve.total for n in (curve.start, *(n for _, n in curve.steps))], abs=1e-3
    )
    assert ops(line, nothing.ops) == pytest.approx(range(len(curve.steps) + 1), abs=0.05)
    for mark, standing in zip(nothing.marks, default().standings, strict=True):
        share = standing.right / standing.next.total
        assert (mark.name, shares(mark)) == (standing.backend, pytest.approx([share], abs=1e-3))
        (place,) = ops(mark, nothing.ops)
        reached = [curve.start, *(whole for _, whole in curve.steps)]
        assert reached[round(place)] >= share * curve.total > (reached[round(place) - 1] if place > 0.5 else -1)


def test_what_each_backend_gains_by_its_next_ops() -> None:
    _, nexts = SECTION.pictures
    assert [line.name for line in nexts.lines] == ["linalg", "stablehlo", "tosa"]
    for line, standing in zip(nexts.lines, default().standings, strict=True):
        of = standing.next
        assert shares(line) == pytest.approx([n / of.total for n in (of.start, *(n for _, n in of.steps))], abs=1e-3)
        assert [spot.title.split(": ")[0] for spot in line.spots[1:2]] == [f"1 op, {op}" for op, _ in of.steps[:1]]


def test_the_report_has_the_pictures_and_the_tables() -> None:
    text = render(whole_index())
    assert text.count("<polyline") == 1 + len(default().standings)
    assert "What the surface reduces to" in text
    assert "torch-mlir: ops lowered, from nothing" in text
    assert "<polyline" not in render(index([]))
