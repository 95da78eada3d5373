"""The folder in which opcov keeps, for this user, what can be made again."""

from __future__ import annotations

import os
from pathlib import Path


def folder() -> Path:
    """Return the folder, which may not exist yet (XDG Base Directory specification)."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "opcov"
