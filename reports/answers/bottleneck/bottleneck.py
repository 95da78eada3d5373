"""The bottleneck of each road: what the surface reduces to, how far each backend is, and what it has to add."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.cases.road import Road
from harness.cases.sample import MODES
from harness.text import as_table, plural, share
from reports.fold.programs import RIGHT
from reports.index.index import Index

from . import alone as alone_
from . import choice as choice_
from . import cover as cover_
from . import futures as futures_
from . import reduction
from .alone import STATES, Alone, alone
from .choice import Choice, choice
from .cover import Cover, covers
from .curve import SHOWN, Curve, greedy, needs
from .futures import DIRECT, Future, futures
from .surface import Surface, columns, count, surface

CURVE_LEGEND = (
    "Counted: samples of the census, static and dynamic, excluded ones aside. From nothing: whole once all ops at the\n"
    "contract are lowered. Next: whole once all that is missed is mended, see below. Greedy: each time the op that\n"
    "makes most programs whole, then the one that most wait for; another order may be better."
)

_WIDTH = 116
"""The longest line, in characters."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a backend is: by mode what it lowers alone, how many programs are right, what to lower next."""

    backend: str
    alone: Mapping[str, Alone]
    both: Alone
    right: int
    next: Curve

    def json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {
            "alone": {mode: of.json() for mode, of in self.alone.items()},
            "right_alone_in_all_modes": sorted(self.both.ops("right")),
            "right": self.right,
            "programs": self.next.total,
            "next": self.next.json(),
        }


@dataclass(frozen=True, slots=True)
class Narrows:
    """The bottleneck of one road: the curve from nothing, and where each backend stands and what it has to add."""

    name: str
    curve: Curve
    standings: tuple[Standing, ...]
    covers: tuple[Cover, ...]
    futures: tuple[Future, ...]

    def json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {
            "curve": self.curve.json(),
            "backends": {standing.backend: standing.json() for standing in self.standings},
            "covers": [cover.json() for cover in self.covers],
            "futures": [future.json() for future in self.futures],
        }


@dataclass(frozen=True, slots=True)
class Bottleneck:
    """The surface of some journals, the bottleneck of each of its roads, and what a choice between levels needs."""

    surface: Surface
    roads: tuple[Narrows, ...]
    choices: tuple[Choice, ...]

    def text(self, limit: int | None) -> str:
        """All in five blocks, each with how it was counted; `limit` is the most ops of a set that are named."""
        if not self.roads:
            return "the journals have no samples"
        again = self.surface.left_out
        left_out = f"left out, since an earlier journal has them: {plural(again, 'op')} on a road, in a mode"
        sets = map(_folded, (*self._curves(), *self._covers(limit)))
        blocks = [*self._reduction(), *self._alone(), *sets, *self._futures()]
        return "\n".join([*blocks, *([left_out] if again else [])])

    def json(self) -> dict[str, Any]:
        """The same as JSON values; shares are given as numbers of programs."""
        of = self.surface
        reduced = [reduction.reductions(of.programs[road]) for road in of.roads]
        return {
            "roads": {
                narrows.name: {"reduces": {name: each.json() for name, each in rows.items()}, **narrows.json()}
                for narrows, rows in zip(self.roads, reduced, strict=True)
            },
            "any_level": [choice.json() for choice in self.choices],
            "left_out": of.left_out,
        }

    def _reduction(self) -> Iterator[str]:
        named = {road: narrows.name for road, narrows in zip(self.surface.roads, self.roads, strict=True)}
        yield from ("What the surface reduces to", "", reduction.text(self.surface, named), reduction.LEGEND, "")

    def _alone(self) -> Iterator[str]:
        rows = [
            [narrows.name, standing.backend, mode, *of.row]
            for narrows in self.roads
            for standing in narrows.standings
            for mode, of in standing.alone.items()
        ]
        heads = ["level", "backend", "mode", "ops", *STATES, "whole"]
        yield from ("What of it each backend lowers right alone", "", as_table(rows, heads), alone_.LEGEND, "")

    def _curves(self) -> Iterator[str]:
        yield from ("Ops lowered against share of the surface that is right", "")
        for narrows in self.roads:
            curve = narrows.curve
            yield f"{narrows.name}: from nothing, ops for a share of {plural(curve.total, 'program')}: {curve.marks()}"
            yield f"  the first {min(SHOWN, len(curve.steps))}: {curve.first()}"
            for standing in narrows.standings:
                yield from _standing(standing, curve)
        yield from (CURVE_LEGEND, "")

    def _covers(self, limit: int | None) -> Iterator[str]:
        yield from ("What a backend has to add to cover", "")
        for narrows in self.roads:
            yield from (f"{narrows.name}, {cover.backend}: {cover.line(limit)}" for cover in narrows.covers)
        yield cover_.LEGEND
        if self.choices:
            yield from ("", *(choice.line(limit) for choice in self.choices), choice_.LEGEND)
        yield ""

    def _futures(self) -> Iterator[str]:
        yield from ("Future A (through a cascade) beside Future B (linalg directly)", "")
        rows = [[narrows.name, *future.row] for narrows in self.roads for future in narrows.futures]
        none = f"no journal has {DIRECT} beside a cascade: measure with `pytest op_suites --cascades`"
        heads = ["level", "by way of", "mode", "right", "share", "at most"]
        yield from (as_table(rows, heads), futures_.LEGEND) if rows else (none,)


