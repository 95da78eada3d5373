from __future__ import annotations

import errno
import gzip
import hashlib
import json
import os
import signal
import subprocess
import sys
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.cases.sample import Sample
from harness.errors import BadJournal, Exit, OpcovError
from harness.records.journal import Record, record_json, record_restore
from harness.records.journal_file import SCHEMA, JournalReader, costs, read
from harness.records.journal_writer import JournalWriter
from harness.records.lines import GZIP, OWN_HEADER, Compressor
from harness.records.outcome import Crashed, Excluded, FirstWrongPass, Outcome, Passed, Wrong
from tests.samples import dynamic, relu

ROOT = Path(__file__).parents[3]
PASSED = Passed(0.25, ("x",))


def record(outcome: Outcome = PASSED, sample: Sample | None = relu(), **more: Any) -> Record:
    return Record(
        op="aten.relu.default",
        family="activation",
        backend="tosa",
        mode="static",
        dtype="f32",
        outcome=outcome,
        sample=sample,
        traits=("rank=1",),
        seconds={"lower": 0.5},
        **more,
    )


def written(path: Path, *records: Record, close: bool = True, **footer: Any) -> Path:
    writer = JournalWriter(path, {"run": "r", "seed": 7})
    for each in records:
        writer.write_cell([line(each)])
    if close:
        writer.close(**footer)
    return path


def line(record: Record) -> str:
    return json.dumps(record_json(record), separators=(",", ":"))


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    records = (
        record(),
        record(Wrong("value", "m", 0, "x", element=(1, 2), sizes={"n": 3}), dynamic("aten.relu.default", 5)),
        record(Crashed("lower", "SIGSEGV", "tail"), minimised="abc", reached=("torch.aten.relu",)),
        record(Crashed("execute", "SIGSEGV", ""), breaks="n", cause="out-of-bounds access in memref.store"),
        record(Excluded("r"), None),
    )
    journal = read(written(tmp_path / "j", *records, seconds=1.5))
    assert journal.records == records
    assert (journal.header["run"], journal.header["seed"]) == ("r", 7)
    assert journal.complete


def test_the_lines_are_header_cells_footer(tmp_path: Path) -> None:
    found = lines(written(tmp_path / "j", record(), record(), seconds=1.5))
    assert [line["kind"] for line in found] == ["header", "outcome", "cell", "outcome", "cell", "footer"]
    assert found[0]["schema"] == SCHEMA
    assert found[-1] == {"kind": "footer", "counts": {"Passed": 2}, "seconds": 1.5}


def test_a_record_has_an_id_even_without_a_sample() -> None:
    assert record().id == relu().id
    assert record(sample=None).id == "none-f32"


def test_an_outcome_line_leads_back_to_its_record() -> None:
    line = json.loads(json.dumps(record_json(record(minimised="abc"))))
    assert record_restore(line) == record(minimised="abc")


def test_a_record_keeps_where_it_parts_from_eager_and_need_not_have_it() -> None:
    found = record(
        first_wrong_pass=FirstWrongPass(right="import", wrong="canonicalize", message="m", between={"cse": "no"})
    )
    line = json.loads(json.dumps(record_json(found)))
    assert record_restore(line) == found
    assert "parts" not in record_json(record())
    del line["parts"]
    assert record_restore(line).first_wrong_pass is None


def test_the_mark_of_a_plain_call_is_no_part_of_its_sample() -> None:
    line = json.loads(json.dumps(record_json(record(plain=True))))
    assert line["plain"] is True and record_restore(line) == record(plain=True)
    assert line["id"] == record().id and line["sample"] == record_json(record())["sample"]
    assert "plain" not in record_json(record()) and not record_restore(record_json(record())).plain


def test_what_was_recorded_is_on_disk_before_the_end(tmp_path: Path) -> None:
    written(tmp_path / "j", record(), close=False)
    journal = read(tmp_path / "j.part")
    assert len(journal.records) == 1
    assert journal.footer is None
    assert not journal.complete


def test_an_interrupted_run_is_not_complete(tmp_path: Path) -> None:
    assert not read(written(tmp_path / "j", record(), interrupted=True)).complete
    assert read(written(tmp_path / "j", record(), interrupted=False)).complete


def test_a_run_that_does_not_end_leaves_the_last_journal_as_it_was(tmp_path: Path) -> None:
    path = written(tmp_path / "j", record())
    before = path.read_bytes()
    with JournalWriter(path, {}) as writer:
        writer.write_cell([line(record())])
    assert path.read_bytes() == before
    assert (tmp_path / "j.part").exists()


