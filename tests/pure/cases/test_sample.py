from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.cases.dtypes import DTYPES
from harness.cases.other_samples import with_values
from harness.cases.sample import (
    LAYOUTS,
    ORIGINS,
    VALUES,
    DtypeArg,
    EnumArg,
    Fill,
    Origin,
    Sample,
    SizeOf,
    TensorSpec,
    dumps,
    from_json,
    map_tensors,
    tensors,
    to_json,
)
from harness.errors import BadSample
from tests.samples import dynamic, relu

NAMES = ("n", "m")
FILLS = st.builds(
    Fill,
    kind=st.sampled_from(("any", "distinct", "index", "sorted")),
    values=st.sampled_from(VALUES),
    low=st.none() | st.integers(-9, 9).map(float),
    step=st.none() | st.just(0.5),
    avoid=st.lists(st.sampled_from((0.0, 0.5, -1.0)), max_size=2).map(tuple),
    margin=st.sampled_from((0.0, 0.25)),
    nonfinite=st.booleans(),
    of=st.none() | st.sampled_from(NAMES) | st.integers(0, 5),
)
SPECS = st.builds(
    TensorSpec,
    dims=st.lists(st.sampled_from(NAMES) | st.integers(0, 7), max_size=4).map(tuple),
    dtype=st.sampled_from(sorted(DTYPES)),
    fill=FILLS,
    seed=st.integers(0, 99),
    layout=st.sampled_from(LAYOUTS),
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.complex_numbers(allow_nan=False)
    | st.text(max_size=5)
    | SPECS
    | st.sampled_from(NAMES).map(SizeOf)
    | st.sampled_from(sorted(DTYPES)).map(DtypeArg)
    | st.builds(EnumArg, st.sampled_from(("layout", "device", "memory_format")), st.text("abc", min_size=1))
)
ARGS = st.dictionaries(
    st.text("abcdef_", min_size=1, max_size=6), LEAVES | st.lists(LEAVES, max_size=3).map(tuple), max_size=4
)
SIZES = st.fixed_dictionaries({name: st.integers(0, 9) for name in NAMES})


@st.composite
def samples(draw: Any) -> Sample:
    sizes = draw(SIZES)
    base = Sample(op="aten.x.y", dtype="f32", mode="static", sizes=sizes, args=draw(ARGS), runs=(sizes,))
    if draw(st.booleans()):
        return base
    return replace(base, mode="dynamic", dynamic=("n",), runs=(sizes, draw(SIZES)))


QUICK = settings(max_examples=60, deadline=None, database=None, derandomize=True)


@QUICK
@given(samples())
def test_json_leads_back_to_the_same_sample(sample: Sample) -> None:
    assert from_json(json.loads(dumps(sample))) == sample


@QUICK
@given(samples())
def test_the_id_survives_json(sample: Sample) -> None:
    assert from_json(json.loads(dumps(sample))).id == sample.id


def test_a_nan_survives_json() -> None:
    sample = replace(relu(), args={"self": TensorSpec(dims=(), dtype="f32"), "x": math.nan, "y": complex(0, math.nan)})
    back = from_json(json.loads(dumps(sample)))
    assert math.isnan(back.args["x"])
    assert math.isnan(back.args["y"].imag)


def test_json_is_standard() -> None:
    text = dumps(replace(relu(), args={"a": math.inf, "b": complex(math.nan, -math.inf), "c": (math.nan,)}))
    json.loads(text, parse_constant=pytest.fail)


def test_booleans_stay_booleans() -> None:
    back = from_json(to_json(replace(relu(), args={"a": True, "b": 1, "c": 1.0})))
    assert [type(v) for v in back.args.values()] == [bool, int, float]


