"""Two compilers on the same samples: the installed one, and the same with known faults."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.errors import Exit
from tests.end_to_end.opcov import Done, opcov
from tests.mutated_compiler import mutated

NARROW = ("--backend", "linalg", "--mode", "static", "--dtype", "f32")
OPS = "aten.relu.default,aten.sin.default,aten.tanh.default,aten.exp.default,aten.floor.default"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ab")


@pytest.fixture(scope="module")
def build(folder: Path) -> Path:
    return mutated(folder / "build")


@pytest.fixture(scope="module")
def gate(folder: Path, build: Path) -> Done:
    return opcov("ab", "installed", build, "--op", OPS, *NARROW, "--out", "gate", cwd=folder)


def test_exactly_the_faults_are_named(gate: Done) -> None:
    assert gate.returncode == Exit.FOUND, gate.stderr
    first, *_ = gate.stdout.splitlines()
    assert first == "1 newly wrong, 1 new crash, 1 newly refused, 1 undecided"
    worse = gate.stdout.partition("Worse: 3 cells (3 ops)")[2].partition("Undecided:")[0]
    assert [op for op in OPS.split(",") if f"{op}(" in worse] == OPS.split(",")[1:4]
    assert "aten.relu" not in gate.stdout


def test_what_is_wrong_on_the_executors_of_one_build_alone_is_no_regression(gate: Done, folder: Path) -> None:
    undecided = gate.stdout.partition("Undecided: 1 cell (1 op)")[2]
    assert "executor differs: 1 cell" in undecided
    assert "aten.floor.default(" in undecided
    found = {line["op"]: line for line in json.loads((folder / "gate" / "again.json").read_text("utf-8"))}
    assert found["aten.floor.default"]["crossed"] == {
        "base": "Wrong at compare: value",
        "candidate": "Passed at compare",
    }
    assert found["aten.sin.default"]["crossed"] == {"base": "Passed at compare", "candidate": "Wrong at compare: value"}
    assert found["aten.tanh.default"]["candidate"] == {"Crashed at lower: SIGABRT": 4}


def test_the_first_bad_compiler_is_found_by_one_sample(gate: Done, folder: Path, build: Path) -> None:
    again = json.loads((folder / "gate" / "again.json").read_text("utf-8"))
    sample = next(line["id"] for line in again if line["op"] == "aten.sin.default")
    between = ("--between", "installed", build, "--journal", "gate/candidate.jsonl.gz")
    done = opcov("bisect", sample, "--backend", "linalg", *between, cwd=folder)
    assert done.returncode == Exit.FOUND, done.stderr
    assert done.stdout.splitlines()[0] == f"first bad: {build}"
    kept = sorted(path.name for path in (folder / "bisect").glob("*/*"))
    assert kept == ["1-installed", "2-build"]
    assert len(list((folder / "bisect").glob("*/*/contract.mlir"))) == 2


def test_a_compiler_against_itself_has_no_change(folder: Path) -> None:
    done = opcov("ab", "installed", "installed", "--op", "aten.relu.default", *NARROW, "--budget", "5m", cwd=folder)
    assert done.returncode == Exit.OK, done.stderr
    assert done.stdout.splitlines()[0] == "no change"
    assert "Compared 4 samples in 1 cell" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (
            ("installed", "no/such/build"),
            Exit.ENVIRONMENT,
            "--torch-mlir no/such/build: no such file or folder; a comp",
        ),
        (("installed", "installed", "--budget", "soon"), Exit.USAGE, "--budget soon is no duration; write 90s"),
        (
            ("installed", "installed", "--op", "aten.relu"),
            Exit.USAGE,
            "unknown op 'aten.relu'; did you mean aten.relu.d",
        ),
    ],
)
def test_bad_input_is_told_in_one_line(folder: Path, arguments: tuple[str, ...], status: Exit, said: str) -> None:
    done = opcov("ab", *arguments, "--out", "bad", cwd=folder)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (status, "", 1)
    assert said in done.stderr
    assert not (folder / "bad").exists()
