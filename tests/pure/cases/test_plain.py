from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from harness.cases import plain
from harness.cases.case import OMIT, Draw, OpCase
from harness.cases.draw import census, minimise
from harness.cases.plain import plain_call
from harness.cases.profile import Profile
from harness.cases.sample import Mode, Sample, SizeOf, tensors
from harness.cases.sizes import is_first_dim_dynamic

SIZE = Profile(name="test", first=6, others=2, minimise_seconds=5, minimise_total=5)


def inputs(d: Draw) -> Mapping[str, Any]:
    dims = d.shape()
    return {
        "self": d.tensor(dims, layout=d.layout()),
        "dim": d.axis(dims),
        "keepdim": d.maybe(True),
        "ord": d.choose(2.0, OMIT, 1.0),
    }


def case(**more: Any) -> OpCase:
    return OpCase(**({"op": "aten.made.up", "inputs": inputs, "dtypes": ("f32", "i32")} | more))


def made(one: OpCase | None = None, mode: Mode = "static") -> Sample:
    found = plain_call(one or case(), mode)
    assert found is not None
    return found


def shapes(sample: Sample) -> list[tuple[int, ...]]:
    return [t.shape(sample.sizes) for t in tensors(sample.args)]


def told(monkeypatch: pytest.MonkeyPatch, given: tuple[str, ...] = (), **defaults: Any) -> None:
    """Say which optional arguments the op has and which are given."""
    monkeypatch.setattr(plain, "_facts", lambda: {"aten.made.up": {"given": given, "defaults": defaults}})


# what it is -----------------------------------------------------------------------------------------------------------


def test_it_is_a_row_major_matrix_of_the_first_dtype_with_ordinary_values() -> None:
    sample = made()
    (spec,) = tensors(sample.args)
    assert (spec.dtype, spec.layout, spec.fill.values) == ("f32", "contiguous", "mixed")
    assert shapes(sample) == [(3, 4)]
    assert sample.runs == (sample.sizes,)


def test_arguments_that_may_be_left_out_are() -> None:
    assert set(made().args) == {"self", "dim"}


def test_it_is_the_same_at_each_call_whatever_the_seed_and_the_profile() -> None:
    calls = [s for seed in (0, 1) for s in census(case(), "f32", "static", SIZE, seed) if s.id == made().id]
    assert len(calls) == 2


def test_the_values_are_those_of_the_cases_first_way() -> None:
    assert made(case(values=("simple",))).values == "simple"


def test_two_dims_that_are_chosen_one_after_the_other_differ() -> None:
    def two(d: Draw) -> Mapping[str, Any]:
        dims = d.shape()
        return {"self": d.tensor(dims), "dim0": d.axis(dims), "dim1": d.axis(dims)}

    assert {name: made(case(inputs=two)).args[name] for name in ("dim0", "dim1")} == {"dim0": 1, "dim1": 0}


def test_an_order_of_all_dims_is_not_the_one_that_changes_nothing() -> None:
    def permuted(d: Draw) -> Mapping[str, Any]:
        dims = d.shape()
        return {"self": d.tensor(dims), "dims": d.axes(dims, min_size=len(dims))}

    assert made(case(inputs=permuted)).args["dims"] == (1, 0)


def test_the_dims_beside_others_are_few() -> None:
    batch = case(inputs=lambda d: {"self": d.tensor((*d.shape(0, 3), d.size("n"), d.size("m")))})
    assert [len(shape) for shape in shapes(made(batch))] == [3]


# where the ordinary choices do not make it ----------------------------------------------------------------------------


def test_an_optional_argument_that_most_give_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    told(monkeypatch, ("keepdim",), keepdim=False)
    assert made().args["keepdim"] is True


def test_one_that_few_give_has_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    told(monkeypatch, dim=0)
    assert made().args["dim"] == 0
    assert shapes(made()) == [(3, 4)]


def test_a_list_is_its_default_as_a_tuple(monkeypatch: pytest.MonkeyPatch) -> None:
    told(monkeypatch, stride=[1, 1])
    strided = case(inputs=lambda d: {"self": d.tensor(d.shape()), "stride": d.choose((1, 1), (2, 2))})
    assert made(strided).args["stride"] == (1, 1)


def test_a_size_below_two_is_avoided_where_it_can_be() -> None:
    def narrow(d: Draw) -> Mapping[str, Any]:
        return {"self": d.tensor((d.size("n"), d.choose(1, 2)))}

    assert shapes(made(case(inputs=narrow))) == [(3, 2)]
    assert shapes(made(case(inputs=lambda d: {"self": d.tensor((d.size("n"), 1))}))) == [(3, 1)]


def test_a_vector_becomes_a_matrix_where_it_can() -> None:
    few = case(inputs=lambda d: {"self": d.tensor(d.shape(0, 2))})
    assert shapes(made(few)) == [(3, 4)]


def test_a_case_may_say_its_plain_call_itself() -> None:
    said = case(plain=lambda d: {"self": d.tensor((d.size("n"), 1)), "dim": 1})
    assert (shapes(made(said)), made(said).args["dim"]) == ([(3, 1)], 1)


# dynamic mode ---------------------------------------------------------------------------------------------------------


def test_the_first_dim_alone_is_symbolic_and_no_run_has_a_size_below_two() -> None:
    sample = made(mode="dynamic")
    assert sample.dynamic == ("d0",) and is_first_dim_dynamic(sample)
    sizes = [run["d0"] for run in sample.runs]
    assert sizes[0] == sample.sizes["d0"] and len(set(sizes)) >= 4 and min(sizes) >= 2
    assert {run["d1"] for run in sample.runs} == {sample.sizes["d1"]}


def test_another_dim_is_where_the_first_cannot_be() -> None:
    fixed = case(inputs=lambda d: {"self": d.tensor((6, d.size("n")))})
    sample = made(fixed, "dynamic")
    assert sample.dynamic == ("n",) and not is_first_dim_dynamic(sample)


def test_a_size_that_is_an_argument_may_be_the_first_dim() -> None:
    sized = case(inputs=lambda d: {"size": (SizeOf(d.size("n")), 3)})
    assert is_first_dim_dynamic(made(sized, "dynamic"))


def test_there_is_none_where_no_dim_may_be_symbolic() -> None:
    assert plain_call(case(inputs=lambda d: {"self": d.tensor((3, 4))}), "dynamic") is None


# in the census --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["static", "dynamic"])
def test_it_comes_first_in_the_census_of_the_first_dtype_alone(mode: Mode) -> None:
    assert census(case(), "f32", mode, SIZE, 0)[0] == made(mode=mode)
    assert made(mode=mode).id not in {s.id for s in census(case(), "i32", mode, SIZE, 0)}


def test_it_comes_once_where_the_census_draws_it_too() -> None:
    one = case(inputs=lambda d: {"self": d.tensor((3, 4))}, values=("mixed",))
    assert [s.id for s in census(one, "f32", "static", SIZE, 0)] == [made(one).id]


def test_it_is_minimised_like_a_sample_that_was_drawn() -> None:
    said = case(plain=lambda d: {"self": d.tensor((d.size("n", 9, 9), 8)), "dim": 1})
    smallest = minimise(said, made(said), 0, SIZE, lambda s: max(shapes(s)[0], default=0) > 1, seconds=5)
    assert sum(shapes(smallest)[0]) == 2
