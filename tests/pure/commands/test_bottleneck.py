from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.pure.commands.answers import said
from tests.synthetic import everything, written


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("bottleneck") / "journal.jsonl.gz", everything())


def test_it_prints_every_block_and_names_no_more_ops_than_asked(
    journal: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = said(capsys, "bottleneck", "--limit", 1, journal)
    assert text.startswith("What the surface reduces to\n")
    assert " more\n" in text
    assert " more\n" not in said(capsys, "bottleneck", "--limit", 0, journal)
    data = json.loads(said(capsys, "bottleneck", "--json", journal))
    assert list(data["roads"]) == ["torch-mlir"]
    assert set(data["roads"]["torch-mlir"]) == {"reduces", "curve", "backends", "covers", "futures"}


def test_a_query_is_asked_of_each_journal_and_said(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, "bottleneck", "--where", "mode:static backend:tosa", journal, journal)
    assert text.count("selected by mode:static backend:tosa") == 2
    assert " dynamic " not in text
    assert "left out, since an earlier journal has them: " in text
