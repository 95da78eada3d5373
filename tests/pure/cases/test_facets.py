from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.cases.argument_facets import (
    Counted,
    Dtypes,
    Given,
    Inferred,
    Option,
    Pair,
    argument_facets,
    dtype_facets,
    pair_facets,
)
from harness.cases.case import OpCase
from harness.cases.facets import Facet, Laid, Rank, Size, shape_facets
from harness.cases.sample import Sample, SizeOf, TensorSpec
from tests.samples import relu

SIZES = {"n": 3, "m": 4, "one": 1, "none": 0}


def of(*, dynamic: tuple[str, ...] = (), **args: Any) -> Sample:
    named = {dim for arg in args.values() if isinstance(arg, TensorSpec) for dim in arg.dims if isinstance(dim, str)}
    sizes = {name: size for name, size in SIZES.items() if name in named}
    mode: Any = "dynamic" if dynamic else "static"
    return replace(relu(), args=args, sizes=sizes, runs=(sizes,), mode=mode, dynamic=dynamic)


def spec(*dims: str | int, dtype: str = "f32", **more: Any) -> TensorSpec:
    return TensorSpec(dims=dims, dtype=dtype, **more)


def shapes(facet: Facet, sample: Sample, argument: str = "self") -> list[tuple[int, ...]]:
    """The shapes that the argument has in the samples which the facet is injected into; all of them hold it."""
    found = [s for s in facet.injected(sample) if facet.holds(s)]
    return [s.args[argument].shape(s.sizes) for s in found]


# shapes and layouts ---------------------------------------------------------------------------------------------------


def test_a_rank_is_held_by_any_tensor_of_its_argument() -> None:
    sample = of(tensors=(spec(), spec("n", "m")))
    assert [r for r in range(6) if Rank("tensors", r).holds(sample)] == [0, 2]
    assert not Rank("other", 0).holds(sample)


def test_a_higher_rank_has_new_dims_in_front_or_behind() -> None:
    assert set(shapes(Rank("self", 3), of(self=spec("n", "m")))) == {(2, 3, 4), (3, 4, 2)}


def test_a_lower_rank_lacks_the_first_or_the_last_dims() -> None:
    assert set(shapes(Rank("self", 1), of(self=spec("n", "m")))) == {(4,), (3,)}
    assert set(shapes(Rank("self", 0), of(self=spec("n", "m")))) == {()}


def test_other_tensors_change_their_rank_too_or_not() -> None:
    sample = of(self=spec("n", "m"), other=spec("n", "m"), third=spec("m"))
    found = {tuple(len(arg.dims) for arg in s.args.values()) for s in Rank("self", 1).injected(sample)}
    assert found == {(1, 1, 0), (1, 1, 1), (1, 2, 1)}


def test_dims_and_lists_of_dims_are_fitted_to_the_new_rank() -> None:
    sample = of(self=spec("n", "m"), dim=1, order=(1, 0), pad=(2, 2), flag=True)
    assert {"dim": 1, "order": (1, 0, 2), "pad": (2, 2, 2), "flag": True} in [
        {name: s.args[name] for name in ("dim", "order", "pad", "flag")} for s in Rank("self", 3).injected(sample)
    ]
    assert {s.args["dim"] for s in Rank("self", 1).injected(sample)} == {1, 0}
    assert -1 in {s.args["dim"] for s in Rank("self", 0).injected(sample)}


@pytest.mark.parametrize(
    ("shape", "holds"), [((1, 3), True), ((1, 1), False), ((1,), True), ((3, 1), False), ((1, 0), False)]
)
def test_a_size_of_1_is_among_larger_ones(shape: tuple[int, ...], holds: bool) -> None:
    assert Size("self", 0, 1).holds(of(self=spec(*shape))) == holds


def test_a_size_of_0_is_the_only_one() -> None:
    assert Size("self", 1, 0).holds(of(self=spec("n", "none")))
    assert not Size("self", 1, 0).holds(of(self=spec("none", 0)))


def test_a_size_counts_in_any_run() -> None:
    sample = replace(of(self=spec("n", "m"), dynamic=("n",)), runs=({"n": 3, "m": 4}, {"n": 0, "m": 4}))
    assert Size("self", 0, 0).holds(sample)


