"""From an op's numeric class to a bound for every element: derived from roundoff, length and magnitude, never guessed.

With u the unit roundoff of the result's dtype and r the float64 reference:

- `Ulp(n)`:        n u |r|
- `Tail(n)`:       n u |op|(|x|), the op on absolute inputs
- `Linear(L)`:     (L + 2) u |op|(|x|) (Higham, Accuracy and Stability, 2nd ed., eq. 3.5)
- `Composite`:     n u |r| + n c, n the roundoffs of its parts together, c the change of r when every input moves by one
  roundoff (two seeded perturbations)
- `Transcendental(f, n)`: n u |r|, or, in a dialect whose specification promises an accuracy of f, that promise

No bound is stricter than `SLACK` times eager's own error in the sample's dtype, element by element; where eager is
worse than the class says all over an output, the class is widened by as much, `WIDEN` times at most. A promise is not.
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

from .spec_accuracy import SPEC_ACCURACY, At, spec_accuracy

SLACK = 4.0
WIDEN = 8.0
FRACTION = 8
"""The part of a step, 1 / 8, at which it is told whether a function is steep or jumps."""
JUMP = 1e6
"""Changes below so many units of float64's roundoff are noise of the reference itself."""
Wide = Callable[..., "list[torch.Tensor] | None"]


@dataclass(frozen=True, slots=True)
class Bounded:
    """One output as it should be.

    `eager` is the result in the sample's dtype. `wide` and `bound` (both float64, or complex128 for `wide`) are the
    reference and the largest error allowed per element; None where the comparison is exact. `overflows` marks
    finite elements whose intermediate sums may exceed the dtype's range, so that an infinity proves nothing.
    `promised` are the bounds of the dialects that promise one of their own, by dialect; see `within`.
    """

    eager: torch.Tensor
    numeric: Numeric
    wide: torch.Tensor | None = None
    bound: torch.Tensor | None = None
    overflows: torch.Tensor | None = None
    specified: Mapping[str, torch.Tensor] = field(default_factory=dict)

    def within(self, dialect: str) -> torch.Tensor | None:
        """The bound in a dialect: what it promises, else the stated one; None where the comparison is exact."""
        return self.specified.get(dialect, self.bound)


def roundoff(dtype: torch.dtype) -> float:
    """The unit roundoff of a torch dtype, 0 for exact ones."""
    return _kind(dtype).roundoff


def _kind(dtype: torch.dtype) -> Dtype:
    return DTYPES[BY_TORCH[str(dtype).removeprefix("torch.")]]


def bounded(
    numeric: Numeric,
    sizes: Sizes,
    eager: Sequence[torch.Tensor],
    wide: Wide | None,
    args: Sequence[torch.Tensor],
) -> tuple[Bounded, ...]:
    """Every output with its bound; `wide` runs the op in float64 on arguments like `args`."""
    if isinstance(numeric, (Distribution, ShapeOnly)):
        return tuple(Bounded(t, numeric) for t in eager)
    if isinstance(numeric, Exact) or wide is None:
        return tuple(Bounded(t, numeric if _rounds(t) else Exact()) for t in eager)
    references = wide(*args)
    if references is None or len(references) != len(eager):
        references = [_double(t) for t in eager]
    magnitudes = _magnitudes(numeric, references, wide, args)
    return tuple(
        _bounded(numeric, sizes, e, r, m, args) if _rounds(e) and r.shape == e.shape else Bounded(e, Exact())
        for e, r, m in zip(eager, references, magnitudes, strict=True)
    )


def _rounds(t: torch.Tensor) -> bool:
    return t.is_floating_point() or t.is_complex()


def _double(t: torch.Tensor) -> torch.Tensor:
    return t.to(torch.complex128) if t.is_complex() else t.double() if t.is_floating_point() else t


def _magnitudes(
    numeric: Numeric, references: Sequence[torch.Tensor], wide: Wide, args: Sequence[torch.Tensor]
) -> Sequence[torch.Tensor]:
    """What a unit of roundoff is multiplied with, per output: |op|(|x|), or the measured conditioning, or |r|."""
    plain = [r.abs() if _rounds(r) else r for r in references]
    match numeric:
        case Linear() | Tail():
            absolute = wide(*(a.abs() if _rounds(a) else a for a in args))
            if absolute is None:
                return plain
            return [torch.maximum(a.abs(), p) if _rounds(a) else p for a, p in zip(absolute, plain, strict=True)]
        case Composite():
            return [_moved(i, references, wide, args) for i in range(len(references))]
        case _:
            return plain


