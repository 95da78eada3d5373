"""`opcov diff`: compare two journals by the samples that both have; exit status 1 if anything is worse."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness.errors import BadJournal, Exit
from reports.answers.diff.choice import choice
from reports.answers.diff.diff import Diff, diff
from reports.answers.diff.side import Side
from reports.pages.diff.formats import FORMATS, render

from .arguments import add_where, open_index


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the two journals, and which samples to compare, how much of the answer to print and in which format."""
    parser.add_argument("before", type=Path, metavar="A", help="the journal to compare with")
    parser.add_argument("after", type=Path, metavar="B", help="the journal that may be worse")
    parser.add_argument("--format", choices=FORMATS, default="text")
    parser.add_argument("--all", action="store_true", help="show all groups of changes (text)")
    add_where(parser)


def run(options: argparse.Namespace) -> Exit:
    """Print what changed from A to B; `--json` means `--format json`. The status is `Exit.FOUND` if a cell is worse.

    Raises BadJournal, also if the two have no sample in common: then it has printed what either has.
    """
    found = compare(options.before, options.after, options.where)
    print(render(found, "json" if options.json else options.format, every=options.all))
    if not found.coverage.cells:
        raise BadJournal(
            f"{options.before} and {options.after} have no sample in common",
            hint="compare runs of the same profile and seed",
        )
    return Exit.FOUND if found.is_worse else Exit.OK


def compare(before: Path, after: Path | None, where: str = "") -> Diff:
    """What changed between two journals, the second by default that of the last run, in the samples of a query.

    Raises BadJournal; BadQuery, UnknownName and NothingSelected for the query.
    """
    one, other = Side(open_index(before), str(before)), Side(open_index(after), str(after or ""))
    return diff(one, other, chosen=choice(one.index, other.index, where) if where else None)
