"""What `make` would run: the pinned pair, and another pair in a venv of its own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def would_run(*words: str) -> str:
    """The commands of a checkout that was never set up."""
    command = ["make", "--dry-run", "--always-make", *words]
    # The make that runs these tests hands its own variables down, and a make below it names the folders it enters.
    env = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True).stdout


def constraints(commands: str, tmp_path: Path) -> list[str]:
    """The pins of torch and torch-mlir with which the commands would install."""
    (start,) = (i for i, line in enumerate(commands.splitlines()) if line.startswith("sed"))
    text = "\n".join(commands.splitlines()[start : start + 2]).partition(">")[0]
    done = subprocess.run(["sh", "-c", text], cwd=ROOT, capture_output=True, text=True, check=True)
    assert len(done.stdout.splitlines()) == len((ROOT / "constraints.txt").read_text("utf-8").splitlines())
    return [line for line in done.stdout.splitlines() if line.startswith("torch")]


PINNED = [line for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines() if line.startswith("torch")]


def test_the_pinned_pair_is_measured_by_default(tmp_path: Path) -> None:
    commands = would_run("matrix")
    assert constraints(commands, tmp_path) == PINNED
    assert commands.splitlines()[-1].split() == [".venv/bin/pytest", "-n", "auto", "op_suites", "--check-baseline"]


@pytest.mark.parametrize(
    ("words", "venv", "pins"),
    [
        (("TORCH=2.12.0",), ".venv-torch-2.12.0", [PINNED[0], "torch==2.12.0+cpu"]),
        (("TORCH_MLIR=20260901",), ".venv-torch-mlir-20260901", ["torch-mlir==20260901", PINNED[1]]),
        (
            ("TORCH=2.12.0", "TORCH_MLIR=20260901"),
            ".venv-torch-2.12.0-torch-mlir-20260901",
            ["torch-mlir==20260901", "torch==2.12.0+cpu"],
        ),
    ],
)
def test_another_pair_has_a_venv_of_its_own_and_a_torch_built_for_the_cpu(
    words: tuple[str, ...], venv: str, pins: list[str], tmp_path: Path
) -> None:
    commands = would_run("matrix", *words)
    assert constraints(commands, tmp_path) == pins
    assert f"-m venv {venv}\n" in commands
    assert commands.splitlines()[-1].split() == [f"{venv}/bin/pytest", "-n", "auto", "op_suites", "--check-baseline"]
    assert ".venv/" not in commands


@pytest.mark.parametrize("spec", ["some-mlir==1.0", "../build", "./torch_mlir-1.whl"])
def test_a_compiler_that_is_no_version_is_named_to_the_run(spec: str) -> None:
    last = would_run("matrix", f"TORCH_MLIR={spec}").splitlines()[-1]
    assert last.split()[3:] == ["op_suites", "--check-baseline", "--torch-mlir", f"'{spec}'"]


def test_a_night_takes_the_newest_torch_mlir_in_a_venv_of_its_own() -> None:
    commands = would_run("nightly", "BUDGET=30m", "LAST=old", "OPTIONS=--op aten.relu.default")
    assert "-m venv .venv-nightly\n" in commands
    assert "'/^torch-mlir==/d' constraints.txt" in commands
    assert "--upgrade --pre" in commands and "torch-mlir -e" in commands
    words = "night --budget 30m --out reports/out/night --last 'old' --options --op aten.relu.default"
    assert commands.splitlines()[-1].strip() == f".venv-nightly/bin/opcov {words}"
