"""How much of each backend was right in each run that was recorded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.records.entry import Entry
from harness.records.expectation import CONTROL
from reports.fold.past import sampling
from reports.index.history import History, PastRun, open_history

_LEAST = 0.5
"""A run with a smaller share of the cells of the largest run is of some ops, and no point of a trend."""


@dataclass(frozen=True, slots=True)
class Point:
    """What one run shows of a backend: how many samples are right, of how many, in the cells that all runs have."""

    run: PastRun
    passed: int
    total: int

    @property
    def share(self) -> float:
        """The share of samples that are right, 0 to 1."""
        return self.passed / self.total if self.total else 0.0


@dataclass(frozen=True, slots=True)
class Trend:
    """The points of a backend, those of the oldest compiler first."""

    backend: str
    points: tuple[Point, ...]


def load(path: Path, header: Mapping[str, Any]) -> tuple[Trend, ...]:
    """The trends of a history's file over the runs that sampled as the one with this header; none if there is no file.

    Raises BadHistory.
    """
    if not path.exists():
        return ()
    with open_history(path) as history:
        return trends(history, sampling(header))


def trends(history: History, sampled: str) -> tuple[Trend, ...]:
    """The trend of each backend over the runs that sampled in this way; none if there are fewer than two such runs."""
    alike = [run for run in history.runs() if run.sampling == sampled]
    largest = max((run.cells for run in alike), default=0)
    runs = [run for run in alike if run.cells >= _LEAST * largest]
    if len(runs) < 2:
        return ()
    counts: dict[str, dict[str, list[int]]] = defaultdict(lambda: {run.name: [0, 0] for run in runs})
    for of in history.cells():
        _count(of, runs, counts)
    return tuple(
        Trend(backend, tuple(Point(run, *by_run[run.name]) for run in runs)) for backend, by_run in counts.items()
    )


def _count(of: Mapping[str, Entry], runs: Sequence[PastRun], counts: dict[str, dict[str, list[int]]]) -> None:
    """Add a cell, if each run has it with the same samples."""
    if any(run.name not in of for run in runs) or len({of[run.name].census for run in runs}) > 1:
        return
    for run in runs:
        entry = of[run.name]
        if entry.backend != CONTROL:
            into = counts[entry.backend][run.name]
            into[0] += entry.end.passed
            into[1] += entry.end.total
