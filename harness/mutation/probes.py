"""Probes: the samples that tell an equivalent mutant from one that the census has missed."""

from __future__ import annotations

from dataclasses import replace

from harness.cases.case import OpCase
from harness.cases.draw import census
from harness.cases.dtypes import DTYPES
from harness.cases.other_samples import seeded, with_values
from harness.cases.profile import Profile
from harness.cases.sample import Sample, TensorSpec, map_tensors

from .cell import CellUnderTest

MOST_PROBES = 180
"""At most this many probes are samples that the case may draw."""
_SEEDS = 4
"""Each program is filled from this many other seeds, in each of the case's ways of filling."""
_MORE_PROGRAMS = Profile(name="probes", first=8, others=8)
_HAS_NONFINITE = frozenset(d.name for d in DTYPES.values() if d.kind in ("float", "complex"))


def probes(case: OpCase, cell: CellUnderTest, *, fresh: bool = True) -> tuple[list[Sample], list[Sample]]:
    """Return the probes of a cell: samples that the case may draw, then samples that it never draws.

    The first list has the cell's own programs, and if `fresh` other ones, filled from other seeds. The second list has
    NaN and infinities in tensors that the case keeps finite.
    """
    more = census(case, cell.dtype, cell.samples[0].mode, _MORE_PROGRAMS, seed=1) if fresh else ()
    programs = list({s.program: s for s in (*more, *cell.samples)}.values())
    filled = (
        with_values(seeded(program, seed), values)
        for seed in range(1, _SEEDS + 1)
        for values in case.ways
        for program in programs
    )
    drawn = list({sample.id: sample for sample in filled}.values())
    plain = [with_values(seeded(program, 1), case.values[0]) for program in programs]
    nonfinite = [_nonfinite(program) for program in plain] if cell.dtype in _HAS_NONFINITE else []
    known = {sample.id for sample in drawn}
    return drawn[:MOST_PROBES], [sample for sample in nonfinite if sample.id not in known]


def _nonfinite(sample: Sample) -> Sample:
    """Return the sample with NaN and infinities in each float or complex tensor that has no special structure."""

    def refill(t: TensorSpec) -> TensorSpec:
        plain = t.dtype in _HAS_NONFINITE and t.fill.kind == "any"
        return replace(t, fill=replace(t.fill, values="nonfinite", nonfinite=True)) if plain else t

    return map_tensors(sample, refill)
