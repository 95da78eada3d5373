"""`opcov diff`: compare two journals by the samples that both have; exit status 1 if anything is worse."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness.errors import Exit
from reports.answers.diff.diff import diff
from reports.answers.diff.side import Side
from reports.pages.diff.text import as_text

from .arguments import open_index


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the two journals, and how much of the answer to print in which format."""
    parser.add_argument("before", type=Path, metavar="A", help="the journal to compare with")
    parser.add_argument("after", type=Path, metavar="B", help="the journal that may be worse")
    parser.add_argument("--all", action="store_true", help="show all groups of changes")


def run(options: argparse.Namespace) -> Exit:
    """Print what changed from A to B; the status is `Exit.FOUND` if a cell is worse. Raises BadJournal."""
    found = diff(*(Side(open_index(path), str(path)) for path in (options.before, options.after)))
    print(as_text(found, every=options.all))
    return Exit.FOUND if found.is_worse else Exit.OK
