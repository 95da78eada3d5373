"""`opcov matrix`: print the coverage matrix of a journal."""

from __future__ import annotations

import argparse

from harness.errors import Exit
from reports.fold.matrix import FOLD, load
from reports.pages.formats import render
from reports.pages.pieces import ASIDES

from .arguments import add_journal, open_index


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the format and the journal."""
    parser.add_argument("--format", choices=("text", "markdown", "csv", "json"), default="text")
    add_journal(parser)


def run(options: argparse.Namespace) -> Exit:
    """Print the matrix in the format asked for; `--json` means `--format json`. Raises BadJournal."""
    index = open_index(options.journal, options.where, (FOLD, *ASIDES))
    print(render(load(index), index, "json" if options.json else options.format))
    return Exit.OK
