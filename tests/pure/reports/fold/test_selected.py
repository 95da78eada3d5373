from __future__ import annotations

from dataclasses import replace

import pytest

from harness.cases.road import Road
from harness.errors import Exit, UnknownName
from harness.records.journal import Record
from harness.records.outcome import Crashed, Invalid, Passed, Unsupported, Wrong
from harness.records.signature import signature
from reports import folds
from reports.answers.clusters import clusters
from reports.fold.facts import facts
from reports.fold.matrix import load
from reports.fold.provenance import control_line
from reports.fold.selected import NothingSelected
from reports.folds import FOLDS
from reports.index.index import Index
from reports.pages.formats import render
from tests.synthetic import HEADER, PASSED, everything, index, record, sample, whole_index

WRONG = Wrong("value", "out[0]", 0, "llvm-jit", confirmed=("llvm-jit", "xla"), others={"eager": "right"})
REFUSED = Unsupported("lower", "error: failed to legalize operation 'torch.aten.relu'", "torch.aten.relu")
RELU, EXP = "aten.relu.default", "aten.exp.default"


@pytest.mark.parametrize(
    ("query", "holds"),
    [
        ("op:aten.a* backend:tosa", lambda r: r.op.startswith("aten.a") and r.backend == "tosa"),
        ("outcome:wrong", lambda r: isinstance(r.outcome, Wrong)),
        ("not outcome:passed mode:dynamic", lambda r: r.mode == "dynamic" and not isinstance(r.outcome, Passed)),
        ("outcome:invalid family:activation", lambda r: r.family == "activation" and isinstance(r.outcome, Invalid)),
        ("trait:rank=0 or stage:execute", lambda r: "rank=0" in r.traits or r.stage == "execute"),
        (
            "outcome:unsupported not trait:rank=0",
            lambda r: isinstance(r.outcome, Unsupported) and "rank=0" not in r.traits,
        ),
        ("not outcome:passed,invalid", lambda r: not isinstance(r.outcome, (Passed, Invalid))),
        (
            "culprit:* backend:tosa,linalg",
            lambda r: r.backend in ("tosa", "linalg") and signature(r.outcome, r.backend).culprit,
        ),
        ("dtype:bf16 executor:llvm-jit", lambda r: r.dtype == "bf16" and "llvm-jit" in str(r.outcome)),
    ],
)
def test_all_answers_are_as_if_the_journal_held_only_what_is_selected(query: str, holds: object) -> None:
    assert callable(holds)
    selected, alone = folds.select(whole_index(), query), index([r for r in everything() if holds(r)])
    assert selected.ops == alone.ops
    assert selected.run.columns and set(selected.run.columns) == set(alone.run.columns)
    for fold in FOLDS:
        assert without_places(selected, fold) == without_places(alone, fold), fold
    assert [selected.records(op).records for op in alone.ops] == [alone.records(op).records for op in alone.ops]


def without_places(of: Index, fold: str) -> object:
    """The values of a fold; those that have places in the journal only by their number."""
    return [(op, len(value)) if fold in ("slack", "blame", "row") else (op, value) for op, value in of.parts(fold)]


def test_only_the_columns_that_may_be_selected_are_shown_and_pages_say_what_was_selected() -> None:
    selected = folds.select(whole_index(), "backend:tosa mode:static outcome:wrong,passed")
    assert [tuple(column) for column in load(selected).columns] == [("tosa", "static")]
    for format in ("text", "markdown", "json"):
        assert "selected by backend:tosa mode:static outcome:wrong,passed: " in render(load(selected), selected, format)
    assert "selected" not in render(load(whole_index()), whole_index())


@pytest.mark.parametrize("query", ["backend:tosa", "outcome:wrong", f"op:{RELU} not backend:control"])
def test_the_state_of_the_control_is_that_of_the_whole_journal_where_the_query_leaves_it_out(query: str) -> None:
    whole, selected = load(whole_index()), folds.select(whole_index(), query)
    assert load(selected).control == whole.control
    for format in ("text", "markdown"):
        assert f"{control_line(whole)} of the whole journal, the query leaves it out" in render(
            load(selected), selected, format
        )
    part = load(folds.select(whole_index(), f"op:{RELU}"))
    assert sum(part.control.values()) < sum(whole.control.values()) and not part.control_aside


def test_a_control_that_did_not_run_was_asked_for_or_not() -> None:
    runs = [record(sample(RELU, "f32", "static", (2, 3)), "tosa", PASSED)]
    asked = HEADER | {"options": {"backends": ["tosa"]}}
    assert control_line(load(index(runs))) == "control: never run"
    assert control_line(load(index(runs, header=asked))) == "control: never run, other backends were asked for"
    assert control_line(load(folds.select(index(runs, header=asked), "backend:tosa"))).endswith("were asked for")


