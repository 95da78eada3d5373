"""The main job: one pytest item per cell of the coverage matrix, the journal and the reports at the end.

    pytest -n auto op_suites
    pytest op_suites --op 'aten.conv*' --backend tosa --mode dynamic --dtype f32

Where things happen: an item runs its cell in a supervised child process and attaches the journal lines to its report;
the reports travel to the controller, which alone writes the journal; at the end it folds it into the matrix.
"""

from __future__ import annotations

import contextlib
import functools
import json
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import reports.html
import reports.matrix
import reports.text
from harness import opinfo, plugins
from harness.cells import Cell, Census, FromOpinfo, Runner, Selection, Source, cells
from harness.draw import PROFILES, Profile, profile
from harness.errors import OpcovError
from harness.expectation import judge
from harness.journal import JournalWriter, read, record_json
from harness.supervisor import Limits, Supervisor
from harness.toolchain import toolchain
from op_suites import catalog

SUITES = Path(__file__).parent / "op_suites"
LINES = "opcov-lines"
SAMPLES = ("census", "opinfo", "both")


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of the main job; pytest's own `--strict` turns every shortfall into a failure."""
    group = parser.getgroup("opcov", "op coverage (pytest op_suites)")
    add = group.addoption
    add("--op", action="append", default=[], metavar="GLOB", help="only these ops, such as 'aten.conv*' (repeatable)")
    add("--backend", action="append", default=[], metavar="NAME", help="only these backends (repeatable)")
    add("--cascades", action="store_true", help="also the lowerings to TOSA and StableHLO, converted on to linalg")
    add("--mode", action="append", default=[], metavar="MODE", help="static or dynamic (repeatable)")
    add("--dtype", action="append", default=[], metavar="DTYPE", help="only these dtypes, such as bf16 (repeatable)")
    add("--profile", default="default", help=f"how much is sampled: {', '.join(PROFILES)}")
    add("--samples", default="census", choices=SAMPLES, help="the cases' own, those of PyTorch's OpInfo, or both")
    add("--thorough", action="store_true", help="every executor runs every sample, as in the nightly profile")
    add("--seed", type=int, default=None, help="seed of the census (default: 0; nightly: fresh and printed)")
    add("--out", default="reports/out", metavar="DIR", help="folder of journal.jsonl, index.html and matrix.md")
    add("--sample-seconds", type=float, default=Limits().seconds, help="deadline of one sample")
    add("--sample-memory", type=float, default=Limits().memory / 2**30, help="memory limit of one sample, in GiB")


def pytest_configure(config: pytest.Config) -> None:
    """Check every name before anything runs; the controller settles the seed for all workers."""
    try:
        profile(config.option.profile)
        if _wanted(config) != Selection():
            _wanted(config).check(catalog(), plugins.names(plugins.BACKENDS, plugins.CASCADES))
        if config.option.samples != "census":
            opinfo.trace()
        absent = plugins.absent() if _is_main_job(config) and not hasattr(config, "workerinput") else {}
    except OpcovError as error:
        raise pytest.UsageError(f"opcov: {error}") from None
    if config.option.seed is None:
        config.option.seed = secrets.randbelow(2**31) if config.option.profile == "nightly" else 0
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Recorder(config, absent), "opcov-recorder")


def _is_main_job(config: pytest.Config) -> bool:
    """Whether what is asked for has something of the suites in it: opcov's own tests need no executors up front."""
    suites = SUITES.resolve()
    asked = [Path(argument.partition("::")[0]).resolve() for argument in config.args]
    return any(suites.is_relative_to(path) or path.is_relative_to(suites) for path in asked)


def _wanted(config: pytest.Config) -> Selection:
    def split(values: list[str]) -> tuple[str, ...]:
        return tuple(name for value in values for name in value.split(",") if name)

    option = config.option
    backends = split(option.backend)
    if option.cascades:
        named = backends or plugins.names(plugins.BACKENDS)
        backends = tuple(dict.fromkeys((*plugins.names(plugins.CASCADES), *named)))
    return Selection(ops=split(option.op), backends=backends, modes=split(option.mode), dtypes=split(option.dtype))


# collecting and running -----------------------------------------------------------------------------------------------


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A family's module becomes a collector of its cells."""
    if file_path.parent == SUITES and file_path.stem in catalog():
        return Family.from_parent(parent, path=file_path)
    return None


