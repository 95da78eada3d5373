"""What the history keeps of a run: which compiler it was, of what day, and what was sampled."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from harness.records.toolchain import COMPILERS, DIGITS, Loaded, Package, compilers, loaded_restore
from reports.index.history import PastRun
from reports.index.index import Run

_VERSION = re.compile(r"(20\d\d)\.?(\d\d?)\.?(\d\d?)\b")
"""A version that is a day, as nightly wheels have: 20261001, 2026.8.1."""


def past(run: Run, day: str = "") -> PastRun:
    """What the history keeps of a run.

    `day` is that of its compiler, ISO 8601. By default it is the one in the version of torch-mlir, or else that of the
    run.
    """
    loaded = loaded_restore(run.toolchains[-1]) if run.toolchains else Loaded()
    compiler = loaded.packages.get("torch_mlir")
    started = str(run.header.get("started", ""))
    return PastRun(
        name=str(run.header.get("run", "")),
        date=day or (day_of(compiler.version) if compiler else "") or started[:10],
        started=started,
        label=_label(compiler),
        compiler=", ".join(compilers(loaded)) or "a compiler that the journal does not name",
        identity=" ".join("|".join(loaded.packages[key].identity) for key in COMPILERS if key in loaded.packages),
        code=str(run.header.get("toolchain", {}).get("code", "")),
        sampling=sampling(run.header),
        executors=tuple(loaded.executors),
        cells=run.cells,
    )


def sampling(header: Mapping[str, Any]) -> str:
    """What a run sampled: profile, source and seed."""
    options = header.get("options", {})
    return f"{options.get('profile')}, {options.get('samples', 'census')}, seed {header.get('seed')}"


def day_of(version: str) -> str:
    """The day that a version is, ISO 8601; "" if it is none."""
    found = _VERSION.match(version)
    try:
        return date(*map(int, found.groups())).isoformat() if found else ""
    except ValueError:
        return ""


def _label(compiler: Package | None) -> str:
    if compiler is None:
        return "an unknown compiler"
    if compiler.distribution:
        return f"{compiler.distribution} {compiler.version}"
    return f"torch_mlir {compiler.revision or compiler.sha256[:DIGITS] or compiler.path}"
