"""What a command costs, with all the processes that it starts: wall seconds, CPU seconds and memory.

`python -m harness.commands.cost COMMAND ...` prints it as JSON.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True, slots=True)
class Cost:
    """Wall and CPU seconds, the largest resident size of a single process in MiB, and the exit status."""

    wall: float
    cpu: float
    resident: float
    status: int


def cost(command: Sequence[str | Path], folder: Path) -> Cost:
    """Run a command in a folder and return what it costs; its output is thrown away."""
    measured = [sys.executable, str(Path(__file__)), *map(str, command)]
    done = subprocess.run(measured, cwd=folder, stdout=subprocess.PIPE, text=True, check=True)
    return Cost(**json.loads(done.stdout.splitlines()[-1]))


def _measured(command: Sequence[str]) -> Cost:
    """The cost of a command, seen from a process that starts nothing else.

    Linux: prctl(2) makes this process the parent of those whose own parent ends before them, such as the workers of a
    fork server, so that it can wait for all of them.
    """
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)
    started = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    status = 0
    while True:
        try:
            pid, code = os.wait()
        except ChildProcessError:
            break
        if pid == process.pid:
            status = os.waitstatus_to_exitcode(code)
            wall = time.monotonic() - started
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(round(wall, 2), round(used.ru_utime + used.ru_stime, 2), round(used.ru_maxrss / 1024, 1), status)


if __name__ == "__main__":
    print(json.dumps(asdict(_measured(sys.argv[1:]))))
