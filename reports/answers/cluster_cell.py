"""A cell that a cluster holds back: what becomes of it once the culprit is mended, and what it stops at next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.records.severity import COMMON
from reports.fold.failures import Key

State = Literal["unlocked", "stops", "not tried"]
"""What becomes of a cell once the culprit is mended: it passes; it stops at something else; that was not tried."""
OTHERWISE = "the same op, otherwise"
"""Among the needs of a cell: another cluster with the same culprit."""
UNNAMED = "an op that is not known"
"""Among the needs of a cell: a cluster without a culprit."""


@dataclass(frozen=True, slots=True)
class ClusterCell:
    """A cell that a cluster holds back.

    `unlocks` is whether its programs pass with the culprit cut out, None if that was not tried; `needs` are what they
    stop at next; `others` are the other clusters that it is in. `verified` is whether the culprit is. `samples` of its
    samples fail so.
    """

    op: str
    mode: str
    dtype: str
    unlocks: bool | None
    needs: tuple[str, ...]
    others: tuple[Key, ...]
    verified: bool
    samples: int

    @property
    def name(self) -> tuple[str, str, str]:
        """The cell on its backend."""
        return self.op, self.mode, self.dtype

    @property
    def is_rare(self) -> bool:
        """Whether its dtype is none that networks use: `harness.records.severity.COMMON`."""
        return self.dtype not in COMMON

    def state(self, mended: Collection[Key]) -> State:
        """What becomes of the cell once these clusters, this one among them, are mended."""
        if self.unlocks is None:
            return "not tried"
        return "unlocked" if self.unlocks and set(self.others) <= set(mended) else "stops"

    def stops_at(self, mended: Collection[Key], culprits: Sequence[str]) -> tuple[str, ...]:
        """What the cell stops at then; `culprits` are those that are mended."""
        others = [_called(key, culprits) for key in self.others if key not in mended]
        return tuple(dict.fromkeys((*self.needs, *others)))


def _called(key: Key, mended: Sequence[str]) -> str:
    return OTHERWISE if key.culprits and key.culprits == mended else " with ".join(key.culprits) or UNNAMED


def needs(self) -> Mapping[str, int]:
        """What the cells that stop at something else stop at, with the number of cells, the most first."""
        return needs(self.cells, (self.key,), self.key.culprits)

    @property
    def explain(self) -> str:
        """The command that shows the op of the example in full."""
        return explain_command(self.example.op, self.backend)

    @property
    def repro(self) -> str | None:
        """The command that runs the example again; None if it has no sample."""
        return repro_command(self.example.sample, self.backend)

    def json(self) -> dict[str, Any]:
        """The same as JSON values."""
        key, example = self.key, self.example
        return {
            "id": self.id,
            "title": self.title,
            "backend": self.backend,
            "outcome": key.outcome,
            "stage": example.stage,
            "where": key.where,
            "culprits": list(key.culprits),
            "manner": key.manner,
            "severity": self.severity.name,
            "ops": list(self.ops),
            "cells": len(self.cells),
            "samples": self.samples,
            "plain": [list(call) for call in self.plain],
            "share": round(self.share, 6),
            "verified": self.verified,
            "unlocks": {"plain": self.unlocked_plain, "cells": self.count("unlocked")},
            "not_tried": self.count("not tried"),
            "why_not_tried": dict(self.untried),
            "needs": dict(self.needs),
            "rule": self.rule.json() if self.rule else None,
            "sample": example.sample if self.repro else None,
            "call": example.call,
            "headline": example.headline,
            "explain": self.explain,
            "repro": self.repro,
        }


@dataclass(frozen=True)
class Clusters:
    """The clusters of one backend, the worst first; `cells` and `samples` are how many fail."""

    backend: str
    clusters: tuple[Cluster, ...]
    cells: int
    samples: int


def clusters(index: Index, backend: str | None = None) -> tuple[Clusters, ...]:
    """The clusters of one backend, or of each that has columns; raises UnknownName."""
    backends = list(dict.fromkeys(column.backend for column in columns_of(index.run)))
    if backend is not None and backend not in backends:
        raise UnknownName("backend", backend, backends)
    wanted = backends if backend is None else (backend,)
    return joined(index.parts(FOLD), wanted, is_whole=not index.run.selected)


def joined(
    parts: Iterable[tuple[str, Mapping[str, Any]]], backends: Sequence[str], *, is_whole: bool = True
) -> tuple[Clusters, ...]:
    """Join the folded values of ops, which come in any order.

    `is_whole` says that they are of all samples: only then does it mean something that no sample passes.
    """
    totals: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    groups: dict[Key, list[tuple[str, Group]]] = defaultdict(list)
    for op, part in sorted(parts, key=lambda part: part[0]):
        for name, counts in part["totals"].items():
            totals[name] = [a + b for a, b in zip(totals[name], counts, strict=True)]
        keys = [_key(group["key"]) for group in part["groups"]]
        for key, group in zip(keys, part["groups"], strict=True):
            if key.backend in backends:
                groups[key].append((op, {**group, "keys": keys}))
    by_backend: dict[str, list[Cluster]] = defaultdict(list)
    for key, of_ops in groups.items():
        cluster = _cluster(key, of_ops, totals[key.backend][1])
        if not is_whole and cluster.rule and not cluster.rule.text:
            cluster = replace(cluster, rule=None)
        by_backend[cluster.backend].append(cluster)
    return tuple(Clusters(name, tuple(sorted(by_backend[name], key=order)), *totals[name]) for name in backends)


def _key(values: Sequence[Any]) -> Key:
    backend, outcome, where, culprits, *rest = values
    return Key(backend, outcome, where, tuple(culprits), *rest)


def order(cluster: Cluster) -> tuple[Any, ...]:
    """A sort key: the most alarming outcome first, then plain calls, severity, cells."""
    alarm = FAILING.index(cluster.key.outcome)
    return (alarm, -len(cluster.plain), cluster.severity.rank, -len(cluster.cells), -cluster.samples, cluster.id)


def _cluster(key: Key, of_ops: Sequence[tuple[str, Group]], failing: int) -> Cluster:
    cells = tuple(cell for of_op in of_ops for cell in _cells(*of_op))
    plain = [(op, mode, unlocks) for op, group in of_ops for mode, unlocks in group["plain"]]
    cuts = sorted((group["example"]["cut"], op) for op, group in of_ops if group["example"]["cut"])
    samples = sum(cell.samples for cell in cells)
    return Cluster(
        key=key,
        cells=cells,
        plain=tuple((op, mode) for op, mode, _ in plain),
        unlocked_plain=sum(unlocks for *_, unlocks in plain),
        untried=_added(group["why"] for _, group in of_ops),
        severity=GRADES[min(group["severity"] for _, group in of_ops)],
        share=samples / failing if failing else 0.0,
        rule=_rule(key, of_ops),
        example=_example(of_ops),
        cuts=tuple(op for _, op in cuts),
    )


def _cells(op: str, group: Group) -> Iterator[ClusterCell]:
    for mode, dtype, unlocks, needed, others, *rest in group["cells"]:
        yield ClusterCell(op, mode, dtype, unlocks, tuple(needed), tuple(group["keys"][i] for i in others), *rest)


def needs(cells: Iterable[ClusterCell], mended: Collection[Key], culprits: Sequence[str]) -> Mapping[str, int]:
    """What cells stop at once clusters are mended, with the number of cells, the most first."""
    stopping = (cell for cell in cells if cell.state(mended) == "stops")
    return added(dict.fromkeys(cell.stops_at(mended, culprits), 1) for cell in stopping)


def added(counts: Iterable[Mapping[str, int]]) -> Mapping[str, int]:
    """The sums, the largest first."""
    found: Counter[str] = Counter()
    for of_op in counts:
        found.update(of_op)
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))