def test_a_size_is_changed_wherever_its_dim_is_and_alone() -> None:
    sample = of(self=spec("n", "m"), other=spec("m"))
    found = [tuple(t.shape(s.sizes) for t in s.args.values()) for s in Size("self", 1, 1).injected(sample)]
    assert set(found) == {((3, 1), (1,)), ((3, 1), (4,))}


def test_a_layout_counts_only_where_the_elements_show_it() -> None:
    assert Laid("self", "transposed").holds(of(self=spec("n", "m", layout="transposed")))
    assert not Laid("self", "transposed").holds(of(self=spec("n", "one", layout="transposed")))
    assert not Laid("self", "expanded").holds(of(self=spec("one", "m", layout="expanded")))
    assert not Laid("self", "sliced").holds(of(self=spec(layout="sliced")))


def test_a_layout_is_changed() -> None:
    [sample] = Laid("self", "sliced").injected(of(self=spec("n"), other=spec("n")))
    assert [t.layout for t in sample.args.values()] == ["sliced", "contiguous"]


def test_what_is_injected_is_static_and_tidy() -> None:
    for facet in shape_facets(["self"]):
        for sample in facet.injected(of(self=spec("n", "m"), dim=0)):
            assert sample.runs == (sample.sizes,)
            assert set(sample.sizes) == {dim for dim in sample.args["self"].dims if isinstance(dim, str)}


# dims -----------------------------------------------------------------------------------------------------------------


def test_a_dim_is_counted_from_the_other_end() -> None:
    sample = of(self=spec("n", "m"), dim=1, dims=(0, -1))
    assert Counted("dim", negative=False).holds(sample)
    assert not Counted("dim", negative=True).holds(sample)
    assert [s.args["dim"] for s in Counted("dim", negative=True).injected(sample)] == [-1, -2]
    assert [s.args["dims"] for s in Counted("dims", negative=True).injected(sample)] == [(-2, -1), (-3, -1)]


def test_a_dim_of_a_scalar_counts_apart() -> None:
    scalar, matrix = of(self=spec(), dim=-1), of(self=spec("n", "m"), dim=(0, 1))
    assert Counted("dim", negative=True, of_scalar=True).holds(scalar)
    assert not Counted("dim", negative=True).holds(scalar)
    found = list(Counted("dim", negative=True, of_scalar=True).injected(matrix))
    assert {(s.args["self"].dims, s.args["dim"]) for s in found} == {((), (-1,))}


def test_a_flag_is_no_dim() -> None:
    assert not Counted("dim", negative=False).holds(of(self=spec("n"), dim=True))


# inferred sizes -------------------------------------------------------------------------------------------------------


def test_a_size_is_inferred_beside_none_one_or_all_dynamic_dims() -> None:
    static = of(self=spec("n", "m"), size=(SizeOf("n"), SizeOf("m")))
    one = of(self=spec("n", "m"), size=(SizeOf("n"), SizeOf("m")), dynamic=("m",))
    every = of(self=spec("n", "m"), size=(SizeOf("n"), SizeOf("m")), dynamic=("n", "m"))
    for beside, sample in (("static", static), ("one dynamic dim", one), ("all dims dynamic", every)):
        facet = Inferred("size", 1, beside)  # type: ignore[arg-type]
        assert not facet.holds(sample)
        found = [list(facet.injected(s)) for s in (static, one, every)]
        assert [bool(f) for f in found] == [s is sample for s in (static, one, every)]
        [[injected]] = filter(None, found)
        assert injected.args["size"] == (SizeOf("n"), -1)
        assert injected.dynamic == sample.dynamic
        assert facet.holds(injected)


# dtypes ---------------------------------------------------------------------------------------------------------------


def test_a_pair_of_dtypes_is_ordered() -> None:
    sample = of(self=spec("n"), other=spec("n", dtype="i64"))
    assert Dtypes("f32", "i64").holds(sample)
    assert not Dtypes("i64", "f32").holds(sample)


def test_a_later_tensor_gets_the_second_dtype() -> None:
    sample = of(self=spec("n"), tensors=(spec("n"), spec("n", dtype="i64")))
    found = [[t.dtype for t in s.args["tensors"]] for s in Dtypes("f32", "u8").injected(sample)]
    assert found == [["u8", "i64"], ["f32", "u8"]]


