"""A diff as a section of the HTML report of the second run: what the template `diff.html` and the script show of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.text import clip, plural
from reports.answers.diff.diff import Diff
from reports.answers.diff.example import Example, example
from reports.answers.diff.group import Group
from reports.answers.diff.transition import KINDS, Kind, Transition
from reports.fold.cell import Column

from .words import (
    MEANINGS,
    SIDES,
    TITLES,
    about,
    causes,
    cells_and_ops,
    count_words,
    first_line,
    heading,
    left_out,
    names,
    notes,
)

SHOWN = 60
"""The most groups of a kind that the report shows."""
_LONGEST = 400
"""The most characters of a line that quotes a journal."""


@dataclass(frozen=True, slots=True)
class Row:
    """One group as the section shows it; `link` is the cell of its example, as the page's address names it."""

    heading: str
    was: str
    now: str
    ops: str
    example: Example
    call: str
    before: str
    after: str
    link: str


@dataclass(frozen=True, slots=True)
class Block:
    """The groups of one kind, and how many of them are left out."""

    kind: Kind
    title: str
    meaning: str
    counts: str
    rows: tuple[Row, ...]
    more: int


@dataclass(frozen=True, slots=True)
class Section:
    """The section: its verdict, the two runs in three texts each, notes, groups by kind, what was left out.

    `changes` has, by op and column, the kind of the most alarming change of any dtype, and in words how many cells and
    samples changed so.
    """

    verdict: str
    runs: tuple[tuple[str, str, str], ...]
    notes: tuple[str, ...]
    compared: str
    blocks: tuple[Block, ...]
    left_out: tuple[str, ...]
    changes: Mapping[tuple[str, Column], tuple[Kind, str]]


def section(found: Diff) -> Section:
    """Read the section of a diff; the examples are read from the journals."""
    seen = found.coverage
    return Section(
        verdict=first_line(found),
        runs=tuple((name, *about(side)) for name, side in zip(SIDES, (found.before, found.after), strict=True)),
        notes=tuple(notes(found)),
        compared=f"{plural(seen.samples, 'sample')} in {plural(seen.cells, 'cell')} that both runs have",
        blocks=tuple(_block(found, kind) for kind in KINDS if any(g.transition.kind == kind for g in found.groups)),
        left_out=tuple(left_out(found)),
        changes=_changes(found),
    )


def _block(found: Diff, kind: Kind) -> Block:
    groups = [group for group in found.groups if group.transition.kind == kind]
    total = found.count(kind)
    return Block(
        kind=kind,
        title=f"{TITLES[kind]}: {cells_and_ops(total.cells, total.ops)}",
        meaning=MEANINGS[kind],
        counts=count_words(found, kind),
        rows=tuple(_row(found, group) for group in groups[:SHOWN]),
        more=max(len(groups) - SHOWN, 0),
    )


def _row(found: Diff, group: Group) -> Row:
    shown = example(found, group)
    return Row(
        heading=heading(group),
        was=clip(causes(group.was), _LONGEST),
        now=clip(causes(group.now), _LONGEST),
        ops=names(group.ops, 12) if len(group.ops) > 1 else "",
        example=shown,
        call=clip(shown.call or f"{shown.cell.op}, without a sample", _LONGEST),
        before=clip(shown.before, _LONGEST),
        after=clip(shown.after, _LONGEST),
        link=",".join(shown.cell[:3]),
    )


def _changes(found: Diff) -> Mapping[tuple[str, Column], tuple[Kind, str]]:
    worst: dict[tuple[str, Column], Transition] = {}
    samples: dict[tuple[str, Column, str], int] = {}
    for changed in found.cells:
        place = (changed.cell.op, Column(changed.cell.backend, changed.cell.mode))
        known = worst.get(place)
        if known is None or changed.transition.rank < known.rank:
            worst[place] = changed.transition
        for change in changed.changes:
            key = (*place, change.transition.name)
            samples[key] = samples.get(key, 0) + 1
    return {
        place: (found.kind, f"{found.name}: {plural(samples[(*place, found.name)], 'sample')}")
        for place, found in worst.items()
    }
