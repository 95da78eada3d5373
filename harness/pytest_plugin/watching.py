"""Who watches the main job sees its progress in place of a letter for each cell."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Generator
from typing import Any

import pytest

from .items import cell_of
from .options import is_main_job, is_worker
from .progress import Display
from .recording import Recorder


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Watch the main job, unless `-v` names each cell anyway, or `-qq` asks for silence."""
    recorder = config.pluginmanager.get_plugin("opcov-recorder")
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if recorder and reporter and is_main_job(config) and not is_worker(config) and -2 < config.get_verbosity() < 1:
        config.pluginmanager.register(Watcher(recorder, reporter), "opcov-watcher")


class Watcher:
    """Shows the progress of the recorder through pytest's terminal reporter."""

    def __init__(self, recorder: Recorder, reporter: Any) -> None:
        self.recorder = recorder
        self.reporter = reporter
        self.display: Display | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self) -> None:
        """Silence pytest's own progress: the names of files and the percentages."""
        self.reporter.showfspath = False
        self.reporter._show_progress_info = False  # no option says so for one run

    @pytest.hookimpl(wrapper=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> Generator[None, Any, Any]:
        """Count a cell under its category without a letter for it."""
        status = yield
        return (status[0], "", "") if status and cell_of(report.nodeid) else status

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Show the progress from the first cell on."""
        name = cell_of(nodeid)
        if name is None:
            return
        if self.display is None:
            self.display = Display(self.recorder.progress, self._write, self._width())
            self.display.start()
        self.recorder.progress.start(name, time.monotonic())

    def _write(self, text: str) -> None:
        self.reporter.write(text, flush=True)

    def _width(self) -> Any:
        """A function that gives the terminal's width; None where the output is a log."""
        terminal = self.reporter.isatty and not os.environ.get("CI") and os.environ.get("TERM") != "dumb"
        return (lambda: shutil.get_terminal_size().columns) if terminal else None

    @pytest.hookimpl(tryfirst=True, optionalhook=True)
    def pytest_testnodedown(self) -> None:
        """Make room for what pytest-xdist says of a worker that died."""
        if self.display:
            self.display.clear()

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Show nothing more."""
        if self.display:
            self.display.stop()
