"""A run that did not end, and the run that goes on with it: `--resume`.

The journal of a run keeps the ending `.part` until all its cells have run. A run with `--resume` reads it, refuses if
it would not measure the same, and runs the cells that are missing. Any other run moves it aside.
"""

from __future__ import annotations

import fcntl
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from harness.errors import OpcovError
from harness.programs.compiler import Compiler
from harness.programs.loaded import COMPILER
from harness.records.cause import Cause
from harness.records.journal import Record, is_complete
from harness.records.journal_file import PART, Block, JournalReader, footer, restored
from harness.records.toolchain import TOOL, loaded_restore

IGNORED = frozenset(("run", "started", "kind", "schema", "cells", "element_types", "toolchain.revision"))
"""Keys of the header that may differ between a run and the run that goes on with it.

The code that decides outcomes is compared by `toolchain.code`, so a revision that changes other files may differ.
"""
SPEC = "options.torch_mlir"
"""The key under which the header has what was typed to name the compiler."""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """The journal of a run that did not end: its path, header, toolchain lines and causes, the names of its cells."""

    path: Path
    header: Mapping[str, Any]
    cells: frozenset[str]
    toolchains: tuple[Mapping[str, Any], ...] = ()
    causes: tuple[Cause, ...] = ()

    def blocks(self) -> Iterator[Block]:
        """What was written of each cell."""
        return JournalReader(self.path).blocks()

    @property
    def seconds(self) -> float:
        """How long it ran: from its start to its last cell."""
        started = datetime.fromisoformat(self.header["started"]).timestamp()
        return max(0.0, self.path.stat().st_mtime - started)

    def records(self, ops: Collection[str]) -> Iterator[Record]:
        """The records of these ops."""
        for block in self.blocks():
            if block.op in ops and block.cell in self.cells:
                yield from restored(self.path, block)

    def as_input(self) -> list[Any]:
        """The same in the plain values that a worker of pytest-xdist can be given."""
        return [str(self.path), dict(self.header), sorted(self.cells)]


RESUMED = pytest.StashKey[Unfinished]()
"""The run that this one goes on with."""
INPUT = "opcov-resumed"
"""The key of a worker's input under which it is told of that run."""


def pytest_configure(config: pytest.Config) -> None:
    """Take what the controller tells a worker."""
    given = getattr(config, "workerinput", {}).get(INPUT)
    if given:
        path, header, cells = given
        config.stash[RESUMED] = Unfinished(Path(path), header, frozenset(cells))


def done(config: pytest.Config) -> frozenset[str]:
    """The names of the cells that need not run."""
    resumed = config.stash.get(RESUMED, None)
    return resumed.cells if resumed else frozenset()


def recorded(config: pytest.Config, op: str) -> Iterator[Record]:
    """The records of an op in the run that this one goes on with."""
    resumed = config.stash.get(RESUMED, None)
    if resumed and any(name.startswith(f"{op}[") for name in resumed.cells):
        yield from resumed.records({op})


def find(journal: Path) -> Path | None:
    """The file of an unfinished run of which `journal` would have been the journal; None if there is none.

    That is the `.part` file, or else a journal that lacks cells.
    """
    part = journal.with_name(journal.name + PART)
    if part.exists():
        return part
    if journal.exists() and not is_complete(footer(journal)):
        return journal
    return None


def unfinished(journal: Path) -> Unfinished:
    """The unfinished run that `--resume` goes on with; raises OpcovError if there is none, or if it still runs."""
    path = find(journal)
    if path is None:
        raise OpcovError(
            f"--resume: no unfinished run in {journal.parent}", hint="leave --resume out, or give its folder with --out"
        )
    check_free(path)
    reader = JournalReader(path)
    cells = frozenset(block.cell for block in reader.blocks())
    return Unfinished(path, reader.header, cells, tuple(reader.toolchains), tuple(reader.causes))


def check_free(path: Path) -> None:
    """Raise OpcovError if another run is writing this file: a writer holds a lock on it for as long as it lives."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OpcovError(
                f"another run is writing {path}", hint="wait for its end, or choose another folder with --out"
            ) from None


def said(resumed: Unfinished | None, left: Path | None) -> Iterator[str]:
    """What the head of the main job says of the unfinished run that goes on, or that is left behind in that file."""
    if resumed:
        yield f"goes on with {resumed.path}, in which {len(resumed.cells):,} cells are done"
    if left:
        yield f"{left} is of a run that did not end: --resume goes on with it"
        yield f"without --resume it is kept as {aside(left)}"


def aside(path: Path) -> Path:
    """The path to which an unfinished journal moves: a name that is free, beside it."""
    name = path.name.removesuffix(PART)
    stem, dot, endings = name.partition(".")
    numbers = (path.with_name(f"{stem}-unfinished-{n}{dot}{endings}") for n in range(1, 10**6))
    return next(candidate for candidate in numbers if not candidate.exists())


def check_same(resumed: Unfinished, now: Mapping[str, Any], compiler: Compiler) -> None:
    """Raise OpcovError, naming what differs, if a run with the header `now` would not measure what `resumed` did.

    A compiler may be named by another SPEC, as a folder by another path, if it is what the workers had loaded. That
    its files are the same is found when they are loaded: see `Toolchains`.
    """
    path, old, new = resumed.path, _leaves(resumed.header), _leaves(now)
    differ = [key for key in dict.fromkeys((*old, *new)) if key not in IGNORED and old.get(key) != new.get(key)]
    if SPEC in differ and _is_loaded(compiler, resumed.toolchains):
        differ.remove(SPEC)
    if differ:
        said = "; ".join(f"{key} {_said(old.get(key))}, not {_said(new.get(key))}" for key in differ)
        raise OpcovError(
            f"--resume: {path} was measured with {said}",
            hint="repeat what it was measured with, or leave --resume out: the unfinished journal is kept",
        )


def _is_loaded(compiler: Compiler, toolchains: Sequence[Mapping[str, Any]]) -> bool:
    """Whether this compiler, a folder or a binary, is where the workers of a run loaded theirs from."""
    name, at = (TOOL, compiler.tool) if compiler.tool else (COMPILER, compiler.folder and compiler.folder / COMPILER)
    packages = [loaded_restore(line).packages for line in toolchains]
    if at is None or not packages or any((TOOL in found) != (name == TOOL) for found in packages):
        return False
    return all(name in found and Path(found[name].path).resolve() == at.resolve() for found in packages)


def _leaves(header: Mapping[str, Any]) -> dict[str, Any]:
    """The header's values by path: `seed`, `toolchain.installed.torch`, `options.profile` ..."""
    leaves: dict[str, Any] = {}
    for key, value in header.items():
        if isinstance(value, Mapping) and key in ("toolchain", "installed", "options"):
            leaves |= {f"{key}.{name}": inner for name, inner in _leaves(value).items()}
        else:
            leaves[key] = value
    return leaves


def _said(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return " ".join(map(str, value)) or "all"
    return "nothing" if value in (None, "", {}) else str(value)
