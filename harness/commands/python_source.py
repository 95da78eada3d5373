"""Values as Python source: evaluating the text gives the value again, where `torch`, `inf` and `nan` are imported."""

from __future__ import annotations

import math
import pprint
from collections.abc import Sequence
from typing import Any

import torch

from harness.programs.program import Call, SizeSlot, Slot

LONG = 100
"""Characters of a list of elements above which it is wrapped."""
WIDTH = 110


def call_source(module: Call) -> str:
    """The call of the module's overload through `torch.ops`; the module's inputs are named x0, x1 and so on."""
    namespace, name, overload = str(module.op).split(".")
    args = [value_source(arg) for arg in module.call_args]
    kwargs = [f"{key}={value_source(arg)}" for key, arg in module.call_kwargs.items()]
    return f"torch.ops.{namespace}.{name}.{overload}({', '.join(args + kwargs)})"


def value_source(value: Any) -> str:
    """An argument of a call, or an element of a tensor; a `Slot` is the input that takes its place."""
    match value:
        case Slot(index):
            return f"x{index}"
        case SizeSlot(index, dim):
            return f"x{index}.shape[{dim}]"
        case tuple() | list():
            return f"[{', '.join(map(value_source, value))}]"
        case torch.device():
            return repr(str(value))
        case complex():
            return f"complex({value_source(value.real)}, {value_source(value.imag)})"
        case float() if not math.isfinite(value):
            return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
        case _:
            return repr(value)


def assignment(name: str, tensors: Sequence[torch.Tensor]) -> str:
    """A statement that assigns a tuple of the tensors to the name."""
    lines = ",\n".join("    " + tensor_source(t) for t in tensors)
    return f"{name} = (\n{lines},\n)" if tensors else f"{name} = ()"


def tensor_source(t: torch.Tensor) -> str:
    """A tensor of the same elements, dtype, shape and strides."""
    if not t.is_contiguous():
        elements = t.untyped_storage().nbytes() // t.element_size()
        base = t.as_strided((elements,), (1,), 0)
        return f"{tensor_source(base)}.as_strided({list(t.shape)}, {list(t.stride())}, {t.storage_offset()})"
    values = t.reshape(-1).tolist()
    text = "[" + ", ".join(map(value_source, values)) + "]"
    if len(text) > LONG:
        wrapped = pprint.pformat([_Element(v) for v in values], width=WIDTH, compact=True, indent=1)
        text = wrapped.replace("\n", "\n    ")
    flat = f"torch.tensor({text}, dtype={t.dtype})"
    return flat if t.dim() == 1 else f"{flat}.reshape({list(t.shape)})"


class _Element:
    """A value whose `repr` is its source, so that `pprint` can wrap a list of them."""

    def __init__(self, value: Any) -> None:
        self.text = value_source(value)

    def __repr__(self) -> str:
        return self.text
