"""A worker at its start: what it says of the executors, and what it does without."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from importlib.metadata import version
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

import pytest

from harness.errors import BadCompiler
from harness.programs.compiler import Compiler, choose, named
from harness.records.outcome import Passed
from harness.running import child
from harness.running.supervisor import Supervisor
from tests import miniatures
from tests.samples import relu

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

LOOKUPS = """
import sys
from harness.running.child import fork_server, without_main
from harness.running.request import WarmUp
from tests.lookups import missed
if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    context = fork_server(WarmUp(backends=("linalg",), modes=("static",), fully=False))
    ours, theirs = context.Pipe()
    with without_main():
        context.Process(target=missed, args=(theirs,)).start()
    print(ours.recv())
"""


def test_a_worker_says_which_executors_it_could_not_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modules = {"lonely": "import unheard_of", "raises": "raise RuntimeError('no such processor')"}
    monkeypatch.syspath_prepend(miniatures.needy(tmp_path, "opcov.executors", modules))
    with Supervisor(("control",)) as supervisor:
        expected = {"lonely": "pip install unheard-of", "raises": "RuntimeError: no such processor"}
        assert supervisor.loaded().absent == expected
        first = supervisor._child
        assert supervisor.loaded().absent == expected
        assert supervisor._child is first


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import os; os.write(2, b'no such processor'); os.abort()", "ends the process: SIGABRT, no such processor"),
        ("raise SystemExit(3)", "ends the process: exit 3"),
        ("import ctypes; ctypes.CDLL(None).pause()", "it does not load within 3 s"),
    ],
)
def test_an_executor_whose_loading_ends_the_worker_or_hangs_is_absent_from_then_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, said: str
) -> None:
    monkeypatch.setattr(child, "LOAD_SECONDS", 3.0)
    monkeypatch.syspath_prepend(miniatures.needy(tmp_path, "opcov.executors", {"broken": text}))
    with Supervisor(("control",)) as supervisor:
        assert supervisor.loaded().absent["broken"].endswith(said)
        assert "eager" in supervisor.loaded().executors
        supervisor._stop()
        monkeypatch.setattr(child, "_BrokenExecutor", None)  # it is not loaded again
        assert isinstance(supervisor.run(relu(), "control").outcome, Passed)
        assert supervisor.loaded().absent["broken"].endswith(said)


@pytest.mark.parametrize("is_late", [False, True])
def test_a_compiler_that_hangs_at_its_import_is_waited_for_once(
    is_late: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the fork server alone; whether a worker is asked for while it hangs, or when it has ended."""
    monkeypatch.setattr(child, "LOAD_SECONDS", 2.0)
    choose(named(str(miniatures.compiler(tmp_path, fx="import ctypes; ctypes.CDLL(None).pause()"))))
    try:
        with Supervisor(("control",)) as supervisor:
            server: Any = forkserver._forkserver
            while is_late and not child._is_timed_out(server):
                time.sleep(0.05)
            with pytest.raises(BadCompiler, match="importing it does not end within 2 s"):
                supervisor.loaded()
            assert server._preload_modules == [child.WARM], "no worker has tried it too"
    finally:
        choose(Compiler())


def test_a_worker_says_which_compiler_it_has_loaded() -> None:
    with Supervisor(("tosa",)) as supervisor:
        found = supervisor.loaded().packages
    assert (found["torch_mlir"].distribution, found["torch_mlir"].version) == ("torch-mlir", version("torch-mlir"))
    assert found["torch_mlir"].library.startswith("libTorchMLIR")
    assert found["torch"].said("torch").startswith(f"torch {version('torch')} (libtorch_cpu ")
    assert "jaxlib" in found
    assert not {"harness", "backends", "os"} & set(found)


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


def test_no_worker_looks_for_what_the_fork_server_has_found_on_the_same_path(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(LOOKUPS, encoding="ascii")
    done = subprocess.run(
        [sys.executable, script, str(tmp_path)],  # pytest prepends a folder too, that of conftest.py
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        timeout=300,
    )
    assert done.stdout.splitlines() == ["0"], done.stderr
