from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness import preflight
from harness.preflight import problem


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
@pytest.mark.parametrize("version", [(3, 11), (3, 13)])
def test_a_python_and_a_platform_with_wheels_are_no_problem(version: tuple[int, ...], machine: str) -> None:
    assert problem(version, "Linux", machine) is None


def test_the_message_for_an_old_python_says_what_to_type() -> None:
    assert problem((3, 10), "Linux", "x86_64") == (
        "opcov: Python 3.10 is too old, opcov needs 3.11 or newer; run `make setup PYTHON=python3.11`"
    )


@pytest.mark.parametrize(("system", "machine"), [("Darwin", "arm64"), ("Windows", "AMD64"), ("Linux", "riscv64")])
def test_a_platform_without_wheels_is_named(system: str, machine: str) -> None:
    found = problem((3, 12), system, machine)
    assert found is not None
    assert f"{system} on {machine}" in found
    assert "\n" not in found


def test_it_runs_with_nothing_installed() -> None:
    done = subprocess.run([sys.executable, "-I", "-S", Path(preflight.__file__)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
