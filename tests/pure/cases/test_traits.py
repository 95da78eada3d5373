from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.cases.sample import DtypeArg, EnumArg, Fill, SizeOf, TensorSpec
from harness.cases.traits import traits
from tests.samples import dynamic, relu


def of(**args: Any) -> set[str]:
    sizes = {"n": 3, "m": 2, "one": 1, "none": 0}
    return set(traits(replace(relu(), args=args, sizes=sizes, runs=(sizes,))))


def spec(*dims: str | int, dtype: str = "f32", **fill: Any) -> TensorSpec:
    return TensorSpec(dims=dims, dtype=dtype, fill=Fill(**fill))


def test_rank_is_that_of_the_first_tensor() -> None:
    assert "rank=2" in of(self=spec("n", 3), other=spec())
    assert "rank=0" in of(self=spec())


def test_no_tensor_is_a_trait() -> None:
    assert "no_tensor" in of(size=3)


@pytest.mark.parametrize(("dim", "trait"), [("none", "zero_size"), (0, "zero_size"), ("one", "size_1"), (1, "size_1")])
def test_degenerate_sizes(dim: str | int, trait: str) -> None:
    assert trait in of(self=spec("n", dim))
    assert trait not in of(self=spec("n", "m"))


@pytest.mark.parametrize("other", [("m",), (1, "m"), ("n", 1), ()])
def test_broadcasting(other: tuple[str | int, ...]) -> None:
    assert "broadcast" in of(self=spec("n", "m"), other=spec(*other))
    assert "broadcast" in of(self=spec(*other), other=spec("n", "m"))


@pytest.mark.parametrize("other", [("n", "m"), ("n",), (3, "m")])
def test_no_broadcasting(other: tuple[str | int, ...]) -> None:
    assert "broadcast" not in of(self=spec("n", "m"), other=spec(*other))


def test_mixed_dtypes() -> None:
    assert "mixed_dtype" in of(self=spec("n"), other=spec("n", dtype="i32"))
    assert "mixed_dtype" not in of(self=spec("n"), other=spec("n"))


@pytest.mark.parametrize(
    ("value", "trait"),
    [
        (True, "x=True"),
        (False, "x=False"),
        (None, "x=None"),
        ("mean", "x=mean"),
        (-2, "x<0"),
        (0, "x=0"),
        (1, "x=1"),
        (7, "x>1"),
        (-0.5, "x<0"),
        (0.0, "x=0"),
        (1.0, "x=1"),
        (0.5, "x=float"),
        (1j, "x=complex"),
        (SizeOf("n"), "x=size"),
        (DtypeArg("f64"), "x=f64"),
        (EnumArg("layout", "strided"), "x=strided"),
        ((), "x=[]"),
        ((2, -1), "x<0"),
        ((2, 3), "x:uneven"),
        ((1, 1), "x=1"),
        ((0,), "x=0"),
        ((SizeOf("n"), 2), "x=size"),
        ((True, False), "x=TF"),
        ((spec("n"), None), "len(x)=2"),
        ((spec("n"), None), "x:None"),
        (spec("n", kind="index"), "x:index"),
    ],
)
def test_arguments(value: Any, trait: str) -> None:
    assert trait in of(x=value)


def test_dynamic_dims_and_runs_at_zero() -> None:
    found = traits(dynamic("aten.relu.default", 0, 5))
    assert "dynamic=n" in found
    assert "run_at_0" in found
    assert "run_at_0" not in traits(dynamic("aten.relu.default", 1, 5))


def test_traits_are_sorted_and_name_dtype_and_values() -> None:
    found = traits(relu(values="extreme"))
    assert list(found) == sorted(found)
    assert {"dtype=f32", "values=extreme"} <= set(found)


def test_a_layout_other_than_row_major_is_a_trait() -> None:
    assert "self:transposed" in of(self=replace(spec("n", "m"), layout="transposed"))
    assert not any("contiguous" in trait for trait in of(self=spec("n", "m")))
