"""Check that the toolchain has wheels for this Python and this machine.

The Makefile runs this file before anything is installed, so it uses the standard library only.
"""

import platform
import sys


def problem(version: "tuple[int, ...]", system: str, machine: str) -> "str | None":
    """Return what is wrong with an interpreter and what to type next, or None if nothing is wrong.

    `version` is (major, minor); `system` and `machine` are spelled as the `platform` module spells them.
    """
    if version < (3, 11):
        return (
            f"opcov: Python {version[0]}.{version[1]} is too old, opcov needs 3.11 or newer; "
            "run `make setup PYTHON=python3.11`"
        )
    if system != "Linux" or machine not in ("x86_64", "aarch64"):
        return f"opcov: torch-mlir has no wheels for {system} on {machine}; use Linux on x86_64 or aarch64"
    return None


if __name__ == "__main__":
    sys.exit(problem(sys.version_info[:2], platform.system(), platform.machine()))
