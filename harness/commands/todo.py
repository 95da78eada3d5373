"""`opcov todo`: rank what to mend or to lower next on a backend by what passes once the culprit is mended."""

from __future__ import annotations

import argparse

from harness.errors import Exit
from harness.programs import plugins
from reports.answers.conversions import LEGEND, conversions
from reports.answers.todo import todo
from reports.fold.failures import FOLD
from reports.index.index import Index

from .arguments import add_journal, open_index, print_answer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the backend or the cascades, how many entries to list, and the journal."""
    of = parser.add_mutually_exclusive_group(required=True)
    of.add_argument("--backend", help="rank what to mend or to lower next on this backend")
    of.add_argument("--cascades", action="store_true", help="list which ops have no conversion to linalg, per cascade")
    parser.add_argument("--limit", type=int, default=20, metavar="N", help="the most entries; 0 for all (20)")
    add_journal(parser)


def run(options: argparse.Namespace) -> Exit:
    """Print the ranking; raises BadJournal, and UnknownName if the journal has no such backend."""
    index = open_index(options.journal, options.where, (FOLD,))
    if options.cascades:
        return _cascades(options, index)
    ranking = todo(index, options.backend)
    print_answer(options, text=lambda: ranking.text(limit=options.limit or None), data=ranking.json, index=index)
    return Exit.OK


def _cascades(options: argparse.Namespace, index: Index) -> Exit:
    found = conversions(index, plugins.names(plugins.CASCADES))
    blocks = [each.text(limit=options.limit or None) for each in found]
    none = "the journal has no cascade: measure with `pytest op_suites --cascades`"
    print_answer(
        options,
        text=lambda: "\n\n".join([*blocks, LEGEND]) if blocks else none,
        data=lambda: {"cascades": [each.json() for each in found]},
        index=index,
    )
    return Exit.OK
