"""Run one cell again, alone, in a process of its own: with nothing before it, and with its full deadline."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import op_suites
from harness.records.entry import Entry

SUITES = Path(op_suites.__file__).parent
OPTIONS = {
    "profile": "--profile",
    "seed": "--seed",
    "sample_seconds": "--sample-seconds",
    "sample_memory": "--sample-memory",
}
"""The options of the main job that decide what a cell is, by their keys in the header."""


def run_alone(cell: Entry, measured: Mapping[str, str]) -> tuple[Entry | None, dict[str, str]]:
    """Run a cell with these options; return what became of it (None if nothing), and how that was measured."""
    from reports import folds
    from reports.fold import entries

    from .measured import measured as measured_in

    with tempfile.TemporaryDirectory(prefix="opcov-") as folder:
        options = [word for key, option in OPTIONS.items() if key in measured for word in (option, measured[key])]
        item = f"{SUITES / cell.family}.py::{cell.cell}"
        command = [sys.executable, "-m", "pytest", "-p", "no:xdist", "-qq", item, *options, "--out", folder]
        subprocess.run(command, cwd=SUITES.parent, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        journal = Path(folder) / "journal.jsonl.gz"
        if not journal.exists():
            return None, {}
        index = folds.open_index(journal)
        return next((entry for entry in entries.load(index) if entry.name == cell.name), None), measured_in(index.run)