class Family(pytest.File):
    """One module of op_suites."""

    def collect(self) -> Iterator[pytest.Item]:
        """Its cells, in the order in which they share work."""
        family = self.path.stem
        backends = plugins.names(plugins.BACKENDS)
        size = profile(self.config.option.profile)
        for cell in cells(family, catalog()[family], backends, _wanted(self.config), size):
            if self.config.option.samples != "opinfo" or _opinfo(size)(cell):
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
        if verdict.kind == "broken" or (_strict(self.config) and verdict.kind == "shortfall"):
            pytest.fail(f"{verdict.reason}\nreproduce: {_repro(self.cell, records)}", pytrace=False)
        if verdict.kind == "shortfall":
            pytest.xfail(verdict.reason)
        if verdict.kind == "outside":
            pytest.skip(verdict.reason)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The reason alone: a trace into this file helps nobody, and costs more than the cell."""
        if isinstance(excinfo.value, (pytest.fail.Exception, pytest.xfail.Exception, OpcovError)):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the cell's op is declared."""
        return self.path, 0, self.name


def _strict(config: pytest.Config) -> bool:
    """Whether pytest's own `--strict` is on: here, every shortfall fails."""
    return bool(config.getini("strict"))


def _repro(cell: Cell, records: list[Any]) -> str:
    worst = next(r for r in records if type(r.outcome).__name__ != "Passed")
    return f"opcov repro {worst.id} --backend {cell.backend}"


_RUNNER = pytest.StashKey[Runner]()
_SUPERVISOR = pytest.StashKey[Supervisor]()


def _runner(config: pytest.Config) -> Runner:
    """This process's runner with its supervised worker, made when the first cell needs it."""
    if _RUNNER not in config.stash:
        option = config.option
        backends = _wanted(config).backends or plugins.names(plugins.BACKENDS)
        limits = Limits(seconds=option.sample_seconds, memory=int(option.sample_memory * 2**30))
        thorough = config.option.thorough or profile(config.option.profile).thorough
        config.stash[_SUPERVISOR] = Supervisor(backends, limits, thorough=thorough)
        size = profile(option.profile)
        sources: tuple[Source, ...] = () if option.samples == "opinfo" else (Census(size, option.seed),)
        sources += () if option.samples == "census" else (_opinfo(size),)
        run = config.stash[_SUPERVISOR].run
        config.stash[_RUNNER] = Runner(run, sources, size, option.seed, part=functools.partial(run, parted=True))
    return config.stash[_RUNNER]


def _opinfo(size: Profile) -> FromOpinfo:
    return FromOpinfo(opinfo.trace().samples, size)


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the worker process."""
    if _SUPERVISOR in config.stash:
        config.stash[_SUPERVISOR].close()


# distribution ---------------------------------------------------------------------------------------------------------


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep what shares work on one worker: the items of one op, and the tests of a file with one parameter."""
    from xdist.scheduler import LoadScopeScheduling

    class OpScheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            name, bracket, parameter = nodeid.partition("[")
            if nodeid.startswith(SUITES.name):
                return name
            return f"{name.partition('::')[0]}[{parameter}" if bracket else nodeid

        def remove_node(self, node: Any) -> str | None:
            """Return the item that a worker died of, which is not run again; the rest of its work is."""
            units = self.assigned_work.pop(node)
            of = {item: unit for unit in units.values() for item, done in unit.items() if not done}
            died: str | None = next(iter(of), None)
            if died is not None:
                of[died][died] = True
                self.workqueue.update({scope: unit for scope, unit in units.items() if not all(unit.values())})
                for other in self.assigned_work:
                    self._reschedule(other)
            return died

        def _reschedule(self, node: Any) -> None:
            """Give a worker two items at least, or say that there are no more: until then it waits with its last."""
            super()._reschedule(node)
            while self.workqueue and not node.shutting_down and self._pending_of(self.assigned_work[node]) < 2:
                self._assign_work_unit(node)
            if not self.workqueue and not node.shutting_down and self._pending_of(self.assigned_work[node]) < 2:
                node.shutdown()

    return OpScheduling(config, log)


# how much of its denominators the registry covers ---------------------------------------------------------------------


