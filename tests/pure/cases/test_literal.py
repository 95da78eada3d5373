from __future__ import annotations

import math
from typing import Any

import pytest

from harness.cases.dtypes import DTYPES
from harness.cases.literal import astray, elements, finite, in_dtype, literal, simpler
from harness.cases.other_samples import seeded, with_values
from harness.cases.sample import Fill, Sample, TensorSpec, tensors
from harness.errors import BadSample

INF, NAN = math.inf, math.nan


def spec(*given: Any, dtype: str = "f32") -> TensorSpec:
    return TensorSpec(dims=(len(given),), dtype=dtype, fill=literal(given, dtype))


def sample(*specs: TensorSpec) -> Sample:
    args = {f"x{i}": one for i, one in enumerate(specs)}
    return Sample(op="aten.made.up", dtype="f32", mode="static", sizes={}, args=args, runs=({},))


def read(found: Sample) -> list[Any]:
    return elements(tensors(found.args)[0])


@pytest.mark.parametrize("dtype", DTYPES)
def test_elements_come_back_from_each_dtype(dtype: str) -> None:
    kind = DTYPES[dtype]
    given = [0, 1, kind.low, kind.high] if kind.kind == "int" else [0.0, 1.5, -2.0, INF]
    given = {"bool": [False, True, True], "complex": [1.5 - 2j, 0j]}.get(kind.kind, given)
    assert elements(spec(*given, dtype=dtype)) == given
    assert elements(spec(dtype=dtype)) == []


def test_a_bf16_is_rounded_to_even_and_keeps_nan_and_infinities() -> None:
    assert elements(spec(1 + 2**-8, 1 + 3 * 2**-8, -INF, dtype="bf16")) == [1.0, 1 + 2**-6, -INF]
    assert math.isnan(elements(spec(NAN, dtype="bf16"))[0])


@pytest.mark.parametrize(("given", "dtype"), [(256, "u8"), (-1, "u8"), (1e6, "f16"), (1e39, "f32"), (1.5, "i32")])
def test_what_a_dtype_does_not_hold_is_an_error(given: Any, dtype: str) -> None:
    with pytest.raises(BadSample, match=f"{dtype} does not hold one of .*name another dtype"):
        literal([given], dtype)


def test_the_text_is_the_same_with_each_zlib() -> None:
    assert literal([2.0, 1.0], "f32") == Fill(kind="literal", data="eAEBCAD3/wAAAEAAAIA/AocBAA==")


def test_a_literal_with_nan_or_an_infinity_says_so() -> None:
    assert [spec(x).fill.values for x in (1.0, NAN, -INF)] == ["mixed", "nonfinite", "nonfinite"]
    assert spec(complex(1, NAN), dtype="c64").fill.values == "nonfinite"


def test_a_literal_is_filled_in_no_other_way() -> None:
    one = sample(spec(1.0, NAN), TensorSpec(dims=(2,), dtype="f32"))
    other = seeded(with_values(one, "extreme"), 3)
    assert tensors(other.args)[0] == tensors(one.args)[0]
    assert tensors(other.args)[1] == TensorSpec(dims=(2,), dtype="f32", fill=Fill(values="extreme"), seed=3000)


def test_nan_and_infinities_become_numbers_that_are_not_there() -> None:
    assert read(finite(sample(spec(2.0, NAN, 1.0, -INF)))) == [2.0, 3.0, 1.0, -4.0]
    assert finite(sample(spec(2.0, NAN))).values == "mixed"
    untouched = sample(spec(2.0), spec(3, dtype="i64"), TensorSpec(dims=(2,), dtype="f32"))
    assert finite(untouched) == untouched


def test_simpler_elements_keep_their_signs_their_order_and_their_ties() -> None:
    found = read(simpler(sample(spec(7.25, -3.0, 0.0, 1e30, 7.25, -0.5, INF))))
    assert found == [1.0, -2.0, 0.0, 2.0, 1.0, -1.0, INF]
    assert math.isnan(read(simpler(sample(spec(NAN, 9.0))))[0])


def test_integers_stay_since_they_may_be_indices() -> None:
    assert read(simpler(sample(spec(9, 4, dtype="i64")))) == [9, 4]


def test_an_index_that_is_an_end_of_i64_becomes_one_whose_address_does_not_wrap_around() -> None:
    ends = TensorSpec(dims=(4,), dtype="i64", fill=literal([3, -(2**63), 2**63 - 1, -1], "i64"))
    short = TensorSpec(dims=(1,), dtype="i32", fill=literal([2**31 - 1], "i32"))
    found = astray(sample(ends, short))
    assert [elements(t) for t in tensors(found.args)] == [[3, -(2**41), 2**41, -1], [2**31 - 1]]
    drawn = sample(TensorSpec(dims=(4,), dtype="i64"))
    assert astray(drawn) == drawn


def test_elements_in_another_dtype() -> None:
    assert elements(in_dtype(spec(1, 255, dtype="u8"), "f32")) == [1.0, 255.0]
    drawn = TensorSpec(dims=(2,), dtype="u8", fill=Fill(low=1))
    assert in_dtype(drawn, "f32") == TensorSpec(dims=(2,), dtype="f32", fill=Fill(low=1))
    with pytest.raises(BadSample, match="f32 does not hold one of"):
        in_dtype(spec(1j, dtype="c64"), "f32")
