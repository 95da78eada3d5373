from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.cases.case import OpCase
from harness.cases.draw import census
from harness.cases.explicit import example, tensor
from harness.cases.picks_file import read, write
from harness.cases.profile import PROFILES
from harness.cases.sample import Sample
from harness.errors import BadSample, Exit


def picked(value: float, op: str = "aten.relu.default", dtype: str = "f32") -> Sample:
    sample = example(self=tensor([value], dtype)).sample(op, "static")
    assert sample
    return replace(sample, origin="picked")


def test_picks_come_back_by_op_in_one_order(tmp_path: Path) -> None:
    samples = [picked(2.0, "aten.b.b"), picked(2.0), picked(1.0, dtype="f64"), picked(1.0)]
    assert write(tmp_path / "opinfo", {"f": samples, "g": []}) == [tmp_path / "opinfo" / "f.jsonl"]
    found = read(tmp_path / "opinfo" / "f.jsonl")
    assert list(found) == ["aten.b.b", "aten.relu.default"]
    assert sorted(s.id for of in found.values() for s in of) == sorted(s.id for s in samples)
    assert write(tmp_path / "opinfo", {"f": reversed(samples)}) == []
    assert len((tmp_path / "opinfo" / "f.jsonl").read_text().splitlines()) == 4


def test_a_family_without_picks_has_no_file(tmp_path: Path) -> None:
    folder = tmp_path / "opinfo"
    write(folder, {"f": [picked(1.0)]})
    assert write(folder, {"f": []}) == [folder / "f.jsonl"]
    assert list(folder.iterdir()) == []
    assert read(folder / "f.jsonl") == {}


@pytest.mark.parametrize(
    ("lines", "place", "said"),
    [
        (["<<<<<<< ours"], 1, "Expecting value"),
        (["{}"], 1, "not a sample: KeyError: 'mode'"),
        (["second", "first"], 2, "no pick, or not in its place"),
        (["first", "first"], 2, "no pick, or not in its place"),
        (["drawn"], 1, "no pick, or not in its place"),
        (["injected"], 1, "no pick, or not in its place"),
    ],
)
def test_what_is_no_file_of_picks_is_an_error_that_names_the_line(
    lines: list[str], place: int, said: str, tmp_path: Path
) -> None:
    folder = tmp_path / "opinfo"
    path = folder / "f.jsonl"
    texts = {
        "drawn": replace(picked(1.0), origin="census"),
        "injected": replace(picked(1.0), origin="injected"),
        "first": picked(1.0),
        "second": picked(1.0, dtype="f64"),
    }
    for name, sample in texts.items():
        write(folder, {name: [sample]})
        texts[name] = (folder / f"{name}.jsonl").read_text().strip()  # type: ignore[assignment]
    path.write_text("".join(f"{texts.get(line, line)}\n" for line in lines))
    with pytest.raises(BadSample, match=rf"f.jsonl:{place}: .*{said}.*harness.commands.picks") as raised:
        read(path)
    assert raised.value.code == Exit.DATA
    assert "\n" not in str(raised.value)


def test_picks_belong_to_the_census_of_each_profile_but_quick() -> None:
    picks = (picked(1.0), picked(2.0, dtype="f64"))
    case = OpCase(
        op="aten.relu.default", inputs=lambda d: {"self": d.tensor((2,))}, dtypes=("f32", "f64"), picks=lambda: picks
    )
    for name, size in PROFILES.items():
        for dtype, pick in zip(case.dtypes, picks, strict=True):
            found = [s for s in census(case, dtype, "static", size, 0) if s.origin == "picked"]
            assert found == ([] if name == "quick" else [pick])
            assert not [s for s in census(case, dtype, "dynamic", size, 0) if s.origin == "picked"]
    assert "kept" in PROFILES["default"].says() and "kept" not in PROFILES["quick"].says()
