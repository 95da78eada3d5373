"""The file of OpInfo's trace: damaged, missing, in a folder that cannot be written. The tracing itself is played."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.surface import opinfo

HEAD = {"torch": "2", "entries": 1, "reached": ["aten.relu.default"], "skipped": {}}


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Path]]:
    """The files that were made so far."""
    paths: list[Path] = []

    def make(path: Path) -> None:
        paths.append(path)
        path.write_text(json.dumps(HEAD) + "\n", encoding="utf-8")

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(opinfo, "_make", make)
    forget()
    yield paths
    forget()


def forget() -> None:
    opinfo.trace.cache_clear()
    opinfo._made.cache_clear()


def test_it_is_made_once_and_its_first_line_has_what_is_reached(made: list[Path]) -> None:
    assert not opinfo.is_traced()
    assert opinfo.reached() == opinfo.trace().reached == {"aten.relu.default"}
    assert len(made) == 1
    assert opinfo.is_traced()


@pytest.mark.parametrize("text", ["", "{}\n", "{", json.dumps(HEAD) + "\n{", json.dumps(HEAD) + '\n{"op": 3}'])
def test_a_damaged_trace_is_made_again(made: list[Path], text: str) -> None:
    opinfo.trace()
    made[0].write_text(text, encoding="utf-8")
    forget()
    assert opinfo.trace().entries == 1
    assert len(made) == 2


@pytest.mark.parametrize("text", ["", "{}\n", "{"])
def test_a_damaged_first_line_is_made_again(made: list[Path], text: str) -> None:
    opinfo.trace()
    made[0].write_text(text, encoding="utf-8")
    forget()
    assert opinfo.reached() == {"aten.relu.default"}


def test_a_cache_that_cannot_be_written_is_no_error(made: list[Path], tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file", encoding="ascii")
    assert opinfo.trace().entries == 1
    assert tmp_path not in made[0].parents


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_how_far_the_tracing_is(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = Terminal()
    monkeypatch.setattr(opinfo.sys, "stderr", shown)
    opinfo._show_progress(["0 of 2 entries\n", "chatter\n", "1 of 2 entries\n"])
    assert shown.getvalue().split("\r") == [
        "opcov: tracing OpInfo: 0 of 2 entries",
        "opcov: tracing OpInfo: 1 of 2 entries",
        "\n",
    ]


def test_a_log_shows_it_every_ten_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(opinfo.sys, "stderr", shown)
    clock = iter((0.0, 1.0, 11.0, 11.0, 12.0))
    monkeypatch.setattr(opinfo.time, "monotonic", lambda: next(clock))
    opinfo._show_progress(f"{done} of 3 entries\n" for done in range(3))
    assert shown.getvalue() == "opcov: tracing OpInfo: 1 of 3 entries\n"
