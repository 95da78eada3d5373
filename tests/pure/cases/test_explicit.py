from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from harness.cases.case import Draw, OpCase
from harness.cases.draw import census
from harness.cases.explicit import NAN, Example, example, tensor
from harness.cases.literal import elements
from harness.cases.profile import PROFILES
from harness.cases.sample import SizeOf, dumps, from_json, tensors
from harness.errors import BadSample

WITH_NAN = example(self=tensor([2.0, NAN, 1.0, 3.0], dims=("n",)), descending=True)
UNSIGNED = example(self=tensor([[100, 200, 50], [7, 7, 255]], "u8", dims=("n", None)), dim=1)
CONSTANT = example(self=tensor([2.0, NAN]), descending=True)


def inputs(d: Draw) -> Mapping[str, Any]:
    return {"self": d.tensor(d.shape(0, 3))}


def case(*examples: Example, **more: Any) -> OpCase:
    dtypes = ("f32", "i32", "u8", "c128")
    return OpCase(**{"op": "aten.sort.default", "inputs": inputs, "dtypes": dtypes, "examples": examples} | more)


def explicit(of: OpCase, dtype: str = "f32", mode: Any = "static", name: str = "quick") -> list[Any]:
    return [s for s in census(of, dtype, mode, PROFILES[name], 0) if s.origin == "explicit"]


def test_an_example_is_the_call_that_is_written() -> None:
    (found,) = explicit(case(WITH_NAN))
    assert (found.op, found.dtype, found.mode, found.args["descending"]) == ("aten.sort.default", "f32", "static", True)
    assert tensors(found.args)[0].shape(found.sizes) == (4,)
    assert str(elements(tensors(found.args)[0])) == "[2.0, nan, 1.0, 3.0]"
    assert found.values == "nonfinite"
    assert json.loads(dumps(found))["origin"] == "explicit"
    assert from_json(json.loads(dumps(found))) == found


def test_named_dims_are_symbolic_in_dynamic_mode_at_the_sizes_of_the_elements() -> None:
    (found,) = explicit(case(UNSIGNED), "u8", "dynamic")
    assert (found.sizes, found.dynamic, found.runs) == ({"n": 2}, ("n",), ({"n": 2},))
    assert tensors(found.args)[0].dims == ("n", 3)
    small = example(self=tensor([[1.0, 2.0]], dims=("n", "m")))
    assert explicit(case(small), mode="dynamic")[0].dynamic == ("m",)


def test_there_is_no_dynamic_sample_where_no_dim_can_be_symbolic() -> None:
    for one in (CONSTANT, example(self=tensor(2.0)), example(self=tensor([1.0], dims=("n",)))):
        assert explicit(case(one), mode="dynamic") == []
        assert len(explicit(case(one))) == 1
    assert explicit(case(WITH_NAN, static_only="reason"), mode="dynamic") == []


@pytest.mark.parametrize("name", PROFILES)
def test_examples_run_in_every_profile_in_the_cell_of_their_dtype(name: str) -> None:
    double = example(self=tensor([1.0 + 2j], "c128"))
    of = case(WITH_NAN, UNSIGNED, double)
    assert {"f32", "u8", "c128"} <= set(PROFILES[name].dtypes(of, "static"))
    assert {"f32", "u8"} <= set(PROFILES[name].dtypes(of, "dynamic"))
    assert [len(explicit(of, dtype, name=name)) for dtype in of.dtypes] == [1, 0, 1, 1]


def test_examples_come_last_and_leave_what_is_drawn_as_it_is() -> None:
    for mode in case().modes():
        without = census(case(), "f32", mode, PROFILES["default"], 0)
        assert census(case(WITH_NAN), "f32", mode, PROFILES["default"], 0)[: len(without)] == without


def test_lists_of_tensors_sizes_and_calls_without_tensors() -> None:
    pair = (tensor([1.0, 2.0], dims=("n",)), tensor([3.0, 4.0], dims=("n",)))
    (found,) = explicit(case(example(tensors=pair, length=SizeOf("n"))))
    assert [elements(t) for t in tensors(found.args)] == [[1.0, 2.0], [3.0, 4.0]]
    (found,) = explicit(case(example("i32", end=3)), "i32")
    assert found.args == {"end": 3}


def wrong_rows() -> None:
    tensor([[1.0], [2.0, 3.0]])


def too_large() -> None:
    tensor([256], "u8")


def unknown_dtype() -> None:
    tensor([1.0], "float32")


def unknown_dtype_of_the_cell() -> None:
    example("float32", end=3)


def too_many_names() -> None:
    tensor([1.0], dims=("n", "m"))


def two_sizes() -> None:
    example(self=tensor([1.0], dims=("n",)), other=tensor([1.0, 2.0], dims=("n",)))


def no_dtype() -> None:
    example(end=3)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (wrong_rows, r"the rows of \[\[1.0\], \[2.0, 3.0\]\] are not of one length"),
        (too_large, r"u8 does not hold one of \[256\]"),
        (unknown_dtype, "an example has the dtype 'float32'.*the dtypes are f32, "),
        (unknown_dtype_of_the_cell, "an example has the dtype 'float32'.*the dtypes are f32, "),
        (too_many_names, r"names 2 dims of a tensor of shape \[1\]"),
        (two_sizes, "has the dim n with the sizes 1 and 2"),
        (no_dtype, "an example without a tensor has no dtype.*name it first"),
    ],
)
def test_what_is_no_example_is_an_error_of_one_line(make: Any, said: str) -> None:
    with pytest.raises(BadSample, match=said) as raised:
        make()
    assert "\n" not in str(raised.value)


def test_an_example_in_a_dtype_without_cells_is_an_error() -> None:
    with pytest.raises(BadSample, match=r"aten.sort.default.*example.*bf16.*no cells"):
        case(example(self=tensor([1.0], "bf16")))
    assert replace(case(), examples=(WITH_NAN,)).examples == (WITH_NAN,)
