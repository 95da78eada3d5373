"""Measure how often the census catches a wrong lowering, by mutation testing.

    journal -> samples that passed -> lowered modules -> mutants -> [ the cell's census ] -> records

1. `cells` takes the samples that passed from a journal, cell by cell. They are lowered again. The mutants that any of
   their modules has a place for are listed: at most `tester.MOST` of one kind, evenly spread.
2. Each mutant is seeded into every program of the cell, as a bug in the lowering would affect them all. The samples are
   run in a fork until one of them is wrong or dies: then the mutant is killed.
3. A mutant that all samples pass is compared with the sound module on many more samples (`probes`): other seeds, each
   way of filling, other programs, and NaN and infinities where the case draws none. If no result ever differs, the
   mutant is equivalent and set aside. Otherwise it has survived; the sample that shows it says what the case lacks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

from harness.cases.numeric import Distribution, ShapeOnly
from harness.cases.road import DEFAULT
from harness.cases.sample import RULED, Sample
from harness.errors import UnknownName
from harness.programs.fork import ForkDied, in_fork
from harness.records.journal import Record
from harness.records.mutant import Mutant, MutantRecord
from harness.records.outcome import Passed, Wrong
from harness.running import worker
from harness.running.cells import Selection

from .cell import CellUnderTest, mutant_record
from .tester import run_mutants
from .toolbox import Toolbox

MUTATED = ("linalg", "tosa", "stablehlo")
"""The backends whose dialects mutants can be seeded into."""
UNSIGNED = "u8"
CELL_SECONDS = 90.0


def kinds(wanted: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    """Return the kinds of mutants that are wanted, or all known ones if none is named; raises UnknownName."""
    for kind in wanted:
        if kind not in known:
            raise UnknownName("kind", kind, known)
    return tuple(wanted) or tuple(known)


def cells(records: Iterable[Record], wanted: Selection, kinds: Sequence[str]) -> list[CellUnderTest]:
    """Return the wanted cells of a journal, each with its samples that passed.

    Cells of the op's first dtype are tested, or cells of the dtypes that are wanted by name. Cells of u8 are tested
    too, with the `sign` mutants alone. A cell with a wrong result is left out: a mutant cannot turn it red, it is red
    already. Cells on other roads are left out: mutants are of lowerings, which do not depend on the road.
    """
    records = tuple(record for record in records if record.road == DEFAULT)
    red = {(r.op, r.backend, r.mode, r.dtype) for r in records if isinstance(r.outcome, Wrong)}
    samples: dict[tuple[str, str, str, str, str], list[Sample]] = defaultdict(list)
    kinds_of: dict[tuple[str, str, str, str, str], tuple[str, ...]] = {}
    for r in records:
        if not isinstance(r.outcome, Passed) or not r.sample or r.minimised or r.backend not in MUTATED:
            continue
        key = (r.op, r.family, r.backend, r.mode, r.dtype)
        if r.sample.origin in RULED and (r.op, r.backend, r.mode, r.dtype) not in red:
            samples[key].append(r.sample)
            kinds_of[key] = kinds_of.get(key) or _kinds_for_cell(r, wanted, kinds)
    return [CellUnderTest(*key, tuple(passed), kinds_of[key]) for key, passed in samples.items() if kinds_of[key]]


def _kinds_for_cell(record: Record, wanted: Selection, kinds: Sequence[str]) -> tuple[str, ...]:
    """Return the kinds of mutants to test the record's cell with, none if the cell is not wanted.

    A cell whose values are not compared element by element (random results, shapes alone) is never tested.
    """
    case = worker.case(record.op)
    selected = (
        wanted.takes(case)
        and not isinstance(case.numeric, (Distribution, ShapeOnly))
        and record.backend in (wanted.backends or (record.backend,))
        and record.mode in (wanted.modes or (record.mode,))
    )
    if selected and record.dtype in (wanted.dtypes or case.dtypes[:1]):
        return tuple(kinds)
    return tuple(kind for kind in kinds if kind == "sign") if selected and record.dtype == UNSIGNED else ()


def run_cells(toolbox: Toolbox, cells: Sequence[CellUnderTest], jobs: int) -> Iterator[list[MutantRecord]]:
    """Run the mutants of all cells in this many processes; yield the records of each group of cells.

    Cells that differ in nothing but their backend form one group, since they share the exported programs.
    """
    groups: dict[tuple[str, str, str], list[CellUnderTest]] = defaultdict(list)
    for cell in cells:
        groups[cell.op, cell.mode, cell.dtype].append(cell)
    context = get_context("forkserver")
    context.set_forkserver_preload(["harness.running.warm"])
    with ProcessPoolExecutor(jobs, mp_context=context) as pool:
        yield from pool.map(partial(_run_in_fork, toolbox), groups.values())


def _run_in_fork(toolbox: Toolbox, cells: list[CellUnderTest], *, fresh: bool = True) -> list[MutantRecord]:
    """Run the mutants of a group of cells in a fork of this warm process.

    If the fork dies or raises, run the group again without fresh programs, then each cell alone. So a crash, or a bug
    of the harness, loses one cell at most: that cell gets one record with status `lost`.
    """
    try:
        return in_fork(lambda: list(run_mutants(toolbox, cells, fresh=fresh)), CELL_SECONDS * len(cells))
    except Exception as error:
        if fresh:  # a program that was never lowered before may hang or kill the lowering
            return _run_in_fork(toolbox, cells, fresh=False)
        if len(cells) > 1:
            return [record for cell in cells for record in _run_in_fork(toolbox, [cell], fresh=False)]
        return [mutant_record(cells[0], Mutant("", "", "", 0), "lost", by=_reason(error))]


def _reason(error: Exception) -> str:
    """Return the error as journals of mutants spell it: `Died` stands for ForkDied."""
    name = "Died" if isinstance(error, ForkDied) else type(error).__name__
    return f"{name}: {error}"
