"""The booleans of a sample's tensors."""

from __future__ import annotations

import math

import torch

from harness.cases.sample import TensorSpec


def booleans(spec: TensorSpec, shape: tuple[int, ...], seed: int) -> torch.Tensor:
    """About as many true as false elements; tensors of one shape show each combination of operands.

    `seed` is the same for all tensors of a sample that have the shape. It makes a permutation: element i of the n-th
    tensor is the n-th digit of its i-th number. The extremes are the opposite in every other tensor, and in those of
    one element: they show the other combinations where there is no room for all.
    """
    count = math.prod(shape)
    number = spec.seed % 1000
    digits = max(count - 1, 1).bit_length()
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    opposite = spec.fill.values == "extreme" and (number % 2 == 1 or count == 1)
    return ((order >> (number - 1) % digits & 1).bool() ^ opposite).reshape(shape)
