"""Comparison and tolerance: which results are right, which are wrong, and by how much."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.cases.case import OpCase
from harness.cases.draw import census
from harness.cases.numeric import (
    EXACT,
    Composite,
    Distribution,
    Exact,
    Linear,
    Numeric,
    ShapeOnly,
    Stated,
    Tail,
    Transcendental,
    Ulp,
)
from harness.cases.profile import profile
from harness.cases.sample import Fill, Sample, TensorSpec
from harness.cases.transformed import DERIVATIVE
from harness.judging.compare import compare
from harness.judging.reference import EagerRefuses, Run, accumulation, runs, widened
from harness.judging.tolerance import SLACK, WIDEN, Bounded, bounded, roundoff
from harness.programs.materialize import materialize
from harness.records.outcome import Wrong, WrongKind
from op_suites import catalog
from tests.samples import dynamic, relu

NAN, INF = math.nan, math.inf
U = roundoff(torch.float32)
COMPOSED = Composite((Stated(16, "as long as its tests need"),))
FLOATS = (torch.float32, torch.float64, torch.float16, torch.bfloat16)


def exact(*outputs: torch.Tensor, sizes: dict[str, int] | None = None) -> Run:
    return Run(sizes or {}, (), tuple(Bounded(t, Exact()) for t in outputs))


def close(numeric: Numeric, function: Any, *args: torch.Tensor, sizes: dict[str, int] | None = None) -> Run:
    """The run of a function of tensors, eager in their dtype and in float64."""

    def wide(*given: torch.Tensor) -> list[torch.Tensor]:
        return [function(*map(widened, given))]

    return Run(sizes or {}, args, bounded(numeric, sizes or {}, [function(*args)], wide, args))


def case(**more: Any) -> OpCase:
    return OpCase(op="aten.relu.default", inputs=lambda d: {}, **more)


def verdict(
    actual: Sequence[torch.Tensor] | torch.Tensor, run: Run, first: Run | None = None, dialect: str = "linalg"
) -> float | Wrong:
    outputs = [actual] if isinstance(actual, torch.Tensor) else actual
    return compare(outputs, run, first or run, case(), "x", dialect)


def wrong(actual: Sequence[torch.Tensor] | torch.Tensor, run: Run, first: Run | None = None) -> Wrong:
    found = verdict(actual, run, first)
    assert isinstance(found, Wrong), f"passed with {found}"
    return found


def kind(actual: Sequence[torch.Tensor] | torch.Tensor, run: Run, first: Run | None = None) -> WrongKind:
    return wrong(actual, run, first).kind


def t(*values: Any, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.tensor(values, dtype=dtype)


# structure ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_wrong_number_of_results_is_wrong(count: int) -> None:
    assert kind([t(1.0)] * count, exact(t(1.0), t(1.0))) == "arity"


def test_another_shape_is_wrong_and_the_message_gives_both() -> None:
    found = wrong(torch.zeros(2, 3), exact(torch.zeros(3, 2)))
    assert found.kind == "shape"
    assert found.message == "out[0].shape=[2, 3], but should be [3, 2]"


def test_an_extra_dim_of_size_1_is_wrong() -> None:
    assert kind(torch.zeros(1), exact(torch.zeros(()))) == "shape"


def test_the_shape_at_export_in_place_of_the_right_one_is_specialized() -> None:
    found = wrong(torch.zeros(4), exact(torch.zeros(5), sizes={"n": 5}), first=exact(torch.zeros(4)))
    assert found.kind == "specialized"
    assert dict(found.sizes) == {"n": 5}
    assert "(the shape at export)" in found.message


def test_another_dtype_is_wrong() -> None:
    found = wrong(torch.zeros(2).double(), exact(torch.zeros(2)))
    assert (found.kind, found.message) == ("dtype", "out[0].dtype=float64, but should be float32")


def test_an_integer_in_place_of_a_float_is_wrong_even_if_the_value_is_right() -> None:
    assert kind(t(1, dtype=torch.int32), exact(t(1.0))) == "dtype"


@pytest.mark.parametrize("numeric", [Ulp(4), Linear((3,)), Composite((Ulp(4),))])
def test_a_boolean_result_beside_a_rounded_one_is_exact(numeric: Numeric) -> None:
    def both(x: torch.Tensor) -> list[torch.Tensor]:
        return [x.exp(), x > 0]

    x = t(1.0, -2.0)
    run = Run({}, (x,), bounded(numeric, {}, both(x), lambda y: both(widened(y)), (x,)))
    assert isinstance(verdict(both(x), run), float)
    assert wrong([x.exp(), x < 0], run).output == 1


@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor")
def test_quantized_tensors_are_compared_by_value() -> None:
    held = torch.quantize_per_tensor(t(1.0, 2.0), 0.5, 3, torch.quint8)
    other = torch.quantize_per_tensor(t(1.0, 2.5), 0.5, 3, torch.quint8)
    assert verdict(held, exact(held)) == 0.0
    assert wrong(other, exact(held)).element == (1,)


def test_the_first_wrong_output_is_named() -> None:
    found = wrong([t(1.0), t(2.0)], exact(t(1.0), t(3.0)))
    assert (found.output, found.element, found.expected, found.actual) == (1, (0,), "3.0", "2.0")


def test_an_unjudged_output_must_have_its_shape_and_dtype() -> None:
    run, unjudged = exact(t(1.0), t(5.0)), case(unjudged={1: "random"})
    assert compare([t(1.0), t(7.0)], run, run, unjudged, "x") == 0.0
    for actual in ([t(2.0), t(5.0)], [t(1.0)], [t(1.0), t(5.0, 5.0)], [t(1.0), t(5.0, dtype=torch.float64)]):
        assert isinstance(compare(actual, run, run, unjudged, "x"), Wrong)


def test_a_misshapen_output_must_be_there_and_may_be_any_tensor() -> None:
    run, misshapen = exact(t(1.0), t(5.0)), case(misshapen={1: "torch's decomposition"})
    assert compare([t(1.0), t(7.0, 8.0, dtype=torch.int64)], run, run, misshapen, "x") == 0.0
    assert isinstance(compare([t(2.0), t(5.0)], run, run, misshapen, "x"), Wrong)
    assert isinstance(compare([t(1.0)], run, run, misshapen, "x"), Wrong)


def test_results_are_compared_in_their_canonical_form() -> None:
    run, either = exact(t(3.0)), case(canonical=lambda results: [r.abs() for r in results])
    assert compare([t(-3.0)], run, run, either, "x") == 0.0
    assert isinstance(compare([t(-3.0)], run, run, case(), "x"), Wrong)
    assert isinstance(compare([t(2.0)], run, run, either, "x"), Wrong)
    assert isinstance(compare([t(3.0, 3.0)], run, run, either, "x"), Wrong)


# exact values ---------------------------------------------------------------------------------------------------------


def test_signless_bits_are_read_as_unsigned() -> None:
    want = t(0, 127, 128, 255, dtype=torch.uint8)
    assert verdict(want.view(torch.int8), exact(want)) == 0.0
    assert verdict(want, exact(want)) == 0.0


def test_signless_bits_that_differ_are_wrong_and_printed_unsigned() -> None:
    found = wrong(t(-1, dtype=torch.int8), exact(t(200, dtype=torch.uint8)))
    assert (found.kind, found.expected, found.actual) == ("value", "200", "255")


def test_unsigned_in_place_of_signed_is_another_dtype() -> None:
    assert kind(t(1, dtype=torch.uint8), exact(t(1, dtype=torch.int8))) == "dtype"


@pytest.mark.parametrize("dtype", [torch.int8, torch.int16, torch.int32, torch.int64])
def test_integers_are_equal_or_wrong(dtype: torch.dtype) -> None:
    info = torch.iinfo(dtype)
    want = t(info.min, -1, 0, info.max, dtype=dtype)
    assert verdict(want.clone(), exact(want)) == 0.0
    assert wrong(want + t(0, 0, 1, 0, dtype=dtype), exact(want)).element == (2,)


def test_large_integers_are_not_compared_as_floats() -> None:
    assert kind(t(2**53 + 1, dtype=torch.int64), exact(t(2**53, dtype=torch.int64))) == "value"


def test_booleans_are_equal_or_wrong() -> None:
    want = t(True, False, dtype=torch.bool)
    assert verdict(want.clone(), exact(want)) == 0.0
    found = wrong(~want, exact(want))
    assert (found.count, found.of) == (2, 2)


def test_a_nan_equals_any_nan_in_exact_comparisons() -> None:
    quiet = t(0x7FC00000, dtype=torch.int32).view(torch.float32)
    payload = t(0x7FC00123, dtype=torch.int32).view(torch.float32)
    assert verdict(payload, exact(quiet)) == 0.0


@pytest.mark.parametrize(("got", "want"), [(0.0, NAN), (NAN, 0.0), (INF, NAN), (INF, -INF), (1e30, INF)])
def test_a_wrong_special_value_is_nonfinite_in_exact_comparisons(got: float, want: float) -> None:
    assert kind(t(1.0, got), exact(t(1.0, want))) == "non-finite"


def test_a_wrong_finite_element_beside_a_wrong_special_one_is_a_value_error() -> None:
    assert kind(t(2.0, 0.0), exact(t(1.0, NAN))) == "value"


def test_the_sign_of_zero_is_not_compared() -> None:
    assert verdict(t(-0.0), exact(t(0.0))) == 0.0


def test_an_exact_float_may_not_be_off_by_one_ulp() -> None:
    want = t(1.0)
    assert kind(torch.nextafter(want, t(2.0)), exact(want)) == "value"


def test_complex_numbers_are_equal_or_wrong() -> None:
    want = t(1 + 2j, 3 - 1j, dtype=torch.complex64)
    assert verdict(want.clone(), exact(want)) == 0.0
    assert wrong(want.conj().resolve_conj(), exact(want)).element == (0,)


@pytest.mark.parametrize("shape", [(0,), (0, 3), (2, 0)])
@pytest.mark.parametrize("numeric", [EXACT, Ulp(), Linear(("n",)), COMPOSED])
def test_a_result_without_elements_is_right_if_its_shape_is(shape: tuple[int, ...], numeric: Numeric) -> None:
    run = close(numeric, torch.exp, torch.zeros(shape))
    assert verdict(torch.zeros(shape), run) == 0.0
    assert kind(torch.zeros(1), run) == "shape"


def test_the_worst_element_of_a_rank_0_result_has_no_index() -> None:
    found = wrong(torch.tensor(2), exact(torch.tensor(1)))
    assert (found.element, found.message) == ((), "out[0]=2, but should be 1; 1 of 1 elements")


# values with a bound --------------------------------------------------------------------------------------------------


def summed_in_another_order(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    total = torch.zeros(a.shape[0], b.shape[1], dtype=a.dtype)
    for k in reversed(range(a.shape[1])):
        total = total + a[:, k : k + 1] * b[k : k + 1]
    return total


@pytest.mark.parametrize("dtype", FLOATS)
def test_another_order_of_summation_is_right(dtype: torch.dtype) -> None:
    g = torch.Generator().manual_seed(1)
    a, b = (torch.randn(s, generator=g).to(dtype) for s in ((5, 300), (300, 4)))
    share = verdict(summed_in_another_order(a, b), close(Linear(("k",)), torch.mm, a, b, sizes={"k": 300}))
    assert isinstance(share, float)
    assert 0 < share <= 1


def test_a_product_left_out_of_a_sum_is_wrong() -> None:
    g = torch.Generator().manual_seed(1)
    a, b = (torch.randn(s, generator=g) for s in ((5, 300), (300, 4)))
    run = close(Linear(("k",)), torch.mm, a, b, sizes={"k": 300})
    assert wrong(torch.mm(a[:, 1:], b[1:]), run).kind == "value"


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("function", [torch.exp, torch.tanh, torch.sqrt, torch.log1p])
def test_an_error_of_64_ulp_is_wrong_elementwise(dtype: torch.dtype, function: Any) -> None:
    x = torch.linspace(0.25, 3, 40).to(dtype)
    run = close(Ulp(4), function, x)
    want = run.outputs[0].wide
    assert want is not None
    bad = want.clone()
    bad[7] *= 1 + 64 * 2 * roundoff(dtype)
    assert wrong(bad.to(dtype), run).element == (7,)


@pytest.mark.parametrize("dtype", FLOATS)
def test_an_error_of_one_ulp_is_right_elementwise(dtype: torch.dtype) -> None:
    x = torch.linspace(0.25, 3, 40).to(dtype)
    run = close(Ulp(4), torch.exp, x)
    off = torch.nextafter(run.outputs[0].eager.float(), torch.tensor(INF)) if dtype is torch.float32 else None
    assert isinstance(verdict(off if off is not None else run.outputs[0].eager, run), float)


def test_softmax_in_lower_precision_is_wrong() -> None:
    x = torch.linspace(-3, 3, 30)
    run = close(COMPOSED, lambda a: torch.softmax(a, 0), x)
    assert isinstance(verdict(torch.softmax(x.flip(0), 0).flip(0), run), float)
    assert kind(torch.softmax(x.bfloat16(), 0).float(), run) == "value"


def test_a_composite_bound_grows_with_the_conditioning() -> None:
    output = close(COMPOSED, torch.log, t(1.001, 3.0)).outputs[0]
    assert output.bound is not None
    assert output.wide is not None
    relative = output.bound / output.wide
    assert relative[0] > 100 * relative[1]


def test_an_intermediate_result_that_cancels_is_rounded_however_small_the_result() -> None:
    """1 - cos(x, y) of vectors with one element each: no element of either changes the cosine, which is almost 1."""

    def distance(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return 1 - x * y / ((x * x + 1e-12) * (y * y + 1e-12)).sqrt()

    x, y = t(4.7386393547058105), t(3.696937322616577)
    rounded = t(-2 * U)  # the cosine is the next number above 1
    assert isinstance(verdict(rounded, close(replace(COMPOSED, least=1.0), distance, x, y)), float)
    assert kind(rounded, close(COMPOSED, distance, x, y)) == "value"
    assert kind(t(-64 * U), close(replace(COMPOSED, least=1.0), distance, x, y)) == "value"


def test_a_jump_does_not_count_as_conditioning() -> None:
    """A label that moves by a roundoff is another label. That must not widen the bound that the other input sets."""

    def hinge(x: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        return torch.where(label == 1, x, 100 - x)

    run = close(COMPOSED, hinge, t(0.5, 0.25), t(1, -1))
    bound = run.outputs[0].bound
    assert bound is not None
    assert bool((bound < 1e-3).all())
    assert kind(t(99.5, 99.75), run) == "value"


def test_promoted_integers_have_conditioning() -> None:
    whole = torch.tensor([69], dtype=torch.int8)
    (of_integers,), (of_floats,) = (close(COMPOSED, torch.exp, x).outputs for x in (whole, whole.float()))
    assert of_integers.bound is not None and of_floats.bound is not None
    assert torch.allclose(of_integers.bound, of_floats.bound, rtol=0.01)


def test_no_bound_is_stricter_than_a_small_multiple_of_eagers_own_error() -> None:
    def coarse(x: torch.Tensor) -> torch.Tensor:
        return torch.exp(x) * (1.0 if x.dtype == torch.float64 else 1 + 1e-3)

    x = t(0.5, 1.0, 2.0)
    outputs = close(Ulp(2), coarse, x).outputs[0]
    assert outputs.bound is not None
    assert outputs.wide is not None
    own = (outputs.eager.double() - outputs.wide).abs()
    assert bool((outputs.bound >= SLACK * own * 0.999).all())


def test_one_bad_element_of_eager_widens_the_other_bounds_by_a_stated_factor_at_most() -> None:
    def coarse(x: torch.Tensor) -> torch.Tensor:
        return torch.exp(x) * (1.0 if x.dtype == torch.float64 else torch.where(x == 1, 1.5, 1.0).to(x.dtype))

    x = t(0.5, 1.0, 2.0)
    fine, rough = close(Ulp(2), torch.exp, x).outputs[0].bound, close(Ulp(2), coarse, x).outputs[0].bound
    assert fine is not None
    assert rough is not None
    assert bool((rough[[0, 2]] <= WIDEN * fine[[0, 2]] * 1.001).all())


@pytest.mark.parametrize(("got", "want"), [(0.0, NAN), (NAN, 1.0), (INF, -INF), (1e30, INF), (INF, 1.0)])
def test_a_wrong_special_value_is_nonfinite_in_comparisons_with_a_bound(got: float, want: float) -> None:
    run = close(Ulp(4), lambda x: x * 1.0, t(1.0, want))
    assert kind(t(1.0, got), run) == "non-finite"


@pytest.mark.parametrize("want", [NAN, INF, -INF])
def test_the_same_special_value_is_right(want: float) -> None:
    assert verdict(t(1.0, want), close(Ulp(4), lambda x: x * 1.0, t(1.0, want))) == 0.0


def test_an_infinity_is_right_where_the_dtype_overflows() -> None:
    run = close(Ulp(4), lambda x: x * x, t(1e30))
    assert verdict(t(INF), run) == 0.0


def test_an_infinity_is_right_where_intermediate_sums_may_overflow() -> None:
    x = t(3e38, 3e38, -3e38)
    run = close(Linear((3,)), lambda a: a.sum(0, keepdim=True), x)
    assert isinstance(verdict(t(3e38), run), float)
    assert isinstance(verdict(t(INF), run), float)


@pytest.mark.parametrize("got", [-INF, NAN, 1e24, 3e38])
def test_a_result_that_is_surely_beyond_the_dtype_is_infinity_of_its_sign(got: float) -> None:
    run = close(Composite((Ulp(4),)), torch.sinh, t(200.0))
    assert verdict(t(INF), run) == 0.0
    assert kind(t(got), run) == "non-finite"


def test_a_wrong_number_is_wrong_even_where_intermediate_sums_may_overflow() -> None:
    run = close(Linear((3,)), lambda a: a.sum(0, keepdim=True), t(3e38, 3e38, -3e38))
    assert kind(t(1e38), run) == "non-finite"


@pytest.mark.parametrize("got", [0.0, -INF, NAN])
def test_an_infinite_result_of_an_infinite_input_is_no_overflow(got: float) -> None:
    run = close(Linear((3,)), lambda a: a.sum(0, keepdim=True), t(1.0, INF, 3.0))
    assert verdict(t(INF), run) == 0.0
    assert kind(t(got), run) == "non-finite"


@pytest.mark.parametrize("got", [INF, -INF, NAN])
def test_a_derivative_may_overflow_in_another_order_of_steps(got: float) -> None:
    run = close(DERIVATIVE, lambda x: x * 1e30 * 1e-30 - x, t(3e20))
    assert isinstance(verdict(t(got), run), float)
    assert kind(t(1e20), run) == "non-finite"


def test_a_derivative_may_be_as_eager_has_it_where_float64_is_nan() -> None:
    run = close(DERIVATIVE, lambda x: x.nan_to_num(0.5) if x.dtype == torch.float32 else x, t(NAN, 1.0))
    assert verdict(t(0.5, 1.0), run) == 0.0
    assert verdict(t(NAN, 1.0), run) == 0.0
    assert kind(t(0.25, 1.0), run) == "value"


def test_an_infinity_is_wrong_where_nothing_overflows() -> None:
    run = close(Linear((3,)), lambda a: a.sum(0, keepdim=True), t(1.0, 2.0, 3.0))
    assert kind(t(INF), run) == "non-finite"


def test_complex_infinities_are_equal() -> None:
    run = close(Ulp(4), lambda x: x * 1.0, t(complex(INF, NAN), 1 + 1j, dtype=torch.complex64))
    assert verdict(t(complex(NAN, INF), 1 + 1j, dtype=torch.complex64), run) == 0.0
    assert kind(t(0j, 1 + 1j, dtype=torch.complex64), run) == "non-finite"


def test_the_error_of_a_complex_number_is_a_distance_in_the_plane() -> None:
    x = t(3 + 4j, dtype=torch.complex64)
    run = close(Ulp(4), lambda z: z * 1.0, x)
    assert isinstance(verdict(x * (1 + U), run), float)
    assert kind(x * (1 + 100 * U), run) == "value"


def test_a_tiny_result_may_be_flushed_by_less_than_its_smallest_normal() -> None:
    x = t(1e-45)
    run = close(Ulp(4), lambda a: a * 1.0, x)
    assert isinstance(verdict(t(0.0), run), float)
    assert kind(t(1e-38), run) == "value"


def test_a_wrong_value_says_where_and_by_how_much() -> None:
    run = close(Ulp(4), torch.exp, torch.zeros(2, 3))
    bad = torch.ones(2, 3)
    bad[1, 2] = 1.5
    found = wrong(bad, run)
    assert found.element == (1, 2)
    assert (found.count, found.of, found.expected, found.actual) == (1, 6, "1.0", "1.5")
    assert found.error == pytest.approx(0.5)
    assert found.bound is not None
    assert 0 < found.bound < 1e-5
    assert found.message.startswith("out[0][1, 2]=1.5, but should be 1.0 (error 0.5, bound ")


# random and uninitialized values --------------------------------------------------------------------------------------

NORMAL = Distribution(-INF, INF, 0.0, 1.0)
UNIFORM = Distribution(0.0, 1.0, 0.5, math.sqrt(1 / 12))


def random(law: Distribution, like: torch.Tensor) -> Run:
    return Run({}, (), (Bounded(like, law),))


def test_other_values_of_the_same_distribution_are_right() -> None:
    like = torch.rand(1000, generator=torch.Generator().manual_seed(1))
    other = torch.rand(1000, generator=torch.Generator().manual_seed(2))
    assert isinstance(verdict(other, random(UNIFORM, like)), float)


@pytest.mark.parametrize(
    ("name", "change"),
    [("mean", lambda x: x + 0.3), ("std", lambda x: x * 1.4), ("std", lambda x: x * 0), ("std", lambda x: x * 0.7)],
)
def test_another_mean_or_spread_is_wrong(name: str, change: Any) -> None:
    x = torch.randn(2000, generator=torch.Generator().manual_seed(1))
    found = wrong(change(x), random(NORMAL, x))
    assert (found.kind, f"out[0].{name}()" in found.message) == ("value", True)


@pytest.mark.parametrize("bad", [1.5, -0.1, NAN])
def test_a_value_out_of_range_is_wrong_however_few_values_there_are(bad: float) -> None:
    x = torch.tensor([0.5, bad])
    assert kind(x, random(UNIFORM, x)) == "value"


def test_few_random_values_are_judged_by_their_range_only() -> None:
    assert verdict(torch.full((4,), 0.99), random(UNIFORM, torch.zeros(4))) == 0.0


def test_uninitialized_memory_is_judged_by_shape_and_dtype_only() -> None:
    run = Run({}, (), (Bounded(torch.zeros(3), ShapeOnly("uninitialized")),))
    assert verdict(t(NAN, 1.0, INF), run) == 0.0
    assert kind(torch.zeros(4), run) == "shape"
    assert kind(torch.zeros(3).double(), run) == "dtype"


# accuracy promised by a specification ---------------------------------------------------------------------------------

X = torch.tensor([0.25, 1.0, 1.9375, 3.5, 20.0])
TINY = 2.0**-126
# TOSA 1.0, "Precision Requirements" of each op, by hand: 2^-23 is a unit in the last place of 1 in float32.
SPECIFIED: dict[str, tuple[Any, Any]] = {
    "cos": (torch.cos, lambda x, r: 2.0**-11 * (1 + x)),
    "erf": (torch.erf, lambda x, r: 5 * 2.0**-23 * 2.0 ** math.floor(math.log2(r))),
    "exp": (torch.exp, lambda x, r: 2.0**-23 * r * (3 + x)),
    "log": (torch.log, lambda x, r: 2.0**-23 * max(5 * abs(r), 0.5)),
    "pow": (lambda x: torch.pow(x, 1.5), lambda x, r: 2.0**-23 * r * 2 * (1 + abs(1.5 * math.log(x)))),
    "reciprocal": (torch.reciprocal, lambda x, r: 2.0**-23 * 2.0 ** math.floor(math.log2(r))),
    "rsqrt": (torch.rsqrt, lambda x, r: 2 * 2.0**-23 * 2.0 ** math.floor(math.log2(r))),
    "sigmoid": (torch.sigmoid, lambda x, r: 2.0**-23 * r * 2 * (1 + x)),
    "sin": (torch.sin, lambda x, r: max(2.0**-11 * 2 * x, math.pi * TINY)),
    "tanh": (torch.tanh, lambda x, r: 2.0**-23 * max(r * 4 * (3 + x), 0.5)),
}


@pytest.mark.parametrize("function", sorted(SPECIFIED))
def test_a_bound_in_tosa_is_that_of_its_specification(function: str) -> None:
    compute, specified = SPECIFIED[function]
    output = close(Transcendental(function, 4), compute, X).outputs[0]
    bound, wide = output.within("tosa"), output.wide
    assert bound is not None
    assert wide is not None
    own = (output.eager.double() - wide).abs()
    for i, x in enumerate(X.tolist()):
        want = max(specified(x, float(wide[i])), SLACK * float(own[i]))
        assert float(bound[i]) == pytest.approx(want, rel=1e-6)


def nudged(run: Run, share: float) -> torch.Tensor:
    """A float64 result in which every element is off by this share of TOSA's bound."""
    bound, wide = run.outputs[0].within("tosa"), run.outputs[0].wide
    assert bound is not None
    assert wide is not None
    return wide + share * bound


