"""All folds there are, and the index of a journal with their values: what commands, a run and tests ask.

A command opens the index of a finished journal with `open_index`. A run has a `LiveIndex`, from which pages can be
written while it goes on.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from harness.records import query
from harness.records.cause import Cause
from harness.records.fingerprint import fingerprint
from harness.records.journal_file import PART, Block, footer
from reports.answers import alarms, blame, gap, roads, slack
from reports.fold import ending, entries, failures, matrix, programs, selected, ways
from reports.index import store
from reports.index.index import Index
from reports.index.op_records import Fold
from reports.index.writer import IndexWriter
from reports.pages import panels, samples

_MODULES = (matrix, entries, failures, alarms, blame, ending, gap, programs, roads, slack, ways, panels, samples)
FOLDS: Mapping[str, Fold] = {module.FOLD: module.fold for module in _MODULES}
"""By name, what is kept of each op's records."""
_SOURCES = (
    "reports/**/*.py",
    "harness/records/*.py",
    "harness/cases/sample.py",
    "harness/cases/dtypes.py",
    "harness/cases/sizes.py",
    "harness/text.py",
)


def open_index(
    journal: Path, progress: store.Progress = store.no_progress, warn: store.Warn = store.no_warning
) -> Index:
    """Return the index of a journal, and make it first if there is none to trust; raises BadJournal.

    `warn` is told why, if the index cannot be kept on the disk.
    """
    return store.Store(journal, FOLDS, version()).open(progress, warn)


def select(
    whole: Index, where: str, names: Collection[str] = FOLDS, progress: store.Progress = store.no_progress
) -> Index:
    """Return the index of what a query selects, with the folds of these names.

    Raises BadQuery, UnknownName and NothingSelected.
    """
    folds = {name: FOLDS[name] for name in names}
    return selected.Selected(whole, query.parse(where, selected.names(whole)), folds, progress)


class LiveIndex:
    """The index of a run that goes on, in memory: it is told of each cell as the journal is."""

    def __init__(self, header: Mapping[str, Any]) -> None:
        self._writer = IndexWriter(":memory:", FOLDS, header)

    def add(self, cell: Block) -> None:
        """Add one cell, in the order in which the journal has them; raises BadJournal if its lines are no outcomes."""
        self._writer.add(cell)

    def note_toolchains(self, *lines: Mapping[str, Any]) -> None:
        """Note lines of the journal that say what workers loaded."""
        self._writer.note_toolchains(*lines)

    def note_causes(self, *causes: Cause) -> None:
        """Note what cutting failing programs has shown."""
        self._writer.note_causes(causes)

    def index(self) -> Index:
        """The index of what has come so far, good until the next `add`."""
        return self._writer.flush()

    def keep(self, journal: Path) -> None:
        """Write the index beside the run's journal, so that the first command need not make it.

        Call it last. If the index cannot be written, the first command makes it.
        """
        store.Store(journal, FOLDS, version()).keep(self._writer, footer(journal))
        store.places(journal.with_name(journal.name + PART))[0].unlink(missing_ok=True)


@cache
def version() -> str:
    """A hash of all code that decides what an index holds."""
    return fingerprint(Path(__file__).parents[1], *_SOURCES)
