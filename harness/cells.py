"""A cell and how it is run: census, outcomes, and the smallest samples that are wrong or crash."""

from __future__ import annotations

import fnmatch
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from .case import OpCase
from .draw import Profile, census, minimise
from .dtypes import DTYPES
from .errors import UnknownName
from .journal import Record
from .outcome import Crashed, Excluded, Invalid, NotExported, Outcome, Parting, Result, TimedOut, Unsupported, Wrong
from .plugins import CONTROL
from .sample import MODES, Mode, Sample, with_dynamic
from .traits import traits

Catalog = Mapping[str, Sequence[OpCase]]
Run = Callable[[Sample, str], Result]
SHARED = ("export", "import", "contract")
"""The stages that a program goes through once for all backends."""
BLAMED = (Wrong, Crashed, Invalid, Unsupported, NotExported)
"""Failures of a dynamic sample for which a dim can be to blame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One (op, backend, mode, dtype)."""

    family: str
    case: OpCase
    backend: str
    mode: Mode
    dtype: str

    @property
    def name(self) -> str:
        """As people select it: `aten.add.Tensor[tosa-dynamic-f32]`."""
        return f"{self.case.op}[{self.backend}-{self.mode}-{self.dtype}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which cells are wanted: globs of ops, names of backends, modes and dtypes; empty means all."""

    ops: tuple[str, ...] = ()
    backends: tuple[str, ...] = ()
    modes: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = ()

    def check(self, catalog: Catalog, backends: Sequence[str]) -> None:
        """Raise UnknownName for anything that matches nothing, with the nearest names."""
        ops = [case.op for cases in catalog.values() for case in cases]
        for glob in self.ops:
            if not fnmatch.filter(ops, glob):
                raise UnknownName("op", glob, ops)
        for kind, wanted, known in (
            ("backend", self.backends, backends),
            ("mode", self.modes, MODES),
            ("dtype", self.dtypes, DTYPES),
        ):
            for name in wanted:
                if name not in known:
                    raise UnknownName(kind, name, known)

    def takes(self, case: OpCase) -> bool:
        """Whether the case's op is wanted."""
        return not self.ops or any(fnmatch.fnmatch(case.op, glob) for glob in self.ops)


def cells(
    family: str, cases: Sequence[OpCase], backends: Sequence[str], wanted: Selection, profile: Profile
) -> Iterator[Cell]:
    """The wanted cells of a family: those that share a frontend run come together, the backends of one innermost.

    A dtype that is asked for by name has all its cells, whatever the profile.
    """
    for case in filter(wanted.takes, cases):
        for dtype in case.dtypes:
            for mode in case.modes():
                if dtype not in (wanted.dtypes or profile.dtypes(case, mode)):
                    continue
                if wanted.modes and mode not in wanted.modes:
                    continue
                for backend in wanted.backends or backends:
                    yield Cell(family=family, case=case, backend=backend, mode=mode, dtype=dtype)


Source = Callable[[Cell], tuple[Sample, ...]]
"""Where the samples of a cell come from."""


@dataclass(slots=True)
class Census:
    """The case's own samples, drawn once for all backends."""

    profile: Profile
    seed: int
    _last: tuple[tuple[str, str, str], tuple[Sample, ...]] | None = None

    def __call__(self, cell: Cell) -> tuple[Sample, ...]:
        """The census of the cell."""
        key = (cell.case.op, cell.dtype, cell.mode)
        if self._last is None or self._last[0] != key:
            self._last = key, census(cell.case, cell.dtype, cell.mode, self.profile, self.seed)
        return self._last[1]


@dataclass(frozen=True, slots=True)
class FromOpinfo:
    """Samples of OpInfo, by overload and dtype: static, since no one says which of their dims belong together."""

    samples: Mapping[str, Mapping[str, Sequence[Sample]]]
    profile: Profile

    def __call__(self, cell: Cell) -> tuple[Sample, ...]:
        """As many as the profile wants of those that eager takes, and all of those that it rejects."""
        found = self.samples.get(cell.case.op, {}).get(cell.dtype, ()) if cell.mode == "static" else ()
        taken = [s for s in found if s.origin == "opinfo"][: self.profile.opinfo]
        return (*taken, *(s for s in found if s.origin == "rejected"))


@dataclass(slots=True)
class Runner:
    """Runs cells; `run` runs one sample. Remembers what was looked into, so that each failure is so once per op.

    `part` runs one that is wrong again, to tell where it parts from eager.
    """

    run: Run
    sources: Sequence[Source]
    profile: Profile
    seed: int
    part: Run | None = None
    minimise_left: float = 0.0
    _minimised: set[tuple[str, ...]] = field(default_factory=set)
    _blamed: dict[tuple[str, ...], str] = field(default_factory=dict)
    _parted: set[tuple[str, ...]] = field(default_factory=set)
    _endless: dict[str, Result] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.minimise_left = self.profile.minimise_total

    def records(self, cell: Cell) -> Iterator[Record]:
        """Every outcome of the cell's samples, then those of the minimised ones."""
        samples = [sample for source in self.sources for sample in source(cell)]
        if not samples:
            reason = "the case draws no sample with a dynamic dim" if cell.mode == "dynamic" else "no samples"
            yield self._record(cell, None, Result(outcome=Excluded(reason)))
        alarming: list[Record] = []
        for sample in samples:
            record = self._record(cell, sample, self._result(cell, sample))
            yield replace(record, parts=self._parts(cell, record), breaks=self._breaks(cell, record))
            if isinstance(record.outcome, (Wrong, Crashed)) and sample.origin == "census":
                alarming.append(record)
        for record in alarming:
            yield from self._smallest(cell, record)

    def _result(self, cell: Cell, sample: Sample) -> Result:
        """The sample's result; that of another backend where what they share has been seen not to end."""
        if cell.backend != CONTROL and sample.program in self._endless:
            return self._endless[sample.program]
        result = self.run(sample, cell.backend)
        if isinstance(result.outcome, TimedOut) and result.outcome.stage in SHARED:
            self._endless[sample.program] = result
        return result

    def _parts(self, cell: Cell, record: Record) -> Parting | None:
        """Where a wrong sample parts from eager: for the first one of each op, backend, mode and way to be wrong."""
        wrong, sample = record.outcome, record.sample
        if not self.profile.blames or not self.part or sample is None or not isinstance(wrong, Wrong):
            return None
        key = (cell.case.op, cell.backend, cell.mode, *_signature(wrong))
        if cell.backend == CONTROL or key in self._parted:
            return None
        self._parted.add(key)
        return self.part(sample, cell.backend).parts

    def _breaks(self, cell: Cell, record: Record) -> str | None:
        """What has to be dynamic for a dynamic sample to fail as it does: found out once per op, backend and failure.

        The static twin is tried first, then each dynamic dim alone; what none of them shows takes all together.
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
        """The record of the smallest sample that fails alike, if there is a smaller one and time to find it."""
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
