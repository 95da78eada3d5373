from __future__ import annotations

import pytest

from harness.cases.case import OpCase
from harness.cases.draw import Profile
from harness.cases.plain import plain_call
from harness.records import query
from harness.running.cells import Cell, Selection, cells, names
from harness.running.sources import Census, Chosen, NothingChosen

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
