from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.errors import OpcovError
from harness.pytest_plugin.options import _settle_samples
from harness.pytest_plugin.replay import REPLAY, SHOWN, Gone, Replay, gone
from harness.records.journal_writer import JournalWriter
from op_suites import catalog
from tests.synthetic import HEADER, PASSED, blocks, record, sample

OPS = ("aten.relu.default", "aten.gone.default")
CASES = [case for cases in catalog().values() for case in cases]


def journal(folder: Path, *records: Any) -> Path:
    with JournalWriter(folder / "old.jsonl", {**HEADER, "options": {"profile": "quick"}, "seed": 7}) as writer:
        for block in blocks(records):
            writer.write_cell(block.lines)
        writer.close()
    return writer.file


def config(folder: Path, replay: Path, **more: Any) -> Any:
    options = {
        "replay": str(replay),
        "where": "",
        "samples": "census",
        "out": str(folder),
        "profile": None,
        "seed": None,
    }
    return SimpleNamespace(option=SimpleNamespace(**{**options, **more}), stash={})


@pytest.fixture
def old(tmp_path: Path) -> Path:
    found = [record(sample(op, "f32", "static", (2, 3)), backend, PASSED) for op in OPS for backend in ("tosa", "mine")]
    found += [record(sample(OPS[0], dtype, "static", (2,)), "tosa", PASSED) for dtype in ("c64", "i8")]
    return journal(tmp_path, *found)


def test_profile_and_seed_are_the_journals_unless_they_are_given(tmp_path: Path, old: Path) -> None:
    asked = config(tmp_path, old)
    _settle_samples(asked)
    assert (asked.option.profile, asked.option.seed) == ("quick", 7)
    given = config(tmp_path, old, profile="default", seed=0)
    _settle_samples(given)
    assert (given.option.profile, given.option.seed) == ("default", 0)


def test_what_the_registry_no_longer_has_is_gone(old: Path) -> None:
    assert list(gone(Replay(old, ""), CASES, ("tosa",))) == [
        "aten.gone.default[mine-static-f32]: no such op",
        "aten.gone.default[tosa-static-f32]: no such op",
        "aten.relu.default[mine-static-f32]: no backend mine",
        "aten.relu.default[tosa-static-c64]: no dtype c64",
    ]


def test_a_query_selects_what_is_replayed(tmp_path: Path, old: Path) -> None:
    asked = config(tmp_path, old, where="outcome:passed dtype:i8")
    _settle_samples(asked)
    assert asked.stash[REPLAY].cells == {("aten.relu.default", "tosa", "static", "i8")}


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"where": "outcome:wrong"}, "no sample of the journal is outcome:wrong"),
        ({"where": "outcome:wrng"}, "unknown outcome 'wrng'; did you mean Wrong?"),
        ({"samples": "both"}, "leave one of the two out"),
        ({"replay": "missing.gz"}, "cannot read journal missing.gz"),
        ({"profile": "slow"}, "unknown profile 'slow'"),
    ],
)
def test_bad_input_is_an_error_in_one_line(tmp_path: Path, old: Path, more: dict[str, str], says: str) -> None:
    with pytest.raises(OpcovError) as raised:
        _settle_samples(config(tmp_path, Path(more.pop("replay", str(old))), **more))
    assert says in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1


def test_journals_without_samples_of_another_schema_or_that_the_run_would_replace(tmp_path: Path, old: Path) -> None:
    other = tmp_path / "other.jsonl"
    other.write_text(json.dumps({"kind": "header", "schema": 99}) + "\n")
    with pytest.raises(OpcovError, match="has schema 99, this opcov reads 2"):
        _settle_samples(config(tmp_path, other))
    with pytest.raises(OpcovError, match=r"old\.jsonl has no sample"):
        _settle_samples(config(tmp_path, journal(tmp_path)))
    with pytest.raises(OpcovError, match=r"would replace .* choose another folder with --out"):
        _settle_samples(config(tmp_path, tmp_path / "journal.jsonl.gz"))


def test_the_end_lists_no_more_than_a_screen() -> None:
    plugin = Gone(f"{number}: no such op" for number in range(SHOWN + 3))
    said: list[str] = []
    plugin.pytest_terminal_summary(SimpleNamespace(write_line=said.append))
    assert said[0] == f"gone from the registry, not run: {SHOWN + 3} cells or samples"
    assert said[-1] == "  and 3 more"
    assert len(said) == SHOWN + 2
