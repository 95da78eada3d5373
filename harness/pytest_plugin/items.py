"""One pytest item per cell of the matrix: collected from a family's module, run in a supervised child process."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.cases.profile import Profile, profile
from harness.cases.sample import MODES
from harness.errors import Exit, OpcovError
from harness.records.element_types import judged, known_types
from harness.records.expectation import judge
from harness.records.journal import Record, dumped
from harness.records.outcome import BEST
from harness.records.toolchain import toolchain_line
from harness.running.advice import Advice
from harness.running.cells import Cell, cells, names
from harness.running.child import fork_server
from harness.running.request import WarmUp
from harness.running.runner import Runner
from harness.running.sources import Census, Chosen, FromJournal, FromOpinfo, NothingChosen, Source
from harness.running.supervisor import Supervisor
from harness.surface import opinfo
from op_suites import catalog

from . import resume
from .options import SUITES, columns, is_main_job, is_strict, is_thorough, is_worker, limits, opinions, selection
from .replay import GONE, REPLAY

LINES = "opcov-lines"
"""The key of a report's user properties under which a cell's journal lines travel to the controller."""
TOOLCHAIN = "opcov-toolchain"
"""Likewise for what this process's worker has loaded, as text: with the first cell, and again if it changes."""
UNUSABLE = "opcov-unusable"
"""Likewise for why no worker can measure anything: it would be the same for every cell."""
FULLY = 200
"""From so many cells in a process on, a full warm-up takes less time than it saves."""
FEW = 2
"""So many ops have fewer cells than that."""


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
        backends = columns(self.config)
        size = profile(self.config.option.profile)
        replay = self.config.stash.get(REPLAY, None)
        dtypes = size if replay is None else replace(size, left_out=(), static_others=None, dynamic_others=None)
        for cell in cells(family, catalog()[family], backends, selection(self.config), dtypes):
            if cell.name in done or not self._may_match(cell):
                continue
            if replay and cell.key not in replay.cells:
                continue
            if self.config.option.samples != "opinfo" or _opinfo(size)(cell):
                yield CellItem.from_parent(self, name=cell.name, cell=cell)

    def _may_match(self, cell: Cell) -> bool:
        """Whether pytest's `-k` may select the cell: of the tens of thousands of items only such ones are worth making.

        An expression of words joined by `and` needs each word in a name; for any other one pytest decides alone.
        """
        words = self.config.option.keyword.lower().split(" and ")
        if not all(re.fullmatch(r"[\w.:+\-\[\]/]+", word) and word != "not" for word in words):
            return True
        names = (cell.name.lower(), *self._names)
        return all(any(word in name for name in names) for word in words)

    @functools.cached_property
    def _names(self) -> tuple[str, ...]:
        return tuple(node.name.lower() for node in self.listchain())


class CellItem(pytest.Item):
    """One cell: passes if all its samples do, xfails on a backend's shortfall, fails on a fault of ours."""

    def __init__(self, *, cell: Cell, **more: Any) -> None:
        super().__init__(**more)
        self.cell = cell

    def runtest(self) -> None:
        """Run the census, and leave the journal's lines for the report."""
        try:
            records = _runner(self.session).records(self.cell)
        except NothingChosen:
            self.user_properties.append((LINES, []))
            self.user_properties += _gone(self.config)
            pytest.skip("no sample of the cell is selected, or left in the registry")
        except OpcovError as error:
            if error.code == Exit.ENVIRONMENT:
                self.user_properties.append((UNUSABLE, str(error)))
            raise
        # as text: what carries reports between processes has no integers of 64 bits
        self.user_properties.append((LINES, [dumped(record) for record in records]))
        self.user_properties += [(TOOLCHAIN, text) for text in _news(self.config)]
        self.user_properties += _gone(self.config)
        known = known_types({"element_types": self.config.stash[_SUPERVISOR].loaded().element_types})
        verdict = judge([judged(record, known) for record in records], self.cell.backend)
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


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Let the fork server load torch while pytest collects, where it is clear before what it is to warm up."""
    if not is_worker(session.config) and (asked := early_warm_up(session.config)):
        fork_server(asked)


def early_warm_up(config: pytest.Config) -> WarmUp | None:
    """The warm-up of a run of a few ops that are named in full, in this process; None for any other run."""
    wanted = selection(config)
    named = 0 < len(wanted.ops) <= FEW and not any(char in op for op in wanted.ops for char in "*?[")
    if replay := config.stash.get(REPLAY, None):
        named = len({op for op, *_ in replay.cells}) <= FEW
    if wanted.where and not wanted.ops:
        named = len(wanted.possible("op", list(names(catalog(), ())["op"]))) <= FEW
    elsewhere = config.option.collectonly or getattr(config.option, "dist", "no") != "no"
    if elsewhere or not named or not is_main_job(config):
        return None
    backends = wanted.backends or columns(config)
    return WarmUp(backends=tuple(wanted.possible("backend", backends)), modes=wanted.modes or MODES, fully=False)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Count the cells, with those that an unfinished run has done."""
    here = sum(isinstance(item, CellItem) for item in session.items)
    session.config.stash[_CELLS] = here + len(resume.done(session.config))


