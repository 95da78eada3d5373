"""Runs of failing samples without what may excuse the failure, so that a sample that "fails for NaN only" was tried.

A sample with excuses (see `harness.records.severity`) is run again without each of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from harness.cases.case import OpCase
from harness.cases.literal import finite, in_dtype
from harness.cases.other_samples import with_values
from harness.cases.plain import plain_call
from harness.cases.sample import MODES, DtypeArg, Sample, map_tensors, walk
from harness.errors import BadSample
from harness.records.journal import Record
from harness.records.outcome import Crashed, Excluded, HarnessError, NotRun, Outcome, Wrong
from harness.records.severity import COMMON, Excuse, excuses, failing_sizes, is_small

from .memory import LONG, Key, failure

_ORDINARY = 3
"""The size that a size of 0 or 1 becomes."""


def retries(case: OpCase, records: Sequence[Record]) -> Iterator[tuple[int, Excuse, Sample]]:
    """The samples to run again: the place of the record, the excuse that is taken away, and the sample without it.

    Of the records of one cell, the first of each way of failing and set of excuses; what the cell has run is left out.
    So are programs that take long to fail: a lowering that ends in the memory limit may do so without any excuse.
    """
    slow = {r.sample.program for r in records if r.sample and sum(r.seconds.values()) > LONG}
    failing = [
        (i, r)
        for i, r in enumerate(records)
        if r.sample and isinstance(r.outcome, (Wrong, Crashed)) and r.sample.program not in slow
    ]
    if not failing:
        return
    plain = plain_call(case, MODES[records[0].mode == "dynamic"])
    done = {record.id for record in records}
    seen: set[tuple[Key, tuple[Excuse, ...]]] = set()
    for place, record in failing:
        found = excuses(record, plain)
        key = (failure(record), found)
        if key in seen or not found:
            continue
        seen.add(key)
        for excuse in found:
            sample = without(case, record, excuse, plain)
            if sample is not None and sample.id not in done:
                done.add(sample.id)
                yield place, excuse, sample


def says_something(outcome: Outcome) -> bool:
    """Whether the outcome of such a run tells anything; the case never draws the sample, so eager may refuse it."""
    return not isinstance(outcome, (Excluded, HarnessError, NotRun))


def without(case: OpCase, record: Record, excuse: Excuse, plain: Sample | None) -> Sample | None:
    """The record's sample without the excuse; None where it cannot be taken away."""
    sample = record.sample
    if sample is None:
        return None
    match excuse:
        case "ends" | "nonfinite":
            changed = finite(with_values(sample, case.values[0]))
        case "degenerate":
            changed = _with_ordinary_sizes(sample, record, plain)
        case "rare":
            changed = _with_dtype(sample, case.dtypes[0])
    left = excuses(replace(record, sample=changed), plain)
    return None if excuse in left or changed.id == sample.id else changed


def _with_ordinary_sizes(sample: Sample, record: Record, plain: Sample | None) -> Sample:
    """The sample at its larger sizes alone, or, static, with each size of 0 or 1 made larger."""
    if sample.dynamic:
        runs = tuple(run for run in sample.runs if not is_small(sample, run, plain))
        return replace(sample, runs=runs) if runs else sample
    sizes = {name: n if n > 1 else _ORDINARY for sizes in failing_sizes(record) for name, n in sizes.items()}
    return replace(sample, sizes=sizes, runs=(sizes,))


def _with_dtype(sample: Sample, dtype: str) -> Sample:
    """The sample with its tensors of the cell's dtype in another one.

    Itself if an argument names a dtype, or if the other one does not hold the elements that are written down.
    """
    if dtype not in COMMON or any(isinstance(leaf, DtypeArg) for leaf in walk(sample.args)):
        return sample
    try:
        changed = map_tensors(sample, lambda t: in_dtype(t, dtype) if t.dtype == sample.dtype else t)
    except BadSample:
        return sample
    return replace(changed, dtype=dtype)
