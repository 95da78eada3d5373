"""A run through a `torch-mlir-opt` that is wrong in four ways: exactly the cells of these four ops are not right."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests import fake_tool
from tests.end_to_end.opcov import Done, job, lines, outcomes

OPS = ("aten.abs.default", "aten.sub.Tensor", "aten.neg.default", "aten.sqrt.default", "aten.exp.default")


@pytest.fixture(scope="module")
def tool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    spec = importlib.util.find_spec("torch_mlir._mlir_libs")
    assert spec is not None
    assert spec.origin is not None
    return fake_tool.write(Path(spec.origin).parent / "torch-mlir-opt", tmp_path_factory.mktemp("fake") / "tool")


@pytest.fixture(scope="module")
def run(tool: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Done, Path]:
    """A run of five ops on linalg, and its journal."""
    out = tmp_path_factory.mktemp("run")
    cells = ("--op", ",".join(OPS), "--backend", "linalg", "--mode", "static", "--dtype", "f32")
    done = job("--torch-mlir", tool, *cells, "--profile", "quick", "--sample-seconds", "4", out=out)
    assert done.returncode == 0, done.stdout + done.stderr
    return done, out / "journal.jsonl.gz"


def of(journal: Path, op: str) -> list[Mapping[str, Any]]:
    return [record for record in outcomes(journal) if record["op"] == op]


def test_an_op_that_the_tool_lowers_rightly_passes(run: tuple[Done, Path]) -> None:
    assert {record["outcome"] for record in of(run[1], "aten.exp.default")} == {"Passed"}


def test_a_refusal_names_the_op(run: tuple[Done, Path]) -> None:
    for record in of(run[1], "aten.abs.default"):
        assert (record["outcome"], record["stage"], record["detail"]["culprit"]) == (
            "Unsupported",
            "lower",
            "torch.aten.abs",
        )
        assert record["detail"]["diagnostic"].startswith("error: failed to legalize operation 'torch.aten.abs'")


def test_a_miscompilation_is_wrong(run: tuple[Done, Path]) -> None:
    found = {record["outcome"] for record in of(run[1], "aten.sub.Tensor")}
    assert "Wrong" in found
    assert found <= {"Wrong", "Passed"}


def test_a_crash_tells_the_signal_and_the_last_words(run: tuple[Done, Path]) -> None:
    for record in of(run[1], "aten.neg.default"):
        assert (record["outcome"], record["stage"], record["detail"]["signal"]) == ("Crashed", "lower", "SIGABRT")
        assert fake_tool.LAST_WORDS in record["detail"]["stderr"]


def test_a_hang_is_a_timeout_and_ends_with_the_sample(run: tuple[Done, Path], tool: Path) -> None:
    found = of(run[1], "aten.sqrt.default")
    assert {(record["outcome"], record["stage"]) for record in found} <= {("TimedOut", "lower"), ("NotRun", "lower")}
    assert found[0]["outcome"] == "TimedOut"
    commands = (path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists())
    assert not [each for each in commands if str(tool).encode() in each]


def test_the_toolchain_names_the_tool_and_its_hash(run: tuple[Done, Path], tool: Path) -> None:
    told = next(line for line in lines(run[1]) if line["kind"] == "toolchain")
    assert told["packages"]["torch-mlir-opt"] == {
        "path": str(tool),
        "library": tool.name,
        "sha256": hashlib.sha256(tool.read_bytes()).hexdigest(),
    }
    assert f"torch-mlir-opt in {tool}" in run[0].stdout.replace("\n  ", " ")
