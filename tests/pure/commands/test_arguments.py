from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.commands import arguments
from harness.commands.arguments import JOURNAL, OLDER, Progress, last_journal

PART = JOURNAL.with_name(JOURNAL.name + ".part")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    JOURNAL.parent.mkdir(parents=True)


def made(path: Path, age: float = 0.0) -> Path:
    path.touch()
    os.utime(path, (1000 - age, 1000 - age))
    return path


def test_the_last_journal_is_the_finished_one_else_the_unfinished_one_else_an_older_one() -> None:
    assert last_journal() == JOURNAL
    made(OLDER)
    assert last_journal() == OLDER
    made(PART)
    assert last_journal() == PART
    made(JOURNAL)
    assert last_journal() == JOURNAL


def test_an_unfinished_run_that_is_newer_is_said_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    made(JOURNAL, age=5)
    made(PART)
    assert last_journal() == JOURNAL
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    assert str(PART) in said
    made(PART, age=9)
    last_journal()
    assert capsys.readouterr().err == ""


def clock(monkeypatch: pytest.MonkeyPatch, *times: float) -> None:
    ticks = iter(times)
    monkeypatch.setattr(arguments.time, "monotonic", lambda: next(ticks))


def test_a_quick_task_says_nothing(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    clock(monkeypatch, 0.0, 0.5, 0.9)
    progress = Progress("indexing")
    progress(1)
    progress(2)
    progress.end()
    assert capsys.readouterr().err == ""


def test_a_slow_task_says_a_few_lines(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    clock(monkeypatch, 0.0, 1.5, 2.0, 7.0)
    progress = Progress("indexing")
    for done in (1000, 2000, 3000):
        progress(done, 4000)
    progress.end()
    assert capsys.readouterr().err == "indexing: 1,000 of 4,000 cells\nindexing: 3,000 of 4,000 cells\n"


def test_on_a_terminal_it_is_one_line_that_changes(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock(monkeypatch, 0.0, 1.5, 2.0)
    monkeypatch.setattr(arguments.sys.stderr, "isatty", lambda: True, raising=False)
    progress = Progress("indexing")
    progress(1000)
    progress(2000)
    progress.end()
    assert capsys.readouterr().err == "\rindexing: 1,000 cells\rindexing: 2,000 cells\n"
