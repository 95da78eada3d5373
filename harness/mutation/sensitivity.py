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
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from backends.mutants import KINDS, Mutant
from harness.cases.numeric import Distribution, ShapeOnly
from harness.cases.sample import Sample
from harness.errors import UnknownName
from harness.programs.fork import ForkDied, in_fork
from harness.records.journal import Record
from harness.records.mutant import MutantRecord
from harness.records.outcome import Passed, Wrong
from harness.running import worker
from harness.running.cells import Selection

from .tester import Cell, mutant_record, run_mutants

SEEDED = ("linalg", "tosa", "stablehlo")
"""The backends whose dialects mistakes are known of."""
UNSIGNED = "u8"
CELL_SECONDS = 90.0


def kinds(wanted: Sequence[str]) -> tuple[str, ...]:
    """The kinds of mistakes wanted, all if none is; raises UnknownName."""
    for kind in wanted:
        if kind not in KINDS:
            raise UnknownName("kind", kind, KINDS)
    return tuple(wanted) or tuple(KINDS)


def cells(records: Iterable[Record], wanted: Selection, kinds: Sequence[str]) -> list[Cell]:
    """What a journal has of passing samples, by cell: those of the op's first dtype, unless dtypes are named.

    Unsigned integers have theirs too, where what is unsigned is to be taken as signed. A cell that is wrong already is
    left out: no mistake makes it red.
    """
    records = tuple(records)
    red = {(r.op, r.backend, r.mode, r.dtype) for r in records if isinstance(r.outcome, Wrong)}
    found: dict[tuple[str, str, str, str, str], list[Sample]] = defaultdict(list)
    asked: dict[tuple[str, str, str, str, str], tuple[str, ...]] = {}
    for r in records:
        if not isinstance(r.outcome, Passed) or not r.sample or r.minimised or r.backend not in SEEDED:
            continue
        key = (r.op, r.family, r.backend, r.mode, r.dtype)
        if r.sample.origin == "census" and (r.op, r.backend, r.mode, r.dtype) not in red:
            found[key].append(r.sample)
            asked[key] = asked.get(key) or _kinds(r, wanted, kinds)
    return [Cell(*key, tuple(samples), asked[key]) for key, samples in found.items() if asked[key]]


def _kinds(record: Record, wanted: Selection, kinds: Sequence[str]) -> tuple[str, ...]:
    """The mistakes that its cell is asked for, if it is judged by its values: the law of chance knows no wrong bits."""
    case = worker.case(record.op)
    asked = (
        wanted.takes(case)
        and not isinstance(case.numeric, (Distribution, ShapeOnly))
        and record.backend in (wanted.backends or (record.backend,))
        and record.mode in (wanted.modes or (record.mode,))
    )
    if asked and record.dtype in (wanted.dtypes or case.dtypes[:1]):
        return tuple(kinds)
    return tuple(kind for kind in kinds if kind == "sign") if asked and record.dtype == UNSIGNED else ()


def measured(found: Sequence[Cell], jobs: int) -> Iterator[list[MutantRecord]]:
    """The trials, cells that differ in their backends alone together, from as many processes as there are jobs."""
    groups: dict[tuple[str, str, str], list[Cell]] = defaultdict(list)
    for cell in found:
        groups[cell.op, cell.mode, cell.dtype].append(cell)
    context = get_context("forkserver")
    context.set_forkserver_preload(["harness.running.warm"])
    with ProcessPoolExecutor(jobs, mp_context=context) as pool:
        yield from pool.map(_contained, groups.values())


def _contained(cells: list[Cell], *, fresh: bool = True) -> list[MutantRecord]:
    """The trials of cells, made in a fork of this warm process: what kills it, or a bug of ours, loses one at most."""
    try:
        return in_fork(lambda: list(run_mutants(cells, fresh=fresh)), CELL_SECONDS * len(cells))
    except Exception as error:
        if fresh:  # a program that nobody has lowered yet may hang or kill the lowering
            return _contained(cells, fresh=False)
        if len(cells) > 1:
            return [trial for cell in cells for trial in _contained([cell], fresh=False)]
        return [mutant_record(cells[0], Mutant("", "", "", 0), "lost", by=_reason(error))]


def _reason(error: Exception) -> str:
    """Return the error as journals of mutants spell it: `Died` stands for ForkDied."""
    name = "Died" if isinstance(error, ForkDied) else type(error).__name__
    return f"{name}: {error}"
