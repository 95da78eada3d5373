"""What this process has loaded of compilers and executors: where from, of which version, with which shared library.

The metadata of the installed packages do not say it: a folder ahead on the path is loaded in place of what is
installed. So each loaded package is looked at itself.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from importlib.machinery import PathFinder
from importlib.metadata import distributions
from pathlib import Path

from harness import git, user_cache
from harness.errors import MixedPackage
from harness.records.toolchain import COMPILERS, TOOL, Loaded, Package

from . import plugins, tcp_opt

COMPILER = "torch_mlir"
"""The package of the compiler that is measured. It has no `__init__.py`, so Python joins its portions on the path."""
OURS = frozenset(("harness", "backends", "op_suites", "reports"))
"""The packages of opcov itself, which the header describes."""
_SHA256 = re.compile(r"[0-9a-f]{64}")


PINNED = {"torch": "torch", "torch_mlir": "torch-mlir"}
"""The pair that decides what the frontend does: by import name, the distribution that is pinned."""
PINS = Path(__file__).parents[2] / "constraints.txt"
"""The versions that opcov's own tests have seen. An installed opcov does not have the file."""


def is_pinned_pair() -> bool:
    """Whether this process has loaded the pinned torch and torch-mlir, not other versions and no build of somebody."""
    if not (pinned := pins()):
        return False
    return pinned == {package.distribution: package.version.partition("+")[0] for package in map(_package, PINNED)}


def pins(constraints: Path | None = None) -> Mapping[str, str]:
    """The pinned version of each distribution of the pair; empty where there is no such file."""
    file = constraints or PINS
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else ()
    pairs = (line.partition("==") for line in lines)
    return {name: version for name, _, version in pairs if name in PINNED.values()}


def check_compiler() -> None:
    """Raise MixedPackage if Python would join the compiler from several folders; loads nothing."""
    spec = PathFinder.find_spec(COMPILER)
    if spec is None or spec.origin is not None:  # not installed, or a package with an `__init__.py`
        return
    portions = {os.path.realpath(path): path for path in spec.submodule_search_locations or ()}
    if len(portions) > 1:
        raise MixedPackage(COMPILER, list(portions.values()))


def loaded(
    backends: Iterable[str], executors: Iterable[str], absent: Mapping[str, str], tool: Path | None = None
) -> Loaded:
    """What this process has loaded for these backends and executors; `absent` are those that could not be loaded.

    `tool` is the binary that its pipelines run through.
    """
    backends, executors = tuple(backends), tuple(executors)
    wanted = dict.fromkeys((*COMPILERS, *plugins.packages(backends, executors)))
    names = [name for name in wanted if name in sys.modules and name not in OURS | sys.stdlib_module_names]
    packages = {name: _package(name) for name in names}
    if tool:
        packages[TOOL] = Package(path=str(tool), library=tool.name, sha256=sha256(tool))
    if tcp_opt.COLUMN in backends and (binary := tcp_opt.chosen()) and binary.is_file():
        packages[tcp_opt.NAME] = Package(path=str(binary), library=binary.name, sha256=sha256(binary))
    return Loaded(packages=packages, executors=executors, absent=absent)


@cache
def _package(name: str) -> Package:
    """Describe a loaded package; kept, so that forks of this process need not look again."""
    module = sys.modules[name]
    path = next(iter(getattr(module, "__path__", ())), None) or getattr(module, "__file__", None) or ""
    distribution, version = _distribution(Path(path)) if path else ("", "")
    library = _library(name, path)
    return Package(
        path=path,
        distribution=distribution,
        version=version,
        revision="" if distribution else _revision(name),
        library=library.name if library else "",
        sha256=sha256(library) if library else "",
    )


def _distribution(path: Path) -> tuple[str, str]:
    """The name and the version of the distribution that a package's folder or file belongs to; empty if to none.

    Several distributions may share the folder of a namespace package: then all of them, joined.
    """
    owners = set[tuple[str, str]]()
    for found in distributions(path=[str(path.parent)]):
        record = "\n" + (found.read_text("RECORD") or "")
        if f"\n{path.name}/" in record or f"\n{path.name}," in record:
            owners.add((found.name, found.version))
    names, versions = (dict.fromkeys(each) for each in zip(*sorted(owners), strict=True)) if owners else ((), ())
    return ", ".join(names), ", ".join(versions)


def _revision(name: str) -> str:
    """The git revision of the sources of a loaded package; a build folder may link to them."""
    files = (getattr(module, "__file__", None) for module in _modules(name))
    sources = (Path(file).resolve() for file in files if file and file.endswith(".py"))
    return git.revision_of(source) if (source := next(sources, None)) else ""


def _library(name: str, path: str) -> Path | None:
    """The largest shared library that this process has mapped from the folders of a package."""
    folders = {Path(path).resolve()}
    if Path(path).is_dir():  # its files may be links
        files = (getattr(module, "__file__", None) or "" for module in _modules(name))
        folders |= {Path(file).resolve().parent for file in files if ".so" in file}
    inside = [file for file in mapped() if not folders.isdisjoint((file, *file.parents))]
    return max(inside, key=lambda file: file.stat().st_size, default=None)


def _modules(name: str) -> Iterator[object]:
    return (module for key, module in list(sys.modules.items()) if key == name or key.startswith(f"{name}."))


def mapped() -> frozenset[Path]:
    """The shared libraries that are mapped into this process, by their real paths."""
    try:
        maps = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return frozenset()
    names = {fields[5] for line in maps if len(fields := line.split(None, 5)) == 6}
    return frozenset(path for name in names if ".so" in name and (path := Path(name)).exists())


def sha256(file: Path) -> str:
    """The SHA-256 of a file, kept in the user's cache by path, size and time of its last change."""
    status = file.stat()
    key = f"{file} {status.st_size} {status.st_mtime_ns}"
    kept = user_cache.folder() / f"sha256-{hashlib.sha256(key.encode()).hexdigest()[:16]}"
    with suppress(OSError, UnicodeDecodeError):
        if _SHA256.fullmatch(known := kept.read_text(encoding="ascii")):
            return known
    with file.open("rb") as content:
        found = hashlib.file_digest(content, "sha256").hexdigest()
    part = kept.with_name(f"{kept.name}.{os.getpid()}.part")
    with suppress(OSError):
        kept.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(found, encoding="ascii")
        part.replace(kept)
    return found
