"""Derive a bound for every element of a result from the op's numeric class, its roundoff, length and magnitude.

Let u be the unit roundoff of the result's dtype, and r the float64 reference. The bounds are:

- `Ulp(n)`:        n u |r|
- `Tail(n)`:       n u |op|(|x|), where |op|(|x|) is the op on absolute inputs, or |r| where that is larger
- `Linear(L)`:     (L + 2) u |op|(|x|) (Higham, Accuracy and Stability, 2nd ed., eq. 3.5)
- `Composite`:     n u |r| + n c, where n is the sum of the roundoffs of its parts, and c the change of r when every
  input moves by one roundoff (the larger change of two seeded perturbations); for |r| its `least`, where that is larger
- `Transcendental(f, n)`: n u |r|; in a dialect whose specification promises an accuracy of f, that accuracy instead

4 times the dtype's smallest subnormal number is added to each, so that no bound is 0.

No element's bound is stricter than `SLACK` times eager's own error there in the sample's dtype. Where `SLACK` times
eager's worst error exceeds the class's bound, all bounds of the output grow by that ratio, but at most by `WIDEN`. A
bound that a specification promises does not grow with eager's worst error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch

from harness.cases.dtypes import BY_TORCH, DTYPES, Dtype
from harness.cases.numeric import (
    Composite,
    Distribution,
    Exact,
    Linear,
    Numeric,
    ShapeOnly,
    Tail,
    Transcendental,
    Ulp,
    roundoffs,
    terms,
)
from harness.cases.sample import Sizes
from harness.cases.transformed import DERIVATIVE

from .spec_accuracy import SPEC_ACCURACY, Evaluation, spec_accuracy

SLACK = 4.0
"""An element's bound is at least this many times eager's own error there."""
WIDEN = 8.0
"""Eager's worst error over an output widens the bounds of all its elements at most this many times."""
FRACTION = 8
"""A step of an input is compared with a step 1 / `FRACTION` as long, to tell a jump of the result from steepness."""
NOISE = 1e6
"""A relative change of the reference below this many float64 epsilons may be its own rounding error, so no jump."""
WideFunction = Callable[..., "list[torch.Tensor] | None"]
"""The op in float64, called with one tensor per argument; None where eager does not take float64 arguments."""


@dataclass(frozen=True, slots=True)
class Bounded:
    """One output as it should be; all its tensors have one shape.

    `eager` is the result in the sample's dtype. `wide` (float64, or complex128) is the reference, and `bound` (float64)
    the largest error allowed of each element; both are None where the comparison is exact. `overflows` marks elements
    whose reference is finite, but whose intermediate results or own rounding may exceed the dtype's range: a result
    that is not finite is right there, and eager's own. `specified` are, by dialect, the bounds that its specification
    promises; see `within`. `derived` is the bound of the numeric class alone, before eager's own errors widen it.
    """

    eager: torch.Tensor
    numeric: Numeric
    wide: torch.Tensor | None = None
    bound: torch.Tensor | None = None
    overflows: torch.Tensor | None = None
    specified: Mapping[str, torch.Tensor] = field(default_factory=dict)
    derived: torch.Tensor | None = None

    def within(self, dialect: str) -> torch.Tensor | None:
        """Return the bound in a dialect: its specification's, or else `bound`; None where the comparison is exact."""
        return self.specified.get(dialect, self.bound)


def roundoff(dtype: torch.dtype) -> float:
    """Return the unit roundoff of a torch dtype, 0 for exact ones."""
    return _kind(dtype).roundoff


def _kind(dtype: torch.dtype) -> Dtype:
    return DTYPES[BY_TORCH[str(dtype).removeprefix("torch.")]]