def cell_of(nodeid: str) -> str | None:
    """The name of the cell that an item of this id runs; None if it is no cell."""
    path, _, name = nodeid.rpartition("::")
    return name if path.startswith(f"{SUITES.name}/") else None


def _repro(cell: Cell, records: Sequence[Record]) -> str:
    worst = next(r for r in records if not isinstance(r.outcome, BEST))
    return f"opcov repro {worst.id} --backend {cell.backend}"


def _gone(config: pytest.Config) -> list[tuple[str, Any]]:
    """What a replay has found to be gone since it was last asked."""
    replay = config.stash.get(REPLAY, None)
    if replay is None or not replay.gone:
        return []
    found = list(replay.gone)
    replay.gone.clear()
    return [(GONE, found)]


def _news(config: pytest.Config) -> Iterator[str]:
    """The toolchain line of this process, unless it was told already."""
    worker = getattr(config, "workerinput", {}).get("workerid", "main")
    line = toolchain_line(config.stash[_SUPERVISOR].loaded(), worker)
    if line != config.stash.get(_TOLD, None):
        config.stash[_TOLD] = line
        yield json.dumps(line, separators=(",", ":"))


_TOLD = pytest.StashKey[dict[str, Any]]()
"""What this process has told of its toolchain."""
_CELLS = pytest.StashKey[int]()
"""How many cells are asked for."""
_RUNNER = pytest.StashKey[Runner]()
_SUPERVISOR = pytest.StashKey[Supervisor]()


def _runner(session: pytest.Session) -> Runner:
    """This process's runner with its supervised worker, made when the first cell needs it."""
    config = session.config
    if _RUNNER not in config.stash:
        option = config.option
        backends = selection(config).backends or columns(config)
        config.stash[_SUPERVISOR] = Supervisor(
            backends, limits(config), thorough=is_thorough(config), warm_up=_warm_up(session)
        )
        size = profile(option.profile)
        run = config.stash[_SUPERVISOR].run
        find_pass = functools.partial(run, find_pass=True)
        config.stash[_RUNNER] = Runner(
            run,
            _sources(config),
            size,
            option.seed,
            find_pass=find_pass,
            recorded=functools.partial(resume.recorded, config),
            patient=config.stash.get(_CELLS, 0) == 1,
            advice=Advice(config.stash[_SUPERVISOR].opinion, opinions(config)),
        )
    return config.stash[_RUNNER]


def _sources(config: pytest.Config) -> tuple[Source, ...]:
    """Where the samples of a cell come from."""
    option, size = config.option, profile(config.option.profile)
    if replay := config.stash.get(REPLAY, None):
        return (FromJournal(replay.records, size, option.seed, replay.gone.append),)
    sources: tuple[Source, ...] = () if option.samples == "opinfo" else (Census(size, option.seed),)
    sources += () if option.samples == "census" else (_opinfo(size),)
    where = selection(config).where
    return (Chosen(sources, where),) if where and not where.fields.isdisjoint(Chosen.FIELDS) else sources


def _warm_up(session: pytest.Session) -> WarmUp:
    """What the collected cells are worth warming up for; pytest-xdist's workers share them."""
    found = [item.cell for item in session.items if isinstance(item, CellItem)]
    processes = getattr(session.config, "workerinput", {}).get("workercount", 1)
    return WarmUp(
        backends=tuple({cell.backend: None for cell in found}),
        modes=tuple({cell.mode: None for cell in found}),
        fully=len(found) >= FULLY * processes,
    )


def _opinfo(size: Profile) -> FromOpinfo:
    return FromOpinfo(opinfo.trace().samples, size)


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the worker process."""
    if _SUPERVISOR in config.stash:
        config.stash[_SUPERVISOR].close()
