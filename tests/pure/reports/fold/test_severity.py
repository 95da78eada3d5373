from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from harness.cases.sample import Mode
from harness.records.journal import Record
from harness.records.outcome import Crashed, Outcome, Passed, Unsupported, Wrong
from reports.answers.alarms import alarms
from reports.answers.explain import explain
from reports.fold.cell import Cell
from reports.fold.matrix import Matrix, load
from reports.fold.severity import GRADES, in_words, only
from reports.index.index import Index
from reports.pages.formats import render
from reports.pages.html import render as html
from reports.pages.pieces import NO_PLAIN_CALLS, mark
from reports.pages.summary import summary
from tests.synthetic import PASSED, record, sample
from tests.synthetic import index as synthetic_index

WRONG = Wrong("value", "out[0] = 1.0, but should be 2.0", 0, "llvm-jit")
CRASHED = Crashed("lower", "SIGSEGV", "boom")
REFUSED = Unsupported("lower", "no", "torch.aten.mul")
ADD, MUL = "aten.add.Tensor", "aten.mul.Tensor"


def one(
    outcome: Outcome = PASSED, shape: tuple[int, ...] = (3, 4), op: str = MUL, dtype: str = "f32", **more: Any
) -> Record:
    values = {"values": more.pop("values")} if "values" in more else {}
    mode: Mode = more.pop("mode", "static")
    return record(sample(op, dtype, mode, shape, **values), more.pop("backend", "linalg"), outcome, **more)


def plain(outcome: Outcome = PASSED, op: str = MUL, **more: Any) -> Record:
    return one(outcome, op=op, plain=True, **more)


def index(records: Sequence[Record]) -> Index:
    """An index that has only the columns of these records."""
    return synthetic_index(records, header={"run": "r", "frontend": "fx"})


def cell(*records: Record) -> Cell:
    return load(index(list(records))).rows[0].cells[0]


def severity(*records: Record) -> str | None:
    found = cell(*records).severity
    return found.name if found else None


# of a cell ------------------------------------------------------------------------------------------------------------


def test_a_cell_is_as_bad_as_its_most_severe_sample() -> None:
    nan, empty = one(WRONG, values="nonfinite"), one(WRONG, (0, 4))
    assert severity(plain(), empty) == "degenerate"
    assert severity(plain(), empty, nan) == "nonfinite"
    assert severity(plain(), empty, nan, one(WRONG, (5, 4))) == "ordinary"
    assert severity(plain(WRONG), empty, nan) == "plain"


def test_samples_that_are_refused_do_not_count_where_others_are_wrong_or_crash() -> None:
    assert severity(plain(REFUSED), one(WRONG, values="nonfinite")) == "nonfinite"
    assert severity(plain(CRASHED), one(WRONG, values="nonfinite")) == "plain"
    assert severity(plain(CRASHED), one(CRASHED, values="nonfinite"), one(REFUSED)) == "plain"


def test_a_cell_that_is_not_red_has_no_severity() -> None:
    assert severity(plain()) is None
    assert severity(plain(REFUSED)) is None


def test_what_was_run_again_counts_but_not_as_a_sample() -> None:
    rare = one(WRONG, dtype="f64", values="nonfinite")
    again = one(WRONG, dtype="f64", values="mixed", minimised=rare.id, without="nonfinite")
    found = cell(rare, again)
    assert found.severity is not None and found.severity.name == "rare"
    common = record(sample(MUL, "f32", "static", (3, 4), values="nonfinite"), "linalg", WRONG, minimised=rare.id)
    assert severity(rare, common) == "nonfinite"
    assert in_words(cell(rare, common).severities["Wrong"]) == "for NaN or infinities (run again), for a rare dtype (1)"


def test_an_op_is_as_bad_as_its_most_severe_cell() -> None:
    matrix = load(index([one(WRONG, values="nonfinite"), one(CRASHED, backend="tosa"), one(backend="stablehlo")]))
    found = matrix.rows[0].severity
    assert found is not None and found.name == "ordinary"


def test_the_worse_a_grade_the_higher_its_symbol() -> None:
    symbols = [grade.symbol for grade in GRADES]
    assert symbols == sorted(symbols, reverse=True)
    assert [only(grade).endswith("only") for grade in GRADES] == [False, False, True, True, True, True]


# in the reports -------------------------------------------------------------------------------------------------------


def test_a_red_cell_shows_the_symbol_of_its_severity() -> None:
    assert mark(cell(plain(), one(WRONG, values="nonfinite"))) == "✗▃1/2"
    assert mark(cell(plain())) == "● 1/1"


