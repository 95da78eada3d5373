from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.commands import cli
from harness.errors import Exit
from harness.records.journal_writer import JournalWriter
from tests.synthetic import FOOTER, HEADER

from .test_baseline import OPTIONS, WRONG, records, run, toolchain

__all__ = ["run"]


class Opcov:
    """`opcov record` and `opcov history` with the history of a test."""

    def __init__(self, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.file = file
        self._capsys = capsys

    def __call__(self, *arguments: str, status: int = Exit.OK) -> str:
        self._capsys.readouterr()
        found = cli.main([*arguments, "--history", str(self.file)])
        said = self._capsys.readouterr()
        assert found == status, said.out + said.err
        return said.out if status == Exit.OK else said.err


@pytest.fixture
def opcov(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Opcov:
    return Opcov(tmp_path / "history.sqlite", capsys)


def journals(run: Any) -> tuple[str, str]:
    """Those of an old compiler, with which relu is right, and of a new one, with which it is wrong."""
    return (
        run(records(), tools=toolchain(torch_mlir="20260701"), name="old"),
        run(records(WRONG), tools=toolchain(torch_mlir="20260801"), name="new"),
    )


def test_since_when_a_cell_is_wrong(opcov: Opcov, run: Any) -> None:
    old, new = journals(run)
    assert "recorded: torch-mlir 20260801, 2026-08-01, 2 cells" in opcov("record", new, old)
    said = opcov("history")
    assert said.startswith("history: 1 worse in 2 cells, over 2 runs of 2 compilers, 2026-07-01 to 2026-08-01")
    assert "worse: wrong since torch-mlir 20260801, pass before (torch-mlir 20260701): 1 cell [1 op]" in said
    assert "aten.relu.default on tosa [static-f32]" in said
    (event,) = json.loads(opcov("history", "--json"))["events"]
    assert (event["op"], event["since"]["date"]) == ("aten.relu.default", "2026-08-01")


def test_a_query_selects_cells(opcov: Opcov, run: Any) -> None:
    opcov("record", *journals(run))
    assert "1 worse in 1 cell" in opcov("history", "--where", "op:aten.relu* status:wrong backend:tosa")
    assert "no change in 1 cell" in opcov("history", "--where", "op:aten.sig*")
    assert "did you mean aten.relu.default" in opcov("history", "--where", "op:aten.rely.default", status=Exit.USAGE)
    assert "trait: is a field of samples" in opcov("history", "--where", "trait:rank=0", status=Exit.USAGE)


def test_a_journal_is_recorded_once(opcov: Opcov, run: Any) -> None:
    old, _ = journals(run)
    opcov("record", old)
    before = opcov.file.read_bytes()
    assert "is recorded already" in opcov("record", old)
    assert opcov.file.read_bytes() == before


def test_the_history_can_be_made_again_of_journals(opcov: Opcov, run: Any) -> None:
    old, new = journals(run)
    opcov("record", old, new)
    before = opcov("history")
    opcov.file.write_text("damaged" * 100)
    assert "cannot use" in opcov("history", status=Exit.DATA)
    assert "cannot use" in opcov("record", old, status=Exit.DATA)
    opcov("record", "--rebuild", old, new)
    assert opcov("history") == before


def test_a_bad_journal_leaves_the_history_as_it_was(opcov: Opcov, run: Any, tmp_path: Path) -> None:
    old, new = journals(run)
    opcov("record", old)
    before = opcov.file.read_bytes()
    unknown = tmp_path / "unknown.jsonl"
    unknown.write_text('{"kind":"header","schema":99,"run":"of tomorrow"}\n')
    for flags in ((), ("--rebuild",)):
        assert "has schema 99" in opcov("record", new, str(unknown), *flags, status=Exit.DATA)
    silent = tmp_path / "silent" / "journal.jsonl.gz"
    with JournalWriter(silent, {**HEADER, "options": OPTIONS}) as writer:
        writer.close(**FOOTER)
    assert "does not say which compiler" in opcov("record", str(silent), status=Exit.DATA)
    assert opcov.file.read_bytes() == before


def test_a_day_that_is_none_is_bad_usage(opcov: Opcov, run: Any) -> None:
    old, _ = journals(run)
    assert "--date yesterday is no day" in opcov("record", old, "--date", "yesterday", status=Exit.USAGE)
    assert "2026-11-27" in opcov("record", old, "--date", "2026-11-27")


def test_without_a_history_it_says_how_to_start_one(opcov: Opcov) -> None:
    assert "opcov record JOURNAL" in opcov("history", status=Exit.DATA)


def test_the_report_shows_the_trend(opcov: Opcov, run: Any, tmp_path: Path) -> None:
    old, new = journals(run)
    page = tmp_path / "index.html"
    opcov("html", new, "--out", str(page))
    assert "recorded runs" not in page.read_text()
    opcov("record", old, new)
    opcov("html", new, "--out", str(page))
    assert "Right samples in 2 recorded runs" in page.read_text()
    assert "100 % → 50.0 %" in page.read_text()
