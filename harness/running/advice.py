"""About which failures of an op a second opinion is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from harness.cases.profile import Asks
from harness.cases.sample import Mode, Sample
from harness.judging.opinion import may_have_one
from harness.records.outcome import Result

from .memory import Memory


class Ask(Protocol):
    """Asks for a second opinion on a sample that failed on a backend."""

    def __call__(self, sample: Sample, backend: str, failed: Result) -> Result:
        """The result with the opinion; it has passed if the opinion clears it."""


@dataclass(frozen=True, slots=True)
class Advice:
    """Asks for opinions so often.

    `once` is about the first sample of each way in which an op fails in a mode. Where the opinion is that the module is
    right, all samples that fail in that way in any mode are asked about from then on.
    """

    ask: Ask
    often: Asks

    def on(self, result: Result, sample: Sample, backend: str, mode: Mode, known: Memory) -> Result:
        """The result of a sample, with a second opinion where one is wanted and can be had."""
        if self.often == "never" or not result.advisers or not may_have_one(result.outcome):
            return result
        if self.often == "once" and not known.wants_opinion(result.outcome, backend, mode):
            return result
        return self.ask(sample, backend, result)
