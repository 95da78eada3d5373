"""What the HTML report shows of the bottleneck: two pictures of each level, and the tables as text.

The first picture is the curve from nothing, with each backend where it is today; the second has of each backend what it
gains by the ops that it should lower next. The height is the share of the surface, from nothing to all.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from harness.text import plural, share
from reports.answers.bottleneck.bottleneck import Narrows, bottleneck
from reports.answers.bottleneck.curve import Curve
from reports.index.index import Index

from .marks import Mark, polyline

WIDTH, HEIGHT, EDGE = 420, 220, 26
"""The size of a picture and the room around its curves, in pixels."""
SIZE = (WIDTH, HEIGHT, EDGE)
GRID = tuple((percent, HEIGHT - EDGE - percent / 100 * (HEIGHT - 2 * EDGE)) for percent in (0, 25, 50, 75, 100))
"""The percentages that have a line across a picture, each with its height in pixels."""


@dataclass(frozen=True, slots=True)
class Line:
    """A curve with its name; `spots` are the points that can be pointed at."""

    name: str
    spots: tuple[Mark, ...]

    @property
    def points(self) -> str:
        """The points of the line, as SVG has them."""
        return polyline(self.spots)


@dataclass(frozen=True, slots=True)
class Picture:
    """Curves over the number of ops, at most `ops`, and single spots, each with a name."""

    title: str
    ops: int
    lines: tuple[Line, ...]
    marks: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """The pictures of each level, and the tables."""

    pictures: tuple[Picture, ...]
    text: str


def section(index: Index, cascades: Collection[str]) -> Section:
    """What the report shows of a journal's bottleneck."""
    found = bottleneck([index], cascades)
    return Section(tuple(picture for each in found.roads for picture in _pictures(each)), found.text(None))


def _pictures(of: Narrows) -> tuple[Picture, Picture]:
    whole = max(len(of.curve.steps), 1)
    marks = []
    for standing in of.standings:
        place = of.curve.reach(standing.right / max(standing.next.total, 1) * of.curve.total)
        if place is not None:
            said = f"{standing.backend} today: {share(standing.right, standing.next.total)}"
            spot = _spot(place, whole, standing.right, standing.next.total, said)
            marks.append(Line(standing.backend, (spot,)))
    most = max((len(standing.next.steps) for standing in of.standings), default=1) or 1
    nexts = tuple(Line(standing.backend, _spots(standing.next, most)) for standing in of.standings)
    nothing = Line("", _spots(of.curve, whole))
    return (
        Picture(f"{of.name}: ops lowered, from nothing", whole, (nothing,), tuple(marks)),
        Picture(f"{of.name}: ops lowered next", most, nexts),
    )


def _spots(of: Curve, most: int) -> tuple[Mark, ...]:
    first = _spot(0, most, of.start, of.total, f"{share(of.start, of.total)} without any")
    steps = (
        _spot(place, most, whole, of.total, f"{plural(place, 'op')}, {op}: {share(whole, of.total)}")
        for place, (op, whole) in enumerate(of.steps, 1)
    )
    return first, *steps


def _spot(ops: int, most: int, whole: int, total: int, title: str) -> Mark:
    """The point of a number of ops, of at most so many, with which so many of all programs are whole."""
    x = EDGE + ops / most * (WIDTH - 2 * EDGE)
    y = HEIGHT - EDGE - (whole / total if total else 0) * (HEIGHT - 2 * EDGE)
    return Mark(round(x, 1), round(y, 1), title)
