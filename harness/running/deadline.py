"""How long the parent waits for a sample: the limit of the whole, and a shorter one for stages that hung before."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.records.outcome import STAGES, NotRun, Stage, TimedOut

SHARE = 0.1
"""The share of the deadline that a stage has after another sample of the op hung there."""
REFERENCE = "reference"
"""The key of the seconds that a sample takes before its first stage."""


@dataclass(slots=True)
class Deadline:
    """The time that one sample has, from now on, and where it was spent.

    `seconds` is the wall time of all stages together. A stage of `short` has `SHARE` of it, counted from when the
    sample enters the stage, and in total if it enters it more than once; the values are the ids of the samples that
    hung there.
    """

    seconds: float
    short: Mapping[Stage, str] = field(default_factory=dict)
    stage: Stage | None = None
    _spent: dict[str, float] = field(default_factory=dict)
    _started: float = 0.0
    _entered: float = 0.0
    _executed: bool = False

    def __post_init__(self) -> None:
        self._started = self._entered = time.monotonic()

    def enter(self, stage: Stage) -> None:
        """Note that the sample has left its stage and entered this one.

        What is asked of an earlier stage once the code was executed, to find out who is at fault, counts as execution:
        the code may have damaged the process by then.
        """
        if self._executed and STAGES.index(stage) < STAGES.index("execute"):
            stage = "execute"
        self._executed = self._executed or stage == "execute"
        self._spent, self._entered, self.stage = self.spent(), time.monotonic(), stage

    def spent(self) -> dict[str, float]:
        """The seconds in each stage so far, and before the first one."""
        key = self.stage or REFERENCE
        return self._spent | {key: self._spent.get(key, 0.0) + time.monotonic() - self._entered}

    def left(self) -> float:
        """How many seconds the parent still waits; 0 if the time is up."""
        return max(0.0, min(self._end(), self._end_of_stage()) - time.monotonic())

    def outcome(self) -> TimedOut | NotRun:
        """The outcome of a sample whose time is up: `NotRun` if its stage had less than the whole."""
        if self.stage and self.stage in self.short and self._end_of_stage() < self._end():
            return NotRun(self.stage, self.seconds * SHARE, self.short[self.stage])
        return TimedOut(self.stage or STAGES[0], self.seconds)

    def _end(self) -> float:
        return self._started + self.seconds

    def _end_of_stage(self) -> float:
        if not self.stage or self.stage not in self.short:
            return self._end()
        return self._entered + self.seconds * SHARE - self._spent.get(self.stage, 0.0)
