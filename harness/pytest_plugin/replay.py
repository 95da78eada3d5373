"""`--replay JOURNAL`: run the samples of a journal, judged by today's cases, instead of those that the cases draw."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.cases.case import OpCase
from harness.cases.profile import PROFILES
from harness.cases.road import Road, split_mode
from harness.errors import OpcovError
from harness.records.journal import Record
from harness.records.journal_file import CellName, JournalReader, cell_name
from harness.text import clip, plural

if TYPE_CHECKING:
    from reports.index.index import Index

GONE = "opcov-gone"
"""The key of a report's user properties under which what is gone of a cell travels to the controller."""
REPLAY = pytest.StashKey["Replay"]()
SHOWN = 20
"""So many things that are gone are named at the end."""


@dataclass(frozen=True)
class Replay:
    """A journal whose samples are run, as far as a query selects them; raises BadJournal, and what a query raises.

    It is opened by each process that needs it: only the records of one op at a time are in memory.
    """

    path: Path
    where: str
    gone: list[str] = field(default_factory=list)
    """What this process found to be gone from the registry, and has not told yet."""

    @cached_property
    def header(self) -> Mapping[str, Any]:
        """The journal's header."""
        return JournalReader(self.path).header

    @cached_property
    def _index(self) -> Index:
        from reports import folds  # late: a run that replays nothing starts without what reports need

        whole = folds.open_index(self.path)
        return folds.select(whole, self.where, ()) if self.where else whole

    @cached_property
    def cells(self) -> frozenset[CellName]:
        """The cells that have samples; raises OpcovError if there are none."""
        found = frozenset(self._index.measured())
        if not found:
            raise OpcovError(f"--replay: {self.path} has no sample", hint="give the journal of a run that measured")
        return found

    def said(self) -> Iterator[str]:
        """What a run says of the journal, and of what of it cannot be read, so that it is not run."""
        yield f"replays {plural(len(self.cells), 'cell')} of {self.path}, run {self.header.get('run')}"
        if not self._index.run.complete:
            yield f"{self.path} is of a run that did not end: what it has is replayed"
        yield from (f"{self.path} is damaged: {damage}" for damage in self._index.run.damage)

    def records(self, op: str) -> tuple[Record, ...]:
        """The selected records of an op."""
        return self._index.records(op).records

    @cached_property
    def backends(self) -> frozenset[str]:
        """The backends of the journal."""
        return frozenset(backend for backend, _ in self._index.run.columns)

    @cached_property
    def roads(self) -> tuple[Road, ...]:
        """The roads of the cells, the default one first."""
        return tuple(sorted({split_mode(mode)[1] for _, _, mode, _ in self.cells}, key=str))

    def profile(self) -> str | None:
        """The profile of the journal's run; None if there is none of that name."""
        name = self.header.get("options", {}).get("profile")
        return name if name in PROFILES else None


def gone(replay: Replay, cases: Iterable[OpCase], backends: Iterable[str]) -> Iterator[str]:
    """The cells of a replay that today's registry has not, each with what it lacks."""
    known, columns = {case.op: case for case in cases}, set(backends)
    for op, backend, mode, dtype in sorted(replay.cells):
        case = known.get(op)
        if case is None:
            why = "no such op"
        elif dtype not in case.dtypes:
            why = f"no dtype {dtype}"
        elif split_mode(mode)[0] not in case.modes():
            why = f"no mode {mode}"
        elif backend not in columns:
            why = f"no backend {backend}"
        else:
            continue
        yield f"{cell_name(op, backend, mode, dtype)}: {why}"


class Gone:
    """In the controller: collects what is gone from the registry, and lists it at the end."""

    def __init__(self, cells: Iterable[str]) -> None:
        self.found = dict.fromkeys(cells)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take what a cell found to be gone."""
        if report.when == "call":
            found = dict(report.user_properties).get(GONE, ())
            assert isinstance(found, (list, tuple))
            self.found |= dict.fromkeys(map(str, found))

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """List it."""
        if not self.found:
            return
        lines = [f"  {clip(line, 160)}" for line in self.found]
        lines[SHOWN:] = [f"  and {len(lines) - SHOWN:,} more"] if len(lines) > SHOWN else []
        for line in (f"gone from the registry, not run: {len(self.found):,} cells or samples", *lines):
            terminalreporter.write_line(line)
