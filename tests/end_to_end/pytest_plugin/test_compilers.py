"""The main job with a compiler that is named: what is no compiler ends it in one line, and nothing is overwritten."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from harness.errors import BadCompiler, Exit
from harness.programs.compiler import named
from tests import miniatures
from tests.end_to_end.opcov import job

CELL = ("--op", "aten.relu.default", "--backend", "tosa", "--mode", "static", "--dtype", "f32")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "journal.jsonl.gz").write_bytes(b"of an earlier run")
    return folder


def test_a_compiler_that_cannot_be_imported_ends_the_run(tmp_path: Path, out: Path) -> None:
    spec = miniatures.compiler(tmp_path / "build", fx="raise RuntimeError('built for another torch')")
    done = job(*CELL, "--profile", "quick", "--torch-mlir", spec, out=out)
    assert done.returncode == Exit.ENVIRONMENT
    said = [line for line in (done.stdout + done.stderr).splitlines() if "another torch" in line]
    assert len(said) == 1
    assert f"opcov: --torch-mlir {spec}: opcov cannot use it: RuntimeError: built for another torch" in said[0]
    assert [path.name for path in out.iterdir()] == ["journal.jsonl.gz"]


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("empty", "no torch_mlir/ with MLIR's bindings (torch_mlir/_mlir_libs/) in it"),
        ("torch_mlir-1-cp27-cp27m-linux_x86_64.whl", "the wheel is for cp27-cp27m-linux_x86_64, and this is cpython-3"),
        ("notes.txt", "it is neither a wheel nor an executable file"),
    ],
)
def test_what_is_no_compiler_is_an_error_before_anything_is_collected(
    tmp_path: Path, out: Path, spec: str, said: str
) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("torch_mlir-1-cp27-cp27m-linux_x86_64.whl", "notes.txt"):
        (tmp_path / name).touch()
    done = job(*CELL, "--torch-mlir", tmp_path / spec, out=out)
    assert done.returncode == Exit.ENVIRONMENT
    assert done.stderr.startswith(f"ERROR: opcov: --torch-mlir {tmp_path / spec}: {said}")
    assert [path.name for path in out.iterdir()] == ["journal.jsonl.gz"]


def wheel(folder: Path, name: str, *files: str) -> Path:
    """Write a wheel with these empty files."""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    texts = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\nRequires-Dist: no-such-package\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in {**dict.fromkeys(files, ""), **texts}.items():
            archive.writestr(file, text)
        archive.writestr(f"{info}/RECORD", "".join(f"{file},,\n" for file in (*files, *texts, f"{info}/RECORD")))
    return path


def test_pip_unpacks_a_wheel_without_what_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    found = named(str(wheel(tmp_path, "mini_mlir", "torch_mlir/ir.py", "torch_mlir/_mlir_libs/lib.so"))).folder
    assert found and (found / "torch_mlir" / "ir.py").is_file()
    (kept,) = found.parent.iterdir()
    assert kept == found
    with pytest.raises(BadCompiler, match="it is no compiler: there is no torch_mlir/_mlir_libs/ in it"):
        named(str(wheel(tmp_path, "other", "other.py")))
    assert [path.name for path in found.parent.iterdir()] == [found.name]
