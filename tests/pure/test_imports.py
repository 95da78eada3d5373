"""What runs in the parent, and what reads journals, loads no torch: it starts at once and survives a broken one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "torch_mlir", "jaxlib", "numpy", "sympy")


@pytest.mark.parametrize(
    "modules",
    [
        "harness.cells, harness.supervisor, harness.journal, harness.expectation, harness.draw, harness.plugins",
        "harness.denominators, harness.preflight, harness.toolchain, harness.errors, harness.protocols",
        "op_suites; op_suites.catalog()",
        "reports.matrix, reports.html, reports.text, reports.todo, reports.explain",
        "harness.cli",
        "conftest",
    ],
)
def test_importing_it_loads_no_torch(modules: str) -> None:
    code = f"import sys; import {modules}; print(*(m for m in {HEAVY} if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
