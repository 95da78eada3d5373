from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import BadBaseline, NoBaseline
from harness.records.baseline_file import MEASURED, read, write
from harness.records.entry import End

from .test_entry import REFUSED, entry

MEASURED_WITH = {"profile": "quick", "seed": "0", "torch": "torch 2.13.0+cpu (libtorch_cpu 872a1bfef377)"}
SORT = entry()
TOPK = entry(op="aten.topk.default")
RELU = entry(op="aten.relu.default", family="activation")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "quick", MEASURED_WITH, (TOPK, RELU, SORT))
    return tmp_path / "quick"


def test_a_baseline_is_one_sorted_file_a_family(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == ["activation.txt", MEASURED, "sorting.txt"]
    assert (folder / "sorting.txt").read_text() == f"{SORT}\n{TOPK}\n"
    baseline = read(folder)
    assert baseline.profile == "quick"
    assert baseline.measured == MEASURED_WITH
    assert list(baseline.entries.values()) == [RELU, SORT, TOPK]
    assert baseline.places[TOPK.name] == f"{folder / 'sorting.txt'}:2"


def test_only_the_files_that_change_are_written(folder: Path) -> None:
    before = (folder / "activation.txt").stat().st_mtime_ns
    worse = replace(SORT, end=End("unsupported", 0, 5, (REFUSED,)))
    assert write(folder, MEASURED_WITH, (RELU, worse, TOPK)) == [folder / "sorting.txt"]
    assert (folder / "activation.txt").stat().st_mtime_ns == before
    assert write(folder, MEASURED_WITH, (worse, TOPK)) == [folder / "activation.txt"]
    assert not (folder / "activation.txt").exists()


def test_a_profile_without_a_baseline_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(NoBaseline, match=r"no baseline of the profile soak.*opcov baseline write"):
        read(tmp_path / "soak")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("<<<<<<< HEAD", "a conflict marker of git; take one side"),
        ("=======", "a conflict marker"),
        (">>>>>>> theirs", "a conflict marker"),
        ("nonsense", "a line is: OP BACKEND"),
        (str(SORT), r"aten.sort.default\[tosa-static-f32\] is in .*sorting.txt:1 already"),
    ],
)
def test_what_makes_no_sense_is_an_error_with_its_place(folder: Path, line: str, why: str) -> None:
    path = folder / "sorting.txt"
    path.write_text(f"{SORT}\n{line}\n")
    with pytest.raises(BadBaseline, match=rf"sorting.txt:2: {why}"):
        read(folder)


def test_conflict_markers_in_the_options_are_an_error_too(folder: Path) -> None:
    (folder / MEASURED).write_text("profile quick\n<<<<<<< HEAD\n")
    with pytest.raises(BadBaseline, match=rf"{MEASURED}:2: a conflict marker"):
        read(folder)


def test_a_file_that_is_no_text_is_an_error(folder: Path) -> None:
    (folder / "sorting.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadBaseline, match=r"cannot read .*sorting\.txt"):
        read(folder)
