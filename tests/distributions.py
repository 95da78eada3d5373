"""Distributions without pip: what a project declares, written into a folder as an installation would."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.conformance.distribution import declare

EXAMPLE = Path(__file__).parents[1] / "docs" / "examples" / "opcov-iree"
"""The example package of docs/plugins.md."""


def declared(project: Mapping[str, Any], folder: Path) -> Path:
    """Declare the project's entry points in the folder; return the folder."""
    return declare(folder, project["name"], project["entry-points"], project["version"])


def example(folder: Path) -> Path:
    """Install the example package into the folder; return the folder."""
    declared(tomllib.loads((EXAMPLE / "pyproject.toml").read_text("utf-8"))["project"], folder)
    for module in EXAMPLE.glob("*.py"):
        shutil.copy(module, folder)
    return folder
