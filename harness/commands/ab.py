"""`opcov ab`: run two compilers on the same samples, then compare them; exit status 1 if the candidate is worse."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

from harness.cases.profile import profile
from harness.errors import Exit, OpcovError
from harness.programs import plugins
from harness.programs.compiler import named
from harness.running.budget import Budget, budget
from harness.running.cells import Cell, Selection, every_cell, registry_query, split
from harness.running.compiler_process import CompilerProcess, Setup
from harness.running.confirmation import Pair
from harness.running.run_header import run_header
from harness.running.supervisor import Limits
from harness.running.twin_journals import TwinJournals
from harness.text import plural
from op_suites import catalog
from reports.answers.diff.diff import Diff, Doubt, diff, no_doubt
from reports.answers.diff.side import Side
from reports.pages.diff.formats import FORMATS, render

from .arguments import Progress, add_where, open_index
from .second_look import SecondLook

OUT = Path("reports/out/ab")
MOST = 8
"""Names of ops that are listed."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the two compilers, what they are measured on, and for how long."""
    parser.add_argument("base", metavar="BASE", help="the compiler to compare with: a SPEC, as --torch-mlir takes it")
    parser.add_argument("candidate", metavar="CANDIDATE", help="the compiler that may be worse: a SPEC")
    for name, metavar in (("op", "GLOB"), ("backend", "NAME"), ("mode", "MODE"), ("dtype", "DTYPE")):
        parser.add_argument(f"--{name}", action="append", default=[], metavar=metavar, help="only these (repeatable)")
    add_where(parser)
    parser.add_argument("--profile", default="quick", help="how much is sampled (quick)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the samples (0)")
    parser.add_argument("--budget", default="", metavar="TIME", help="end after 20m, 5h, 1h30m ...")
    parser.add_argument("--sample-seconds", type=float, default=Limits().seconds, help="deadline of one sample")
    parser.add_argument("--out", type=Path, default=OUT, metavar="DIR", help=f"folder of the two journals ({OUT})")
    parser.add_argument("--format", choices=FORMATS, default="text")
    parser.add_argument("--all", action="store_true", help="show all groups of changes (text)")


def run(options: argparse.Namespace) -> Exit:
    """Print what changed from BASE to CANDIDATE; the status is `Exit.FOUND` if a cell is worse.

    Raises UnknownName, BadCompiler and BadJournal.
    """
    limit = budget(options.budget) if options.budget else Budget()
    ops = _ops(options)
    base, candidate = named(options.base), named(options.candidate)
    setup = _setup(options)
    with CompilerProcess(base, setup) as one, CompilerProcess(candidate, setup) as other:
        pair = Pair(one, other)
        look = SecondLook(pair, limit)
        with TwinJournals(pair, options.out, partial(_header, options, time.time())) as twins:
            interrupted = _is_cut_short(twins, ops, limit)
        found = _diff(twins.paths, no_doubt)
        if not interrupted:
            _look_again(look, found, options.out)
            found = _diff(twins.paths, look.doubt)
    print(_rendered(found, [*look.said(), *_not_reached(twins)], options))
    return Exit.FOUND if found.is_worse else Exit.OK


def _ops(options: argparse.Namespace) -> Sequence[Sequence[Cell]]:
    """The cells that the options ask for, op by op; raises UnknownName."""
    columns = plugins.columns(plugins.BACKENDS, plugins.CASCADES)
    hint = "select samples: `opcov diff --where` selects results"
    wanted = Selection(
        ops=split(options.op),
        backends=split(options.backend),
        modes=split(options.mode),
        dtypes=split(options.dtype),
        where=registry_query(options.where, catalog(), columns, hint=hint) if options.where else None,
    )
    wanted.check(catalog(), columns)
    found = every_cell(catalog(), plugins.columns(plugins.BACKENDS), wanted, profile(options.profile))
    ops = [list(of_op) for _, of_op in groupby(found, key=lambda cell: cell.case.op)]
    if not ops:
        raise OpcovError("no cell of the registry is what the options ask for", hint="leave an option out")
    return ops


def _setup(options: argparse.Namespace) -> Setup:
    """No failure is minimised: that takes time, and the two compilers are compared by the samples of the census."""
    return Setup(
        backends=split(options.backend) or plugins.columns(plugins.BACKENDS),
        profile=replace(profile(options.profile), minimise_seconds=0),
        seed=options.seed,
        limits=Limits(seconds=options.sample_seconds),
        where=options.where,
    )


def _header(options: argparse.Namespace, started: float, spec: str) -> Mapping[str, Any]:
    """The journal's header for the compiler of this SPEC."""
    size = profile(options.profile)
    asked = {
        "torch_mlir": spec,
        "profile": options.profile,
        "sampling": size.says(),
        "samples": "census",
        "thorough": False,
        "ops": split(options.op),
        "backends": split(options.backend) or plugins.columns(plugins.BACKENDS),
        "modes": split(options.mode),
        "dtypes": split(options.dtype),
        "where": options.where,
        "keyword": "",
        "sample_seconds": options.sample_seconds,
        "sample_memory": Limits().memory / 2**30,
    }
    return run_header(asked, options.seed, plugins.absent(), started)


def _is_cut_short(twins: TwinJournals, ops: Sequence[Sequence[Cell]], limit: Budget) -> bool:
    """Measure the ops; return whether Ctrl-C ended it: the compilers then still do what they were asked."""
    progress = Progress("opcov: measuring with both")
    interrupted = False
    try:
        twins.measure(ops, limit, progress)
    except KeyboardInterrupt:
        interrupted = True
    progress.end()
    if len(twins.left) == len(ops):
        raise OpcovError("no op was measured in the time given", hint="give a longer --budget")
    twins.close()
    return interrupted


def _diff(paths: tuple[Path, Path], doubt: Doubt) -> Diff:
    """What changed between the two journals; raises BadJournal."""
    before, after = (Side(open_index(path), str(path)) for path in paths)
    return diff(before, after, doubt=doubt)


def _look_again(look: SecondLook, found: Diff, folder: Path) -> None:
    progress = Progress("opcov: looking again", "sample")
    look.take(found, progress)
    progress.end()
    look.write(folder / "again.json")


def _rendered(found: Diff, notes: Sequence[str], options: argparse.Namespace) -> str:
    """The diff as `opcov diff` writes it, with notes at the end; in JSON under the key `notes`."""
    text = render(found, "json" if options.json else options.format, every=options.all)
    if options.json or options.format == "json":
        return json.dumps({**json.loads(text), "notes": notes}, indent=1)
    return "\n".join([text, "", *notes]) if notes else text


def _not_reached(twins: TwinJournals) -> Iterator[str]:
    if twins.left:
        names = [cells[0].case.op for cells in twins.left]
        shown = ", ".join(names[:MOST]) + (", ..." if len(names) > MOST else "")
        yield f"Not reached, neither worse nor better: {plural(len(names), 'op')}: {shown}"
