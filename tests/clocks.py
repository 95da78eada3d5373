"""A clock that only moves when a test moves it."""

from __future__ import annotations

import time
from dataclasses import dataclass

import pytest


@dataclass
class FakeClock:
    """Stands in for `time.monotonic`; `now` is in seconds."""

    now: float = 1000.0

    @classmethod
    def installed(cls, monkeypatch: pytest.MonkeyPatch) -> FakeClock:
        """A fake clock that everybody reads until the test ends."""
        clock = cls()
        monkeypatch.setattr(time, "monotonic", lambda: clock.now)
        return clock
