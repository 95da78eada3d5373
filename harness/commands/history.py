"""`opcov history`: since when a cell is wrong, right or otherwise different, in the runs that were recorded."""

from __future__ import annotations

import argparse

from harness.errors import Exit

from .arguments import add_where, print_answer
from .record import add_history


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare which cells, and the history."""
    parser.add_argument("--all", action="store_true", help="list every event")
    add_history(parser)
    add_where(parser)


def run(options: argparse.Namespace) -> Exit:
    """Print the events, newest first; raises BadHistory, BadQuery and UnknownName."""
    from reports.answers.events import events
    from reports.fold.entries import selection
    from reports.index.history import open_history

    with open_history(options.history) as history:
        found = events(history, selection(options.where, history.names()))
    how = {"limit": None} if options.all else {}
    print_answer(options, text=lambda: found.text(**how), data=found.json)
    return Exit.OK
