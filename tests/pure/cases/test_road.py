"""A road as text: in names of cells, in journals, and back."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.cases.other_samples import alike, by
from harness.cases.road import DEFAULT, LEVELS, TRANSFORMS, Road, full_mode, is_sayable, road, split_mode
from harness.cases.sample import dumps, from_json, to_json
from harness.records.entry import parse
from harness.records.journal import Record, dumped, record_json, record_restore
from harness.records.journal_file import cell_name, costs, read
from harness.records.journal_writer import JournalWriter
from harness.records.outcome import Excluded, Passed
from harness.running.cells import Cell
from reports import folds
from reports.fold import entries, matrix
from reports.fold.cell import Column
from reports.index.index import Index
from tests.pure.running.test_cells import case
from tests.samples import relu
from tests.synthetic import HEADER, index, record

ROADS = [
    Road(*parts)
    for parts in itertools.product(
        ("export", "dynamo", "core-aten-like"), TRANSFORMS, LEVELS, ((), ("aten.gelu", "aten.softmax.int"))
    )
]
FAR = Road("dynamo", "vmap", "prims")


@pytest.mark.parametrize("travelled", ROADS, ids=lambda r: str(r) or "default")
def test_a_road_is_what_its_text_says(travelled: Road) -> None:
    assert road(str(travelled)) == travelled
    for mode in ("static", "dynamic"):
        assert split_mode(full_mode(mode, travelled)) == (mode, travelled)


def test_the_default_road_is_never_said() -> None:
    assert str(DEFAULT) == ""
    assert cell_name("aten.add.Tensor", "tosa", "dynamic", "f32") == "aten.add.Tensor[tosa-dynamic-f32]"
    sample = relu()
    assert "road" not in to_json(sample)
    assert sample.id == "6857ad4971"  # as it was before there were roads
    assert "road" not in record_json(record(sample, "tosa", Passed(0.0, ("a",))))


def test_another_road_is_said_everywhere() -> None:
    cell = Cell(family="f", case=case("aten.gelu.default"), backend="tosa", mode="dynamic", dtype="f32", road=FAR)
    assert cell.name == "aten.gelu.default[tosa-dynamic-f32-dynamo-vmap-prims]"
    assert cell_name(*cell.key) == cell.name
    assert str(parse("aten.gelu.default tosa dynamic-dynamo-vmap-prims f32 pass 5/5 3fa9c1", "f").cell) == cell.name


def test_the_road_is_part_of_a_samples_id_and_of_its_program() -> None:
    sample, far = relu(), by(relu(), FAR)
    assert len({sample.id, far.id, by(sample, Road(level="prims")).id}) == 3
    assert sample.program != far.program
    assert from_json(json.loads(dumps(far))) == replace(far, runs=({},))
    assert alike(sample, far) == far


@pytest.mark.parametrize("name", ["vjp", "prims", "none", "core-aten", "", "my-vmap", "a[b", "legal+x"])
def test_a_frontend_that_would_be_read_as_something_else_has_no_road(name: str) -> None:
    assert not is_sayable(name)
    assert is_sayable("dynamo")


def far_record(backend: str = "tosa", **more: Any) -> Record:
    return replace(record(by(relu(), FAR), backend, Passed(0.5, ("a",))), road=FAR, **more)


def both() -> Index:
    header = {**HEADER, "options": {"backends": ["tosa"]}}
    return index([record(relu(), "tosa", Passed(0.5, ("a",))), far_record()], header=header)


def test_a_journal_keeps_roads_apart(tmp_path: Path) -> None:
    near, far = record(relu(), "tosa", Passed(0.5, ("a",))), far_record()
    nothing = far_record("linalg", sample=None, outcome=Excluded("no samples"))
    with JournalWriter(tmp_path / "j.jsonl", HEADER) as writer:
        for one in (near, far, nothing):
            block = writer.write_cell([dumped(one)], 1.0)
        writer.close()
    assert block.name == ("aten.relu.default", "linalg", "static-dynamo-vmap-prims", "f32")
    assert read(tmp_path / "j.jsonl").records == (near, far, nothing)
    assert record_restore(record_json(nothing)) == nothing
    assert list(costs(tmp_path / "j.jsonl")) == [
        "aten.relu.default[tosa-static-f32]",
        "aten.relu.default[tosa-static-f32-dynamo-vmap-prims]",
        "aten.relu.default[linalg-static-f32-dynamo-vmap-prims]",
    ]


def test_a_road_has_columns_of_its_own_behind_those_of_the_default_one() -> None:
    found = both()
    columns = matrix.columns_of(found.run)
    assert columns == (Column("tosa", "static"), Column("tosa", "static-dynamo-vmap-prims"))
    assert columns[0].asked == "backend%3Atosa+mode%3Astatic"
    assert columns[1].asked == ("backend%3Atosa+mode%3Astatic+frontend%3Adynamo+transform%3Avmap+level%3Aprims")
    assert columns[0].head == "tosa\nstatic"
    assert columns[1].head == "tosa\nstatic\ndynamo\nvmap\nprims"
    (row,) = matrix.load(found).rows
    assert [cell.passed for cell in row.cells] == [1, 1]
    assert {entry.cell for entry in entries.load(found)} == {
        "aten.relu.default[tosa-static-f32]",
        "aten.relu.default[tosa-static-f32-dynamo-vmap-prims]",
    }


def test_what_was_asked_for_on_a_road_and_never_ran_is_shown() -> None:
    options = {"backends": ["tosa"], "modes": ["static", "dynamic"], "roads": ["", "vjp"]}
    header = {**HEADER, "options": options}
    found = matrix.columns_of(index([record(relu(), "tosa", Passed(0.5, ("a",)))], header=header).run)
    assert [column.mode for column in found] == ["static", "dynamic", "static-vjp", "dynamic-vjp"]


@pytest.mark.parametrize(
    ("where", "left"),
    [
        ("frontend:dynamo", ["static-dynamo-vmap-prims"]),
        ("frontend:export", ["static"]),
        ("transform:vmap level:prims", ["static-dynamo-vmap-prims"]),
        ("mode:static", ["static", "static-dynamo-vmap-prims"]),
    ],
)
def test_a_query_selects_by_road(where: str, left: list[str]) -> None:
    whole = both()
    assert [mode for _, mode in folds.select(whole, where).run.columns] == left
