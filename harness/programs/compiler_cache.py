"""Compilers that pip has installed for opcov, each into a folder of its own in the user's cache.

pip takes its index from its own settings and variables: PIP_INDEX_URL, PIP_EXTRA_INDEX_URL, PIP_FIND_LINKS.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import distributions
from pathlib import Path

from harness import user_cache
from harness.errors import BadCompiler

from .loaded import COMPILER, sha256

PYTHON = str(sys.implementation.cache_tag)
"""The tag of this Python, such as `cpython-311`: a compiler that it can load is one that another cannot."""
PART = ".part-"
"""How the name of a folder starts into which pip still writes."""
DAY = 86_400.0
"""After so many seconds such a folder is what a killed install has left."""


def wheel(path: Path) -> Path:
    """The folder into which a wheel is unpacked, kept by the hash of the file. Raises BadCompiler."""
    if not path.is_file():
        raise BadCompiler(f"--torch-mlir {path}: no such file", hint="`pip download --no-deps NAME` fetches a wheel")
    _check_tags(path)
    kept = _cache() / f"wheel-{sha256(path.resolve())[:16]}-{PYTHON}"
    return kept if kept.is_dir() else _kept(kept, _installed(str(path), "--no-index", str(path)))


def requirement(text: str) -> Path:
    """The folder into which pip installs what the requirement names, without what that needs. Raises BadCompiler.

    A requirement that names one version is installed once, and not at all if this Python has it. Any other is resolved
    each time.
    """
    from packaging.requirements import Requirement

    wanted = Requirement(text)
    pins = [one for one in wanted.specifier if one.operator in ("==", "===") and "*" not in one.version]
    if len(pins) == 1:
        if own := _installed_here(wanted.name, pins[0].version):
            return own
        kept = _cache() / f"{wanted.name}-{pins[0].version}-{PYTHON}"
        return kept if kept.is_dir() else _kept(kept, _installed(text, text))
    fresh = _installed(text, text)
    found = next(iter(distributions(path=[str(fresh)])), None)
    name = f"{found.name}-{found.version}" if found else hashlib.sha256(text.encode()).hexdigest()[:16]
    return _kept(_cache() / f"{name}-{PYTHON}", fresh)


def has_bindings(package: Path) -> bool:
    """Whether the folder is a built `torch_mlir/`; the one among the sources has no libraries."""
    return (package / "_mlir_libs").is_dir()


def is_requirement(text: str) -> bool:
    """Whether the text has the form of a requirement, such as `torch-mlir==20261001`."""
    from packaging.requirements import InvalidRequirement, Requirement

    with suppress(InvalidRequirement):
        return bool(Requirement(text))
    return False


def _cache() -> Path:
    return user_cache.folder() / "compilers"


def _check_tags(path: Path) -> None:
    """Raise BadCompiler if the wheel's name says that it is for another Python or machine, or if it is no name."""
    from packaging.tags import sys_tags
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename

    try:
        tags = parse_wheel_filename(path.name)[3]
    except InvalidWheelFilename as error:
        raise BadCompiler(
            f"--torch-mlir {path}: {error}", hint="give the wheel the name that it was built with"
        ) from None
    if tags.isdisjoint(sys_tags()):
        raise BadCompiler(
            f"--torch-mlir {path}: the wheel is for {', '.join(sorted(map(str, tags)))}, and this is "
            f"{PYTHON} on {sys.platform}",
            hint="name a wheel for this Python, or `make setup PYTHON=...` with the wheel's",
        )


def _installed(said: str, *what: str) -> Path:
    """A fresh folder in the cache with what pip installs; raises BadCompiler with what pip says."""
    _cache().mkdir(parents=True, exist_ok=True)
    for left in _cache().glob(f"{PART}*"):
        if time.time() - left.stat().st_mtime > DAY:
            shutil.rmtree(left, ignore_errors=True)
    fresh = Path(tempfile.mkdtemp(prefix=PART, dir=_cache()))
    options = ("--no-deps", "--only-binary=:all:", "--no-compile", "--disable-pip-version-check", "--no-input")
    command = [sys.executable, "-m", "pip", "install", "--quiet", *options, "--target", str(fresh), *what]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        shutil.rmtree(fresh, ignore_errors=True)
        raise BadCompiler(
            f"--torch-mlir {said}: pip cannot install it: {_reason(done.stderr)}",
            hint="check the name and the index that pip uses (PIP_INDEX_URL, PIP_FIND_LINKS)",
        )
    if not has_bindings(fresh / COMPILER):
        shutil.rmtree(fresh, ignore_errors=True)
        raise BadCompiler(
            f"--torch-mlir {said}: it is no compiler: there is no {COMPILER}/_mlir_libs/ in it",
            hint="name a package of torch-mlir, such as torch-mlir==VERSION",
        )
    return fresh


def _reason(stderr: str) -> str:
    """The last of the lines that pip marks as errors, else the last line."""
    lines: Sequence[str] = [line.strip() for line in stderr.splitlines() if line.strip()] or ["it says nothing"]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return (errors or lines)[-1]


def _installed_here(name: str, version: str) -> Path | None:
    """The folder in which this Python has that version of a compiler installed; None if it has not."""
    found = next(iter(distributions(name=name)), None)
    folder = Path(str(found.locate_file(""))) if found and found.version == version else None
    return folder if folder and has_bindings(folder / COMPILER) else None


def _kept(kept: Path, fresh: Path) -> Path:
    """Move the fresh folder to its place in one step, unless another process was faster; return the place."""
    try:
        fresh.rename(kept)
    except OSError:
        shutil.rmtree(fresh, ignore_errors=True)
    return kept
