"""Which `tcp-opt` the column `tcp` drives: the one that `--tcp-opt` names, or else the one on the user's path.

`tcp-opt` is the binary of the project mlir-tcp (github.com/cruise-automation/mlir-tcp, archived). No package ships it.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

NAME = "tcp-opt"
COLUMN = "tcp"
"""The backend that needs the binary."""
VARIABLE = "OPCOV_TCP_OPT"
"""The environment variable in which a process finds the binary that another one has chosen; a user may set it too."""
HOW = (
    "no package ships it; build it from github.com/cruise-automation/mlir-tcp (`bazel build //:tcp-opt`) and name it "
    "with --tcp-opt PATH, or put it on PATH"
)
"""How to get it."""


def choose(path: str) -> None:
    """Let this process, and those that it starts from now on, drive this binary."""
    os.environ[VARIABLE] = str(Path(path).absolute())


def chosen() -> Path | None:
    """The file that is driven, whatever it is; None if none is named and none is on the path."""
    found = os.environ.get(VARIABLE) or shutil.which(NAME)
    return Path(found) if found else None
