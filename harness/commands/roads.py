"""`opcov roads`: which ops one frontend, transform or level brings through and another does not, and why."""

from __future__ import annotations

import argparse

from harness.errors import Exit, UnknownName
from reports.answers.roads import FOLD, roads
from reports.fold.matrix import FOLD as ROWS

from .arguments import add_journal, open_index, print_answer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the backend, how many obstacles to list, and the journal."""
    parser.add_argument("--backend", metavar="NAME", help="one backend, or the frontend (all)")
    parser.add_argument("--limit", type=int, default=10, metavar="N", help="the most obstacles each; 0 for all (10)")
    add_journal(parser)


def run(options: argparse.Namespace) -> Exit:
    """Print the differences; raises BadJournal, and UnknownName if the journal has no such backend."""
    index = open_index(options.journal, options.where, (FOLD, ROWS))
    known = {backend for backend, _ in index.whole.run.columns}
    if options.backend and options.backend not in known:
        raise UnknownName("backend", options.backend, known)
    found = roads(index, options.backend)
    print_answer(options, text=lambda: found.text(options.limit or None), data=found.json, index=index)
    return Exit.OK
