"""The elements of a tensor as bytes."""

from __future__ import annotations

import torch


def as_bytes(t: torch.Tensor) -> bytes:
    """Return the elements, row-major, as bytes."""
    flat = t.contiguous().reshape(-1)
    if flat.stride() != (1,):  # a lone element may have any stride, with which `view` refuses another element size
        flat = flat.as_strided((flat.numel(),), (1,))
    return flat.view(torch.uint8).numpy().tobytes()
