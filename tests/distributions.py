"""Distributions without pip: what a project declares, written into a folder as an installation would."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

EXAMPLE = Path(__file__).parents[1] / "docs" / "examples" / "opcov-iree"
"""The example package of docs/plugins.md."""


def declare(project: Mapping[str, Any], folder: Path) -> Path:
    """Declare the project's entry points in the folder; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    info = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    metadata = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    (info / "METADATA").write_text(metadata, encoding="ascii")
    groups = project["entry-points"].items()
    entries = [line for group, of in groups for line in (f"[{group}]", *(f"{k} = {v}" for k, v in of.items()))]
    (info / "entry_points.txt").write_text("\n".join(entries) + "\n", encoding="ascii")
    return folder


def example(folder: Path) -> Path:
    """Install the example package into the folder; return the folder."""
    declare(tomllib.loads((EXAMPLE / "pyproject.toml").read_text("utf-8"))["project"], folder)
    for module in EXAMPLE.glob("*.py"):
        shutil.copy(module, folder)
    return folder
