"""Torch's cache of fake results, without a tensor for each result that is made only to be looked at.

`FakeTensorMode` caches the result of an op only if a tensor that it makes from the cache's entry has the same dispatch
keys. To find out, it makes one for each entry. With symbolic sizes that takes longer than the op itself, a tenth of
what tracing costs. Which keys the tensor has depends on few properties of the result (`_kind`), so one comparison of
each kind is enough. Mirrors what `_get_output_info_for_cache_entry` does in torch 2.13.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.fx.experimental.symbolic_shapes import has_free_unbacked_symbols

_Mode: Any = FakeTensorMode
_keys: dict[tuple[object, ...], Any] = {}
"""The dispatch keys of a tensor that the cache makes, by its kind, as found equal to those of a result."""


@contextmanager
def trusted() -> Iterator[None]:
    """Let the cache make a tensor to look at only for the first result of a kind, and where sizes depend on data."""
    compare = getattr(_Mode, "_get_output_info_for_cache_entry", None)
    if compare is None:  # another version of torch
        yield
        return

    def compare_once(mode: Any, state: Any, key: Any, func: Any, args: Any, kwargs: Any, output: Any) -> Any:
        if not isinstance(output, FakeTensor) or has_free_unbacked_symbols(output):
            return compare(mode, state, key, func, args, kwargs, output)
        kind, keys = _kind(func, output), torch._C._dispatch_key_set(output)
        if _keys.get(kind) != keys:
            info = compare(mode, state, key, func, args, kwargs, output)  # raises if the keys differ
            _keys[kind] = keys
            return info
        mode._output_from_cache_entry = lambda *_: output
        try:
            return compare(mode, state, key, func, args, kwargs, output)
        finally:
            del mode._output_from_cache_entry

    _Mode._get_output_info_for_cache_entry = compare_once
    try:
        yield
    finally:
        _Mode._get_output_info_for_cache_entry = compare


def _kind(func: Any, output: FakeTensor) -> tuple[object, ...]:
    """All that decides which dispatch keys a tensor has that the cache makes."""
    return (
        getattr(func, "is_view", False),
        output.dtype,
        output.layout,
        output.device,
        output.requires_grad,
        output.is_conj(),
        output.is_neg(),
        torch.is_inference_mode_enabled(),
    )
