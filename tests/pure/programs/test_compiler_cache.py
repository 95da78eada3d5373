"""Compilers that pip installs into the cache, with a miniature of pip."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.errors import BadCompiler, Exit
from harness.programs import compiler_cache
from tests import miniatures

WHEEL = "mini_mlir-1.0-py3-none-any.whl"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "opcov" / "compilers"


@pytest.fixture
def pip(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[str]]:
    """The commands that were run; each one installs version 1.0 of a miniature."""
    commands: list[Sequence[str]] = []

    def install(command: Sequence[str], **_: Any) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        target = Path(command[command.index("--target") + 1])
        miniatures.compiler(target)
        info = target / "mini_mlir-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mini-mlir\nVersion: 1.0\n", encoding="ascii")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", install)
    return commands


def failing(monkeypatch: pytest.MonkeyPatch, act: Callable[[Path], object], stderr: str, status: int) -> None:
    def run(command: Sequence[str], **_: Any) -> subprocess.CompletedProcess[str]:
        act(Path(command[command.index("--target") + 1]))
        return subprocess.CompletedProcess(command, status, "", stderr)

    monkeypatch.setattr(subprocess, "run", run)


def test_a_wheel_is_unpacked_once_as_long_as_it_is_the_same(
    tmp_path: Path, cache: Path, pip: list[Sequence[str]]
) -> None:
    file = tmp_path / WHEEL
    file.write_bytes(b"one")
    first = compiler_cache.wheel(file)
    assert first.parent == cache
    assert (first / "torch_mlir" / "_mlir_libs").is_dir()
    assert compiler_cache.wheel(file) == first
    assert len(pip) == 1
    assert "--no-index" in pip[0]
    file.write_bytes(b"another")
    assert compiler_cache.wheel(file) != first
    assert {path.name for path in cache.iterdir()} == {first.name, compiler_cache.wheel(file).name}


def test_a_wheel_for_another_python_is_an_error_of_one_line(tmp_path: Path, cache: Path) -> None:
    file = tmp_path / "torch_mlir-1-cp27-cp27m-manylinux_2_28_x86_64.whl"
    file.touch()
    with pytest.raises(BadCompiler, match=r"is for cp27-cp27m-manylinux_2_28_x86_64, and this is cpython-3") as raised:
        compiler_cache.wheel(file)
    assert raised.value.code == Exit.ENVIRONMENT
    assert "\n" not in str(raised.value)
    assert not cache.exists()


def test_a_wheel_without_a_wheels_name_or_that_is_missing_is_an_error(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "renamed.whl").touch()
    with pytest.raises(BadCompiler, match=r"renamed\.whl.*; give the wheel the name"):
        compiler_cache.wheel(tmp_path / "renamed.whl")
    with pytest.raises(BadCompiler, match="no such file"):
        compiler_cache.wheel(tmp_path / WHEEL)


def test_a_pinned_requirement_is_installed_once_and_without_what_it_needs(
    cache: Path, pip: list[Sequence[str]]
) -> None:
    first = compiler_cache.requirement("mini-mlir==1.0")
    assert compiler_cache.requirement("mini-mlir == 1.0") == first
    assert first.parent == cache
    assert len(pip) == 1
    assert {"--no-deps", "--only-binary=:all:"} <= set(pip[0]), "nothing of the package runs when it is installed"


def test_a_requirement_that_names_no_version_is_resolved_each_time_and_kept_by_what_it_is(
    cache: Path, pip: list[Sequence[str]]
) -> None:
    first = compiler_cache.requirement("mini-mlir")
    assert compiler_cache.requirement("mini-mlir>=1") == first
    assert compiler_cache.requirement("mini-mlir==1.*") == first
    assert len(pip) == 3
    assert [path.name for path in cache.iterdir()] == [first.name]
    assert first.name.startswith("mini-mlir-1.0-")


def test_the_version_that_is_installed_is_not_installed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path, pip: list[Sequence[str]]
) -> None:
    site = miniatures.compiler(tmp_path / "site")
    (site / "mini_mlir-1.0.dist-info").mkdir()
    (site / "mini_mlir-1.0.dist-info" / "METADATA").write_text("Name: mini-mlir\nVersion: 1.0\n", encoding="ascii")
    monkeypatch.syspath_prepend(site)
    assert compiler_cache.requirement("mini-mlir==1.0") == site
    assert not pip
    assert compiler_cache.requirement("mini-mlir==1.1").parent == cache


def test_what_pip_says_last_is_the_reason(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = "WARNING: slow\nERROR: first\nERROR: No matching distribution found for x==9\n\n[notice] a new pip\n"
    failing(monkeypatch, lambda folder: None, stderr, 1)
    with pytest.raises(BadCompiler, match=r"--torch-mlir x==9: pip cannot install it: No matching distribution"):
        compiler_cache.requirement("x==9")
    assert not list(cache.iterdir())


def test_a_package_that_is_no_compiler_is_not_kept(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, lambda folder: (folder / "other").mkdir(), "", 0)
    with pytest.raises(BadCompiler, match=r"--torch-mlir other==1: it is no compiler"):
        compiler_cache.requirement("other==1")
    assert not list(cache.iterdir())


def test_a_killed_install_leaves_nothing_that_is_taken_for_a_compiler(
    cache: Path, monkeypatch: pytest.MonkeyPatch, pip: list[Sequence[str]]
) -> None:
    install = subprocess.run

    def killed(folder: Path) -> None:
        miniatures.compiler(folder)
        raise KeyboardInterrupt

    failing(monkeypatch, killed, "", 0)
    with pytest.raises(KeyboardInterrupt):
        compiler_cache.requirement("mini-mlir==1.0")
    (left,) = cache.iterdir()
    monkeypatch.setattr(subprocess, "run", install)
    compiler_cache.requirement("mini-mlir==1.0")
    assert len(pip) == 1
    os.utime(left, (0, 0))
    compiler_cache.requirement("mini-mlir")
    assert not left.exists(), "it goes when it is a day old"


def test_who_comes_second_takes_what_the_first_has_installed(
    cache: Path, monkeypatch: pytest.MonkeyPatch, pip: list[Sequence[str]]
) -> None:
    install = subprocess.run

    def second(folder: Path) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(subprocess, "run", install)
            compiler_cache.requirement("mini-mlir==1.0")
        miniatures.compiler(folder)

    failing(monkeypatch, second, "", 0)
    found = compiler_cache.requirement("mini-mlir==1.0")
    assert [path.name for path in cache.iterdir()] == [found.name]


@pytest.mark.parametrize(
    ("text", "is_one"), [("torch-mlir", True), ("a==1", True), ("a>=1,<2", True), ("a b", False), ("./a", False)]
)
def test_requirements_are_known_by_their_form(text: str, is_one: bool) -> None:
    assert compiler_cache.is_requirement(text) == is_one
