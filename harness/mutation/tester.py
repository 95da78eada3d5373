"""What becomes of a seeded mistake: run on its cell's census, then against the sound module on many more samples.

A cell's samples are lowered again, and a mutant is made in each of their programs. Whatever runs compiled code that was
made wrong on purpose does so in a fork.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache

import torch

from backends.executors.llvm_jit import LlvmJit, compiled
from backends.frontend import Fx
from backends.ir import PassFailed
from backends.mutants import Mutant, mutants, mutated, normal
from harness.cases.case import OpCase
from harness.cases.draw import Profile, census
from harness.cases.dtypes import DTYPES
from harness.cases.sample import Sample, TensorSpec, dumps, map_tensors, seeded, with_values
from harness.judging.compare import compare, same
from harness.judging.reference import Run
from harness.programs import plugins
from harness.programs.fork import ForkDied, in_fork
from harness.programs.materialize import copied
from harness.programs.protocols import CannotExecute, Lowered
from harness.records.mutant import MutantRecord, MutantStatus
from harness.records.outcome import Wrong
from harness.running import worker
from harness.running.caches import Stop
from harness.running.pipeline import Pipeline

MOST = 2
"""Mutants of one kind in one cell."""
FILLS = 4
"""Seeds a program is filled with anew, in each way, to tell an equivalent mutant."""
MORE = Profile(name="probes", first=8, others=8)
"""Programs drawn to the same end."""
PROBES = 180
"""Samples that a survivor is tried with at most."""
MUTANT_SECONDS = 20.0
PROBE_SECONDS = 60.0

Compiled = Callable[[Sequence[torch.Tensor]], list[torch.Tensor]]


@dataclass(frozen=True, slots=True)
class Cell:
    """What is tried at once: the passing samples of an op on one backend, in one mode and dtype, and which mistakes."""

    op: str
    family: str
    backend: str
    mode: str
    dtype: str
    samples: tuple[Sample, ...]
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LoweredSample:
    """A sample with its lowered, sound module, the shapes of its arguments at export, and what it is held to."""

    sample: Sample
    lowered: Lowered
    shapes: tuple[tuple[int, ...], ...]
    references: tuple[Run, ...]
    forced: bool = False


def run_mutants(cells: Sequence[Cell], *, fresh: bool = True) -> Iterator[MutantRecord]:
    """The trials of cells that differ in their backends alone; in this process, but for what runs the mutants.

    Fresh programs, which a lowering may die of, are lowered to tell an equivalent mutant, unless told otherwise.
    """
    torch.set_num_threads(1)
    backends = {cell.backend: plugins.backend(cell.backend)() for cell in cells}
    pipeline = Pipeline(Fx(), backends, [], remembers=2 * PROBES)
    for cell in cells:
        laboratory = MutantTester(cell, pipeline, fresh)
        subjects = laboratory.subjects(cell.samples)
        for mutant in _chosen(subjects, cell.kinds):
            yield laboratory.trial(mutant, subjects)


def _chosen(subjects: Sequence[LoweredSample], kinds: Sequence[str]) -> list[Mutant]:
    """Every mutant that any of the programs has room for; of a kind that has many, `MOST` evenly spread."""
    found: dict[str, dict[Mutant, None]] = defaultdict(dict)
    for subject in {s.lowered.ir: s for s in subjects}.values():
        for mutant in mutants(subject.lowered.ir, subject.shapes, kinds):
            found[mutant.kind][mutant] = None
    return [mutant for of_kind in found.values() for mutant in _spread(list(of_kind))]


def _spread(found: list[Mutant]) -> list[Mutant]:
    step = max(1.0, len(found) / MOST)
    return [found[int(i * step)] for i in range(min(MOST, len(found)))]


@dataclass(slots=True)
class MutantTester:
    """Lowers the samples of a cell, seeds mistakes, and tells what becomes of them."""

    cell: Cell
    pipeline: Pipeline
    fresh: bool = True
    _probes: list[LoweredSample] | None = None

    @property
    def case(self) -> OpCase:
        """The registry's case of the cell's op."""
        return worker.case(self.cell.op)

    def subjects(self, samples: Iterable[Sample], *, forced: bool = False) -> list[LoweredSample]:
        """The samples, lowered; those that do not get so far are left out."""
        found = []
        for sample in samples:
            try:
                lowered, references = self.pipeline.prepared(self.case, sample, self.cell.backend)
            except Stop:
                continue
            if references:
                shapes = tuple(tuple(t.shape) for t in lowered.program.args)
                found.append(LoweredSample(sample, lowered, shapes, references, forced))
        return found

    def trial(self, mutant: Mutant, subjects: Sequence[LoweredSample]) -> MutantRecord:
        """The status of a mutant that at least one of the subjects has room for."""
        places = _places(mutant, subjects)
        try:
            status, by = in_fork(lambda: self._run(places), MUTANT_SECONDS)
        except ForkDied as death:
            status, by = "killed", _fate(death)
        return self._survivor(mutant) if status == "missed" else mutant_record(self.cell, mutant, status, by=by)

    def _run(self, places: Sequence[tuple[LoweredSample, str]]) -> tuple[MutantStatus, str]:
        """Killed by the first sample that is not right, missed if all are, stillborn if none compiles."""
        ran = False
        for subject, ir in places:
            try:
                verdict = self._verdict(subject, _compiled(ir, subject.lowered.dialect))
            except CannotExecute:
                continue
            if isinstance(verdict, Wrong):
                return "killed", f"Wrong {verdict.kind}"
            ran = True
        return ("missed", "") if ran else ("stillborn", "")

    def _verdict(self, subject: LoweredSample, executable: Compiled) -> float | Wrong:
        worst = 0.0
        for run in subject.references:
            actual = executable([copied(t) for t in run.inputs])
            found = compare(actual, run, subject.references[0], self.case, LlvmJit.name, subject.lowered.dialect)
            if isinstance(found, Wrong):
                return found
            worst = max(worst, found)
        return worst

    def _survivor(self, mutant: Mutant) -> MutantRecord:
        """What the probes make of a mutant that the census did not kill, unless it is no mistake at all."""
        places = _places(mutant, self._probed())
        with suppress(ForkDied):  # folding it may divide by zero
            if in_fork(lambda: _unused(places), MUTANT_SECONDS):
                return mutant_record(self.cell, mutant, "equivalent", by="what it changes has no use")
        try:
            status, at, share = in_fork(lambda: self._compared(places), PROBE_SECONDS)
        except ForkDied as death:
            return mutant_record(self.cell, mutant, "missed", by=_fate(death))
        sample = dumps(places[at][0].sample) if at is not None else ""
        return mutant_record(self.cell, mutant, status, sample=sample, share=share)

    def _compared(self, places: Sequence[tuple[LoweredSample, str]]) -> tuple[MutantStatus, int | None, float | None]:
        """The mutant against the sound module, probe by probe: whether results differ, and whether that is seen."""
        undrawn: int | None = None
        differs: int | None = None
        worst = 0.0
        for i, (subject, ir) in enumerate(places):
            try:
                sound, seeded = (_compiled(text, subject.lowered.dialect) for text in (subject.lowered.ir, ir))
                if not _differ(subject, sound, seeded):
                    continue
                verdict = self._verdict(subject, seeded)
            except CannotExecute:
                continue
            if not isinstance(verdict, Wrong):
                differs, worst = (i if differs is None else differs), max(worst, verdict)
            elif not subject.forced:
                return "missed", i, None
            elif undrawn is None:
                undrawn = i
        if undrawn is not None:
            return "undrawn", undrawn, None
        return ("equivalent", None, None) if differs is None else ("tolerated", differs, worst)

    def _probed(self) -> list[LoweredSample]:
        """Many more samples of the cell that the sound module passes, lowered once."""
        if self._probes is None:
            own, forced = probes(self.case, self.cell, fresh=self.fresh)
            found = self.subjects(own) + self.subjects(forced, forced=True)
            programs: dict[str, list[LoweredSample]] = defaultdict(list)
            for subject in found:
                programs[subject.lowered.ir].append(subject)
            self._probes = [subject for alike in programs.values() for subject in self._sound(alike)]
        return self._probes

    def _sound(self, alike: Sequence[LoweredSample]) -> list[LoweredSample]:
        """Those samples of one program that it passes; none if it dies of any."""

        def passed() -> list[int]:
            run = _compiled(alike[0].lowered.ir, alike[0].lowered.dialect)
            return [i for i, s in enumerate(alike) if not isinstance(self._verdict(s, run), Wrong)]

        try:
            return [alike[i] for i in in_fork(passed, PROBE_SECONDS)]
        except (ForkDied, CannotExecute):
            return []


def probes(case: OpCase, cell: Cell, *, fresh: bool = True) -> tuple[list[Sample], list[Sample]]:
    """Samples the case may draw, and such as it does not: with NaN and infinities in tensors that it keeps finite."""
    more = census(case, cell.dtype, cell.samples[0].mode, MORE, seed=1) if fresh else ()
    programs = list({s.program: s for s in (*more, *cell.samples)}.values())
    own = [
        with_values(seeded(program, fill), values)
        for fill in range(1, FILLS + 1)
        for values in case.ways
        for program in programs
    ]
    plain = [with_values(seeded(program, 1), case.values[0]) for program in programs]
    forced = [_nonfinite(program) for program in plain] if cell.dtype in _NONFINITE else []
    drawn = {sample.id for sample in own}
    return own[:PROBES], [sample for sample in forced if sample.id not in drawn]


_NONFINITE = frozenset(d.name for d in DTYPES.values() if d.kind in ("float", "complex"))


def _nonfinite(sample: Sample) -> Sample:
    def refill(t: TensorSpec) -> TensorSpec:
        plain = t.dtype in _NONFINITE and t.fill.kind == "any"
        return replace(t, fill=replace(t.fill, values="nonfinite", nonfinite=True)) if plain else t

    return map_tensors(sample, refill)


def _places(mutant: Mutant, subjects: Iterable[LoweredSample]) -> list[tuple[LoweredSample, str]]:
    """The subjects that have room for the mutant, with its module."""
    made: dict[str, str | None] = {}
    found = []
    for subject in subjects:
        sound = subject.lowered.ir
        if sound not in made:
            made[sound] = mutated(sound, mutant, subject.shapes)
        if (ir := made[sound]) is not None:
            found.append((subject, ir))
    return found


@lru_cache(maxsize=64)
def _compiled(ir: str, dialect: str) -> Compiled:
    """What runs the module; raises CannotExecute."""
    return compiled(ir, dialect)


def _differ(subject: LoweredSample, sound: Compiled, seeded: Compiled) -> bool:
    """Whether any element of any result at any size is another one."""
    for run in subject.references:
        pairs = zip(sound([copied(t) for t in run.inputs]), seeded([copied(t) for t in run.inputs]), strict=True)
        if any(a.shape != b.shape or not bool(same(a, b).all()) for a, b in pairs):
            return True
    return False


def _unused(places: Sequence[tuple[LoweredSample, str]]) -> bool:
    """Whether the mistake is in what no result of any program depends on."""
    try:
        return all(normal(sound) == normal(ir) for sound, ir in {(s.lowered.ir, ir) for s, ir in places})
    except PassFailed:
        return False


def _fate(death: ForkDied) -> str:
    return str(death).partition(":")[0]


def mutant_record(
    cell: Cell, mutant: Mutant, status: MutantStatus, *, by: str = "", sample: str = "", share: float | None = None
) -> MutantRecord:
    """The trial of a mutant in a cell."""
    return MutantRecord(
        op=cell.op,
        family=cell.family,
        backend=cell.backend,
        mode=cell.mode,
        dtype=cell.dtype,
        mutation=mutant.kind,
        site=mutant.op,
        what=mutant.what,
        nth=mutant.nth,
        status=status,
        by=by,
        sample=sample,
        share=share,
    )
