"""The toolchain of a run: what was installed when it was asked for, and what each of its processes really loaded."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from importlib import metadata
from pathlib import Path
from typing import Any

from harness import git

OURS = ("opcov", "hypothesis", "pytest")
"""The packages that the main process loads."""
INSTALLED = ("torch", "torch-mlir", "tosa-tools")
OPTIONAL = ("jaxlib", "iree-base-compiler", "iree-base-runtime")
TOOL = "torch-mlir-opt"
"""The name under which the binary stands among the packages, if one lowers in place of the bindings."""
COMPILERS = ("torch", "torch_mlir", TOOL)
"""The packages that decide what is measured, by import name."""
ABSENT = "absent"
FAST = "fast"
"""What is said of opcov's own frontend."""
DIGITS = 12
"""How many digits of a hash are shown."""


def toolchain() -> dict[str, Any]:
    """What the header says of the toolchain; it needs no torch.

    `installed` has the versions in the metadata of the packages that workers are expected to load: "absent" for one
    that is not installed. A missing optional one is left out.
    """
    expected = {package: installed_version(package) for package in INSTALLED}
    expected |= {package: version for package in OPTIONAL if (version := installed_version(package)) != ABSENT}
    found: dict[str, Any] = {package: installed_version(package) for package in OURS}
    found |= {"python": platform.python_version(), "platform": f"{sys.platform} {platform.machine()}"}
    revision = git.revision(Path(__file__).parent)
    return found | ({"revision": revision} if revision else {}) | {"installed": expected}


def installed_version(package: str) -> str:
    """The version in the metadata of an installed package; "absent" if it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ABSENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A package that a process has loaded.

    `path` is its folder, or its file. `distribution` and `version` are those of the distribution that the path belongs
    to, `revision` is that of the git checkout if it belongs to none. `library` is the name of its largest shared
    library in the process, `sha256` that file's hash. What is not known is empty.
    """

    path: str
    distribution: str = ""
    version: str = ""
    revision: str = ""
    library: str = ""
    sha256: str = ""

    def said(self, name: str) -> str:
        """The package of this import name in words: what it is, and the start of its hash."""
        if self.distribution:
            what = f"{self.distribution} {self.version}"
        else:
            what = f"{name} in {self.path}" + (f", revision {self.revision}" if self.revision else "")
        library = self.library.partition(".")[0]
        return f"{what} ({library} {self.sha256[:DIGITS]})" if self.sha256 else what

    @property
    def identity(self) -> tuple[str, ...]:
        """What is equal for two packages that are the same; where a distribution was installed does not matter."""
        where = "" if self.distribution else self.path
        return (where, self.distribution, self.version, self.revision, self.library, self.sha256)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What a worker process has loaded.

    `packages` are torch, torch_mlir and what backends and executors import, by import name; `executors` those that can
    be asked; `absent` those that cannot be loaded, each with the reason. `element_types` are those of the backends'
    dialects, by backend, as the journal's header has them. `frontend` says which frontend it has, and why; empty for
    the fast one with the pinned pair of torch and torch-mlir.
    """

    packages: Mapping[str, Package] = field(default_factory=dict)
    executors: tuple[str, ...] = ()
    absent: Mapping[str, str] = field(default_factory=dict)
    element_types: Mapping[str, Any] = field(default_factory=dict)
    frontend: str = ""

    def differs(self, other: Loaded) -> Iterator[tuple[str, str]]:
        """How the two processes differ: of each package what the one and what the other loaded, in words."""
        for name in dict.fromkeys((*self.packages, *other.packages)):
            mine, theirs = self.packages.get(name), other.packages.get(name)
            if mine is None or theirs is None or mine.identity != theirs.identity:
                yield _pair(name, mine, theirs)
        if set(self.absent) != set(other.absent):
            yield _executors(self.absent), _executors(other.absent)
        if self.frontend != other.frontend:
            yield f"the frontend {self.frontend or FAST}", f"the frontend {other.frontend or FAST}"


def _pair(name: str, mine: Package | None, theirs: Package | None) -> tuple[str, str]:
    one, other = (package.said(name) if package else f"no {name}" for package in (mine, theirs))
    if one == other and mine and theirs:  # the words do not show all that is compared
        return f"{one} in {mine.path}", f"{other} in {theirs.path}"
    return one, other


def _executors(absent: Iterable[str]) -> str:
    return f"no executor {', '.join(sorted(absent))}" if absent else "every executor"


def compilers(loaded: Loaded) -> list[str]:
    """What of torch and torch-mlir was loaded, in words."""
    return [package.said(name) for name, package in loaded.packages.items() if name in COMPILERS]


def loaded_json(loaded: Loaded) -> dict[str, Any]:
    """The JSON object of what was loaded, but for the element types; what is not known of a package is left out."""
    return {
        "packages": {
            name: {key: value for key, value in asdict(package).items() if value}
            for name, package in loaded.packages.items()
        },
        "executors": list(loaded.executors),
        "absent": dict(loaded.absent),
        **({"frontend": loaded.frontend} if loaded.frontend else {}),
    }


def toolchain_line(loaded: Loaded, worker: str) -> dict[str, Any]:
    """The journal line of what a worker has loaded, with the element types, which belong to the header."""
    return {"kind": "toolchain", "worker": worker, **loaded_json(loaded), "element_types": loaded.element_types}


def loaded_restore(line: Mapping[str, Any]) -> Loaded:
    """The inverse of `loaded_json`; it ignores keys that it does not know, and takes what is missing for unknown."""
    known = [f.name for f in fields(Package)]
    return Loaded(
        packages={
            name: Package(**{"path": ""} | {key: found[key] for key in known if key in found})
            for name, found in line.get("packages", {}).items()
        },
        executors=tuple(line.get("executors", ())),
        absent=dict(line.get("absent", {})),
        frontend=str(line.get("frontend", "")),
    )