def bounded(
    numeric: Numeric,
    sizes: Sizes,
    eager: Sequence[torch.Tensor],
    wide: WideFunction | None,
    args: Sequence[torch.Tensor],
    first: torch.Tensor | None = None,
) -> tuple[Bounded, ...]:
    """Return every output with its bound.

    `eager` are the op's results for the program's arguments `args` at these sizes. `wide` runs the op in float64 on
    arguments like `args`; where it is None, or the numeric class is exact, outputs are compared exactly. Where it
    cannot run the op, or gives another number of results, the references are eager's results themselves. `first` is the
    argument of an elementwise function, where that does not broadcast with the results as `args[0]` does.
    """
    if isinstance(numeric, (Distribution, ShapeOnly)):
        return tuple(Bounded(t, numeric) for t in eager)
    if isinstance(numeric, Exact) or wide is None:
        return tuple(Bounded(t, numeric if _rounds(t) else Exact()) for t in eager)
    references = wide(*args)
    if references is None or len(references) != len(eager):
        references = [_double(t) for t in eager]
    magnitudes = _magnitudes(numeric, references, wide, args)
    first = args[0] if first is None and args else first
    return tuple(
        _bounded(numeric, sizes, e, r, m, first) if _rounds(e) and r.shape == e.shape else Bounded(e, Exact())
        for e, r, m in zip(eager, references, magnitudes, strict=True)
    )


def own_error(eager: Sequence[torch.Tensor], wide: Sequence[torch.Tensor] | None) -> tuple[Bounded, ...]:
    """Return every output with a bound that no numeric class gives: `SLACK` times its own error against float64.

    A result that is right by chance may be off by `SLACK` roundoffs. Where there is nothing in float64, outputs are
    their own references. Integers are exact.
    """
    references = wide if wide is not None and len(wide) == len(eager) else [_double(t) for t in eager]
    return tuple(
        _of_own_error(e, w) if _rounds(e) and w.shape == e.shape else Bounded(e, Exact())
        for e, w in zip(eager, references, strict=True)
    )


def _of_own_error(eager: torch.Tensor, wide: torch.Tensor) -> Bounded:
    kind = _kind(eager.dtype)
    own = (_double(eager) - wide).abs().nan_to_num(0.0, 0.0, 0.0)
    bound = _positive(SLACK * torch.maximum(own, kind.roundoff * wide.abs()), kind)
    return Bounded(eager, Ulp(SLACK), wide, bound, torch.zeros(eager.shape, dtype=torch.bool))


def _rounds(t: torch.Tensor) -> bool:
    return t.is_floating_point() or t.is_complex()


def _double(t: torch.Tensor) -> torch.Tensor:
    return t.to(torch.complex128) if t.is_complex() else t.double() if t.is_floating_point() else t


def _magnitudes(
    numeric: Numeric, references: Sequence[torch.Tensor], wide: WideFunction, args: Sequence[torch.Tensor]
) -> Sequence[torch.Tensor]:
    """Per output, what the roundoffs multiply: |op|(|x|), the measured conditioning, or |r|."""
    plain = [r.abs() if _rounds(r) else r for r in references]
    match numeric:
        case Linear() | Tail():
            absolute = wide(*(a.abs() if _rounds(a) else a for a in args))
            if absolute is None:
                return plain
            return [torch.maximum(a.abs(), p) if _rounds(a) else p for a, p in zip(absolute, plain, strict=True)]
        case Composite():
            return [_conditioning(i, references, wide, args) for i in range(len(references))]
        case _:
            return plain


def _conditioning(
    index: int, references: Sequence[torch.Tensor], wide: WideFunction, args: Sequence[torch.Tensor]
) -> torch.Tensor:
    """The conditioning: the larger change of one reference when all inputs move by one roundoff, of two seeded tries.

    A change that is as large when the inputs move by a fraction of that is a jump and no conditioning, for example
    where a class label is taken for another one. A jump counts as no change, so that it allows no error.
    """
    reference = references[index]
    change = torch.zeros(reference.shape, dtype=torch.float64)
    if not _rounds(reference):
        return change
    noise = NOISE * torch.finfo(torch.float64).eps * reference.abs()
    for seed in (1, 2):
        near, far = (_change(index, reference, wide, args, seed, by) for by in (1 / FRACTION, 1.0))
        jump = jumps(near, far) & (near > noise)
        change = torch.maximum(change, torch.where(jump, 0.0, far))
    return change


def jumps(near: torch.Tensor, far: torch.Tensor) -> torch.Tensor:
    """Return where the function jumps: the change over a fraction of a step is over half of the whole step's change.

    A steep function changes over 1 / `FRACTION` of a step by about 1 / `FRACTION` as much.
    """
    return near > far / 2


