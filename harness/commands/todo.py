"""`opcov todo`: rank the ops that a backend should lower next by how many cells each of them holds back."""

from __future__ import annotations

import argparse

from harness.errors import Exit
from reports.answers.todo import FOLD, todo

from .arguments import add_journal, open_index, print_answer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the backend and the journal."""
    parser.add_argument("--backend", required=True)
    add_journal(parser)


def run(options: argparse.Namespace) -> Exit:
    """Print the ranking; raises BadJournal, and UnknownName if the journal has no such backend."""
    index = open_index(options.journal, options.where, (FOLD,))
    ranking = todo(index, options.backend)
    print_answer(options, text=ranking.text, data=ranking.json, index=index)
    return Exit.OK
