"""What is kept in the user's cache folder between runs: only what can be made again."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from harness import user_cache
from harness.errors import MissingPackage

HARNESS = Path(__file__).parents[1]


def path(name: str, suffix: str, sources: Iterable[str], *more: str) -> Path:
    """The file of that name for the installed torch, for these files of `harness`, which make it, and for `more`.

    Raises MissingPackage if there is no torch.
    """
    try:
        torch = version("torch")
    except PackageNotFoundError:
        raise MissingPackage("torch is not installed", hint="run `make setup`") from None
    parts = [*((HARNESS / source).read_bytes() for source in sources), *(text.encode() for text in more)]
    key = hashlib.sha256(b"".join(parts)).hexdigest()[:8]
    return user_cache.folder() / f"{name}-{torch}-{key}.{suffix}"


def load(file: Path) -> dict[str, Any]:
    """The JSON object in the file; an empty one where the file is missing, damaged or not readable."""
    with suppress(OSError, ValueError):
        found = json.loads(file.read_text(encoding="utf-8"))
        if isinstance(found, dict):
            return found
    return {}


def store(file: Path, value: dict[str, Any]) -> None:
    """Write the JSON object to the file, which appears whole; a folder that cannot be written is no error."""
    part = file.with_suffix(f".{os.getpid()}.part")
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps(value), encoding="utf-8")
        part.replace(file)
