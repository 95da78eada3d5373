"""The reference: PyTorch eager on the CPU, in the sample's dtype and in float64, with the bound of every element."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from torch.utils import _pytree as pytree

from .case import Canonical
from .materialize import copied
from .numeric import Distribution, Exact, Numeric, ShapeOnly
from .program import call, inputs
from .sample import Arg, DtypeArg, Sample, Sizes, map_leaves
from .tolerance import Bounded, bounded

_WIDE = {"f32": "f64", "f16": "f64", "bf16": "f64", "c64": "c128"}
_ROUNDED = (torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64, torch.complex128)


Results = Callable[..., list[torch.Tensor]]
"""From the program's arguments, copied unless told otherwise, to its results."""


class EagerRefuses(Exception):
    """PyTorch eager itself does not take the sample: it is outside the contract."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a sample: its sizes, the program's arguments and, per output, eager's result with its bound."""

    sizes: Sizes
    inputs: tuple[torch.Tensor, ...]
    outputs: tuple[Bounded, ...]


def runs(sample: Sample, numeric: Numeric, canonical: Canonical | None = None) -> tuple[Run, ...]:
    """The reference at each of the sample's sizes that eager takes; raises EagerRefuses if it does not take the first.

    Sizes that eager rejects in a later run are outside the op's own contract and are left out. `canonical` is applied
    to every result, eager's and the float64 reference's.
    """
    module = _results(call(sample), canonical)
    if sample.origin != "census" and _is_random(call(sample), inputs(sample, sample.runs[0])):
        numeric = ShapeOnly("random values, held to no law")
    wide = _results(call(_wide(sample)), canonical)
    found = [_run(sample, numeric, module, wide, sample.runs[0])]
    for sizes in sample.runs[1:]:
        try:
            found.append(_run(sample, numeric, module, wide, sizes))
        except EagerRefuses:
            continue
    return tuple(found)


def _run(sample: Sample, numeric: Numeric, module: Results, wide: Results, sizes: Sizes) -> Run:
    args = inputs(sample, sizes)
    try:
        torch.manual_seed(0)
        got = module(args)
    except Exception as error:  # eager raises what it likes
        text = str(error).strip().splitlines() or [""]
        raise EagerRefuses(f"{type(error).__name__}: {text[0][:300]}") from None
    rounded = any(t.dtype in _ROUNDED for t in got) and not isinstance(numeric, (Exact, ShapeOnly, Distribution))
    outputs = (
        bounded(numeric, sizes, got, lambda *a: _reference(wide, a), args)
        if rounded
        else bounded(numeric if isinstance(numeric, (ShapeOnly, Distribution)) else Exact(), sizes, got, None, args)
    )
    return Run(sizes, args, outputs)


def _results(module: torch.nn.Module, canonical: Canonical | None) -> Results:
    """From the program's arguments to its results, in their canonical form."""

    def results(args: Sequence[torch.Tensor], *, copying: bool = True) -> list[torch.Tensor]:
        with torch.no_grad():
            result = module(*(map(copied, args) if copying else args))
        leaves = [torch.as_tensor(leaf) for leaf in pytree.tree_leaves(result) if leaf is not None]
        return list(canonical(leaves)) if canonical else leaves

    return results


def _wide(sample: Sample) -> Sample:
    """What the sample asks for as a `dtype=`, widened; its tensors are widened when it is run."""

    def widen(leaf: Arg) -> Arg:
        return DtypeArg(_WIDE.get(leaf.name, leaf.name)) if isinstance(leaf, DtypeArg) else leaf

    return replace(sample, args=map_leaves(sample.args, widen))


def _is_random(module: torch.nn.Module, args: Sequence[torch.Tensor]) -> bool:
    """Whether two seeds give two results; raises EagerRefuses where the call writes to its arguments.

    A case sees to both for its own samples; those of OpInfo train dropouts and update running statistics.
    """
    found = []
    for seed in (0, 1):
        own = [copied(a) for a in args]
        torch.manual_seed(seed)
        try:
            found.append(_results(module, None)(own, copying=False))
        except Exception:  # the run itself will say why
            return False
        if any(_bits(a) != _bits(b) for a, b in zip(own, args, strict=True)):
            raise EagerRefuses("it writes to an argument, which one call cannot show")
    return [_bits(t) for t in found[0]] != [_bits(t) for t in found[1]]


def _bits(t: torch.Tensor) -> bytes:
    return bytes(t.detach().contiguous().reshape(-1).view(torch.uint8).numpy())


def _reference(wide: Results, args: Sequence[torch.Tensor]) -> list[torch.Tensor] | None:
    """The op on widened arguments, or None where it does not take them."""
    try:
        with _default_dtype(torch.float64):
            return wide([widened(a) for a in args])
    except Exception:  # an op that takes no float64: eager in the sample's dtype is then the only reference
        return None


def widened(t: torch.Tensor) -> torch.Tensor:
    """Floats as float64, complex as complex128, all else as it is."""
    if t.is_floating_point():
        return t.double()
    return t.to(torch.complex128) if t.is_complex() else t


@contextmanager
def _default_dtype(dtype: torch.dtype) -> Iterator[None]:
    """Integers promote to the default dtype: make that the wide one."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)
