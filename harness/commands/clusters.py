"""`opcov clusters`: list the causes of what fails, each once for all ops, modes and dtypes that fail alike."""

from __future__ import annotations

import argparse

from harness.errors import Exit, UnknownName
from reports.answers.clusters import alone, clusters
from reports.fold.failures import FOLD
from reports.fold.matrix import FOLD as ROWS
from reports.pages.clusters import as_json, as_text, in_full

from .arguments import add_journal, open_index, print_answer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the backend, the cluster to show in full, how many to list, and the journal."""
    parser.add_argument("--backend", help="only this backend, or frontend")
    parser.add_argument("--id", metavar="ID", help="show this cluster in full, with the IR of the culprit alone")
    parser.add_argument("--limit", type=int, default=15, metavar="N", help="the most of each backend; 0 for all (15)")
    add_journal(parser)


def run(options: argparse.Namespace) -> Exit:
    """Print the clusters; raises BadJournal, UnknownName for a backend or an id, and what a wrong query raises."""
    index = open_index(options.journal, options.where, (ROWS, FOLD))
    found = clusters(index, options.backend)
    if options.id:
        by_id = {cluster.id: cluster for of in found for cluster in of.clusters}
        if options.id not in by_id:
            raise UnknownName("cluster", options.id, by_id)
        cluster = by_id[options.id]
        cut = alone(index, cluster)
        print_answer(
            options,
            text=lambda: in_full(cluster, cut, ()),
            data=lambda: cluster.json() | {"alone": {"ops": list(cut.ops), "ir": cut.ir} if cut else None},
            index=index,
        )
        return Exit.OK
    limit = options.limit or None
    print_answer(options, text=lambda: as_text(found, limit, {}), data=lambda: as_json(found), index=index)
    return Exit.OK
