from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cases.sample import MODES, Mode
from harness.errors import UnknownName
from harness.records.expectation import CONTROL
from harness.records.journal import Record, dumped
from harness.records.journal_writer import JournalWriter
from harness.records.outcome import (
    BY_NAME,
    OUTCOMES,
    Blocked,
    Excluded,
    Invalid,
    NotExecuted,
    Outcome,
    Outside,
    Passed,
    Reached,
    Unsupported,
    Wrong,
    restore,
)
from reports import folds
from reports.fold.cell import Column, Key, outcome_name
from reports.fold.matrix import load
from reports.fold.status import (
    BLOCKED,
    CRASH,
    ERROR,
    EXCLUDED,
    FAILING,
    INVALID,
    INVALID_RIGHT,
    NEVER,
    OUTSIDE,
    PARTIAL,
    PASS,
    STATUS_OF_OUTCOME,
    STATUSES,
    TIMEOUT,
    UNEXECUTED,
    UNEXPORTED,
    UNRUN,
    UNSUPPORTED,
    WRONG,
    decide,
)
from reports.pages.pieces import shares
from tests.synthetic import FAMILIES, HEADER, PASSED, everything, index, record, sample, whole_index

NAMES = [cls.__name__ for cls in OUTCOMES]
REFUSED = Unsupported("lower", "error: no", "torch.aten.add.Tensor")
DEFAULTS: dict[str, Outcome] = {
    name: restore(
        name,
        "execute",
        {
            "share": 0.1,
            "executors": ["x"],
            "kind": "value",
            "message": "m",
            "output": 0,
            "executor": "x",
            "signal": "SIGSEGV",
            "stderr": "",
            "diagnostic": "d",
            "culprit": None,
            "seconds": 1.0,
            "after": "0123456789",
            "reason": "r",
            "by": "Unsupported",
            "lacking": "f64",
            "reasons": {"x": "y"},
            "traceback": "t",
        },
    )
    for name in BY_NAME
}


def add(
    outcome: Outcome, *, shape: tuple[int, ...] = (2,), dtype: str = "f32", backend: str = "tosa", **more: Any
) -> Record:
    return record(sample("aten.add.Tensor", dtype, "static", shape), backend, outcome, **more)


@pytest.mark.parametrize(
    ("outcomes", "status"),
    [
        ([], NEVER),
        (["Passed"], PASS),
        (["Passed", "Excluded"], PASS),
        (["Excluded"], EXCLUDED),
        (["Passed", "Outside"], PASS),
        (["Passed", "Outside", "Excluded"], PASS),
        (["Passed", "Outside", "Unsupported"], PARTIAL),
        (["Outside"], OUTSIDE),
        (["Outside", "Excluded"], OUTSIDE),
        (["Outside", "Invalid"], INVALID),
        (["Outside", "Wrong"], WRONG),
        (["Passed", "Unsupported"], PARTIAL),
        (["Passed", "Invalid"], PARTIAL),
        (["Passed", "Invalid", "TimedOut"], TIMEOUT),
        (["Invalid", "Unsupported"], INVALID),
        (["Invalid", "InvalidRight"], INVALID),
        (["InvalidRight", "Unsupported"], INVALID_RIGHT),
        (["Passed", "InvalidRight"], PARTIAL),
        (["Passed", "NotExecuted"], PARTIAL),
        (["Passed", "NotExported"], PARTIAL),
        (["Passed", "NotRun"], PARTIAL),
        (["Passed", "Blocked"], PARTIAL),
        (["Blocked", "Excluded"], BLOCKED),
        (["Blocked", "Unsupported"], UNSUPPORTED),
        (["Reached", "Excluded"], PASS),
        (["Reached", "Unsupported"], PARTIAL),
        (["Reached", "Crashed"], CRASH),
        (["NotRun", "Excluded"], UNRUN),
        (["NotRun", "NotExported"], UNEXPORTED),
        (["NotRun", "Unsupported"], UNSUPPORTED),
        (["Unsupported", "NotExecuted", "NotExported", "Excluded"], UNSUPPORTED),
        (["NotExecuted", "Excluded"], UNEXECUTED),
        (["Passed", "Wrong", "Crashed", "HarnessError"], WRONG),
        (["Passed", "Crashed", "Unsupported"], CRASH),
        (["Passed", "HarnessError"], ERROR),
    ],
)
def test_status_of_outcomes(outcomes: list[str], status: object) -> None:
    assert decide(outcomes) is status


@given(st.lists(st.sampled_from(NAMES)))
def test_one_more_sample_that_did_not_pass_is_never_better(outcomes: list[str]) -> None:
    before = decide(outcomes)
    for name in FAILING:
        after = decide([*outcomes, name])
        assert not (before is not PASS and after is PASS)
        assert after is not PASS
        assert after.rank <= before.rank or before is NEVER


