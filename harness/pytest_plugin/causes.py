"""After its cells a run looks for causes: it cuts the programs that fail, those first that hold most cells back.

This runs in the controller, in a worker process of its own, when the workers of pytest-xdist have ended. It takes a
tenth of the run's time at most; `opcov causes` goes on with what is left.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import replace
from typing import Any

import pytest

from harness.cases.profile import profile
from harness.errors import OpcovError
from harness.records.cause import Cause
from harness.running.child import is_serving
from harness.running.cutting import PIECE_SECONDS, Cutter, OutOfTime
from harness.running.supervisor import Supervisor
from harness.text import plural
from reports.fold import ways
from reports.index.index import Index

from .options import columns, is_main_job, is_thorough, is_worker, limits, selection
from .recording import Recorder, seconds

SHARE = 0.1
"""The largest share of the run's time that is spent on causes."""
LEAST, LEAST_COLD = 0.3, 10.0
"""With fewer seconds there is no use in starting; torch has to be loaded first where no worker ran in this process."""


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Look for causes in the controller of the main job, if the profile looks into failures at all."""
    recorder = config.pluginmanager.get_plugin("opcov-recorder")
    if recorder and is_main_job(config) and not is_worker(config) and profile(config.option.profile).blames:
        config.pluginmanager.register(Causes(recorder), "opcov-causes")


class Causes:
    """Cuts the programs that the run found to fail, and hands each cause to the recorder."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self) -> Generator[None, Any, Any]:
        """Look for causes once all cells have run; Ctrl-C ends that as it ends a run."""
        result = yield
        if index := self._index():
            self._look(index)
        return result

    def _index(self) -> Index | None:
        """The index of the run, if all its cells have run."""
        recorder = self.recorder
        if recorder.config.option.collectonly:
            return None
        if recorder.resumed and not recorder.progress.names:
            recorder.open()  # no cell was missing
        whole = recorder.writer and not recorder.progress.left
        return recorder.report.live_index() if whole and recorder.report else None

    def _look(self, index: Index) -> None:
        """Look for causes as long as there is time; what is left is told at the end of the run."""
        ends = self._ends()
        left = ways.pending(index)
        if not left or ends - time.time() < (LEAST if is_serving() else LEAST_COLD):
            return
        done = 0
        try:
            with self._supervisor() as supervisor:
                cutter = Cutter(supervisor.cut, lambda: ends - time.time())
                for failing in left:
                    self.recorder.progress.phase = f"causes: {done:,} of {plural(len(left), 'way')} of failing"
                    self._write(cutter.cause(ways.record(index, failing)))
                    done += 1
        except OutOfTime:
            pass
        except OpcovError as error:  # no worker can be started: the cells are whole
            self.recorder.notes.append(f"opcov: no causes: {error}")
        finally:
            if missing := len(left) - done:
                said = f"{missing:,} of {plural(len(left), 'way')} of failing have no cause yet"
                self.recorder.notes.append(f"{said}: opcov causes goes on with them")

    def _write(self, cause: Cause) -> None:
        self.recorder.open().write_cause(cause)
        if self.recorder.report:
            self.recorder.report.note_causes(cause)

    def _ends(self) -> float:
        """When the time for causes is over: a share of the run's time, and of its budget."""
        spent = seconds(self.recorder)
        last = getattr(self.recorder.config.option, "last_start", None)
        return min(time.time() + spent * SHARE / (1 - SHARE), last or float("inf"))

    def _supervisor(self) -> Supervisor:
        config = self.recorder.config
        backends = selection(config).backends or columns(config)
        most = limits(config)
        return Supervisor(
            backends, replace(most, seconds=min(most.seconds, PIECE_SECONDS)), thorough=is_thorough(config)
        )
