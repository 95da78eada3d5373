"""Cells on roads: which there are, what their samples are, and that nothing is taken for known of another road."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from harness.cases.other_samples import by
from harness.cases.road import DEFAULT, Road
from harness.cases.sample import Sample
from harness.records.outcome import Outcome, Passed, Result, Wrong
from harness.running.cells import Cell, Selection, cells
from harness.running.frontends import Frontends
from harness.running.memory import Memory
from harness.running.runner import Runner
from harness.running.sources import Census, FromJournal
from tests.pure.running.test_cells import SIZE, case
from tests.samples import relu

PRIMS = Road(level="prims")


class Untouched:
    """Stands for a frontend that nobody runs."""

    name = "untouched"
    run: Any = None


WRONG = Wrong("value", "m", 0, "x")


def cell(road: Road, backend: str = "tosa") -> Cell:
    return Cell(family="f", case=case(), backend=backend, mode="static", dtype="f32", road=road)


def runner(outcome: Outcome, seen: list[Sample]) -> Runner:
    def run(sample: Sample, backend: str, **_: object) -> Result:
        seen.append(sample)
        return Result(outcome=outcome)

    return Runner(run, (Census(SIZE, 0),), SIZE, 0)


def test_every_road_has_all_cells_the_first_road_first() -> None:
    wanted = Selection(roads=(DEFAULT, PRIMS), dtypes=("f32",), modes=("static",))
    found = [c.name for c in cells("f", [case()], ("tosa", "control"), wanted, SIZE)]
    assert found == [
        "aten.relu.default[tosa-static-f32]",
        "aten.relu.default[control-static-f32]",
        "aten.relu.default[tosa-static-f32-prims]",
        "aten.relu.default[control-static-f32-prims]",
    ]


def test_the_samples_are_those_of_the_default_road_but_for_the_road() -> None:
    census = Census(SIZE, 0)
    near, far = census(cell(DEFAULT)), census(cell(PRIMS))
    assert near and far == tuple(by(sample, PRIMS) for sample in near)


def test_records_have_the_road_and_the_plain_call_of_it() -> None:
    seen: list[Sample] = []
    records = runner(Passed(0.0, ("x",)), seen).records(cell(PRIMS))
    assert {record.road for record in records} == {sample.road for sample in seen} == {PRIMS}
    assert sum(record.plain for record in records) == 1


def test_what_was_wrong_on_one_road_is_looked_into_on_another_one() -> None:
    seen: list[Sample] = []
    both = runner(WRONG, seen)
    small = [sum(bool(r.minimised) for r in both.records(cell(road))) for road in (DEFAULT, PRIMS, PRIMS)]
    assert small[0] == small[1] > 0
    assert small[2] < small[1]  # known by now
    assert {sample.road for sample in seen[len(seen) // 2 :]} == {PRIMS}


def test_a_memory_is_of_one_road() -> None:
    records = runner(WRONG, []).records(cell(PRIMS))
    assert Memory.of("aten.relu.default", records) == Memory(op="aten.relu.default")
    assert Memory.of("aten.relu.default", records, PRIMS).wrong


def test_a_replay_gives_each_road_its_own_samples() -> None:
    near, far = (runner(Passed(0.0, ("x",)), []).records(cell(road)) for road in (DEFAULT, PRIMS))
    source = FromJournal(lambda op: (*near, *far), SIZE, 0, print)
    assert {sample.road for sample in source(cell(PRIMS))} == {PRIMS}
    assert {sample.road for sample in source(cell(DEFAULT))} == {DEFAULT}


def test_a_frontend_is_made_once_and_the_built_in_one_cannot_be_replaced() -> None:
    made: list[str] = []

    def make(name: str) -> Untouched:
        made.append(name)
        return Untouched()

    frontends = Frontends(built_in := Untouched(), make)
    other = by(relu(), Road("dynamo"))
    assert frontends(relu()) is built_in
    assert frontends(other) is frontends(replace(other, sizes={})) is not built_in
    assert made == ["dynamo"]