def _moved(index: int, references: Sequence[torch.Tensor], wide: Wide, args: Sequence[torch.Tensor]) -> torch.Tensor:
    """The largest change of one reference over two perturbations of the inputs by one roundoff of their dtype.

    What changes as much when the inputs move by a fraction of that is a jump, such as that of a class label taken for
    another one, and no conditioning: it allows no error at all.
    """
    reference = references[index]
    change = torch.zeros(reference.shape, dtype=torch.float64)
    if not _rounds(reference):
        return change
    noise = JUMP * torch.finfo(torch.float64).eps * reference.abs()
    for seed in (1, 2):
        near, far = (_change(index, reference, wide, args, seed, by) for by in (1 / FRACTION, 1.0))
        jump = jumps(near, far) & (near > noise)
        change = torch.maximum(change, torch.where(jump, 0.0, far))
    return change


def jumps(near: torch.Tensor, far: torch.Tensor) -> torch.Tensor:
    """Where a change over a `FRACTION` of a step is most of that over the whole step: no steepness does that."""
    return near > far / 2


def _change(
    index: int, reference: torch.Tensor, wide: Wide, args: Sequence[torch.Tensor], seed: int, by: float
) -> torch.Tensor:
    """How much the reference changes where every input moves by so many roundoffs, up or down as the seed has it."""
    g = torch.Generator().manual_seed(seed)
    promoted = not any(map(_rounds, args))
    moved = wide(*(_perturbed(a, g, by, promoted) for a in args))
    if moved is None or moved[index].shape != reference.shape:
        return torch.zeros(reference.shape, dtype=torch.float64)
    return (moved[index] - reference).abs().nan_to_num(0.0, 0.0, 0.0)


def _perturbed(t: torch.Tensor, g: torch.Generator, by: float, promoted: bool) -> torch.Tensor:
    """Integers are moved too where they are all there is: the op is then on what they are promoted to."""
    if promoted:
        t = t.to(torch.get_default_dtype())
    if not _rounds(t):
        return t
    sign = (torch.randint(0, 2, t.shape, generator=g) * 2 - 1).double()  # float32 would round 1 + u away
    step = by * roundoff(t.dtype)
    if t.dtype in (torch.float64, torch.complex128):
        step *= 2 * FRACTION  # less would be rounded away
    return _double(t) * (1 + step * sign)


def _bounded(
    numeric: Numeric,
    sizes: Sizes,
    eager: torch.Tensor,
    wide: torch.Tensor,
    magnitude: torch.Tensor,
    args: Sequence[torch.Tensor],
) -> Bounded:
    u = roundoff(eager.dtype)
    kind = _kind(eager.dtype)
    overflows = torch.zeros(eager.shape, dtype=torch.bool)
    match numeric:
        case Ulp(n) | Transcendental(_, n) | Tail(n):
            bound = n * u * magnitude
        case Linear(length):
            bound = (terms(length, sizes) + 2) * u * magnitude
            overflows = (magnitude > kind.high) & wide.isfinite()
        case Composite(parts):
            n = sum(roundoffs(part, sizes) for part in parts)
            bound = n * u * wide.abs() + n * magnitude
            # what is surely beyond the dtype's range is the infinity that the reference rounds to
            overflows = ((wide.abs() - kind.high).abs() <= bound) & wide.isfinite()
        case _:
            raise AssertionError(numeric)
    bound = _positive(bound, kind)
    own = (_double(eager) - wide).abs().nan_to_num(0.0, 0.0, 0.0)
    worst = float((own / bound).max()) if own.numel() else 0.0
    bound = torch.maximum(bound * min(max(SLACK * worst, 1.0), WIDEN), SLACK * own)
    specified = {d: torch.maximum(p, SLACK * own) for d, p in _specified(numeric, kind, wide, args).items()}
    return Bounded(eager, numeric, wide, bound, overflows, specified)


def _positive(bound: torch.Tensor, kind: Dtype) -> torch.Tensor:
    """The bound where it is finite, and half a unit in the last subnormal place, x 4."""
    return bound.nan_to_num(0.0, kind.high, kind.high) + 8 * kind.roundoff * kind.tiny


def _specified(
    numeric: Numeric, kind: Dtype, wide: torch.Tensor, args: Sequence[torch.Tensor]
) -> dict[str, torch.Tensor]:
    """The bounds that dialects promise, by dialect."""
    if not isinstance(numeric, Transcendental) or kind.kind != "float":
        return {}
    found = {dialect: spec_accuracy(dialect, numeric.function, kind) for dialect in SPEC_ACCURACY}
    at = At(kind, wide, args[0].double())
    return {dialect: _positive(bound(at), kind) for dialect, bound in found.items() if bound}
