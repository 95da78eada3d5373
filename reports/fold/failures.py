"""How the samples of one op fail, sorted by cluster: what the index keeps for `reports.answers.clusters`.

The culprit of a failure is the one that cutting has found (`harness.records.cause`), else the only op of the program,
else the one that the diagnostic names. The first two are verified.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from harness.records.cause import Cause
from harness.records.element_types import element_types
from harness.records.expectation import CONTROL
from harness.records.frontend import FRONTEND
from harness.records.journal import Record
from harness.records.outcome import BEST, Outcome, Wrong
from harness.records.severity import SEVERITIES, severity
from harness.records.signature import Signature, signature
from harness.text import clip
from reports.index.op_records import OpRecords

from .call import call
from .cell import dialect_name, outcome_name
from .diagnosis import NORMALISER, UNSIGNED, manner, named, told
from .reason import size
from .rules import separate
from .status import FAILING

FOLD = "failures"
Basis = Literal["cut", "composition", "only", "named", "decomposed", ""]
"""How a culprit is known: by cutting, alone or as a group; as the only op of the program; by the diagnostic's word; as
the op that is decomposed in the first wrong pass, which comes before the backend; not at all.
"""
VERIFIED: tuple[Basis, ...] = ("cut", "composition", "only")
CellKey = tuple[str, str, str]
"""Backend, mode and dtype."""
Traits = tuple[str, ...]
UNSIGNED_DTYPE = "u8"
_TORCH = "torch."
"""How the names of the ops of a program begin; a cascade may stop at an op of another dialect."""
DYNAMIC = "mode=dynamic"
"""A trait that rules of clusters know beside those of samples."""


class Key(NamedTuple):
    """What the failures of one cluster have in common.

    - `outcome`: as reports count it. `where`: the first wrong pass of a wrong sample, of a range of passes the first;
      of others the stage.
    - `culprits`: one op in the torch dialect, several of a composition, none if it is not known.
    - `manner`: the normalised diagnostic, or the kind of wrongness.
    - `decomposed`: whether the culprit is decomposed wrongly, before any backend.
    """

    backend: str
    outcome: str
    where: str
    culprits: tuple[str, ...]
    manner: str
    decomposed: bool = False

    @property
    def id(self) -> str:
        """A short name that no other cluster has, the same in every run; it starts with the normaliser's version."""
        digest = hashlib.sha256(json.dumps([NORMALISER, *self]).encode()).hexdigest()
        return f"c{NORMALISER}-{digest[:7]}"


@dataclass(frozen=True, slots=True)
class Failure:
    """A record that fails: its cluster, how the culprit is known, and what cutting says of the rest of the program.

    `wrong_pass` is the first wrong pass, or the range that holds it; "" if that is not known. `unlocks` is whether the
    program passes with the culprit cut out, None if that was not tried. `needs` are what it stops at next. `why` says
    why it was not tried, if cutting has given up.
    """

    record: Record
    key: Key
    basis: Basis
    cause: Cause | None
    wrong_pass: str
    unlocks: bool | None
    needs: tuple[str, ...]

    @property
    def why(self) -> str:
        """Why cutting has found nothing; "" if it has, or was not asked."""
        return self.cause.why if self.cause else ""


@lru_cache(maxsize=1)
def failures(of: OpRecords) -> tuple[Failure, ...]:
    """The records of an op that fail on a backend or in the frontend, minimised ones included."""
    causes = {(cause.backend, cause.mode, cause.way): cause for cause in of.causes}
    found = []
    for record in of.records:
        if outcome_name(record) in FAILING and record.backend != CONTROL:
            way = signature(record.outcome, record.backend)
            cause = causes.get((record.backend, record.full_mode, way))
            wrong_pass = of.first_wrong_passes.get((record.backend, record.full_mode, way), "")
            found.append(_failure(record, way, cause, wrong_pass))
    return tuple(found)


