"""What the HTML report shows of a diff."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from harness.records.outcome import Passed, Unsupported, Wrong
from reports.answers.diff.diff import Diff, diff
from reports.answers.diff.side import Side
from reports.fold.cell import Column
from reports.pages.diff.section import SHOWN, section
from reports.pages.html import render
from tests.pure.reports.pages.test_html import Page
from tests.synthetic import HTML, everything, index, record, sample

PASSED = Passed(0.1, ("llvm-jit",))
WRONG = Wrong("value", HTML, 0, "llvm-jit")
REFUSED = Unsupported("lower", HTML, None)
RELU, ABS = "aten.relu.default", "aten.abs.default"


@pytest.fixture(scope="module")
def found() -> Diff:
    """Of relu one cell is worse by two dtypes and better by a third; of abs one is better."""
    changes = [(RELU, "f32", PASSED, WRONG), (RELU, "f16", PASSED, REFUSED), (RELU, "i32", REFUSED, PASSED)]
    changes += [(ABS, "f32", REFUSED, PASSED)]
    before, after = (
        index([record(sample(op, dtype, "static", (2,)), "tosa", outcomes[now]) for op, dtype, *outcomes in changes])
        for now in (0, 1)
    )
    return diff(Side(before, "a.gz"), Side(after, "b.gz"))


def test_a_cell_of_all_dtypes_has_the_most_alarming_change_and_its_samples(found: Diff) -> None:
    column = Column("tosa", "static")
    assert section(found).changes == {
        (RELU, column): ("worse", "newly wrong: 1 sample"),
        (ABS, column): ("better", "fixed: 1 sample"),
    }


def test_the_section_has_the_verdict_the_runs_and_the_groups_by_kind(found: Diff) -> None:
    shown = section(found)
    assert shown.verdict == "1 newly wrong, 1 newly refused, 2 fixed"
    assert [name for name, *_ in shown.runs] == ["A", "B"]
    assert [(block.kind, block.title, block.more) for block in shown.blocks] == [
        ("worse", "Worse: 2 cells (1 op)", 0),
        ("better", "Better: 2 cells (2 ops)", 0),
    ]
    fixed = shown.blocks[1].rows[0]
    assert fixed.ops == f"{ABS}, {RELU}"
    assert fixed.link == f"{ABS},tosa,static"


def test_many_groups_are_cut_and_counted() -> None:
    samples = [sample(f"aten.op_{n}.default", "f32", "static", (2,)) for n in range(SHOWN + 5)]
    before, after = (index([record(of, "tosa", out) for of in samples]) for out in (PASSED, WRONG))
    (block,) = section(diff(Side(before, "a"), Side(after, "b"))).blocks
    assert (len(block.rows), block.more) == (SHOWN, 5)


def test_the_page_is_whole_and_its_cells_are_marked(found: Diff) -> None:
    text = render(found.after.index, against=found)
    page = Page(text)
    assert page.open == []
    assert "<img" not in text
    assert "<script>window" not in text
    data = json.loads(page.scripts[0])
    assert data["kinds"] == ["worse", "undecided", "changed", "better"]
    marks = {
        row["op"]: [data["kinds"][c["v"][0]] + " " + data["texts"][c["v"][1]] for c in row["cells"] if c and "v" in c]
        for row in data["rows"]
    }
    assert marks == {RELU: ["worse newly wrong: 1 sample"], ABS: ["better fixed: 1 sample"]}
    assert '<a href="#q=change%3Aworse">change:worse</a>' in text
    assert '<a href="#q=change%3Achanged">' not in text
    assert all(address == "data:," or address.startswith("#") for address in page.addresses)


def test_a_page_without_a_diff_says_nothing_of_one() -> None:
    text = render(index(everything()[:20]))
    data = json.loads(Page(text).scripts[0])
    assert data["kinds"] == []
    assert "From A to B" not in text
    assert "change:worse" not in text
    assert not any(c and "v" in c for row in data["rows"] for c in row["cells"])


def test_no_change_is_a_section_of_its_own(found: Diff) -> None:
    same = replace(found, cells=())
    assert "From A to B: no change" in render(found.after.index, against=same)
