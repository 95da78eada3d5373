"""Tensors go to a helper and back bit by bit."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
import torch

from backends.executors.llvm_jit import DTYPES
from harness.programs.helper import Helper, _dumped


def bits(t: torch.Tensor) -> bytes:
    return bytes(t.contiguous().reshape(-1).view(torch.uint8).numpy())


@pytest.mark.parametrize("dtype", sorted(set(DTYPES.values()), key=str))
def test_a_tensor_comes_back_as_it_was(dtype: torch.dtype) -> None:
    for shape in ((), (0, 3), (2, 3), (1, 1)):
        sent = torch.randint(0, 2, shape).to(dtype)
        got = pickle.loads(_dumped([sent]))[0]
        assert (got.dtype, got.shape, bits(got)) == (sent.dtype, sent.shape, bits(sent))
        assert got.is_contiguous()


def test_a_lone_element_with_a_stride_comes_back_as_it_was() -> None:
    sent = torch.arange(3.0)[1::2]
    assert (sent.stride(), sent.is_contiguous()) == ((2,), True)
    assert pickle.loads(_dumped(sent)).tolist() == [1.0]


def test_its_nans_keep_their_payload() -> None:
    sent = torch.tensor([0x7FC00001, -0x3FFFFE], dtype=torch.int32).view(torch.float32)
    assert bits(pickle.loads(_dumped(sent))) == bits(sent)


@pytest.mark.parametrize(
    "special",
    [
        torch.arange(6.0).reshape(2, 3).t(),
        torch.ones(2).expand(3, 2),
        torch.ones(2, dtype=torch.complex64).conj(),
        torch.ones(2).requires_grad_(),
        torch.ones(2).to_sparse(),
    ],
)
def test_any_other_tensor_goes_torchs_way(special: torch.Tensor) -> None:
    got = pickle.loads(_dumped(special))
    assert torch.equal(got.to_dense(), special.to_dense())
    assert (got.layout, got.requires_grad, got.is_conj()) == (special.layout, special.requires_grad, special.is_conj())
    assert got.is_sparse or got.stride() == special.stride()


def test_a_plain_tensor_makes_no_archive() -> None:
    assert len(_dumped(torch.zeros(4))) < len(pickle.dumps(torch.zeros(4))) / 2


def test_a_helper_answers_with_tensors_that_can_be_written_to() -> None:
    def doubled(inputs: Any) -> Any:
        return [t.mul_(2) for t in inputs]

    helper = Helper(doubled)
    (got,) = helper.ask([torch.ones(3)], 10)
    helper.stop()
    assert got.add_(1).tolist() == [3, 3, 3]
