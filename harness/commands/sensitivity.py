"""`opcov sensitivity`: mutation testing of the census. Seed wrong lowerings, count those that the census catches."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from harness.errors import Exit, OpcovError
from harness.programs import plugins
from harness.programs.loaded import loaded
from harness.programs.provider import use
from harness.records.frontend import FRONTEND
from harness.records.journal_file import read
from harness.records.journal_writer import JournalWriter
from harness.records.mutant import MutantRecord, mutant_json
from harness.records.toolchain import loaded_json
from harness.running.cells import Selection
from op_suites import catalog
from reports.answers.sensitivity import TARGET, as_json, as_text, kinds
from reports.fold.matrix import FOLD
from reports.index.index import Index

from .arguments import add_compiler, add_journal, last_journal, open_index, print_answer

MUTANT_JOURNAL = Path("reports/out/sensitivity.jsonl")
PROGRESS_EVERY = 50
"""Groups of cells (one op in one mode and dtype) between two lines of progress."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare which cells are mutated and how, where the mutants are recorded, and the journal to start from."""
    for name, text in (("op", "only these"), ("backend", "only this"), ("mode", "only this"), ("dtype", "these")):
        metavar = "GLOB" if name == "op" else name.upper()
        parser.add_argument(f"--{name}", action="append", default=[], metavar=metavar, help=text)
    parser.add_argument("--kind", action="append", default=[], help="only mistakes of this kind")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--out", type=Path, default=MUTANT_JOURNAL, help="the journal of the trials")
    parser.add_argument("--read", action="store_true", help="run nothing: show the journal of trials given")
    parser.add_argument("--all", action="store_true", help="list every survivor")
    add_compiler(parser)
    add_journal(parser)


def run(options: argparse.Namespace) -> Exit:
    """Print the kill rates and the survivors; the status is `Exit.FOUND` if a kind's rate is below `TARGET`.

    Raises BadJournal, UnknownName, and OpcovError if there is no mutant to count.
    """
    path = options.journal or last_journal()
    if options.read and options.where:
        raise OpcovError("--where selects samples, and --read shows trials", hint="leave one of the two out")
    mutants = read(path).mutants if options.read else _run_mutants(open_index(path, options.where, (FOLD,)), options)
    if not mutants:
        raise OpcovError(
            f"{path} has no {'trial' if options.read else 'sample that passed and is asked for'}",
            hint="`opcov sensitivity` reads what `make matrix` writes; with --read, what it has written itself",
        )
    print_answer(options, text=lambda: as_text(mutants, all=options.all), data=lambda: as_json(mutants))
    return Exit.OK if all(rate.value >= TARGET for rate in kinds(mutants)) else Exit.FOUND


def _run_mutants(index: Index, options: argparse.Namespace) -> tuple[MutantRecord, ...]:
    """Mutate the lowered modules of the cells that passed; write each mutant to `options.out` as its result arrives."""
    selection = Selection(
        ops=tuple(options.op),
        backends=tuple(options.backend),
        modes=tuple(options.mode),
        dtypes=tuple(options.dtype),
    )
    if FRONTEND in selection.backends:
        raise OpcovError(
            "opcov sensitivity seeds mistakes in lowered modules, and the frontend lowers nothing",
            hint=f"name a backend: {', '.join(plugins.names(plugins.BACKENDS))}",
        )
    selection.check(catalog(), plugins.names(plugins.BACKENDS))
    use(options.torch_mlir or index.run.compiler)
    from backends.mutants.toolbox import TOOLBOX  # late: it loads torch
    from harness.mutation import sensitivity

    mutations = sensitivity.kinds(options.kind, TOOLBOX.kinds)
    cells = [cell for op in index.ops for cell in sensitivity.cells(index.records(op).records, selection, mutations)]
    print(f"{len(cells):,} cells that pass", file=sys.stderr)
    mutants: list[MutantRecord] = []
    if not cells:
        return ()
    with JournalWriter(options.out, {**index.run.header, "seeded": list(mutations)}) as writer:
        found = loaded(sensitivity.MUTATED, (), {})
        writer.write_toolchain({"kind": "toolchain", "worker": "main", **loaded_json(found)})
        for i, group in enumerate(sensitivity.run_cells(TOOLBOX, cells, options.jobs), 1):
            for mutant in group:
                writer.write_mutant(mutant_json(mutant))
            mutants += group
            if i % PROGRESS_EVERY == 0:
                print(f"{len(mutants):,} mistakes in {i:,} ops and modes", file=sys.stderr, flush=True)
        writer.close()
    print(f"written: {options.out}", file=sys.stderr)
    return tuple(mutants)
