"""Where the samples of a cell come from: the case's own census, or PyTorch's OpInfo."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from harness.cases.draw import census
from harness.cases.drawn import Drawn
from harness.cases.other_samples import by
from harness.cases.plain import plain_call
from harness.cases.profile import Profile
from harness.cases.road import DEFAULT, Road
from harness.cases.sample import Mode, Sample
from harness.cases.transformed import dealt
from harness.records.journal import Record
from harness.records.journal_file import CellName
from harness.records.query import NO, YES, Query

from .cells import Cell, cell_facts

Source = Callable[[Cell], tuple[Sample, ...]]
"""Gives the samples of a cell."""


@dataclass(slots=True)
class Census:
    """The case's own samples, drawn once for all backends."""

    profile: Profile
    seed: int
    _last: tuple[tuple[str, str, str, Road], tuple[Sample, ...]] | None = None

    def __call__(self, cell: Cell) -> tuple[Sample, ...]:
        """The census of the cell, on its road."""
        key = (cell.case.op, cell.dtype, cell.mode, cell.road)
        if self._last is None or self._last[0] != key:
            drawn = census(cell.case, cell.dtype, cell.mode, self.profile, self.seed)
            self._last = key, sent(cell, drawn)
        return self._last[1]


@dataclass(frozen=True, slots=True)
class FromOpinfo:
    """OpInfo's samples, by overload and dtype. They are static: OpInfo does not say which of their dims are one."""

    samples: Mapping[str, Mapping[str, Sequence[Sample]]]
    profile: Profile

    def __call__(self, cell: Cell) -> tuple[Sample, ...]:
        """As many of the samples that eager takes as the profile wants, and all of the samples that eager rejects."""
        found = self.samples.get(cell.case.op, {}).get(cell.dtype, ()) if cell.mode == "static" else ()
        taken = [s for s in found if s.origin == "opinfo"][: self.profile.opinfo]
        return sent(cell, (*taken, *(s for s in found if s.origin == "rejected")))


@dataclass(slots=True)
class FromJournal:
    """The samples of a journal: those of a cell's census as they were run, minimised ones and reruns aside.

    `records` gives the records of an op. A sample with an argument that the case no longer draws is *gone*: it is left
    out, and told to `tell` with the reason. Raises NothingChosen if all of a cell are. `profile` and `seed` are those
    of the journal's run, so that what an unchanged case draws is what it drew.
    """

    records: Callable[[str], Iterable[Record]]
    profile: Profile
    seed: int
    tell: Callable[[str], None]
    _op: str = ""
    _samples: dict[CellName, list[Sample]] = field(default_factory=dict)
    _drawn: dict[tuple[str, Mode], Drawn] = field(default_factory=dict)

    def __call__(self, cell: Cell) -> tuple[Sample, ...]:
        """The samples of the cell, in their order; none if it had nothing to run."""
        if self._op != cell.case.op:
            self._op, self._samples, self._drawn = cell.case.op, defaultdict(list), {}
            for r in self.records(self._op):
                if r.sample and not r.minimised:
                    self._samples[r.op, r.backend, r.full_mode, r.dtype].append(r.sample)
        found = self._samples.get(cell.key, [])
        left = [sample for sample in found if not self._is_gone(cell, sample)]
        if found and not left:
            raise NothingChosen
        return tuple(left)

    def _is_gone(self, cell: Cell, sample: Sample) -> bool:
        if sample.origin != "census":  # no case draws it
            return False
        key = cell.dtype, cell.mode
        if key not in self._drawn:
            self._drawn[key] = Drawn(cell.case, *key, self.profile, self.seed)
        if lacking := self._drawn[key].lacks(sample):
            self.tell(f"{cell.name}, sample {sample.id}: the case no longer draws {', '.join(lacking)}")
        return bool(lacking)


def sent(cell: Cell, samples: Sequence[Sample]) -> tuple[Sample, ...]:
    """The samples on the cell's road; what a transform varies is dealt out over them."""
    if cell.road == DEFAULT:
        return tuple(samples)
    if cell.road.transform == "none":
        return tuple(by(sample, cell.road) for sample in samples)
    return dealt(cell.case, samples, cell.road)


def plain_on_road(cell: Cell) -> Sample | None:
    """The plain call of the cell's op in its mode, on its road; None in another dtype than the first."""
    plain = plain_call(cell.case, cell.mode) if cell.dtype == cell.case.dtypes[0] else None
    return sent(cell, (plain,))[0] if plain else None


class NothingChosen(Exception):
    """None of the samples that a cell has is selected."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Of the samples that other sources give, those that a query selects; raises NothingChosen if it selects none."""

    sources: Sequence[Source]
    where: Query
    FIELDS: ClassVar = ("plain", "id")
    """The fields by which the samples of one cell differ; for any other one the cells are selected."""

    def __call__(self, cell: Cell) -> tuple[Sample, ...]:
        """The samples of the cell that are selected."""
        found = [sample for source in self.sources for sample in source(cell)]
        plain = plain_on_road(cell)
        known = cell_facts(cell)
        chosen = tuple(
            sample
            for sample in found
            if self.where.may_hold({**known, "id": (sample.id,), "plain": (YES if sample == plain else NO,)})
        )
        if not chosen:
            raise NothingChosen
        return chosen
