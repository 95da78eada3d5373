"""A compiler in a process of its own, which runs cells and single samples for a parent that compares it with another.

A process has one fork server and so measures one compiler. A job is sent first and its answer taken later, so that two
compilers work at the same time.
"""

from __future__ import annotations

import functools
import multiprocessing
import os
import time
import traceback
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Self

from harness.cases.profile import Profile
from harness.cases.road import Road
from harness.cases.sample import Mode, Sample
from harness.errors import Exit, OpcovError
from harness.programs.compiler import Compiler, choose
from harness.programs.fork import die_with_parent
from harness.programs.provider import provide
from harness.records.journal import dumped
from harness.records.outcome import Outcome
from harness.records.query import parse
from harness.records.toolchain import toolchain_line

from .cells import Cell
from .child import without_main
from .memory import Memory
from .runner import Runner
from .sources import Census, Chosen, NothingChosen, Source
from .supervisor import Limits, Supervisor


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What both compilers are measured with; `where` is a query that selects samples, all if empty."""

    backends: tuple[str, ...]
    profile: Profile
    seed: int
    limits: Limits
    where: str = ""


@dataclass(frozen=True, slots=True)
class Cells:
    """The job of running all cells of one op; the answer is `Measured`."""

    names: tuple[tuple[str, str, str, Mode, str, Road], ...]
    """Of each cell the family, op, backend, mode, dtype and road: a case itself cannot be sent."""

    @classmethod
    def of(cls, cells: Iterable[Cell]) -> Self:
        """The job of running these cells."""
        return cls(tuple((c.family, c.case.op, c.backend, c.mode, c.dtype, c.road) for c in cells))


@dataclass(frozen=True, slots=True)
class Again:
    """The job of running one sample alone in a fresh process; the answer is its outcome."""

    sample: Sample
    backend: str


@dataclass(frozen=True, slots=True)
class Lower:
    """The job of lowering one sample; the answer is the lowered IR as text, empty if it does not come so far."""

    sample: Sample
    backend: str


@dataclass(frozen=True, slots=True)
class Execute:
    """The job of running a sample with lowered IR that another compiler has made; the answer is its outcome."""

    sample: Sample
    backend: str
    ir: str


Job = Cells | Again | Lower | Execute


@dataclass(frozen=True, slots=True)
class Measured:
    """Of each cell the journal lines and the seconds, and the journal's line of what the process has loaded.

    A cell without a sample that was asked for has no lines.
    """

    cells: Sequence[tuple[Sequence[str], float]]
    toolchain: Mapping[str, Any]


class CompilerProcess:
    """The parent's end of the process; a context manager, which ends the process."""

    def __init__(self, compiler: Compiler, setup: Setup) -> None:
        self.compiler = compiler
        context = multiprocessing.get_context("spawn")  # what this process has chosen or started is not its own
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, compiler, setup))
        with without_main():
            self._process.start()
        theirs.close()

    def send(self, job: Job) -> None:
        """Send a job; its answer must be taken before the next one is sent."""
        self._pipe.send(job)

    def answer(self) -> Any:
        """Wait for the answer; raises the OpcovError that the process had, and one if it has died."""
        try:
            found, value = self._pipe.recv()
        except EOFError:
            raise _Failed(f"the process that measures {self.compiler.spec} died", Exit.ENVIRONMENT) from None
        if not found:
            raise _Failed(*value)
        return value

    def do(self, job: Job) -> Any:
        """The answer to a job."""
        self.send(job)
        return self.answer()

    def close(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.join(5)
        self._process.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Failed(OpcovError):
    """What the process says that it cannot go on."""

    def __init__(self, what: str, code: Exit) -> None:
        super().__init__(what)
        self.code = code


def _serve(jobs: Connection, compiler: Compiler, setup: Setup) -> None:
    """In the process: do jobs until the pipe closes."""
    import signal

    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C
    os.environ.setdefault("HYPOTHESIS_NO_PLUGINS", "1")
    choose(compiler)
    provide(compiler)
    with Supervisor(setup.backends, setup.limits) as supervisor:
        measuring = _Measuring(supervisor, setup)
        while True:
            try:
                job: Job = jobs.recv()
            except EOFError:
                return
            try:
                reply: tuple[bool, Any] = (True, measuring.do(job))
            except OpcovError as error:
                reply = (False, (str(error), error.code))
            except Exception:
                reply = (False, (traceback.format_exc(limit=-8), Exit.FOUND))
            jobs.send(reply)


class _Measuring:
    """Does the jobs with a supervised worker."""

    def __init__(self, supervisor: Supervisor, setup: Setup) -> None:
        self._supervisor = supervisor
        run = supervisor.run
        sources: tuple[Source, ...] = (Census(setup.profile, setup.seed),)
        self._runner = Runner(
            run,
            (Chosen(sources, parse(setup.where)),) if setup.where else sources,
            setup.profile,
            setup.seed,
            find_pass=functools.partial(run, find_pass=True),
        )

    def do(self, job: Job) -> Measured | Outcome | str:
        match job:
            case Cells(names):
                cells = [self._cell(*name) for name in names]
                return Measured(cells, self._toolchain())
            case Again(sample, backend):
                self._supervisor.renew()
                result = self._supervisor.run(sample, backend)
                return Memory(op=sample.op).attributed(result, sample, backend).outcome
            case Lower(sample, backend):
                shown: dict[str, str] = {}
                self._supervisor.run(sample, backend, shown.__setitem__)
                return shown.get("lower", "")
            case Execute(sample, backend, ir):
                self._supervisor.renew()
                return self._supervisor.run(sample, backend, ir=ir).outcome

    def _cell(self, family: str, op: str, backend: str, mode: Mode, dtype: str, road: Road) -> tuple[list[str], float]:
        from .worker import case  # late: it loads the registry

        started = time.monotonic()
        cell = Cell(family=family, case=case(op), backend=backend, mode=mode, dtype=dtype, road=road)
        try:
            records = self._runner.records(cell)
        except NothingChosen:
            records = ()
        return [dumped(record) for record in records], time.monotonic() - started

    def _toolchain(self) -> Mapping[str, Any]:
        found = self._supervisor.loaded()
        return toolchain_line(found, "main")