def test_the_dtype_of_the_sample_becomes_the_first_one() -> None:
    [sample] = Dtypes("bf16", "i8").injected(of(self=spec("n"), other=spec("n")))
    assert (sample.dtype, sample.args["self"].dtype, sample.args["other"].dtype) == ("bf16", "bf16", "i8")


def test_one_tensor_has_no_pair_of_dtypes() -> None:
    assert not list(dtype_facets([of(self=spec("n"))], ["f32"], ["f32", "i8"]))
    assert [f.name for f in dtype_facets([of(self=spec("n"), other=spec())], ["f32"], ["f32", "i8"])] == [
        "dtypes=f32,i8"
    ]


# optional arguments ---------------------------------------------------------------------------------------------------

KEEPDIM = Option(name="keepdim", default=False, values=(True, False))
ALPHA = Option(name="alpha", default=1, values=(2, 1))


def test_an_argument_that_is_left_out_or_given_its_default_is_at_its_default() -> None:
    away, default = Given(KEEPDIM, away=True), Given(KEEPDIM, away=False)
    for sample in (of(self=spec()), of(self=spec(), keepdim=False)):
        assert default.holds(sample)
        assert not away.holds(sample)
    assert away.holds(of(self=spec(), keepdim=True))


def test_a_number_is_no_flag() -> None:
    assert Given(ALPHA, away=True).holds(of(self=spec(), alpha=True))
    assert Given(ALPHA, away=False).holds(of(self=spec(), alpha=1.0))


def test_an_argument_is_given_another_value_or_left_out() -> None:
    assert [s.args["keepdim"] for s in Given(KEEPDIM, away=True).injected(of(self=spec()))] == [True]
    [sample] = Given(KEEPDIM, away=False).injected(of(self=spec(), keepdim=True))
    assert "keepdim" not in sample.args


def test_a_tensor_is_given_that_may_fit_beside_the_first_one() -> None:
    weight = Given(Option(name="weight", default=None, tensor=True), away=True)
    found = [s.args["weight"] for s in weight.injected(of(self=spec("n", "m")))]
    assert {t.dims for t in found} == {("n", "m"), ("n",), ("m",), ()}
    assert {t.dtype for t in found} == {"f32", "bool", "i64"}


def test_pairs_are_those_of_the_donors() -> None:
    both, one = of(self=spec("n"), keepdim=True, alpha=2), of(self=spec("n"), keepdim=True)
    [pair] = pair_facets((KEEPDIM, ALPHA), (both, one))
    assert pair.name == "keepdim+alpha"
    assert pair.holds(both)
    assert not pair.holds(one)
    given, donor = pair.injected(of(self=spec("m")))
    assert donor == both
    assert (given.args["keepdim"], given.args["alpha"], given.args["self"].dims) == (True, 2, ("m",))
    assert not list(pair_facets((KEEPDIM, ALPHA), (one,)))
    assert isinstance(pair, Pair)


def test_the_facets_of_arguments_follow_from_what_samples_have() -> None:
    sample = of(self=spec("n"), dim=0, size=(3,), k=2)
    assert [f.name for f in argument_facets([sample], [KEEPDIM])] == [
        "dim<0",
        "dim>=0",
        "dim<0 at rank 0",
        "dim>=0 at rank 0",
        "size@0=-1, static",
        "size@0=-1, one dynamic dim",
        "size@0=-1, all dims dynamic",
        "keepdim=default",
        "keepdim=away",
    ]


# reasons --------------------------------------------------------------------------------------------------------------


def test_a_reason_is_found_by_a_glob_of_facets_with_or_without_a_dtype() -> None:
    case = OpCase(
        op="aten.relu.default",
        inputs=lambda d: {},
        untried={"self:nan f16": "half", "*:rank=?": "any rank"},
        fixed={"driver": "one driver"},
    )
    assert case.why_untried("self:nan", "f16") == "half"
    assert case.why_untried("self:nan", "f32") is None
    assert case.why_untried("self:rank=0", "") == "any rank"
    assert case.why_untried("driver=away", "") == "one driver"