@given(st.lists(st.sampled_from(NAMES), min_size=1))
def test_green_means_a_pass_and_nothing_else_but_exclusions_and_what_is_outside(outcomes: list[str]) -> None:
    good = {"Passed", "Reached"}
    assert (decide(outcomes) is PASS) == (
        bool(good & set(outcomes)) and set(outcomes) <= {*good, "Excluded", "Outside"}
    )


def test_every_outcome_and_status_is_defined_once() -> None:
    assert set(STATUS_OF_OUTCOME) == {*NAMES, "InvalidRight"}
    assert len({s.symbol for s in STATUSES}) == len({s.name for s in STATUSES}) == len(STATUSES)
    assert all(len(s.symbol) == 1 for s in STATUSES)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["aten.a.default", "aten.b.default"]),
            st.sampled_from(["linalg", "tosa", CONTROL]),
            st.sampled_from(MODES),
            st.sampled_from(["f32", "i32"]),
            st.sampled_from(NAMES),
            st.booleans(),
        ),
        max_size=30,
    )
)
def test_counts_add_up(lines: list[tuple[str, str, Mode, str, str, bool]]) -> None:
    records = [
        record(sample(op, dtype, mode, (2,)), backend, DEFAULTS[name], minimised="0123456789" if small else None)
        for op, backend, mode, dtype, name, small in lines
    ]
    matrix = load(index(records), control=True)
    census = [r for r in records if not r.minimised]
    within = [r for r in census if not isinstance(r.outcome, Outside)]
    assert sum(cell.total for cell in matrix.cells.values()) == len(within)
    assert sum(cell.total for row in matrix.rows for cell in row.cells) == len(within)
    assert sum(cell.outside for row in matrix.rows for cell in row.cells) == len(census) - len(within)
    assert sum(matrix.control.values()) == sum(r.backend == CONTROL for r in census)
    for number, totals in enumerate(matrix.totals()):
        assert sum(totals.ops.values()) == len(matrix.rows)
        assert totals.total == sum(row.cells[number].total for row in matrix.rows)
        assert sum(totals.cells.values()) == sum(len(row.cells[number].by_dtype) for row in matrix.rows)
    for row in matrix.rows:
        for cell in row.cells:
            assert sum(cell.counts.values()) - cell.outside == cell.total == sum(part.total for part in cell.by_dtype)
            assert cell.passed <= cell.total


def test_nothing_is_hidden_from_the_denominator() -> None:
    records = [
        add(PASSED),
        add(Excluded("why"), shape=(1,)),
        add(NotExecuted({"x": "y"}), shape=(3,)),
        add(REFUSED, shape=(4,)),
    ]
    cell = load(index(records)).cells[Key("aten.add.Tensor", "tosa", "static", "f32")]
    assert (cell.passed, cell.total, cell.status, cell.worst) == (1, 4, PARTIAL, "Unsupported")


def test_minimised_records_are_evidence_not_samples() -> None:
    wrong = Wrong("value", "m", 0, "x")
    matrix = load(index([add(PASSED), add(wrong, shape=(1,), minimised="0123456789")]))
    cell = matrix.row("aten.add.Tensor").cells[matrix.columns.index(Column("tosa", "static"))]
    assert (cell.passed, cell.total, sum(cell.evidence.values())) == (1, 1, 1)
    assert cell.status is WRONG, "a wrong result found while minimising is a finding all the same"


def test_shares_are_of_all_samples_and_of_those_that_reached_the_backend() -> None:
    stopped = Blocked("import", "Unsupported")
    lines = [(PASSED, 1), (REFUSED, 2), (stopped, 3), (Excluded("eager refuses"), 4)]
    records = [add(outcome, shape=(n,)) for outcome, n in lines]
    records += [add(Reached(), shape=(n,), backend="frontend") for n in (1, 2)]
    records += [add(Unsupported("import", "no", None), shape=(3,), backend="frontend")]
    found = {t.column.backend: t for t in load(index(records)).totals() if t.column.mode == "static"}
    assert (found["tosa"].passed, found["tosa"].total, found["tosa"].arrived) == (1, 4, 2)
    assert shares(found["tosa"]) == ("25.0 %", "50.0 %")
    assert (found["frontend"].passed, found["frontend"].total, found["frontend"].arrived) == (2, 3, 2)
    assert shares(found["frontend"]) == ("66.7 %", "–")


def test_columns_nobody_ran_are_shown_as_never_run() -> None:
    matrix = load(index([add(PASSED)]))
    assert matrix.columns[:2] == (Column("frontend", "static"), Column("frontend", "dynamic"))
    assert matrix.columns[2:4] == (Column("linalg", "static"), Column("linalg", "dynamic"))
    assert {c.status for c in matrix.rows[0].cells} == {PASS, NEVER}


def test_ops_asked_for_and_never_run_have_a_row() -> None:
    header = HEADER | {"options": {"ops": ["aten.add.Tensor", "aten.sin.default", "aten.conv*"]}}
    matrix = load(index([add(PASSED)], header=header))
    assert [row.op for row in matrix.rows] == ["aten.add.Tensor", "aten.sin.default"]
    assert all(cell.status is NEVER for cell in matrix.row("aten.sin.default").cells)


