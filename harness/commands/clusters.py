"""`opcov clusters`: list the causes of what fails, each once for all ops, modes and dtypes that fail alike."""

from __future__ import annotations

import argparse

from harness.errors import Exit, UnknownName
from reports.answers import known_issues as known
from reports.answers.clusters import Cluster, alone, clusters
from reports.answers.known_issues import Match
from reports.fold.failures import FOLD
from reports.index.index import Index
from reports.pages.clusters import as_json, as_text, in_full

from .arguments import add_journal, add_known, known_issues, open_index, print_answer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the backend, the cluster to show in full, how many to list, the known issues, and the journal."""
    parser.add_argument("--backend", help="only this backend, or frontend")
    parser.add_argument("--id", metavar="ID", help="show this cluster in full, with the IR of the culprit alone")
    parser.add_argument("--limit", type=int, default=15, metavar="N", help="the most of each backend; 0 for all (15)")
    add_known(parser)
    add_journal(parser)


def run(options: argparse.Namespace) -> Exit:
    """Print the clusters.

    Raises BadJournal, BadKnownIssues, UnknownName for a backend or an id, and what a wrong query raises.
    """
    index = open_index(options.journal, options.where, (FOLD,))
    found = clusters(index, options.backend)
    matches = known_issues(index, options.known)
    if options.id:
        by_id = {cluster.id: cluster for of in found for cluster in of.clusters}
        if options.id not in by_id:
            raise UnknownName("cluster", options.id, by_id)
        return _one(options, index, by_id[options.id], matches)
    text = as_text(found, options.limit or None, known.notes(matches))
    closing = known.closing(matches)
    print_answer(
        options,
        text=lambda: "\n".join([text, "", *closing] if closing else [text]),
        data=lambda: as_json(found) | {"known": known.as_json(matches)},
        index=index,
    )
    return Exit.OK


def _one(options: argparse.Namespace, index: Index, cluster: Cluster, matches: tuple[Match, ...]) -> Exit:
    """Print one cluster in full."""
    cut = alone(index, cluster)
    links = known.links(matches).get(cluster.id, [])
    more = {"known": known.as_json(links), "alone": {"ops": list(cut.ops), "ir": cut.ir} if cut else None}
    print_answer(
        options,
        text=lambda: in_full(cluster, cut, known.notes(matches).get(cluster.id, ())),
        data=lambda: cluster.json() | more,
        index=index,
    )
    return Exit.OK
