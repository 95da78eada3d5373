from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.commands import cli
from tests.pure.commands.answers import said
from tests.synthetic import everything, written


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("clusters") / "journal.jsonl.gz", everything())


def test_the_first_line_is_the_verdict_and_each_cluster_can_be_shown(
    journal: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = said(capsys, "clusters", "--backend", "tosa", "--limit", 2, journal).splitlines()
    assert lines[0].startswith("tosa: ")
    assert "causes of" in lines[0]
    assert "more: opcov clusters --backend tosa --limit 0" in lines[-1]
    id = lines[3].split()[0]
    shown = said(capsys, "clusters", "--id", id, journal)
    assert shown.startswith("tosa: ")
    assert "opcov explain" in shown
    data = json.loads(said(capsys, "clusters", "--id", id, "--json", journal))
    assert (data["id"], data["alone"], data["known"]) == (id, None, [])


def test_a_query_and_known_issues_are_taken(journal: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    known = tmp_path / "known.toml"
    known.write_text('[[issue]]\nquery = "backend:tosa outcome:unsupported"\nlink = "https://example.org/7"\n')
    text = said(capsys, "clusters", "--where", "backend:tosa", "--known", known, "--limit", 0, journal)
    assert text.startswith("selected by backend:tosa")
    assert "known: https://example.org/7" in text
    page = tmp_path / "page.html"
    said(capsys, "html", "--known", known, "--out", page, journal)
    assert 'href="https://example.org/7"' in page.read_text(encoding="utf-8")


def test_a_bad_file_of_known_issues_and_an_unknown_cluster_are_errors_of_one_line(
    journal: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    known = tmp_path / "known.toml"
    known.write_text("[[issue]\n")
    assert cli.main(["clusters", "--known", str(known), str(journal)]) == 3
    assert capsys.readouterr().err.count("\n") == 1
    assert cli.main(["clusters", "--id", "c1-0000000", str(journal)]) == 2
    assert "unknown cluster 'c1-0000000'; did you mean c1-" in capsys.readouterr().err
