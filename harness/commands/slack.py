"""`opcov slack`: show how much of their error bounds the results of a journal use."""

from __future__ import annotations

import argparse

from harness.errors import Exit
from reports.answers.slack import FOLD, as_json, as_text, slack

from .arguments import add_journal, open_index, print_answer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the journal."""
    add_journal(parser)


def run(options: argparse.Namespace) -> Exit:
    """Print the cells close to their bound and the classes whose bounds are too loose; raises BadJournal."""
    index = open_index(options.journal, options.where, (FOLD,))
    answer = slack(index)
    print_answer(options, text=lambda: as_text(answer), data=lambda: as_json(answer), index=index)
    return Exit.OK
