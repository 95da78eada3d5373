"""Runs a cell: its samples, then the search for the cause and the smallest form of each failure."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from harness.cases.draw import minimise
from harness.cases.other_samples import with_dynamic
from harness.cases.profile import Profile
from harness.cases.sample import Sample
from harness.cases.traits import traits
from harness.records.element_types import JUDGED, unseen
from harness.records.expectation import CONTROL
from harness.records.journal import Record
from harness.records.outcome import Excluded, FirstWrongPass, NotRun, Passed, Result, Stage, Wrong

from .advice import Advice
from .cells import Cell
from .memory import Memory, dynamic_failure, failure, is_alarming, is_dynamic_failure, signature
from .retries import retries, says_something
from .sources import Source, plain_on_road


class Run(Protocol):
    """Runs one sample on one backend."""

    def __call__(self, sample: Sample, backend: str, *, short: Mapping[Stage, str]) -> Result:
        """The result; `short` are the stages that have less time, each with the sample that hung there."""


def _nothing(op: str) -> Iterable[Record]:
    return ()


@dataclass(slots=True)
class Runner:
    """Runs cells. It minimises and attributes each way of failing once per op and road.

    The cells of an op on a road must follow each other: what is known is forgotten when the next op or road starts.

    - `run` runs one sample; `find_pass` runs a wrong one again and finds the first pass after which it is wrong.
    - `advice` asks for second opinions on what failed.
    - `recorded` gives the records that an op has from an earlier run, in their order. With them, the cells that are
      missing get the records that they would have got in that run.
    - `patient`: every stage has the full deadline, whatever hung before; for a cell that is asked for alone.
    """

    run: Run
    sources: Sequence[Source]
    profile: Profile
    seed: int
    find_pass: Run | None = None
    recorded: Callable[[str], Iterable[Record]] = _nothing
    patient: bool = False
    advice: Advice | None = None
    minimise_left: float = 0.0
    _known: Memory = field(default_factory=lambda: Memory(op=""))

    def __post_init__(self) -> None:
        self.minimise_left = self.profile.minimise_total

    def records(self, cell: Cell) -> tuple[Record, ...]:
        """Every sample's record, then those of samples run again without an excuse and of the minimised ones.

        A cell is whole or nothing: where an exception ends it early, nothing of it is known or returned.
        """
        if (self._known.op, self._known.road) != (cell.case.op, cell.road):
            self._known = Memory.of(cell.case.op, self.recorded(cell.case.op), cell.road)
        known = self._known
        samples = [sample for source in self.sources for sample in source(cell)]
        if not samples:
            return (_record(cell, None, Result(outcome=Excluded(_without_samples(cell)))),)
        records: list[Record] = []
        plain = plain_on_road(cell)
        for sample in samples:
            record = replace(_record(cell, sample, self._advised(cell, sample, known)), plain=sample == plain)
            record = replace(record, first_wrong_pass=self._first_wrong_pass(cell, record, known))
            records.append(self._with_breaks(cell, record, known))
            known = known.after(records[-1])
        known, again = self._retried(cell, records, known)
        small: list[Record] = []
        for place, record in _first_of_each(records, self._known):
            records[place], *smallest = self._minimised(cell, record, known)
            known = known.after(records[place])
            small += smallest
        self._known = known
        return (*records, *again, *small)

    def _retried(self, cell: Cell, records: list[Record], known: Memory) -> tuple[Memory, list[Record]]:
        """Run failing samples again without what may excuse them; `records` then have what hung on the way."""
        again = []
        for place, excuse, sample in retries(cell.case, records) if self._looks_into(cell) else ():
            result = self._advised(cell, sample, known)
            records[place] = _with_hung(records[place], result)
            known = known.after(records[place])
            if says_something(result.outcome):
                again.append(replace(_record(cell, sample, result, records[place].id), without=excuse))
                known = known.after(again[-1])
        return known, again

    def _looks_into(self, cell: Cell) -> bool:
        return self.profile.blames and cell.backend != CONTROL

    def _result(self, cell: Cell, sample: Sample, known: Memory) -> Result:
        """The sample's result; where its program is known to hang or not to get so far, the result that says so."""
        if ended := known.outcome(sample, cell.backend):
            return Result(outcome=ended)
        result = self.run(sample, cell.backend, short=self._short(cell, known))
        return known.attributed(result, sample, cell.backend)

    def _advised(self, cell: Cell, sample: Sample, known: Memory, result: Result | None = None) -> Result:
        """The sample's result, this one if it was run already, with a second opinion where one is wanted."""
        result = result or self._result(cell, sample, known)
        return self.advice.on(result, sample, cell.backend, cell.mode, known) if self.advice else result

    def _short(self, cell: Cell, known: Memory) -> Mapping[Stage, str]:
        return {} if self.patient else known.short(cell.backend)

    def _first_wrong_pass(self, cell: Cell, record: Record, known: Memory) -> FirstWrongPass | None:
        """After which pass a wrong sample is wrong: found for the first one of each op, backend, mode and kind."""
        if not self._looks_into(cell) or not self.find_pass or record.sample is None:
            return None
        if not isinstance(record.outcome, Wrong) or failure(record) in known.wrong:
            return None
        return self.find_pass(record.sample, cell.backend, short=self._short(cell, known)).first_wrong_pass

    def _with_breaks(self, cell: Cell, record: Record, known: Memory) -> Record:
        """The record, with which dims must be dynamic for a dynamic sample to fail as it does.

        That is found out once per op, backend and failure. The sample runs again static, then with each dynamic dim
        alone. The first that fails alike is the answer; where none does, all dims together are. There is no answer if
        one of them is not run to its end.
        """
        sample = record.sample
        if not self.profile.blames or sample is None or not is_dynamic_failure(record):
            return record
        if dynamic_failure(record) in known.breaks:
            return replace(record, breaks=known.breaks[dynamic_failure(record)])
        at = record.outcome.sizes if isinstance(record.outcome, Wrong) else sample.sizes
        alone = [(dim,) for dim in sample.dynamic]
        for dims in ((), *alone):
            if dims and len(alone) == 1:  # this is the sample itself
                return replace(record, breaks=sample.dynamic[0])
            result = self._result(cell, with_dynamic(sample, dims, at), known.after(record))
            record = _with_hung(record, result)
            if isinstance(result.outcome, NotRun):
                return record
            if signature(result.outcome) == signature(record.outcome):
                return replace(record, breaks="+".join(dims) or "nothing")
        return replace(record, breaks="+".join(sample.dynamic))

    def _minimised(self, cell: Cell, record: Record, known: Memory) -> tuple[Record, ...]:
        """The record with what hung on the way, and that of the smallest sample that fails alike.

        The record is alone if there is no smaller sample, or no time to find it: not even to run this one again.
        """
        seconds = min(self.profile.minimise_seconds, self.minimise_left)
        if seconds <= sum(record.seconds.values()) or record.sample is None:
            return (record,)
        started = time.monotonic()
        results: dict[str, Result] = {}
        tried = record

        def fails(sample: Sample) -> bool:
            nonlocal tried
            results[sample.id] = result = self._result(cell, sample, known.after(tried))
            tried = _with_hung(tried, result)
            return signature(result.outcome) == signature(record.outcome)

        smallest = minimise(cell.case, record.sample, self.seed, self.profile, fails, seconds=seconds)
        self.minimise_left -= time.monotonic() - started
        if smallest.id not in results or smallest.id == record.sample.id:
            return (tried,)
        result = self._advised(cell, smallest, known, results[smallest.id])
        if isinstance(result.outcome, Passed):  # the backend is cleared of it
            return (tried,)
        return tried, _record(cell, smallest, result, minimised=record.sample.id)


