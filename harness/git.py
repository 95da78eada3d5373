"""What git says of a file: the revision of the checkout that tracks it."""

from __future__ import annotations

import subprocess
from pathlib import Path


def revision(folder: Path) -> str:
    """The revision of the checkout that holds a folder, with a `+` if it has changes; empty outside of a checkout."""
    return _git(folder, "describe", "--always", "--abbrev=10", "--dirty=+", "--exclude=*")


def revision_of(file: Path) -> str:
    """The revision of the checkout that tracks a file; empty if none does, as of a package that was installed there."""
    if not any((parent / ".git").exists() for parent in file.parents):
        return ""
    return revision(file.parent) if _git(file.parent, "ls-files", "--error-unmatch", file.name) else ""


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", *arguments]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
