"""A diff as Markdown for a comment on a pull request: capped in size, with the groups folded."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence

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
    notes,
)
from .words import names as listed

LARGEST = 60_000
"""The most characters of a comment; GitHub takes 65,536."""
_LINE = 500
"""The most characters of a line that quotes a journal."""
_SHARES: dict[Kind, float] = {"worse": 0.6, "undecided": 0.75, "changed": 0.85, "better": 1.0}
"""Up to which share of the comment the groups of a kind may fill it, so that none takes all room."""


def as_markdown(found: Diff, largest: int = LARGEST) -> str:
    """Write a diff in at most `largest` characters; what is cut for it is said, and how many cells it has."""
    head = "\n".join(_head(found))
    tail = "\n".join(["#### Left out", "", *(f"- {_plain(line)}" for line in left_out(found))])
    room = largest - len(head) - len(tail) - 2
    parts: list[str] = []
    for kind in KINDS:
        groups = [group for group in found.groups if group.transition.kind == kind]
        if groups:
            total = found.count(kind)
            title = f"#### {TITLES[kind]}: {cells_and_ops(total.cells, total.ops)}\n\n{MEANINGS[kind]}\n"
            parts.append(_filled(title, found, groups, int(room * _SHARES[kind]) - sum(map(len, parts)), largest))
    return "\n".join([head, *parts, tail]) + "\n"


def _filled(title: str, found: Diff, groups: Sequence[Group], room: int, largest: int) -> str:
    """The title and as many groups as there is room for, with a line on those that are cut."""
    lines, used = [title], len(title) + 200
    for number, group in enumerate(groups):
        text = "\n".join(_group(group, example(found, group)))
        if used + len(text) > room:
            cells = {cell for cut in groups[number:] for cell in cut.cells}
            cut = f"{plural(len(groups) - number, 'more group')} with {plural(len(cells), 'cell')}"
            lines.append(f"**Cut: {cut}**, to stay within {largest:,} characters. `opcov diff --all` shows all.\n")
            break
        lines.append(text)
        used += len(text) + 1
    return "\n".join(lines)


def _head(found: Diff) -> Iterator[str]:
    yield f"### {first_line(found)}"
    yield ""
    yield from ("| | run | compiler |", "|---|---|---|")
    for name, side in zip(SIDES, (found.before, found.after), strict=True):
        run, compilers = about(side)
        yield f"| {name} | {_plain(run)} | {_plain(compilers)} |"
    yield ""
    yield from (line for note in notes(found) for line in (f"> **{_plain(note)}**", ""))
    seen = found.coverage
    yield f"Compared {plural(seen.samples, 'sample')} in {plural(seen.cells, 'cell')} that both runs have."
    yield ""
    yield from ("| | cells (ops) | |", "|---|---:|---|")
    for kind in KINDS:
        total = found.count(kind)
        yield f"| {kind} | {total.cells:,} ({total.ops:,}) | {_plain(count_words(found, kind))} |"
    yield ""


def _group(group: Group, shown: Example) -> Iterator[str]:
    yield f"<details><summary>{html.escape(f'{heading(group)}: {listed(group.ops, 3)}')}</summary>"
    yield ""
    lines = [f"was {causes(group.was)}", f"now {causes(group.now)}"]
    lines += [listed(group.ops, 12)] if len(group.ops) > 3 else []
    lines += ["", shown.call or f"{shown.cell.op}, without a sample", f"A: {shown.before}", f"B: {shown.after}"]
    yield from ("```text", *(_quoted(line) for line in lines), "```")
    yield from (("```sh", *shown.repros, "```") if shown.repros else ())
    yield from ("", "</details>", "")


def _quoted(line: str) -> str:
    """A line that ends no code block."""
    return clip(line.replace("```", "'''"), _LINE)


def _plain(text: str) -> str:
    """Text that is no markup, and ends no cell of a table."""
    return clip(html.escape(text, quote=False).replace("|", "\\|").replace("`", "'"), _LINE)