def test_a_static_sample_runs_at_its_sizes() -> None:
    data = to_json(dynamic("aten.relu.default", mode="static"))
    assert "runs" not in data
    assert from_json(data).runs == ({"n": 4},)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"mode": "dynamically"}, "mode 'dynamically'"),
        ({"dtype": "float"}, "dtype 'float'"),
        ({"sizes": None}, "AttributeError"),
        ({"sizes": {"n": "many"}}, "many"),
        ({"args": {"self": {"tensor": {"dims": []}}}}, "dtype"),
        ({"args": {"self": {"tensor": {"dims": [1.5], "dtype": "f32", "seed": 0}}}}, "bad tensor"),
        ({"args": {"self": {"tensor": {"dims": [], "dtype": "f31", "seed": 0}}}}, "bad tensor"),
        ({"args": {"self": {"tensor": {"dims": [], "dtype": "f32", "seed": 0, "fill": {"x": 1}}}}}, "'x'"),
        ({"args": {"self": {"tensor": {"dims": [], "dtype": "f32", "seed": 0, "layout": "odd"}}}}, "bad tensor"),
        ({"args": {"self": {"unknown": 1}}}, "unknown argument form"),
    ],
)
def test_what_is_no_sample_is_refused_and_says_why(change: dict[str, Any], said: str) -> None:
    with pytest.raises(BadSample, match="not a sample") as raised:
        from_json(to_json(relu()) | change)
    assert said in str(raised.value)
    assert "opcov repro" in raised.value.hint


@pytest.mark.parametrize("missing", ["op", "dtype", "mode", "sizes", "args"])
def test_a_missing_key_is_named(missing: str) -> None:
    data = to_json(relu())
    del data[missing]
    with pytest.raises(BadSample, match=f"KeyError: '{missing}'"):
        from_json(data)


@pytest.mark.parametrize("data", [None, 3, "text", [], ["op"]])
def test_other_json_is_no_sample(data: Any) -> None:
    with pytest.raises(BadSample):
        from_json(data)


@pytest.mark.parametrize(
    "args",
    [
        {"self": TensorSpec(dims=("k",), dtype="f32")},
        {"size": SizeOf("k")},
        {"index": TensorSpec(dims=(), dtype="i64", fill=Fill(kind="index", of="k"))},
    ],
)
def test_a_dim_without_a_size_is_named(args: dict[str, Any]) -> None:
    data = to_json(replace(relu(), args=args))
    with pytest.raises(BadSample, match="no size: k"):
        from_json(data)


def test_a_run_that_lacks_a_dim_is_refused() -> None:
    data = to_json(dynamic("aten.relu.default", 5))
    data["runs"][1] = {}
    with pytest.raises(BadSample, match="no size: n"):
        from_json(data)


def test_tensors_are_found_inside_of_lists_in_order() -> None:
    specs = [TensorSpec(dims=(i,), dtype="f32") for i in range(3)]
    assert tensors({"a": (specs[0], None, specs[1]), "b": 3, "c": specs[2]}) == specs


def test_samples_that_differ_in_values_are_one_program() -> None:
    assert relu(seed=1).program == relu(seed=2, values="extreme").program
    assert relu(3).program != relu(4).program
    assert relu().program != relu(dtype="f64").program


@pytest.mark.parametrize("origin", ORIGINS)
def test_where_a_sample_is_from_makes_no_other_program(origin: Origin) -> None:
    sample = replace(relu(), origin=origin)
    assert sample.program == relu().program
    assert (sample.id == relu().id) == (origin == "census")


def test_the_id_tells_samples_apart() -> None:
    assert relu(seed=1).id != relu(seed=2).id
    assert relu(seed=1).id == relu(seed=1).id
    assert len(relu().id) == 10


def test_with_values_fills_every_tensor_another_way() -> None:
    assert with_values(relu(), "extreme").values == "extreme"


def test_with_values_keeps_special_values_out_of_integers() -> None:
    assert with_values(relu(dtype="i32"), "nonfinite") == relu(dtype="i32")
    assert with_values(relu(dtype="c64"), "nonfinite").values == "nonfinite"


def test_with_values_keeps_special_values_out_where_the_op_does_not_define_them() -> None:
    assert with_values(relu(nonfinite=False), "nonfinite").values == "mixed"
    assert with_values(relu(nonfinite=False), "extreme").values == "extreme"


def test_the_values_of_a_sample_are_its_most_demanding_ones() -> None:
    specs = tuple(TensorSpec(dims=(), dtype="f32", fill=Fill(values=v)) for v in ("simple", "extreme", "mixed"))
    assert replace(relu(), args={"tensors": specs}).values == "extreme"
    assert replace(relu(), args={}).values == "simple"


def test_map_tensors_leaves_all_else() -> None:
    sample = replace(relu(), args={"self": TensorSpec(dims=(), dtype="f32"), "dim": (1, 2), "p": 0.5})
    changed = map_tensors(sample, lambda t: replace(t, seed=9))
    assert changed.args == {"self": TensorSpec(dims=(), dtype="f32", seed=9), "dim": (1, 2), "p": 0.5}
