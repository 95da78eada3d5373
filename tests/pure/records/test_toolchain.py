from __future__ import annotations

import json
from dataclasses import replace

import pytest

from harness.records.toolchain import TOOL, Loaded, Package, compilers, loaded_json, loaded_restore, toolchain

INSTALLED = Package(
    path="/env/torch_mlir", distribution="torch-mlir", version="2026", library="libAll.so.3", sha256="0123456789abcdef"
)
AHEAD = Package(path="/other/torch_mlir", revision="abc+", library="libAll.so", sha256="fedcba9876543210")
PLAIN = Package(path="/env/mine.py")
LOADED = Loaded(
    packages={"torch_mlir": INSTALLED, "mine": PLAIN}, executors=("a", "b"), absent={"xla": "pip install x"}
)


def test_the_header_names_what_is_installed_apart() -> None:
    found = toolchain()
    assert {"opcov", "pytest", "hypothesis", "python", "platform"} <= set(found)
    assert {"torch", "torch-mlir", "tosa-tools"} <= set(found["installed"])
    assert not {"torch", "torch_mlir"} & set(found)


def test_a_package_is_said_by_its_distribution_or_by_its_place() -> None:
    assert INSTALLED.said("torch_mlir") == "torch-mlir 2026 (libAll 0123456789ab)"
    assert AHEAD.said("torch_mlir") == "torch_mlir in /other/torch_mlir, revision abc+ (libAll fedcba987654)"
    assert PLAIN.said("mine") == "mine in /env/mine.py"
    assert compilers(LOADED) == ["torch-mlir 2026 (libAll 0123456789ab)"]


def test_what_was_loaded_is_read_back_and_what_is_unknown_is_ignored() -> None:
    line = json.loads(json.dumps(loaded_json(LOADED)))
    assert line["packages"]["mine"] == {"path": "/env/mine.py"}
    assert loaded_restore(line) == LOADED
    line["packages"]["mine"]["colour"] = "red"
    assert loaded_restore({"kind": "toolchain", "worker": "gw0", **line}) == LOADED
    assert loaded_restore({}) == Loaded()


@pytest.mark.parametrize("change", [{"version": "2027"}, {"sha256": "1"}, {"library": "x.so"}, {"distribution": ""}])
def test_processes_that_loaded_something_else_differ(change: dict[str, str]) -> None:
    other = replace(LOADED, packages={**LOADED.packages, "torch_mlir": replace(INSTALLED, **change)})
    ((mine, theirs),) = LOADED.differs(other)
    assert mine.startswith("torch-mlir 2026")
    assert mine != theirs


def test_the_same_distribution_in_another_environment_is_the_same() -> None:
    moved = replace(INSTALLED, path="/elsewhere/torch_mlir")
    assert list(LOADED.differs(replace(LOADED, packages={**LOADED.packages, "torch_mlir": moved}))) == []
    ahead = replace(LOADED, packages={"torch_mlir": AHEAD})
    elsewhere = replace(LOADED, packages={"torch_mlir": replace(AHEAD, path="/third/torch_mlir")})
    ((mine, theirs),) = ahead.differs(elsewhere)
    assert "/other/torch_mlir" in mine
    assert "/third/torch_mlir" in theirs


def test_a_package_or_an_executor_that_one_lacks_is_a_difference() -> None:
    assert ("mine in /env/mine.py", "no mine") in list(
        LOADED.differs(replace(LOADED, packages={"torch_mlir": INSTALLED}))
    )
    assert list(LOADED.differs(replace(LOADED, absent={}))) == [("no executor xla", "every executor")]
    assert list(LOADED.differs(replace(LOADED, absent={"xla": "another reason"}))) == []


def test_the_frontend_is_told_where_there_is_something_to_tell() -> None:
    assert "frontend" not in loaded_json(LOADED)
    other = replace(LOADED, frontend="fx.export_and_import, since the fast one differs")
    assert loaded_restore(json.loads(json.dumps(loaded_json(other)))) == other
    assert list(LOADED.differs(other)) == [("the frontend fast", f"the frontend {other.frontend}")]


def test_a_binary_is_among_the_compilers() -> None:
    tool = Package(path="/build/bin/torch-mlir-opt", library="torch-mlir-opt", sha256="0123456789abcdef")
    assert compilers(replace(LOADED, packages={**LOADED.packages, TOOL: tool})) == [
        "torch-mlir 2026 (libAll 0123456789ab)",
        "torch-mlir-opt in /build/bin/torch-mlir-opt (torch-mlir-opt 0123456789ab)",
    ]
