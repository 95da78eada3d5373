"""How far a run is, for who watches it: a block that updates itself in a terminal, one line a minute in a log."""

from __future__ import annotations

import textwrap
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from harness.text import clip, duration

BLOCK_SECONDS = 1.0
"""Seconds between two updates of the block in a terminal."""
LINE_SECONDS = 60.0
"""Seconds between two lines in a log."""
SLOW_SECONDS = 5.0
"""A cell that has run for fewer seconds is not named."""
_HEAD = "opcov  "
"""What the first line of the block starts with."""
_UP_AND_CLEAR = "\r\x1b[{}A\x1b[J"
"""Moves the cursor up so many lines, and erases from there to the end of the screen (ECMA-48: CUU, ED)."""


@dataclass(slots=True)
class Progress:
    """What of a run is done.

    `names` are the names of the cells that this run runs, `before` is how many cells an earlier run did that this one
    goes on with. `costs` are the seconds that cells took in an earlier run, by name; empty if there was none.
    `outcomes` counts the samples by the name of their outcome; who writes the journal keeps it. `phase` says what goes
    on after the cells.
    """

    names: frozenset[str] = frozenset()
    before: int = 0
    costs: Mapping[str, float] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)
    outcomes: Counter[str] = field(default_factory=Counter)
    phase: str = ""
    _done: int = 0
    _running: dict[str, float] = field(default_factory=dict)
    _average: float = 1.0
    _cost: float = 0.0
    _cost_done: float = 0.0

    def __post_init__(self) -> None:
        known = [self.costs[name] for name in self.names if name in self.costs]
        self._average = sum(known) / len(known) if known else 1.0
        self._cost = sum(map(self._cost_of, self.names))

    def _cost_of(self, name: str) -> float:
        """What the cell took in an earlier run, in seconds; that of an average cell if it is new."""
        return self.costs.get(name, self._average)

    @property
    def total(self) -> int:
        """How many cells the whole run has."""
        return self.before + len(self.names)

    @property
    def done(self) -> int:
        """How many cells are done."""
        return self.before + self._done

    @property
    def left(self) -> int:
        """How many cells are not done."""
        return self.total - self.done

    def start(self, name: str, now: float) -> None:
        """Note that a cell has started."""
        self._running[name] = now

    def end(self, name: str) -> None:
        """Note that a cell has ended."""
        self._running.pop(name, None)
        self._done += 1
        self._cost_done += self._cost_of(name)

    def lose(self, name: str) -> None:
        """Note that a cell has ended without outcomes, since the process that ran it died."""
        self._running.pop(name, None)

    def per_minute(self, now: float) -> float:
        """How many cells a minute this run has done."""
        return 60 * self._done / max(now - self.started, 1e-9)

    def seconds_left(self, now: float) -> float | None:
        """How many seconds the rest will take, by the costs of the earlier run; None while nothing is done."""
        return (self._cost - self._cost_done) * (now - self.started) / self._cost_done if self._cost_done else None

    def slowest(self, now: float) -> tuple[str, float] | None:
        """The cell that has been running for longest, with its seconds; None if none has run for long."""
        running = list(self._running.items())  # a copy: another thread adds and removes cells
        name, since = min(running, key=lambda item: item[1], default=("", now))
        return (name, now - since) if now - since >= SLOW_SECONDS else None

    def parts(self, now: float) -> list[str]:
        """What there is to say, in three parts: how far, the outcomes by name, and what is slow or goes on now."""
        left = self.seconds_left(now)
        share = self.done / self.total if self.total else 1.0
        far = [f"{self.done:,} of {self.total:,} cells ({share:.0%})", f"{self.per_minute(now):,.0f} cells/min"]
        far += [f"{duration(left)} left"] if left is not None else []
        slow = self.slowest(now)
        counts = ", ".join(f"{name} {count:,}" for name, count in self.outcomes.most_common())
        return [
            " · ".join(far),
            counts or "no outcome yet",
            f"slowest now: {slow[0]}, {slow[1]:.0f} s" if slow else self.phase,
        ]


def as_block(progress: Progress, now: float, width: int) -> list[str]:
    """The progress in two to four lines of fewer than `width` characters."""
    far, outcomes, slow = progress.parts(now)
    room = width - 1 - len(_HEAD)
    lines = [far, *textwrap.wrap(outcomes, room, max_lines=2, placeholder=" …"), *([slow] if slow else [])]
    return [f"{'' if number else _HEAD:{len(_HEAD)}}{clip(line, room)}" for number, line in enumerate(lines)]


def as_line(progress: Progress, now: float) -> str:
    """The progress in one line, which starts with the minutes and seconds since the start."""
    minutes, seconds = divmod(int(now - progress.started), 60)
    return f"opcov {minutes:02}:{seconds:02}  {' · '.join(part for part in progress.parts(now) if part)}"


class Display:
    """Shows the progress from a thread, through `write`, until it is stopped.

    In a terminal `width` gives its width, and the block is written over itself; elsewhere it is None.
    """

    def __init__(self, progress: Progress, write: Callable[[str], None], width: Callable[[], int] | None) -> None:
        self.progress = progress
        self._write = write
        self._width = width
        self._shown = 0
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="opcov-progress")

    def start(self) -> None:
        """Show the progress from now on."""
        self._thread.start()

    def _run(self) -> None:
        every = BLOCK_SECONDS if self._width else LINE_SECONDS
        while not self._ended.wait(every):
            self.show()

    def show(self) -> None:
        """Show how far the run is now."""
        now = time.monotonic()
        with self._lock:
            if self._width is None:
                self._write(as_line(self.progress, now) + "\n")
                return
            lines = as_block(self.progress, now, self._width())
            self._erase()
            self._write("\n".join(lines) + "\n")
            self._shown = len(lines)

    def clear(self) -> None:
        """Erase the block, so that something else can be written in its place."""
        with self._lock:
            self._erase()

    def stop(self) -> None:
        """Show nothing more; erase the block."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()
        self.clear()

    def _erase(self) -> None:
        if self._shown:
            self._write(_UP_AND_CLEAR.format(self._shown))
            self._shown = 0
