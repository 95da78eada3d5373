from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from harness.cases.sample import Fill, Sample, TensorSpec
from harness.records.journal import Record
from harness.records.outcome import Crashed, Outcome, Unsupported, Wrong
from harness.records.severity import EXCUSES, SEVERITIES, excuses, severity
from tests.samples import dynamic, relu

WRONG = Wrong("value", "m", 0, "x")


def record(sample: Sample | None, outcome: Outcome = WRONG, **more: Any) -> Record:
    mode, dtype = (sample.mode, sample.dtype) if sample else ("static", "f32")
    return Record(op="o", family="f", backend="b", mode=mode, dtype=dtype, outcome=outcome, sample=sample, **more)


def test_excuses_are_the_milder_severities() -> None:
    assert SEVERITIES[2:] == EXCUSES


@pytest.mark.parametrize(
    ("sample", "expected"),
    [
        (relu(3), "ordinary"),
        (relu(3, values="above"), "ordinary"),
        (relu(3, values="extreme"), "ends"),
        (relu(3, values="nonfinite"), "nonfinite"),
        (relu(3, 1), "degenerate"),
        (relu(0, 3), "degenerate"),
        (replace(relu(3), args={"self": TensorSpec(dims=(), dtype="f32")}), "degenerate"),
        (relu(3, dtype="f64"), "rare"),
        (replace(relu(3), args={"self": TensorSpec(dims=(3,), dtype="u8")}), "rare"),
        (replace(relu(3), args={**relu(3).args, "other": math.nan}), "nonfinite"),
        (relu(1, dtype="f64", values="nonfinite"), "rare"),
        (relu(1, values="nonfinite"), "degenerate"),
    ],
)
def test_a_failing_sample_has_the_mildest_severity_that_explains_it(sample: Sample, expected: str) -> None:
    assert severity(record(sample), None) == expected


def test_the_plain_call_is_worst_whatever_it_has() -> None:
    assert severity(record(relu(3, dtype="c64"), plain=True), None) == "plain"


def test_without_a_sample_nothing_is_known() -> None:
    assert severity(record(None), None) == "ordinary"


def test_all_excuses_are_found() -> None:
    assert excuses(record(relu(1, dtype="f64", values="extreme")), None) == ("ends", "degenerate", "rare")


@pytest.mark.parametrize(("size", "expected"), [(0, "degenerate"), (1, "degenerate"), (5, "ordinary")])
def test_a_dynamic_sample_is_judged_at_the_size_at_which_it_is_wrong(size: int, expected: str) -> None:
    wrong = replace(WRONG, sizes={"n": size})
    assert severity(record(dynamic("o", 0, 5), wrong), None) == expected


def test_where_that_size_is_not_known_all_sizes_count() -> None:
    assert severity(record(dynamic("o", 0, 5), Crashed("execute", "SIGSEGV", "")), None) == "degenerate"
    assert severity(record(dynamic("o", 7, 5), Crashed("execute", "SIGSEGV", "")), None) == "ordinary"


def test_what_is_lowered_fails_at_the_sizes_of_the_export() -> None:
    assert severity(record(dynamic("o", 0, 5), Unsupported("lower", "no", None)), None) == "ordinary"


def test_a_size_that_the_plain_call_has_too_is_no_excuse() -> None:
    plain = replace(
        relu(3), args={"self": TensorSpec(dims=(3,), dtype="f32"), "g": TensorSpec(dims=(3, 1), dtype="f32")}
    )
    failing = replace(
        plain, args={**plain.args, "g": TensorSpec(dims=(3, 1), dtype="f32", fill=Fill(values="extreme"))}
    )
    assert severity(record(failing), plain) == "ends"
    assert severity(record(failing), None) == "degenerate"