@pytest.fixture
def mixed() -> tuple[Matrix, Index]:
    """One op is wrong in the plain call, the other for NaN only; in dynamic mode the first has another dim symbolic."""
    records = [
        plain(WRONG, op=ADD),
        one(op=ADD),
        plain(op=MUL),
        one(WRONG, values="nonfinite", op=MUL),
        one(WRONG, values="nonfinite", op=MUL, dtype="bf16"),
    ]
    other = replace(sample(ADD, "f32", "dynamic", (3, 4)), dynamic=("m",))
    records += [record(other, "linalg", PASSED, plain=True), plain(REFUSED, mode="dynamic")]
    made = index(records)
    return load(made), made


def test_totals_share_the_plain_calls_that_are_right_and_count_other_dims_apart(mixed: tuple[Matrix, Index]) -> None:
    static, dynamic = (t.plain for t in mixed[0].totals())
    assert (static.right, static.of, static.others) == (1, 2, 0)
    assert (dynamic.right, dynamic.of, dynamic.others_right, dynamic.others) == (0, 1, 1, 1)


def test_the_text_says_how_many_ops_are_how_bad(mixed: tuple[Matrix, Index]) -> None:
    text = render(*mixed, "text", width=80)
    lines = [line.split() for line in text.splitlines()]
    assert ["✗█", "in", "the", "plain", "call", "1", "–"] in lines
    assert ["✗▃", "for", "NaN", "or", "infinities", "1", "–"] in lines
    assert ["plain", "call", "right", "50.0", "%", "0.0", "%"] in lines
    assert ["plain,", "another", "dim", "–", "1/1"] in lines


def test_markdown_says_it_too(mixed: tuple[Matrix, Index]) -> None:
    text = render(*mixed, "markdown")
    assert "| ✗█ wrong in the plain call | 1 | – |" in text
    assert "| plain call right | 50.0 % | 0.0 % |" in text


def test_csv_and_json_have_the_severity_and_the_plain_call(mixed: tuple[Matrix, Index]) -> None:
    lines = list(csv.DictReader(io.StringIO(render(*mixed, "csv"))))
    found = {(line["op"], line["mode"], line["dtype"]): (line["severity"], line["plain"]) for line in lines}
    assert found[ADD, "static", "f32"] == ("plain", "Wrong")
    assert found[MUL, "static", "bf16"] == ("nonfinite", "")
    data = json.loads(render(*mixed, "json"))
    assert data["totals"][0]["plain"] == {"right": 1, "of": 2, "others_right": 0, "others": 0}
    assert data["totals"][0]["wrong"] == {"plain": 1, "nonfinite": 1}


def test_alarms_of_one_status_are_in_order_of_severity(mixed: tuple[Matrix, Index]) -> None:
    assert [alarm.op for alarm in alarms(*mixed)] == [ADD, MUL]
    text = summary(*mixed, 100)
    assert "Wrong on 1 of 2 samples; █ fails in the plain call" in text
    assert "Wrong on 2 of 3 samples; ▃ fails for NaN or infinities only" in text


def test_explain_shows_the_plain_call_first(mixed: tuple[Matrix, Index]) -> None:
    found = explain(mixed[1], ADD, "linalg")
    text = found.text(width=100)
    assert "linalg static: ✗ wrong, silently wrong on at least one sample; fails in the plain call" in text
    assert "plain call: ✗ wrong, value: out[0] = 1.0" in text
    assert text.index("plain call: ✗") < text.index("1. Wrong at compare")
    assert "fails in the plain call (1)" in text
    assert found.json()["cells"][0]["plain"]["outcome"] == "Wrong"
    assert found.json()["cells"][0]["severity"] == "plain"
    assert "plain call: ● pass" in explain(mixed[1], MUL, "linalg").text(width=100)


def test_the_page_lists_the_plain_calls_that_are_wrong(mixed: tuple[Matrix, Index]) -> None:
    text = html(mixed[1])
    assert "Wrong or crashing in the plain call: 1 " in text
    assert 'href="#cell=aten.add.Tensor%2Clinalg%2Cstatic"' in text
    assert 'class="s-wrong g-plain" aria-label="wrong, fails in the plain call, 1 of 2 passed"' in text


# journals without the mark --------------------------------------------------------------------------------------------


def test_an_old_journal_has_severities_but_no_plain_calls() -> None:
    made = index([one(WRONG, values="nonfinite"), one()])
    matrix = load(made)
    assert not matrix.has_plain_calls
    assert matrix.rows[0].cells[0].severity is GRADES[3]
    for text in (summary(matrix, made, 80), render(matrix, made, "markdown"), html(made)):
        assert NO_PLAIN_CALLS in text
    assert "no plain call of this op in this journal" in explain(made, MUL, "linalg").text(width=80)
    assert explain(made, MUL, "linalg").json()["cells"][0]["plain"] is None


def test_all_right_is_nothing_bad() -> None:
    made = index([plain(Passed(0.1, ("x",)))])
    assert "how bad" not in summary(load(made), made, 80)
