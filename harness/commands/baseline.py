"""`opcov baseline`: what is expected of each cell with the pinned pair; write it, update it, check a run against it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import op_suites
from harness.errors import BadBaseline, Exit, NoBaseline, OpcovError
from harness.programs import plugins
from harness.records import baseline_file
from harness.records.entry import REASONS, Entry
from harness.text import plural
from reports.answers.drift import AGAIN, RED, Check, Drift, accepted, drift

from .arguments import add_journal, last_journal, open_index, print_answer
from .cell_alone import run_alone
from .comparison import Comparison, registry
from .measured import PAIR, NotComparable, check_comparable, executors, measured

if TYPE_CHECKING:
    from reports.index.index import Index

FOLDER = Path(op_suites.__file__).parent / "baselines"
"""The baselines in the repository, a folder a profile."""
MANY = 24
"""So many cells are run again at most: where more drift, that is no flicker."""
ACTIONS = {
    "check": "say what differs from the baseline",
    "update": "take what ran into the baseline",
    "write": "make a baseline of a whole run",
}
Alone = Callable[[Entry, Mapping[str, str]], tuple[Entry | None, Mapping[str, str]]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions, each with the journal and what any action may be told."""
    shared = argparse.ArgumentParser(add_help=False)
    add_journal(shared)
    add = shared.add_argument
    add("--json", action="store_true", default=argparse.SUPPRESS, help="print JSON")
    add("--baselines", type=Path, default=FOLDER, metavar="DIR", help="the folder that holds one folder a profile")
    add("--strict-baseline", action="store_true", help="check: also fail if a cell is better")
    add("--if-comparable", action="store_true", help="check: say so, and succeed, if the run is of another compiler")
    add("--any-pair", action="store_true", help="check: take a run of another compiler too, and run nothing again")
    add("--no-rerun", action="store_true", help="check: do not run again, alone, the cells that are worse or changed")
    add("--all", action="store_true", help="check: list every cell")
    add("--reason", default="", metavar="TEXT", help="update: why cells may be worse; stays until they are not")
    add("--also", choices=REASONS, help="update: keep what there is, add what was run as a second verdict")
    # a parser each: in one with two positional arguments, no option could stand between them
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, does in ACTIONS.items():
        actions.add_parser(name, parents=[shared], help=does, description=f"{does[0].upper()}{does[1:]}.")


def run(options: argparse.Namespace) -> Exit:
    """Do what is asked for; raises BadBaseline, BadJournal, NotComparable, and OpcovError for a missing reason."""
    index = open_index(options.journal)
    folder = options.baselines / str(index.run.header.get("options", {}).get("profile"))
    if options.action == "write":
        return _write(options, index, folder)
    try:
        baseline = baseline_file.read(folder)
        check_comparable(index.run, baseline, any_pair=options.any_pair and options.action == "check")
    except (NotComparable, NoBaseline) as error:
        if not options.if_comparable:
            raise
        print(f"baseline: not checked: {error.what}")
        return Exit.OK
    comparison = Comparison(index, baseline, options.where)
    return _check(options, comparison) if options.action == "check" else _update(options, comparison)


def _journal(options: argparse.Namespace) -> Path:
    journal: Path = options.journal or last_journal()
    return journal


# check ----------------------------------------------------------------------------------------------------------------


def _check(options: argparse.Namespace, comparison: Comparison) -> Exit:
    """Print what differs; the status is `Exit.FOUND` if that fails the check. Raises BadBaseline."""
    if gone := comparison.gone:
        raise BadBaseline(
            f"{comparison.baseline.places[gone[0].name]}: the registry has no cell {gone[0].cell} in this profile"
            + (f", nor those of {plural(len(gone) - 1, 'more line')}" if gone[1:] else ""),
            hint=f"`opcov baseline update {_journal(options)}` removes what matches nothing",
        )
    drifts, notes = comparison.drifts, list(comparison.notes())
    if not (options.no_rerun or options.any_pair):
        drifts, more = checked_again(drifts, comparison.index, run_alone)
        notes += more
    check = Check(
        profile=comparison.baseline.profile,
        cells=len(comparison.cells),
        expected=len(comparison.baseline.entries),
        drifts=drifts,
        notes=tuple(notes),
        commands=tuple(_next(_journal(options), drifts)),
        strict=options.strict_baseline,
    )
    how = {"limit": None} if options.all else {}
    print_answer(options, text=lambda: check.text(**how, last=options.if_comparable), data=check.json)
    return Exit.FOUND if check.is_red else Exit.OK


