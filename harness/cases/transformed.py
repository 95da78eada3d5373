"""Samples on a road with a transform: what it varies is dealt out over them; and how a case judges derivatives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .case import OpCase
from .dtypes import DTYPES
from .numeric import Composite, Distribution, ShapeOnly, Stated
from .road import Road
from .sample import Sample, tensors
from .varied import Varied, derivatives, mapped

DERIVATIVES = ("vjp", "jvp")
DERIVATIVE = Composite((Stated(32, "no class says of which steps a derivative consists"),))
"""The numeric class of a derivative: the case's own says nothing of it.

Of the whole registry's vjp and jvp in f32, results needed 28 roundoffs at most, or else more than 1,000.
"""
OF_RANDOM = ShapeOnly("the derivative of a random op")


def variants(case: OpCase, sample: Sample, road: Road) -> tuple[Varied, ...]:
    """All that the road's transform may vary of a sample, the plainest first; none if it cannot use the sample."""
    specs = tensors(sample.args)
    if road.transform in DERIVATIVES:
        return tuple(derivatives([i for i, t in enumerate(specs) if DTYPES[t.dtype].kind in ("float", "complex")]))
    is_random = isinstance(case.numeric, (Distribution, ShapeOnly))
    sizes = {size for t in specs for size in t.shape(sample.sizes)} | set(sample.sizes.values())
    return tuple(mapped(len(specs), sizes, "different" if is_random else "error"))


def dealt(case: OpCase, samples: Sequence[Sample], road: Road) -> tuple[Sample, ...]:
    """The samples on the road, each with the next variant; those that none is left for come again, on the first sample.

    A sample that the transform cannot use has no variant: it is excluded as it is run.
    """
    found: dict[str, Sample] = {}
    left = [one for sample in samples[:1] for one in variants(case, sample, road)]
    for turn, sample in enumerate(samples):
        own = variants(case, sample, road)
        varied = own[turn % len(own)] if own else None
        left = [one for one in left if one != varied]
        made = replace(sample, road=road, varied=varied)
        found[made.id] = made
    for varied in left:
        made = replace(samples[0], road=road, varied=varied)
        found[made.id] = made
    return tuple(found.values())


def unusable(sample: Sample) -> str:
    """Why the transform of a sample's road cannot use it; empty if it can, or if there is none."""
    if sample.road.transform == "none" or sample.varied:
        return ""
    what = "no floating tensor to differentiate" if sample.road.transform in DERIVATIVES else "no tensor to map over"
    return f"{sample.road.transform} has {what}"


def judging(case: OpCase, sample: Sample) -> OpCase:
    """The case by which the results of a sample are judged: of a derivative, no result of the op is left.

    The derivative of a random op depends on the numbers that the op has drawn, which no result shows.
    """
    if sample.road.transform not in DERIVATIVES:
        return case
    is_random = isinstance(case.numeric_of(sample), (Distribution, ShapeOnly))
    return replace(
        case, numeric=OF_RANDOM if is_random else DERIVATIVE, canonical=None, unjudged={}, misshapen={}, examples=()
    )


def untransformed(sample: Sample) -> Sample:
    """The sample on its road, without the transform."""
    return replace(sample, road=replace(sample.road, transform="none"), varied=None)
