from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from harness.records.journal import Record
from harness.records.outcome import Crashed, Invalid, Unsupported, Wrong
from reports.answers.conversions import Conversions, conversions
from tests.causes import MANY, cause, index, line, refused
from tests.synthetic import PASSED

SORT, MEDIAN, ADD, TOPK = "aten.sort.default", "aten.median.default", "aten.add.Tensor", "aten.topk.default"
CASCADES = ("stablehlo-linalg", "tosa-linalg", "tcp")
TRIED = line(MEDIAN, refused("stablehlo.while"), backend="stablehlo-linalg", reached=MANY)
RECORDS = [
    *(line(SORT, refused("stablehlo.sort"), dtype=d, backend="stablehlo-linalg") for d in ("f32", "i64", "bool")),
    line(SORT, refused("stablehlo.sort"), backend="stablehlo-linalg", shape=(5,), plain=True),
    line(SORT, refused("stablehlo.sort"), backend="stablehlo-linalg", mode="dynamic"),
    line(SORT, refused("shape.broadcast"), backend="stablehlo-linalg", mode="dynamic", shape=(4,)),
    line(TOPK, refused("stablehlo.sort", "error: other words"), backend="stablehlo-linalg"),
    line(TOPK, Wrong("value", "m", 0, "x"), backend="stablehlo-linalg", shape=(7,)),
    line(TOPK, PASSED, backend="stablehlo-linalg", dtype="i64"),
    line(ADD, refused("torch.aten.add.Tensor"), backend="stablehlo-linalg"),
    line(ADD, Invalid("verify", "stablehlo.add left"), backend="stablehlo-linalg", dtype="i64"),
    line(ADD, Crashed("lower", "SIGSEGV", ""), backend="stablehlo-linalg", dtype="bool"),
    TRIED,
    line(ADD, refused("tosa.resize"), backend="tosa-linalg"),
    line(SORT, refused("torch.aten.sort"), backend="tosa-linalg"),
    line(SORT, refused("linalg.generic"), backend="iree"),
    line(SORT, refused("stablehlo.sort"), backend="frontend"),
    line(ADD, PASSED, backend="tcp"),
]
CAUSES = [cause(TRIED, "torch.aten.mul.Tensor")]


def found(records: Sequence[Record] = RECORDS) -> dict[str, Conversions]:
    return {each.backend: each for each in conversions(index(records, CAUSES), CASCADES)}


def cell(record: Record) -> tuple[str, str, str]:
    return record.op, record.mode, record.dtype


@pytest.mark.parametrize("backend", CASCADES)
def test_what_an_op_holds_back_is_what_counting_the_records_gives(backend: str) -> None:
    own = [record for record in RECORDS if record.backend == backend]
    failing = [record for record in own if record.outcome != PASSED]
    stops: dict[str, list[Record]] = {}
    for record in own:
        culprit = record.outcome.culprit if isinstance(record.outcome, Unsupported) else None
        if culprit and not culprit.startswith("torch."):
            stops.setdefault(culprit, []).append(record)
    assert {each.op for each in found()[backend].missing} == set(stops)
    for each in found()[backend].missing:
        cells = {cell(record) for record in stops[each.op]}
        otherwise = {cell(record) for record in failing if record not in stops[each.op]}
        assert each.cells == cells
        assert each.alone == cells - otherwise
        assert each.plain == {(r.op, r.mode) for r in stops[each.op] if r.plain}
        assert each.samples == len(stops[each.op])
        assert each.ops == tuple(sorted({record.op for record in stops[each.op]}))
    assert found()[backend].held == len({cell(record) for records in stops.values() for record in records})
    assert found()[backend].cells == len({cell(record) for record in failing})


def test_the_ops_that_hold_back_most_come_first_and_the_columns_are_cascades() -> None:
    assert set(found()) == set(CASCADES)
    ops = [(each.op, len(each.cells), len(each.alone)) for each in found()["stablehlo-linalg"].missing]
    assert ops == [("stablehlo.sort", 5, 3), ("stablehlo.while", 1, 1), ("shape.broadcast", 1, 0)]


def test_text_and_json() -> None:
    text = found()["stablehlo-linalg"].text(limit=2).splitlines()
    assert text[0] == "stablehlo-linalg: 3 ops without a conversion to linalg hold back 6 of 9 failing cells"
    assert text[3].split()[:6] == ["5", "3", "1", "6", "stablehlo.sort:", "aten.sort.default,"]
    assert text[-1] == "... and 1 more: opcov todo --cascades --limit 0"
    assert found()["tcp"].text() == "tcp: 0 ops without a conversion to linalg hold back 0 of 0 failing cells"
    data = json.loads(json.dumps(found()["tosa-linalg"].json()))
    assert (data["held"], data["missing"][0]["op"], data["missing"][0]["cells"]) == (1, "tosa.resize", 1)
