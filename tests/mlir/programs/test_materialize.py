"""Materialized specs: their memory layout, which copies and literals of scripts keep, and values on one side of 0."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from harness.cases.sample import LAYOUTS, ONE_SIDED, Fill, Layout, TensorSpec, Values
from harness.commands.python_source import tensor_source
from harness.programs.materialize import copied, materialize
from harness.programs.value_facets import held

BOTH = {(a, b) for a in (False, True) for b in (False, True)}
SHAPES = ((), (3,), (2, 3), (4, 1, 3), (2, 0), (0, 3))


def tensor(layout: Layout, shape: tuple[int, ...], dtype: str = "f32") -> torch.Tensor:
    return materialize(TensorSpec(dims=shape, dtype=dtype, seed=3, layout=layout), {})


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("layout", ["transposed", "sliced"])
def test_a_layout_changes_no_element(layout: Layout, shape: tuple[int, ...]) -> None:
    assert torch.equal(tensor(layout, shape), tensor("contiguous", shape))


def test_each_layout_has_the_strides_of_its_name() -> None:
    assert tensor("contiguous", (2, 3)).stride() == (3, 1)
    assert tensor("transposed", (2, 3)).stride() == (1, 2)
    assert tensor("sliced", (2, 3)).stride() == (7, 2)
    assert tensor("sliced", (2, 3)).storage_offset() == 1
    assert tensor("expanded", (2, 3)).stride() == (0, 1)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_copy_has_the_same_strides_and_its_own_memory(layout: Layout, shape: tuple[int, ...]) -> None:
    first = tensor(layout, shape)
    other = copied(first)
    assert torch.equal(first, other)
    if first.numel():
        assert (first.stride(), first.storage_offset()) == (other.stride(), other.storage_offset())
        assert first.data_ptr() != other.data_ptr()


@pytest.mark.parametrize("dtype", ["f32", "bf16", "i64", "bool", "c64"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_literal_of_a_script_has_the_same_strides(layout: Layout, dtype: str) -> None:
    first = tensor(layout, (2, 3), dtype)
    other = eval(tensor_source(first), {"torch": torch, "nan": float("nan"), "inf": float("inf")})
    assert torch.equal(first, other)
    assert first.stride() == other.stride()


@pytest.mark.parametrize("kind", ["any", "distinct", "sorted"])
@pytest.mark.parametrize("dtype", ["f32", "f16", "i8", "i64"])
def test_values_on_one_side_of_zero_stay_there_and_away_from_it(dtype: str, kind: Any) -> None:
    below, above = (
        materialize(TensorSpec(dims=(5, 7), dtype=dtype, seed=3, fill=Fill(kind=kind, values=side)), {})
        for side in ONE_SIDED
    )
    assert below.max() <= -1
    assert above.min() >= 1
    assert below.unique().numel() > 7


def test_the_sides_of_an_unsigned_range_are_its_halves() -> None:
    below, above = (
        materialize(TensorSpec(dims=(50,), dtype="u8", seed=3, fill=Fill(values=side)), {}) for side in ONE_SIDED
    )
    assert below.max() < 127 < above.min()


def test_many_unsigned_values_would_be_negative_as_signed() -> None:
    found = materialize(TensorSpec(dims=(500,), dtype="u8", seed=3), {})
    assert 0.2 < (found > 127).float().mean() < 0.6


@pytest.mark.parametrize("shape", [(), (1,), (3,)])
def test_the_smallest_unsigned_tensor_has_a_value_that_would_be_negative_as_signed(shape: tuple[int, ...]) -> None:
    for seed in range(20):
        assert filled("u8", *shape, seed=seed).max() > 127
        assert filled("u8", *shape, seed=seed, high=9).max() <= 9


def test_a_range_with_nothing_on_the_wanted_side_is_used_as_it_is() -> None:
    found = materialize(TensorSpec(dims=(9,), dtype="i32", seed=3, fill=Fill(values="above", low=-5, high=-2)), {})
    assert -5 <= found.min() <= found.max() <= -2


def filled(dtype: str, *dims: int, seed: int = 3, layout: Layout = "contiguous", **fill: Any) -> torch.Tensor:
    return materialize(TensorSpec(dims=dims, dtype=dtype, seed=seed, layout=layout, fill=Fill(**fill)), {})


@pytest.mark.parametrize("kind", ["any", "distinct"])
@pytest.mark.parametrize("dtype", ["f32", "f64", "f16", "bf16"])
def test_the_extremes_of_floats_are_the_ends_a_subnormal_and_a_negative_zero(dtype: str, kind: Any) -> None:
    found = held(filled(dtype, 3, 4, kind=kind, values="extreme"))
    assert {"least", "largest", "subnormal", "-0.0"} <= found


@pytest.mark.parametrize("kind", ["any", "distinct"])
@pytest.mark.parametrize("dtype", ["i8", "u8", "i16", "i32", "i64"])
def test_the_extremes_of_integers_are_the_ends(dtype: str, kind: Any) -> None:
    found = filled(dtype, 3, 4, kind=kind, values="extreme")
    assert {"least", "largest"} <= held(found)
    assert kind == "any" or found.unique().numel() == 12


def test_fills_hold_only_the_special_values_that_they_allow() -> None:
    assert not held(filled("f32", 20, values="extreme", low=1, high=2))
    assert not {"least", "largest"} & held(filled("f32", 20, values="extreme", reach="unit"))
    assert not {"-0.0", "subnormal"} & held(filled("f32", 20, values="extreme", avoid=(0.0,), margin=0.5))
    assert not {"least", "largest", "subnormal"} & held(filled("f32", 20, values="extreme", step=0.5))


@pytest.mark.parametrize("kind", ["any", "distinct", "sorted"])
def test_structures_hold_nan_and_infinities(kind: Any) -> None:
    found = filled("f32", 3, 4, kind=kind, values="nonfinite")
    assert {"nan", "+inf", "-inf"} <= held(found)
    assert kind != "distinct" or int(found.isnan().sum()) == 1
    assert kind != "sorted" or torch.equal(found.isnan().sum(-1), found.sort(-1).values.isnan().sum(-1))


@pytest.mark.parametrize("values", ["extreme", "nonfinite"])
def test_a_small_tensor_holds_other_special_values_at_each_refill(values: Any) -> None:
    every = held(filled("f32", 8, values=values)) - ({"-0.0"} if values == "nonfinite" else set())
    found = [held(filled("f32", seed=1 + 1000 * fill, values=values)) for fill in range(4)]
    assert every <= set().union(*found)


def test_the_first_row_of_an_expanded_tensor_has_the_special_values() -> None:
    found = filled("f32", 3, 5, layout="expanded", values="nonfinite")
    assert found.stride() == (0, 1)
    assert {"nan", "+inf", "-inf"} <= held(found)


@pytest.mark.parametrize("dtype", ["f32", "u8", "i64", "c64"])
@pytest.mark.parametrize("values", ["mixed", "nonfinite"])
def test_most_elements_of_a_sparse_tensor_are_zero_and_the_others_are_as_in_any(dtype: str, values: Values) -> None:
    found = materialize(TensorSpec(dims=(600,), dtype=dtype, fill=Fill(kind="sparse", values=values), seed=1), {})
    part = found.real if found.is_complex() else found
    assert 0.6 < (part == 0).float().mean() < 0.85
    assert bool(part.isnan().any()) == (values == "nonfinite" and dtype in ("f32", "c64"))
    assert not part.dtype.is_floating_point or bool(((part % 1 != 0) & part.isfinite()).any())
    assert dtype != "u8" or bool((part > 127).any())


def test_the_extremes_of_booleans_are_mostly_true() -> None:
    fill = Fill(values="extreme")
    found = materialize(TensorSpec(dims=(64,), dtype="bool", fill=fill, seed=1), {})
    assert found.sum() == 48


@pytest.mark.parametrize("shape", [(4,), (5,), (2, 3), (3, 1, 4)])
@pytest.mark.parametrize("layout", ["contiguous", "sliced"])
def test_booleans_of_one_shape_show_every_combination(shape: tuple[int, ...], layout: Layout) -> None:
    first, second = (materialize(TensorSpec(dims=shape, dtype="bool", seed=n, layout=layout), {}) for n in (1, 2))
    assert set(zip(first.flatten().tolist(), second.flatten().tolist(), strict=True)) == BOTH


@pytest.mark.parametrize("shape", [(2,), (3,)])
def test_where_there_is_no_room_for_all_the_extremes_show_the_others(shape: tuple[int, ...]) -> None:
    def shown(values: Values) -> set[tuple[bool, bool]]:
        fill = Fill(values=values)
        pair = (materialize(TensorSpec(dims=shape, dtype="bool", seed=n, fill=fill), {}) for n in (1, 2))
        return set(zip(*(t.tolist() for t in pair), strict=True))

    assert shown("mixed") | shown("extreme") == BOTH
