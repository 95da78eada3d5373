"""`opcov night`: one night of measuring that ends in time, and a folder to publish that the next night reads."""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import op_suites
from harness.cases.profile import profile
from harness.errors import Exit, OpcovError
from harness.programs import plugins
from harness.programs.fork import die_with_parent
from harness.records.journal import is_complete
from harness.records.journal_file import cell_name, costs, footer
from harness.running.budget import Budget, budget
from harness.running.cells import Cell, Selection, every_cell
from harness.text import plural

from .night_folder import Folder, join, last, write_explicit
from .night_page import page, write_running
from .night_plan import BASE, ENOUGH, SHORTEST, Find, finds, ordered, pace, to_explore

if TYPE_CHECKING:
    from reports.index.index import Index

ROOT = Path(op_suites.__file__).parents[1]
OUT = Path("reports/out/night")
PATIENCE = 60.0
"""Seconds that a part has to close its journal when the night is cut short."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare how long the night is, where it publishes, and the last night."""
    parser.add_argument("--budget", default="5h", metavar="TIME", help="how long it takes in all: 90s, 30m, 5h (5h)")
    parser.add_argument("--out", type=Path, default=OUT, metavar="DIR", help=f"the folder to publish ({OUT})")
    parser.add_argument("--last", metavar="DIR|URL", help="what the last night published")
    parser.add_argument("--options", nargs=argparse.REMAINDER, default=[], help="options of pytest for all parts")


def run(options: argparse.Namespace) -> Exit:
    """Measure, compare and publish; the status is `Exit.FOUND` if a sample of the fixed part is worse than last night.

    Raises NoLastNight, and OpcovError if the folder has a night that ended.
    """
    folder, limit = Folder(options.out.absolute()), budget(options.budget)
    state = folder.state()
    if state.get("ended"):
        raise OpcovError(
            f"{options.out} has a night that ended", hint=f"add --last {options.out}, and another folder with --out"
        )
    before = last(options.last, folder.path / "last") if options.last else None
    folder.note(seed=state.get("seed", secrets.randbelow(2**31)), last=options.last, budget=options.budget)
    night = Night(folder, before, limit, options.options)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _cut)
    ended = "ended"
    try:
        night.measure()
    except KeyboardInterrupt:
        ended = "was cut short"
    started, worse = time.monotonic(), night.publish(ended)
    folder.note(ended=ended == "ended", pace=night.paced(time.monotonic() - started))
    print((folder.path / "night.md").read_text(encoding="utf-8"))
    return Exit.FOUND if worse or night.failed else Exit.OK


