"""The header of a run's journal: what was asked for, and what is missing; what is loaded, workers tell later."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from harness.cases.draw import profile
from harness.programs import plugins
from harness.records.fingerprint import fingerprint
from harness.records.toolchain import toolchain

from .options import SUITES, is_thorough, selection

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


def header(config: pytest.Config, absent: Mapping[str, str], started: float) -> dict[str, Any]:
    """The header of a run that started at this Unix time and does without the executors that are absent."""
    moment = datetime.fromtimestamp(started, UTC)
    present = [name for name in plugins.names(plugins.EXECUTORS) if name not in absent]
    return {
        "run": f"{moment:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}",
        "started": moment.isoformat(timespec="seconds"),
        "toolchain": {
            **toolchain(),
            "code": fingerprint(SUITES.parent, *(f"{folder}/**/*.py" for folder in DECIDING)),
            "executors": ", ".join(present),
            "absent": dict(absent),
        },
        "frontend": True,
        "options": _options(config),
        "seed": config.option.seed,
    }


def _options(config: pytest.Config) -> dict[str, Any]:
    option = config.option
    wanted = selection(config)
    return {
        "torch_mlir": option.torch_mlir,
        "profile": option.profile,
        "sampling": profile(option.profile).says(),
        "samples": option.samples,
        "thorough": is_thorough(config),
        "ops": list(wanted.ops),
        "backends": list(wanted.backends or plugins.columns(plugins.BACKENDS)),
        "modes": list(wanted.modes),
        "dtypes": list(wanted.dtypes),
        "keyword": option.keyword,
        "sample_seconds": option.sample_seconds,
        "sample_memory": option.sample_memory,
    }
