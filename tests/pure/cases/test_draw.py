from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from harness.cases.case import OMIT, Draw, OpCase
from harness.cases.draw import census, minimise
from harness.cases.explicit import NAN, example, tensor
from harness.cases.literal import elements
from harness.cases.numeric import ROUNDED, Composite
from harness.cases.plain import plain_call
from harness.cases.profile import PROFILES, Profile, profile
from harness.cases.sample import Fill, Mode, Sample, SizeOf, TensorSpec, tensors
from harness.cases.sizes import without_unused
from harness.cases.traits import traits
from harness.errors import UnknownName

SIZE = Profile(name="test", first=6, others=2, minimise_seconds=5, minimise_total=5)
MANY = Profile(name="many", first=20, others=20)
MODES = ("static", "dynamic")
PLAIN = 1
"""The census of the first dtype has the plain call too: test_plain.py."""


def inputs(d: Draw) -> Mapping[str, Any]:
    dims = d.shape(0, 3)
    return {"self": d.tensor(dims), "dim": d.axis(dims), "keepdim": d.maybe(d.flag())}


CASE = OpCase(op="aten.made.up", inputs=inputs, dtypes=("f32", "i32"))


def drawn(case: OpCase = CASE, mode: Any = "static", dtype: str = "f32", size: Profile = SIZE) -> tuple[Sample, ...]:
    return census(case, dtype, mode, size, seed=0)


def largest(sample: Sample) -> int:
    return max((n for t in tensors(sample.args) for n in t.shape(sample.sizes)), default=0)


# the census -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_the_census_is_the_same_at_each_call(mode: str) -> None:
    assert drawn(mode=mode) == drawn(mode=mode)


def test_the_census_depends_on_seed_dtype_and_op() -> None:
    shapes = [s.sizes for s in drawn()]
    assert [s.sizes for s in census(CASE, "f32", "static", SIZE, seed=1)] != shapes
    assert [s.sizes for s in drawn(replace(CASE, op="aten.other.op"))] != shapes


def test_the_first_dtype_is_sampled_most() -> None:
    assert len({s.program for s in drawn(dtype="f32")}) == 6 + PLAIN
    assert len({s.program for s in drawn(dtype="i32")}) == 2


def test_a_dtype_that_lowers_in_ways_of_its_own_has_more_programs_while_they_show_something() -> None:
    odd = replace(SIZE, others=1, odd=3)
    case = replace(CASE, dtypes=("f32", "i32", "bool"))
    assert len({s.program for s in drawn(case, dtype="bool", size=odd)}) == 3
    assert len({s.program for s in drawn(case, dtype="i32", size=odd)}) == 1
    alike = replace(case, inputs=lambda d: {"self": d.tensor((d.size("n", 2, 9),))})
    assert len({s.program for s in drawn(alike, dtype="bool", size=odd)}) == 1


def test_the_first_program_of_such_a_dtype_is_like_the_plain_call() -> None:
    case = replace(CASE, dtypes=("f32", "i32", "bool"))
    plain, found = plain_call(case, "static"), drawn(case, dtype="bool", size=replace(SIZE, others=1, odd=3))[0]
    assert plain
    assert found.sizes == plain.sizes
    assert {name: arg for name, arg in found.args.items() if name != "self"} == {
        name: arg for name, arg in plain.args.items() if name != "self"
    }


def test_unsigned_numbers_also_come_from_either_half_of_the_range_alone() -> None:
    case = replace(CASE, dtypes=("f32", "i32", "u8"))
    ways = {
        dtype: {s.values for s in drawn(case, dtype=dtype, size=replace(SIZE, refilled=1))} for dtype in ("u8", "i32")
    }
    assert {"below", "above"} <= ways["u8"] - ways["i32"]


