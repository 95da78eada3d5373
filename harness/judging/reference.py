"""Compute the reference: PyTorch eager on the CPU, in the sample's dtype and in float64, with a bound per element."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from torch.utils import _pytree as pytree

from harness.cases.case import Canonical
from harness.cases.dtypes import BF16, BY_TORCH, F16
from harness.cases.numeric import Distribution, Exact, Linear, Numeric, ShapeOnly
from harness.cases.sample import Arg, DtypeArg, Sample, Sizes, map_leaves
from harness.errors import BadSample
from harness.programs.elements import as_bytes
from harness.programs.materialize import copied
from harness.programs.program import inputs, module, seed_eager
from harness.programs.transforms import Untransformable, batch_first

from .tolerance import Bounded, bounded, roundoff

_WIDE = {"f32": "f64", "f16": "f64", "bf16": "f64", "c64": "c128"}
_ROUNDED = (torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64, torch.complex128)

EagerCall = Callable[..., list[torch.Tensor]]
"""From a sequence of the program's arguments to its results; copies the arguments unless called with copying=False."""
WideCall = Callable[[Sequence[torch.Tensor]], "list[torch.Tensor] | None"]
"""From a sequence of arguments like the program's to results in float64; None where eager takes no float64."""


class EagerRefuses(Exception):
    """PyTorch eager itself refuses the sample, which is therefore outside the contract: becomes `Excluded`."""


@dataclass(frozen=True, slots=True)
class Run:
    """A sample at one set of sizes: the program's arguments and, per output, eager's result with its bound."""

    sizes: Sizes
    inputs: tuple[torch.Tensor, ...]
    outputs: tuple[Bounded, ...]

    @property
    def shapes(self) -> tuple[torch.Size, ...]:
        """The shape of each argument."""
        return tuple(tensor.shape for tensor in self.inputs)


def runs(sample: Sample, numeric: Numeric, canonical: Canonical | None = None) -> tuple[Run, ...]:
    """Return the reference at each of the sample's sizes; raises EagerRefuses if eager does not take the first sizes.

    Later sizes that eager rejects are outside the op's own contract and are left out. `canonical` is applied to every
    result, to eager's and to the float64 reference's. Results of an OpInfo sample that differ from seed to seed are
    compared in shape and dtype only.
    """
    eager, wide = eager_results(sample, canonical), wide_results(sample, canonical)
    if sample.origin != "census" and _is_random(module(sample), inputs(sample, sample.runs[0])):
        numeric = ShapeOnly("random values, held to no law")
    references = [_run(sample, numeric, eager, wide, sample.runs[0])]
    for sizes in sample.runs[1:]:
        try:
            references.append(_run(sample, numeric, eager, wide, sizes))
        except EagerRefuses:
            continue
    return tuple(references)


def result_types(references: Sequence[Run]) -> tuple[str, ...]:
    """The element types of eager's results, by their short names, without repetitions."""
    names = (str(b.eager.dtype).removeprefix("torch.") for b in references[0].outputs)
    return tuple(dict.fromkeys(BY_TORCH.get(name, name) for name in names))


def eager_results(sample: Sample, canonical: Canonical | None = None) -> EagerCall:
    """Return the function from the program's arguments to eager's results in the sample's dtype."""
    return _results(module(sample), canonical)


def wide_results(sample: Sample, canonical: Canonical | None = None) -> WideCall:
    """Return the function from arguments like the program's to eager's results in float64."""
    wide = _results(module(_with_wide_dtypes(sample)), canonical)
    return lambda args: in_float64(wide, args)


def accumulation(sample: Sample, numeric: Numeric) -> str | None:
    """Measure whether eager accumulates sums in half precision ("own") or in a wider dtype ("wider").

    The elements of one floating argument become ones and small terms of 3/4 of a roundoff of 1; those of the other
    floating arguments become ones. In half precision, a small term that is added to a 1 is lost. In a wider sum, two of
    them together are not. Return None for dtypes other than f16 and bf16, for classes other than `Linear`, and where no
    sum of the sample shows the difference.
    """
    if sample.dtype not in (F16.name, BF16.name) or not isinstance(numeric, Linear):
        return None
    eager, wide = eager_results(sample), wide_results(sample)
    probes = _accumulation_probes(inputs(sample, sample.runs[0]))
    kept = [all_kept for probe in probes for all_kept in _small_terms_kept(eager, wide, *probe)]
    return None if not kept else "wider" if all(kept) else "own"


Args = list[torch.Tensor]


def _accumulation_probes(args: Sequence[torch.Tensor]) -> Iterator[tuple[Args, Args]]:
    """For each floating argument: all arguments with small terms in that one, and again with zeros in their place."""
    g = torch.Generator().manual_seed(0)
    ones = [torch.ones_like(a) if a.is_floating_point() else a for a in args]
    for i, a in enumerate(args):
        if a.is_floating_point():
            chosen = torch.rand(a.shape, generator=g) < 1 / 3
            mixed = [torch.where(chosen, 1.0, term).to(a.dtype) for term in (0.75 * roundoff(a.dtype), 0.0)]
            with_terms, without = ([*ones[:i], each, *ones[i + 1 :]] for each in mixed)
            yield with_terms, without