def _failure(record: Record, way: Signature, cause: Cause | None, wrong_pass: str) -> Failure:
    culprits, basis = _culprits(record, way, cause, wrong_pass)
    cut = cause if cause and basis in ("cut", "composition") else None
    shown = cut.alone[0].outcome if cut and cut.alone else record.outcome
    shown = shown if type(shown) is type(record.outcome) else record.outcome
    culprit = culprits[0] if len(culprits) == 1 else ""
    key = Key(
        record.backend,
        outcome_name(record),
        wrong_pass.partition(" to ")[0] or record.stage,
        culprits,
        _manner(record, shown, culprit),
        basis == "decomposed",
    )
    if cut is None:
        return Failure(record, key, basis, cause, wrong_pass, True if basis == "only" else None, ())
    return Failure(record, key, basis, cause, wrong_pass, *_rest(cut, culprits))


def _manner(record: Record, shown: Outcome, culprit: str) -> str:
    found = manner(shown, record.backend, culprit, record.cause or "")
    is_unsigned = isinstance(shown, Wrong) and record.sample and UNSIGNED_DTYPE in element_types(record.sample)
    return found + UNSIGNED if is_unsigned else found


def _rest(cut: Cause, culprits: Collection[str]) -> tuple[bool | None, tuple[str, ...]]:
    """Whether the rest of a program passes with these culprits cut out, None if that is not known; what else it needs.

    An op that is at fault more than once is one effort. A rest that could not be run has neither passed nor stopped.
    """
    others = tuple(dict.fromkeys(name for name in (*cut.culprits, *cut.needs) if name not in culprits))
    return (None if cut.why and not others else cut.unlocks and not others), others


def _culprits(record: Record, way: Signature, cause: Cause | None, wrong_pass: str) -> tuple[tuple[str, ...], Basis]:
    """The culprits of a failure and how they are known. Of several that are at fault each on its own, the first.

    An op of another dialect that a lowering stopped at says more than the op of the program that it was made of.
    """
    name = named(record.outcome, way.culprit)
    if name and record.backend != FRONTEND and not name.startswith(_TORCH) and not (cause and name in cause.culprits):
        return (name,), "named"
    if cause and cause.culprits and cause.found != "not tried":
        distinct = tuple(dict.fromkeys(cause.culprits))
        return (distinct, "composition") if cause.found == "composition" else (distinct[:1], "cut")
    if isinstance(record.outcome, Wrong) and wrong_pass and not wrong_pass.startswith("lower/"):
        return (dialect_name(record.op),), "decomposed"
    if len(record.reached) == 1 and (not name or name.startswith(_TORCH)):
        return record.reached, "only"
    return ((name,), "named") if name else ((), "")


# the fold -------------------------------------------------------------------------------------------------------------


def fold(of: OpRecords) -> dict[str, Any] | None:
    """The failures of an op: per backend its failing cells and samples, and its groups, one per cluster."""
    found = failures(of)
    if not found:
        return None
    groups: dict[Key, list[Failure]] = defaultdict(list)
    cells: dict[CellKey, list[Failure]] = defaultdict(list)
    for failure in found:
        groups[failure.key].append(failure)
        cells[_cell(failure.record)].append(failure)
    passing: dict[str, list[Traits]] = defaultdict(list)
    for record in of.records:
        if isinstance(record.outcome, BEST) and record.minimised is None and record.sample:
            passing[record.backend].append(_traits(record))
    totals = _totals(found)
    places = {key: place for place, key in enumerate(groups)}
    return {
        "totals": totals,
        "groups": [
            {
                "key": list(key),
                "cells": [_held_back(places, key, name, cells[name]) for name in _cells(group)],
                "plain": [[f.record.full_mode, f.unlocks is True] for f in group if f.record.plain],
                "why": dict(Counter(f.why for f in group if f.why)),
                "severity": _worst(of, group),
                "rule": _rule(group, passing[key.backend], totals[key.backend][1]),
                "common": sorted(set.intersection(*(set(_traits(f.record)) for f in group))),
                "example": _example(group),
            }
            for key, group in groups.items()
        ],
    }