@pytest.mark.parametrize("mode", MODES)
def test_the_plain_call_is_filled_in_each_way(mode: Mode) -> None:
    found = drawn(mode=mode, size=replace(SIZE, refilled=2))
    ways = [{s.values for s in found if s.program == program} for program in dict.fromkeys(s.program for s in found)]
    every = {"mixed", "extreme", "nonfinite", "below", "above"}
    assert ways[0] == every
    assert ways.count(every) == (2 if mode == "static" else 1)


def test_a_dtype_of_an_op_without_tensors_has_more_programs_too() -> None:
    case = OpCase(op="aten.made.up", inputs=lambda d: {"end": d.choose(3, 0.5, -1)}, dtypes=("i64", "f64"))
    found = drawn(case, dtype="f64", size=replace(SIZE, others=1, odd=3))
    assert {s.args["end"] for s in found} == {3, 0.5, -1}


@pytest.mark.parametrize("mode", MODES)
def test_no_sample_comes_twice(mode: str) -> None:
    ids = [s.id for s in drawn(mode=mode)]
    assert len(ids) == len(set(ids))


def test_every_way_of_filling_occurs_and_the_first_one_with_every_program() -> None:
    found = drawn()
    assert {s.values for s in found} == {"mixed", "extreme", "nonfinite", "below", "above"}
    assert len({s.program for s in found if s.values == "mixed"}) == 6 + PLAIN


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("mode", MODES)
def test_special_values_are_given_to_programs_that_have_elements(seed: int, mode: Any) -> None:
    """A tensor without elements cannot hold a NaN."""
    for sample in census(CASE, "f32", mode, PROFILES["default"], seed):
        if sample.values != "mixed":
            assert largest(sample) > 1
            assert "zero_size" not in traits(sample)


def test_programs_are_filled_anew_until_there_are_as_many_samples_as_the_profile_says() -> None:
    once, thrice = drawn(), drawn(size=replace(SIZE, samples=17))
    assert {s.program for s in thrice} == {s.program for s in once} and {s.id for s in once} <= {s.id for s in thrice}
    seeds = [
        tuple(t.seed for t in tensors(s.args))
        for s in thrice
        if s.values == "mixed" and s.program == once[PLAIN].program
    ]
    assert len(seeds) == len(set(seeds)) == 3


def test_only_the_ways_of_filling_that_the_case_has_occur() -> None:
    assert {s.values for s in drawn(replace(CASE, values=("simple",)))} == {"simple"}


def test_the_traits_that_matter_occur() -> None:
    found = {trait for s in drawn() for trait in traits(s)}
    assert {"rank=0", "rank=1", "rank=2", "rank=3", "zero_size", "size_1", "dim<0", "keepdim=True"} <= found


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("mode", MODES)
def test_a_single_sample_has_elements_to_compare(seed: int, mode: Any) -> None:
    one = Profile(name="one", first=1, others=1)
    for sample in census(CASE, "f32", mode, one, seed):
        assert largest(sample) > 1
        assert "zero_size" not in traits(sample)


def test_programs_of_other_dtypes_have_layouts_and_those_of_the_first_have_not() -> None:
    case = replace(CASE, dtypes=("f32", "f16", "i32", "i8"))
    found = {dtype: {t.layout for s in drawn(case, dtype=dtype) for t in tensors(s.args)} for dtype in case.dtypes}
    assert found.pop("f32") == {"contiguous"}
    assert set().union(*found.values()) == {"transposed", "sliced", "expanded"}
    assert {t.layout for s in drawn(case, "dynamic", "f16") for t in tensors(s.args)} == {"contiguous"}


def test_an_argument_that_cannot_have_a_layout_keeps_its_own() -> None:
    case = replace(CASE, untried={"self:*": "the op asks for its strides"})
    assert {t.layout for s in drawn(case, dtype="i32") for t in tensors(s.args)} == {"contiguous"}


def test_layouts_that_the_case_draws_are_kept() -> None:
    case = replace(CASE, inputs=lambda d: {"self": d.tensor(d.shape(2, 2), layout="sliced")})
    assert {t.layout for s in drawn(case, dtype="i32") for t in tensors(s.args)} == {"sliced"}


