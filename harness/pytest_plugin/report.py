"""The report of a run, written anew every few minutes while it goes on, and once more when it ends."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from harness.errors import BadHistory, OpcovError
from harness.programs import plugins
from harness.records.cause import Cause
from harness.records.journal_file import Block
from reports import folds
from reports.answers import trend
from reports.fold import matrix
from reports.index.index import Index
from reports.pages import formats, html
from reports.pages.summary import summary

PAGES = ("index.html", "matrix.md")
HISTORY = "history.sqlite"
"""The history that `opcov record` makes, if there is one in the folder."""
EVERY = 180.0
"""Seconds from one writing of the pages to the next; more if they take long to write."""
_LARGEST_SHARE = 0.02
"""The largest share of the run's time that writing pages may take."""


class Report:
    """Writes `index.html` and `matrix.md` to a folder, from an index that is told of each cell."""

    def __init__(self, out: Path, header: Mapping[str, Any]) -> None:
        self._out = out
        self._header = header
        self._live: folds.LiveIndex | None = folds.LiveIndex(header)
        self._next = time.monotonic() + EVERY

    def add(self, cell: Block) -> None:
        """Take one cell that the journal has; write the pages if that was not done for long.

        What goes wrong here does not end the run: the journal is whole, and the report at the end is made of it.
        """
        if self._live is None:
            return
        try:
            self._live.add(cell)
            if time.monotonic() >= self._next:
                self._write_while_running(self._live)
        except Exception:
            self._live = None

    def note_toolchains(self, *lines: Mapping[str, Any]) -> None:
        """Take lines of the journal that say what workers have loaded."""
        if self._live:
            self._live.note_toolchains(*lines)

    def note_causes(self, *causes: Cause) -> None:
        """Take what cutting failing programs has shown."""
        if self._live:
            self._live.note_causes(*causes)

    def live_index(self) -> Index | None:
        """The index of the cells that have come so far, good until the next one; None if it could not be made."""
        return self._live.index() if self._live else None

    def passed_on(
        self, cells: Iterable[Block], toolchains: Iterable[Mapping[str, Any]] = (), causes: Iterable[Cause] = ()
    ) -> Iterator[Block]:
        """Take toolchain lines, causes and the cells of an unfinished run; yield the cells for somebody else."""
        self.note_toolchains(*toolchains)
        self.note_causes(*causes)
        for cell in cells:
            self.add(cell)
            yield cell

    def finish(self, journal: Path, width: int) -> str:
        """Write the pages of a run that has ended, and keep its index.

        Return the summary of the run, and what is written where. Raises OpcovError if the pages cannot be written.
        """
        if self._live:
            self._live.keep(journal)
        index = folds.open_index(journal)
        try:
            shown = self._write(index)
        except OSError as error:
            raise OpcovError(
                f"cannot write the report to {self._out}: {error.strerror}",
                hint="make room; `opcov html` and `opcov matrix` read the journal",
            ) from None
        written = ", ".join(str(_shortest(self._out / name)) for name in (journal.name, *PAGES))
        return f"{summary(shown, index, width)}\n\nwritten: {written}"

    def _write_while_running(self, live: folds.LiveIndex) -> None:
        started = time.monotonic()
        with contextlib.suppress(OSError):
            self._write(live.index())
        took = time.monotonic() - started
        self._next = time.monotonic() + max(EVERY, took / _LARGEST_SHARE)

    def _write(self, index: Index) -> matrix.Matrix:
        shown = matrix.load(index)
        page = html.render(index, trends=self._trends, cascades=plugins.names(plugins.CASCADES))
        for name, text in zip(PAGES, (page, formats.render(shown, index, "markdown")), strict=True):
            _replace(self._out / name, text)
        return shown

    @cached_property
    def _trends(self) -> Sequence[trend.Trend]:
        """What the history in the folder shows, if there is one; a damaged one is told of by `opcov history`."""
        with contextlib.suppress(BadHistory):
            return trend.load(self._out / HISTORY, self._header)
        return ()


def _shortest(path: Path) -> Path:
    """The path from the present folder if it is below that."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _replace(path: Path, text: str) -> None:
    """Write a page whole or not at all: somebody may be reading it."""
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
