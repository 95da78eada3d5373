"""`--check-baseline`: the last thing that a run does is to compare its cells with the baseline in the repository."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from .options import is_main_job, is_worker
from .recording import Recorder


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    add = parser.getgroup("opcov").addoption
    add(
        "--check-baseline",
        action="store_true",
        help="compare with the baseline of the profile, and fail if cells drift; for the pinned pair only",
    )
    add("--strict-baseline", action="store_true", help="the same, and fail too if a cell is better")


@pytest.hookimpl(tryfirst=True, wrapper=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> Generator[None]:
    """Check what was written, once pytest has said its last word: the last line is that of the check."""
    yield
    config = session.config
    recorder = config.pluginmanager.get_plugin("opcov-recorder")
    option = config.option
    if not (option.check_baseline or option.strict_baseline) or is_worker(config) or not is_main_job(config):
        return
    if isinstance(recorder, Recorder) and recorder.writer and exitstatus != pytest.ExitCode.INTERRUPTED:
        status = _check(recorder.writer.file, strict=option.strict_baseline)
        if session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = status


def _check(journal: Path, *, strict: bool) -> int:
    """Run `opcov baseline check` in a process of its own, and return its exit status."""
    sys.stdout.flush()
    command = [sys.executable, "-m", "harness.commands.cli", "baseline", "check", str(journal), "--if-comparable"]
    command += ["--strict-baseline"] if strict else []
    return subprocess.run(command, check=False).returncode
