"""Points of a picture in the report, in pixels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mark:
    """A point of a picture: where it is, in pixels, and what it says."""

    x: float
    y: float
    title: str


def polyline(marks: Iterable[Mark]) -> str:
    """The points of the line through all marks, as SVG has them."""
    return " ".join(f"{mark.x:g},{mark.y:g}" for mark in marks)
