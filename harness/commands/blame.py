"""`opcov blame`: count how many executors confirm each verdict, and which executors are at fault themselves."""

from __future__ import annotations

import argparse

from harness.errors import Exit
from reports.answers.blame import as_json, as_text, blame

from .arguments import add_journal, open_index, print_answer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the journal."""
    add_journal(parser)


def run(options: argparse.Namespace) -> Exit:
    """Print the counts; raises BadJournal."""
    answer = blame(open_index(options.journal))
    print_answer(options, text=lambda: as_text(answer), data=lambda: as_json(answer))
    return Exit.OK
