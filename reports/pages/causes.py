"""What the HTML report shows of the clusters: a table for each backend, and the clusters of each cell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from harness.text import clip
from reports.answers.clusters import Cluster, Clusters
from reports.fold.severity import only

from .clusters import percent, verdict, verified

OfCells = Mapping[tuple[str, str, str], Sequence[tuple[str, str]]]
"""By op, backend and mode, the clusters that a cell is in: ids and titles, the worst first."""
_TITLE = 160
"""The most characters of a title."""


class Link(NamedTuple):
    """A known issue: its address, and what is to be said of it; "" if nothing."""

    address: str
    note: str


@dataclass(frozen=True, slots=True)
class Line:
    """A cluster as a line of the table; `places` are its numbers, in the order of `HEADS`."""

    cluster: Cluster
    says: str
    hint: str
    places: tuple[tuple[str, float], ...]
    links: Sequence[Link]


class Table(NamedTuple):
    """The clusters of one backend, after their verdict."""

    backend: str
    verdict: str
    lines: Sequence[Line]


HEADS = (
    ("ops", "ops that it holds back"),
    ("cells", "cells (op, mode, dtype) with a sample that fails so"),
    ("share", "of all failing samples of the backend"),
    ("plain", "plain calls that it holds back"),
    ("unlocks", "cells that pass with the culprit cut out, which was tried"),
    ("not tried", "cells whose programs were not cut"),
)
"""The columns of numbers, each with what it counts."""


def table(of: Clusters, known: Mapping[str, Sequence[Link]]) -> Table:
    """The clusters of a backend, the worst first."""
    return Table(
        of.backend, verdict(of.counted), [_line(cluster, known.get(cluster.id, ())) for cluster in of.clusters]
    )


def _line(cluster: Cluster, links: Sequence[Link]) -> Line:
    counts = (len(cluster.ops), len(cluster.cells), len(cluster.plain))
    ops, cells, plain = ((f"{count:,}", float(count)) for count in counts)
    unlocked, untried = cluster.count("unlocked"), cluster.count("not tried")
    share = (percent(cluster.share), cluster.share)
    places = (ops, cells, share, plain, (f"{unlocked:,}", float(unlocked)), (f"{untried:,}", float(untried)))
    hint = f"{cluster.status.name}, fails {only(cluster.severity)}"
    hint += f"; {verified(cluster)}" if cluster.key.culprits else ""
    return Line(cluster, _title(cluster), hint, places, links)


def _title(cluster: Cluster) -> str:
    return clip(cluster.says.replace("`", ""), _TITLE)


def of_cells(found: Iterable[Clusters]) -> OfCells:
    """The clusters of each cell."""
    cells: dict[tuple[str, str, str], list[tuple[str, str]]] = defaultdict(list)
    for of in found:
        for cluster in of.clusters:
            names = {(cell.op, cluster.backend, cell.mode) for cell in cluster.cells}
            for name in names:
                cells[name].append((cluster.id, _title(cluster)))
    return cells
