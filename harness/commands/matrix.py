"""`opcov matrix`: print the coverage matrix of a journal."""

from __future__ import annotations

import argparse

from harness.errors import Exit
from harness.records.journal_file import read
from reports.fold.matrix import fold
from reports.pages.formats import render

from .arguments import add_journal

NAME = "matrix"
HELP = "the coverage matrix as text, Markdown or CSV"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the format and the journal."""
    parser.add_argument("--format", choices=("text", "markdown", "csv", "json"), default="text")
    add_journal(parser)


def run(options: argparse.Namespace) -> Exit:
    """Print the matrix in the format asked for; `--json` means `--format json`. Raises BadJournal."""
    journal = read(options.journal)
    print(render(fold(journal), journal, "json" if options.json else options.format))
    return Exit.OK
