"""The example package of docs/plugins.md passes its own tests where it is installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests import distributions
from tests.end_to_end.opcov import Done, environment

pytest.importorskip("iree.runtime")


def own_tests(folder: Path) -> Done:
    """The package's tests, run on what is installed in the folder."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rf"],
        cwd=distributions.EXAMPLE,
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=600,
    )


def test_the_package_passes_its_own_tests(tmp_path: Path) -> None:
    done = own_tests(distributions.example(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
