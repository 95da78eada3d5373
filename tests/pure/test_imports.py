"""What runs in the parent, and what reads journals, loads no torch: it starts at once and survives a broken one.

Nor hypothesis, which takes longer than the rest together, and is needed only where something is drawn.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "torch_mlir", "jaxlib", "numpy", "sympy", "hypothesis")


@pytest.mark.parametrize(
    "modules",
    [
        "harness.cases.case, harness.cases.draw, harness.cases.libm, harness.cases.strategies",
        "harness.records.journal, harness.records.expectation, harness.records.mutant, harness.records.toolchain",
        "harness.programs.plugins, harness.programs.protocols, harness.programs.fork",
        "harness.running.cells, harness.running.supervisor, harness.surface.overloads, harness.surface.opinfo",
        "harness.preflight, harness.errors, harness.text",
        "op_suites; op_suites.catalog()",
        "reports.fold.matrix, reports.answers.todo, reports.answers.explain",
        "reports.pages.formats, reports.pages.html, reports.pages.summary",
        "harness.commands.cli, harness.commands.matrix, harness.commands.todo, harness.commands.html",
        "harness.commands.explain, harness.commands.repro, harness.commands.ops, harness.commands.sensitivity",
        "reports.folds",
        "harness.pytest_plugin.items, harness.pytest_plugin.recording",
    ],
)
def test_importing_it_loads_neither_torch_nor_hypothesis(modules: str) -> None:
    code = f"import sys; import {modules}; print(*(m for m in {HEAVY} if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