def _folded(text: str) -> str:
    """The lines of a text, those that are too long for a screen continued further in; an op keeps its share."""
    lines = (re.sub(r" (?=%|[\d.]+ %)", "\u00a0", line) for line in text.split("\n"))
    return "\n".join(_filled(line) for line in lines).replace("\u00a0", " ")


def _filled(line: str) -> str:
    depth = len(line) - len(line.lstrip())
    deeper = " " * (depth + 4)
    return textwrap.fill(line, _WIDTH, subsequent_indent=deeper, break_long_words=False, break_on_hyphens=False)


def _standing(of: Standing, curve: Curve) -> Iterator[str]:
    """Where a backend is on the curve of a road, and what it should lower next."""
    total = of.next.total
    place = curve.reach(of.right / total * curve.total) if total else 0
    at = f"as with the first {place} of {len(curve.steps)} ops" if place is not None else "off the curve"
    yield (
        f"  {of.backend} today: {share(of.right, total)} of {plural(total, 'program')}, {at};"
        f" right alone in all modes: {plural(len(of.both.ops('right')), 'op')}"
    )
    if of.next.steps:
        yield f"    next {min(SHOWN, len(of.next.steps))} of {len(of.next.steps)}: {of.next.first()}"


def bottleneck(indexes: Iterable[Index], cascades: Collection[str]) -> Bottleneck:
    """The bottleneck of each road that these journals have; of the same op on a road, the first journal counts."""
    of = surface(indexes)
    several = [levels for levels in of.samples if len({program.road.level for program in levels}) > 1]
    backends = columns((program for levels in several for program in levels), apart=cascades)
    choices = tuple(choice(of.samples, backend) for backend in backends)
    return Bottleneck(of, tuple(_narrows(of, road, cascades) for road in of.roads), choices)


def _narrows(of: Surface, road: Road, cascades: Collection[str]) -> Narrows:
    programs = of.programs[road]
    backends = columns(programs, apart=cascades)
    through = ((program.ops, program.count) for program in programs if program.reaches)
    middle = [name for name in columns(programs) if name in cascades]
    return Narrows(
        named(road),
        greedy(needs(through), count(programs)),
        tuple(_stands(of, road, backend) for backend in backends),
        covers(programs, backends),
        futures(programs, middle) if middle else (),
    )


def _stands(of: Surface, road: Road, backend: str) -> Standing:
    programs = [program for program in of.programs[road] if backend in program.ends]
    shown = of.shown.get(road, ())
    modes = [mode for mode in MODES if any(program.mode == mode for program in programs)]
    missed = (
        (program.ends[backend].misses, program.count)
        for program in programs
        if program.ends[backend].how == RIGHT or program.ends[backend].misses
    )
    return Standing(
        backend,
        {mode: alone(programs, shown, backend, (mode,)) for mode in modes},
        alone(programs, shown, backend, modes),
        count(program for program in programs if program.ends[backend].how == RIGHT),
        greedy(needs(missed), count(programs)),
    )


def named(road: Road) -> str:
    """How a road is called where levels are compared: `torch-mlir`, `prims`, `dynamo-vmap`."""
    return str(road) or road.level
