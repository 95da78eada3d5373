"""What the end-to-end tests share: run the main job or a command in a process of its own, as its users do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.records.lines import lines as journal_lines

ROOT = Path(__file__).parents[2]
Done = subprocess.CompletedProcess[str]


def environment(plugins: Path | None = None) -> dict[str, str]:
    """The environment of a new process, with the plugins of a folder installed, as it were."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "COV_", "PYTHONPATH"))}
    return clean | {"COLUMNS": "140"} | ({"PYTHONPATH": str(plugins)} if plugins else {})


def job(*options: str | Path, out: Path, plugins: Path | None = None, suites: str = "op_suites") -> Done:
    """`pytest op_suites` with these options."""
    return subprocess.run(
        job_command(*options, out=out, suites=suites),
        cwd=ROOT,
        env=environment(plugins),
        capture_output=True,
        text=True,
        timeout=300,
    )


def job_command(*options: str | Path, out: Path, suites: str = "op_suites") -> list[str]:
    return [sys.executable, "-m", "pytest", suites, "--out", str(out), "-q", *map(str, options)]


def opcov(*arguments: str | Path, cwd: Path, plugins: Path | None = None, text: str | None = None) -> Done:
    """The command `opcov`, as installed beside this Python."""
    return subprocess.run(
        [str(Path(sys.executable).parent / "opcov"), *map(str, arguments)],
        cwd=cwd,
        env=environment(plugins),
        capture_output=True,
        text=True,
        input=text,
        timeout=300,
    )


def lines(path: Path) -> list[dict[str, Any]]:
    """The lines of a journal."""
    return [json.loads(line) for line in journal_lines(path) if isinstance(line, bytes)]


def outcomes(path: Path) -> list[Mapping[str, Any]]:
    """The outcome lines of a journal."""
    return [line for line in lines(path) if line["kind"] == "outcome"]


def timeless(path: Path) -> list[Any]:
    """The journal's lines but for times, the checksums that depend on them, and the names of the run and workers."""
    found = lines(path)
    for line in found:
        for key in ("run", "started", "seconds", "crc32", "worker"):
            line.pop(key, None)
    return found
