"""The example package of docs/plugins.md passes its own tests where it is installed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import distributions
from tests.end_to_end.opcov import Done, environment

pytest.importorskip("iree.runtime")


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder in which the package is installed, with its tests."""
    shutil.copytree(distributions.EXAMPLE / "tests", tmp_path / "tests")
    return distributions.example(tmp_path)


def own_tests(folder: Path, *chosen: str) -> Done:
    """The package's tests, run on what is installed in the folder."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rf", "--rootdir", ".", *chosen],
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=600,
    )


def test_the_package_passes_its_own_tests(installed: Path) -> None:
    done = own_tests(installed, "tests")
    assert done.returncode == 0, done.stdout + done.stderr


LOWERS = '[*flags, "-o", str(file)], contract.ir)'
REFUSES = "raise _refusal(said.err, contract)"
CHECKS = 'VmModule.copy_buffer(VmInstance(), _bytecode(lowered)).lookup_function("main")'
RUNS = "return Module(_bytecode(lowered), signature_of(lowered.ir))"


@pytest.mark.parametrize(
    ("text", "broken", "said"),
    [
        (
            LOWERS,
            LOWERS.replace("contract.ir", "contract.ir.replace('torch.aten.tanh ', 'torch.aten.sigmoid ')"),
            "it is right on aten.tanh.default, static, or refuses it: Wrong: value",
        ),
        (
            REFUSES,
            "file.touch()",
            "it refuses an op that it does not know: it lowers a program with an op",
        ),
        (CHECKS, "pass", "`verify` finds nothing wrong with 'this is no IR'"),
        (LOWERS, f"{LOWERS}; os.open(folder, 0)", "each call leaves 1 files open"),
        (RUNS, "return lambda inputs: [lowered.program.module(*inputs)]", "it returns what the program computes"),
    ],
)
def test_a_broken_copy_does_not_conform(text: str, broken: str, said: str, installed: Path) -> None:
    module = installed / "opcov_iree.py"
    whole = module.read_text("utf-8")
    assert whole.count(text) == 1
    module.write_text(whole.replace(text, broken).replace("import base64\n", "import base64\nimport os\n"), "utf-8")
    which = "executor" if text == RUNS else "backend"
    done = own_tests(installed, "tests/test_conformance.py", "-k", which)
    assert done.returncode == 1, done.stdout + done.stderr
    assert said in done.stdout, done.stdout
