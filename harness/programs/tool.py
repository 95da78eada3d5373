"""Run a `torch-mlir-opt` binary: text in, text out; its death is an exception, and nothing of it outlives this process.

The binary may be a script around the real one. So it runs in a process group of its own, which is killed as a whole.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from harness.errors import BadCompiler
from harness.text import clip, one_line

from .protocols import CompilerDied

NEEDED = (
    "torchdynamo-export-to-torch-backend-pipeline",
    "torch-backend-to-linalg-on-tensors-backend-pipeline",
    "torch-backend-to-tosa-backend-pipeline",
    "torch-backend-to-stablehlo-backend-pipeline",
)
"""The pipelines that a binary must have to stand for a compiler: to the backend contract, and to each backend."""
HELP_SECONDS = 60.0
"""How long a binary may take to print its help; the first start reads it from the disk."""


def check(path: Path) -> None:
    """Raise BadCompiler if the file cannot be run, is another program, or lacks a pipeline."""
    if why := fault(path):
        raise BadCompiler(
            f"--torch-mlir {path}: it is no torch-mlir-opt that opcov can use: {why}",
            hint="name the binary of a build, such as BUILD/bin/torch-mlir-opt",
        )


def fault(path: Path, needed: Sequence[str] = NEEDED, seconds: float = HELP_SECONDS) -> str:
    """Why the file is no MLIR optimizer that lists the needed passes and pipelines; empty if it is one."""
    if not path.is_file():
        return "there is no such file"
    if not os.access(path, os.X_OK):
        return "it is not executable"
    try:
        said = run(path, ["--help"], "", seconds)
    except OSError as error:
        return f"it cannot be run ({error.strerror})"
    except CompilerDied as death:
        return f"`--help` ends with {clip(one_line(str(death)), 200)}"
    options = set(re.findall(r"^ +--([\w-]+)", said.out, re.MULTILINE))
    if said.status or "pass-pipeline" not in options:
        return "`--help` does not list the options of an MLIR optimizer"
    lacking = [name for name in needed if name not in options]
    return f"it lacks {', '.join(lacking)}" if lacking else ""


@dataclass(frozen=True, slots=True)
class Said:
    """What a run wrote, and its exit status: 0, or 1 where it failed in an orderly manner."""

    out: str
    err: str
    status: int


def run(path: Path, arguments: Iterable[str], text: str, seconds: float | None = None) -> Said:
    """Run the binary on the text and wait until it ends.

    Raises CompilerDied if a signal or an exit status other than 0 and 1 ends it, and if it does not end within so many
    `seconds`; without them it may run for as long as this process. Raises OSError if it cannot be started.
    """
    guard = _guard()
    process = subprocess.Popen(
        [path, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        process_group=0,
    )
    guard.watch(process.pid)
    try:
        out, err = process.communicate(text.encode(), seconds)
    except subprocess.TimeoutExpired:
        raise CompilerDied(f"no result in {seconds:g} s") from None
    finally:
        _kill(process)
        guard.watch(0)
    said = Said(out.decode(errors="replace"), err.decode(errors="replace"), process.returncode)
    if (how := _death(said.status)) is not None:
        raise CompilerDied(f"{how}: {one_line(said.err)}".removesuffix(": "), said.err, how)
    return said


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End what is left of the process and its group; nothing is, after an orderly end."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def _death(status: int) -> str | None:
    """How a process died, as a fork's death is told; None if it ended in an orderly manner.

    A script around the binary passes a signal on as 128 and its number (a shell), or as 256 less it (Python).
    """
    number = -status if status < 0 else status - 128 if status <= 192 else 256 - status
    with suppress(ValueError):
        return signal.Signals(number).name
    return None if status in (0, 1) else f"exit {status}"


class _Guard:
    """A shell that kills the running binary's process group when this process ends, however that comes about.

    A worker is killed at a sample's deadline, and can then end nothing itself.
    """

    SCRIPT = 'while read -r group; do last=$group; done; [ "${last:-0}" -gt 0 ] && kill -KILL "-$last"'

    def __init__(self) -> None:
        self.parent = os.getpid()
        self._shell = subprocess.Popen(
            [shutil.which("sh") or "/bin/sh", "-c", self.SCRIPT],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            process_group=0,
        )

    def watch(self, group: int) -> None:
        """Guard this process group from now on; 0 for none."""
        assert self._shell.stdin is not None
        self._shell.stdin.write(f"{group}\n".encode())
        self._shell.stdin.flush()


_current: _Guard | None = None


def _guard() -> _Guard:
    """The guard of this process; a fork of this process gets one of its own."""
    global _current
    if _current is None or _current.parent != os.getpid():
        _current = _Guard()
    return _current
