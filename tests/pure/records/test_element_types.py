from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.cases.sample import DtypeArg, Sample, TensorSpec
from harness.records.element_types import ElementTypes, element_types, judged, known_types, unseen
from harness.records.journal import Record
from harness.records.outcome import Crashed, Invalid, Outcome, Outside, Passed, TimedOut, Unsupported, Wrong
from tests.samples import relu
from tests.synthetic import record

TOSA = ElementTypes(types={"f32": "PRO-FP", "i32": "PRO-INT, PRO-FP", "bool": "PRO-INT"}, source="a specification")
KNOWN = known_types({"element_types": {"tosa": TOSA.json()}})
REFUSED = Unsupported("lower", "error: no f64", "torch.aten.relu")


def of(outcome: Outcome = REFUSED, sample: Sample | None = None, backend: str = "tosa", **more: Any) -> Record:
    return record(sample or relu(dtype="f64"), backend, outcome, **more)


def test_what_is_refused_or_invalid_is_outside_if_the_dialect_lacks_an_element_type_of_it() -> None:
    assert judged(of(), KNOWN).outcome == Outside("lower", "f64", "Unsupported", "error: no f64")
    invalid = judged(of(Invalid("verify", "f64 is not allowed", "right", "by x")), KNOWN).outcome
    assert invalid == Outside("verify", "f64", "Invalid", "f64 is not allowed")


@pytest.mark.parametrize(
    "outcome",
    [Passed(0.0, ("x",)), Wrong("value", "m", 0, "x"), Crashed("lower", "SIGSEGV", ""), TimedOut("lower", 30.0)],
)
def test_what_is_right_wrong_crashed_or_timed_out_stays_what_it_is(outcome: Outcome) -> None:
    assert judged(of(outcome), KNOWN).outcome == outcome


def test_an_element_type_that_the_lowering_brings_in_is_its_own_fault() -> None:
    within = of(Invalid("verify", "'tosa.cast' op ... tensor<f64>"), relu())
    assert judged(within, KNOWN) is within


def test_a_backend_whose_element_types_are_not_known_has_all() -> None:
    for backend in ("linalg", "control", "frontend"):
        assert judged(of(backend=backend), KNOWN).outcome == REFUSED
    assert judged(of(), known_types({"run": "of an older opcov"})).outcome == REFUSED
    assert judged(of(Unsupported("contract", "d", None)), KNOWN).outcome == Unsupported("contract", "d", None)


def test_attributes_and_results_count_as_inputs_do() -> None:
    within = relu()
    cast = replace(within, args={**within.args, "dtype": DtypeArg("f64"), "dim": 1, "scale": 1.5})
    assert element_types(cast) == ("f32", "f64")
    assert judged(of(sample=cast), KNOWN).outcome.lacking == "f64"  # type: ignore[union-attr]
    assert judged(of(sample=within, results=("c64", "i64")), KNOWN).outcome.lacking == "c64, i64"  # type: ignore[union-attr]
    assert judged(of(sample=within), KNOWN).outcome == REFUSED


def test_tensors_in_lists_are_inputs_too() -> None:
    spec = TensorSpec(dims=(2,), dtype="c64")
    assert element_types(replace(relu(), args={"tensors": (spec, TensorSpec(dims=(2,), dtype="f32"), spec)})) == (
        "c64",
        "f32",
    )


def test_only_the_results_that_inputs_do_not_tell_are_written_down() -> None:
    assert unseen(("f32", "i64", "i64"), relu()) == ("i64",)
    assert unseen(("f32",), relu()) == ()
