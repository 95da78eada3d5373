from __future__ import annotations

from typing import Any

from harness.records.failing import Failing
from harness.records.signature import Signature
from reports.answers.causes import NOT_CUT, causes
from reports.fold.ways import Known, Way

SORT = "torch.aten.sort"


def way(op: str, found: str = "", *culprits: str, backend: str = "tosa", cells: int = 1, **more: Any) -> Way:
    failing = Failing(
        op=op,
        backend=backend,
        mode="static",
        way=Signature("Unsupported", "lower"),
        id=f"id-{op}",
        cells=cells,
        failures=2 * cells,
        steps=3,
    )
    return Way(failing=failing, cause=Known(found=found, culprits=culprits, **more) if found else None)


WAYS = [
    way("aten.median.default", "culprits", SORT, cells=4, unlocks=True),
    way("aten.topk.default", "culprits", SORT, "torch.aten.gather", cells=2, needs=("torch.aten.index",)),
    way("aten.a.default", "composition", "torch.aten.view", "torch.aten.expand", unlocks=True),
    way("aten.b.default", "not tried", why="the interpreter cannot run it: torch.aten.view: -1"),
    way("aten.c.default", "not tried", why="the interpreter cannot run it: torch.aten.sum: 7"),
    way("aten.d.default", backend="linalg"),
]


def test_the_first_line_says_how_many_have_a_cause() -> None:
    first, *rest = causes(WAYS).text().splitlines()
    assert first == "2 of 6 ways of failing have a verified culprit, 1 a composition; 3 have neither"
    assert any(line.split() == ["tosa", "static", "5", "2", "1", "60.0", "%", "14", "of", "18", "2"] for line in rest)


def test_culprits_are_listed_with_all_that_they_hold_back_and_a_command() -> None:
    first, *others = causes(WAYS).blamed
    assert (first.culprit, first.cells, first.ops, first.needs) == (SORT, 6, 2, ("torch.aten.index",))
    assert first.command == "opcov repro id-aten.median.default --backend tosa"
    assert {one.culprit for one in others} == {"torch.aten.gather", "torch.aten.view + torch.aten.expand"}
    text = causes(WAYS, "x.jsonl").text()
    assert f"tosa: {SORT} holds back 6 cells of 2 ops; then needs torch.aten.index" in text
    assert "opcov repro id-aten.median.default --backend tosa --journal x.jsonl" in text


def test_reasons_are_counted_without_what_differs_between_programs() -> None:
    assert causes(WAYS).reasons == {"the interpreter cannot run it": 2, NOT_CUT: 1}


def test_an_answer_fits_on_a_screen() -> None:
    many = [way(f"aten.op{i}.default", "culprits", f"torch.aten.x{i}") for i in range(50)]
    many += [way(f"aten.no{i}.default", "not tried", why=f"reason {i}") for i in range(50)]
    text = causes(many).text()
    assert len(text.splitlines()) < 40
    assert "44 for other reasons" in text


def test_a_journal_without_failures_has_no_causes() -> None:
    assert causes([]).text() == "nothing fails: there is no cause to look for"


def test_the_json_has_all() -> None:
    data = causes(WAYS).json()
    assert [column["ways"] for column in data["columns"]] == [1, 5]
    assert len(data["culprits"]) == 3
    assert data["without"] == causes(WAYS).reasons
