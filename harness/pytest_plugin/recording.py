"""The journal is written as results arrive, and the reports of it at the end; in the controller alone."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import op_suites
from backends.declared import declared
from harness.errors import Exit, OpcovError
from harness.programs import plugins
from harness.programs.compiler import INSTALLED, chosen
from harness.records.journal_file import costs
from harness.records.journal_writer import JournalWriter
from harness.records.query import BadQuery
from harness.surface import opinfo, ops
from harness.text import plural

from . import resume
from .budget import TooShort
from .header import header
from .items import LINES, TOOLCHAIN, UNUSABLE, cell_of
from .options import SUITES, is_main_job, is_whole, is_worker, journal_path, said, usage_error
from .progress import Progress
from .replay import REPLAY, Gone, gone
from .toolchains import MixedToolchains, Toolchains

if TYPE_CHECKING:
    from .report import Report

NOTHING_FAILED = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
FEW = 200
"""A run of no more cells is over before it is worth a second to read what they cost in an earlier run."""


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Find out what is missing, and record what arrives; workers send what they have to the controller."""
    if is_worker(config):
        return
    try:
        absent = plugins.absent() if is_main_job(config) else {}
        recorder = Recorder(config, absent)
        if is_main_job(config):
            recorder.look_back()
    except OpcovError as error:
        raise usage_error(error) from None
    config.pluginmanager.register(recorder, "opcov-recorder")
    if replay := config.stash.get(REPLAY, None):
        cases = [case for family in op_suites.catalog().values() for case in family]
        columns = plugins.columns(plugins.BACKENDS, plugins.CASCADES)
        config.pluginmanager.register(Gone(gone(replay, cases, columns)), "opcov-gone")


class Recorder:
    """Writes the journal as reports arrive, and the reports of the journal at the end.

    `absent` executors lack a package. `resumed` is the unfinished run that goes on, `left` the file of one moved aside.
    """

    def __init__(self, config: pytest.Config, absent: Mapping[str, str]) -> None:
        self.config = config
        self.absent = absent
        self.toolchains = Toolchains()
        self.out = Path(config.option.out)
        self.started = time.time()
        self.progress = Progress()
        self.resumed: resume.Unfinished | None = None
        self.left: Path | None = None
        self.writer: JournalWriter | None = None
        self.report: Report | None = None
        self.figures: subprocess.Popen[str] | None = None
        self.failure: OpcovError | None = None
        self.notes: list[str] = []

    def look_back(self) -> None:
        """Look for an unfinished run; raises OpcovError if this one cannot go on with it, or if it still runs."""
        journal = journal_path(self.config)
        if not self.config.option.resume:
            if left := resume.find(journal):
                resume.check_free(left)
            self.left = left
            return
        self.resumed = resume.unfinished(journal)
        resume.check_same(self.resumed, header(self.config, self.absent, self.started), chosen())
        self.config.stash[resume.RESUMED] = self.resumed
        self.toolchains = Toolchains(self.resumed.toolchains, self.resumed.path)
        self.progress = Progress(before=len(self.resumed.cells))

    def pytest_report_header(self) -> list[str]:
        """Profile, seed and compiler, so that a run can be repeated; absent executors; an unfinished run."""
        return [f"opcov: {line}" for line in _head(self)]

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker of pytest-xdist which cells are done."""
        if self.resumed:
            node.workerinput[resume.INPUT] = self.resumed.as_input()

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """Note which cells the workers run."""
        self._plan(ids)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Note which cells this process runs."""
        self._plan([item.nodeid for item in session.items])

    def _plan(self, ids: Sequence[str]) -> None:
        """Note the cells among the items, once: a worker that replaces another collects the same."""
        names = frozenset(name for name in map(cell_of, ids) if name)
        if names and not self.progress.names:
            known = costs(_last(self.config)) if len(names) > FEW else {}
            self.progress = Progress(names, self.progress.before, known)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Write a cell's lines as its report arrives."""
        name = cell_of(report.nodeid)
        if name is None or report.when in ("setup", "teardown"):
            return
        found: dict[str, Any] = dict(report.user_properties)
        _end_if_unusable(found)
        if (lines := found.get(LINES)) is not None:
            if lines:  # else none of the cell's samples was asked for
                self._write(lines, report.duration, found.get(TOOLCHAIN))
            self.progress.end(name)
            lines.clear()  # pytest keeps every report until the end
        else:  # no worker came up, or the process that ran the cell died
            self.progress.lose(name)

    def _write(self, lines: Sequence[str], seconds: float, toolchain: str | None) -> None:
        try:
            if toolchain:
                self.toolchains.add(line := json.loads(toolchain))
                self.open(element_types=line.pop("element_types", {})).write_toolchain(line)
                if self.report:
                    self.report.note_toolchains(line)
            cell = self.open().write_cell(lines, seconds)
            if self.report:
                self.report.add(cell)
        except OpcovError as error:
            if self.writer:
                self.writer.abandon()
            self.writer = None
            mixed = isinstance(error, MixedToolchains)
            pytest.exit(f"opcov: {error}", returncode=error.code if mixed else pytest.ExitCode.INTERNAL_ERROR)

    def open(self, **more: Any) -> JournalWriter:
        """The journal, with these keys in a new header; made late: a run that fails before leaves all as it was."""
        if self.writer is None:
            start = self.resumed.header if self.resumed else header(self.config, self.absent, self.started) | more
            if self.left:
                self.left.rename(resume.aside(self.left))
            from .report import Report  # late: a run of one cell starts without what pages need

            self.report = Report(self.out, start := {**start, "cells": self.progress.total})
            done = self.resumed
            before, causes = (done.toolchains, done.causes) if done else ((), ())
            blocks = self.report.passed_on(done.blocks(), before, causes) if done else ()
            self.writer = JournalWriter(journal_path(self.config), start, blocks, before, causes)
            self.progress.outcomes = self.writer.counts
            self.figures = _start_counting(self.config)
        return self.writer

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Close the journal. An interrupted run gets a footer too, which says so, and keeps its `.part` file."""
        if self.resumed and not self.progress.names and exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
            self.open()  # no cell was missing, only the footer
            session.exitstatus = pytest.ExitCode.OK
        if not self.writer and exitstatus in NOTHING_FAILED and (why := _nothing_ran(self)):
            self.failure, session.exitstatus = why
        if self.writer:
            interrupted = exitstatus == pytest.ExitCode.INTERRUPTED
            if interrupted and self.figures:
                self.figures.kill()  # who presses Ctrl-C does not wait for a count
            try:
                self._close(self.writer, interrupted)
            except OpcovError as error:
                self.failure, session.exitstatus = error, pytest.ExitCode.INTERNAL_ERROR

    def _close(self, writer: JournalWriter, interrupted: bool) -> None:
        writer.close(
            keep_part=interrupted,
            seconds=round(seconds(self), 1),
            interrupted=interrupted,
            missing=self.progress.left,
            registry=_counted(self.figures),
        )

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Print the matrix and write the reports, or say why that cannot be done."""
        try:
            if self.failure:
                raise self.failure
            if not self.writer or not self.report:
                return
            summary = self.report.finish(self.writer.file, min(terminalreporter._tw.fullwidth, 160))
        except OpcovError as error:
            terminalreporter.write_line(f"opcov: {error}")
            return
        terminalreporter.section("opcov")
        for line in (*_newly_absent(self), summary, *_left_over(self.progress), *self.notes):
            terminalreporter.write_line(line)