@pytest.mark.parametrize("function", ["cos", "exp", "sigmoid", "sin", "tanh"])
def test_a_specified_bound_looser_than_the_budget_holds_for_tosa_only(function: str) -> None:
    run = close(Transcendental(function, 4), SPECIFIED[function][0], X)
    near, far = nudged(run, 0.9).float(), nudged(run, 1.2).float()
    assert isinstance(verdict(near, run, dialect="tosa"), float)
    assert isinstance(verdict(far, run, dialect="tosa"), Wrong)
    for dialect in ("linalg", "stablehlo", "eager"):
        assert isinstance(verdict(near, run, dialect=dialect), Wrong)


def test_a_specified_bound_tighter_than_the_budget_holds_for_tosa_only() -> None:
    exact = lambda x: (x.double() * 0.5).to(x.dtype)  # noqa: E731
    run = close(Transcendental("reciprocal", 16), exact, X)
    off = X * 0.5 * (1 + 4 * U)
    assert isinstance(verdict(off, run, dialect="linalg"), float)
    assert isinstance(verdict(off, run, dialect="tosa"), Wrong)


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex64])
def test_tosa_specifies_no_bound_for_a_dtype_that_it_does_not_have(dtype: torch.dtype) -> None:
    output = close(Transcendental("exp", 4), torch.exp, X.to(dtype)).outputs[0]
    assert output.specified == {}
    assert output.within("tosa") is output.bound


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_specified_bound_is_in_the_roundoff_of_the_dtype(dtype: torch.dtype) -> None:
    x = torch.tensor([1.0]).to(dtype)
    output = close(Transcendental("rsqrt", 4), torch.rsqrt, x).outputs[0]
    assert float(output.specified["tosa"]) == pytest.approx(2 * 2 * roundoff(dtype), rel=1e-3)


