"""What calls of a plugin leave behind in this process: memory, open files, processes."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from pathlib import Path

from harness.running.limits import status

from .checked import Checked, unless

GROWTH = 4 << 20
"""The bytes that one call may leave behind."""
_WARM, _CALLS = 4, 12
"""After so many calls it is measured what so many more leave behind."""


def leaks(call: Callable[[int], object]) -> Iterator[Checked]:
    """Call it with one number after the other; yield whether that leaves anything behind."""
    for number in range(_WARM):
        call(number)
    before = _held()
    for number in range(_WARM, _WARM + _CALLS):
        call(number)
    grown = [(now - was) // _CALLS for was, now in zip(before, _held(), strict=True)]
    yield "it keeps no memory", unless(grown[0] <= GROWTH, f"each call leaves {grown[0] / 2**20:.0f} MiB behind")
    yield "it closes its files", unless(grown[1] < 1, f"each call leaves {grown[1]} files open")
    yield "it ends its processes", unless(grown[2] < 1, f"each call leaves {grown[2]} processes behind")


def _held() -> tuple[int, int, int]:
    """The resident bytes, open files and children of this process."""
    gc.collect()
    children = [file.read_text("ascii").split() for file in Path("/proc/self/task").glob("*/children")]
    return status("VmRSS"), len(list(Path("/proc/self/fd").iterdir())), sum(map(len, children))