def checked_again(drifts: tuple[Drift, ...], index: Index, alone: Alone) -> tuple[tuple[Drift, ...], list[str]]:
    """Run the cells that are worse or changed again, alone; return the drifts as they are then, and notes.

    One that is no longer worse or changed is a flicker. Nothing is run with another pair than the journal's.
    """
    found = [one for one in drifts if one.kind in AGAIN]
    if len(found) > MANY:
        return drifts, [f"{plural(len(found), 'cell')} are worse or changed: too many to run each again, alone"]
    now = measured(index.run)
    settled: dict[int, Drift] = {}
    for number, one in enumerate(found, 1):
        print(f"opcov: {one.new.cell} is {one.kind}: run again, alone ({number} of {len(found)})", file=sys.stderr)
        again, how = alone(one.new, now)
        if again is None or any(how.get(key) != now.get(key) for key in PAIR.values()):
            return drifts, [
                "cells that are worse or changed could not be run again: the pair is not that of the journal"
            ]
        settled[id(one)] = _settled(one, again)
    return tuple(settled.get(id(one), one) for one in drifts), []


def _settled(one: Drift, again: Entry) -> Drift:
    """The drift of a cell, now that it was run again."""
    repeated = drift(one.old, again)
    if repeated and repeated.kind in RED:
        return repeated
    return Drift("flicker", one.old, one.new, f"run again, alone: {again.end.words()}")


def _next(journal: Path, drifts: tuple[Drift, ...]) -> list[str]:
    """What to type next."""
    red = [one for one in drifts if one.kind in RED]
    bad = next((one.new for one in red if one.kind in AGAIN), None)
    lines = [f"look closer: opcov explain {bad.op} --backend {bad.backend} --journal {journal}"] if bad else []
    if red:
        why = ' --reason "WHY IT MAY BE WORSE"' if any(one.kind == "worse" for one in red) else ""
        lines.append(f"accept it: opcov baseline update {journal}{why}")
    elif any(one.kind == "better" for one in drifts):
        lines.append(f"keep it: opcov baseline update {journal}")
    return lines


# update and write -----------------------------------------------------------------------------------------------------


def _update(options: argparse.Namespace, comparison: Comparison) -> Exit:
    """Take over what the run shows, and nothing else; raises OpcovError if something is worse without a reason."""
    baseline = comparison.baseline
    taken = [one for one in comparison.drifts if one.kind != "undecided"]
    if options.also:
        taken = [one for one in taken if one.kind in ("worse", "changed", "better")]
        lines = {one.new.name: _with_second(one, options.also) for one in taken}
        gone: tuple[Entry, ...] = ()
    else:
        worse = [one for one in taken if one.kind == "worse"]
        if worse and not options.reason:
            raise OpcovError(
                f"{plural(len(worse), 'cell')} would be worse, such as {worse[0].new.cell}: {worse[0].said}",
                hint=f'opcov baseline update {_journal(options)} --reason "WHY" accepts that; nothing was written',
            )
        lines = {one.new.name: accepted(one, " ".join(options.reason.split())) for one in taken}
        gone = comparison.gone
    kept = {name: entry for name, entry in baseline.entries.items() if entry not in gone}
    how = {**baseline.measured, **{key: measured(comparison.index.run)[key] for key in PAIR.values()}}
    files = baseline_file.write(baseline.folder, how, (kept | lines).values())
    undecided = [one for one in comparison.drifts if one.kind == "undecided"]
    said = [
        f"baseline: {plural(len(lines), 'line')} updated, {len(gone):,} removed, in {plural(len(files), 'file')}",
        *(f"removed: {entry.cell}, which the registry does not have in this profile" for entry in gone),
        *([f"left as they are: {plural(len(undecided), 'undecided cell')}"] if undecided else ()),
        *comparison.notes(),
    ]
    data = {"updated": len(lines), "removed": len(gone), "files": [str(path) for path in files], "notes": said[1:]}
    print_answer(options, text=lambda: "\n".join(said), data=lambda: data)
    return Exit.OK


def _with_second(one: Drift, why: str) -> Entry:
    assert one.old
    return replace(one.old, also=(*one.old.also, (why, one.new.end)))


def _write(options: argparse.Namespace, index: Index, folder: Path) -> Exit:
    """Make the first baseline of a profile."""
    if options.where:
        raise OpcovError("a baseline is written of whole runs", hint="leave out --where; `update` takes it")
    if (folder / baseline_file.MEASURED).exists():
        raise OpcovError(
            f"{folder} has a baseline already", hint=f"`opcov baseline update {_journal(options)}` changes it"
        )
    check_comparable(index.run, None)
    backends = plugins.columns(plugins.BACKENDS)
    how = measured(index.run) | {"backends": " ".join(backends), "executors": " ".join(executors(index.run))}
    known = registry(how["profile"], tuple(backends))
    from reports.fold import entries

    lines = [entry for entry in entries.load(index) if (entry.family, entry.name) in known]
    files = baseline_file.write(folder, how, lines)
    said = (
        f"baseline: {len(lines):,} of {plural(len(known), 'cell')} written to {plural(len(files), 'file')} in {folder}"
    )
    print_answer(options, text=lambda: said, data=lambda: {"lines": len(lines), "files": [str(path) for path in files]})
    return Exit.OK
