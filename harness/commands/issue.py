"""`opcov issue`: write a text about one cause, or one about each, for torch-mlir's tracker; nothing is sent."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from harness.errors import Exit, OpcovError
from harness.programs.provider import use
from harness.text import plural
from reports.answers import known_issues as known
from reports.answers.clusters import Cluster
from reports.answers.issue import Issue, Past, chosen, every, issue
from reports.fold.failures import FOLD
from reports.fold.matrix import FOLD as ROWS
from reports.index.history import open_history
from reports.index.index import Index
from reports.pages.issue import Evidence, as_markdown, index_page

from .arguments import (
    Progress,
    add_compiler,
    add_journal_option,
    add_known,
    add_where,
    known_issues,
    last_journal,
    open_index,
    print_answer,
)
from .evidence import evidence
from .record import HISTORY, add_history

INDEX = "index.md"
SUFFIXES = (".md", ".py", ".mlir", ".before.mlir", ".after.mlir")
"""The ends of the names of a cause's files; a name starts with the cause's id."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the cause or all of them, where to write, whether to run samples, the journal, and the history."""
    parser.add_argument("cluster", nargs="?", metavar="CLUSTER", help="the id of a cause, as `opcov clusters` lists it")
    parser.add_argument("--all", action="store_true", help="one text a cause, and an index of them; needs --out")
    parser.add_argument("--backend", help="with --all: only this backend, or frontend")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write the text, its script and its IR there")
    parser.add_argument("--overwrite", action="store_true", help="replace files of the same names in DIR")
    parser.add_argument(
        "--run",
        dest="running",  # `run` is the function of the command
        action=argparse.BooleanOptionalAction,
        help="run the smallest sample again, in some seconds, for the IR around the first wrong pass; by default for "
        "one cause, and not with --all",
    )
    add_compiler(parser)
    add_journal_option(parser)
    add_history(parser)
    add_known(parser)
    add_where(parser)


def run(options: argparse.Namespace) -> Exit:
    """Print the text, or write the texts and print where.

    Raises UnknownName for a cause or backend; OpcovError for bad usage, if nothing fails, and for files that exist or
    cannot be written; BadJournal, BadHistory, BadKnownIssues, BadCompiler, and what a wrong query raises.
    """
    _check_usage(options)
    journal = str(options.journal or last_journal())
    index = open_index(options.journal, options.where, (ROWS, FOLD))
    found = every(index, options.backend, journal) if options.all else (chosen(index, options.cluster, journal),)
    if options.out:
        _check_folder(options, found)
    use(options.torch_mlir or index.run.compiler)
    past, links = _past(options.history), known.cited(known_issues(index, options.known))
    issues = (issue(index, cluster, past, links.get(cluster.id, ())) for cluster in found)
    written = []
    for one, shown in _with_evidence(options, issues, len(found)):
        text = as_markdown(one, shown)
        files = _write(options.out, one, text, shown) if options.out else {}
        written.append((one, "" if options.out else text, files))
    if options.all:
        _save(options.out / INDEX, index_page([(one, f"{one.cluster.id}.md") for one, _, _ in written]))
    _answer(options, index, written)
    return Exit.OK


def _check_usage(options: argparse.Namespace) -> None:
    if options.all == bool(options.cluster):
        what = "both a cause and --all are given" if options.all else "no cause is named"
        raise OpcovError(what, hint="type `opcov issue ID`, with an id that `opcov clusters` lists, or --all --out DIR")
    if options.all and not options.out:
        raise OpcovError("--all writes many files, and no folder is named", hint="add --out DIR")
    if options.backend and not options.all:
        raise OpcovError("--backend chooses among all causes, and one is named", hint="leave it out, or use --all")


def _past(path: Path) -> Past | None:
    """What the history knows; None if there is none where it is looked for by default. Raises BadHistory."""
    if path == HISTORY and not path.exists():
        return None
    with open_history(path) as history:
        return Past(history)


def _with_evidence(
    options: argparse.Namespace, issues: Iterable[Issue], count: int
) -> Iterator[tuple[Issue, Evidence]]:
    running = not options.all if options.running is None else options.running
    progress = Progress("opcov: writing", "text")
    for number, one in enumerate(issues):
        progress(number, count)
        yield one, evidence(one, running=running)
    progress.end()


# the files ------------------------------------------------------------------------------------------------------------


def _check_folder(options: argparse.Namespace, found: Sequence[Cluster]) -> None:
    """Make the folder; raises OpcovError if it cannot be made, or has files that would be overwritten."""
    out: Path = options.out
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(out, error) from None
    names = [INDEX] if options.all else []
    names += [f"{cluster.id}{suffix}" for cluster in found for suffix in SUFFIXES]
    there = [name for name in names if (out / name).exists()]
    if there and not options.overwrite:
        more = f" and {plural(len(there) - 1, 'more file')}" if there[1:] else ""
        raise OpcovError(
            f"{out / there[0]}{more} would be overwritten", hint="add --overwrite, or name another folder with --out"
        )
    for name in there:
        (out / name).unlink()


def _write(out: Path, one: Issue, text: str, shown: Evidence) -> dict[str, str]:
    """Write the files of one cause; return their paths by suffix. Raises OpcovError."""
    contract = shown.contract or (one.cut.ir if one.cut and shown.command else "")
    texts = dict(zip(SUFFIXES, (text, shown.script, contract, shown.before, shown.after), strict=True))
    paths = {suffix: out / f"{one.cluster.id}{suffix}" for suffix, content in texts.items() if content}
    for suffix, path in paths.items():
        _save(path, texts[suffix])
    return {suffix: str(path) for suffix, path in paths.items()}


def _save(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise _unwritable(path, error) from None


def _unwritable(path: Path, error: OSError) -> OpcovError:
    return OpcovError(f"cannot write {path}: {error.strerror}", hint="name another folder with --out")


# the answer -----------------------------------------------------------------------------------------------------------

Written = tuple[Issue, str, dict[str, str]]


def _answer(options: argparse.Namespace, index: Index, written: Sequence[Written]) -> None:
    data = [
        {"id": one.cluster.id, "title": one.cluster.title, "text": text, "files": list(files.values())}
        for one, text, files in written
    ]
    print_answer(
        options,
        text=lambda: _all_text(options.out, written) if options.all else _one_text(*written[0]),
        data=lambda: {"issues": data} if options.all else data[0],
        index=index if options.out else None,
    )


def _one_text(one: Issue, text: str, files: dict[str, str]) -> str:
    if not files:
        return text.rstrip()
    script = [f"python {files['.py']}"] if ".py" in files else []
    return "\n".join([f"written: {one.cluster.title}", *(f"  {path}" for path in files.values()), *script])


def _all_text(out: Path, written: Sequence[Written]) -> str:
    return f"{plural(len(written), 'text')} written, listed in {out / INDEX}"
