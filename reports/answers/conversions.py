"""What a cascade still lacks: the ops of its middle dialect that have no conversion to linalg, by what they hold back.

A sample names the op that its conversion stops at first; what would stop it after that, no run can tell. So an op that
holds back few cells may hold back more once the others have a conversion.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from harness.text import clip, plural
from reports.index.index import Index

from .cluster_cell import ClusterCell
from .clusters import Cluster, Clusters, clusters

TORCH = "torch"
"""The dialect of what the base lowering refuses: no matter of the conversion."""
REFUSED = "Unsupported"
LEGEND = (
    "op: of the middle dialect, where the conversion of a sample stops first. cells: one op, mode and dtype each,\n"
    "with a sample that stops there; alone: of these, the cells in which nothing else fails."
)


@dataclass(frozen=True)
class Missing:
    """An op without a conversion, with the clusters that stop at it, the largest first."""

    op: str
    clusters: tuple[Cluster, ...]

    @cached_property
    def cells(self) -> frozenset[tuple[str, str, str]]:
        """The cells that it holds back."""
        return frozenset(cell.name for cell in self._parts())

    @cached_property
    def alone(self) -> frozenset[tuple[str, str, str]]:
        """Those of the cells in which nothing else fails."""
        ours = {cluster.key for cluster in self.clusters}
        return self.cells - {cell.name for cell in self._parts() if not set(cell.others) <= ours}

    @cached_property
    def plain(self) -> frozenset[tuple[str, str]]:
        """The plain calls that it holds back, as op and mode."""
        return frozenset(call for cluster in self.clusters for call in cluster.plain)

    @property
    def samples(self) -> int:
        """How many samples stop at it."""
        return sum(cluster.samples for cluster in self.clusters)

    @property
    def ops(self) -> tuple[str, ...]:
        """The ops of torch that it holds back, sorted."""
        return tuple(sorted({op for op, _, _ in self.cells}))

    @property
    def rank(self) -> tuple[Any, ...]:
        """A sort key: the most cells first."""
        return -len(self.cells), -len(self.alone), -len(self.plain), self.op

    def line(self) -> str:
        """What it holds back, with the command that shows a cluster of it."""
        named = ", ".join(self.ops[:3]) + (f" and {len(self.ops) - 3} more" if len(self.ops) > 3 else "")
        counts = f"{len(self.cells):>5,} {len(self.alone):>6,} {len(self.plain):>6,} {self.samples:>8,}"
        return f"{counts}  {self.op}: {clip(named, 90)}   opcov clusters --id {self.clusters[0].id}"

    def json(self) -> dict[str, Any]:
        """The same as JSON values."""
        first = self.clusters[0]
        return {
            "op": self.op,
            "cells": len(self.cells),
            "alone": len(self.alone),
            "plain": [list(call) for call in sorted(self.plain)],
            "samples": self.samples,
            "ops": list(self.ops),
            "clusters": [cluster.id for cluster in self.clusters],
            "diagnostic": first.example.headline,
            "explain": first.explain,
            "repro": first.repro,
        }

    def _parts(self) -> Iterable[ClusterCell]:
        return (cell for cluster in self.clusters for cell in cluster.cells)


@dataclass(frozen=True, slots=True)
class Conversions:
    """What one cascade lacks, the most cells first; `cells` of its cells fail, whatever they stop at."""

    backend: str
    missing: tuple[Missing, ...]
    cells: int

    @property
    def held(self) -> int:
        """How many cells a missing conversion holds back."""
        return len(frozenset().union(*(each.cells for each in self.missing)))

    def text(self, *, limit: int | None = None) -> str:
        """A verdict, then the ops, at most `limit` of them."""
        ops = f"{plural(len(self.missing), 'op')} without a conversion to linalg"
        verb = "holds" if len(self.missing) == 1 else "hold"
        lines = [f"{self.backend}: {ops} {verb} back {self.held:,} of {plural(self.cells, 'failing cell')}"]
        lines += ["", "cells  alone  plain  samples  op"] if self.missing else []
        lines += [each.line() for each in self.missing[:limit]]
        if limit is not None and len(self.missing) > limit:
            lines.append(f"... and {len(self.missing) - limit:,} more: opcov todo --cascades --limit 0")
        return "\n".join(lines)

    def json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {
            "backend": self.backend,
            "cells": self.cells,
            "held": self.held,
            "missing": [each.json() for each in self.missing],
        }


def conversions(index: Index, cascades: Collection[str]) -> tuple[Conversions, ...]:
    """What each of the cascades lacks that the run has measured."""
    return tuple(lacking(of) for of in clusters(index) if of.backend in cascades)


def lacking(of: Clusters) -> Conversions:
    """The ops at which the conversion of one column stops."""
    by_op: dict[str, list[Cluster]] = defaultdict(list)
    for cluster in of.clusters:
        if cluster.key.outcome == REFUSED and (op := _middle(cluster.key.culprits)):
            by_op[op].append(cluster)
    missing = (Missing(op, tuple(sorted(own, key=lambda c: (-len(c.cells), c.id)))) for op, own in by_op.items())
    return Conversions(of.backend, tuple(sorted(missing, key=lambda each: each.rank)), of.cells)


def _middle(culprits: tuple[str, ...]) -> str | None:
    """The culprit, if it is one op of a dialect other than torch."""
    return culprits[0] if len(culprits) == 1 and culprits[0].partition(".")[0] != TORCH else None