def seconds(recorder: Recorder) -> float:
    """How long the run has taken so far, with the part that it goes on with."""
    return time.time() - recorder.started + (recorder.resumed.seconds if recorder.resumed else 0.0)


def _last(config: pytest.Config) -> Path:
    """The journal of an earlier run, which knows what cells cost."""
    return Path(config.option.replay) if config.option.replay else journal_path(config)


def _end_if_unusable(found: Mapping[str, Any]) -> None:
    """End the run if a cell found that the environment cannot measure."""
    if why := found.get(UNUSABLE):
        pytest.exit(f"opcov: {why}", returncode=Exit.ENVIRONMENT)


def _nothing_ran(recorder: Recorder) -> tuple[OpcovError, pytest.ExitCode] | None:
    """Why a run has no outcome, and its exit status; None if nobody asked for one, or something else went wrong."""
    options, left = recorder.config.option, recorder.progress.left
    if recorder.progress.names and not left:
        cells = plural(len(recorder.progress.names), "cell")
        return BadQuery(
            f"no sample of {cells} is {options.where}", hint="leave a condition out"
        ), pytest.ExitCode.USAGE_ERROR
    if left and options.budget:
        return TooShort(options.budget, left, time.time() - recorder.started), pytest.ExitCode.NO_TESTS_COLLECTED
    return None


def _head(recorder: Recorder) -> Iterator[str]:
    yield from said(recorder.config)
    yield from (f"executor {name} is absent: {why}" for name, why in recorder.absent.items())
    yield from resume.said(recorder.resumed, recorder.left)


def _newly_absent(recorder: Recorder) -> Iterator[str]:
    """The executors of which only loading them showed that they are absent."""
    for name, why in recorder.toolchains.absent.items():
        if name not in recorder.absent:
            yield f"opcov: executor {name} is absent: {why}"


def _left_over(progress: Progress) -> Iterator[str]:
    if missing := progress.left:
        yield f"{plural(missing, 'cell')} did not run: add --resume to the command to run what is missing"


def _start_counting(config: pytest.Config) -> subprocess.Popen[str] | None:
    """Ask torch beside the run for what there is to cover, if all of the registry runs and nobody has asked before.

    That takes torch, which this process never loads. OpInfo is asked only where it was traced before.
    """
    if not is_whole(config) or _figures():
        return None
    options = ("--torch-mlir", str(chosen().folder or INSTALLED), *(() if opinfo.is_traced() else ("--no-opinfo",)))
    command = [sys.executable, "-m", "harness.commands.cli", "ops", "--json", *options]
    return subprocess.Popen(command, cwd=SUITES.parent, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True)


def _counted(figures: subprocess.Popen[str] | None) -> dict[str, dict[str, int]]:
    """By denominator, how many overloads are covered, excluded and missing; empty where nobody has asked torch."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        if figures:
            figures.wait(timeout=60)
    return _figures()


def _figures() -> dict[str, dict[str, int]]:
    with contextlib.suppress(OpcovError, ImportError, OSError, StopIteration):  # no torch, no torch-mlir
        return ops.footer(op_suites.catalog(), op_suites.excluded(), declared())
    return {}