def _record(cell: Cell, sample: Sample | None, result: Result, minimised: str | None = None) -> Record:
    return Record(
        op=cell.case.op,
        family=cell.family,
        backend=cell.backend,
        mode=cell.mode,
        dtype=cell.dtype,
        road=cell.road,
        outcome=result.outcome,
        sample=sample,
        traits=tuple(sorted((*traits(sample), *result.traits))) if sample else (),
        reached=result.reached,
        introduced=result.introduced,
        seconds=result.seconds,
        minimised=minimised,
        cause=result.cause or None,
        numeric=result.numeric or None,
        hung=result.hung,
        opinion=result.opinion,
        results=unseen(result.results, sample) if sample and isinstance(result.outcome, JUDGED) else (),
    )


def _with_hung(record: Record, result: Result) -> Record:
    """The record, with the stages that hung as its sample was run again in another form."""
    return replace(record, hung=tuple(dict.fromkeys((*record.hung, *result.hung))))


def _first_of_each(records: Sequence[Record], known: Memory) -> Iterator[tuple[int, Record]]:
    """The first record of each alarming way of failing that is not known yet, with its place."""
    seen = set(known.alarming)
    for place, record in enumerate(records):
        if is_alarming(record) and failure(record) not in seen:
            seen.add(failure(record))
            yield place, record


def _without_samples(cell: Cell) -> str:
    """The reason why a cell has no samples."""
    return "the case draws no sample with a dynamic dim" if cell.mode == "dynamic" else "no samples"
