"""The outcome of a process that died of a sample: a crash with its stage, its signal and the end of its stderr."""

from __future__ import annotations

from harness.records.outcome import Crashed, Stage
from harness.text import portable

KILLED = ("SIGKILL", "SIGTERM")
"""Signals that come from outside of the worker."""
OUTSIDE = (*KILLED, "memory corrupted")
"""Deaths that say nothing of the program: the worker was killed from outside, or an earlier sample damaged it."""
TAIL = 4000
"""How many of the last characters of stderr an outcome keeps."""
_STARVED = ("bad_alloc", "out of memory", "Out of memory", "MemoryError")


def tail(stderr: str) -> str:
    """The end of what a process wrote to stderr, as an outcome keeps it."""
    return portable(stderr[-TAIL:]).strip()


def crashed(stage: Stage, how: str, stderr: str) -> Crashed:
    """The crash of a process; `how` is the signal or the exit status, and stderr may say that there was no memory."""
    said = tail(stderr)
    starved = how.startswith("SIG") and any(text in said for text in _STARVED)
    return Crashed(stage, f"{how} (memory limit)" if starved else how, said)
