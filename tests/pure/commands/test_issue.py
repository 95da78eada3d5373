from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.commands import cli
from harness.commands.python_text import uncommented
from harness.errors import Exit
from harness.records.outcome import Wrong
from reports.answers.clusters import clusters
from tests.causes import index, line
from tests.synthetic import PASSED, written

SORT = "aten.sort.default"
FAILING = [line(SORT, Wrong("value", "out is off", 0, "llvm-jit"))]
ID = clusters(index(FAILING), "tosa")[0].clusters[0].id

Opcov = Callable[..., str]


@pytest.fixture
def opcov(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Opcov:
    """`opcov issue`, about a journal with one failure or none: the one line that it ends with."""
    monkeypatch.chdir(tmp_path)
    journal = tmp_path / "journal.jsonl.gz"

    def ask(*arguments: str, fails: bool = True, status: int = Exit.USAGE) -> str:
        written(journal, FAILING if fails else [line(SORT, PASSED)])
        assert cli.main(["issue", *arguments, "--journal", str(journal)]) == status
        said = capsys.readouterr()
        assert said.out == ""
        assert len(said.err.strip().splitlines()) == 1
        return said.err

    return ask


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "no cause is named; type `opcov issue ID`"),
        ((ID, "--all"), "both a cause and --all are given"),
        (("--all",), "no folder is named; add --out DIR"),
        ((ID, "--backend", "tosa"), "--backend chooses among all causes, and one is named; leave it out"),
        ((ID[:-1] + "z",), f"unknown cluster '{ID[:-1]}z'; did you mean {ID}?; `opcov clusters --limit 0` lists all"),
        (("c0-0123456",), "c0-0123456 was made by version 0 of the normaliser"),
        (("--all", "--backend", "toas", "--out", "here"), "unknown backend 'toas'; did you mean tosa"),
    ],
)
def test_bad_usage_is_one_line_that_says_what_to_type(arguments: tuple[str, ...], said: str, opcov: Opcov) -> None:
    assert said in opcov(*arguments)
    assert not Path("here").exists()


@pytest.mark.parametrize("arguments", [(ID,), ("--all", "--out", "here")])
def test_a_journal_without_failures_has_nothing_to_write(arguments: tuple[str, ...], opcov: Opcov) -> None:
    said = opcov(*arguments, fails=False)
    assert "nothing fails in" in said
    assert "`opcov matrix " in said
    assert not Path("here").exists()


@pytest.mark.parametrize("name", [f"{ID}.md", f"{ID}.before.mlir", "index.md"])
def test_a_file_that_exists_is_not_overwritten(name: str, opcov: Opcov) -> None:
    Path("here").mkdir()
    kept = Path("here", name)
    kept.write_text("mine", encoding="utf-8")
    assert f"{kept} would be overwritten; add --overwrite, or name another" in opcov("--all", "--out", "here")
    assert kept.read_text(encoding="utf-8") == "mine"
    assert list(Path("here").iterdir()) == [kept]


def test_a_folder_that_cannot_be_written_is_an_error(opcov: Opcov) -> None:
    Path("file").write_text("", encoding="utf-8")
    assert "cannot write file/here: Not a directory; name another folder with --out" in opcov(ID, "--out", "file/here")


def test_a_history_that_is_named_and_not_there_is_an_error(opcov: Opcov) -> None:
    said = opcov(ID, "--history", "no.sqlite", status=Exit.DATA)
    assert "there is no history in no.sqlite; `opcov record JOURNAL` starts one" in said


def test_a_source_without_comments_is_the_same_program() -> None:
    source = '"""Says."""\nx = 1  # one\n"""Says of x."""\nclass A:\n    """Says."""\n\n'
    source += 'def f():\n    """Says."""\n    return x\n'
    text = uncommented(source)
    assert "Says" not in text
    assert "one" not in text
    assert ast.dump(ast.parse(text)) == ast.dump(ast.parse("x = 1\nclass A:\n    pass\ndef f():\n    return x\n"))
