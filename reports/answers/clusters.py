"""The causes of a run: failures that share backend, outcome, culprit, first wrong pass or stage, and manner.

A failure that the frontend blocks belongs to the frontend's cluster. Every failure is in one cluster.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from harness.errors import UnknownName
from harness.records.cause import Cut
from harness.text import plural
from reports.fold.call import explain_command, repro_command
from reports.fold.cell import dialect_name
from reports.fold.failures import FOLD, Key, failures
from reports.fold.matrix import columns_of
from reports.fold.severity import GRADES, Grade
from reports.fold.status import FAILING, STATUS_OF_OUTCOME, Status
from reports.index.index import Index

from .cluster_cell import ClusterCell, State, added, needs
from .titles import Rule, title

Group = Mapping[str, Any]
"""What the fold keeps of one op in one cluster."""


@dataclass(frozen=True, slots=True)
class Example:
    """The record that stands for a cluster: best the plain call of the culprit alone, else a small sample."""

    op: str
    mode: str
    stage: str
    sample: str
    headline: str
    call: str
    where: str


@dataclass(frozen=True)
class Cluster:
    """Failures of one cause.

    `plain` are the plain calls that it holds back, as op and mode; `unlocked_plain` is how many of these pass with the
    culprit cut out. `untried` says why cutting has given up, with the number of samples. `share` is that of all failing
    samples of the backend. `rule` is what separates the samples from those that pass; None if nothing does. `cuts` are
    the ops with a cut program that shows the culprit alone, the smallest first.
    """

    key: Key
    cells: tuple[ClusterCell, ...]
    plain: tuple[tuple[str, str], ...]
    unlocked_plain: int
    untried: Mapping[str, int]
    severity: Grade
    share: float
    rule: Rule | None
    example: Example
    cuts: tuple[str, ...]

    @cached_property
    def id(self) -> str:
        """A short name, the same in every run."""
        return self.key.id

    @property
    def backend(self) -> str:
        """The backend, or the frontend."""
        return self.key.backend

    @property
    def status(self) -> Status:
        """The status of a cell in which every sample fails so."""
        return STATUS_OF_OUTCOME[self.key.outcome]

    @property
    def title(self) -> str:
        """What is wrong, where, and in how many samples, in one line that starts with the backend."""
        return f"{self.backend}: {self.says}"

    @cached_property
    def says(self) -> str:
        """The title without the backend."""
        modes = {cell.mode for cell in self.cells}
        seen = f"{plural(self.samples, 'sample')} of {plural(len(self.ops), 'op')}"
        seen += f", all {modes.pop()}" if len(modes) == 1 else ""
        return title(self.key, self.rule, self.example.where, self.example.headline, seen)

    @cached_property
    def ops(self) -> tuple[str, ...]:
        """The ops that it holds back, sorted."""
        return tuple(sorted({cell.op for cell in self.cells}))

    @property
    def samples(self) -> int:
        """How many samples fail so; minimised ones do not count."""
        return sum(cell.samples for cell in self.cells)

    @property
    def verified(self) -> int:
        """In how many cells the culprit was verified: by cutting, or since the program has no other op."""
        return sum(cell.verified for cell in self.cells)

    def count(self, state: State) -> int:
        """How many cells are in a state once the culprit is mended."""
        return sum(cell.state((self.key,)) == state for cell in self.cells)

    @cached_property
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


@dataclass(frozen=True, slots=True)
class Counted:
    """How many clusters a backend has by outcome, and how many of its cells fail."""

    backend: str
    causes: Counter[str]
    cells: int


@dataclass(frozen=True)
class Clusters:
    """The clusters of one backend, the worst first; `cells` and `samples` are how many fail."""

    backend: str
    clusters: tuple[Cluster, ...]
    cells: int
    samples: int

    @property
    def counted(self) -> Counted:
        """The clusters, counted."""
        return Counted(self.backend, Counter(cluster.key.outcome for cluster in self.clusters), self.cells)


def counted(index: Index) -> tuple[Counted, ...]:
    """The clusters of each backend that has columns, counted: most pages show no more of them."""
    parts = index.parts(FOLD)
    keys = {_key(group["key"]) for _, part in parts for group in part["groups"]}
    causes = Counter((key.backend, key.outcome) for key in keys)
    cells = Counter[str]()
    for _, part in parts:
        cells.update({backend: of_op for backend, (of_op, _) in part["totals"].items()})
    backends = dict.fromkeys(column.backend for column in columns_of(index.run))
    return tuple(
        Counted(name, Counter({outcome: n for (of, outcome), n in causes.items() if of == name}), cells[name])
        for name in backends
    )


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
        untried=added(group["why"] for _, group in of_ops),
        severity=GRADES[min(group["severity"] for _, group in of_ops)],
        share=samples / failing if failing else 0.0,
        rule=_rule(key, of_ops),
        example=_example(of_ops),
        cuts=tuple(op for _, op in cuts),
    )


def _cells(op: str, group: Group) -> Iterator[ClusterCell]:
    for mode, dtype, unlocks, needed, others, *rest in group["cells"]:
        yield ClusterCell(op, mode, dtype, unlocks, tuple(needed), tuple(group["keys"][i] for i in others), *rest)


def _example(of_ops: Sequence[tuple[str, Group]]) -> Example:
    op, group = min(of_ops, key=lambda item: item[1]["example"]["ease"])
    of = group["example"]
    return Example(op, of["mode"], of["stage"], of["id"], of["headline"], of["call"], of["where"])


def _rule(key: Key, of_ops: Sequence[tuple[str, Group]]) -> Rule | None:
    """The rule of the culprit's own op, if it says something of the other ops too; else that which all ops have.

    It does if the culprit never passes, if all samples meet its condition, or if it is of half of them.
    """
    own = [group for op, group in of_ops if (dialect_name(op),) == key.culprits]
    found = own[0]["rule"] if own else None
    if found and (not found[0] or _is_met(found[0], of_ops) or 2 * found[1] >= sum(map(_samples, of_ops))):
        return _added_rules([found])
    rules = [group["rule"] for _, group in of_ops]
    shared = {rule[0] if rule else "" for rule in rules}
    return _added_rules(rules) if len(shared) == 1 and "" not in shared else None


def _samples(of_op: tuple[str, Group]) -> int:
    return sum(samples for *_, samples in of_op[1]["cells"])


def _is_met(text: str, of_ops: Sequence[tuple[str, Group]]) -> bool:
    """Whether a condition holds for all samples of all ops; one with "or" or "not" is not looked into."""
    return all(set(text.split(" and ")) <= set(group["common"]) for _, group in of_ops)


def _added_rules(rules: Sequence[Sequence[Any]]) -> Rule:
    failing, others = (sum(rule[place] for rule in rules) for place in (1, 2))
    return Rule(rules[0][0], failing, others if rules[0][0] else others - failing)


def alone(index: Index, cluster: Cluster) -> Cut | None:
    """The smallest cut program that shows the culprit of a cluster alone; None if none was cut."""
    cuts = [
        failure.cause.alone[0]
        for op in cluster.cuts[:1]
        for failure in failures(index.whole.records(op))
        if failure.cause and failure.cause.alone and failure.key == cluster.key
    ]
    return min(cuts, key=lambda cut: (len(cut.ir), cut.ir), default=None)
