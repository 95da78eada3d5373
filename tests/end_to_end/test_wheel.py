"""A wheel of opcov holds all that a command needs, whatever lies beside it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from .opcov import ROOT

PACKAGES = ("harness", "op_suites", "backends", "reports")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The contents of a freshly built wheel, in a folder of their own."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"  # a copy: setuptools builds in place, and would take up what an older build left there
    for name in PACKAGES:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__", "out"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--quiet", "--wheel-dir", str(folder), str(source)]
    done = subprocess.run(build, capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stderr
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_it_holds_every_module_every_template_and_every_table(installed: Path) -> None:
    wanted = {p.relative_to(ROOT) for name in PACKAGES for p in (ROOT / name).rglob("*.py")}
    wanted |= {p.relative_to(ROOT) for p in (ROOT / "reports").rglob("templates/*")}
    wanted |= {p.relative_to(ROOT) for p in (ROOT / "harness").rglob("*.json")}
    wanted |= {p.relative_to(ROOT) for p in (ROOT / "op_suites" / "baselines").rglob("*.txt")}
    assert wanted - {p.relative_to(installed) for p in installed.rglob("*")} == set()


def test_its_command_answers(installed: Path, tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl.gz"
    journal.write_text('{"kind":"header","schema":1,"run":"of the wheel"}\n')
    for command in ("matrix", "html"):
        out = ("--out", str(tmp_path / "index.html")) if command == "html" else ()
        done = subprocess.run(
            [sys.executable, "-m", "harness.commands.cli", command, str(journal), *out],
            capture_output=True,
            text=True,
            cwd=installed,
            env=os.environ | {"PYTHONSAFEPATH": "", "PYTHONPATH": str(installed)},
        )
        assert (done.returncode, done.stderr) == (0, "")
    assert "of the wheel" in (tmp_path / "index.html").read_text(encoding="utf-8")
