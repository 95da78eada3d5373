"""Run the mutants of one cell and classify each as killed, equivalent or survived.

The cell's samples are lowered again, and a mutant is seeded into the module of each. All code compiled from a mutant
runs in a fork, since it may do anything.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import torch

from harness.cases.sample import Sample, dumps
from harness.judging.compare import compare, impossible, same
from harness.judging.reference import Run
from harness.programs import plugins
from harness.programs.fork import ForkDied, in_fork
from harness.programs.materialize import copied
from harness.programs.protocols import CannotExecute, Executable, ImpossibleShape, Lowered
from harness.records.mutant import Mutant, MutantRecord, MutantStatus
from harness.records.outcome import Wrong
from harness.running import worker
from harness.running.caches import Stop
from harness.running.clock import Clock
from harness.running.lru_cache import LruCache
from harness.running.pipeline import Pipeline

from .cell import CellUnderTest, mutant_record
from .probes import MOST_PROBES, probes
from .toolbox import Toolbox

MOST = 2
"""At most this many mutants of one kind are run in one cell."""
COMPILED = 64
"""Compiled modules that are kept, so that the samples of one program compile it once."""
MUTANT_SECONDS = 20.0
PROBE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class LoweredSample:
    """A sample with its sound module, the one that no mutant is seeded into.

    `shapes` are the shapes of the program's arguments at export. `references` are the runs that results are compared
    with: those at sizes that the backend contract admits. `undrawn` marks a probe that the case never draws.
    """

    sample: Sample
    lowered: Lowered
    shapes: tuple[tuple[int, ...], ...]
    references: tuple[Run, ...]
    undrawn: bool = False


Mutated = tuple[LoweredSample, str]
"""A sample, and the IR of its module with a mutant seeded into it."""


def run_mutants(toolbox: Toolbox, cells: Sequence[CellUnderTest], *, fresh: bool = True) -> Iterator[MutantRecord]:
    """Run the mutants of cells that differ in nothing but their backend; yield a record of each.

    Lowering happens in this process, running in forks of it. Unless `fresh` is false, programs that are not in the
    census are lowered as probes; the lowering may crash on one of them, and this process with it.
    """
    torch.set_num_threads(1)
    backends = {cell.backend: plugins.backend(cell.backend)() for cell in cells}
    pipeline = Pipeline(toolbox.frontend(), backends, [], remembers=2 * MOST_PROBES)
    for cell in cells:
        tester = MutantTester(cell, toolbox, pipeline, fresh=fresh)
        samples = tester.lower(cell.samples)
        for mutant in _choose_mutants(toolbox, samples, cell.kinds):
            yield tester.run(mutant, samples)


def _choose_mutants(toolbox: Toolbox, samples: Sequence[LoweredSample], kinds: Sequence[str]) -> list[Mutant]:
    """Return the mutants that any of the programs has a place for; of a kind with many, `MOST` evenly spread."""
    by_kind: dict[str, dict[Mutant, None]] = defaultdict(dict)
    for sample in {s.lowered.ir: s for s in samples}.values():
        for mutant in toolbox.find_mutants(sample.lowered.ir, sample.shapes, kinds):
            by_kind[mutant.kind][mutant] = None
    return [mutant for mutants in by_kind.values() for mutant in _spread(list(mutants))]


def _spread(mutants: list[Mutant]) -> list[Mutant]:
    step = max(1.0, len(mutants) / MOST)
    return [mutants[int(i * step)] for i in range(min(MOST, len(mutants)))]


class MutantTester:
    """Lowers the samples of one cell, seeds mutants into their modules, runs them and finds the status of each."""

    def __init__(self, cell: CellUnderTest, toolbox: Toolbox, pipeline: Pipeline, *, fresh: bool = True) -> None:
        self.cell = cell
        self.case = worker.case(cell.op)
        self.toolbox = toolbox
        self.executor = toolbox.executor()
        self.pipeline = pipeline
        self.fresh = fresh
        self._executables: LruCache[Executable] = LruCache(COMPILED)
        self._probes: list[LoweredSample] | None = None

    def lower(self, samples: Iterable[Sample], *, undrawn: bool = False) -> list[LoweredSample]:
        """Lower the samples; leave out those that have no lowered module or no reference."""
        lowered_samples = []
        for sample in samples:
            try:
                found = self.pipeline.prepared(self.case, sample, self.cell.backend, Clock(lambda stage: None))
            except Stop:
                continue
            if references := found.admitted:
                lowered = found.artifact.lowered
                shapes = tuple(tuple(t.shape) for t in lowered.program.args)
                lowered_samples.append(LoweredSample(sample, lowered, shapes, references, undrawn))
        return lowered_samples

    def run(self, mutant: Mutant, samples: Sequence[LoweredSample]) -> MutantRecord:
        """Return the record of a mutant that at least one of the samples' modules has a place for."""
        mutated = self._seed(mutant, samples)
        try:
            status, by = in_fork(lambda: self._run_census(mutated), MUTANT_SECONDS)
        except ForkDied as death:
            status, by = "killed", _cause(death)
        if status == "missed":
            return self._run_probes(mutant)
        return mutant_record(self.cell, mutant, status, by=by)

    def _seed(self, mutant: Mutant, samples: Iterable[LoweredSample]) -> list[Mutated]:
        """Seed the mutant into the modules of the samples; leave out samples whose module has no place for it."""
        made: dict[str, str | None] = {}
        mutated = []
        for sample in samples:
            sound = sample.lowered.ir
            if sound not in made:
                made[sound] = self.toolbox.apply_mutant(sound, mutant, sample.shapes)
            if (ir := made[sound]) is not None:
                mutated.append((sample, ir))
        return mutated

    def _run_census(self, mutated: Sequence[Mutated]) -> tuple[MutantStatus, str]:
        """Return "killed" at the first sample that is wrong, "missed" if none is, "stillborn" if no module compiles."""
        ran = False
        for sample, ir in mutated:
            try:
                verdict = self._verdict(sample, self._compile(sample, ir))
            except CannotExecute:
                continue
            if isinstance(verdict, Wrong):
                return "killed", f"Wrong {verdict.kind}"
            ran = True
        return ("missed", "") if ran else ("stillborn", "")

    def _compile(self, sample: LoweredSample, ir: str) -> Executable:
        """Compile the sample's module, mutated or not, from its IR; raises CannotExecute."""
        return self._executables.get_or(ir, lambda: self.executor.compile(replace(sample.lowered, ir=ir)))

    def _verdict(self, sample: LoweredSample, executable: Executable) -> float | Wrong:
        """Return the largest error at any size, divided by its bound, or what is wrong first; raises CannotExecute."""
        worst = 0.0
        for run in sample.references:
            try:
                results = executable([copied(t) for t in run.inputs])
            except ImpossibleShape as error:
                return impossible(error, self.executor.name, run.sizes)
            first, dialect = sample.references[0], sample.lowered.dialect
            verdict = compare(results, run, first, self.case, self.executor.name, dialect)
            if isinstance(verdict, Wrong):
                return verdict
            worst = max(worst, verdict)
        return worst

    def _run_probes(self, mutant: Mutant) -> MutantRecord:
        """Return the record of a mutant that the census did not kill: it is equivalent or has survived."""
        mutated = self._seed(mutant, self._sound_probes())
        with suppress(ForkDied):  # constant folding of the mutant may divide by zero
            if in_fork(lambda: self._is_dead_code(mutated), MUTANT_SECONDS):
                return mutant_record(self.cell, mutant, "equivalent", by="what it changes has no use")
        try:
            status, at, share = in_fork(lambda: self._compare_with_sound(mutated), PROBE_SECONDS)
        except ForkDied as death:
            return mutant_record(self.cell, mutant, "missed", by=_cause(death))
        sample = dumps(mutated[at][0].sample) if at is not None else ""
        return mutant_record(self.cell, mutant, status, sample=sample, share=share)

    def _is_dead_code(self, mutated: Sequence[Mutated]) -> bool:
        """Whether no result of any program depends on what the mutant changes."""
        pairs = {(sample.lowered.ir, ir) for sample, ir in mutated}
        return all(self.toolbox.trivially_equivalent(sound, ir) for sound, ir in pairs)

    def _compare_with_sound(self, mutated: Sequence[Mutated]) -> tuple[MutantStatus, int | None, float | None]:
        """Run the mutant and the sound module on each probe; return the mutant's status and what shows it.

        That is the index of the first probe that shows the status, and for "tolerated" the largest error over its
        bound. A probe that the case draws and that is wrong ends the search; a wrong one that it never draws does not.
        """
        undrawn: int | None = None
        tolerated: int | None = None
        worst = 0.0
        for i, (sample, ir) in enumerate(mutated):
            try:
                sound, mutant = (self._compile(sample, text) for text in (sample.lowered.ir, ir))
                if not _differ(sample, sound, mutant):
                    continue
                verdict = self._verdict(sample, mutant)
            except CannotExecute:
                continue
            if not isinstance(verdict, Wrong):
                tolerated, worst = (i if tolerated is None else tolerated), max(worst, verdict)
            elif not sample.undrawn:
                return "missed", i, None
            elif undrawn is None:
                undrawn = i
        if undrawn is not None:
            return "undrawn", undrawn, None
        return ("equivalent", None, None) if tolerated is None else ("tolerated", tolerated, worst)

    def _sound_probes(self) -> list[LoweredSample]:
        """Return the probes of the cell that the sound module passes, grouped by program; lower them at first use."""
        if self._probes is None:
            drawn, undrawn = probes(self.case, self.cell, fresh=self.fresh)
            by_program: dict[str, list[LoweredSample]] = defaultdict(list)
            for sample in self.lower(drawn) + self.lower(undrawn, undrawn=True):
                by_program[sample.lowered.ir].append(sample)
            self._probes = [sample for samples in by_program.values() for sample in self._passing(samples)]
        return self._probes

    def _passing(self, samples: Sequence[LoweredSample]) -> list[LoweredSample]:
        """Return the samples of one program that it passes; none if it cannot be run or a sample kills it."""

        def passed() -> list[int]:
            executable = self._compile(samples[0], samples[0].lowered.ir)
            return [i for i, s in enumerate(samples) if not isinstance(self._verdict(s, executable), Wrong)]

        try:
            return [samples[i] for i in in_fork(passed, PROBE_SECONDS)]
        except (ForkDied, CannotExecute):
            return []


def _differ(sample: LoweredSample, sound: Executable, mutant: Executable) -> bool:
    """Whether the two modules differ in the shape or any element of any result, at any size."""
    for run in sample.references:
        pairs = zip(sound([copied(t) for t in run.inputs]), mutant([copied(t) for t in run.inputs]), strict=True)
        if any(a.shape != b.shape or not bool(same(a, b).all()) for a, b in pairs):
            return True
    return False


def _cause(death: ForkDied) -> str:
    """Return the signal, exit status or timeout that the fork died of, without its stderr."""
    return str(death).partition(":")[0]
