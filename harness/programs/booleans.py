"""The booleans of a sample's tensors."""

from __future__ import annotations

import math

import torch

from harness.cases.sample import TensorSpec

_FEW = 4
"""So few elements do not show every combination of two booleans for sure."""


def booleans(spec: TensorSpec, shape: tuple[int, ...], seed: int) -> torch.Tensor:
    """About as many true as false elements; tensors of one shape show each combination of operands.

    `seed` is the same for all tensors of a sample that have the shape. It makes a permutation: element i of the n-th
    tensor is the n-th digit of its i-th number. In the extremes, three of four elements of every other tensor are true:
    else a conjunction of many would never be. Where there are few elements it is the opposite of what it is, and so is
    a single element: they show the combinations for which there was no room.
    """
    count = math.prod(shape)
    number = spec.seed % 1000
    digits = max(count - 1, 1).bit_length()
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))

    def digit(n: int) -> torch.Tensor:
        return (order >> n % digits & 1).bool().reshape(shape)

    found = digit(number - 1)
    if spec.fill.values != "extreme" or (number % 2 == 0 and count > 1):
        return found
    return found | digit(number) if count > _FEW else ~found
