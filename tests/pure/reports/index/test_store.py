from __future__ import annotations

import errno
import json
import os
import sqlite3
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from harness.errors import BadJournal
from harness.records.journal import Record
from harness.records.journal_writer import JournalWriter
from reports import folds
from reports.fold.matrix import load
from reports.folds import FOLDS, LiveIndex
from reports.index import store
from reports.index.index import Index
from reports.index.store import Store, places
from reports.pages.formats import render
from tests.synthetic import FOOTER, HEADER, PASSED, blocks, everything, record, sample


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's cache folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def one(op: str = "aten.relu.default", size: int = 2) -> Record:
    return record(sample(op, "f32", "static", (size,)), "tosa", PASSED)


def write(path: Path, *records: Record, run: str = "r") -> Path:
    with JournalWriter(path, HEADER | {"run": run}) as writer:
        for block in blocks(records):
            writer.write_cell(block.lines)
        writer.close(**FOOTER)
    return path


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return write(tmp_path / "run" / "journal.jsonl.gz", one(), one("aten.exp.default"))


class Asked:
    """Opens indexes, and knows how often one was made."""

    def __init__(self) -> None:
        self.made = 0
        self.warnings: list[str] = []

    def open(self, journal: Path, version: str = "1") -> Any:
        return Store(journal, FOLDS, version).open(self._progress, self.warnings.append)

    def _progress(self, done: int, of: int | None) -> None:
        self.made += done == 1


@pytest.fixture
def asked() -> Asked:
    return Asked()


def test_an_index_is_made_once_beside_its_journal(journal: Path, asked: Asked) -> None:
    assert asked.open(journal).ops == asked.open(journal).ops == ("aten.exp.default", "aten.relu.default")
    assert asked.made == 1
    assert places(journal)[0].parent == journal.parent
    assert places(journal)[0].exists()
    assert not list(journal.parent.glob("*.part"))


def test_an_index_of_another_version_is_made_again(journal: Path, asked: Asked) -> None:
    asked.open(journal)
    asked.open(journal, "2")
    assert asked.made == 2


def test_an_index_of_what_was_in_the_journal_before_is_made_again(journal: Path, asked: Asked) -> None:
    asked.open(journal)
    write(journal, one("aten.abs.default"))
    assert asked.open(journal).ops == ("aten.abs.default",)


def test_an_index_of_another_run_is_made_again_even_if_size_and_time_are_equal(tmp_path: Path, asked: Asked) -> None:
    path = tmp_path / "j.jsonl"
    write(path, one(), run="a")
    status = path.stat()
    asked.open(path)
    write(path, one(), run="b")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_size == status.st_size
    assert asked.open(path).run.header["run"] == "b"


@pytest.mark.parametrize("garbage", [b"", b"hello", b"SQLite format 3\x00" + bytes(5000)])
def test_garbage_is_no_index(garbage: bytes, journal: Path, asked: Asked) -> None:
    places(journal)[0].write_bytes(garbage)
    assert len(asked.open(journal).ops) == 2
    assert asked.made == 1
    asked.open(journal)
    assert asked.made == 1


def test_another_database_is_no_index(journal: Path, asked: Asked) -> None:
    with sqlite3.connect(places(journal)[0]) as other:
        other.execute("CREATE TABLE run (key, value)")
        other.execute("INSERT INTO run VALUES ('stamp', 'text')")
    assert len(asked.open(journal).ops) == 2


def answer(of: Index) -> str:
    """All that an index knows, as text."""
    return render(load(of), of, "json") + str([of.parts(fold) for fold in FOLDS]) + str([*map(of.records, of.ops)])


