"""`opcov bottleneck`: how many ops the surface comes down to on each road, and what is left to lower."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness.errors import Exit
from harness.programs import plugins
from reports.answers.bottleneck.bottleneck import bottleneck
from reports.fold.programs import FOLD

from .arguments import JOURNAL, add_where, open_index, print_answer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the journals, which may hold a road each, and how many ops of a set to name."""
    parser.add_argument("journals", type=Path, nargs="*", metavar="JOURNAL", help=f"default: {JOURNAL}")
    parser.add_argument("--limit", type=int, default=12, metavar="N", help="the most ops of a set; 0 for all (12)")
    add_where(parser)


def run(options: argparse.Namespace) -> Exit:
    """Print the bottleneck of the journals taken together.

    Raises BadJournal; BadQuery, UnknownName and NothingSelected for the query, which is asked of each journal.
    """
    indexes = [open_index(journal, options.where, (FOLD,)) for journal in options.journals or [None]]
    found = bottleneck(indexes, plugins.names(plugins.CASCADES))
    print_answer(options, text=lambda: found.text(options.limit or None), data=found.json, more=indexes)
    return Exit.OK
