from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from harness.cases.dtypes import DTYPES
from harness.cases.sample import LAYOUTS, Fill, Layout, TensorSpec
from harness.programs.materialize import dtype, materialize
from harness.programs.value_facets import Equal, Value, held, literal, specials
from tests.samples import relu

HALF = torch.finfo(torch.float16)


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ((1.0, 0.0), set()),
        ((float("nan"), -0.0), {"nan", "-0.0"}),
        ((float("inf"), -float("inf")), {"+inf", "-inf"}),
        ((HALF.min, HALF.max), {"least", "largest"}),
        ((HALF.tiny, HALF.tiny / 2), {"subnormal"}),
    ],
)
def test_special_values_of_floats(values: tuple[float, ...], names: set[str]) -> None:
    assert held(torch.tensor(values, dtype=torch.float16)) == names


def test_special_values_of_integers_booleans_and_complex_numbers() -> None:
    assert held(torch.tensor([-128, 0], dtype=torch.int8)) == {"least"}
    assert held(torch.tensor([127, 0], dtype=torch.uint8)) == {"least"}
    assert held(torch.tensor([128, 255], dtype=torch.uint8)) == {"largest", "high_bit"}
    assert held(torch.tensor([2**63 - 1])) == {"largest"}
    assert held(torch.tensor([True, False])) == {"least", "largest"}
    assert held(torch.tensor([complex(1.0, float("nan"))])) == {"nan"}


@pytest.mark.parametrize("name", DTYPES)
def test_each_special_value_of_a_dtype_can_be_injected(name: str) -> None:
    sample = relu(3, dtype=name, values="simple", low=1, high=2)
    for special in specials(name):
        facet = Value("self", name, special)
        found = list(facet.injected(sample))
        assert found, special
        assert all(map(facet.holds, found)), special
        assert {s.args["self"].dtype for s in found} == {name}


def test_only_the_dtype_and_argument_that_are_meant_are_changed() -> None:
    sample = relu(3)
    assert not list(Value("self", "f64", "nan").injected(sample))
    assert not list(Value("other", "f32", "nan").injected(sample))
    assert not list(Value("self", "f32", "nan").injected(relu(0)))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", DTYPES)
def test_a_literal_has_the_same_elements_and_layout(name: str, layout: Layout) -> None:
    spec = TensorSpec(dims=(2, 3), dtype=name, layout=layout)
    t = materialize(spec, {})
    copy = materialize(literal(spec, t), {})
    assert copy.dtype == dtype(name)
    assert torch.equal(copy, t)
    assert copy.stride() == ((3, 1) if layout == "expanded" else t.stride())  # its rows may differ then


def test_ties_are_equal_elements_along_a_dim() -> None:
    ties = Equal("self", "tie")
    distinct = relu(2, 3, kind="distinct")
    assert (ties.name, Equal("self", "duplicate").name) == ("self:ties", "self:duplicates")
    assert not ties.holds(distinct)
    found = list(ties.injected(distinct))
    assert len(found) == 2  # along either dim
    assert all(map(ties.holds, found))
    assert all(s.args["self"].fill.kind == "literal" for s in found)


def test_a_scalar_has_no_ties() -> None:
    sample = relu(1)
    assert not Equal("self", "tie").holds(sample)
    assert not list(Equal("self", "tie").injected(sample))


def test_equal_elements_that_no_dim_joins_are_no_ties() -> None:
    diagonal = literal(TensorSpec(dims=(2, 2), dtype="f32", fill=Fill()), torch.tensor([[1.0, 2.0], [3.0, 1.0]]))
    assert not Equal("self", "tie").holds(replace(relu(2, 2), args={"self": diagonal}))