# tails ----------------------------------------------------------------------------------------------------------------


def test_a_tail_is_bounded_by_the_terms_that_cancel_in_it() -> None:
    bound = close(Tail(8), lambda x: x + x * x, t(-1.0, 1.0)).outputs[0].bound
    assert bound is not None
    assert bound.tolist() == pytest.approx([8 * U * 2.0] * 2, rel=1e-3)


# composites -----------------------------------------------------------------------------------------------------------


def test_a_composite_is_bounded_by_the_sum_of_its_parts() -> None:
    x = torch.linspace(-2, 2, 5)
    softmax = lambda a: torch.softmax(a, 0)  # noqa: E731
    parts = close(Composite((Ulp(3), Linear(("n",)), Transcendental("exp", 4))), softmax, x, sizes={"n": 5})
    whole, half = (close(Composite((Ulp(n),)), softmax, x).outputs[0].bound for n in (14, 7))
    assert parts.outputs[0].bound is not None
    assert whole is not None
    assert half is not None
    assert torch.equal(parts.outputs[0].bound, whole)
    assert not torch.equal(whole, half)


# accumulation ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["f16", "bf16"])
def test_eager_is_seen_to_accumulate_in_a_wider_dtype(dtype: str) -> None:
    total = Sample(
        op="aten.sum.default", dtype=dtype, mode="static", sizes={}, runs=({},),
        args={"self": TensorSpec(dims=(9,), dtype=dtype)},
    )  # fmt: skip
    assert accumulation(total, Linear((9,))) == "wider"


