"""The answer of `opcov ops --tame`, as text and as JSON values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.cases.facets import KINDS, Kind
from harness.cases.sample import to_json
from harness.text import as_table, clip, plural

from .tame import LISTED, Lack, State

SHOWN = 24
"""The most rows of findings in the text where more than `FEW` ops were asked about."""
FEW = 5
STATES: Mapping[State, str] = {
    "tame": "eager takes it, never drawn",
    "refuted": "eager takes it, though the case says that it cannot be judged",
    "named": "a reason of the case",
    "nightly": "drawn in the nightly",
    "refuses": "eager refuses every call that has it",
    "differs": "eager differs from itself in float64",
    "edge": "a roundoff decides the result",
    "unjudged": "the control does not pass it",
    "dies": "eager dies of it",
    "untried": "no call has it",
}
"""What became of a facet that is not drawn, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tameness:
    """What the censuses of some ops never hold; `failed` are the ops that could not be searched, with the reason.

    `families` is the family of each op. `note` says what was left out, if anything.
    """

    lacks: Sequence[Lack]
    families: Mapping[str, str]
    failed: Mapping[str, str]
    note: str = ""

    @property
    def listed(self) -> list[Lack]:
        """What a census should hold, or the case should not call impossible to judge."""
        return [lack for lack in self.lacks if lack.state in LISTED]

    @property
    def is_empty(self) -> bool:
        """Whether nothing is to be done."""
        return not self.listed and not self.failed


def as_text(found: Tameness) -> str:
    """The verdict with its counts, the findings by op, then what is not drawn for a reason."""
    parts = [_verdict(found), found.note, _by_kind(found), _findings(found), _reasons(found)]
    parts += [f"not searched: {op}: {why}" for op, why in found.failed.items()]
    return "\n\n".join(part for part in parts if part)


def _verdict(found: Tameness) -> str:
    listed = found.listed
    ops = len({lack.op for lack in listed})
    if found.is_empty:
        return f"not tame: the census of {plural(len(found.families), 'op')} holds all that eager takes"
    kinds = _counts(listed)
    counts = ", ".join(f"{count:,} {kind}" for kind, count in kinds.items())
    return f"tame: {plural(len(listed), 'facet')} in {ops:,} of {plural(len(found.families), 'op')} ({counts})"


def _counts(lacks: Iterable[Lack]) -> dict[Kind, int]:
    """How many there are of each kind, in the order of the kinds, without zeros."""
    counted = Counter(lack.kind for lack in lacks)
    return {kind: counted[kind] for kind in KINDS if counted[kind]}


def _by_kind(found: Tameness) -> str:
    listed = found.listed
    rows = [
        (kind, count, len({lack.op for lack in listed if lack.kind == kind}), KINDS[kind])
        for kind, count in _counts(listed).items()
    ]
    return _table(rows, "kind", "facets", "ops", "what the census never holds, though eager takes it") if rows else ""


def _findings(found: Tameness) -> str:
    """A row for each op, kind and set of dtypes; where the ops are many, the first rows, their facets cut."""
    by_facet: dict[tuple[str, Kind, str], list[Lack]] = {}
    order = list(found.families)
    for lack in sorted(found.listed, key=lambda lack: order.index(lack.op)):
        by_facet.setdefault((lack.op, lack.kind, lack.facet), []).append(lack)
    groups: dict[tuple[str, Kind, str], list[Lack]] = {}
    for (op, kind, _), lacks in by_facet.items():
        groups.setdefault((op, kind, " ".join(lack.dtype for lack in lacks)), []).extend(lacks)
    rows = [(op, kind, _facets(group), dtypes.strip(), _state(group)) for (op, kind, dtypes), group in groups.items()]
    if not rows:
        return ""
    many = len(found.families) > FEW
    shown = [(op, kind, clip(facets, 60), clip(dtypes, 30), state) for op, kind, facets, dtypes, state in rows[:SHOWN]]
    head = ("op", "kind", "facets", "dtypes", "")
    text = _table(shown, *head) if many else _table(rows, *head, widths=[None, None, 80, 40, 40])
    hint = f"--op {rows[0][0]}`" if many else f"--op {rows[0][0]} --json`, with a sample that shows each"
    more = f"{len(rows) - SHOWN:,} more rows; " if many and len(rows) > SHOWN else ""
    return f"{text}\n\n{more}see more of one: `opcov ops --tame {hint}"


def _facets(group: Sequence[Lack]) -> str:
    return ", ".join(dict.fromkeys(lack.facet for lack in group))


def _state(group: Sequence[Lack]) -> str:
    reasons = dict.fromkeys(lack.reason for lack in group if lack.state == "refuted")
    return clip(f"refuted: {'; '.join(reasons)}", 60) if reasons else ""


def _reasons(found: Tameness) -> str:
    """What is not drawn for a reason, counted by kind."""
    rest = [lack for lack in found.lacks if lack.state not in LISTED]
    counted = Counter((lack.kind, lack.reason or STATES[lack.state]) for lack in rest)
    order = list(KINDS)
    rows = [(kind, count, clip(why, 90)) for (kind, why), count in counted.items()]
    rows.sort(key=lambda row: (order.index(row[0]), -row[1]))
    return _table(rows, "kind", "not drawn", "for this reason") if rows else ""


def as_data(found: Tameness) -> dict[str, Any]:
    """The counts by kind, every finding with a sample that shows it, and what has a reason."""
    return {
        "ops": len(found.families),
        "counts": _counts(found.listed),
        "findings": [_entry(found, lack) for lack in found.listed],
        "reasons": [_entry(found, lack) for lack in found.lacks if lack.state not in LISTED],
        "failed": dict(found.failed),
        "note": found.note,
    }


def _entry(found: Tameness, lack: Lack) -> dict[str, Any]:
    entry = {"op": lack.op, "family": found.families[lack.op], "kind": lack.kind, "facet": lack.facet}
    entry |= {"dtype": lack.dtype} if lack.dtype else {}
    entry |= {"state": lack.state} | ({"reason": lack.reason} if lack.reason else {})
    return entry | ({"sample": to_json(lack.sample)} if lack.sample else {})


def _table(rows: Iterable[Iterable[Any]], *head: str, widths: list[int | None] | None = None) -> str:
    return as_table([list(row) for row in rows], head, maxcolwidths=widths)
