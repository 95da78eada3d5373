"""One pytest item per cell of the matrix: collected from a family's module, run in a supervised child process."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.cases.draw import Profile, profile
from harness.errors import OpcovError
from harness.programs import plugins
from harness.records.expectation import judge
from harness.records.journal import Record, record_json
from harness.running.cells import Cell, cells
from harness.running.runner import Runner
from harness.running.sources import Census, FromOpinfo, Source
from harness.running.supervisor import Supervisor
from harness.surface import opinfo
from op_suites import catalog

from . import resume
from .options import SUITES, is_strict, is_thorough, limits, selection

LINES = "opcov-lines"
"""The key of a report's user properties under which a cell's journal lines travel to the controller."""


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Make a family's module a collector of its cells."""
    if file_path.parent == SUITES and file_path.stem in catalog():
        return Family.from_parent(parent, path=file_path)
    return None


class Family(pytest.File):
    """One module of op_suites."""

    def collect(self) -> Iterator[pytest.Item]:
        """Its cells, in the order in which they share work, but for those that an unfinished run has done."""
        done = resume.done(self.config)
        family = self.path.stem
        backends = plugins.names(plugins.BACKENDS)
        size = profile(self.config.option.profile)
        for cell in cells(family, catalog()[family], backends, selection(self.config), size):
            if cell.name not in done and (self.config.option.samples != "opinfo" or _opinfo(size)(cell)):
                yield CellItem.from_parent(self, name=cell.name, cell=cell)


class CellItem(pytest.Item):
    """One cell: passes if all its samples do, xfails on a backend's shortfall, fails on a fault of ours."""

    def __init__(self, *, cell: Cell, **more: Any) -> None:
        super().__init__(**more)
        self.cell = cell

    def runtest(self) -> None:
        """Run the census; what is done is kept even if the run is interrupted half-way."""
        records = []
        lines: list[str] = []  # as text: what carries reports between processes has no integers of 64 bits
        self.user_properties.append((LINES, lines))
        for record in _runner(self.config).records(self.cell):
            records.append(record)
            lines.append(json.dumps(record_json(record)))
        verdict = judge(records, self.cell.backend)
        if verdict.kind == "broken" or (is_strict(self.config) and verdict.kind == "shortfall"):
            pytest.fail(f"{verdict.reason}\nreproduce: {_repro(self.cell, records)}", pytrace=False)
        if verdict.kind == "shortfall":
            pytest.xfail(verdict.reason)
        if verdict.kind == "outside":
            pytest.skip(verdict.reason)

    def teardown(self) -> None:
        """Drop the lines, which the report of the call has: the report of the teardown need not carry them again."""
        self.user_properties.clear()

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The reason alone: a trace into this file helps nobody, and costs more than the cell."""
        if isinstance(excinfo.value, (pytest.fail.Exception, pytest.xfail.Exception, OpcovError)):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the cell's op is declared."""
        return self.path, 0, self.name


def cell_name(nodeid: str) -> str | None:
    """The name of the cell that an item of this id runs; None if it is no cell."""
    path, _, name = nodeid.rpartition("::")
    return name if path.startswith(f"{SUITES.name}/") else None


def _repro(cell: Cell, records: list[Record]) -> str:
    worst = next(r for r in records if type(r.outcome).__name__ != "Passed")
    return f"opcov repro {worst.id} --backend {cell.backend}"


_RUNNER = pytest.StashKey[Runner]()
_SUPERVISOR = pytest.StashKey[Supervisor]()


def _runner(config: pytest.Config) -> Runner:
    """This process's runner with its supervised worker, made when the first cell needs it."""
    if _RUNNER not in config.stash:
        option = config.option
        backends = selection(config).backends or plugins.names(plugins.BACKENDS)
        config.stash[_SUPERVISOR] = Supervisor(backends, limits(config), thorough=is_thorough(config))
        size = profile(option.profile)
        sources: tuple[Source, ...] = () if option.samples == "opinfo" else (Census(size, option.seed),)
        sources += () if option.samples == "census" else (_opinfo(size),)
        run = config.stash[_SUPERVISOR].run
        find_pass = functools.partial(run, find_pass=True)
        config.stash[_RUNNER] = Runner(run, sources, size, option.seed, find_pass=find_pass)
    return config.stash[_RUNNER]


def _opinfo(size: Profile) -> FromOpinfo:
    return FromOpinfo(opinfo.trace().samples, size)


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the worker process."""
    if _SUPERVISOR in config.stash:
        config.stash[_SUPERVISOR].close()