@pytest.mark.parametrize("dtype", ["f16", "bf16"])
def test_eager_is_seen_to_accumulate_in_half_precision(dtype: str) -> None:
    index = TensorSpec(dims=(9,), dtype="i64", fill=Fill(kind="index", of=1, nonfinite=False))
    args = {
        "self": TensorSpec(dims=(1,), dtype=dtype),
        "dim": 0,
        "index": index,
        "source": TensorSpec(dims=(9,), dtype=dtype, seed=1),
    }
    added = Sample(op="aten.index_add.default", dtype=dtype, mode="static", sizes={}, args=args, runs=({},))
    assert accumulation(added, Linear((9,))) == "own"


def test_accumulation_is_measured_for_sums_in_half_precision_only() -> None:
    short = Sample(
        op="aten.sum.default", dtype="f16", mode="static", sizes={}, runs=({},),
        args={"self": TensorSpec(dims=(1,), dtype="f16")},
    )  # fmt: skip
    assert accumulation(short, Linear((1,))) is None
    assert accumulation(dynamic("aten.sum.default", dtype="f32", mode="static"), Linear((4,))) is None
    assert accumulation(dynamic("aten.exp.default", dtype="f16", mode="static"), Ulp()) is None


# properties -----------------------------------------------------------------------------------------------------------

