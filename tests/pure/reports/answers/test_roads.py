"""Which ops one road brings through and another does not, and what stops them there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.cases.other_samples import by
from harness.cases.road import DEFAULT, Road
from harness.cases.sample import Sample
from harness.records.journal import Record
from harness.records.outcome import Blocked, Excluded, Invalid, Outcome, Passed, Reached, Unsupported, Wrong
from reports.answers.roads import Roads, named, roads
from tests.samples import relu
from tests.synthetic import index, record

DYNAMO = Road("dynamo")
RIGHT = Passed(0.1, ("x",))
OPS = ("aten.relu.default", "aten.exp.default", "aten.sort.default")


def sample(op: str) -> Sample:
    return replace(relu(), op=op)


def on(road: Road, op: str, backend: str, outcome: Outcome, **more: Any) -> Record:
    return replace(record(by(sample(op), road), backend, outcome), **{"road": road, "plain": True, **more})


def found(*records: Record, backend: str | None = "tosa") -> Roads:
    return roads(index(records), backend)


def test_ops_are_grouped_by_what_stops_them() -> None:
    refused = Unsupported("lower", "failed", "torch.aten.sort")
    records = [on(DEFAULT, op, "tosa", RIGHT) for op in OPS]
    records += [on(DYNAMO, OPS[0], "tosa", Invalid("verify", "func.func is left in tosa IR"))]
    records += [on(DYNAMO, OPS[1], "tosa", Invalid("verify", "func.func is left in tosa IR"))]
    records += [on(DYNAMO, OPS[2], "tosa", refused)]
    lost, gained = found(*records).differences
    assert (lost.by, lost.lost_by, lost.both, lost.through) == (DEFAULT, DYNAMO, 3, 0)
    assert [(group.obstacle, tuple(group.ops)) for group in lost.groups] == [
        ("Invalid at verify: func.func is left in tosa IR", (OPS[1], OPS[0])),
        ("Unsupported at lower: torch.aten.sort", (OPS[2],)),
    ]
    assert lost.groups[0].ops[OPS[0]] == by(sample(OPS[0]), DYNAMO).id
    assert (gained.by, gained.ops) == (DYNAMO, 0)
    text = found(*records).text(1)
    assert "tosa static: 3 ops of 3 that export brings through and dynamo does not; 0 that both do" in text
    assert "and 1 obstacle more" in text
    assert "dynamo brings through" not in text


def test_the_obstacle_of_a_blocked_call_is_the_frontends() -> None:
    lacks = Unsupported("import", "no sym_float", "sym_float")
    records = [on(DEFAULT, OPS[0], "frontend", Reached()), on(DEFAULT, OPS[0], "tosa", RIGHT)]
    records += [on(DYNAMO, OPS[0], "frontend", lacks), on(DYNAMO, OPS[0], "tosa", Blocked("import", "Unsupported"))]
    (lost, _) = found(*records).differences
    assert [group.obstacle for group in lost.groups] == ["Unsupported at import: sym_float"]
    assert {d.backend for d in found(*records, backend=None).differences} == {"frontend", "tosa"}


def test_only_plain_calls_that_a_road_can_use_count() -> None:
    vjp = Road(transform="vjp")
    records = [on(DEFAULT, op, "tosa", RIGHT) for op in OPS[:2]]
    records += [on(vjp, OPS[0], "tosa", Excluded("vjp has no floating tensor to differentiate"))]
    records += [on(vjp, OPS[1], "tosa", Wrong("value", "m", 0, "x"), plain=False)]
    assert found(*records).text(None) == "the journal has plain calls on one road only"


def test_roads_that_bring_the_same_through_do_not_differ() -> None:
    same = found(*(on(road, OPS[0], "tosa", RIGHT) for road in (DEFAULT, DYNAMO)))
    assert same.text(None) == "each road brings through what the others do"
    assert [(d["by"], d["through"], d["groups"]) for d in same.json()["differences"]] == [
        ("export", 1, []),
        ("dynamo", 1, []),
    ]


@pytest.mark.parametrize(
    ("other", "name"),
    [
        (Road(level="prims"), "torch-mlir"),
        (Road(transform="vjp"), "no transform"),
        (Road("dynamo", "vjp", "none"), "export"),
        (Road(legal=("aten.gelu",)), "torch-mlir"),
    ],
)
def test_the_default_road_is_called_by_what_the_other_one_differs_in(other: Road, name: str) -> None:
    assert (named(DEFAULT, other), named(other, DEFAULT)) == (name, str(other))


def test_a_run_on_one_road_keeps_nothing_for_this() -> None:
    whole = index([on(DEFAULT, op, "tosa", RIGHT) for op in OPS])
    assert whole.parts("roads") == []
