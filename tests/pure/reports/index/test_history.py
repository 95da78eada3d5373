from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import BadHistory
from harness.records.entry import End
from reports.index.history import APPLICATION, PastRun, open_history
from tests.pure.records.test_entry import REFUSED, WRONG, entry

RUN = PastRun(
    name="20261001T030000-0a1b2c",
    date="2026-10-01",
    started="2026-10-01T03:00:00+00:00",
    label="torch-mlir 20261001",
    compiler="torch-mlir 20261001 (libTorchMLIRAggregateCAPI d7a5eed64bf2)",
    identity="d7a5",
    code="87bce634c2e3",
    sampling="quick, census, seed 0",
    executors=("llvm-jit",),
    cells=2,
)
SORT, TOPK = entry(), entry(End("wrong", 2, 5, (REFUSED, WRONG)), op="aten.topk.default")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "history.sqlite"
    with open_history(file, make=True) as history:
        assert history.record(RUN, (SORT, TOPK)) == "new"
    return file


def test_what_was_recorded_is_there(path: Path) -> None:
    with open_history(path) as history:
        assert history.runs() == (RUN,)
        assert list(history.cells()) == [{RUN.name: SORT}, {RUN.name: TOPK}]


def test_the_same_run_twice_changes_nothing(path: Path) -> None:
    before = path.read_bytes()
    with open_history(path) as history:
        assert history.record(RUN, (TOPK, SORT)) == "known"
    assert path.read_bytes() == before


def test_a_run_that_has_more_cells_now_replaces_itself(path: Path) -> None:
    more = entry(op="aten.msort.default")
    with open_history(path) as history:
        assert history.record(replace(RUN, cells=3), (SORT, TOPK, more)) == "again"
        assert [run.cells for run in history.runs()] == [3]
        assert len(list(history.cells())) == 3


def test_the_oldest_compiler_comes_first_whenever_it_ran(path: Path) -> None:
    older = replace(RUN, name="later", date="2026-07-01", started="2026-11-01T00:00:00+00:00")
    with open_history(path) as history:
        history.record(older, (SORT,))
        assert [run.name for run in history.runs()] == ["later", RUN.name]


def test_a_run_is_recorded_whole_or_not_at_all(path: Path) -> None:
    before = path.read_bytes()
    with open_history(path) as history, pytest.raises(BadHistory):
        history.record(replace(RUN, name="other"), (SORT, SORT))
    assert path.read_bytes() == before


def test_without_a_file_there_is_no_history(tmp_path: Path) -> None:
    with pytest.raises(BadHistory, match=r"no history in .*opcov record JOURNAL"), open_history(tmp_path / "none"):
        pass
    assert not (tmp_path / "none").exists()


def test_another_file_is_no_history_and_stays_as_it_is(tmp_path: Path) -> None:
    text, other, newer = tmp_path / "text", tmp_path / "other.sqlite", tmp_path / "newer.sqlite"
    text.write_text("no database at all, and longer than the header of one, which has a hundred bytes" * 9)
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE mine (x)")
    with sqlite3.connect(newer) as connection:
        connection.execute("CREATE TABLE run (x)")
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute("PRAGMA user_version = 9")
    for path, why in ((text, "cannot use"), (other, "is no history of opcov"), (newer, "is a history of version 9")):
        before = path.read_bytes()
        with pytest.raises(BadHistory, match=why), open_history(path, make=True):
            pass
        assert path.read_bytes() == before
