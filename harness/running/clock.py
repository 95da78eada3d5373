"""Which stage a sample is in, and how many seconds each stage took."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from harness.records.outcome import Stage

Entered = Stage | Literal["", "reference"]


@dataclass(slots=True)
class Clock:
    """Times the stages of one sample; `notify` is called with each stage as it is entered."""

    notify: Callable[[Stage], None]
    seconds: dict[str, float] = field(default_factory=dict)
    on: Entered = ""
    since: float = 0.0

    def enter(self, stage: Entered) -> None:
        """Leave the current stage and enter this one: "" for none, "reference" for what eager takes."""
        now = time.perf_counter()
        if self.on:
            self.seconds[self.on] = self.seconds.get(self.on, 0.0) + now - self.since
        self.on, self.since = stage, now
        if stage != "" and stage != "reference":
            self.notify(stage)

    @property
    def stage(self) -> Stage:
        """The stage that a failure is recorded at: `export` for what happens before it."""
        return "export" if self.on == "" or self.on == "reference" else self.on
