"""How often a wrong lowering is caught: mistakes are seeded into lowered modules that pass, and judged as any other.

    journal -> samples that passed -> lowered modules -> mutants -> [ the cell's census ] -> trials

1. A cell's samples that passed are lowered again; the mutants that any of its modules has room for are listed, at most
   `MOST` of one kind, evenly spread.
2. Each mutant is what a wrong lowering would be: the mistake is made in every program of the cell, and the samples are
   run, in a fork, until one is wrong or dies: killed.
3. One that all samples pass is run against the sound module on many more (`probes`): other seeds, each way of filling,
   other programs, NaN and infinities where the case draws none. Where nothing ever differs it is equivalent and set
   aside; else it has survived, and the sample that shows it says what the case lacks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from multiprocessing import get_context

import torch

from backends.executors.llvm_jit import LlvmJit, compiled
from backends.frontend import Fx
from backends.ir import PassFailed
from backends.mutants import KINDS, Mutant, mutants, mutated, normal

from . import plugins, worker
from .case import OpCase
from .cells import Selection
from .compare import compare
from .contained import Died, contained
from .draw import Profile, census
from .dtypes import DTYPES
from .errors import UnknownName
from .journal import Record
from .materialize import copied
from .numeric import Distribution, ShapeOnly
from .outcome import Passed, Wrong
from .pipeline import Pipeline, Stop
from .protocols import CannotExecute, Lowered
from .reference import Run
from .sample import Sample, TensorSpec, dumps, map_tensors, seeded, with_values
from .trial import Fate, Trial

SEEDED = ("linalg", "tosa", "stablehlo")
"""The backends whose dialects mistakes are known of."""
MOST = 3
"""Mutants of one kind in one cell."""
FILLS = 4
"""Seeds a program is filled with anew, in each way, to tell an equivalent mutant."""
MORE = Profile(name="probes", first=10, others=10)
"""Programs drawn to the same end."""
PROBES = 240
"""Samples that a survivor is tried with at most."""
MUTANT_SECONDS = 20.0
PROBE_SECONDS = 60.0
CELL_SECONDS = 600.0

Compiled = Callable[[Sequence[torch.Tensor]], list[torch.Tensor]]


@dataclass(frozen=True, slots=True)
class Subject:
    """A sample with its lowered, sound module, the shapes of its arguments at export, and what it is held to."""

    sample: Sample
    lowered: Lowered
    shapes: tuple[tuple[int, ...], ...]
    references: tuple[Run, ...]
    forced: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """What is tried at once: the passing samples of an op on one backend, in one mode and dtype."""

    op: str
    family: str
    backend: str
    mode: str
    dtype: str
    samples: tuple[Sample, ...]


def kinds(wanted: Sequence[str]) -> tuple[str, ...]:
    """The kinds of mistakes wanted, all if none is; raises UnknownName."""
    for kind in wanted:
        if kind not in KINDS:
            raise UnknownName("kind", kind, KINDS)
    return tuple(wanted) or tuple(KINDS)


def cells(records: Iterable[Record], wanted: Selection) -> list[Cell]:
    """What a journal has of passing samples, by cell: those of the op's first dtype, unless dtypes are named."""
    found: dict[tuple[str, str, str, str, str], list[Sample]] = defaultdict(list)
    for record in records:
        if not isinstance(record.outcome, Passed) or not record.sample or record.minimised:
            continue
        if record.sample.origin == "census" and record.backend in SEEDED and _wanted(record, wanted):
            found[record.op, record.family, record.backend, record.mode, record.dtype].append(record.sample)
    return [Cell(*key, tuple(samples)) for key, samples in found.items()]


def _wanted(record: Record, wanted: Selection) -> bool:
    """Whether it is asked for, and is judged by its values: what is held to a law of chance has no wrong bits."""
    case = worker.case(record.op)
    return (
        wanted.takes(case)
        and not isinstance(case.numeric, (Distribution, ShapeOnly))
        and record.backend in (wanted.backends or (record.backend,))
        and record.mode in (wanted.modes or (record.mode,))
        and record.dtype in (wanted.dtypes or case.dtypes[:1])
    )


