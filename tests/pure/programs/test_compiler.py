"""The compiler that a SPEC names, with miniature packages."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import BadCompiler, Exit
from harness.programs import compiler, compiler_cache
from harness.programs.compiler import LAYOUTS, Compiler, choose, chosen, named
from harness.programs.tool import NEEDED
from tests import miniatures


def test_the_installed_one_is_named_by_its_word() -> None:
    assert named("installed") == Compiler("installed", None, None)


def test_a_folder_holds_the_package_or_is_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = miniatures.compiler(tmp_path / "site")
    assert named(str(folder)).folder == folder
    assert named(str(folder / "torch_mlir")).folder == folder
    monkeypatch.chdir(tmp_path)
    assert named("site") == Compiler("site", folder), "the process may go elsewhere"


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_build_folder_is_searched(tmp_path: Path, layout: str) -> None:
    folder = miniatures.compiler(tmp_path / layout.replace("*", ".linux-x86_64"))
    assert named(str(tmp_path)).folder == folder


def test_the_sources_of_torch_mlir_are_no_compiler(tmp_path: Path) -> None:
    (tmp_path / "torch_mlir").mkdir()
    with pytest.raises(
        BadCompiler, match=r"no torch_mlir/ with MLIR's bindings .* in it, .*; name the folder"
    ) as raised:
        named(str(tmp_path))
    assert raised.value.code == Exit.ENVIRONMENT


def test_the_folder_of_all_packages_is_not_that_of_one(tmp_path: Path) -> None:
    """`python_packages/` has a folder `torch_mlir/`, which is not the package but holds it."""
    folder = miniatures.compiler(tmp_path / "python_packages" / "torch_mlir")
    assert named(str(folder)).folder == folder
    assert named(str(tmp_path)).folder == folder


def test_an_executable_file_is_a_tool(tmp_path: Path) -> None:
    tool = tmp_path / "torch-mlir-opt"
    options = "".join(f"  --{name} -\n" for name in ("pass-pipeline", *NEEDED))
    tool.write_text(f"#!/bin/sh\ncat <<END\n{options}END\n", encoding="ascii")
    with pytest.raises(BadCompiler, match=r"neither a wheel nor an executable file; .* `chmod \+x`"):
        named(str(tool))
    tool.chmod(0o755)
    assert named(str(tool)) == Compiler(str(tool), tool=tool)
    assert named(str(tool)).opt == str(tool)


@pytest.mark.parametrize("spec", ["./build", "no/such/folder", "two words"])
def test_what_is_neither_a_path_nor_a_requirement_is_an_error_that_lists_the_forms(
    spec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadCompiler, match=r"no .*; .*a wheel") as raised:
        named(spec)
    assert "\n" not in str(raised.value)


def test_a_wheel_and_a_requirement_go_to_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiler_cache, "wheel", lambda path: tmp_path / f"unpacked-{path.name}")
    monkeypatch.setattr(compiler_cache, "requirement", lambda text: tmp_path / f"pip-{text}")
    assert named("x.whl").folder == tmp_path / "unpacked-x.whl"
    assert named("torch-mlir==1").folder == tmp_path / "pip-torch-mlir==1"


def test_the_tool_to_type_is_the_one_in_the_folder(tmp_path: Path) -> None:
    folder = miniatures.compiler(tmp_path)
    assert Compiler("x", folder).opt == Compiler().opt == "torch-mlir-opt"
    tool = folder / "torch_mlir" / "_mlir_libs" / "torch-mlir-opt"
    tool.touch()
    assert Compiler("x", folder).opt == str(tool)


def test_a_choice_is_found_by_the_processes_that_this_one_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(compiler.VARIABLE, "{}")
    assert chosen() == Compiler()
    for one in (Compiler("x", Path("/x")), Compiler("y", tool=Path("/bin/y")), Compiler()):
        choose(one)
        assert chosen() == one