def _change(
    index: int, reference: torch.Tensor, wide: WideFunction, args: Sequence[torch.Tensor], seed: int, by: float
) -> torch.Tensor:
    """How much the reference changes when every input element moves by so many roundoffs, up or down by the seed.

    Zero where the op does not take the moved inputs, or gives another shape for them.
    """
    g = torch.Generator().manual_seed(seed)
    promoted = not any(map(_rounds, args))
    moved = wide(*(_perturbed(a, g, by, promoted) for a in args))
    if moved is None or moved[index].shape != reference.shape:
        return torch.zeros(reference.shape, dtype=torch.float64)
    return (moved[index] - reference).abs().nan_to_num(0.0, 0.0, 0.0)


def _perturbed(t: torch.Tensor, g: torch.Generator, by: float, promoted: bool) -> torch.Tensor:
    """The tensor in float64, with every element moved up or down by so many roundoffs of its dtype.

    Integers stay as they are unless all arguments are integers (`promoted`). Then the op computes in the dtype that it
    promotes them to, and they are moved in that.
    """
    if promoted:
        t = t.to(torch.get_default_dtype())
    if not _rounds(t):
        return t
    sign = (torch.randint(0, 2, t.shape, generator=g) * 2 - 1).double()  # float32 would round 1 + u away
    step = by * roundoff(t.dtype)
    if t.dtype in (torch.float64, torch.complex128):
        step *= 2 * FRACTION  # a smaller step of a float64 would be rounded away
    return _double(t) * (1 + step * sign)


def _bounded(
    numeric: Numeric,
    sizes: Sizes,
    eager: torch.Tensor,
    wide: torch.Tensor,
    magnitude: torch.Tensor,
    first: torch.Tensor | None,
) -> Bounded:
    """One rounded output with its bound: the class's, widened by what eager's own errors ask for."""
    u = roundoff(eager.dtype)
    kind = _kind(eager.dtype)
    overflows = torch.zeros(eager.shape, dtype=torch.bool)
    match numeric:
        case Ulp(n) | Transcendental(_, n) | Tail(n):
            bound = n * u * magnitude
        case Linear(length):
            bound = (terms(length, sizes) + 2) * u * magnitude
            overflows = (magnitude > kind.high) & wide.isfinite()
        case Composite(parts, least):
            n = sum(roundoffs(part, sizes) for part in parts)
            bound = n * u * wide.abs().clamp(min=least) + n * magnitude
            # only near the dtype's limit: a reference that is surely beyond it rounds to infinity, which is then right
            overflows = ((wide.abs() - kind.high).abs() <= bound) & wide.isfinite()
            if numeric == DERIVATIVE:
                # an intermediate result of eager's overflows, in an order of steps that is not the only one; or it is a
                # NaN, of which eager's vectorised kernels make something else than those of single elements
                overflows |= eager.isfinite() != wide.isfinite()
        case _:
            raise AssertionError(numeric)
    bound = derived = _positive(bound, kind)
    own = (_double(eager) - wide).abs().nan_to_num(0.0, 0.0, 0.0)
    worst = float((own / bound).max()) if own.numel() else 0.0
    bound = torch.maximum(bound * min(max(SLACK * worst, 1.0), WIDEN), SLACK * own)
    specified = {d: torch.maximum(p, SLACK * own) for d, p in _specified(numeric, kind, wide, first).items()}
    return Bounded(eager, numeric, wide, bound, overflows, specified, derived)


def _positive(bound: torch.Tensor, kind: Dtype) -> torch.Tensor:
    """The bound with NaN as 0 and infinity as the dtype's largest, plus 4 times its smallest subnormal number."""
    return bound.nan_to_num(0.0, kind.high, kind.high) + 8 * kind.roundoff * kind.tiny


def _specified(
    numeric: Numeric, kind: Dtype, wide: torch.Tensor, first: torch.Tensor | None
) -> dict[str, torch.Tensor]:
    """By dialect, the bounds that specifications promise of a function of this argument."""
    if not isinstance(numeric, Transcendental) or kind.kind != "float" or first is None:
        return {}
    bounds = {dialect: spec_accuracy(dialect, numeric.function, kind) for dialect in SPEC_ACCURACY}
    evaluation = Evaluation(kind, wide, first.double())
    return {dialect: _positive(bound(evaluation), kind) for dialect, bound in bounds.items() if bound}
