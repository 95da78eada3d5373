from __future__ import annotations

import json
from typing import Any

import pytest

from harness.errors import UnknownName
from harness.records.journal import Record
from harness.records.outcome import (
    Blocked,
    Invalid,
    NotExecuted,
    NotExported,
    Outcome,
    Reached,
    TimedOut,
    Unsupported,
    Wrong,
)
from reports.answers.todo import LACKING, UNNAMED, todo
from tests.synthetic import PASSED, index, record, sample, whole_index


def refused(culprit: str | None) -> Unsupported:
    return Unsupported("lower", f"error: failed to legalize operation '{culprit}'", culprit)


def line(
    op: str, outcome: Outcome, dtype: str = "f32", shape: tuple[int, ...] = (2,), backend: str = "tosa", **more: Any
) -> Record:
    return record(sample(op, dtype, "static", shape), backend, outcome, **more)


def test_culprits_rank_by_what_they_unlock() -> None:
    records = [
        line("aten.sort.default", refused("torch.aten.sort")),
        line("aten.sort.default", refused("torch.aten.sort"), dtype="i32"),
        line("aten.topk.default", refused("torch.aten.sort")),
        # two culprits in one cell: neither unlocks it
        line("aten.median.default", refused("torch.aten.sort")),
        line("aten.median.default", refused("torch.aten.kth"), shape=(3,)),
        # something else is wrong in this cell: lowering it does not make it green
        line("aten.add.Tensor", refused("torch.aten.add"), shape=(3,)),
        line("aten.add.Tensor", Wrong("value", "m", 0, "x")),
        line("aten.sort.default", PASSED, backend="linalg"),
    ]
    found = todo(index(records), "tosa")
    assert [(r.name, r.unlocks, r.cells, r.samples) for r in found.rows] == [
        ("torch.aten.sort", 3, 4, 4),
        ("torch.aten.add", 0, 1, 1),
        ("torch.aten.kth", 0, 1, 1),
    ]
    assert found.otherwise == {"Wrong": 1}
    first = found.rows[0]
    assert first.example == "aten.sort.default", "the culprit's own op is the best example"
    assert first.ops == ("aten.median.default", "aten.sort.default", "aten.topk.default")
    assert first.explain == "opcov explain aten.sort.default --backend tosa"
    assert first.repro == f"opcov repro {first.sample} --backend tosa"


LACKS = 'error: failed to legalize operation \'torch.operator\': %0 = "torch.operator"() <{name = "torch.aten.addmv"}>'


def test_the_frontend_stops_at_what_the_dialect_lacks_and_at_what_it_refuses_or_breaks() -> None:
    lacks = Unsupported("contract", LACKS, "torch.aten.addmv")
    broken = Invalid("contract", "error: 'torch.aten.clamp' op operand #1 must be Optional torch scalar type")
    records = [
        line("aten.addmv.default", lacks, backend="frontend"),
        line("aten.addmv.default", lacks, backend="frontend", dtype="bf16"),
        line("aten.clamp.default", broken, backend="frontend"),
        line("aten.clamp.default", Reached(), backend="frontend", shape=(3,)),
        line(
            "aten.hash_tensor.default",
            Unsupported("import", "KeyError: torch.uint64", "torch.uint64"),
            backend="frontend",
        ),
        line("aten.stft.center", TimedOut("contract", 30.0), backend="frontend"),
        line("aten.corrcoef.default", NotExported("export", "no"), backend="frontend"),
        line("aten.addmv.default", Blocked("contract", "Unsupported")),
    ]
    found = todo(index(records), "frontend")
    assert [(r.name, r.why, r.unlocks, r.cells) for r in found.rows] == [
        ("torch.aten.addmv", LACKING, 2, 2),
        ("torch.aten.clamp", "invalid IR", 1, 1),
        ("torch.uint64", "import refuses", 1, 1),
    ]
    assert found.otherwise == {"TimedOut": 1}
    text = found.text()
    assert text.startswith("What the frontend stops at: 3 culprits")
    assert "no such op: the torch dialect declares none" in text
    assert found.rows[0].explain == "opcov explain aten.addmv.default --backend frontend"
    assert todo(index(records), "tosa").rows == (), "what the frontend refuses is nothing for a backend to do"


def test_what_no_backend_answers_for_is_no_other_obstacle() -> None:
    records = [
        line("aten.sort.default", refused("torch.aten.sort")),
        line("aten.sort.default", NotExecuted({"x": "y"}), shape=(3,)),
    ]
    assert todo(index(records), "tosa").rows[0].unlocks == 1


def test_minimised_refusals_are_not_counted() -> None:
    records = [
        line("aten.sort.default", PASSED),
        line("aten.sort.default", refused("t"), shape=(1,), minimised="0" * 10),
    ]
    assert todo(index(records), "tosa").rows == ()


def test_a_refusal_without_a_culprit_is_listed() -> None:
    found = todo(index([line("aten.sort.default", refused(None))]), "tosa")
    assert found.rows[0].name == UNNAMED


def test_text_and_json() -> None:
    found = todo(whole_index(), "tosa")
    text = found.text(limit=3)
    assert "What to lower next in tosa" in text
    assert f"... and {len(found.rows) - 3} more" in text
    assert all(len(row) <= 120 for row in found.text().splitlines())
    data = json.loads(json.dumps(found.json()))
    assert data["culprits"][0]["unlocks"] >= data["culprits"][-1]["unlocks"]
    assert data["culprits"][0]["ops"]


def test_nothing_to_do_says_so() -> None:
    assert "nothing is Unsupported in 1 cell" in todo(index([line("aten.sort.default", PASSED)]), "tosa").text()


def test_unknown_backend_suggests() -> None:
    with pytest.raises(UnknownName, match="stablehlo"):
        todo(whole_index(), "stablhlo")