def test_control_has_columns_only_where_asked_for() -> None:
    both = index([add(PASSED), add(PASSED, backend=CONTROL)])
    assert CONTROL not in load(both).backends
    assert load(both, control=True).backends[-1] == CONTROL
    assert load(both).control == {"Passed": 1}


def test_an_op_that_reaches_no_backend_is_marked() -> None:
    gone = add(PASSED, reached=("torch.aten.mul.Tensor",))
    assert load(index([gone])).decomposed == ("aten.add.Tensor",)
    assert load(index([gone, add(PASSED, backend="linalg")])).decomposed == ()
    assert load(index([add(REFUSED, reached=())])).rows[0].decomposed is False, "unknown is not gone"


def test_unknown_op_suggests() -> None:
    with pytest.raises(UnknownName, match=r"aten\.relu\.default"):
        load(whole_index()).row("aten.relu")


def test_every_outcome_occurs_in_the_synthetic_journal() -> None:
    records = everything()
    assert {outcome_name(r) for r in records} == set(NAMES)
    assert {r.family for r in records} == set(FAMILIES)


def test_a_truncated_journal_folds(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    with JournalWriter(path, HEADER) as writer:
        for one in (add(PASSED), add(REFUSED, shape=(1,))):
            writer.write_cell([dumped(one)])
    part = writer.part
    part.write_text(part.read_text(encoding="utf-8")[:-20], encoding="utf-8")
    cut = folds.open_index(part)
    assert not cut.run.complete
    assert sum(cell.total for cell in load(cut).cells.values()) == 1


def test_an_empty_journal_folds() -> None:
    matrix = load(index([], header={"run": "x"}))
    assert (matrix.columns, matrix.rows, matrix.totals()) == ((), (), ())


def test_a_pass_is_never_seen_where_none_was() -> None:
    for name in NAMES:
        if name not in ("Passed", "Reached"):
            matrix = load(index([replace(add(PASSED), outcome=DEFAULTS[name])]))
            assert not any(t.ops.get("pass") or t.passed for t in matrix.totals())
    assert isinstance(PASSED, Passed)


def test_reports_need_neither_torch_nor_hypothesis() -> None:
    script = (
        "import sys, reports.pages.html, reports.pages.formats, reports.answers.todo, reports.answers.explain\n"
        "print(sorted({'torch', 'torch_mlir', 'hypothesis', 'numpy'} & set(sys.modules)))"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


# outside of the dialect -----------------------------------------------------------------------------------------------


def test_samples_outside_the_dialect_are_counted_apart_and_make_no_op_partial() -> None:
    header = HEADER | {"element_types": {"tosa": {"types": {"f32": "PRO-FP"}, "source": "a specification"}}}
    records = [add(PASSED), add(REFUSED, dtype="f64"), add(Invalid("verify", "no f64"), dtype="f64", shape=(3,))]
    matrix = load(index(records, header=header))
    (cell,) = (cell for cell in matrix.row("aten.add.Tensor").cells if cell.counts)
    assert (cell.passed, cell.total, cell.outside, cell.arrived, cell.status) == (1, 1, 2, 1, PASS)
    assert [(part.dtype, part.total, part.outside, part.status) for part in cell.by_dtype] == [
        ("f32", 1, 0, PASS),
        ("f64", 0, 2, OUTSIDE),
    ]
    (totals,) = (total for total in matrix.totals() if total.total)
    assert (totals.passed, totals.total, totals.samples["Outside"]) == (1, 1, 2)
    assert totals.ops == {"pass": 1}
    before = load(index(records)).row("aten.add.Tensor")
    assert [c.status for c in before.cells if c.counts] == [PARTIAL]


def test_a_sample_that_is_wrong_is_wrong_whatever_the_dialect_has() -> None:
    header = HEADER | {"element_types": {"tosa": {"types": {"f32": "PRO-FP"}, "source": "a specification"}}}
    matrix = load(index([add(PASSED), add(Wrong("value", "m", 0, "x"), dtype="f64")], header=header))
    assert [cell.status for cell in matrix.row("aten.add.Tensor").cells if cell.counts] == [WRONG]


def test_what_runs_right_although_it_is_invalid_is_counted_apart_from_what_does_not() -> None:
    right, wrong = Invalid("verify", "no", "right", "right by llvm-jit"), Invalid("verify", "no", "wrong", "off by 1")
    key = Key("aten.add.Tensor", "tosa", "static", "f32")
    of_right, of_both = (load(index([add(a), add(b)])).cells[key] for a, b in ((right, right), (right, wrong)))
    assert (of_right.status, of_both.status) == (INVALID_RIGHT, INVALID)
    assert of_both.counts == {"Invalid": 1, "InvalidRight": 1}
