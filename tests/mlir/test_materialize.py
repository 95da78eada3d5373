"""From specs to tensors: how they lie in memory, and that copies and literals lie alike."""

from __future__ import annotations

import pytest
import torch

from harness.materialize import copied, materialize
from harness.repro import _tensor
from harness.sample import LAYOUTS, Layout, TensorSpec

SHAPES = ((), (3,), (2, 3), (4, 1, 3), (2, 0), (0, 3))


def tensor(layout: Layout, shape: tuple[int, ...], dtype: str = "f32") -> torch.Tensor:
    return materialize(TensorSpec(dims=shape, dtype=dtype, seed=3, layout=layout), {})


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("layout", ["transposed", "sliced"])
def test_a_layout_moves_elements_and_changes_none(layout: Layout, shape: tuple[int, ...]) -> None:
    assert torch.equal(tensor(layout, shape), tensor("contiguous", shape))


def test_each_layout_is_what_it_is_called() -> None:
    assert tensor("contiguous", (2, 3)).stride() == (3, 1)
    assert tensor("transposed", (2, 3)).stride() == (1, 2)
    assert tensor("sliced", (2, 3)).stride() == (7, 2)
    assert tensor("sliced", (2, 3)).storage_offset() == 1
    assert tensor("expanded", (2, 3)).stride() == (0, 1)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_copy_lies_alike_and_shares_nothing(layout: Layout, shape: tuple[int, ...]) -> None:
    first = tensor(layout, shape)
    other = copied(first)
    assert torch.equal(first, other)
    if first.numel():
        assert (first.stride(), first.storage_offset()) == (other.stride(), other.storage_offset())
        assert first.data_ptr() != other.data_ptr()


@pytest.mark.parametrize("dtype", ["f32", "bf16", "i64", "bool", "c64"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_literal_of_a_script_lies_alike(layout: Layout, dtype: str) -> None:
    first = tensor(layout, (2, 3), dtype)
    other = eval(_tensor(first), {"torch": torch, "nan": float("nan"), "inf": float("inf")})
    assert torch.equal(first, other)
    assert first.stride() == other.stride()
