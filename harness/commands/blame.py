"""`opcov blame`: count how many executors confirm each verdict, and which executors are at fault themselves."""

from __future__ import annotations

import argparse

from harness.errors import Exit
from reports.answers.blame import FOLD, as_json, as_text, blame

from .arguments import add_journal, open_index, print_answer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the journal and the query."""
    add_journal(parser)


def run(options: argparse.Namespace) -> Exit:
    """Print the counts; raises BadJournal, and what a wrong query raises."""
    index = open_index(options.journal, options.where, (FOLD,))
    answer = blame(index)
    print_answer(options, text=lambda: as_text(answer), data=lambda: as_json(answer), index=index)
    return Exit.OK
