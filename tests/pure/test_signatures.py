"""The comparison of two runs by what became of each sample."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from harness.records.journal import dumped
from harness.records.outcome import Crashed, Outcome, Unsupported
from tests.signatures import differences, found
from tests.synthetic import record, sample

SAMPLE = sample("aten.relu.default", "f32", "static", (2, 3))


def journal(path: Path, *outcomes: tuple[str, Outcome]) -> Path:
    lines: list[Any] = [json.dumps({"kind": "header", "schema": 1, "run": path.name})]
    lines += [dumped(record(SAMPLE, backend, outcome)) for backend, outcome in outcomes]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def test_messages_count_only_if_asked_for(tmp_path: Path) -> None:
    one = journal(tmp_path / "a", ("tosa", Unsupported("lower", "error: no, %12", "torch.aten.relu")))
    other = journal(tmp_path / "b", ("tosa", Unsupported("lower", "error: no, %15", "torch.aten.relu")))
    assert list(differences(found(one), found(other))) == []
    ((key, before, after),) = differences(found(one, diagnostics=True), found(other, diagnostics=True))
    assert key[:2] == ("aten.relu.default", "tosa-static-f32")
    assert before.endswith("%12")
    assert after.endswith("%15")


def test_another_signal_and_a_missing_sample_are_differences(tmp_path: Path) -> None:
    one = journal(tmp_path / "a", ("tosa", Crashed("lower", "SIGSEGV", "")), ("linalg", Crashed("lower", "SIGFPE", "")))
    other = journal(tmp_path / "b", ("tosa", Crashed("lower", "SIGABRT", "")))
    said = [(before, after) for _, before, after in differences(found(one), found(other))]
    assert said == [
        ("Crashed at lower: SIGSEGV", "Crashed at lower: SIGABRT"),
        ("Crashed at lower: SIGFPE", "not there"),
    ]