def measured(found: Sequence[Cell], kinds: Sequence[str], jobs: int) -> Iterator[list[Trial]]:
    """The trials of each cell, in order, from as many processes as there are jobs."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["harness.warm"])
    with ProcessPoolExecutor(jobs, mp_context=context) as pool:
        yield from pool.map(_contained, found, [tuple(kinds)] * len(found))


def _contained(cell: Cell, kinds: tuple[str, ...]) -> list[Trial]:
    """The trials of a cell, made in a fork of this warm process: what kills it loses that cell only."""
    try:
        return contained(lambda: list(tried(cell, kinds)), CELL_SECONDS)
    except Died as death:
        return [_trial(cell, Mutant("", "", "", 0), "lost", by=str(death))]


def tried(cell: Cell, kinds: Sequence[str]) -> Iterator[Trial]:
    """The trials of one cell; in this process, but for what runs the mutants."""
    torch.set_num_threads(1)
    laboratory = Laboratory(cell)
    subjects = laboratory.subjects(cell.samples)
    for mutant in _chosen(subjects, kinds):
        yield laboratory.trial(mutant, subjects)


def _chosen(subjects: Sequence[Subject], kinds: Sequence[str]) -> list[Mutant]:
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
class Laboratory:
    """Lowers the samples of a cell, seeds mistakes, and tells what becomes of them."""

    cell: Cell
    case: OpCase = field(init=False)
    pipeline: Pipeline = field(init=False)
    _probes: list[Subject] | None = None

    def __post_init__(self) -> None:
        self.case = worker.case(self.cell.op)
        backend = plugins.backend(self.cell.backend)()
        self.pipeline = Pipeline(Fx(), {self.cell.backend: backend}, [])

    def subjects(self, samples: Iterable[Sample], *, forced: bool = False) -> list[Subject]:
        """The samples, lowered; those that do not get so far are left out."""
        found = []
        for sample in samples:
            try:
                lowered, references = self.pipeline.prepared(self.case, sample, self.cell.backend)
            except Stop:
                continue
            if references:
                shapes = tuple(tuple(t.shape) for t in lowered.program.args)
                found.append(Subject(sample, lowered, shapes, references, forced))
        return found

    def trial(self, mutant: Mutant, subjects: Sequence[Subject]) -> Trial:
        """The fate of a mutant that at least one of the subjects has room for."""
        places = _places(mutant, subjects)
        try:
            fate, by = contained(lambda: self._run(places), MUTANT_SECONDS)
        except Died as death:
            fate, by = "killed", _fate(death)
        return self._survivor(mutant) if fate == "missed" else _trial(self.cell, mutant, fate, by=by)

    def _run(self, places: Sequence[tuple[Subject, str]]) -> tuple[Fate, str]:
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

    def _verdict(self, subject: Subject, executable: Compiled) -> float | Wrong:
        worst = 0.0
        for run in subject.references:
            actual = executable([copied(t) for t in run.inputs])
            found = compare(actual, run, subject.references[0], self.case, LlvmJit.name, subject.lowered.dialect)
            if isinstance(found, Wrong):
                return found
            worst = max(worst, found)
        return worst

    def _survivor(self, mutant: Mutant) -> Trial:
        """What the probes make of a mutant that the census did not kill, unless it is no mistake at all."""
        places = _places(mutant, self._probed())
        with suppress(Died):  # folding it may divide by zero
            if contained(lambda: _unused(places), MUTANT_SECONDS):
                return _trial(self.cell, mutant, "equivalent", by="what it changes has no use")
        try:
            fate, at, share = contained(lambda: self._compared(places), PROBE_SECONDS)
        except Died as death:
            return _trial(self.cell, mutant, "missed", by=_fate(death))
        sample = dumps(places[at][0].sample) if at is not None else ""
        return _trial(self.cell, mutant, fate, sample=sample, share=share)

    def _compared(self, places: Sequence[tuple[Subject, str]]) -> tuple[Fate, int | None, float | None]:
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

    def _probed(self) -> list[Subject]:
        """Many more samples of the cell that the sound module passes, lowered once."""
        if self._probes is None:
            own, forced = probes(self.case, self.cell)
            found = self.subjects(own) + self.subjects(forced, forced=True)
            programs: dict[str, list[Subject]] = defaultdict(list)
            for subject in found:
                programs[subject.lowered.ir].append(subject)
            self._probes = [subject for alike in programs.values() for subject in self._sound(alike)]
        return self._probes

    def _sound(self, alike: Sequence[Subject]) -> list[Subject]:
        """Those samples of one program that it passes; none if it dies of any."""

        def passed() -> list[int]:
            run = _compiled(alike[0].lowered.ir, alike[0].lowered.dialect)
            return [i for i, s in enumerate(alike) if not isinstance(self._verdict(s, run), Wrong)]

        try:
            return [alike[i] for i in contained(passed, PROBE_SECONDS)]
        except (Died, CannotExecute):
            return []


def probes(case: OpCase, cell: Cell) -> tuple[list[Sample], list[Sample]]:
    """Samples the case may draw, and such as it does not: with NaN and infinities in tensors that it keeps finite."""
    more = census(case, cell.dtype, cell.mode, MORE, seed=1)  # type: ignore[arg-type]
    programs = list({s.program: s for s in (*more, *cell.samples)}.values())
    own = [
        with_values(seeded(program, fill), values)
        for fill in range(1, FILLS + 1)
        for values in case.values
        for program in programs
    ]
    forced = [] if cell.dtype not in _NONFINITE else [_nonfinite(seeded(program, 1)) for program in programs]
    drawn = {sample.id for sample in own}
    return own[:PROBES], [sample for sample in forced if sample.id not in drawn]


_NONFINITE = frozenset(d.name for d in DTYPES.values() if d.kind in ("float", "complex"))


def _nonfinite(sample: Sample) -> Sample:
    def refill(t: TensorSpec) -> TensorSpec:
        plain = t.dtype in _NONFINITE and t.fill.kind == "any"
        return replace(t, fill=replace(t.fill, values="nonfinite", nonfinite=True)) if plain else t

    return map_tensors(sample, refill)


def _places(mutant: Mutant, subjects: Iterable[Subject]) -> list[tuple[Subject, str]]:
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


def _differ(subject: Subject, sound: Compiled, seeded: Compiled) -> bool:
    """Whether any element of any result at any size is another one."""
    for run in subject.references:
        pairs = zip(sound([copied(t) for t in run.inputs]), seeded([copied(t) for t in run.inputs]), strict=True)
        if any(a.shape != b.shape or not bool(((a == b) | (a != a) & (b != b)).all()) for a, b in pairs):
            return True
    return False


def _unused(places: Sequence[tuple[Subject, str]]) -> bool:
    """Whether the mistake is in what no result of any program depends on."""
    try:
        return all(normal(sound) == normal(ir) for sound, ir in {(s.lowered.ir, ir) for s, ir in places})
    except PassFailed:
        return False


def _fate(death: Died) -> str:
    return str(death).partition(":")[0]


def _trial(
    cell: Cell, mutant: Mutant, fate: Fate, *, by: str = "", sample: str = "", share: float | None = None
) -> Trial:
    return Trial(
        op=cell.op,
        family=cell.family,
        backend=cell.backend,
        mode=cell.mode,
        dtype=cell.dtype,
        mutation=mutant.kind,
        site=mutant.op,
        what=mutant.what,
        nth=mutant.nth,
        fate=fate,
        by=by,
        sample=sample,
        share=share,
    )
