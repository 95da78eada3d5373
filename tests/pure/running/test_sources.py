from __future__ import annotations

from dataclasses import replace

import pytest

from harness.cases.case import OpCase
from harness.cases.plain import plain_call
from harness.cases.profile import Profile
from harness.cases.sample import Sample
from harness.records import query
from harness.records.journal import Record
from harness.running.cells import Cell, Selection, cells, names
from harness.running.sources import Census, Chosen, FromJournal, NothingChosen
from tests.synthetic import PASSED, record

SIZE = Profile(name="test", first=3, others=1)
CASES = tuple(
    OpCase(op=op, inputs=lambda d: {"self": d.tensor(d.shape(0, 2))}, dtypes=("f32", "i32"))
    for op in ("aten.relu.default", "aten.relu6.default")
)
BACKENDS = ("linalg", "tosa")


def where(text: str) -> query.Query:
    return query.parse(text, names({"activation": CASES}, BACKENDS))


def chosen(text: str) -> list[str]:
    return [cell.name for cell in cells("activation", CASES, BACKENDS, Selection(where=where(text)), SIZE)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("op:aten.relu.* mode:static dtype:i32", ["[linalg-static-i32]", "[tosa-static-i32]"]),
        ("op:aten.relu.* backend:tosa plain:yes", ["[tosa-static-f32]", "[tosa-dynamic-f32]"]),
        ("op:aten.relu.* not (backend:tosa or mode:dynamic or dtype:f*)", ["[linalg-static-i32]"]),
        ("op:aten.relu.* backend:tosa dtype:i32 id:0*", ["[tosa-static-i32]", "[tosa-dynamic-i32]"]),
        ("family:act* backend:tosa dtype:i32 not family:activation", []),
    ],
)
def test_the_cells_are_selected_that_may_have_such_samples(text: str, found: list[str]) -> None:
    assert chosen(text) == [f"aten.relu.default{end}" for end in found]


def test_of_a_cell_the_samples_are_run_that_are_selected() -> None:
    cell = Cell(family="activation", case=CASES[0], backend="tosa", mode="static", dtype="f32")
    census = Census(SIZE, 0)
    plain = plain_call(CASES[0], "static")
    assert Chosen((census,), where("plain:yes"))(cell) == (plain,)
    assert Chosen((census,), where("plain:no"))(cell) == tuple(s for s in census(cell) if s != plain)
    assert Chosen((census,), where(f"id:{census(cell)[1].id}"))(cell) == census(cell)[1:2]
    with pytest.raises(NothingChosen):
        Chosen((census,), where("id:nothing"))(cell)


# replays --------------------------------------------------------------------------------------------------------------


def in_journal(*samples: Sample, backend: str = "tosa", **more: str) -> list[Record]:
    return [record(sample, backend, PASSED, **more) for sample in samples]


def test_a_replay_runs_the_census_of_a_cell_as_recorded() -> None:
    cell = Cell(family="activation", case=CASES[0], backend="tosa", mode="static", dtype="f32")
    census = Census(SIZE, 0)(cell)
    records = in_journal(*census[::-1]) + in_journal(census[0], minimised="x") + in_journal(*census, backend="linalg")
    asked: list[str] = []

    def recorded(op: str) -> list[Record]:
        asked.append(op)
        return records

    source = FromJournal(recorded, SIZE, 0, pytest.fail)
    assert source(cell) == census[::-1]
    assert source(replace(cell, dtype="i32")) == ()
    assert asked == [cell.case.op]


def test_a_sample_with_an_argument_that_the_case_no_longer_draws_is_gone() -> None:
    cell = Cell(family="activation", case=CASES[0], backend="tosa", mode="static", dtype="f32")
    (first, *_) = Census(SIZE, 0)(cell)
    older = replace(first, args={**first.args, "inplace": True})
    told: list[str] = []
    assert FromJournal(lambda op: in_journal(first, older), SIZE, 0, told.append)(cell) == (first,)
    assert told == [f"{cell.name}, sample {older.id}: the case no longer draws inplace"]
    with pytest.raises(NothingChosen):
        FromJournal(lambda op: in_journal(older), SIZE, 0, told.append)(cell)
    of_opinfo = replace(older, origin="opinfo")
    assert FromJournal(lambda op: in_journal(of_opinfo), SIZE, 0, pytest.fail)(cell) == (of_opinfo,)


def test_an_argument_that_is_drawn_seldom_is_not_gone() -> None:
    """Every census of the profile and seed has only arguments that the case draws."""
    case = OpCase(
        op="aten.clamp.default",
        inputs=lambda d: {"self": d.tensor(d.shape(1, 2)), **({"max": 2.0} if d.integer(0, 20) == 20 else {})},
        dtypes=("f32",),
    )
    cell = Cell(family="elementwise", case=case, backend="tosa", mode="static", dtype="f32")
    for seed in range(5):
        census = Census(SIZE, seed)(cell)
        assert FromJournal(lambda op, known=census: in_journal(*known), SIZE, seed, pytest.fail)(cell) == census