def test_the_journal_takes_the_place_of_its_part(tmp_path: Path) -> None:
    written(tmp_path / "deep" / "j", record())
    assert sorted(p.name for p in (tmp_path / "deep").iterdir()) == ["j"]


KILLED = """
import os, signal, sys
from pathlib import Path
from harness.records.journal_writer import JournalWriter
from harness.records.lines import GZIP, OWN_HEADER, Compressor
from tests.pure.records.test_journal import line, record
writer = JournalWriter(Path(sys.argv[1]), {})
for _ in range(3):
    writer.write_cell([line(record())])
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_run_keeps_all_it_had(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED, tmp_path / "j"], env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False
    )
    assert done.returncode == -signal.SIGKILL
    assert len(read(tmp_path / "j.part").records) == 3


def test_a_cell_cut_short_is_dropped(tmp_path: Path) -> None:
    path = written(tmp_path / "j", record(), record())
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.rindex(b"\n", 0, whole.rindex(b"\n", 0, -1)) - 20])  # no footer, half a `cell` line
    journal = read(path)
    assert len(journal.records) == 1
    assert not journal.complete


@pytest.mark.parametrize("junk", ["{", "", "null x", '{"kind": "outcome"'])
def test_a_damaged_line_is_named_and_its_cell_left_out(tmp_path: Path, junk: str) -> None:
    path = written(tmp_path / "j", record(), record(minimised="abc"))
    damaged = path.read_text(encoding="utf-8").splitlines()
    damaged[1] = junk
    path.write_text("\n".join(damaged) + "\n", encoding="utf-8")
    journal = read(path)
    assert journal.records == (record(minimised="abc"),)
    said = "lines 2 to 3: not JSON; the outcomes of aten.relu.default tosa static f32 are not as written"
    assert journal.damage == (said,)


def test_damage_is_told_in_few_words(tmp_path: Path) -> None:
    path = written(tmp_path / "j", *[record()] * 6)
    found = path.read_text(encoding="utf-8").splitlines()
    found[3:9] = ["junk"] * 6
    path.write_text("\n".join(found) + "\n", encoding="utf-8")
    journal = read(path)
    assert len(journal.records) == 3
    assert journal.damage == ("lines 4 to 9: not JSON; and 5 more faults",)


def test_a_changed_digit_is_seen(tmp_path: Path) -> None:
    path = written(tmp_path / "j", record(), record())
    path.write_text(path.read_text(encoding="utf-8").replace("0.25", "0.35", 1), encoding="utf-8")
    journal = read(path)
    assert len(journal.records) == 1
    assert "line 3: the outcomes of aten.relu.default tosa static f32 are not as written" in journal.damage


# compressed -----------------------------------------------------------------------------------------------------------


def many(count: int = 40) -> list[Record]:
    """Records with texts that hardly compress."""
    texts = (hashlib.sha256(str(i).encode()).hexdigest() * 4 for i in range(count))
    return [record(Crashed("lower", "SIGSEGV", text)) for text in texts]


@pytest.fixture
def small_members(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.records.lines.MEMBER_BYTES", 2000)


def test_a_compressed_journal_is_what_zcat_reads(tmp_path: Path) -> None:
    path = written(tmp_path / "j.gz", *many())
    plain = gzip.decompress(path.read_bytes())
    (tmp_path / "plain").write_bytes(plain)
    assert read(path) == read(tmp_path / "plain")
    assert len(read(path).records) == 40


def test_a_killed_run_s_compressed_journal_is_read_up_to_the_last_cell(tmp_path: Path) -> None:
    written(tmp_path / "j.gz", *many(5), close=False)
    part = tmp_path / "j.gz.part"
    assert len(read(part).records) == 5
    part.write_bytes(part.read_bytes()[:-10])
    journal = read(part)
    assert len(journal.records) == 4
    assert journal.footer is None


@pytest.mark.usefixtures("small_members")
def test_every_single_flipped_bit_costs_little_and_is_said(tmp_path: Path) -> None:
    records = many(30)
    path = written(tmp_path / "j.gz", *records)
    whole = path.read_bytes()
    header_ends = 150  # who damages the header has no journal
    for at in range(header_ends, len(whole), 97):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
        journal = read(path)
        assert all(each in records for each in journal.records)
        assert len(journal.records) >= 20
        assert journal.damage or (journal.records == tuple(records) and journal.complete)


def test_a_full_disk_is_an_error_and_leaves_the_journal_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = JournalWriter(tmp_path / "j.gz", {})
    writer.write_cell([line(record())])
    before = writer.part.read_bytes()
    room = [10]

    def write(file: int, data: bytes) -> int:
        if not room[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken, room[0] = min(room[0], len(data)), max(0, room[0] - len(data))
        return os_write(file, data[:taken])

    os_write = os.write
    monkeypatch.setattr(os, "write", write)
    with pytest.raises(OpcovError, match="No space left on device") as raised:
        writer.write_cell([line(record())])
    assert "--resume" in raised.value.hint
    assert writer.part.read_bytes() == before
    assert len(read(writer.part).records) == 1


def test_a_journal_goes_on_where_it_ended(tmp_path: Path) -> None:
    written(tmp_path / "j.gz", *many(5), close=False)
    part = tmp_path / "j.gz.part"
    part.write_bytes(part.read_bytes()[:-10])
    reader = JournalReader(part)
    writer = JournalWriter(tmp_path / "j.gz", {}, reader.blocks())
    writer.write_cell([line(record())])
    writer.close()
    gzip.decompress((tmp_path / "j.gz").read_bytes())  # no member is left open
    assert read(tmp_path / "j.gz").records == (*many(4), record())
    assert not part.exists()


def test_a_journal_of_schema_1_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "j"
    texts = [line(record()), line(record(minimised="abc")), line(replace(record(), dtype="f16"))]
    path.write_text("\n".join(['{"kind":"header","schema":1}', *texts, '{"kind":"footer"}', ""]), encoding="utf-8")
    assert [(block.dtype, len(block.lines)) for block in JournalReader(path).blocks()] == [("f32", 2), ("f16", 1)]
    assert len(read(path).records) == 3


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"outcome": "Perfect"}, "KeyError: 'Perfect'"),
        ({"stage": "think"}, "KeyError: 'think'"),
        ({"detail": {}}, "TypeError"),
        ({"sample": {"op": "x"}}, "BadSample"),
        ({"traits": None}, "TypeError"),
    ],
)
def test_an_outcome_line_that_makes_no_sense_is_named(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    path = written(tmp_path / "j", record(), record())
    found = [each for each in lines(path) if each["kind"] != "cell"]
    found[0]["schema"] = 1  # which has no checksums
    found[2] |= change
    path.write_text("".join(json.dumps(each) + "\n" for each in found), encoding="utf-8")
    with pytest.raises(BadJournal, match=f"{path}:3: not an outcome line") as raised:
        read(path)
    assert said in str(raised.value)


def test_a_missing_file_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(BadJournal, match="No such file") as raised:
        read(tmp_path / "none.jsonl")
    assert raised.value.code == Exit.DATA
    assert "make matrix" in raised.value.hint


@pytest.mark.parametrize("text", ["", "\n", "{}\n", '{"kind": "outcome"}\n', "[1]\n", "3\n"])
def test_another_file_is_no_journal(tmp_path: Path, text: str) -> None:
    path = tmp_path / "j"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadJournal):
        read(path)


def test_bytes_that_are_no_text_are_no_journal(tmp_path: Path) -> None:
    path = tmp_path / "j"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadJournal, match="its first line is no header"):
        read(path)


def test_another_schema_is_refused_with_both_numbers(tmp_path: Path) -> None:
    path = tmp_path / "j"
    path.write_text(json.dumps({"kind": "header", "schema": 99}) + "\n", encoding="utf-8")
    with pytest.raises(BadJournal, match=f"has schema 99, this opcov reads {SCHEMA}"):
        read(path)


def test_what_each_cell_cost_is_read_fast(tmp_path: Path) -> None:
    with JournalWriter(tmp_path / "j.gz", {}) as writer:
        writer.write_cell([line(record())], 1.5)
        writer.close()
    assert costs(tmp_path / "j.gz") == {"aten.relu.default[tosa-static-f32]": 1.5}
    assert costs(tmp_path / "none") == {}


def test_seconds_are_written_to_a_tenth_of_a_millisecond() -> None:
    spent = {"reference": 0.0000312, "execute": 1.4449381}
    assert record_json(replace(record(), seconds=spent))["seconds"] == {"reference": 0.0, "execute": 1.4449}


def test_members_begin_as_those_of_older_journals_do() -> None:
    """A reader looks for this header where a journal is damaged."""
    assert Compressor().flushed(b"text").startswith(OWN_HEADER)
    assert zlib.compressobj(wbits=GZIP).flush().startswith(OWN_HEADER)
