"""Inputs that decide a result themselves: a roundoff away from a discontinuity, or with a NaN whose payload shows."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from harness.cases.literal import literal
from harness.cases.numeric import EXACT, Numeric, Ulp
from harness.cases.sample import DtypeArg, Sample, TensorSpec
from harness.judging.discontinuity import at_discontinuity, is_on_edge
from harness.judging.reference import eager_results, runs, wide_results
from harness.judging.tolerance import bounded
from tests.samples import relu


def sample(op: str, **more: object) -> Sample:
    self = TensorSpec(dims=(4,), dtype="f32", seed=1)
    return Sample(op=op, dtype="f32", mode="static", sizes={}, args={"self": self, **more}, runs=({},))


def is_excused(of: Sample, values: list[float], actual: torch.Tensor, numeric: Numeric = EXACT) -> bool:
    """Whether a wrong result for these values counts as the fault of the values."""
    args = (torch.tensor(values),)
    eager = eager_results(of)(args)
    (want,) = bounded(numeric, {}, eager, lambda *a: wide_results(of)(a), args)
    return at_discontinuity(of, args, 0, actual, want, "linalg")


def test_floor_just_below_an_integer_is_at_a_discontinuity() -> None:
    just_below = float(torch.nextafter(torch.tensor(3.0), torch.tensor(0.0)))
    values = [just_below, 0.5, -1.5, 7.25]
    assert is_excused(sample("aten.floor.default"), values, torch.tensor([3.0, 0.0, -2.0, 7.0]))


def test_floor_elsewhere_is_not_at_a_discontinuity() -> None:
    assert not is_excused(sample("aten.floor.default"), [2.5, 0.5, -1.5, 7.25], torch.tensor([3.0, 0.0, -2.0, 7.0]))


def test_one_wrong_element_away_from_a_discontinuity_is_the_backends_fault() -> None:
    just_below = float(torch.nextafter(torch.tensor(3.0), torch.tensor(0.0)))
    values = [just_below, 0.5, -1.5, 7.25]
    assert not is_excused(sample("aten.floor.default"), values, torch.tensor([3.0, 0.0, -2.0, 8.0]))


def test_steepness_is_no_discontinuity() -> None:
    """The sine of 1e6 changes much with a roundoff of its input, and still has one right value."""
    x = torch.tensor([1e6, 2e6, 3e6, 4e6])
    moved = (x.double() * (1 + 2**-23)).sin().float()
    assert not is_excused(sample("aten.sin.default"), x.tolist(), moved, Ulp(4))


def test_a_jump_of_a_rounded_result_is_a_discontinuity() -> None:
    """`x % 1` is nearly 1 just below 1, and nearly 0 just above."""
    just_below = 1 - 2**-24
    of = sample("aten.remainder.Scalar", other=1.0)
    values = [just_below, 0.25, 0.5, 1.75]
    assert is_excused(of, values, torch.tensor([2**-24, 0.25, 0.5, 0.75]), Ulp(4))


@pytest.mark.parametrize("lies", [False, True])
def test_a_result_that_shows_a_nans_payload_is_not_the_backends_fault(lies: bool) -> None:
    of = sample("aten.view.dtype", dtype=DtypeArg("i32"))
    values = [math.nan, 1.0, 2.0, 3.0]
    actual = torch.tensor(values).view(torch.int32).clone()
    actual[0] ^= 1
    actual[1] += lies
    assert is_excused(of, values, actual) is not lies


def test_wrong_results_of_relu_are_the_backends_fault() -> None:
    of = relu(8, values="nonfinite")
    (run,) = runs(of, EXACT)
    assert not at_discontinuity(of, run.inputs, 0, -run.outputs[0].eager, run.outputs[0], "linalg")


def lies_on_edge(op: str, *values: float, **more: object) -> bool:
    self = TensorSpec(dims=(len(values),), dtype="f32", fill=literal(values, "f32"))
    of = Sample(op=op, dtype="f32", mode="static", sizes={}, args={"self": self, **more}, runs=({},))
    return is_on_edge(of, runs(of, EXACT)[0])


@pytest.mark.parametrize(
    ("op", "values", "more"),
    [
        ("aten.floor.default", (0.5, 3.0), {}),
        ("aten.round.default", (0.25, 2.5), {}),
        ("aten.gt.Scalar", (1.0, 2.0), {"other": 2.0}),
        ("aten._to_copy.default", (0.5, 3.0), {"dtype": DtypeArg("i32")}),
    ],
)
def test_a_jump_and_a_tie_that_a_roundoff_breaks_are_edges(op: str, values: tuple[float, ...], more: Any) -> None:
    assert lies_on_edge(op, *values, **more)


@pytest.mark.parametrize(
    ("op", "values", "more"),
    [
        ("aten.floor.default", (0.5, 2.5, -1.25, math.nan, math.inf), {}),
        ("aten.relu.default", (0.0, -1.0, 2.0), {}),
        ("aten.abs.default", (0.0, -0.0, 3.0), {}),
        ("aten.gt.Scalar", (1.0, 2.5), {"other": 2.0}),
        ("aten.argmax.default", (1.0, 2.0, 2.0), {}),
        ("aten.sin.default", (1e6, 0.0, 3.25), {}),
        ("aten.reciprocal.default", (1e-30, 0.0), {}),
        ("aten.sum.default", (1e8, 1.0, -1e8), {}),
    ],
)
def test_steep_and_kinked_functions_and_ties_that_stay_are_none(op: str, values: tuple[float, ...], more: Any) -> None:
    assert not lies_on_edge(op, *values, **more)
