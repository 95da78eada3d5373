"""How long a command may take: `--budget 20m`."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from math import inf

from harness.errors import OpcovError

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True)
class Budget:
    """So many seconds of wall time from now on; without a limit by default."""

    seconds: float = inf
    _started: float = field(default_factory=time.monotonic)

    def left(self, share: float = 1.0) -> float:
        """The seconds that are left of this share of the budget; below 0 where it is spent."""
        return self.seconds * share - (time.monotonic() - self._started)


def budget(text: str) -> Budget:
    """The budget that a text such as `90s`, `20m`, `5h` or `1h30m` names, which starts now; raises OpcovError."""
    if not re.fullmatch(r"(\d+(\.\d+)?[smh])+", text):
        raise OpcovError(f"--budget {text} is no duration", hint="write 90s, 20m, 5h or 1h30m")
    return Budget(sum(float(number) * UNITS[unit] for number, unit in re.findall(r"([\d.]+)([smh])", text)))
