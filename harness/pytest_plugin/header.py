"""The header of the main job's journal: what its options ask for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from harness.cases.profile import profile
from harness.cases.sample import MODES
from harness.running.run_header import run_header

from .options import columns, is_thorough, opinions, selection
from .replay import REPLAY


def header(config: pytest.Config, absent: Mapping[str, str], started: float) -> dict[str, Any]:
    """The header of a run that started at this Unix time and does without the executors that are absent."""
    return run_header(_options(config), config.option.seed, absent, started)


def _options(config: pytest.Config) -> dict[str, Any]:
    option = config.option
    wanted = selection(config)
    return {
        "torch_mlir": option.torch_mlir,
        "profile": option.profile,
        "sampling": profile(option.profile).says(),
        "samples": option.samples,
        "thorough": is_thorough(config),
        "opinions": opinions(config),
        "ops": list(wanted.ops),
        "backends": wanted.possible("backend", wanted.backends or columns(config)),
        "modes": wanted.possible("mode", wanted.modes or MODES) if wanted.where else list(wanted.modes),
        "dtypes": list(wanted.dtypes),
        "where": option.where,
        "replay": config.stash[REPLAY].header.get("run") if option.replay else None,
        "cells": option.cells,
        **({"roads": list(map(str, wanted.roads))} if wanted.roads else {}),
        "keyword": option.keyword,
        "sample_seconds": option.sample_seconds,
        "sample_memory": option.sample_memory,
    }
