"""A distribution of plugins without pip: entry points that are declared in a folder of Python's path."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def declare(folder: Path, name: str, groups: Mapping[str, Mapping[str, str]], version: str = "0") -> Path:
    """Declare these entry points, by group and name, in the folder, as an installation would; return the folder."""
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    (info / "METADATA").write_text(metadata, encoding="ascii")
    lines = [line for group, of in groups.items() for line in (f"[{group}]", *(f"{k} = {v}" for k, v in of.items()))]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n", encoding="ascii")
    return folder
