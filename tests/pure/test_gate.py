"""The gate for torch-mlir's CI: the script `.ci/gate`, the workflow that runs it, the example in docs/gate.md."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WORKFLOW = (ROOT / ".github" / "workflows" / "gate.yml").read_text(encoding="utf-8")
PAGE = (ROOT / "docs" / "gate.md").read_text(encoding="utf-8")
INPUTS = set(re.findall(r"^      (\w+):\n        description:", WORKFLOW, re.MULTILINE))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with the script, and an `opcov` that prints its arguments and ends as it is told."""
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "gate", tmp_path / ".ci" / "gate")
    opcov = tmp_path / "opcov"
    opcov.write_text('#!/bin/sh\necho "$@"\nexit ${STATUS:-0}\n', encoding="ascii")
    opcov.chmod(0o755)
    return tmp_path


def gate(checkout: Path, *arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"OPCOV": str(checkout / "opcov")} | variables
    environment.pop("GITHUB_STEP_SUMMARY", None) if "GITHUB_STEP_SUMMARY" not in variables else None
    command = ["bash", str(checkout / ".ci" / "gate"), *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def test_it_compares_and_keeps_the_answer(checkout: Path) -> None:
    done = gate(checkout, "installed", "x==1", "--budget", "30m", "--where", "op:aten.conv* backend:tosa")
    asked = "ab installed x==1 --out reports/out/ab --format markdown --budget 30m --where op:aten.conv* backend:tosa\n"
    assert (done.returncode, done.stdout) == (0, asked)
    assert (checkout / "reports/out/ab/gate.md").read_text() == asked


@pytest.mark.parametrize("status", ["1", "3", "4"])
def test_its_exit_status_is_that_of_opcov(checkout: Path, status: str) -> None:
    summary = checkout / "summary.md"
    done = gate(checkout, "installed", "x==1", STATUS=status, GITHUB_STEP_SUMMARY=str(summary))
    assert done.returncode == int(status)
    assert summary.read_text().startswith("ab installed x==1")


@pytest.mark.parametrize("name", ["deep/torch_mlir-1-cp311-cp311-linux_x86_64.whl", "torch-mlir-opt"])
def test_the_candidate_is_what_the_artifact_holds(checkout: Path, name: str) -> None:
    file = checkout / "candidate" / name
    file.parent.mkdir(parents=True)
    file.touch(0o644)
    assert gate(checkout, "installed", "candidate").stdout.startswith(f"ab installed candidate/{name} ")
    assert os.access(file, os.X_OK)


def test_a_folder_with_a_package_is_the_candidate_itself(checkout: Path) -> None:
    (checkout / "candidate" / "torch_mlir" / "_mlir_libs").mkdir(parents=True)
    (checkout / "candidate" / "torch_mlir" / "_mlir_libs" / "torch-mlir-opt").touch()
    assert gate(checkout, "installed", "candidate").stdout.startswith("ab installed candidate ")


@pytest.mark.parametrize("names", [(), ("a.whl", "b.whl"), ("readme.txt",)])
def test_an_artifact_without_one_compiler_is_an_error(checkout: Path, names: tuple[str, ...]) -> None:
    (checkout / "candidate").mkdir()
    for name in names:
        (checkout / "candidate" / name).touch()
    done = gate(checkout, "installed", "candidate")
    assert (done.returncode, done.stdout) == (4, "")
    assert "must hold one wheel" in done.stderr


def test_the_workflow_uses_the_inputs_that_it_declares_and_never_in_a_shell() -> None:
    used = set(re.findall(r"\$\{\{ inputs\.(\w+) \}\}", WORKFLOW))
    assert used == INPUTS
    assert not [line for line in WORKFLOW.splitlines() if "run:" in line and "${{" in line]


def test_the_page_tells_each_input_and_its_example_gives_known_ones() -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)) == INPUTS
    example = PAGE.partition("gate.yml@main\n    with:\n")[2].partition("\n  comment:")[0]
    given = set(re.findall(r"^      (\w+):", example, re.MULTILINE))
    assert given <= INPUTS
    assert {"opcov", "artifact"} <= given
