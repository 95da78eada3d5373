"""What one road brings through and another does not: by backend and mode, the ops, grouped by the first obstacle.

A road brings an op through if its plain call is right there, or reaches the contract in the frontend's column. The
first obstacle of a call that was blocked is what the frontend says of it. Calls that are excluded on a road, as by a
transform that cannot use them, do not count there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import permutations
from typing import Any

from tabulate import tabulate

from harness.cases.road import DEFAULT, EXPORT, Road, split_mode
from harness.records.expectation import CONTROL
from harness.records.frontend import FRONTEND
from harness.records.journal import Record
from harness.records.outcome import BEST, Blocked, Excluded
from harness.records.signature import signature
from harness.text import clip, plural
from reports.fold.diagnosis import manner, told
from reports.index.index import Index
from reports.index.op_records import OpRecords

FOLD = "roads"
SHOWN = 6
"""So many ops of a group are named in a line."""
_LONGEST = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Ops that stop at the same obstacle, each with the id of its plain call there."""

    obstacle: str
    ops: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The ops of a backend in one mode that the road `by` brings through and the road `lost_by` does not.

    `both` is how many ops have a plain call on both roads, `through` how many of these both bring through.
    """

    backend: str
    mode: str
    by: Road
    lost_by: Road
    both: int
    through: int
    groups: tuple[Group, ...]

    @property
    def ops(self) -> int:
        """How many ops there are."""
        return sum(len(group.ops) for group in self.groups)


@dataclass(frozen=True, slots=True)
class Roads:
    """The differences between each two roads of a journal."""

    differences: tuple[Difference, ...]

    def text(self, limit: int | None) -> str:
        """The differences, each with its groups, the largest first; `limit` is the most groups of each."""
        if not self.differences:
            return "the journal has plain calls on one road only"
        shown = [_text(difference, limit) for difference in self.differences if difference.groups]
        return "\n\n".join(shown) or "each road brings through what the others do"

    def json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {"differences": [_json(difference) for difference in self.differences]}


def fold(of: OpRecords) -> list[Any] | None:
    """Of one op that several roads have: backend, full mode, id, whether the plain call is right, and what stops it."""
    plain = [r for r in of.records if r.plain and r.backend != CONTROL and not isinstance(r.outcome, Excluded)]
    if len({record.road for record in plain}) < 2:
        return None
    front = {(record.full_mode, record.id): record for record in plain if record.backend == FRONTEND}
    return [_of_plain(record, front.get((record.full_mode, record.id))) for record in plain]


def _of_plain(record: Record, front: Record | None) -> list[Any]:
    is_right = isinstance(record.outcome, BEST)
    return [record.backend, record.full_mode, record.id, is_right, "" if is_right else _obstacle(record, front)]


def _obstacle(record: Record, front: Record | None) -> str:
    first = front if isinstance(record.outcome, Blocked) and front else record
    found = signature(first.outcome, first.backend)
    said = found.culprit or manner(first.outcome, first.backend) or told(first.outcome)
    where = f"{found.outcome} at {found.stage}"
    return clip(f"{where}: {said}" if said else where, _LONGEST)


def roads(index: Index, backend: str | None = None) -> Roads:
    """The differences between each two roads, on one backend or on all."""
    plain: dict[tuple[str, str], dict[Road, dict[str, tuple[str, bool, str]]]] = defaultdict(lambda: defaultdict(dict))
    for op, rows in index.parts(FOLD):
        for name, full, id, is_right, obstacle in rows:
            mode, road = split_mode(full)
            if backend in (None, name):
                plain[name, mode][road][op] = (id, is_right, obstacle)
    found = (
        _difference(name, mode, by, lost_by, of[by], of[lost_by])
        for (name, mode), of in plain.items()
        for by, lost_by in permutations(sorted(of, key=str), 2)
    )
    return Roads(tuple(difference for difference in found if difference.both))


def _difference(
    backend: str,
    mode: str,
    by: Road,
    lost_by: Road,
    here: Mapping[str, tuple[str, bool, str]],
    there: Mapping[str, tuple[str, bool, str]],
) -> Difference:
    both = [op for op in here if op in there]
    groups: dict[str, dict[str, str]] = defaultdict(dict)
    for op in both:
        id, is_right, obstacle = there[op]
        if here[op][1] and not is_right:
            groups[obstacle][op] = id
    ranked = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    return Difference(
        backend=backend,
        mode=mode,
        by=by,
        lost_by=lost_by,
        both=len(both),
        through=sum(here[op][1] and there[op][1] for op in both),
        groups=tuple(Group(obstacle=obstacle, ops=ops) for obstacle, ops in ranked),
    )


def named(road: Road, other: Road) -> str:
    """How a road is called beside another one: the default one by that in which the other differs."""
    if road != DEFAULT:
        return str(road)
    if other.frontend != EXPORT:
        return EXPORT
    return "no transform" if other.transform != "none" else "torch-mlir"


def _text(difference: Difference, limit: int | None) -> str:
    d = difference
    head = (
        f"{d.backend} {d.mode}: {plural(d.ops, 'op')} of {d.both} that {named(d.by, d.lost_by)} brings through and"
        f" {named(d.lost_by, d.by)} does not; {d.through} that both do"
    )
    rows = [(len(group.ops), group.obstacle, _some(group)) for group in d.groups[:limit]]
    more = len(d.groups) - len(rows)
    table = str(tabulate(rows, headers=("ops", "first obstacle", "which"), maxcolwidths=[None, 70, 60])) if rows else ""
    return "\n".join(filter(None, (head, table, f"and {plural(more, 'obstacle')} more" if more else "")))


def _some(group: Group) -> str:
    names = [f"{op} ({id})" for op, id in group.ops.items()]
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _json(difference: Difference) -> dict[str, Any]:
    d = difference
    return {
        "backend": d.backend,
        "mode": d.mode,
        "by": named(d.by, d.lost_by),
        "lost_by": named(d.lost_by, d.by),
        "both": d.both,
        "through": d.through,
        "groups": [{"obstacle": group.obstacle, "ops": dict(group.ops)} for group in d.groups],
    }
