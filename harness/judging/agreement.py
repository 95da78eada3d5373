"""Does eager take a call, and does it agree with itself in float64?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch

from harness.cases.case import OpCase
from harness.cases.numeric import Distribution, ShapeOnly
from harness.cases.sample import Sample
from harness.programs.program import seed_eager

from .compare import same
from .discontinuity import is_on_edge
from .reference import Run, WideCall, runs, wide_results
from .tolerance import WIDEN, Bounded

Agreement = Literal["agrees", "differs", "refuses", "edge"]


def agreement(case: OpCase, sample: Sample, like: Sample | None = None) -> Agreement:
    """Return what eager makes of a call.

    - `refuses`: it does not take the call, or no tensors can be made for it.
    - `agrees`: at each size, its result is that of float64. Where the case's class is exact, or the result is not
      floating, they are equal after rounding (any NaN equals any NaN). Otherwise they are within `WIDEN` times the
      bound of the class. Outputs that the case does not judge do not count.
    - `edge`: so it is, but a roundoff of the inputs decides an element of the result: no backend can be judged by it.
    - `differs`: it is not, or torch cannot compare the two.

    With `like` its result must also be the one of that sample, or else the call is one that eager `refuses`.
    """
    try:
        references = runs(sample, case.numeric_of(sample), case.canonical)
        if like is not None and not _same_results(references, runs(like, case.numeric_of(like), case.canonical)):
            return "refuses"
    except Exception:  # eager may raise any type, and so may the fill of a matrix that has become a vector
        return "refuses"
    wide = wide_results(sample, case.canonical)
    judged = [i for i in range(len(references[0].outputs)) if i not in case.unjudged and i not in case.misshapen]
    try:
        if not all(_agrees(run, judged, wide) for run in references):
            return "differs"
        return "edge" if is_on_edge(sample, references[0], case.canonical) else "agrees"
    except RuntimeError:  # torch cannot compare such results, of quantized tensors without dims
        return "differs"


def _same_results(one: Sequence[Run], other: Sequence[Run]) -> bool:
    pairs = [(a.outputs, b.outputs) for a, b in zip(one, other, strict=True)]
    outputs = [(a.eager, b.eager) for x, y in pairs for a, b in zip(x, y, strict=True)]
    return all(_equal(a, b) for a, b in outputs)


def _equal(got: torch.Tensor, want: torch.Tensor) -> bool:
    return got.shape == want.shape and got.dtype == want.dtype and bool(same(got, want).all())


def _agrees(run: Run, judged: Sequence[int], wide: WideCall) -> bool:
    outputs = [run.outputs[i] for i in judged]
    if all(isinstance(output.numeric, (Distribution, ShapeOnly)) for output in outputs):
        return True
    exact = [i for i in judged if run.outputs[i].wide is None]
    return all(map(_within, outputs)) and (not exact or _exact(run, exact, wide))


def _within(output: Bounded) -> bool:
    """Whether a rounded result is as near to the reference as its class says; True for any other result."""
    if output.wide is None or output.derived is None or output.overflows is None:
        return True
    got, want = output.eager, output.wide
    near = (got.to(want.dtype) - want).abs() <= WIDEN * output.derived
    beyond = output.overflows & ~got.isfinite()
    rounded = want.to(got.dtype)
    alike = same(got, rounded) | (~got.isfinite() & ~rounded.isfinite() if got.is_complex() else False)
    return bool((near | beyond | alike).all())


def _exact(run: Run, judged: Sequence[int], wide: WideCall) -> bool:
    """Whether results that are compared exactly equal those of float64; True where it has none."""
    seed_eager(0)
    references = wide(run.inputs)
    if references is None or len(references) != len(run.outputs):
        return references is None
    return all(_rounds_to(run.outputs[i], references[i]) for i in judged)


def _rounds_to(output: Bounded, reference: torch.Tensor) -> bool:
    got = output.eager
    if got.shape != reference.shape or isinstance(output.numeric, (Distribution, ShapeOnly)):
        return got.shape == reference.shape
    return bool(same(got, reference.to(got.dtype)).all())
