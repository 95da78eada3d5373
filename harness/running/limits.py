"""How much memory this process holds, and the limit of what it may allocate."""

from __future__ import annotations

import resource
from pathlib import Path


def limit_memory(more: int) -> None:
    """Bound what this process may allocate from now on, in bytes.

    RLIMIT_DATA counts private writable memory, not mapped files.
    """
    resource.setrlimit(resource.RLIMIT_DATA, (status("VmData") + more, resource.RLIM_INFINITY))


def status(key: str) -> int:
    """A figure of /proc/self/status, in bytes."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(key + ":"))
