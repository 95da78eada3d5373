"""Causes are added to a journal that is whole, and whatever goes wrong leaves it as it was."""

from __future__ import annotations

import errno
import fcntl
import json
import os
from pathlib import Path
from typing import Any

import pytest

from harness.errors import BadJournal, OpcovError
from harness.records import lines
from harness.records.added_causes import add_causes, check_writable
from harness.records.journal_file import PART, JournalReader, causes, footer, read
from harness.records.journal_writer import JournalWriter
from tests.pure.records.test_journal import line, record
from tests.synthetic_cause import cause

NAMES = pytest.mark.parametrize("name", ["j.jsonl", "j.jsonl.gz"])
OTHER = cause(backend="linalg")


def written(path: Path, *, cells: int = 3, close: bool = True) -> Path:
    writer = JournalWriter(path, {"run": "r", "seed": 7})
    for _ in range(cells):
        writer.write_cell([line(record())])
    if close:
        writer.close(seconds=1.0)
        return path
    writer.abandon()
    return writer.part


@NAMES
def test_they_come_before_the_footer_and_the_rest_stays(tmp_path: Path, name: str) -> None:
    path = written(tmp_path / name)
    before = read(path)
    add_causes(path, [cause()])
    add_causes(path, [OTHER])
    after = read(path)
    assert after.causes == (cause(), OTHER) == tuple(causes(path))
    assert (after.records, after.footer, after.header) == (before.records, before.footer, before.header)
    assert after.complete
    assert after.damage == ()
    assert footer(path) == before.footer
    assert [p.name for p in tmp_path.iterdir()] == [name]


@NAMES
def test_a_journal_of_a_run_that_was_killed_gets_them_at_its_end(tmp_path: Path, name: str) -> None:
    path = written(tmp_path / name, close=False)
    add_causes(path, [cause()])
    after = read(path)
    assert (len(after.records), after.causes, after.footer, after.damage) == (3, (cause(),), None, ())


def test_a_line_that_a_kill_cut_short_is_gone(tmp_path: Path) -> None:
    path = written(tmp_path / "j.jsonl", close=False)
    with path.open("ab") as file:
        file.write(b'{"kind":"outcome","id')
    add_causes(path, [cause()])
    assert read(path).causes == (cause(),)
    assert len(read(path).records) == 3


def test_only_the_last_member_of_a_compressed_journal_is_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "MEMBER_BYTES", 2000)
    path = written(tmp_path / "j.jsonl.gz", cells=20)
    data = path.read_bytes()
    start = data.rfind(lines.OWN_HEADER)
    assert start > 0
    add_causes(path, [cause()])
    assert path.read_bytes()[:start] == data[:start]
    assert len(read(path).records) == 20
    assert read(path).causes == (cause(),)


def test_a_run_that_is_writing_it_is_not_disturbed(tmp_path: Path) -> None:
    path = written(tmp_path / "j.jsonl")
    with path.open("rb") as running:
        fcntl.flock(running, fcntl.LOCK_EX)
        for call in (lambda: add_causes(path, [cause()]), lambda: check_writable(path)):
            with pytest.raises(OpcovError, match="a run is writing") as raised:
                call()
            assert raised.value.hint == "wait for its end"
    assert read(path).causes == ()


def test_a_full_disk_leaves_the_journal_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "j.jsonl.gz")
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OpcovError, match="No space left on device"):
        add_causes(path, [cause()])
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["j.jsonl.gz"]


def test_a_journal_that_is_damaged_at_its_end_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "j.jsonl.gz")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(BadJournal, match="damaged at its end"):
        add_causes(path, [cause()])
    assert path.read_bytes() == bytes(data)


def test_a_missing_journal_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(BadJournal, match="cannot read journal"):
        check_writable(tmp_path / "none")


def test_a_folder_that_cannot_be_written_is_said_before_anything_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "j.jsonl")
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(OpcovError, match="cannot write to"):
        check_writable(path)


# lines of causes in a journal -----------------------------------------------------------------------------------------


def test_a_run_that_goes_on_keeps_its_causes(tmp_path: Path) -> None:
    first = JournalWriter(tmp_path / "j", {"run": "r"})
    first.write_cell([line(record())])
    first.write_cause(cause())
    first.abandon()
    reader = JournalReader(tmp_path / f"j{PART}")
    blocks = list(reader.blocks())
    JournalWriter(tmp_path / "j", {"run": "r"}, blocks, (), reader.causes).close()
    assert read(tmp_path / "j").causes == (cause(),)


@pytest.mark.parametrize("change", [{"found": "luck"}, {"way": {"outcome": 1, "no": 2}}, {"way": None}, {"level": "x"}])
def test_a_damaged_cause_costs_itself_only(tmp_path: Path, change: dict[str, Any]) -> None:
    path = written(tmp_path / "j.jsonl")
    add_causes(path, [cause(), OTHER])
    found = path.read_text().splitlines()
    found[-3] = json.dumps({**json.loads(found[-3]), **change}, separators=(",", ":"))
    path.write_text("\n".join(found) + "\n")
    after = read(path)
    assert (after.causes, len(after.records)) == ((OTHER,), 3)
    assert len(after.damage) == 1
    assert "not a cause" in after.damage[0]
    assert tuple(causes(path)) == (OTHER,)
