from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch

from harness.cases.case import OpCase
from harness.cases.numeric import EXACT, Linear, Numeric, Over, ShapeOnly, Ulp
from harness.cases.sample import Fill, Sample, TensorSpec
from harness.judging import reference
from harness.judging.agreement import agreement
from harness.programs.value_facets import literal
from tests.samples import relu


def case(op: str, numeric: Numeric = EXACT, **more: Any) -> OpCase:
    return OpCase(op=op, inputs=lambda d: {}, numeric=numeric, **more)


def of(op: str, dtype: str = "f32", dims: tuple[int, ...] = (64,), args: Mapping[str, Any] = {}) -> Sample:
    spec = TensorSpec(dims=dims, dtype=dtype, fill=Fill(low=1, high=8))
    return replace(relu(), op=op, dtype=dtype, args={"self": spec, **args})


def test_what_eager_takes_agrees_with_float64() -> None:
    assert agreement(case("aten.neg.default"), of("aten.neg.default")) == "agrees"
    assert agreement(case("aten.exp.default", Ulp(4)), of("aten.exp.default", "bf16")) == "agrees"
    assert agreement(case("aten.sum.default", Linear((Over(None),))), of("aten.sum.default", "f16")) == "agrees"
    assert agreement(case("aten.neg.default"), of("aten.neg.default", "i32")) == "agrees"


@pytest.mark.parametrize(
    "sample", [of("aten.neg.default", "bool"), of("aten.sum.dim_IntList", args={"dim": (3,)}), relu("n")]
)
def test_what_eager_does_not_take_it_refuses(sample: Sample) -> None:
    assert agreement(case(sample.op), sample) == "refuses"


def test_an_exact_class_allows_no_rounding() -> None:
    assert agreement(case("aten.sum.default"), of("aten.sum.default")) == "differs"


def test_a_result_beyond_the_bound_of_its_class_differs() -> None:
    assert agreement(case("aten.sum.default", Ulp(2.0**-10)), of("aten.sum.default")) == "differs"
    assert agreement(case("aten.sum.default", Ulp(64)), of("aten.sum.default")) == "agrees"


def test_a_call_whose_result_a_roundoff_decides_is_on_an_edge() -> None:
    floor = of("aten.floor.default", dims=(2,))
    for number, found in ((2.5, "agrees"), (2.0, "edge")):  # just below 2 the result is 1
        sample = replace(floor, args={"self": literal(floor.args["self"], torch.tensor([1.5, number]))})
        assert agreement(case("aten.floor.default"), sample) == found


def test_outputs_that_the_case_does_not_judge_do_not_count() -> None:
    exp = of("aten.exp.default")
    assert agreement(case("aten.exp.default", unjudged={0: "open"}), exp) == "agrees"
    assert agreement(case("aten.exp.default", misshapen={0: "torch's"}), exp) == "agrees"
    assert agreement(case("aten.exp.default", ShapeOnly("memory")), exp) == "agrees"


def test_the_result_must_be_like_another_samples() -> None:
    last, same, first = (of("aten.flip.default", dims=(2, 3), args={"dims": (dim,)}) for dim in (-1, 1, 0))
    flip = case("aten.flip.default")
    assert agreement(flip, last, same) == "agrees"
    assert agreement(flip, last, first) == "refuses"


def test_an_op_without_float64_has_nothing_to_differ_from(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(wide: Any, args: Sequence[Any]) -> None:
        return None

    monkeypatch.setattr(reference, "in_float64", none)
    assert agreement(case("aten.exp.default"), of("aten.exp.default")) == "agrees"


def test_results_that_torch_cannot_compare_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    def cannot(got: Any, want: Any) -> Any:
        raise RuntimeError("Channel axis out of range")

    monkeypatch.setattr("harness.judging.agreement.same", cannot)
    assert agreement(case("aten.neg.default"), of("aten.neg.default")) == "differs"
