"""What the supervisor asks of its worker, and of the fork server that starts it."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from typing import Literal

from harness.cases.sample import MODES
from harness.records.cause import Level
from harness.records.outcome import Result

VARIABLE = "OPCOV_WARM_UP"
"""The environment variable that tells the fork server what to warm up: it has no arguments."""
LOADING = "OPCOV_LOADING"
"""Likewise for how many seconds it may take to load the compiler, or an executor, and in which file to note which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One sample to be run on one backend.

    `sample` is the sample as JSON text: the same on each backend, so that either side need convert it once only. `show`
    asks for the IR of each stage, `find_pass` for the first pass after which a wrong result is wrong. `died` says what
    an earlier worker died of in execution: then the isolated executors alone are asked. `ir` is lowered IR to execute
    in place of what the backend makes. `failed` is the result of the sample, if a second opinion on it is all that is
    asked for.
    """

    op: str
    sample: str
    backend: str
    show: bool = False
    find_pass: bool = False
    died: str | None = None
    ir: str | None = None
    failed: Result | None = None


Depth = Literal["text", "verify", "compare"]
"""How far a piece is taken: its text is made, it is lowered and verified, or it is executed and compared as well.

In the frontend: it goes through the importer or the contract pipeline, whichever failed, or through both.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CutRequest:
    """A piece of a sample's program, to be made, or run on one backend.

    `kept` are the ops that it has, by their indices among those that may be at fault; None asks for the names of these.
    `level` is the form of the program. `died` as in `Request`.
    """

    op: str
    sample: str
    backend: str
    level: Level = "contract"
    kept: tuple[int, ...] | None = None
    depth: Depth = "text"
    died: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CutProgram:
    """What a program can be cut into: the names of the ops that may be at fault, in its order, and its text.

    `wrong` says what is wrong with its results as the interpreter computes them, or why it computes none. `why` says
    why it cannot be cut, "" if it can.
    """

    ops: tuple[str, ...] = ()
    ir: str = ""
    wrong: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CutText:
    """A piece: its text, the names of its ops, and what its results are held to; or why it cannot be had.

    `values` tells the values that it is fed with, and its bounds, from others, "" if these cannot be had, for the
    reason `lacking`; `unjudged` says why it is not known what it should compute.
    """

    ir: str = ""
    ops: tuple[str, ...] = ()
    numeric: str = ""
    values: str = ""
    lacking: str = ""
    unjudged: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmUp:
    """What the fork server does once, so that no worker that it forks has to do it.

    One op runs through the `backends` in the `modes`. If `fully`, more ops are exported: that takes 2 s, and saves each
    worker the time of its first exports, which is worth it where many samples run. The executors in `without` are not
    loaded, since that ends a process. `path` is the `sys.path` that its workers get, if that is known: what is found on
    it once need not be looked for in each worker.
    """

    backends: tuple[str, ...] = ("frontend", "linalg", "tosa", "stablehlo", "control")
    modes: tuple[str, ...] = MODES
    fully: bool = True
    without: tuple[str, ...] = ()
    path: tuple[str, ...] = ()

    def environment(self) -> dict[str, str]:
        """The warm-up as a variable of the fork server's environment."""
        return {VARIABLE: json.dumps(asdict(self))}


def warm_up() -> WarmUp:
    """The warm-up that this process's environment asks for; by default, all of it."""
    if VARIABLE not in os.environ:
        return WarmUp()
    asked = json.loads(os.environ[VARIABLE])
    return WarmUp(
        backends=tuple(asked["backends"]),
        modes=tuple(asked["modes"]),
        fully=asked["fully"],
        without=tuple(asked["without"]),
        path=tuple(asked["path"]),
    )
