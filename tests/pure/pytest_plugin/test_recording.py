"""What the recorder makes of reports that are not the usual ones, without a run."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.errors import Exit, OpcovError
from harness.pytest_plugin.items import LINES, TOOLCHAIN
from harness.pytest_plugin.recording import Recorder
from harness.pytest_plugin.report import Report
from harness.records.journal import dumped
from harness.records.journal_file import JournalReader
from harness.records.journal_writer import JournalWriter
from tests.synthetic import journal

NODE = "op_suites/activation.py::aten.relu.default[tosa-static-f32]"


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    config: Any = SimpleNamespace(option=SimpleNamespace(out=str(tmp_path), resume=False, budget="", where=""))
    return Recorder(config, {})


class Terminal:
    """What is written to the terminal."""

    _tw = SimpleNamespace(fullwidth=80)

    def __init__(self) -> None:
        self.lines: list[str] = []

    def section(self, title: str) -> None:
        self.lines.append(title)

    def write_line(self, text: str) -> None:
        self.lines.append(text)


def report(when: str, **more: Any) -> Any:
    return SimpleNamespace(nodeid=NODE, when=when, user_properties=[], duration=0.1, **more)


@pytest.mark.parametrize("when", ["call", "???"])
def test_a_cell_that_ends_without_outcomes_no_longer_runs(recorder: Recorder, when: str) -> None:
    recorder._plan([NODE])
    recorder.progress.start("aten.relu.default[tosa-static-f32]", 0.0)
    recorder.pytest_runtest_logreport(report("setup"))
    assert recorder.progress.slowest(60.0)
    recorder.pytest_runtest_logreport(report(when))
    assert recorder.progress.slowest(60.0) is None
    assert recorder.progress.done == 0


LINE = dumped(journal().records[0])


def with_lines(worker: str, version: str) -> Any:
    packages = {"torch_mlir": {"path": "/env/torch_mlir", "distribution": "torch-mlir", "version": version}}
    toolchain = {"kind": "toolchain", "worker": worker, "packages": packages, "executors": [], "absent": {}}
    found = report("call")
    found.user_properties = [(LINES, [LINE]), (TOOLCHAIN, json.dumps(toolchain))]
    return found


def test_workers_with_different_compilers_end_the_run_and_what_the_first_measured_stays(
    recorder: Recorder, tmp_path: Path
) -> None:
    recorder.writer = JournalWriter(tmp_path / "j", {})
    recorder._plan([NODE])
    recorder.pytest_runtest_logreport(with_lines("gw0", "1"))
    with pytest.raises(
        pytest.exit.Exception, match="gw0 has loaded torch-mlir 1, gw1 has loaded torch-mlir 2"
    ) as ended:
        recorder.pytest_runtest_logreport(with_lines("gw1", "2"))
    assert ended.value.returncode == Exit.ENVIRONMENT
    recorder.pytest_sessionfinish(SimpleNamespace(exitstatus=4), 4)  # type: ignore[arg-type]
    reader = JournalReader(tmp_path / "j.part")
    assert len(list(reader.blocks())) == 1
    assert [line["worker"] for line in reader.toolchains] == ["gw0"]
    assert reader.footer is None


class FullWriter:
    """A journal that cannot be closed for want of room."""

    def __init__(self, path: Path) -> None:
        self.file = path

    def close(self, **_: Any) -> None:
        raise OpcovError("cannot write the journal j: No space left on device", hint="make room")


def test_a_journal_that_cannot_be_closed_is_an_error_in_one_line(recorder: Recorder, tmp_path: Path) -> None:
    full: Any = FullWriter(tmp_path / "j")
    recorder.writer, recorder.report = full, Report(tmp_path, {})
    session: Any = SimpleNamespace(exitstatus=0)
    recorder.pytest_sessionfinish(session, 0)
    terminal = Terminal()
    recorder.pytest_terminal_summary(terminal)
    assert terminal.lines == ["opcov: cannot write the journal j: No space left on device; make room"]
    assert session.exitstatus == pytest.ExitCode.INTERNAL_ERROR


def test_pages_that_cannot_be_written_are_an_error_in_one_line(
    recorder: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> int:
        raise OSError(28, "No space left on device")

    with JournalWriter(tmp_path / "j", {}) as writer:
        writer.close()
    recorder.writer, recorder.report = writer, Report(tmp_path, {})
    monkeypatch.setattr(Path, "write_text", full)
    terminal = Terminal()
    recorder.pytest_terminal_summary(terminal)
    (line,) = terminal.lines
    assert line.startswith(f"opcov: cannot write the report to {tmp_path}: No space left on device")
    assert "opcov html" in line


def test_a_folder_that_cannot_be_written_is_an_error_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OpcovError, match=r"cannot write the journal .*file/j: ") as raised:
        JournalWriter(tmp_path / "file" / "j", {})
    assert "--out" in raised.value.hint


@pytest.mark.parametrize("status", [pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED])
def test_a_budget_that_was_over_before_any_cell_started_says_so(recorder: Recorder, status: pytest.ExitCode) -> None:
    recorder.config.option.budget = "1s"
    recorder._plan([NODE, NODE.replace("static", "dynamic")])
    session: Any = SimpleNamespace(exitstatus=status)
    recorder.pytest_sessionfinish(session, status)
    terminal = Terminal()
    recorder.pytest_terminal_summary(terminal)
    (line,) = terminal.lines
    assert line.startswith("opcov: --budget 1s was too short for any cell: 2 cells not reached, ")
    assert line.endswith("; type the command with a longer one, such as --budget 5m, or without")
    assert session.exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED
