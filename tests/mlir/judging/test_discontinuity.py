"""Inputs on an edge: a roundoff away from a jump, or with a NaN whose payload shows."""

from __future__ import annotations

import math

import pytest
import torch

from harness.cases.numeric import EXACT, Numeric, Ulp
from harness.cases.sample import DtypeArg, Sample, TensorSpec
from harness.judging.discontinuity import at_discontinuity
from harness.judging.reference import eager_results, runs, wide_results
from harness.judging.tolerance import bounded
from tests.samples import relu


def sample(op: str, **more: object) -> Sample:
    self = TensorSpec(dims=(4,), dtype="f32", seed=1)
    return Sample(op=op, dtype="f32", mode="static", sizes={}, args={"self": self, **more}, runs=({},))


def found(of: Sample, values: list[float], actual: torch.Tensor, numeric: Numeric = EXACT) -> bool:
    """Whether a result for these values is put down to an edge."""
    args = (torch.tensor(values),)
    eager = eager_results(of)(args)
    (want,) = bounded(numeric, {}, eager, lambda *a: wide_results(of)(a), args)
    return at_discontinuity(of, args, 0, actual, want, "linalg")


def test_floor_just_below_an_integer_lies_on_an_edge() -> None:
    just_below = float(torch.nextafter(torch.tensor(3.0), torch.tensor(0.0)))
    values = [just_below, 0.5, -1.5, 7.25]
    assert found(sample("aten.floor.default"), values, torch.tensor([3.0, 0.0, -2.0, 7.0]))


def test_a_wrong_floor_elsewhere_does_not() -> None:
    assert not found(sample("aten.floor.default"), [2.5, 0.5, -1.5, 7.25], torch.tensor([3.0, 0.0, -2.0, 7.0]))


def test_one_element_off_the_edge_is_enough_for_the_backend_to_be_wrong() -> None:
    just_below = float(torch.nextafter(torch.tensor(3.0), torch.tensor(0.0)))
    values = [just_below, 0.5, -1.5, 7.25]
    assert not found(sample("aten.floor.default"), values, torch.tensor([3.0, 0.0, -2.0, 8.0]))


def test_steep_is_no_edge() -> None:
    """The sine of 1e6 changes much with a roundoff of its input, and still has one right value."""
    x = torch.tensor([1e6, 2e6, 3e6, 4e6])
    moved = (x.double() * (1 + 2**-23)).sin().float()
    assert not found(sample("aten.sin.default"), x.tolist(), moved, Ulp(4))


def test_a_jump_of_a_rounded_result_is_one() -> None:
    """`x % 1` just below 1 and just above: nearly 1, or nearly 0."""
    just_below = 1 - 2**-24
    of = sample("aten.remainder.Scalar", other=1.0)
    values = [just_below, 0.25, 0.5, 1.75]
    assert found(of, values, torch.tensor([2**-24, 0.25, 0.5, 0.75]), Ulp(4))


@pytest.mark.parametrize("lies", [False, True])
def test_the_payload_of_a_nan_is_no_result(lies: bool) -> None:
    of = sample("aten.view.dtype", dtype=DtypeArg("i32"))
    values = [math.nan, 1.0, 2.0, 3.0]
    actual = torch.tensor(values).view(torch.int32).clone()
    actual[0] ^= 1
    actual[1] += lies
    assert found(of, values, actual) is not lies


def test_the_census_of_relu_has_none() -> None:
    of = relu(8, values="nonfinite")
    (run,) = runs(of, EXACT)
    assert not at_discontinuity(of, run.inputs, 0, -run.outputs[0].eager, run.outputs[0], "linalg")
