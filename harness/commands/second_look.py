"""The second look of `opcov ab` at what changed: which changes say nothing of the compilers, and what flickers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.cases.sample import Sample
from harness.running.budget import Budget
from harness.running.confirmation import RUNNING, Confirmation, Pair, confirm
from harness.text import plural
from reports.answers.diff.change import Change
from reports.answers.diff.diff import Diff
from reports.answers.diff.transition import Transition
from reports.fold.cell import Key
from reports.index.index import Index


class SecondLook:
    """What was found of each sample that was looked at again."""

    def __init__(self, pair: Pair, budget: Budget) -> None:
        self._pair = pair
        self._budget = budget
        self._found: dict[tuple[Key, str], Confirmation] = {}
        self.left = 0

    def take(self, found: Diff, tell: Callable[[int, int], None]) -> None:
        """Look again at the samples that are worse, and at those that are right now and were wrong, in this order.

        Of a cell that is shown to have changed in one way, no further sample is looked at. Those that the budget does
        not reach are counted as `left`. `tell` is told how many of how many are done.
        """
        changes = list(_to_look_at(found))
        samples = _Samples(found.after.index)
        shown: set[tuple[Key, Transition]] = set()
        for place, change in enumerate(changes):
            if self._budget.left() <= 0:
                self.left = len(changes) - place
                return
            sample = None if (change.cell, change.transition) in shown else samples.get(change)
            if sample and not self._look(change, sample).excuse:
                shown.add((change.cell, change.transition))
            tell(place + 1, len(changes))

    def _look(self, change: Change, sample: Sample) -> Confirmation:
        """Look at one sample, and keep what was found."""
        ends = (change.before.signature, change.after.signature)
        is_worse = change.transition.kind == "worse"
        found = confirm(self._pair, sample, change.cell.backend, *ends, is_worse=is_worse)
        self._found[change.cell, change.sample.id] = found
        return found

    def doubt(self, change: Change) -> str:
        """Why a change says nothing of the compilers; "" if it does."""
        found = self._found.get((change.cell, change.sample.id))
        return found.excuse if found else ""

    def said(self) -> Iterator[str]:
        """What of it a reader of the diff has to know."""
        if self._found:
            yield f"Looked at {plural(len(self._found), 'sample')} again, alone and crosswise"
        if self.left:
            yield f"  not looked at again for want of time: {plural(self.left, 'sample')}"
        for (cell, id), found in self._found.items():
            sides = (("A", found.base), ("B", found.candidate))
            flickering = [f"{name} {trials}" for name, trials in sides if trials.flickers]
            if flickering:
                yield f"  flickers: {cell.op} {cell.backend} {cell.mode} {cell.dtype} {id}: {'; '.join(flickering)}"

    def write(self, path: Path) -> None:
        """Write all that was found as JSON."""
        lines = [_json(cell, id, found) for (cell, id), found in self._found.items()]
        path.write_text(json.dumps(lines, indent=1) + "\n", encoding="utf-8")


def _json(cell: Key, id: str, found: Confirmation) -> Mapping[str, Any]:
    sides = {"base": found.base, "candidate": found.candidate}
    ends = {side: {str(end): count for end, count in trials.ends.items()} for side, trials in sides.items()}
    return {"id": id, **cell._asdict(), "excuse": found.excuse, "crossed": dict(found.crossed), **ends}


def _to_look_at(found: Diff) -> Iterator[Change]:
    """The most alarming changes first, of each group the smallest sample first."""
    for group in found.groups:
        for change in sorted(group.changes, key=lambda change: change.effort):
            kind, was = change.transition.kind, change.before
            if kind == "worse" or (kind == "better" and (was.outcome == "Wrong" or was.signature.stage in RUNNING)):
                yield change


class _Samples:
    """The samples of changes; those of one op are restored at once."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._op = ""
        self._known: dict[str, Sample] = {}

    def get(self, change: Change) -> Sample | None:
        if self._op != change.cell.op:
            self._op = change.cell.op
            records = self._index.records(self._op).records
            self._known = {record.id: record.sample for record in records if record.sample}
        return self._known.get(change.sample.id)
