"""`--budget TIME` and `--cells FILE`: which cells run in the time there is, and in which order.

The time includes that of the report. It is looked at between cells: the one that runs is not cut off. A cell that was
not reached is not run, as one of a run that did not end; `--resume` goes on with it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from harness.errors import OpcovError
from harness.running.budget import budget
from harness.text import duration, plural

from .items import CellItem
from .options import is_worker, usage_error

CELLS = pytest.StashKey[Mapping[str, int]]()
"""The names of the cells that `--cells` asks for, each with its place."""
LONG_ENOUGH = "5m"
"""A budget in which a run measures something, on any machine."""
LONGEST, SHARE = 150.0, 0.1
"""Seconds that are kept for the report, at most, and the share of the budget that is kept."""


class TooShort(OpcovError):
    """The budget was over before a cell could start: `cells` were to run, and it took so many seconds to find out."""

    def __init__(self, given: str, cells: int, seconds: float) -> None:
        super().__init__(
            f"--budget {given} was too short for any cell: {plural(cells, 'cell')} not reached, "
            f"the run had not started its first one after {duration(seconds)}",
            hint=f"type the command with a longer one, such as --budget {LONG_ENOUGH}, or without",
        )


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    add = parser.getgroup("opcov").addoption
    add("--budget", default="", metavar="TIME", help="end after 90s, 30m, 5h, the report included")
    add("--cells", metavar="FILE", help="only the cells that a file names, one a line, their ops in its order")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Settle when the last cell starts; the controller does that for all workers."""
    try:
        if config.option.budget and not is_worker(config):
            config.option.last_start = time.time() + for_cells(budget(config.option.budget).seconds)
        if config.option.cells:
            config.stash[CELLS] = _places(Path(config.option.cells))
    except OpcovError as error:
        raise usage_error(error) from None
    if config.option.cells and hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False  # pytest-xdist would start with the ops that have most cells


def for_cells(seconds: float) -> float:
    """How much of a budget is for measuring; the rest is for the report."""
    return seconds - min(SHARE * seconds, LONGEST)


def _places(path: Path) -> Mapping[str, int]:
    """The place of each cell that a file names; raises OpcovError."""
    try:
        names = path.read_text(encoding="utf-8").split()
    except OSError as error:
        raise OpcovError(
            f"--cells {path}: {error.strerror}", hint="give a file with one name of a cell a line"
        ) from None
    return {name: place for place, name in reversed(list(enumerate(names)))}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the cells that are asked for, and bring their ops into the order of the file."""
    places = config.stash.get(CELLS, None)
    if places is None:
        return
    kept = [item for item in items if not isinstance(item, CellItem) or item.name in places]
    first: dict[str, int] = {}
    for item in kept:
        if isinstance(item, CellItem):
            op = item.cell.case.op
            first[op] = min(places[item.name], first.get(op, len(places)))
    items[:] = sorted(kept, key=lambda i: first[i.cell.case.op] if isinstance(i, CellItem) else -1)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> object:
    """Leave out a cell once the time is over."""
    last = getattr(item.config.option, "last_start", None)
    return True if last is not None and isinstance(item, CellItem) and time.time() >= last else None
