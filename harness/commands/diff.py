"""`opcov diff`: compare two journals by the samples that both have; exit status 1 if anything is worse."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness.errors import BadJournal, Exit
from reports.answers.diff.diff import diff
from reports.answers.diff.side import Side
from reports.pages.diff.formats import FORMATS, render

from .arguments import open_index


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the two journals, and how much of the answer to print in which format."""
    parser.add_argument("before", type=Path, metavar="A", help="the journal to compare with")
    parser.add_argument("after", type=Path, metavar="B", help="the journal that may be worse")
    parser.add_argument("--format", choices=FORMATS, default="text")
    parser.add_argument("--all", action="store_true", help="show all groups of changes (text)")


def run(options: argparse.Namespace) -> Exit:
    """Print what changed from A to B; `--json` means `--format json`. The status is `Exit.FOUND` if a cell is worse.

    Raises BadJournal, also if the two have no sample in common: then it has printed what either has.
    """
    found = diff(*(Side(open_index(path), str(path)) for path in (options.before, options.after)))
    print(render(found, "json" if options.json else options.format, every=options.all))
    if not found.coverage.cells:
        raise BadJournal(
            f"{options.before} and {options.after} have no sample in common",
            hint="compare runs of the same profile and seed",
        )
    return Exit.FOUND if found.is_worse else Exit.OK
