"""A worker at its start: what it says of the executors, and what it does without."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.running.supervisor import Supervisor
from tests import miniatures

ROOT = Path(__file__).parents[3]
SCRIPT = """
import sys
import harness.running.supervisor
from tests.samples import relu
if __name__ == "__main__":
    with harness.running.supervisor.Supervisor(("tosa",)) as supervisor:
        outcome = supervisor.run(relu(), "tosa").outcome
    print(type(outcome).__name__, "torch" in sys.modules, "hypothesis" in sys.modules)
else:
    print("the main script was imported again")
"""


def test_a_worker_says_which_executors_it_could_not_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modules = {"lonely": "import unheard_of", "raises": "raise RuntimeError('no such processor')"}
    monkeypatch.syspath_prepend(miniatures.needy(tmp_path, "opcov.executors", modules))
    with Supervisor(("control",)) as supervisor:
        expected = {"lonely": "pip install unheard-of", "raises": "RuntimeError: no such processor"}
        assert supervisor.absent() == expected
        child = supervisor._child
        assert supervisor.absent() == expected
        assert supervisor._child is child


def test_a_sample_loads_neither_torch_in_the_parent_nor_the_main_script_in_the_worker(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT, encoding="ascii")
    done = subprocess.run(
        [sys.executable, script],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        timeout=300,
    )
    assert done.stdout.splitlines() == ["Passed False False"], done.stderr