def _small_terms_kept(eager: EagerCall, wide: WideCall, with_terms: Args, without: Args) -> Iterator[bool]:
    """For each result that the small terms change: whether eager has all changed elements right.

    Elements that are 0 without the small terms do not count: no 1 is in their sum.
    """
    references, bases = wide(with_terms), wide(without)
    try:
        results = eager(with_terms)
    except Exception:  # `runs` will raise the reason
        return
    for got, reference, base in zip(results, references or (), bases or (), strict=False):
        want = reference.to(got.dtype)
        changed = (want != base.to(got.dtype)) & (base != 0)
        if got.is_floating_point() and bool(changed.any()):
            yield bool((got == want)[changed].all())


def _run(sample: Sample, numeric: Numeric, eager: EagerCall, wide: WideCall, sizes: Sizes) -> Run:
    """The reference at these sizes; raises EagerRefuses."""
    try:
        args = inputs(sample, sizes)
        seed_eager(0)
        got = eager(args)
    except (BadSample, Untransformable):
        raise
    except Exception as error:  # eager may raise any type
        text = str(error).strip().splitlines() or [""]
        raise EagerRefuses(f"{type(error).__name__}: {text[0][:300]}") from None
    if sample.varied and not isinstance(numeric, ShapeOnly) and not _comes_again(got, eager, args):
        raise EagerRefuses("it gives other results at a second call")
    rounded = any(t.dtype in _ROUNDED for t in got) and not isinstance(numeric, (Exact, ShapeOnly, Distribution))
    outputs = (
        bounded(numeric, sizes, got, lambda *a: wide(a), args, _first(sample, args, got))
        if rounded
        else bounded(numeric if isinstance(numeric, (ShapeOnly, Distribution)) else Exact(), sizes, got, None, args)
    )
    return Run(sizes, args, outputs)


def _comes_again(got: Sequence[torch.Tensor], eager: EagerCall, args: Sequence[torch.Tensor]) -> bool:
    """Whether a second call gives the same: the kernels that transforms call are less tried than those of ops."""
    seed_eager(0)
    return _same(got, eager(args))


def _same(one: Sequence[torch.Tensor], other: Sequence[torch.Tensor]) -> bool:
    return list(map(as_bytes, one)) == list(map(as_bytes, other))


def _first(sample: Sample, args: Sequence[torch.Tensor], got: Sequence[torch.Tensor]) -> torch.Tensor | None:
    """The first argument as it broadcasts with the results, where vmap maps over it; None elsewhere."""
    varied = sample.varied
    if varied is None or not varied.batch or 0 not in varied.tensors:
        return None
    return batch_first(args[0], varied, got[0].ndim)


def _results(module: torch.nn.Module, canonical: Canonical | None) -> EagerCall:
    """The function from the program's arguments to its results, in their canonical form; None among them is dropped."""

    def results(args: Sequence[torch.Tensor], *, copying: bool = True) -> list[torch.Tensor]:
        with torch.no_grad():
            result = module(*(map(copied, args) if copying else args))
        leaves = [_stored(torch.as_tensor(leaf)) for leaf in pytree.tree_leaves(result) if leaf is not None]
        if any(leaf.layout is torch.sparse_coo for leaf in leaves):  # as the gradient of an embedding may be
            raise Untransformable("the result is a sparse tensor")
        return list(canonical(leaves)) if canonical else leaves

    return results


def _stored(result: torch.Tensor) -> torch.Tensor:
    """The result; zeros in place of a derivative that is 0 everywhere, for which torch stores nothing."""
    is_zero: bool = result._is_zerotensor()
    return torch.zeros(result.shape, dtype=result.dtype) if is_zero else result


def _with_wide_dtypes(sample: Sample) -> Sample:
    """The sample with every `dtype=` argument widened; its tensors are widened when it is run."""

    def widen(leaf: Arg) -> Arg:
        return DtypeArg(_WIDE.get(leaf.name, leaf.name)) if isinstance(leaf, DtypeArg) else leaf

    return replace(sample, args=map_leaves(sample.args, widen))


def _is_random(module: torch.nn.Module, args: Sequence[torch.Tensor]) -> bool:
    """Whether two seeds give different results; raises EagerRefuses where the call writes to its arguments.

    Cases see to both in the samples they draw. OpInfo's samples train dropouts and update running statistics.
    """
    results = []
    for seed in (0, 1):
        own = [copied(a) for a in args]
        seed_eager(seed)
        try:
            results.append(_results(module, None)(own, copying=False))
        except Exception:  # `runs` will raise the reason
            return False
        if any(as_bytes(a) != as_bytes(b) for a, b in zip(own, args, strict=True)):
            raise EagerRefuses("it writes to an argument, which one call cannot show")
    return not _same(*results)


def in_float64(
    wide: Callable[[Sequence[torch.Tensor]], list[torch.Tensor]], args: Sequence[torch.Tensor]
) -> list[torch.Tensor] | None:
    """Return the results for widened arguments, or None where it does not take them."""
    try:
        with _default_dtype(torch.float64):
            return wide([widened(a) for a in args])
    except Exception:  # an op that takes no float64: eager in the sample's dtype is then the only reference
        return None


def widened(t: torch.Tensor) -> torch.Tensor:
    """Return a floating tensor as float64, a complex one as complex128, any other as it is."""
    if t.is_floating_point():
        return t.double()
    return t.to(torch.complex128) if t.is_complex() else t


@contextmanager
def _default_dtype(dtype: torch.dtype) -> Iterator[None]:
    """Set torch's default dtype meanwhile: integers promote to it, so it must be the wide one."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)