FUNCTIONS: dict[str, tuple[Numeric, Any]] = {
    "exp": (Ulp(4), torch.exp),
    "sigmoid": (Ulp(4), torch.sigmoid),
    "mul": (Ulp(2), lambda x: x * x.flip(0)),
    "sum": (Linear(("n",)), lambda x: x.sum(0, keepdim=True)),
    "outer": (Linear((1,)), lambda x: torch.outer(x, x)),
    "gelu": (Tail(8), torch.nn.functional.gelu),
    "softmax": (COMPOSED, lambda x: torch.softmax(x, 0)),
    "var": (COMPOSED, lambda x: torch.var(x, 0, correction=0, keepdim=True)),
}
QUICK = settings(max_examples=40, deadline=None, database=None, derandomize=True)


@st.composite
def computed(draw: Any) -> Run:
    numeric, function = FUNCTIONS[draw(st.sampled_from(sorted(FUNCTIONS)))]
    dtype = draw(st.sampled_from(("f32", "f64", "f16", "bf16")))
    n = draw(st.integers(1, 9))
    fill = Fill(reach="unit", values=draw(st.sampled_from(("simple", "mixed", "extreme", "nonfinite"))))
    x = materialize(TensorSpec(dims=(n,), dtype=dtype, fill=fill, seed=draw(st.integers(0, 999))), {})
    return close(numeric, function, x, sizes={"n": n})


