"""`opcov diff` and `opcov html --against` on journals in files: exit status, formats and bad input."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.commands import cli
from harness.errors import Exit
from harness.records.journal import Record
from harness.records.outcome import Passed, Wrong
from tests.synthetic import record, sample, written

RELU = "aten.relu.default"
OF = sample(RELU, "f32", "static", (2, 3))
RIGHT = record(OF, "tosa", Passed(0.0, ("llvm-jit",)))
WRONG = record(OF, "tosa", Wrong("value", "out[0]=1.0, but should be 2.0", 0, "llvm-jit"))


def journal(path: Path, records: Sequence[Record]) -> str:
    written(path, records)
    return str(path)


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> str:
    return journal(tmp_path_factory.mktemp("right") / "right.jsonl.gz", [RIGHT])


@pytest.fixture(scope="module")
def wrong(tmp_path_factory: pytest.TempPathFactory) -> str:
    return journal(tmp_path_factory.mktemp("wrong") / "wrong.jsonl.gz", [WRONG])


def test_the_exit_status_is_1_if_anything_is_worse(right: str, wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["diff", right, wrong]) == Exit.FOUND == 1
    assert capsys.readouterr().out.startswith("1 newly wrong\n\nA  ")
    assert cli.main(["diff", wrong, right]) == Exit.OK
    assert capsys.readouterr().out.startswith("1 fixed; nothing worse\n")
    assert cli.main(["diff", wrong, wrong]) == Exit.OK
    assert capsys.readouterr().out.startswith("no change\n")


def test_a_diff_is_written_in_each_format(right: str, wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["diff", "--json", right, wrong]) == Exit.FOUND
    data = json.loads(capsys.readouterr().out)
    assert data["groups"][0]["smallest"]["repro"] == [f"opcov repro {OF.id} --backend tosa --journal {wrong}"]
    assert cli.main(["diff", "--format", "markdown", right, wrong]) == Exit.FOUND
    assert capsys.readouterr().out.startswith("### 1 newly wrong\n")


def test_a_query_selects_what_is_compared(right: str, wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["diff", right, wrong, "--where", "outcome:wrong"]) == Exit.FOUND
    assert cli.main(["diff", right, wrong, "--where", "mode:dynamic"]) == Exit.USAGE
    said = capsys.readouterr().err
    assert said.startswith("opcov: --where: no sample of the two journals is mode:dynamic; leave a condition out")


def test_nothing_in_common_is_bad_data_and_says_what_either_has(
    right: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = journal(tmp_path / "other.jsonl.gz", [record(sample(RELU, "f32", "static", (4,)), "tosa", WRONG.outcome)])
    assert cli.main(["diff", right, other]) == Exit.DATA == 3
    said = capsys.readouterr()
    assert "redrawn: 1 cell (1 op)" in said.out
    assert said.err == (
        f"opcov: {right} and {other} have no sample in common; compare runs of the same profile and seed\n"
    )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "cannot read"),
        ("hello\n", "is no"),
        ('{"kind":"header","schema":99}\n', "schema 99"),
    ],
)
@pytest.mark.parametrize("is_first", [True, False])
def test_a_bad_journal_is_named(
    text: str | None, why: str, is_first: bool, right: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.jsonl"
    if text is not None:
        bad.write_text(text)
    for command in (["diff", *([str(bad), right] if is_first else [right, str(bad)])],):
        assert cli.main(command) == Exit.DATA
        said = capsys.readouterr()
        assert said.out == ""
        assert str(bad) in said.err
        assert len(said.err.splitlines()) == 1
    assert why


def test_the_report_shows_what_changed(
    right: str, wrong: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "r.html"
    assert cli.main(["html", wrong, "--against", right, "--out", str(page)]) == Exit.OK
    assert capsys.readouterr().out.strip() == str(page)
    text = page.read_text()
    assert "From A to B: 1 newly wrong" in text
    assert cli.main(["html", wrong, "--against", right, "--out", str(page), "--where", "op:aten.relu*"]) == Exit.OK
    assert "From A to B: 1 newly wrong" in page.read_text()
    assert f"opcov repro {OF.id} --backend tosa --journal {wrong}" in text
    assert cli.main(["html", wrong, "--against", str(tmp_path / "none"), "--out", str(tmp_path / "no.html")]) == 3
    assert not (tmp_path / "no.html").exists()
