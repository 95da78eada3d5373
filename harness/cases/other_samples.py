"""Samples made of another one: with other values, other dynamic dims, or on another road."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .dtypes import DTYPES
from .road import Road
from .sample import Sample, Sizes, TensorSpec, Values, map_tensors


def seeded(sample: Sample, fill: int) -> Sample:
    """The same program with other values, filled in the same way; literals stay. Fill number 0 is the sample itself."""
    step = 1000 * fill
    return map_tensors(sample, lambda t: t if t.fill.data else replace(t, seed=t.seed + step)) if fill else sample


def with_values(sample: Sample, values: Values) -> Sample:
    """The same sample with its tensors filled in this way, except those whose fill or dtype does not allow it."""

    def refill(t: TensorSpec) -> TensorSpec:
        takes = values != "nonfinite" or (t.fill.nonfinite and DTYPES[t.dtype].kind in ("float", "complex"))
        return replace(t, fill=replace(t.fill, values=values)) if takes and t.fill.data is None else t

    return map_tensors(sample, refill)


def with_dynamic(sample: Sample, dims: Sequence[str], at: Sizes) -> Sample:
    """The same sample with only these dims dynamic, the others at their sizes at export; with none, static, at `at`."""
    if not dims:
        return replace(sample, mode="static", sizes=at, dynamic=(), runs=(at,))
    runs = [{name: run[name] if name in dims else size for name, size in sample.sizes.items()} for run in sample.runs]
    return replace(sample, dynamic=tuple(dims), runs=tuple({tuple(run.values()): run for run in runs}.values()))


def by(sample: Sample, road: Road) -> Sample:
    """The same sample on a road without a transform."""
    return replace(sample, road=road)


def alike(sample: Sample, travelled: Sample) -> Sample:
    """The same sample on the road of another one, with the same variant."""
    return replace(sample, road=travelled.road, varied=travelled.varied)
