"""The journal is written as results arrive, and the reports of it at the end; in the controller alone."""

from __future__ import annotations

import contextlib
import json
import secrets
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import op_suites
from backends.declared import declared
from harness.cases.draw import profile
from harness.errors import OpcovError
from harness.programs import plugins
from harness.records.journal import JournalWriter, read
from harness.records.toolchain import toolchain
from harness.surface import opinfo, ops
from reports.fold import matrix
from reports.pages import formats, html
from reports.pages.summary import summary

from .items import ABSENT, LINES
from .options import SUITES, is_main_job, is_thorough, is_whole, is_worker, selection, usage_error


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Find out which executors are absent, and record what arrives; workers send what they have to the controller."""
    if is_worker(config):
        return
    try:
        absent = plugins.absent() if is_main_job(config) else {}
    except OpcovError as error:
        raise usage_error(error) from None
    config.pluginmanager.register(Recorder(config, absent), "opcov-recorder")


class Recorder:
    """Writes the journal as reports arrive, and the reports of the journal at the end."""

    def __init__(self, config: pytest.Config, absent: Mapping[str, str]) -> None:
        self.config = config
        self.absent = self.said = absent
        self.out = Path(config.option.out)
        self.started = time.time()
        self.writer: JournalWriter | None = None
        self.figures: subprocess.Popen[str] | None = None

    def header(self) -> dict[str, Any]:
        """What was asked for, and which toolchain it is asked of."""
        option = self.config.option
        now = datetime.fromtimestamp(self.started, UTC)
        present = [name for name in plugins.names(plugins.EXECUTORS) if name not in self.absent]
        return {
            "run": f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}",
            "started": now.isoformat(timespec="seconds"),
            "toolchain": toolchain() | {"executors": ", ".join(present), "absent": dict(self.absent)},
            "options": self._options(),
            "seed": option.seed,
        }

    def _options(self) -> dict[str, Any]:
        option = self.config.option
        wanted = selection(self.config)
        return {
            "profile": option.profile,
            "sampling": profile(option.profile).says(),
            "samples": option.samples,
            "thorough": is_thorough(self.config),
            "ops": list(wanted.ops),
            "backends": list(wanted.backends or plugins.names(plugins.BACKENDS)),
            "modes": list(wanted.modes),
            "dtypes": list(wanted.dtypes),
            "keyword": option.keyword,
            "sample_seconds": option.sample_seconds,
            "sample_memory": option.sample_memory,
        }

    def pytest_report_header(self) -> list[str]:
        """Seed and profile, so that a run can be repeated; executors that it does without."""
        said = f"profile {self.config.option.profile}, seed {self.config.option.seed}, out {self.out}"
        return [f"opcov: {said}", *(f"opcov: executor {name} is absent: {why}" for name, why in self.absent.items())]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Write a cell's lines as its report arrives."""
        if report.when != "call":
            return
        self.absent = dict(report.user_properties).get(ABSENT, self.absent)  # type: ignore[assignment]
        for name, lines in report.user_properties:
            if name == LINES and isinstance(lines, list):
                if self.writer is None:
                    self.writer = JournalWriter(self.out / "journal.jsonl", self.header())
                    self.figures = _start_counting(self.config)
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
        folded = matrix.fold(journal)
        (self.out / "matrix.md").write_text(formats.render(folded, journal, "markdown"), encoding="utf-8")
        (self.out / "index.html").write_text(html.render(journal), encoding="utf-8")
        terminalreporter.section("opcov")
        for name, why in self.absent.items():
            if self.said.get(name) != why:  # only loading it showed that it is absent
                terminalreporter.write_line(f"opcov: executor {name} is absent: {why}")
        terminalreporter.write_line(summary(folded, journal, min(terminalreporter._tw.fullwidth, 160)))
        with contextlib.suppress(ValueError):
            self.out = self.out.relative_to(Path.cwd())
        terminalreporter.write_line(f"\nwritten: {self.out}/journal.jsonl, {self.out}/index.html, {self.out}/matrix.md")


def _start_counting(config: pytest.Config) -> subprocess.Popen[str] | None:
    """Ask torch beside the run for what there is to cover, if all of the registry runs and nobody has asked before.

    That takes torch, which this process never loads. OpInfo is asked only where it was traced before.
    """
    if not is_whole(config) or _figures():
        return None
    options = () if opinfo.is_traced() else ("--no-opinfo",)
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