def _figures() -> subprocess.Popen[str]:
    """Start to count beside the run, since it takes torch, which this process does without; OpInfo only if traced."""
    command = [sys.executable, "-m", "harness.cli", "ops", "--json", *(() if opinfo.is_traced() else ("--no-opinfo",))]
    return subprocess.Popen(command, cwd=SUITES.parent, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def _counted(figures: subprocess.Popen[str] | None) -> dict[str, dict[str, int]]:
    """By denominator, how many overloads are covered, excluded and missing; nothing where it was not found out."""
    try:
        said = figures.communicate(timeout=60)[0] if figures else ""
        sets = json.loads(said)["denominators"]
    except (subprocess.TimeoutExpired, ValueError, KeyError):
        return {}
    return {name: {key: len(of[key]) for key in ("covered", "excluded", "missing")} for name, of in sets.items()}


# recording and reporting ----------------------------------------------------------------------------------------------


class Recorder:
    """On the controller: writes the journal as reports arrive, and the reports of the journal at the end."""

    def __init__(self, config: pytest.Config, absent: Mapping[str, str]) -> None:
        self.config = config
        self.absent = absent
        self.out = Path(config.option.out)
        self.started = time.time()
        self.writer: JournalWriter | None = None
        self.figures: subprocess.Popen[str] | None = None

    def header(self) -> dict[str, Any]:
        """What was asked for, and what it is asked of."""
        option = self.config.option
        wanted = _wanted(self.config)
        now = datetime.fromtimestamp(self.started, UTC)
        present = [name for name in plugins.names(plugins.EXECUTORS) if name not in self.absent]
        return {
            "run": f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}",
            "started": now.isoformat(timespec="seconds"),
            "toolchain": toolchain() | {"executors": ", ".join(present), "absent": dict(self.absent)},
            "options": {
                "profile": option.profile,
                "sampling": profile(option.profile).says(),
                "samples": option.samples,
                "thorough": option.thorough or profile(option.profile).thorough,
                "ops": list(wanted.ops),
                "backends": list(wanted.backends or plugins.names(plugins.BACKENDS)),
                "modes": list(wanted.modes),
                "dtypes": list(wanted.dtypes),
                "keyword": option.keyword,
                "sample_seconds": option.sample_seconds,
                "sample_memory": option.sample_memory,
            },
            "seed": option.seed,
        }

    def pytest_report_header(self) -> list[str]:
        """Seed and profile, so that a run can be repeated; executors that it does without."""
        said = f"profile {self.config.option.profile}, seed {self.config.option.seed}, out {self.out}"
        return [f"opcov: {said}", *(f"opcov: executor {name} is absent: {why}" for name, why in self.absent.items())]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Write a cell's lines as its report arrives."""
        if report.when != "call":
            return
        for name, lines in report.user_properties:
            if name == LINES and isinstance(lines, list):
                if self.writer is None:
                    self.writer = JournalWriter(self.out / "journal.jsonl", self.header())
                    self.figures = _figures()
                for line in lines:
                    self.writer.write(json.loads(line))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Close the journal; an interrupted run gets a footer too, which says so."""
        if self.writer:
            interrupted = exitstatus == pytest.ExitCode.INTERRUPTED
            if interrupted and self.figures:
                self.figures.kill()  # who presses Ctrl-C does not wait for a count
            seconds = round(time.time() - self.started, 1)
            self.writer.close(seconds=seconds, interrupted=interrupted, registry=_counted(self.figures))

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Print the matrix and write the reports."""
        if not self.writer:
            return
        journal = read(self.writer.path)
        matrix = reports.matrix.fold(journal)
        (self.out / "matrix.md").write_text(reports.text.render(matrix, journal, "markdown"), encoding="utf-8")
        (self.out / "index.html").write_text(reports.html.render(journal), encoding="utf-8")
        terminalreporter.section("opcov")
        terminalreporter.write_line(reports.text.summary(matrix, journal, min(terminalreporter._tw.fullwidth, 160)))
        with contextlib.suppress(ValueError):
            self.out = self.out.relative_to(Path.cwd())
        terminalreporter.write_line(f"\nwritten: {self.out}/journal.jsonl, {self.out}/index.html, {self.out}/matrix.md")
