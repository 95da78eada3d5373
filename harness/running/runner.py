"""Runs a cell: its samples, then the search for the cause and the smallest form of each failure."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from harness.cases.draw import Profile, minimise
from harness.cases.sample import Sample, with_dynamic
from harness.cases.traits import traits
from harness.records.expectation import CONTROL
from harness.records.journal import Record
from harness.records.outcome import (
    Crashed,
    Excluded,
    FirstWrongPass,
    Invalid,
    NotExported,
    Outcome,
    Result,
    TimedOut,
    Unsupported,
    Wrong,
)

from .cells import Cell
from .sources import Source

Run = Callable[[Sample, str], Result]
"""Runs one sample on one backend."""
SHARED = ("export", "import", "contract")
"""The stages that a program goes through once for all backends."""
BLAMED = (Wrong, Crashed, Invalid, Unsupported, NotExported)
"""The failures of a dynamic sample that a dim can cause."""


@dataclass(slots=True)
class Runner:
    """Runs cells. It minimises and attributes each way of failing once per op, and remembers which it has done.

    `run` runs one sample; `find_pass` runs a wrong one again and finds the first pass after which it is wrong.
    """

    run: Run
    sources: Sequence[Source]
    profile: Profile
    seed: int
    find_pass: Run | None = None
    minimise_left: float = 0.0
    _minimised: set[tuple[str, ...]] = field(default_factory=set)
    _blamed: dict[tuple[str, ...], str] = field(default_factory=dict)
    _attributed: set[tuple[str, ...]] = field(default_factory=set)
    _hung: dict[str, Result] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.minimise_left = self.profile.minimise_total

    def records(self, cell: Cell) -> Iterator[Record]:
        """Every sample's record, then the records of the minimised samples."""
        samples = [sample for source in self.sources for sample in source(cell)]
        if not samples:
            reason = "the case draws no sample with a dynamic dim" if cell.mode == "dynamic" else "no samples"
            yield self._record(cell, None, Result(outcome=Excluded(reason)))
        alarming: list[Record] = []
        for sample in samples:
            record = self._record(cell, sample, self._result(cell, sample))
            yield replace(
                record, first_wrong_pass=self._first_wrong_pass(cell, record), breaks=self._breaks(cell, record)
            )
            if isinstance(record.outcome, (Wrong, Crashed)) and sample.origin == "census":
                alarming.append(record)
        for record in alarming:
            yield from self._smallest(cell, record)

    def _result(self, cell: Cell, sample: Sample) -> Result:
        """The sample's result; where a stage that backends share was seen to hang, the result that says so."""
        if cell.backend != CONTROL and sample.program in self._hung:
            return self._hung[sample.program]
        result = self.run(sample, cell.backend)
        if isinstance(result.outcome, TimedOut) and result.outcome.stage in SHARED:
            self._hung[sample.program] = result
        return result

    def _first_wrong_pass(self, cell: Cell, record: Record) -> FirstWrongPass | None:
        """After which pass a wrong sample is wrong: found for the first one of each op, backend, mode and kind."""
        wrong, sample = record.outcome, record.sample
        if not self.profile.blames or not self.find_pass or sample is None or not isinstance(wrong, Wrong):
            return None
        key = (cell.case.op, cell.backend, cell.mode, *_signature(wrong))
        if cell.backend == CONTROL or key in self._attributed:
            return None
        self._attributed.add(key)
        return self.find_pass(sample, cell.backend).first_wrong_pass

    def _breaks(self, cell: Cell, record: Record) -> str | None:
        """Which dims must be dynamic for a dynamic sample to fail as it does: found once per op, backend and failure.

        The sample runs again static, then with each dynamic dim alone. The first that fails alike is the answer; where
        none does, all dims together are.
        """
        sample = record.sample
        if not self.profile.blames or sample is None or not sample.dynamic or not isinstance(record.outcome, BLAMED):
            return None
        signature = _signature(record.outcome)
        key = (cell.case.op, cell.backend, "+".join(sample.dynamic), *signature)
        if key not in self._blamed:
            at = record.outcome.sizes if isinstance(record.outcome, Wrong) else sample.sizes
            twins = ((dims, with_dynamic(sample, dims, at)) for dims in ((), *((dim,) for dim in sample.dynamic)))
            known = len(sample.dynamic) == 1  # then only the static twin has something to say
            fails = (
                dims
                for dims, twin in twins
                if (known and dims) or _signature(self.run(twin, cell.backend).outcome) == signature
            )
            self._blamed[key] = "+".join(next(fails, sample.dynamic)) or "nothing"
        return self._blamed[key]

    def _record(self, cell: Cell, sample: Sample | None, result: Result, minimised: str | None = None) -> Record:
        return Record(
            op=cell.case.op,
            family=cell.family,
            backend=cell.backend,
            mode=cell.mode,
            dtype=cell.dtype,
            outcome=result.outcome,
            sample=sample,
            traits=tuple(sorted((*traits(sample), *result.traits))) if sample else (),
            reached=result.reached,
            seconds=result.seconds,
            minimised=minimised,
            cause=result.cause or None,
            numeric=result.numeric or None,
        )

    def _smallest(self, cell: Cell, record: Record) -> Iterator[Record]:
        """The record of the smallest sample that fails alike, if there is a smaller one and time left to find it."""
        signature = _signature(record.outcome)
        key = (cell.case.op, cell.backend, cell.mode, *signature)
        seconds = min(self.profile.minimise_seconds, self.minimise_left)
        if key in self._minimised or seconds <= 0 or record.sample is None:
            return
        self._minimised.add(key)
        started = time.monotonic()
        results: dict[str, Result] = {}

        def fails(sample: Sample) -> bool:
            results[sample.id] = result = self.run(sample, cell.backend)
            return _signature(result.outcome) == signature

        smallest = minimise(cell.case, record.sample, self.seed, self.profile, fails, seconds=seconds)
        self.minimise_left -= time.monotonic() - started
        if smallest.id in results and smallest.id != record.sample.id:
            yield self._record(cell, smallest, results[smallest.id], minimised=record.sample.id)


def _signature(outcome: Outcome) -> tuple[str, ...]:
    """What two failures must share to be the same failure."""
    match outcome:
        case Wrong(kind=kind, output=output):
            return ("Wrong", kind, str(output))
        case Crashed(stage=stage, signal=signal):
            return ("Crashed", stage, signal)
        case _:
            return (type(outcome).__name__,)