def test_a_small_tensor_of_another_dtype_is_filled_again() -> None:
    def ways(*dims: int, dtype: str = "f16") -> list[int]:
        case = replace(CASE, inputs=lambda d: {"self": d.tensor((7,)), "other": d.tensor(dims)}, dtypes=("f32", dtype))
        found = [s.values for s in drawn(case, dtype=dtype)]
        return [found.count(values) for values in ("mixed", "extreme", "nonfinite")]

    assert ways(7) == [1, 1, 1]
    assert ways(2) == [1, 2, 2]
    assert ways() == [1, 4, 4]
    assert ways(dtype="i32") == [1, 4, 0]


def test_a_case_without_choices_has_one_program() -> None:
    case = OpCase(op="aten.x.y", inputs=lambda d: {"self": d.tensor()}, values=("mixed",))
    assert len({sample.program for sample in drawn(case)}) == 1


def test_dynamic_samples_have_a_symbolic_dim_and_at_least_four_runs() -> None:
    plain, *more = drawn(mode="dynamic")
    found = [sample for sample in more if sample.program != plain.program]
    assert found
    for sample in found:
        assert sample.dynamic
        assert len(sample.runs) >= 4
        assert sample.runs[0] == sample.sizes
        assert all(sample.sizes[name] >= 2 for name in sample.dynamic)
        assert min(run[name] for run in sample.runs for name in sample.dynamic) == 0


def test_dims_that_are_not_dynamic_keep_their_size_in_every_run() -> None:
    for sample in drawn(mode="dynamic"):
        fixed = set(sample.sizes) - set(sample.dynamic)
        assert all(run[name] == sample.sizes[name] for run in sample.runs for name in fixed)


def test_a_dim_with_bounds_keeps_to_them_in_every_run() -> None:
    def bounded(d: Draw) -> Mapping[str, Any]:
        return {"self": d.tensor((d.size("n", 3, 6),))}

    for sample in drawn(replace(CASE, inputs=bounded), "dynamic"):
        assert min(run["n"] for run in sample.runs) == 3


def test_a_dim_that_may_not_be_symbolic_is_not() -> None:
    def constant(d: Draw) -> Mapping[str, Any]:
        return {"self": d.tensor((d.size("n"), d.size("k", symbolic=False)))}

    assert {s.dynamic for s in drawn(replace(CASE, inputs=constant), "dynamic")} == {("n",)}


def test_a_case_without_a_symbolic_dim_has_no_dynamic_sample() -> None:
    assert drawn(replace(CASE, inputs=lambda d: {"self": d.tensor()}), "dynamic") == ()


def test_a_size_as_an_argument_may_be_dynamic() -> None:
    def sized(d: Draw) -> Mapping[str, Any]:
        return {"size": (SizeOf(d.size("n")),)}

    assert all(s.dynamic == ("n",) for s in drawn(replace(CASE, inputs=sized), "dynamic"))


def test_what_is_omitted_is_left_out() -> None:
    case = replace(CASE, inputs=lambda d: {"self": d.tensor(), "dtype": OMIT})
    assert all(set(s.args) == {"self"} for s in drawn(case))


def test_dims_that_are_not_used_have_no_size() -> None:
    def unused(d: Draw) -> Mapping[str, Any]:
        d.size("ghost")
        return {"self": d.tensor((d.size("n"),))}

    assert all(set(s.sizes) == {"n"} for s in drawn(replace(CASE, inputs=unused)))


