"""The toolchain of a run: the versions of the packages that matter, the platform, the git revision of opcov."""

from __future__ import annotations

import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path

PACKAGES = {
    "torch": "torch",
    "torch_mlir": "torch-mlir",
    "tosa_tools": "tosa-tools",
    "opcov": "opcov",
    "hypothesis": "hypothesis",
    "pytest": "pytest",
}
ABSENT = "absent"
OPTIONAL = {"jaxlib": "jaxlib"}


def toolchain() -> dict[str, str]:
    """Versions by name for the journal's header. A missing package is "absent"; a missing optional one is left out."""
    found = {key: _version(package) for key, package in PACKAGES.items()}
    found |= {key: version for key, package in OPTIONAL.items() if (version := _version(package)) != ABSENT}
    found |= {"python": platform.python_version(), "platform": f"{sys.platform} {platform.machine()}"}
    revision = _revision()
    return found | ({"revision": revision} if revision else {})


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ABSENT


def _revision() -> str:
    """The git revision of the checkout, with a `+` if it has changes; empty outside of a checkout."""
    here = Path(__file__).parent
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--abbrev=10", "--dirty=+", "--exclude=*"],
            cwd=here,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return described.stdout.strip()
