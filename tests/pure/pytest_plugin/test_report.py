from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.pytest_plugin import report
from harness.pytest_plugin.report import Report
from harness.records.journal_file import Block
from harness.records.journal_writer import JournalWriter
from tests.synthetic import FOOTER, HEADER, blocks, everything

START = HEADER | {"cells": 900}


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[JournalWriter]:
    with JournalWriter(tmp_path / "journal.jsonl.gz", START) as made:
        yield made


@pytest.fixture
def cells() -> list[Block]:
    return list(blocks(everything()[:200]))


def test_the_pages_are_there_while_the_run_goes_on_and_say_so(
    tmp_path: Path, writer: JournalWriter, cells: list[Block], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "EVERY", 0.0)
    made = Report(tmp_path, START)
    for cell in cells[:5]:
        made.add(writer.write_cell(cell.lines))
    for name in ("index.html", "matrix.md"):
        assert "The run is unfinished: 1 of 900 cells." in (tmp_path / name).read_text(encoding="utf-8")


def test_the_pages_of_a_run_that_ended_say_nothing_of_that(
    tmp_path: Path, writer: JournalWriter, cells: list[Block]
) -> None:
    made = Report(tmp_path, START)
    for cell in cells:
        made.add(writer.write_cell(cell.lines))
    assert not (tmp_path / "index.html").exists()
    writer.close(**FOOTER)
    said = made.finish(writer.file, 120)
    assert "2 ops · 200 outcomes" in said
    for name in ("index.html", "matrix.md"):
        assert "unfinished" not in (tmp_path / name).read_text(encoding="utf-8")
    assert not list(tmp_path.glob("*.part"))
    assert (tmp_path / "journal.jsonl.gz.index.sqlite").exists()


def test_cells_of_the_run_before_are_in_the_report_too(
    tmp_path: Path, writer: JournalWriter, cells: list[Block]
) -> None:
    made = Report(tmp_path, START)
    for cell in made.passed_on(cells):
        writer.write_cell(cell.lines)
    writer.close(**FOOTER)
    made.finish(writer.file, 120)
    assert str(len({cell.op for cell in cells})) in (tmp_path / "matrix.md").read_text(encoding="utf-8").splitlines()[2]


def test_a_fault_of_the_report_does_not_end_the_run(
    tmp_path: Path, writer: JournalWriter, cells: list[Block], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Report(tmp_path, START)

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr("reports.index.writer.IndexWriter.add", broken)
        made.add(writer.write_cell(cells[0].lines))
    made.add(writer.write_cell(cells[1].lines))
    writer.close(**FOOTER)
    made.finish(writer.file, 120)
    count = len(cells[0].lines) + len(cells[1].lines)
    assert f"{count} outcomes" in (tmp_path / "matrix.md").read_text(encoding="utf-8"), "those of both cells"