def _cell(record: Record) -> CellKey:
    return record.backend, record.full_mode, record.dtype


def _totals(found: Iterable[Failure]) -> dict[str, list[int]]:
    """By backend: how many cells fail, and how many samples."""
    cells: dict[str, set[tuple[str, str]]] = defaultdict(set)
    samples: Counter[str] = Counter()
    for failure in found:
        record = failure.record
        cells[record.backend].add((record.full_mode, record.dtype))
        samples[record.backend] += record.minimised is None
    return {backend: [len(cells[backend]), samples[backend]] for backend in cells}


def _cells(group: Iterable[Failure]) -> Iterable[CellKey]:
    return dict.fromkeys(_cell(failure.record) for failure in group)


def _held_back(places: Mapping[Key, int], key: Key, name: CellKey, of_cell: Sequence[Failure]) -> list[Any]:
    """What a cluster is to a cell: mode, dtype, whether the cell passes with the culprit cut out, what it needs then.

    After these come the places of the other clusters that the cell is in, whether the culprit is verified, and how many
    samples fail so.
    """
    own = [f for f in of_cell if f.key == key]
    tried = [f.unlocks for f in own]
    return [
        *name[1:],
        None if None in tried else all(tried),
        list(dict.fromkeys(need for f in own for need in f.needs)),
        sorted({places[f.key] for f in of_cell} - {places[key]}),
        all(f.basis in VERIFIED for f in own),
        sum(f.record.minimised is None for f in own),
    ]


def _worst(of: OpRecords, group: Sequence[Failure]) -> int:
    """The place of the worst severity among `SEVERITIES`."""
    if any(f.record.plain for f in group):
        return 0
    found = len(SEVERITIES)
    for failure in group:
        found = min(found, SEVERITIES.index(severity(failure.record, of.plain_calls.get(failure.record.full_mode))))
        if found == 1:  # only a plain call is worse, and each takes time
            break
    return found


def _rule(group: Sequence[Failure], passing: Sequence[Traits], judged: int) -> list[Any] | None:
    """What separates the samples of a cluster from those of the op that pass: its text, how many fail and pass.

    Minimised samples must meet the condition too, but do not count. If none passes, the text is empty, and the last
    number is that of all samples that fail. None if nothing separates them.
    """
    failing = [_traits(f.record) for f in group if f.record.sample]
    count = sum(f.record.minimised is None for f in group if f.record.sample)
    if not count:
        return None
    if not passing:
        return ["", count, judged]
    found = separate(failing, passing)
    return [found.text, count, found.passing] if found else None


def _traits(record: Record) -> Traits:
    return (*record.traits, DYNAMIC) if record.mode == "dynamic" else record.traits


def _example(group: Sequence[Failure]) -> dict[str, Any]:
    """The record to look at: best the plain call of the culprit alone, else a small sample."""
    chosen = min(group, key=_ease)
    record = chosen.record
    cuts = [len(cut.ir) for f in group if f.cause and f.basis in ("cut", "composition") for cut in f.cause.alone[:1]]
    return {
        "ease": _ease(chosen),
        "id": record.id,
        "mode": record.full_mode,
        "stage": record.stage,
        "headline": clip(told(record.outcome), 300),
        "call": clip(call(record.sample), 1000) if record.sample else "",
        "where": chosen.wrong_pass,
        "cut": min(cuts, default=0),
    }


def _ease(failure: Failure) -> tuple[Any, ...]:
    """A sort key: a program of the culprit alone comes first, then one of its own op, a plain call, a minimised sample.

    A static one is easier to run than a dynamic one, a small one easier to read.
    """
    record = failure.record
    is_whole = record.minimised is None or record.without is not None
    elements, dims, arguments = size(record.sample) if record.sample else (0, 0, 0)
    few = (record.sample is None, not elements, is_whole, elements, dims, arguments, record.id)
    culprits = failure.key.culprits
    own = (record.reached != culprits, (dialect_name(record.op),) != culprits)
    return (*own, not record.plain, record.full_mode != "static", *few)
