"""The header of a run's journal: what was asked for, and what is missing; what is loaded, workers tell later."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.programs import plugins
from harness.records.fingerprint import fingerprint
from harness.records.toolchain import toolchain

ROOT = Path(__file__).parents[2]
DECIDING = (
    "backends",
    "harness/cases",
    "harness/judging",
    "harness/programs",
    "harness/records",
    "harness/running",
    "op_suites",
)
"""The folders whose code decides what is measured."""


def run_header(options: Mapping[str, Any], seed: int, absent: Mapping[str, str], started: float) -> dict[str, Any]:
    """The header of a run that started at this Unix time and does without the executors that are absent."""
    moment = datetime.fromtimestamp(started, UTC)
    present = [name for name in plugins.executor_names() if name not in absent]
    return {
        "run": f"{moment:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}",
        "started": moment.isoformat(timespec="seconds"),
        "toolchain": {
            **toolchain(),
            "code": fingerprint(ROOT, *(f"{folder}/**/*.py" for folder in DECIDING)),
            "executors": ", ".join(present),
            "absent": dict(absent),
        },
        "frontend": True,
        "options": options,
        "seed": seed,
    }