def _cut(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _begin() -> None:
    """What a part does first: it ends with this process, and heeds SIGINT even where a shell ignores it."""
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a part as Ctrl-C does, so that it closes its journal; kill it where that takes long."""
    os.killpg(process.pid, signal.SIGINT)
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)


class Night:
    """The parts of a night, and what is made of them. `failed` are the parts that show a fault of opcov."""

    def __init__(self, folder: Folder, before: Folder | None, limit: Budget, options: Sequence[str]) -> None:
        self.folder, self.before, self.limit, self.options = folder, before, limit, options
        self.seed = int(folder.state()["seed"])
        told = folder.state().get("pace") or (before.state().get("pace") if before else None)
        self.pace, self.learns = pace(told or {}), not told
        self.failed: list[str] = []
        self.found: list[Find] = []

    def measure(self) -> None:
        """Run the parts while there is time: plain calls, explicit samples, the census, then what is explored."""
        self._run("plain", "--where", "plain:yes")
        if self.before and self.before.explicit.exists():
            self._run("explicit", "--replay", str(self.before.explicit.absolute()))
        self._run("census", "--cells", str(self._census()))
        if self._is_worth():
            self._run("explore", "--profile", "explore", "--seed", str(self.seed), "--cells", str(self._exploring()))

    def _is_worth(self) -> bool:
        return self._left() > SHORTEST

    def _left(self) -> float:
        """The seconds that the next part may take."""
        return self.pace.for_part(self.limit.left(), self.folder.measured_so_far()[0])

    def _run(self, name: str, *options: str) -> None:
        """Run a part, or go on with it, unless it has ended or there is no time."""
        out, journal = self.folder.part(name), self.folder.measured(name)
        if not self._is_worth() or (journal and is_complete(footer(journal))):
            return
        resume = ["--resume"] if journal else []
        command = [sys.executable, "-m", "pytest", "-n", "auto", "op_suites", "-q", "--out", str(out)]
        write_running(self.folder)
        command += [*options, *resume, "--opinions", "always", "--budget", f"{self._left():.0f}s", *self.options]
        print(f"opcov: {name}: {' '.join(command[2:])}", flush=True)
        # in a session of its own: Ctrl-C reaches it through this process alone; it ends with this process
        started = {"cwd": ROOT, "start_new_session": True, "preexec_fn": _begin}
        with subprocess.Popen(command, **started) as process:  # type: ignore[call-overload]
            try:
                status = process.wait()
            except KeyboardInterrupt:
                _end(process)
                raise
        journal = self.folder.measured(name)
        report = time.time() - journal.stat().st_mtime if journal else 0.0
        self.pace = self.pace.after(*self.folder.measured_so_far([name]), report, learns=self.learns)
        if status not in (Exit.OK, 5):  # 5: nothing was collected
            self.failed.append(name)

    def _census(self) -> Path:
        """The file with the cells of the census, the ops that cost least in front."""
        known = self.before.journal if self.before else self.folder.measured("plain")
        return self._written("census.txt", ordered(_cells("default"), costs(known) if known else {}))

    def _exploring(self) -> Path:
        """The file with the cells to explore."""
        index = self._index(self._joined())
        every = ordered(_cells("explore"), {})
        explored = {cell_name(*cell) for cell in index.measured()}
        if self.before and self.before.explored.exists():
            explored |= set(self.before.explored.read_text(encoding="utf-8").split())
        found = to_explore(every, changed=self._changed(index), near=_near(index), explored=explored)
        return self._written("explore.txt", found)

    def _changed(self, index: Index) -> Iterator[str]:
        from reports.answers.diff.diff import diff
        from reports.answers.diff.side import Side

        if self.before:
            found = diff(Side(self._index(self.before.journal), ""), Side(index, ""))
            yield from (cell_name(*change.cell) for change in found.cells)

    def _written(self, name: str, lines: Sequence[str]) -> Path:
        """A file of the night with these lines; one that is there stays, so that a part can go on."""
        file = self.folder.path / "parts" / name
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return file

    def _index(self, journal: Path) -> Index:
        from reports import folds

        return folds.open_index(journal)

    def _joined(self) -> Path:
        """The journal of the fixed part; raises OpcovError if nothing was measured."""
        parts = [path for name in ("census", "plain") if (path := self.folder.measured(name))]
        if not parts:
            raise self._nothing()
        join(parts, self.folder.journal)
        return self.folder.journal

    def _nothing(self) -> OpcovError:
        cells = f"none of the registry's {plural(len(_cells('default')), 'cell')} was reached"
        if self._is_worth():
            return OpcovError(f"the night has measured nothing: {cells}", hint="the same command goes on with it")
        return OpcovError(
            f"--budget {self.folder.state()['budget']} was too short for any cell: {cells}",
            hint="type the command with a longer one, such as --budget 30m",
        )

    def publish(self, ended: str) -> bool:
        """Write the folder's files; return whether the fixed part is worse than that of the last night."""
        journal = self._joined()
        self._keep_finds(self._index(journal))
        if self.before and self.before.history.exists() and not self.folder.history.exists():
            shutil.copyfile(self.before.history, self.folder.history)
        text, worse = page(self.folder, self.before, self.found, ended, self.failed)
        (self.folder.path / "night.md").write_text(text, encoding="utf-8")
        return worse

    def paced(self, closing: float) -> dict[str, float]:
        """The pace that the next night goes by: this one took so many seconds to close."""
        outcomes, seconds = self.folder.measured_so_far()
        if outcomes < ENOUGH or not seconds:
            return {}
        return {"rate": outcomes / seconds, "closing": max(closing - BASE, 0.0) / outcomes}

    def _keep_finds(self, fixed: Index) -> None:
        """Note what exploring found, and which cells it has reached."""
        old = self.before.explicit if self.before else None
        journal, names = self.folder.measured("explore"), set[str]()
        if journal:
            index = self._index(journal)
            names = {cell_name(*cell) for cell in index.measured()}
            for op in index.ops:
                self.found += finds(index.records(op).records, fixed.records(op).records)
        write_explicit(old, [find.record for find in self.found], journal, self.folder.explicit)
        if self.before and self.before.explored.exists():
            names |= set(self.before.explored.read_text(encoding="utf-8").split())
        self.folder.explored.write_text("".join(f"{name}\n" for name in sorted(names)), encoding="utf-8")


def _cells(name: str) -> list[Cell]:
    columns = plugins.columns(plugins.BACKENDS)
    return list(every_cell(op_suites.catalog(), columns, Selection(), profile(name)))


def _near(index: Index) -> list[str]:
    from reports.answers.slack import slack

    return [cell_name(use.op, use.backend, use.mode, use.dtype) for use in slack(index).tight]
