from __future__ import annotations

import csv
import io
import json
import re
from html import unescape

import pytest

import reports.pages.html
from harness.errors import UnknownName
from harness.records.journal import Journal
from harness.records.outcome import Crashed, HarnessError, Wrong
from harness.text import clean, clip, clip_middle, duration, one_line, share
from reports.fold.matrix import Matrix, fold
from reports.fold.provenance import control_line, provenance
from reports.fold.status import STATUSES
from reports.pages.text import FORMATS, alarms, render, summary
from tests.synthetic import FOOTER, HEADER, PASSED, journal, record, sample

Whole = tuple[Matrix, Journal]
WRONG = Wrong("value", "out[0] = 1.0, but should be 2.0", 0, "llvm-jit")


@pytest.fixture(scope="module")
def whole() -> Whole:
    made = journal()
    return fold(made), made


@pytest.fixture
def absent() -> tuple[Journal, str]:
    """A journal whose run did without two executors, and how its reports say so."""
    why = {"xla": "pip install 'opcov[xla]'", "mine": "ImportError: no x"}
    made = journal([], header=HEADER | {"toolchain": HEADER["toolchain"] | {"absent": why}})
    return made, "absent: executor xla (pip install 'opcov[xla]') · absent: executor mine (ImportError: no x)"


@pytest.mark.parametrize("width", [80, 100, 120, 200])
def test_text_fits_its_width(whole: Whole, width: int) -> None:
    for text in (render(whole[0], whole[1], "text", width=width), summary(*whole, width)):
        long = [
            line for line in text.splitlines() if len(line) > width and "opcov" not in line and line[0] not in "✗▲!◐"
        ]
        assert not long, long


def test_text_names_every_op_and_status(whole: Whole) -> None:
    matrix, made = whole
    text = render(matrix, made)
    joined = text.replace("\n└ ", "")
    for row in matrix.rows:
        assert row.op in joined
    for status in STATUSES:
        assert f"{status.symbol} {status.name}: {status.meaning}" in text
    assert "aten.gelu.default ~" in text
    assert "control: 100 % Passed" in text
    assert "POOLING (4)" in text


def test_no_terminal_escape_survives(whole: Whole) -> None:
    for format in FORMATS:
        text = render(*whole, format)
        assert not re.search(r"[\x00-\x09\x0b-\x1f\u202e\ud800-\udfff]", text)
        text.encode("utf-8")


def test_summary_lists_the_most_alarming_with_commands_to_paste() -> None:
    crash = record(sample("aten.exp.default", "f32", "static", (2,)), "tosa", Crashed("lower", "SIGSEGV", "a\nboom\n"))
    wrong = record(sample("aten.mul.Tensor", "f32", "static", (3,)), "linalg", WRONG)
    small = record(sample("aten.mul.Tensor", "f32", "static", (1,)), "linalg", WRONG, minimised=wrong.id)
    made = journal([crash, wrong, small])
    text = summary(fold(made), made, 120)
    lines = text[text.index("Most alarming") :].splitlines()
    assert lines[2].startswith("✗ aten.mul.Tensor  linalg static: Wrong on 1 of 1 samples")
    assert "value: out[0] = 1.0, but should be 2.0" in lines[3]
    assert "aten.mul.Tensor(self=f32[1])" in lines[4]
    assert lines[5].strip() == "opcov explain aten.mul.Tensor --backend linalg"
    assert lines[6].strip() == f"opcov repro {small.id} --backend linalg"
    assert "▲ aten.exp.default" in text[text.index("repro") :]
    assert "SIGSEGV at lower: boom" in text


def test_summary_is_limited_and_says_so(whole: Whole) -> None:
    count = len(alarms(whole[0]))
    assert f"Most alarming (3 of {count}," in summary(*whole, 120, limit=3)


def test_alarms_rank_wrong_before_our_errors_before_crashes(whole: Whole) -> None:
    names = [alarm.status.name for alarm in alarms(whole[0])]
    assert names == sorted(names, key=["wrong", "error", "crash"].index)