def test_a_damaged_index_never_changes_an_answer(tmp_path: Path, asked: Asked) -> None:
    path = write(tmp_path / "journal.jsonl.gz", *everything()[:300])
    wanted = answer(asked.open(path))
    kept = places(path)[0]
    whole = kept.read_bytes()
    for at in range(50, len(whole), len(whole) // 60):
        kept.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
        assert answer(asked.open(path)) == wanted, at


def test_a_truncated_index_never_changes_an_answer(journal: Path, asked: Asked) -> None:
    asked.open(journal)
    kept = places(journal)[0]
    whole = kept.read_bytes()
    for length in range(0, len(whole), 4096):
        kept.write_bytes(whole[:length])
        index = asked.open(journal)
        assert len(load(index).rows) == 2
        assert len(index.records("aten.exp.default").records) == 1


def test_the_users_cache_holds_the_index_of_a_folder_that_cannot_be_written(
    journal: Path, cache: Path, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, journal.parent)
    assert len(asked.open(journal).ops) == 2
    asked.open(journal)
    assert (asked.made, asked.warnings) == (1, [])
    assert list(cache.glob("opcov/index-*.sqlite"))
    assert not places(journal)[0].exists()


def test_without_a_place_to_write_it_is_in_memory_and_says_why(
    journal: Path, asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, tmp_path)
    assert len(asked.open(journal).ops) == 2
    assert len(asked.warnings) == 1
    assert "Read-only" in asked.warnings[0]


def refuse(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let nothing be written below a folder, as on a read-only file system."""
    opened = Path.open

    def refusing(path: Path, mode: str = "r", *more: Any, **others: Any) -> Any:
        if "w" in mode and folder in path.parents:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
        return opened(path, mode, *more, **others)

    monkeypatch.setattr(Path, "open", refusing)


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), sqlite3.OperationalError("full")])
def test_a_full_disk_leaves_the_journal_as_it_was(
    error: Exception, journal: Path, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = journal.read_bytes()

    def full(*_: object) -> None:
        raise error

    monkeypatch.setattr(store, "_rename", full)
    assert len(asked.open(journal).ops) == 2
    assert len(asked.warnings) == 1
    assert journal.read_bytes() == before
    assert not list(journal.parent.glob("journal*.sqlite*"))


def test_what_is_no_journal_is_an_error(tmp_path: Path, asked: Asked) -> None:
    (tmp_path / "j").write_text("hello\n", encoding="ascii")
    with pytest.raises(BadJournal, match="no header"):
        asked.open(tmp_path / "j")
    with pytest.raises(BadJournal, match="No such file"):
        asked.open(tmp_path / "k")
    assert not list(tmp_path.glob("*.sqlite"))


def test_damage_of_the_journal_is_kept_with_its_place(tmp_path: Path, asked: Asked) -> None:
    path = write(tmp_path / "j.jsonl", one(), one("aten.exp.default"))
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[1] = lines[1].replace('"share":0.31', '"share":0.13')
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    for _ in range(2):
        index = asked.open(path)
        assert index.ops == ("aten.exp.default",)
        (damage,) = index.run.damage
        assert damage.startswith("line 3: ")
        assert damage in render(load(index), index, "text")


def test_a_line_that_makes_no_sense_is_an_error_that_names_it(tmp_path: Path, asked: Asked) -> None:
    (block,) = blocks([one()])
    path = tmp_path / "j.jsonl"
    line = json.dumps({**json.loads(block.lines[0]), "outcome": "Possed"}, separators=(",", ":"))
    with JournalWriter(path, HEADER) as writer:
        writer.write_cell([line])
        writer.close()
    with pytest.raises(BadJournal, match=r"j\.jsonl: line 2: not an outcome line"):
        asked.open(path)


def _open(journal: Path) -> int:
    asked = Asked()
    assert len(asked.open(journal).ops) == 2
    return asked.made


def test_of_several_processes_one_makes_the_index(journal: Path) -> None:
    with get_context("fork").Pool(4) as pool:
        assert sum(pool.map(_open, [journal] * 8, chunksize=1)) == 1


def test_a_run_keeps_its_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "journal.jsonl.gz"
    live = LiveIndex(HEADER)
    with JournalWriter(path, HEADER) as writer:
        for block in blocks(everything()[:100]):
            live.add(writer.write_cell(block.lines, 0.5))
        writer.close(**FOOTER)
    wanted = answer(Asked().open(path))
    places(path)[0].unlink()
    live.keep(path)
    monkeypatch.setattr(store.Store, "_build", None)
    assert answer(folds.open_index(path)) == wanted
    assert sorted(p.name for p in tmp_path.iterdir() if not p.name.startswith(".")) == [
        "journal.jsonl.gz",
        "journal.jsonl.gz.index.sqlite",
    ]
