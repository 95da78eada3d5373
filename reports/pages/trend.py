"""The trend of each backend as a small chart: one point a recorded run, evenly spaced, the oldest compiler first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.text import plural, share
from reports.answers.trend import Point, Trend

from .marks import Mark, polyline

WIDTH, HEIGHT, EDGE = 200, 40, 5
"""The size of a chart and the room around its points, in pixels."""
_LEAST = 0.02
"""The least range of shares that the height of a chart stands for: a smaller change must not look like a large one."""


@dataclass(frozen=True, slots=True)
class Chart:
    """The chart of one backend; `said` has its first and last value in words."""

    backend: str
    said: str
    marks: tuple[Mark, ...]

    @property
    def line(self) -> str:
        """The points of the line through all marks, as SVG has them."""
        return polyline(self.marks)


def charts(trends: Sequence[Trend]) -> tuple[Chart, ...]:
    """One chart a trend."""
    return tuple(map(_chart, trends))


def heading(trends: Sequence[Trend]) -> str:
    """What the charts show, in words: `Right samples in 3 recorded runs, of torch-mlir 20260901 to ...`."""
    points = trends[0].points
    first, last = points[0].run, points[-1].run
    span = f"{first.label} ({first.date}) to {last.label} ({last.date})"
    return f"Right samples in {plural(len(points), 'recorded run')}: {span}"


def _chart(trend: Trend) -> Chart:
    shares = [point.share for point in trend.points]
    middle, half = (max(shares) + min(shares)) / 2, max(max(shares) - min(shares), _LEAST) / 2
    step = (WIDTH - 2 * EDGE) / (len(shares) - 1)
    height = HEIGHT - 2 * EDGE
    marks = [
        Mark(
            round(EDGE + number * step, 1),
            round(EDGE + height * (0.5 - (point.share - middle) / (2 * half)), 1),
            f"{_said(point)} right: {point.run.label}, {point.run.date}",
        )
        for number, point in enumerate(trend.points)
    ]
    return Chart(trend.backend, f"{_said(trend.points[0])} → {_said(trend.points[-1])}", tuple(marks))


def _said(point: Point) -> str:
    return share(point.passed, point.total)