def test_a_green_run_ends_without_alarms() -> None:
    made = journal([record(sample("aten.mul.Tensor", "f32", "static", (3,)), "linalg", PASSED)])
    text = summary(fold(made), made, 100)
    assert "Most alarming" not in text
    assert "100 %" in text


def test_csv_has_a_line_per_cell_and_adds_up(whole: Whole) -> None:
    matrix, made = whole
    lines = list(csv.DictReader(io.StringIO(render(matrix, made, "csv"))))
    census = [r for r in made.records if not r.minimised and r.backend != "control"]
    assert sum(int(line["total"]) for line in lines) == len(census)
    assert {line["status"] for line in lines} <= {s.name for s in STATUSES}


def test_json_is_json_and_complete(whole: Whole) -> None:
    matrix, made = whole
    data = json.loads(render(matrix, made, "json"))
    assert len(data["ops"]) == len(matrix.rows)
    assert data["complete"] is True
    assert [c["backend"] for c in data["columns"][::2]] == ["linalg", "tosa", "stablehlo"]
    for totals in data["totals"]:
        assert sum(totals["ops"].values()) == len(matrix.rows)


def test_markdown_tables_are_whole(whole: Whole) -> None:
    text = render(*whole, "markdown")
    for block in re.findall(r"(?:^\|.*\n)+", text, re.M):
        assert len({line.count("|") for line in block.splitlines()[2:]}) == 1, block
    assert "## pooling" in text


def test_unknown_format() -> None:
    made = journal([])
    with pytest.raises(UnknownName, match="markdown"):
        render(fold(made), made, "markdwon")


def test_empty_journal_renders() -> None:
    made = journal([], header={"run": "x"}, footer=None)
    for format in FORMATS:
        assert render(fold(made), made, format)
    assert "The journal holds no outcome" in summary(fold(made), made, 80)


def test_notes_say_what_must_not_be_missed() -> None:
    of = sample("aten.mul.Tensor", "f32", "static", (3,))
    one = record(of, "control", WRONG)
    ours = record(sample("aten.mul.Tensor", "f32", "static", (4,)), "tosa", HarnessError("Traceback\nKeyError: 1"))
    notes = " ".join(provenance(journal([one, ours], footer=None)).notes)
    assert "killed" in notes
    assert "1 harness error:" in notes
    assert "do not trust the red" in notes
    assert "interrupted" in provenance(journal([one], footer=FOOTER | {"interrupted": True})).notes[0]
    assert provenance(journal([record(of, "tosa", PASSED)])).notes == ()


def test_provenance_is_said_in_text() -> None:
    about = provenance(journal([], header=HEADER | {"options": {"profile": "nightly", "ops": ["aten.conv*"]}}))
    assert about.started == "2026-11-22 03:00 UTC"
    assert about.options == "profile nightly · seed 20261122 · ops aten.conv*"
    assert about.toolchain.startswith("torch 2.13.0+cpu · torch-mlir 20261001 · opcov 0.1.0 · python 3.11.9 · linux")


def test_absent_executors_are_said_with_what_installs_them(absent: tuple[Journal, str]) -> None:
    made, said = absent
    assert provenance(made).toolchain.endswith(f" · {said}")
    for form in ("text", "markdown"):
        assert said in " ".join(render(fold(made), made, form).split())
    assert said in unescape(reports.pages.html.render(made))


def test_control_line_never_rounds_up() -> None:
    assert control_line({"Passed": 9999, "Wrong": 1}) == "control: 99.9 % Passed (9,999 of 10,000)"
    assert control_line({"Passed": 5, "Excluded": 2}) == "control: 100 % Passed (5 of 5, 2 Excluded aside)"
    assert control_line({}) == "control: never run"


def test_prose() -> None:
    assert share(0, 0) == "–"
    assert share(1, 100_000) == "0.1 %"
    assert share(99_999, 100_000) == "99.9 %"
    assert clean("\x1b[31mred\x1b[0m\r\n\x00x\u202e\ud800") == "red\nx"
    assert one_line("\n  \n  a   b \nc") == "a b"
    assert clip("abcdef", 4) == "abc…"
    assert "left out" in clip_middle("x" * 100, 30)
    assert [duration(s) for s in (8, 720, 7500)] == ["8 s", "12 min", "2 h 05 min"]
