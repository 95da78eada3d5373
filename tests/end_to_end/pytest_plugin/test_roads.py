"""The main job on other roads: what it records, and that a replay takes the same road again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.end_to_end.opcov import job, lines, outcomes

ASKED = ("--op", "aten.gelu.default", "--backend", "linalg,control", "--dtype", "f32", "--profile", "quick")
ROADS = {"none", "vjp-none"}


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("roads")
    done = job(*ASKED, "--mode", "static", "--decompositions", "none", "--transform", "none,vjp", out=out)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "control: 100 % Passed" in done.stdout
    return out / "journal.jsonl.gz"


def test_each_road_has_cells_and_lines_of_its_own(measured: Path) -> None:
    found = lines(measured)
    assert found[0]["options"]["roads"] == ["none", "vjp-none"]
    assert {line["road"] for line in found if line["kind"] in ("cell", "outcome")} == ROADS
    derivative = next(line for line in found if line.get("road") == "vjp-none" and line["kind"] == "outcome")
    assert derivative["sample"]["varied"] == {"tensors": [0], "seed": 1}
    assert derivative["introduced"] == ["aten.gelu_backward.default"] or derivative["backend"] == "control"


def test_a_replay_takes_the_roads_of_the_journal(measured: Path, tmp_path: Path) -> None:
    done = job("--replay", measured, "--where", "transform:vjp", out=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    again = outcomes(tmp_path / "journal.jsonl.gz")
    wanted = [line for line in outcomes(measured) if line["road"] == "vjp-none"]
    assert [(line["id"], line["backend"], line["road"], line["outcome"]) for line in again] == [
        (line["id"], line["backend"], line["road"], line["outcome"]) for line in wanted
    ]


def test_one_cell_of_a_road_can_be_named(measured: Path, tmp_path: Path) -> None:
    name = "aten.gelu.default[linalg-static-f32-vjp-none]"
    suite = f"op_suites/activation.py::{name}"
    options = ("--profile", "quick", "--decompositions", "none", "--transform", "vjp")
    done = job(*options, out=tmp_path, suites=suite)
    assert done.returncode == 0, done.stdout + done.stderr
    assert {line["road"] for line in outcomes(tmp_path / "journal.jsonl.gz")} == {"vjp-none"}
