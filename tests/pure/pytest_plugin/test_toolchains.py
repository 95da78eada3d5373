from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.errors import Exit
from harness.pytest_plugin.toolchains import MixedToolchains, Toolchains


def line(worker: str = "gw0", version: str = "1", **absent: str) -> dict[str, Any]:
    package = {"path": "/env/torch_mlir", "distribution": "torch-mlir", "version": version}
    return {
        "kind": "toolchain",
        "worker": worker,
        "packages": {"torch_mlir": package},
        "executors": [],
        "absent": absent,
    }


def test_workers_that_agree_are_no_news() -> None:
    found = Toolchains()
    found.add(line("gw0", xla="pip install x"))
    found.add(line("gw1", xla="pip install x"))
    assert found.absent == {"xla": "pip install x"}


def test_workers_that_disagree_are_an_error_that_names_both() -> None:
    found = Toolchains()
    found.add(line("gw0"))
    with pytest.raises(MixedToolchains) as raised:
        found.add(line("gw1", "2"))
    assert "gw0 has loaded torch-mlir 1, gw1 has loaded torch-mlir 2" in str(raised.value)
    assert raised.value.code == Exit.ENVIRONMENT
    with pytest.raises(MixedToolchains, match="no executor xla"):
        Toolchains([line(xla="it is broken")]).add(line())


def test_an_executor_that_breaks_later_in_a_worker_is_absent_from_then_on() -> None:
    found = Toolchains()
    found.add(line("gw0"))
    found.add(line("gw1"))
    found.add(line("gw0", xla="SIGSEGV"))
    assert found.absent == {"xla": "SIGSEGV"}


def test_a_run_does_not_go_on_with_what_another_compiler_measured() -> None:
    found = Toolchains([line()], Path("j.part"))
    with pytest.raises(MixedToolchains, match=r"--resume: j.part was measured with torch-mlir 1, not torch-mlir 2"):
        found.add(line(version="2"))
    Toolchains([line()], Path("j.part")).add(line("gw7"))
    Toolchains([], Path("j.part")).add(line("gw7"))
