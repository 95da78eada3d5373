"""A run beside a baseline: which cells can be compared, how they differ, and what a reader must know of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING

import op_suites
from harness.cases.profile import profile
from harness.records.baseline_file import Baseline
from harness.records.entry import Entry
from harness.records.journal_file import CellName
from harness.running.cells import Selection, every_cell
from harness.text import plural
from reports.answers.drift import Drift, drift

from .measured import PAIR, executors, measured

if TYPE_CHECKING:
    from reports.index.index import Index


@dataclass(frozen=True)
class Comparison:
    """The cells of a run beside the entries of a baseline; `where` is a query that selects cells, "" for all."""

    index: Index
    baseline: Baseline
    where: str = ""

    @cached_property
    def cells(self) -> tuple[Entry, ...]:
        """The selected cells of the run that the registry has in this profile; raises BadQuery and UnknownName."""
        from reports.fold.entries import selection

        known = {field: {getattr(entry, field) for entry in self._ran} for field in ("op", "family", "backend")}
        takes = selection(self.where, known)
        return tuple(entry for entry in self._ran if takes(entry))

    @cached_property
    def _ran(self) -> tuple[Entry, ...]:
        from reports.fold import entries

        return tuple(entry for entry in entries.load(self.index) if (entry.family, entry.name) in self.registry)

    @cached_property
    def registry(self) -> frozenset[tuple[str, CellName]]:
        """The cells that the registry has in this profile on the backends of the baseline, by family and name."""
        return registry(self.baseline.profile, tuple(self.baseline.measured["backends"].split()))

    @cached_property
    def odd_executors(self) -> tuple[str, ...]:
        """The executors that the run has and the baseline had not, or the other way round."""
        return tuple(sorted(set(executors(self.index.run)) ^ set(self.baseline.measured["executors"].split())))

    @property
    def gone(self) -> tuple[Entry, ...]:
        """The entries of which the registry has no cell."""
        found = self.baseline.entries.values()
        return tuple(entry for entry in found if (entry.family, entry.name) not in self.registry)

    def drift(self, cell: Entry) -> Drift | None:
        """How a cell differs from its entry; None if it does not."""
        return drift(self.baseline.entries.get(cell.name), cell, self.odd_executors)

    @cached_property
    def drifts(self) -> tuple[Drift, ...]:
        """All cells that differ from their entries."""
        return tuple(found for found in map(self.drift, self.cells) if found)

    def notes(self) -> Iterator[str]:
        """What a reader must know of the comparison."""
        run, entries = self.index.run, self.baseline.entries
        if not run.complete:
            yield f"the run did not end: {run.cells:,} of its {plural(run.header.get('cells', 0), 'cell')} are here"
        if missing := len(entries.keys() - {cell.name for cell in self._ran}):
            yield f"no data: {plural(missing, 'cell')} of the baseline did not run"
        if unselected := len(self._ran) - len(self.cells):
            yield f"left out by --where: {plural(unselected, 'cell')}"
        if others := run.cells - len(self._ran):
            yield f"left out: {plural(others, 'cell')} of the run that the profile does not have"
        if self.odd_executors:
            yield f"executors are not those of the baseline: {', '.join(self.odd_executors)}"
        if second := sum(map(self._is_second, self.cells)):
            yield f"{plural(second, 'cell')} came to the second verdict that the baseline has of them"
        before, now = self.baseline.measured, measured(run)
        if differ := [f"{now[key]} after {before.get(key)}" for key in PAIR.values() if now[key] != before.get(key)]:
            yield f"the pair has changed: {', '.join(differ)}"

    def _is_second(self, cell: Entry) -> bool:
        expected = self.baseline.entries.get(cell.name)
        return bool(expected and not self.drift(cell) and cell.end.causes != expected.end.causes)


@cache
def registry(name: str, backends: tuple[str, ...]) -> frozenset[tuple[str, CellName]]:
    """The cells of a profile on these backends, by family and name."""
    found = every_cell(op_suites.catalog(), backends, Selection(), profile(name))
    return frozenset((cell.family, cell.key) for cell in found)
