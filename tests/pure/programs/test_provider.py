"""`torch_mlir` from one folder alone, with miniature packages and a process of its own for each import."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import BadCompiler
from harness.programs import provider
from harness.programs.compiler import Compiler
from tests import miniatures

ROOT = Path(__file__).parents[3]
SCRIPT = """
import sys
from pathlib import Path
from harness.errors import OpcovError
from harness.programs.compiler import Compiler
from harness.programs.provider import provide
try:
    provide(Compiler("SPEC", Path(sys.argv[1]) if sys.argv[1] else None))
    for name in sys.argv[2:]:
        module = __import__("torch_mlir." + name, fromlist=[name])
        print(name, Path(module.__file__).parent.parent)
except (OpcovError, ImportError) as error:
    print(type(error).__name__, error)
"""


def imported(folder: Path | str, *names: str, path: tuple[Path, ...] = ()) -> list[str]:
    """What a fresh process says that has the folders of `path` on its path and imports these of `torch_mlir`."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (*path, ROOT)))}
    command = [sys.executable, "-c", SCRIPT, str(folder), *names]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


@pytest.mark.parametrize("is_regular", [False, True])
def test_a_module_that_the_folder_lacks_does_not_come_from_another(tmp_path: Path, is_regular: bool) -> None:
    ours = miniatures.compiler(tmp_path / "ours", ir="")
    theirs = miniatures.compiler(tmp_path / "theirs", ir="", fx="")
    if is_regular:
        (ours / "torch_mlir" / "__init__.py").touch()
    found = imported(ours, "ir", "fx", path=(theirs,))
    assert found == [f"ir {ours}", "ModuleNotFoundError No module named 'torch_mlir.fx'"]
    assert imported(theirs, "ir", "fx", path=(ours,)) == [f"ir {theirs}", f"fx {theirs}"]


def test_the_folder_need_not_be_on_the_path_nor_anything_be_installed(tmp_path: Path) -> None:
    ours = miniatures.compiler(tmp_path, ir="")
    assert imported(ours, "ir") == [f"ir {ours}"]


def test_the_installed_one_is_not_mixed_either(tmp_path: Path) -> None:
    one, two = (miniatures.compiler(tmp_path / name, ir="") for name in ("one", "two"))
    (said,) = imported("", "ir", path=(one, two))
    assert said.startswith(f"MixedPackage torch_mlir would be mixed from {one}/torch_mlir and {two}/torch_mlir")


@pytest.fixture
def restored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    monkeypatch.delitem(sys.modules, "torch_mlir", raising=False)


@pytest.mark.usefixtures("restored")
def test_the_last_choice_counts(tmp_path: Path) -> None:
    from importlib.util import find_spec

    for name in ("one", "two"):
        provider.provide(Compiler("SPEC", miniatures.compiler(tmp_path / name)))
        spec = find_spec("torch_mlir")
        assert spec and spec.submodule_search_locations == [str(tmp_path / name / "torch_mlir")]
    assert sum(isinstance(finder, provider.OnlyFolder) for finder in sys.meta_path) == 1
    provider.provide(Compiler())
    assert not any(isinstance(finder, provider.OnlyFolder) for finder in sys.meta_path)


@pytest.mark.usefixtures("restored")
def test_a_package_that_was_imported_before_is_an_error(tmp_path: Path) -> None:
    one, two = (miniatures.compiler(tmp_path / name) for name in ("one", "two"))
    provider.provide(Compiler("SPEC", one))
    __import__("torch_mlir")
    provider.provide(Compiler("SPEC", one))
    with pytest.raises(BadCompiler, match=rf"has imported torch_mlir from {one}/torch_mlir already"):
        provider.provide(Compiler("SPEC", two))


def test_a_library_from_another_folder_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = (miniatures.compiler(tmp_path / name) for name in ("ours", "theirs"))
    libraries = [folder / "torch_mlir" / "_mlir_libs" / "libTorchMLIR.so.1" for folder in (ours, theirs)]
    for library in libraries:
        library.touch()
    compiler = Compiler("SPEC", ours)
    monkeypatch.setattr(provider, "mapped", lambda: frozenset((libraries[0], Path("/lib/libc.so.6"))))
    provider.check_libraries(compiler)
    monkeypatch.setattr(provider, "mapped", lambda: frozenset((libraries[1],)))
    provider.check_libraries(Compiler())
    with pytest.raises(BadCompiler, match=rf"libTorchMLIR\.so\.1 was loaded from {theirs}.*LD_LIBRARY_PATH"):
        provider.check_libraries(compiler)
