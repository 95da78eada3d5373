"""What to mend or to lower next on a backend: its clusters, ranked by what passes once the culprit is mended.

What is wrong, crashes or does not end comes before what is refused or not valid. *Unlocks* counts what was tried: cells
whose programs pass with the culprit cut out. An entry is one effort: the clusters of one culprit that is refused, or
whose IR is not valid, are one entry; each way to be wrong or to crash is one of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from harness.text import clip, plural
from reports.index.index import Index

from .cluster_cell import ClusterCell, State, needs
from .clusters import Cluster, Clusters, clusters, order
from .titles import short

GRAVE = ("Wrong", "Crashed", "TimedOut")
"""The outcomes of the clusters that come first."""
LEGEND = (
    "A cell is one op, mode and dtype; a rare dtype is none of f32, f16, bf16, i64, i32 and bool. unlocks: cells that\n"
    "pass with the culprit cut out, as was tried; then needs: what the others stop at next; not tried: cells whose\n"
    "programs were not cut. What is refused alone: --where outcome:unsupported."
)


@dataclass(frozen=True)
class Entry:
    """One effort of an author: the clusters that it mends, the worst first."""

    clusters: tuple[Cluster, ...]

    @property
    def first(self) -> Cluster:
        """The cluster that gives it its name and its example."""
        return self.clusters[0]

    @cached_property
    def cells(self) -> Mapping[State, tuple[ClusterCell, ...]]:
        """The cells that it holds back, each once, by what becomes of them once all its clusters are mended."""
        mended = {cluster.key for cluster in self.clusters}
        by_name: dict[tuple[str, str, str], list[ClusterCell]] = defaultdict(list)
        for cell in (cell for cluster in self.clusters for cell in cluster.cells):
            by_name[cell.name].append(cell)
        found: dict[State, list[ClusterCell]] = {"unlocked": [], "stops": [], "not tried": []}
        for parts in by_name.values():
            worst: State = max((cell.state(mended) for cell in parts), key=list(found).index)
            found[worst].append(next(cell for cell in parts if cell.state(mended) == worst))
        return {state: tuple(cells) for state, cells in found.items()}

    @cached_property
    def needs(self) -> Mapping[str, int]:
        """What the other cells that were tried stop at next, with the number of cells, the most first."""
        mended = {cluster.key for cluster in self.clusters}
        return needs(self.cells["stops"], mended, self.first.key.culprits)

    @property
    def unlocks(self) -> int:
        """How many cells pass with the culprit cut out."""
        return len(self.cells["unlocked"])

    @property
    def rare(self) -> int:
        """How many of these have a rare dtype."""
        return sum(cell.is_rare for cell in self.cells["unlocked"])

    @cached_property
    def plain(self) -> int:
        """How many plain calls pass with the culprit cut out."""
        return sum(cluster.unlocked_plain for cluster in self.clusters)

    @property
    def rank(self) -> tuple[Any, ...]:
        """A sort key: plain calls unlocked first, cells of rare dtypes last; what has no culprit after what has one."""
        is_mild = self.first.key.outcome not in GRAVE
        held = (-sum(len(c.plain) for c in self.clusters), -sum(map(len, self.cells.values())))
        unlocked = (-self.plain, -(self.unlocks - self.rare), -self.rare)
        return (is_mild, *unlocked, not self.first.key.culprits, *held, order(self.first))

    def lines(self, number: int) -> list[str]:
        """The entry in two lines: what is to be mended, and what that unlocks, with a command."""
        more = len(self.clusters) - 1
        also = f" (+ {plural(more, 'way')} more)" if more else ""
        signs = f"{self.first.status.symbol}{self.first.severity.symbol}"
        return [
            f"{number:>3} {signs} {clip(self.first.says, 150)}{also}",
            f"       {'; '.join(self._parts())}   opcov clusters --id {self.first.id}",
        ]

    def _parts(self) -> list[str]:
        unlocks = [plural(self.plain, "plain call")] if self.plain else []
        unlocks += [plural(self.unlocks, "cell") + (f" ({self.rare} of rare dtypes)" if self.rare else "")]
        shown = [f"{short(name)} ({count})" for name, count in self.needs.items()]
        more = f" and {len(shown) - 4} more" if len(shown) > 4 else ""
        is_tried = self.unlocks or self.cells["stops"]
        parts = [f"unlocks {', '.join(unlocks)}"] if is_tried else []
        parts += [f"then needs {', '.join(shown[:4])}{more}"] if shown else []
        parts += [f"not tried: {plural(len(self.cells['not tried']), 'cell')}"] if self.cells["not tried"] else []
        return parts

    def json(self) -> dict[str, Any]:
        """The same as JSON values."""
        first = self.first
        ops = sorted({op for cluster in self.clusters for op in cluster.ops})
        return {
            "name": " with ".join(first.key.culprits) or None,
            "title": first.title,
            "outcome": first.key.outcome,
            "clusters": [cluster.id for cluster in self.clusters],
            "unlocks": self.unlocks,
            "unlocks_rare": self.rare,
            "unlocks_plain": self.plain,
            "then_needs": dict(self.needs),
            "stops": len(self.cells["stops"]),
            "not_tried": len(self.cells["not tried"]),
            "cells": sum(map(len, self.cells.values())),
            "samples": sum(cluster.samples for cluster in self.clusters),
            "ops": ops,
            "example": first.example.op,
            "sample": first.example.sample if first.repro else None,
            "diagnostic": first.example.headline,
            "explain": first.explain,
            "repro": first.repro,
        }


@dataclass(frozen=True, slots=True)
class Todo:
    """The efforts on one backend, ranked; `cells` is how many cells fail. The frontend may stand for the backend."""

    backend: str
    entries: tuple[Entry, ...]
    cells: int

    def text(self, *, limit: int | None = None) -> str:
        """Write the entries, at most `limit` of them, after a verdict and before what the words mean."""
        if not self.entries:
            return f"{self.backend}: nothing fails"
        grave = sum(entry.first.key.outcome in GRAVE for entry in self.entries)
        unlocked = sum(entry.unlocks for entry in self.entries)
        untried = {cell.name for entry in self.entries for cell in entry.cells["not tried"]}
        count = f"{len(self.entries):,} {'entry' if len(self.entries) == 1 else 'entries'}"
        lines = [
            f"{self.backend}: {count}, {grave:,} of them wrong, crashing or without an end; one at a time "
            f"they unlock {unlocked:,} of {plural(self.cells, 'failing cell')}; not tried: {len(untried):,}",
            "",
        ]
        for number, entry in enumerate(self.entries[:limit], 1):
            lines += entry.lines(number)
        if limit is not None and len(self.entries) > limit:
            lines.append(f"... and {len(self.entries) - limit:,} more: opcov todo --backend {self.backend} --limit 0")
        return "\n".join([*lines, "", LEGEND])

    def json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {
            "backend": self.backend,
            "cells": self.cells,
            "culprits": [entry.json() for entry in self.entries],
        }


def todo(index: Index, backend: str) -> Todo:
    """Rank the efforts on one backend; raises UnknownName."""
    return ranked(clusters(index, backend)[0])


def ranked(of: Clusters) -> Todo:
    """Rank the efforts that the clusters of a backend come to."""
    efforts: dict[tuple[Any, ...], list[Cluster]] = defaultdict(list)
    for cluster in of.clusters:
        efforts[_effort(cluster)].append(cluster)
    entries = [Entry(tuple(sorted(found, key=_main))) for found in efforts.values()]
    return Todo(of.backend, tuple(sorted(entries, key=lambda entry: entry.rank)), of.cells)


def _effort(cluster: Cluster) -> tuple[Any, ...]:
    key = cluster.key
    return (key.outcome, key.where, *key.culprits) if key.culprits else (cluster.id,)


def _main(cluster: Cluster) -> tuple[Any, ...]:
    """A sort key: the cluster with the most plain calls and cells speaks for an entry."""
    return (-len(cluster.plain), -len(cluster.cells), order(cluster))
