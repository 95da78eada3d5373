"""`opcov todo`: rank what to mend or to lower next on a backend by what passes once the culprit is mended."""

from __future__ import annotations

import argparse

from harness.errors import Exit
from reports.answers.todo import todo
from reports.fold.failures import FOLD

from .arguments import add_journal, open_index, print_answer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the backend, how many entries to list, and the journal."""
    parser.add_argument("--backend", required=True)
    parser.add_argument("--limit", type=int, default=20, metavar="N", help="the most entries; 0 for all (20)")
    add_journal(parser)


def run(options: argparse.Namespace) -> Exit:
    """Print the ranking; raises BadJournal, and UnknownName if the journal has no such backend."""
    index = open_index(options.journal, options.where, (FOLD,))
    ranking = todo(index, options.backend)
    print_answer(options, text=lambda: ranking.text(limit=options.limit or None), data=ranking.json, index=index)
    return Exit.OK