@QUICK
@given(computed())
def test_eager_is_always_right(run: Run) -> None:
    share = verdict([b.eager for b in run.outputs], run)
    assert isinstance(share, float)
    assert 0 <= share <= 1


@QUICK
@given(computed(), st.integers(0, 80), st.sampled_from((1, -1)))
def test_an_element_off_by_twice_its_bound_is_always_wrong(run: Run, index: int, sign: int) -> None:
    want = run.outputs[0]
    assert want.wide is not None
    assert want.bound is not None
    i = index % want.wide.numel()
    bad = want.eager.clone()
    value = want.wide.reshape(-1)[i] + sign * 2 * want.bound.reshape(-1)[i]
    bad.view(-1)[i] = value.to(bad.dtype)
    if not math.isfinite(float(value)) or not bool(bad.reshape(-1)[i].isfinite()):
        bad.view(-1)[i] = 0.0 if not bool(want.wide.reshape(-1)[i].isfinite()) else NAN
    assert wrong(bad, run).element == tuple(int(x) for x in torch.unravel_index(torch.tensor(i), bad.shape))


@QUICK
@given(computed())
def test_every_bound_is_positive_and_finite(run: Run) -> None:
    bound = run.outputs[0].bound
    assert bound is not None
    assert bool((bound > 0).all())
    assert bool(bound.isfinite().all())


