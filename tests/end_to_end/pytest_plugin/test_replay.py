"""`--replay`: the samples of a journal run again, on two workers; what the registry has no longer is told last."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.cases.sample import from_json
from harness.records.journal_file import JournalReader
from harness.records.journal_writer import JournalWriter
from tests.end_to_end.opcov import Done, job, lines, outcomes

RUN = ("--where", "op:aten.relu.default,aten.expm1.default backend:linalg,control mode:static dtype:f32,u8")


def renamed(line: dict[str, Any], **sample: Any) -> dict[str, Any]:
    """The line with another sample."""
    made = {**line, "sample": {**line["sample"], **sample}}
    of = from_json(made["sample"])
    return {**made, "op": of.op, "dtype": of.dtype, "id": of.id}


def doctored(journal: Path, out: Path) -> Path:
    """The journal with an op, a dtype and an argument that no case has, and cut off in the middle of its last cell."""
    reader = JournalReader(journal)
    blocks = list(reader.blocks())
    line = next(line for line in map(json.loads, blocks[0].lines) if line["sample"])
    tensor = line["sample"]["args"]["self"]
    more = [
        renamed(line, op="aten.gone.default"),
        renamed(line, dtype="c64"),
        renamed(line, args={"self": tensor, "inplace": True}),
    ]
    with JournalWriter(out, reader.header) as writer:
        for block in blocks[1:]:
            writer.write_cell(block.lines, block.seconds or 0.0)
        for other in more[:2]:
            writer.write_cell([json.dumps(other, separators=(",", ":"))], 0.0)
        writer.write_cell([*blocks[0].lines, json.dumps(more[2], separators=(",", ":"))], 0.0)
        for other in more[:1]:
            writer.write_cell([json.dumps(renamed(other, dtype="bf16"), separators=(",", ":"))], 0.0)
        writer.abandon()
    part = out.with_name(out.name + ".part")
    part.write_bytes(part.read_bytes()[:-30])
    return part


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Done]:
    """The journal of a run, that of the replay of what was made of it, and what the replay said."""
    first, again = tmp_path_factory.mktemp("first"), tmp_path_factory.mktemp("again")
    done = job(*RUN, "--profile", "quick", out=first)
    assert done.returncode == 0, done.stdout + done.stderr
    part = doctored(first / "journal.jsonl.gz", again / "old.jsonl.gz")
    replay = job("--replay", part, "-n", "2", "-v", out=again / "out")
    return first / "journal.jsonl.gz", again / "out" / "journal.jsonl.gz", replay


def told(path: Path) -> dict[str, dict[str, Any]]:
    found = outcomes(path)
    return {f"{line['id']} {line['backend']}": {k: v for k, v in line.items() if k != "seconds"} for line in found}


def test_the_same_samples_come_to_the_same_end(replayed: tuple[Path, Path, Done]) -> None:
    first, again, done = replayed
    assert done.returncode == 0, done.stdout + done.stderr
    assert told(again) == told(first)
    assert len(told(first)) > 8


def test_what_is_gone_is_counted_and_listed_and_no_failure(replayed: tuple[Path, Path, Done]) -> None:
    said = replayed[2].stdout
    assert "gone from the registry, not run: 3 cells or samples" in said
    assert "aten.gone.default[" in said and "]: no such op" in said
    assert "]: no dtype c64" in said
    assert "the case no longer draws inplace" in said


def test_the_run_says_what_it_replays_and_that_it_is_cut_off(replayed: tuple[Path, Path, Done]) -> None:
    _, again, done = replayed
    head = done.stdout.partition("created: 2/2 workers")[0]
    assert "opcov: profile quick, seed 0" in head
    assert "opcov: replays " in head
    assert "is of a run that did not end: what it has is replayed" in head
    header = lines(again)[0]
    assert header["options"]["replay"]
    assert header["cells"] == len({(o["op"], o["backend"], o["mode"], o["dtype"]) for o in outcomes(again)})
    assert lines(again)[-1]["kind"] == "footer" and lines(again)[-1].get("missing", 0) == 0
