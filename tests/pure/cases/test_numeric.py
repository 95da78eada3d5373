"""Numeric classes as data: the error of a composition, the length of a sum, the accuracies that are specified."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.cases.dtypes import BF16, DTYPES, F32, F64
from harness.cases.libm import USUAL, libm
from harness.cases.numeric import (
    EXACT,
    ROUNDED,
    Composite,
    Distribution,
    Linear,
    Numeric,
    Over,
    ShapeOnly,
    Stated,
    Transcendental,
    Ulp,
    of_sample,
    roundoffs,
    terms,
)
from harness.cases.sample import Sample, SizeOf, TensorSpec
from harness.judging.spec_accuracy import SPEC_ACCURACY, spec_accuracy
from op_suites import catalog

SIZES = {"n": 2, "c": 3, "x": 5}
SOFTMAX = Composite((ROUNDED, Transcendental("exp", 4), Linear((Over(),)), ROUNDED))
CASES = [case for cases in catalog().values() for case in cases]


def sample(**args: Any) -> Sample:
    tensor = TensorSpec(dims=("n", "c", "x", 7), dtype="f32")
    return Sample(op="aten.sum.dim_IntList", dtype="f32", mode="static", sizes=SIZES, args={"self": tensor, **args})


def resolved(numeric: Numeric, **args: Any) -> Any:
    return of_sample(numeric, sample(**args))


@pytest.mark.parametrize(
    ("part", "count"),
    [(Ulp(3), 3), (Transcendental("exp", 4), 4), (Stated(9, "so"), 9), (Linear(("c", "x")), 17), (Linear((2, "n")), 6)],
)
def test_a_part_is_off_by_its_own_class(part: Any, count: float) -> None:
    assert roundoffs(part, SIZES) == count


@pytest.mark.parametrize(
    ("dim", "count"), [(1, 3), (-2, 5), ((0, -1), 14), ((), 210), (None, 210), (0, 2), ((2, 0, 1), 30)]
)
def test_a_length_is_that_of_the_dims_that_an_argument_names(dim: Any, count: int) -> None:
    assert terms(resolved(Linear((Over(),)), dim=dim).length, SIZES) == count
    assert sum(roundoffs(part, SIZES) for part in resolved(SOFTMAX, dim=dim).parts) == 1 + 4 + (count + 2) + 1


def test_a_length_may_be_of_all_dims_whatever_the_arguments_say() -> None:
    assert terms(resolved(Linear((Over(None),)), dim=1).length, SIZES) == 210


def test_a_length_follows_the_sizes_of_the_run() -> None:
    assert terms(resolved(Linear((Over(),)), dim=1).length, {**SIZES, "c": 100}) == 100


def test_sizes_given_as_an_argument_are_the_length() -> None:
    over = Linear((Over("normalized_shape", sizes=True),))
    assert terms(resolved(over, normalized_shape=(SizeOf("x"), 7)).length, SIZES) == 35


def test_a_scalar_has_one_term() -> None:
    scalar = replace(sample(dim=-1), args={"self": TensorSpec(dims=(), dtype="f32"), "dim": -1})
    found: Any = of_sample(Linear((Over(),)), scalar)
    assert terms(found.length, SIZES) == 1


def test_a_sample_chosen_elsewhere_has_the_dims_that_arguments_name_and_no_others() -> None:
    other = replace(sample(dim=1), origin="opinfo")
    found: Any = of_sample(SOFTMAX, other)
    assert found.parts[2] == Linear(("c",))
    named: Any = of_sample(Composite((Linear(("k",)),), least=1.0), other)
    assert named == Composite((Linear((7,)),), least=1.0)  # the longest dim
    assert of_sample(Linear(("k",)), other) == Linear((210,))
    assert isinstance(of_sample(Distribution(0, 1, 0.5, 0.1), other), ShapeOnly)


@pytest.mark.parametrize("dim", [4, -5, (0, 9)])
def test_a_call_that_eager_must_refuse_may_name_a_dim_that_the_tensor_lacks(dim: Any) -> None:
    assert resolved(Linear((Over(),)), dim=dim).length == (("n",) if dim == (0, 9) else ("n", "c", "x", 7))
    none = replace(sample(dim=0), args={"tensors": (), "dim": 0})
    assert of_sample(Linear((Over(),)), none) == Linear(())


def test_an_explicit_sample_may_name_the_dims_of_a_length() -> None:
    named = replace(sample(dim=1), origin="explicit")
    assert of_sample(Linear(("c",)), named) == Linear(("c",))
    assert of_sample(Linear(("k",)), named) == Linear((210,))


def test_a_class_names_itself() -> None:
    assert str(SOFTMAX) == "composite(ulp(1) + exp(4) + linear(|dim|) + ulp(1))"
    assert str(Composite((Ulp(2),), least=1.0)) == "composite(ulp(2)) of 1 at least"
    assert [str(n) for n in (EXACT, Ulp(0.5), Linear((2, "k")))] == ["exact", "ulp(0.5)", "linear(2*k)"]


@pytest.mark.parametrize("dialect", ["linalg", "stablehlo", "eager", ""])
def test_only_tosa_promises(dialect: str) -> None:
    assert spec_accuracy(dialect, "exp", F32) is None
    assert spec_accuracy("tosa", "exp", F32) is not None


def test_nothing_is_promised_of_what_tosa_has_not() -> None:
    assert spec_accuracy("tosa", "exp", F64) is None
    assert spec_accuracy("tosa", "exp", DTYPES["c64"]) is None
    assert spec_accuracy("tosa", "asinh", F32) is None
    assert spec_accuracy("tosa", "exp", BF16) is not None


def test_every_promise_is_that_of_some_case() -> None:
    functions = {case.numeric.function for case in CASES if isinstance(case.numeric, Transcendental)}
    assert not {name for promised in SPEC_ACCURACY.values() for name in promised} - functions


def test_what_is_stated_by_hand_says_why() -> None:
    stated = [
        part
        for case in CASES
        if isinstance(case.numeric, Composite)
        for part in case.numeric.parts
        if isinstance(part, Stated)
    ]
    assert stated
    assert all(len(part.why.split()) > 5 for part in stated)


def test_a_libms_budget_is_the_usual_one_unless_said_otherwise() -> None:
    assert libm("exp") == Transcendental("exp", USUAL)
    assert libm("erfc").n > USUAL