def of_one_op() -> Index:
    plain, small = sample(RELU, "f32", "static", (2, 3)), sample(RELU, "f32", "static", (1, 3))
    bf16, dynamic = sample(RELU, "bf16", "static", (2, 3)), sample(RELU, "f32", "dynamic", (2, 3))
    scalar = sample(EXP, "f32", "static", ())
    return index(
        [
            record(plain, "tosa", PASSED, plain=True),
            record(small, "tosa", WRONG),
            record(plain, "linalg", REFUSED, plain=True),
            record(small, "linalg", PASSED),
            record(bf16, "tosa", REFUSED),
            record(dynamic, "tosa", WRONG, plain=True),
            record(sample(RELU, "f32", "dynamic", (3, 3)), "tosa", WRONG, minimised=dynamic.id),
            record(scalar, "tosa", PASSED, plain=True),
            record(sample(EXP, "bf16", "static", ()), "tosa", REFUSED),
        ]
    )


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("plain:yes", "tosa f32 Passed, linalg f32 Unsupported, tosa f32 Wrong, tosa f32 Passed"),
        ("status:wrong mode:static", "tosa f32 Passed, tosa f32 Wrong"),
        ("status:partial", "linalg f32 Unsupported, linalg f32 Passed"),
        ("severity:degenerate", "tosa f32 Wrong, tosa f32 Wrong"),
        ("severity:plain", "linalg f32 Unsupported, tosa f32 Wrong"),
        ("severity:ordinary", "tosa bf16 Unsupported, tosa bf16 Unsupported"),
        ("culprit:aten.relu dtype:bf16 op:*relu*", "tosa bf16 Unsupported"),
        ("executor:xla", "tosa f32 Wrong, tosa f32 Wrong, tosa f32 Wrong"),
    ],
)
def test_the_fields_of_results(query: str, found: str) -> None:
    selected = folds.select(of_one_op(), query)
    records = [r for op in (RELU, EXP) for r in selected.records(op).records]
    assert ", ".join(f"{r.backend} {r.dtype} {type(r.outcome).__name__}" for r in records) == found


def test_the_samples_of_one_cause_are_selected_whatever_else_is() -> None:
    (of,) = clusters(of_one_op(), "tosa")
    for cluster in of.clusters:
        (alone,) = clusters(folds.select(of_one_op(), f"cause:{cluster.id}"), "tosa")
        assert [(c.id, c.samples) for c in alone.clusters] == [(cluster.id, cluster.samples)]
    assert len(of.clusters) > 1


@pytest.mark.parametrize("query", ["mode:static", "mode:static transform:vjp", "transform:vjp outcome:passed"])
def test_a_mode_is_asked_for_whatever_the_road(query: str) -> None:
    """An op that was measured on another road alone has no column of the mode's plain name."""
    road = Road(transform="vjp")
    travelled = replace(record(replace(sample(RELU, "f32", "static", (2, 3)), road=road), "tosa", PASSED), road=road)
    assert [r.road for r in folds.select(index([travelled]), query).records(RELU).records] == [road]


def test_a_severity_stays_what_it_is_where_the_plain_call_is_not_selected() -> None:
    """A rank of 0 is ordinary for an op whose plain call has it, whether or not that is selected too."""
    row = load(folds.select(of_one_op(), f"op:{EXP} dtype:bf16")).row(EXP)
    assert [dict(cell.severities) for cell in row.cells if cell.counts] == [{"Unsupported": {"ordinary": 1}}]


def test_nothing_selected_is_an_error_that_says_so() -> None:
    with pytest.raises(NothingSelected, match=r"no sample of the journal is op:\S+ outcome:wrong") as raised:
        folds.select(of_one_op(), "op:aten.exp.default outcome:wrong")
    assert raised.value.code == Exit.USAGE
    with pytest.raises(UnknownName, match="did you mean"):
        folds.select(of_one_op(), "op:aten.rel.default")


def test_only_asked_fields_are_computed() -> None:
    of = of_one_op().records(RELU)
    assert [set(values) for values in facts(of, ("op", "status"))] == [{"op", "status"}] * len(of.records)


def test_the_samples_of_another_opcov_are_selected_too() -> None:
    """A line that starts in another way, and a journal from before the frontend had records of its own."""
    old: list[Record] = [record(sample(RELU, "f32", "static", (2,)), "tosa", WRONG)]
    selected = folds.select(index(old, header={k: v for k, v in HEADER.items() if k != "frontend"}), "backend:frontend")
    assert [r.backend for r in selected.records(RELU).records] == ["frontend"]


def outside_index() -> Index:
    known = {"tosa": {"types": {"f32": ""}, "source": "here"}}
    runs = [
        record(sample(op, dtype, "static", (2, 3)), "tosa", REFUSED) for op in (RELU, EXP) for dtype in ("f32", "f64")
    ]
    right = Invalid("verify", "error: no", "right", "x")
    runs += [record(sample(RELU, dtype, "static", (4, 3)), "tosa", right) for dtype in ("f32", "f64")]
    return index(runs, header=HEADER | {"element_types": known})


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("outcome:outside", 3),
        ("not outcome:outside", 3),
        ("outcome:unsupported", 2),
        ("outcome:invalidright", 1),
        ("outcome:invalid", 1),
        ("culprit:*relu*", 2),
        ("severity:*", 3),
    ],
)
def test_an_outcome_is_selected_by_the_name_by_which_reports_count_it(query: str, count: int) -> None:
    selected = folds.select(outside_index(), query)
    assert sum(len(selected.records(op).records) for op in selected.ops) == count


def test_the_lines_of_an_op_are_not_read_if_its_row_shows_that_none_is_selected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = whole_index()
    read: list[str] = []
    cells = whole.cells
    monkeypatch.setattr(whole, "cells", lambda op: (read.append(op), cells(op))[1])
    selected = folds.select(whole, "outcome:crashed backend:linalg", ("failures",))
    assert set(read) == {r.op for r in everything() if isinstance(r.outcome, Crashed) and r.backend == "linalg"}
    assert set(read) == set(selected.ops) < set(whole.ops)


def test_a_sample_is_looked_up_in_the_whole_index() -> None:
    whole = whole_index()
    selected = folds.select(whole, "outcome:crashed", ("failures",))
    crashed = next(r for r in everything() if isinstance(r.outcome, Crashed) and not r.minimised)
    found = selected.record(crashed.id)
    assert found and found.id == crashed.id and isinstance(found.outcome, Crashed)
    assert selected.record("0123456789") is None