# the reference --------------------------------------------------------------------------------------------------------

CASES = [case for cases in catalog().values() for case in cases]


@pytest.mark.parametrize("case", CASES[::9], ids=lambda case: case.op)
def test_eager_is_right_on_the_census(case: OpCase) -> None:
    dtype = case.dtypes[-1] if isinstance(case.numeric, Exact) else case.dtypes[0]
    for sample in census(case, dtype, "static", profile("quick"), seed=0):
        found = runs(sample, case.numeric_of(sample))
        share = verdict([b.eager for b in found[0].outputs], found[0])
        assert isinstance(share, float), share


def test_sizes_that_eager_refuses_are_left_out_of_the_runs() -> None:
    sample = dynamic("aten.argmax.default", 5, 0, dim=None)
    assert [dict(run.sizes) for run in runs(sample, EXACT)] == [{"n": 4}, {"n": 5}]


def test_a_sample_that_eager_refuses_at_the_first_sizes_is_refused() -> None:
    with pytest.raises(EagerRefuses, match="Error"):
        runs(dynamic("aten.argmax.default", dim=7), EXACT)


def test_the_reference_is_the_same_each_time() -> None:
    first, second = (runs(relu(50), Ulp())[0] for _ in range(2))
    assert torch.equal(first.inputs[0], second.inputs[0])
    assert torch.equal(first.outputs[0].eager, second.outputs[0].eager)


def test_a_dtype_argument_is_widened_in_the_reference() -> None:
    from harness.cases.sample import DtypeArg

    run = runs(dynamic("aten.sum.default", dtype="bf16", mode="static"), Linear(("n",)))[0]
    assert run.outputs[0].wide is not None
    assert run.outputs[0].wide.dtype == torch.float64
    asked = dynamic("aten.cumsum.default", dim=0, dtype="f16")
    assert asked.args["dim"] == 0
    sample = type(asked)(
        op="aten.cumsum.default", dtype="f16", mode="static", sizes={"n": 4}, runs=({"n": 4},),
        args=asked.args | {"dtype": DtypeArg("f32")},
    )  # fmt: skip
    output = runs(sample, Linear(("n",)))[0].outputs[0]
    assert output.eager.dtype == torch.float32
    assert output.wide is not None
    assert output.wide.dtype == torch.float64
