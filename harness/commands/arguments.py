"""What the commands that read a journal share: their arguments, the index that they ask, and how they answer."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.records.journal_file import PART
from harness.records.query import EXAMPLE
from harness.text import plural

if TYPE_CHECKING:
    from reports.answers.known_issues import Match
    from reports.index.index import Index

JOURNAL = Path("reports/out/journal.jsonl.gz")
"""The journal of the last run, relative to the folder that the command runs in."""
OLDER = Path("reports/out/journal.jsonl")
"""Its name in earlier versions of opcov."""
KNOWN = Path(__file__).parents[2] / "op_suites" / "known_issues.toml"
"""The known issues that every command looks at which shows causes."""


def add_journal(parser: argparse.ArgumentParser) -> None:
    """Add the positional argument JOURNAL, and `--where`."""
    parser.add_argument("journal", type=Path, nargs="?", metavar="JOURNAL", help=f"default: {JOURNAL}")
    add_where(parser)


def add_where(parser: argparse.ArgumentParser) -> None:
    """Add the option `--where`."""
    parser.add_argument("--where", default="", metavar="QUERY", help=f"only samples such as '{EXAMPLE}'")


def add_journal_option(parser: argparse.ArgumentParser) -> None:
    """Add the option `--journal`, for a command whose positional argument is something else."""
    parser.add_argument("--journal", type=Path, metavar="JOURNAL", help=f"default: {JOURNAL}")


def add_known(parser: argparse.ArgumentParser) -> None:
    """Add the option `--known`."""
    parser.add_argument(
        "--known",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="more known issues, as TOML (repeatable)",
    )


def known_issues(index: Index, more: Sequence[Path]) -> tuple[Match, ...]:
    """What the known issues come to in a run: those of the repository, and of more files; raises BadKnownIssues."""
    from reports.answers import known_issues

    return known_issues.matches(index, known_issues.load((KNOWN, *more)))


def add_compiler(parser: argparse.ArgumentParser) -> None:
    """Add the option `--torch-mlir`, for a command that runs something."""
    parser.add_argument(
        "--torch-mlir",
        metavar="SPEC",
        help="the compiler: installed, a folder, a wheel, a requirement, a torch-mlir-opt binary; by default the one "
        "that the journal was measured with, else the installed one",
    )


def last_journal() -> Path:
    """The journal of the last run: the finished one, else the one of an unfinished run, else one of an older opcov.

    Says on stderr if there is an unfinished run that is newer than the finished one.
    """
    part = JOURNAL.with_name(JOURNAL.name + PART)
    if JOURNAL.exists() and part.exists() and part.stat().st_mtime > JOURNAL.stat().st_mtime:
        print(f"opcov: reading {JOURNAL}; the unfinished run in {part} is newer", file=sys.stderr)
    return next((path for path in (JOURNAL, part, OLDER) if path.exists()), JOURNAL)


def open_index(journal: Path | None, where: str = "", answers: Collection[str] = ()) -> Index:
    """Return the index of a journal, by default that of the last run, and say on stderr what of it cannot be read.

    With `where` it is that of the samples which this query selects, and has only the folds that `answers` names, all
    if it names none. Raises BadJournal; BadQuery, UnknownName and NothingSelected for a query.
    """
    from reports import folds

    path = journal or last_journal()
    progress = Progress(f"opcov: indexing {path}")
    index = folds.open_index(path, progress, lambda reason: _warn(path, reason))
    progress.end()
    for damage in index.run.damage:
        print(f"opcov: {path} is damaged: {damage}", file=sys.stderr)
    if not where:
        return index
    progress = Progress("opcov: selecting")
    selected = folds.select(index, where, answers or folds.FOLDS, progress)
    progress.end()
    return selected


def _warn(journal: Path, reason: str) -> None:
    said = f"the index of {journal} cannot be kept ({reason}), so each command reads the whole journal"
    print(f"opcov: {said}", file=sys.stderr)


class Progress:
    """Says on stderr how far a slow task is: one line that changes on a terminal, else a line every few seconds.

    A task that takes less than a second says nothing.
    """

    QUIET = 1.0
    """Seconds until the first word."""
    STEP = 5.0
    """Seconds between two lines where stderr is no terminal."""

    def __init__(self, what: str, noun: str = "cell") -> None:
        self._what = what
        self._noun = noun
        self._is_terminal = sys.stderr.isatty()
        self._next = time.monotonic() + self.QUIET
        self._has_said = False

    def __call__(self, done: int, of: int | None = None) -> None:
        """Say how many cells, or what the noun names, are done, and of how many if that is known."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + (0.2 if self._is_terminal else self.STEP)
        self._has_said = True
        so_far = f"{self._what}: " + (f"{done:,} of {plural(of, self._noun)}" if of else plural(done, self._noun))
        print(f"\r{so_far}" if self._is_terminal else so_far, end="" if self._is_terminal else "\n", file=sys.stderr)
        sys.stderr.flush()

    def end(self) -> None:
        """End the line that changes."""
        if self._has_said and self._is_terminal:
            print(file=sys.stderr)


def print_answer(
    options: argparse.Namespace,
    *,
    text: Callable[[], str],
    data: Callable[[], Any],
    index: Index | None = None,
    more: Sequence[Index] = (),
) -> None:
    """Print an answer: as JSON if `--json` was given, else as text. Only the form that is printed is computed.

    It starts with what was selected of the `index` that it is about, and of `more` of them, if not all was asked.
    """
    selected = "\n".join(each.run.selected for each in (index, *more) if each and each.run.selected)
    if options.json:
        print(json.dumps({"selected": selected, **data()} if selected else data(), indent=1))
    else:
        print(f"{selected}\n\n{text()}" if selected else text())
