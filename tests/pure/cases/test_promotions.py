from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.cases.case import OpCase
from harness.cases.draw import census
from harness.cases.profile import PROFILES
from harness.cases.promotions import Promotion, read, text, with_dtype
from harness.cases.sample import Sample, TensorSpec, tensors
from harness.errors import BadSample, Exit


def two(dtype: str = "f32", op: str = "aten.add.Tensor") -> Sample:
    spec = TensorSpec(dims=(2,), dtype=dtype)
    return Sample(
        op=op, dtype=dtype, mode="static", sizes={}, args={"self": spec, "other": (spec, spec)}, runs=({},),
        origin="injected",
    )  # fmt: skip


def promotion(*dtypes: str, op: str = "aten.add.Tensor", dtype: str = "f32") -> Promotion:
    return Promotion(sample=two(dtype, op), tensor=1, dtypes=dtypes)


def test_one_tensor_alone_has_the_other_dtype() -> None:
    found = [[t.dtype for t in tensors(s.args)] for s in promotion("i64", "bool").samples()]
    assert found == [["f32", "i64", "f32"], ["f32", "bool", "f32"]]
    assert {s.dtype for s in promotion("i64").samples()} == {"f32"}
    assert [t.dtype for t in tensors(with_dtype(two(), 2, "u8").args)] == ["f32", "f32", "u8"]


def test_promotions_come_back_by_op_in_one_order(tmp_path: Path) -> None:
    found = [promotion("i64", op="aten.mul.Tensor"), promotion("u8"), promotion("i8", dtype="bf16")]
    path = tmp_path / "f.jsonl"
    path.write_text(text(found))
    assert text(reversed(found)) == path.read_text()
    assert read(path) == {"aten.add.Tensor": (found[2], found[1]), "aten.mul.Tensor": (found[0],)}
    assert read(tmp_path / "none.jsonl") == {}


@pytest.mark.parametrize(
    "line",
    [
        "<<<<<<<",
        "{}",
        text([promotion("u7")]),
        text([Promotion(sample=two(), tensor=3, dtypes=("u8",))]),
        text([replace(promotion("u8"), sample=two())]).replace('"mode":"static"', '"mode":"still"'),
    ],
)
def test_what_is_no_promotion_is_an_error_that_names_the_line(line: str, tmp_path: Path) -> None:
    path = tmp_path / "promoted" / "f.jsonl"
    path.parent.mkdir()
    path.write_text(text([promotion("u8")]) + line)
    with pytest.raises(BadSample, match=r"f.jsonl:2: .*git checkout .*harness.commands.injections") as raised:
        read(path)
    assert raised.value.code == Exit.DATA
    assert "\n" not in str(raised.value)


def test_they_are_run_in_the_nightly_alone() -> None:
    found = (promotion("i64", "bool"),)
    case = OpCase(
        op="aten.add.Tensor",
        inputs=lambda d: {"self": d.tensor((2,)), "other": d.tensor((2,))},
        dtypes=("f32", "i64"),
        nightly=lambda: tuple(found[0].samples()),
    )
    for name, size in PROFILES.items():
        kept = {s.id for s in found[0].samples()}
        held = {s.id for s in census(case, "f32", "static", size, 0)} & kept
        assert held == (kept if name in ("soak", "explore") else set()), name
        assert not {s.id for s in census(case, "i64", "static", size, 0)} & kept
        assert not {s.id for s in census(case, "f32", "dynamic", size, 0)} & kept
