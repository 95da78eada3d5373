"""A diff as text for a terminal: the verdict, the two runs, the counts, and the groups with commands to paste."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from harness.text import clip, plural
from reports.answers.diff.diff import Diff
from reports.answers.diff.example import Example, example
from reports.answers.diff.group import Group
from reports.answers.diff.transition import KINDS, Kind

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

SHOWN = {"worse": 6, "undecided": 2, "changed": 2, "better": 2}
"""How many groups of a kind are shown, unless all are asked for."""


def as_text(found: Diff, width: int = 120, *, every: bool = False) -> str:
    """Write a diff in lines of at most `width` characters, except commands and notes; with `every`, all groups."""
    blocks = [first_line(found), "\n".join(_runs(found, width)), "\n".join(_counts(found))]
    for kind in KINDS:
        blocks += _groups(found, kind, width, every)
    lines = [f"- {line}" for line in left_out(found)]
    blocks.append("\n".join(["Left out", *(wrapped for line in lines for wrapped in _wrapped(line, width))]))
    return "\n\n".join(blocks)


def _runs(found: Diff, width: int) -> Iterator[str]:
    for name, side in zip(SIDES, (found.before, found.after), strict=True):
        run, compilers = about(side)
        yield from textwrap.wrap(f"{name}  {run}", width, subsequent_indent="   ")
        yield from textwrap.wrap(f"   {compilers}", width, subsequent_indent="   ")
    yield from (f"! {note}" for note in notes(found))


def _counts(found: Diff) -> Iterator[str]:
    seen = found.coverage
    yield f"Compared {plural(seen.samples, 'sample')} in {plural(seen.cells, 'cell')} that both runs have. Cells (ops):"
    for kind in KINDS:
        total = found.count(kind)
        said = count_words(found, kind)
        yield f"  {kind:9} {total.cells:>6,} ({total.ops:,})" + (f": {said}" if said else "")


def _groups(found: Diff, kind: Kind, width: int, every: bool) -> Iterator[str]:
    groups = [group for group in found.groups if group.transition.kind == kind]
    if not groups:
        return
    total = found.count(kind)
    yield f"{TITLES[kind]}: {cells_and_ops(total.cells, total.ops)}: {MEANINGS[kind]}"
    shown = groups if every else groups[: SHOWN[kind]]
    yield from ("\n".join(_group(group, example(found, group), width)) for group in shown)
    if len(groups) > len(shown):
        yield f"  {plural(len(groups) - len(shown), 'more group')}: --all"


def _group(group: Group, shown: Example, width: int) -> Iterator[str]:
    yield f"  {heading(group)}"
    lines = [f"was {causes(group.was)}", f"now {causes(group.now)}"]
    lines += [names(group.ops)] if len(group.ops) > 1 else []
    lines += [shown.call or f"{shown.cell.op}, without a sample"]
    yield from ("    " + clip(line, width - 4) for line in lines)
    yield from (f"    {command}" for command in shown.repros)


def _wrapped(line: str, width: int) -> list[str]:
    return textwrap.wrap(line, width, subsequent_indent="  ")
