"""`opcov causes`: cut the programs that fail, find the ops at fault, and write them into the journal."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.errors import BadCompiler, Exit, UnknownName
from harness.programs.provider import use
from harness.records.added_causes import add_causes, check_writable
from harness.records.cause import Cause
from harness.records.failing import Failing
from harness.records.toolchain import COMPILERS, Loaded, Package, loaded_restore
from harness.running.budget import Budget, budget
from harness.running.cutting import PIECE_SECONDS, Cutter, OutOfTime
from harness.running.supervisor import Limits, Supervisor
from harness.text import plural
from reports.answers.causes import causes
from reports.fold import ways
from reports.index.index import Index, Run

from .arguments import Progress, add_compiler, add_journal, last_journal, open_index, print_answer

SAVED = 60.0
"""Seconds from one writing of the journal to the next."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the journal, which failures are meant, how long it may take, and with which compiler."""
    add_journal(parser)
    parser.add_argument("--backend", metavar="NAME", help="only this backend, or the frontend")
    parser.add_argument("--budget", default="", metavar="TIME", help="end after 90s, 10m, 1h")
    add_compiler(parser)


def run(options: argparse.Namespace) -> Exit:
    """Cut what has no cause yet, write the causes into the journal, and print what is known.

    Raises BadJournal, UnknownName, BadCompiler, and what a wrong query or budget raises. After Ctrl-C what was found is
    kept; the status is then `Exit.FOUND`.
    """
    limit = budget(options.budget) if options.budget else Budget()
    path = options.journal or last_journal()
    check_writable(path)
    index = open_index(path, options.where, (ways.FOLD,))
    if options.backend and options.backend not in (known := {name for name, _ in index.run.columns}):
        raise UnknownName("backend", options.backend, known)
    left = [one for one in ways.pending(index) if options.backend in (None, one.backend)]
    found = Found(path)
    done = not left or _looked(options, index, left, found, limit)
    shown = [way for way in found.overlaid(ways.load(index)) if options.backend in (None, way.failing.backend)]
    answer = causes(shown, str(options.journal or ""))
    print_answer(options, text=lambda: _text(answer.text(), found), data=answer.json, index=index)
    return Exit.OK if done else Exit.FOUND


def _text(answer: str, found: Found) -> str:
    return f"{answer}\n\nwritten to {found.path}: {plural(found.count, 'cause')}" if found.count else answer


@dataclass(slots=True)
class Found:
    """The causes found for a journal; they are written into it from time to time."""

    path: Path
    by_way: dict[tuple[object, ...], Cause] = field(default_factory=dict)
    count: int = 0
    _unwritten: list[Cause] = field(default_factory=list)
    _saved: float = field(default_factory=time.monotonic)

    def add(self, cause: Cause) -> None:
        """Take a cause; raises OpcovError if it is time to write and the journal cannot be written."""
        self.by_way[cause.op, cause.backend, cause.mode, cause.way] = cause
        self._unwritten.append(cause)
        if time.monotonic() - self._saved >= SAVED:
            self.write()

    def write(self) -> None:
        """Write what is not written yet; raises OpcovError."""
        if self._unwritten:
            add_causes(self.path, self._unwritten)
        self.count += len(self._unwritten)
        self._unwritten.clear()
        self._saved = time.monotonic()

    def overlaid(self, known: Iterator[ways.Way]) -> Iterator[ways.Way]:
        """The ways of failing, with the causes that were found."""
        for way in known:
            one = way.failing
            cause = self.by_way.get((one.op, one.backend, one.mode, one.way))
            yield replace(way, cause=ways.known(cause)) if cause else way


def _looked(options: argparse.Namespace, index: Index, left: Sequence[Failing], found: Found, limit: Budget) -> bool:
    """Look for causes; whether nobody pressed Ctrl-C. What was found is written in any case."""
    use(options.torch_mlir or index.run.compiler)
    backends = tuple(dict.fromkeys(one.backend for one in left))
    progress = Progress("opcov: cutting", "program")
    with Supervisor(backends, Limits(seconds=PIECE_SECONDS)) as supervisor, _written(found):
        check_same(index.run, supervisor.loaded(), found.path)
        cutter = Cutter(supervisor.cut, limit.left)
        try:
            for number, failing in enumerate(left):
                progress(number, len(left))
                found.add(cutter.cause(ways.record(index, failing)))
        except OutOfTime:
            pass
        except KeyboardInterrupt:
            print("opcov: interrupted; type the command again to go on", file=sys.stderr)
            return False
        finally:
            progress.end()
    return True


@contextmanager
def _written(found: Found) -> Iterator[None]:
    try:
        yield
    finally:
        found.write()


def check_same(run: Run, loaded: Loaded, path: Path) -> None:
    """Raise BadCompiler if this process measures another compiler than the journal's run did."""
    if not run.toolchains:
        return
    before = _compilers(loaded_restore(run.toolchains[-1]))
    now = _compilers(loaded)
    differences = list(Loaded(packages=before).differs(Loaded(packages=now))) if before != now else []
    if differences:
        was, here = (" and ".join(pair[side] for pair in differences) for side in (0, 1))
        raise BadCompiler(
            f"{path} was measured with {was}, this would cut its programs with {here}",
            hint="name the compiler that measured it with --torch-mlir SPEC, or run `make matrix` with this one",
        )


def _compilers(loaded: Loaded) -> Mapping[str, Package]:
    return {name: package for name, package in loaded.packages.items() if name in COMPILERS}
