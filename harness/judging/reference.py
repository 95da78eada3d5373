"""The reference: PyTorch eager on the CPU, in the sample's dtype and in float64, with the bound of every element."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from torch.utils import _pytree as pytree

from harness.cases.case import Canonical
from harness.cases.dtypes import BF16, F16
from harness.cases.numeric import Distribution, Exact, Linear, Numeric, ShapeOnly
from harness.cases.sample import Arg, DtypeArg, Sample, Sizes, map_leaves
from harness.programs.materialize import copied
from harness.programs.program import call, inputs

from .tolerance import Bounded, bounded, roundoff

_WIDE = {"f32": "f64", "f16": "f64", "bf16": "f64", "c64": "c128"}
_ROUNDED = (torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64, torch.complex128)


Results = Callable[..., list[torch.Tensor]]
"""From the program's arguments, copied unless told otherwise, to its results."""
Wide = Callable[[Sequence[torch.Tensor]], "list[torch.Tensor] | None"]
"""From arguments like the program's to results in float64; None where eager does not take them so."""


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
    module, wide = eager_results(sample, canonical), wide_results(sample, canonical)
    if sample.origin != "census" and _is_random(call(sample), inputs(sample, sample.runs[0])):
        numeric = ShapeOnly("random values, held to no law")
    found = [_run(sample, numeric, module, wide, sample.runs[0])]
    for sizes in sample.runs[1:]:
        try:
            found.append(_run(sample, numeric, module, wide, sizes))
        except EagerRefuses:
            continue
    return tuple(found)


def eager_results(sample: Sample, canonical: Canonical | None = None) -> Results:
    """From the program's arguments to eager's results in the sample's dtype."""
    return _results(call(sample), canonical)


def wide_results(sample: Sample, canonical: Canonical | None = None) -> Wide:
    """Eager on arguments like the program's, in float64."""
    wide = _results(call(_wide(sample)), canonical)
    return lambda args: _reference(wide, args)


def accumulation(sample: Sample, numeric: Numeric) -> str | None:
    """Whether eager adds up in half precision itself ("own") or in a wider dtype ("wider"): measured, not known.

    One tensor's floats become ones and terms of 3/4 of a roundoff of 1, the others' ones. Such a term is lost where it
    is added to a 1 in half precision, two of them together are not where the sum is wider. None where no sum of the
    sample's tells, or where it is of another dtype or class.
    """
    if sample.dtype not in (F16.name, BF16.name) or not isinstance(numeric, Linear):
        return None
    eager, wide = eager_results(sample), wide_results(sample)
    told = [right for probe in _probes(inputs(sample, sample.runs[0])) for right in _told(eager, wide, *probe)]
    return None if not told else "wider" if all(told) else "own"


Args = list[torch.Tensor]


def _probes(args: Sequence[torch.Tensor]) -> Iterator[tuple[Args, Args]]:
    """For each floating argument: all of them with the small terms in it, and without them."""
    g = torch.Generator().manual_seed(0)
    ones = [torch.ones_like(a) if a.is_floating_point() else a for a in args]
    for i, a in enumerate(args):
        if a.is_floating_point():
            chosen = torch.rand(a.shape, generator=g) < 1 / 3
            mixed = [torch.where(chosen, 1.0, term).to(a.dtype) for term in (0.75 * roundoff(a.dtype), 0.0)]
            whole, parts = ([*ones[:i], each, *ones[i + 1 :]] for each in mixed)
            yield whole, parts


def _told(eager: Results, wide: Wide, whole: Args, parts: Args) -> Iterator[bool]:
    """Per result in which the small terms count beside a 1: whether eager has them right."""
    references, bases = wide(whole), wide(parts)
    try:
        results = eager(whole)
    except Exception:  # the run itself will say why
        return
    for got, reference, base in zip(results, references or (), bases or (), strict=False):
        want = reference.to(got.dtype)
        counts = (want != base.to(got.dtype)) & (base != 0)
        if got.is_floating_point() and bool(counts.any()):
            yield bool((got == want)[counts].all())


def _run(sample: Sample, numeric: Numeric, module: Results, wide: Wide, sizes: Sizes) -> Run:
    args = inputs(sample, sizes)
    try:
        torch.manual_seed(0)
        got = module(args)
    except Exception as error:  # eager raises what it likes
        text = str(error).strip().splitlines() or [""]
        raise EagerRefuses(f"{type(error).__name__}: {text[0][:300]}") from None
    rounded = any(t.dtype in _ROUNDED for t in got) and not isinstance(numeric, (Exact, ShapeOnly, Distribution))
    outputs = (
        bounded(numeric, sizes, got, lambda *a: wide(a), args)
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
