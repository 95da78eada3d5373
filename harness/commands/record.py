"""`opcov record`: add journals to the history, each once."""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path

from harness.errors import BadJournal, Exit, OpcovError
from harness.text import plural

from .arguments import last_journal, open_index, print_answer

HISTORY = Path("reports/out/history.sqlite")
"""The history, relative to the folder that the command runs in."""
SAID = {"new": "recorded", "again": "recorded again, since its cells are others now", "known": "is recorded already"}


def add_history(parser: argparse.ArgumentParser) -> None:
    """Add the option `--history`."""
    parser.add_argument("--history", type=Path, default=HISTORY, metavar="FILE", help=f"default: {HISTORY}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the journals, the history, and the day of a compiler whose version does not tell it."""
    parser.add_argument("journals", type=Path, nargs="*", metavar="JOURNAL", help="default: that of the last run")
    parser.add_argument("--date", default="", metavar="DAY", help="the day of the compiler, such as 2026-10-01")
    parser.add_argument("--rebuild", action="store_true", help="make the history anew, of these journals alone")
    add_history(parser)


def run(options: argparse.Namespace) -> Exit:
    """Record the journals and say which; raises BadJournal, BadHistory, and OpcovError for a day that is none."""
    from reports.fold import entries
    from reports.fold.past import past
    from reports.index.history import open_history

    _check_day(options.date)
    journals = options.journals or [last_journal()]
    read = [(path, open_index(path)) for path in journals]  # all of them, before anything is written
    for path, index in read:
        if not index.run.toolchains:
            raise BadJournal(f"{path} does not say which compiler was loaded", hint="run it again with this opcov")
    file = options.history.with_name(options.history.name + ".part") if options.rebuild else options.history
    if options.rebuild:
        file.unlink(missing_ok=True)
    with open_history(file, make=True) as history:
        found = [(path, past(index.run, options.date), index) for path, index in read]
        said = [(path, of, history.record(of, entries.load(index))) for path, of, index in found]
    if options.rebuild:
        file.replace(options.history)
    lines = [f"{path}: {SAID[what]}: {of.label}, {of.date}, {plural(of.cells, 'cell')}" for path, of, what in said]
    data = [
        {"journal": str(path), "run": of.name, "compiler": of.compiler, "date": of.date, "was": what}
        for path, of, what in said
    ]
    print_answer(options, text=lambda: "\n".join(lines), data=lambda: data)
    return Exit.OK


def _check_day(text: str) -> None:
    try:
        date.fromisoformat(text or "2026-01-01")
    except ValueError:
        raise OpcovError(f"--date {text} is no day", hint="a day reads like 2026-10-01") from None