@pytest.mark.parametrize(("mode", "other"), [("static", "dynamic"), ("dynamic", "static")])
def test_cells_of_the_other_dtypes_are_dealt_out_by_op(mode: Mode, other: Mode) -> None:
    cases = [replace(CASE, op=f"aten.op{i}.default", dtypes=("f32", "i32", "f16", "bool")) for i in range(40)]
    one = replace(SIZE, static_others=1) if mode == "static" else replace(SIZE, dynamic_others=1)
    assert all(one.dtypes(c, other) == c.dtypes for c in cases)
    assert all(len(one.dtypes(c, mode)) == 2 and "f32" in one.dtypes(c, mode) for c in cases)
    assert {d for c in cases for d in one.dtypes(c, mode)} == {"f32", "i32", "f16", "bool"}
    assert SIZE.dtypes(cases[0], mode) == cases[0].dtypes


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_says_how_much_it_samples(name: str) -> None:
    assert f"{PROFILES[name].first} programs a cell of an op's first dtype" in PROFILES[name].says()


def test_a_profile_says_of_which_dtypes_it_samples_more() -> None:
    says = replace(SIZE, others=1, odd=2).says()
    assert "1 of others (to 2 of u8, bool" in says
    assert "to" not in replace(SIZE, others=2, odd=2).says()


def test_profiles_by_name() -> None:
    assert profile("quick") is PROFILES["quick"]
    with pytest.raises(UnknownName, match="did you mean default"):
        profile("defualt")


# minimising -----------------------------------------------------------------------------------------------------------


def fails_at(size: int) -> Any:
    return lambda sample: largest(sample) >= size


def test_a_failure_shrinks_to_the_smallest_sample_that_fails() -> None:
    failing = max(drawn(), key=largest)
    assert largest(failing) > 3
    smallest = minimise(CASE, failing, 0, SIZE, fails_at(3), seconds=5)
    spec = tensors(smallest.args)[0]
    assert spec.shape(smallest.sizes) == (3,)
    assert smallest.values == "simple"


def test_a_failure_of_another_dtype_shrinks_and_keeps_its_layout_only_if_it_must() -> None:
    sample = next(s for s in drawn(dtype="i32") if any(t.layout != "contiguous" and t.dims for t in tensors(s.args)))

    def is_laid_out(candidate: Sample) -> bool:
        return any(t.layout != "contiguous" for t in tensors(candidate.args))

    found = minimise(CASE, sample, 0, SIZE, lambda s: largest(s) > 1, seconds=5)
    assert largest(found) == 2
    assert not is_laid_out(found)
    assert is_laid_out(minimise(CASE, sample, 0, SIZE, is_laid_out, seconds=5))


def test_a_failure_that_hinges_on_an_attribute_keeps_it() -> None:
    failing = next(s for s in drawn() if s.args["dim"] == -1)
    smallest = minimise(CASE, failing, 0, SIZE, lambda s: s.args["dim"] == -1, seconds=5)
    assert smallest.args["dim"] == -1
    assert len(tensors(smallest.args)[0].dims) <= 1


def test_what_is_returned_was_seen_to_fail() -> None:
    failing = max(drawn(), key=largest)
    seen: dict[str, bool] = {}

    def fails(sample: Sample) -> bool:
        seen[sample.id] = largest(sample) % 2 == largest(failing) % 2
        return seen[sample.id]

    assert seen.get(minimise(CASE, failing, 0, SIZE, fails, seconds=5).id)


def test_a_failure_that_needs_special_values_keeps_them() -> None:
    failing = next(s for s in drawn() if s.values == "nonfinite")
    smallest = minimise(CASE, failing, 0, SIZE, lambda s: s.values == "nonfinite", seconds=5)
    assert smallest.values == "nonfinite"
    assert largest(smallest) <= 1


def test_a_dynamic_failure_stays_dynamic_and_keeps_one_run() -> None:
    failing = next(s for s in drawn(mode="dynamic") if len(s.sizes) > 1)

    def fails(sample: Sample) -> bool:
        return any(n == 0 for run in sample.runs for n in run.values())

    smallest = minimise(CASE, failing, 0, SIZE, fails, seconds=5)
    assert smallest.dynamic
    assert len(smallest.runs) == 1
    assert 0 in smallest.runs[0].values()
    assert set(smallest.sizes.values()) == {2}


