"""The elements of a tensor as bytes."""

from __future__ import annotations

import torch


def raw(t: torch.Tensor) -> torch.Tensor:
    """Return the elements, row-major, as a tensor of u8, which shares the memory where they lie so already."""
    flat = t.detach().resolve_conj().resolve_neg().contiguous().reshape(-1)
    if flat.stride() != (1,):  # a lone element may have any stride, with which `view` refuses another element size
        flat = flat.as_strided((flat.numel(),), (1,))
    return flat.view(torch.uint8)


def as_bytes(t: torch.Tensor) -> bytes:
    """Return the elements, row-major, as bytes."""
    return raw(t).numpy().tobytes()
