"""What the supervisor asks of its worker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One sample to be run on one backend.

    `sample` is the sample as JSON values. `show` asks for the IR of each stage, `find_pass` for the first pass after
    which a wrong result is wrong. `died` says what an earlier worker died of in execution: then the isolated executors
    alone are asked.
    """

    op: str
    sample: Mapping[str, Any]
    backend: str
    show: bool = False
    find_pass: bool = False
    died: str | None = None