def test_the_time_budget_is_kept() -> None:
    failing = max(drawn(size=MANY), key=largest)
    ran: list[str] = []

    def fails(sample: Sample) -> bool:
        ran.append(sample.id)
        time.sleep(0.02)
        return largest(sample) >= 2

    minimise(CASE, failing, 0, MANY, fails, seconds=5)
    unhurried = len(ran)
    ran.clear()
    minimise(CASE, failing, 0, MANY, fails, seconds=0.05)
    assert len(ran) <= 4 < unhurried


def test_without_time_the_sample_itself_is_returned() -> None:
    failing = max(drawn(), key=largest)
    assert minimise(CASE, failing, 0, SIZE, lambda s: pytest.fail("was run"), seconds=0) == failing


def test_what_fails_now_and_then_raises_nothing() -> None:
    failing = max(drawn(), key=largest)
    calls = iter(range(10**6))
    found = minimise(CASE, failing, 0, SIZE, lambda s: next(calls) % 3 == 0, seconds=2)
    assert found.op == failing.op


def test_a_sample_that_the_census_does_not_draw_is_still_simplified() -> None:
    strange = replace(drawn()[0], args={"self": replace(tensors(drawn()[0].args)[0], dims=(31,), fill=Fill())})
    found = minimise(CASE, strange, 0, SIZE, lambda s: largest(s) == 31, seconds=60)
    assert tensors(found.args)[0].dims == (31,)
    assert found.values == "simple"
    alike = minimise(CASE, strange, 0, SIZE, lambda s: largest(s) >= 3, seconds=60)
    assert tensors(alike.args)[0].shape(alike.sizes) == (3,)


NAN_OR_LONG = example(self=tensor([3.5, NAN, -7.25], dims=("n",)), dim=0)


def made_explicit(**more: Any) -> Sample:
    (found,) = (s for s in drawn(replace(CASE, examples=(NAN_OR_LONG,), **more)) if s.origin == "explicit")
    return found


def test_an_explicit_sample_shrinks_from_the_first_draw_that_fails_alike() -> None:
    smallest = minimise(CASE, made_explicit(), 0, SIZE, lambda s: s.values == "nonfinite", seconds=60)
    assert (smallest.origin, smallest.values) == ("census", "nonfinite")
    assert largest(smallest) <= 1


def test_an_explicit_sample_that_fails_alone_has_simpler_elements() -> None:
    def fails(sample: Sample) -> bool:
        return sample.origin == "explicit"

    smallest = minimise(CASE, made_explicit(), 0, SIZE, fails, seconds=60)
    assert elements(tensors(smallest.args)[0]) == [1.0, 2.0, -1.0]
    assert smallest.values == "mixed"


def test_its_nan_stays_if_the_failure_hinges_on_it() -> None:
    def fails(sample: Sample) -> bool:
        return sample.origin == "explicit" and sample.values == "nonfinite"

    smallest = minimise(CASE, made_explicit(), 0, SIZE, fails, seconds=60)
    assert str(elements(tensors(smallest.args)[0])) == "[1.0, nan, -1.0]"


def test_the_elements_of_what_may_hinge_on_a_matrix_stay() -> None:
    composed = replace(CASE, numeric=Composite((ROUNDED,)))
    failing = made_explicit()
    assert minimise(composed, failing, 0, SIZE, lambda s: s.origin == "explicit", seconds=60) == failing


def test_without_time_an_explicit_sample_stays() -> None:
    failing = made_explicit()
    assert minimise(CASE, failing, 0, SIZE, lambda s: pytest.fail("was run"), seconds=0) == failing


def test_the_size_that_a_fill_names_is_kept_where_no_tensor_has_it() -> None:
    index = TensorSpec(dims=(), dtype="i64", fill=Fill(kind="permutation", of="n"))
    sample = Sample(
        op="aten.take.default", dtype="f32", mode="static", sizes={"n": 3, "m": 2}, args={"index": index}, runs=({},)
    )
    assert without_unused(sample).sizes == {"n": 3}
