"""Since when: in which compiler a cell became worse, better or otherwise different, as far as runs were recorded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any, Literal

from harness.records.entry import Entry
from harness.text import clip, plural
from reports.index.history import History, PastRun

from .drift import drift

Kind = Literal["worse", "better", "changed"]
KINDS: tuple[Kind, ...] = ("worse", "better", "changed")
_SHOWN = 12
"""The most lines of events that are alike."""
_CELLS = 60
"""The most characters of the list of an event's cells."""


@dataclass(frozen=True, slots=True)
class Event:
    """A cell that came out otherwise in `run` than in the run before that had the same samples of it."""

    kind: Kind
    before: PastRun
    run: PastRun
    old: Entry
    new: Entry

    @property
    def since(self) -> str:
        """What the cell is since when, and what it was before: `wrong since torch-mlir 20261001, pass before (...)`."""
        same = self.old.end.verdict == self.new.end.verdict
        new = f"{self.new.end.verdict} in another way" if same else self.new.end.verdict
        return f"{new} since {self.run.label}, {self.old.end.verdict} before ({self.before.label}){self._doubt}"

    @property
    def _doubt(self) -> str:
        """What else than the compiler must have changed, where that is the same."""
        if self.before.identity != self.run.identity:
            return ""
        cause = "opcov has changed" if self.before.code != self.run.code else "not the same each time"
        return f"; the same compiler: {cause}"

    def json(self) -> dict[str, Any]:
        """The event as JSON values."""
        cell = {"op": self.new.op, "backend": self.new.backend, "mode": self.new.mode, "dtype": self.new.dtype}
        sides = (("before", self.before, self.old), ("since", self.run, self.new))
        found = {
            side: {"run": run.name, "date": run.date, "compiler": run.compiler, "end": entry.end.words()}
            for side, run, entry in sides
        }
        return {"kind": self.kind, **cell, **found, "same_compiler": self.before.identity == self.run.identity}


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """The events of a history, newest first; `runs` are all that were recorded, and `cells` is how many were looked at.

    `undecided` counts the changes that time, memory, opcov or an executor may explain, which are no events.
    """

    runs: tuple[PastRun, ...]
    cells: int
    events: tuple[Event, ...]
    undecided: int = 0

    def text(self, *, limit: int | None = _SHOWN) -> str:
        """The answer in one line, then the events by run, of those that are alike at most `limit` lines."""
        blocks = [self._headline()]
        for run, of in groupby(self.events, key=lambda event: event.run):
            blocks.append(f"{run.date}  {run.compiler}")
            for (kind, since), alike in _groups(list(of)).items():
                ops = plural(len({event.new.op for event in alike}), "op")
                head = f"  {kind}: {since}: {plural(len(alike), 'cell')} [{ops}]"
                lines = list(_lines(alike))
                more = (
                    f"    and {plural(len(lines) - limit, 'more line')}: add --all"
                    if limit and len(lines) > limit
                    else ""
                )
                blocks.append("\n".join(filter(None, (head, *lines[:limit], more))))
        if self.undecided:
            blocks.append(f"{plural(self.undecided, 'change')} left out: time, memory or an executor may explain them")
        return "\n\n".join(blocks)

    def _headline(self) -> str:
        if not self.runs:
            return "history: no run is recorded; opcov record JOURNAL adds one"
        counts = Counter(event.kind for event in self.events)
        said = ", ".join(f"{counts[kind]:,} {kind}" for kind in KINDS if counts[kind]) or "no change"
        compilers = len({run.identity for run in self.runs})
        over = f"{plural(len(self.runs), 'run')} of {plural(compilers, 'compiler')}"
        return (
            f"history: {said} in {plural(self.cells, 'cell')}, over {over}, {self.runs[0].date} to {self.runs[-1].date}"
        )

    def json(self) -> dict[str, Any]:
        """The same as JSON values."""
        runs = [{"run": run.name, "date": run.date, "compiler": run.compiler, "cells": run.cells} for run in self.runs]
        events = [event.json() for event in self.events]
        return {"runs": runs, "cells": self.cells, "events": events, "undecided": self.undecided}


def events(history: History, takes: Callable[[Entry], bool] = lambda _: True) -> Events:
    """The events of the cells that `takes` selects by one of their entries."""
    runs = history.runs()
    found: list[Event] = []
    cells = undecided = 0
    for of in history.cells():
        if any(map(takes, of.values())):
            changes = list(_changes(of, runs))
            cells += 1
            found += [event for event in changes if event is not None]
            undecided += changes.count(None)
    order = {run.name: number for number, run in enumerate(runs)}
    found.sort(key=lambda e: (-order[e.run.name], KINDS.index(e.kind), e.new.name))
    return Events(runs=runs, cells=cells, events=tuple(found), undecided=undecided)


def _changes(of: Mapping[str, Entry], runs: Sequence[PastRun]) -> Iterator[Event | None]:
    """The changes of one cell, None for one that is undecided. Runs with other samples of it are not compared."""
    series: dict[str, list[PastRun]] = {}
    for run in runs:
        if run.name in of:
            series.setdefault(of[run.name].census, []).append(run)
    for same in series.values():
        for before, run in pairwise(same):
            old, new = of[before.name], of[run.name]
            if old is new:  # as it is for most
                continue
            change = drift(old, new, set(before.executors) ^ set(run.executors))
            if change and change.kind in KINDS:
                yield Event(change.kind, before, run, old, new)
            elif change and change.kind == "undecided":
                yield None


def _groups(of: Sequence[Event]) -> Mapping[tuple[str, str], list[Event]]:
    """The events of one run by what has happened: kind, and since when."""
    found: dict[tuple[str, str], list[Event]] = {}
    for event in of:
        found.setdefault((event.kind, event.since), []).append(event)
    return found


def _lines(of: Sequence[Event]) -> Iterator[str]:
    """The cells of events that are alike, those of an op and a backend in one line."""
    found: dict[tuple[str, str], list[str]] = {}
    for event in of:
        found.setdefault((event.new.op, event.new.backend), []).append(f"{event.new.mode}-{event.new.dtype}")
    for (op, backend), cells in found.items():
        yield f"    {op} on {backend} [{clip(', '.join(cells), _CELLS)}]"
