"""Writes a journal's file; `journal_file` says what is in it, and reads it."""

from __future__ import annotations

import fcntl
import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from harness.errors import OpcovError

from .cause import Cause, cause_json
from .journal_file import PART, SCHEMA, Block, block_of, cell_of, checksum
from .lines import Compressor


class JournalWriter:
    """Writes a journal; what was written can be read even if the process is killed. A context manager.

    Until it is closed its file has the ending `.part`, so that a run that does not end leaves the last good journal as
    it was. Compressed if the path ends in `.gz`. Raises OpcovError if nothing more can be written, as on a full disk:
    the file then ends where it ended before, and the writer is closed.
    """

    def __init__(
        self,
        path: Path,
        header: Mapping[str, Any],
        blocks: Iterable[Block] = (),
        toolchains: Iterable[Mapping[str, Any]] = (),
        causes: Iterable[Cause] = (),
    ) -> None:
        """Start a journal; `blocks`, `toolchains` and `causes` are those of an unfinished run that goes on."""
        self.path = path
        self.part = path.with_name(path.name + PART)
        self.counts: Counter[str] = Counter()
        self._compressor = Compressor() if path.suffix == ".gz" else None
        fresh = self.part.with_name(self.part.name + ".new")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = fresh.open("wb", buffering=0)
        except OSError as error:
            raise OpcovError(
                f"cannot write the journal {path}: {error.strerror}", hint="choose another folder with --out"
            ) from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX)  # says that a run is writing, until its process ends
            self._lines({"kind": "header", "schema": SCHEMA, **header})
            for line in toolchains:
                self.write_toolchain(line)
            for block in blocks:
                self.write_cell(block.lines, block.seconds)
            for cause in causes:
                self.write_cause(cause)
            fresh.replace(self.part)
        except BaseException:
            self._file.close()
            fresh.unlink(missing_ok=True)
            raise

    def write_cell(self, outcomes: Sequence[str], seconds: float | None = None) -> Block:
        """Write the outcome lines of one cell, one or more values of `record_json` as text, and close the cell."""
        first = json.loads(outcomes[0])
        name = {key: first[key] for key in ("op", "backend", "mode", "dtype", "road") if key in first}
        raw = [line.encode() for line in outcomes]
        cell = {"kind": "cell", **name, "outcomes": len(raw), "crc32": checksum(raw)}
        self._lines(cell | ({} if seconds is None else {"seconds": round(seconds, 3)}), before=raw)
        self.counts.update(json.loads(line)["outcome"] for line in outcomes)
        return block_of(cell_of(first), outcomes, seconds=seconds)

    def write_toolchain(self, line: Mapping[str, Any]) -> None:
        """Write what a worker has loaded: `loaded_json`, with the name of the worker and the kind of line."""
        self._lines(line)

    def write_cause(self, cause: Cause) -> None:
        """Write what cutting a failing program has shown."""
        self._lines(cause_json(cause))

    def write_mutant(self, line: Mapping[str, Any]) -> None:
        """Write one line of a journal of mutants, a value of `mutant_json`."""
        self._lines(line)
        self.counts[line["outcome"]] += 1

    def close(self, *, keep_part: bool = False, **footer: Any) -> None:
        """Write the footer and, unless `keep_part`, rename the `.part` file to the journal's name."""
        self._lines({"kind": "footer", "counts": dict(sorted(self.counts.items())), **footer}, end=True)
        self._file.close()
        if not keep_part:
            self.part.replace(self.path)

    def abandon(self) -> None:
        """Write no more, not even a footer: the `.part` file stays as it is."""
        self._file.close()

    def _lines(self, line: Mapping[str, Any], before: Sequence[bytes] = (), *, end: bool = False) -> None:
        text = b"".join(raw + b"\n" for raw in (*before, json.dumps(line, separators=(",", ":")).encode()))
        if self._compressor:
            text = self._compressor.flushed(text) + (self._compressor.end() if end else b"")
        try:
            _append(self._file.fileno(), text, self.part)
        except OpcovError:
            self._file.close()  # the compressor has gone on: what it makes next would not fit what is in the file
            raise

    @property
    def file(self) -> Path:
        """Where the journal is now."""
        return self.part if self.part.exists() else self.path

    def __enter__(self) -> JournalWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        self.abandon()


def _append(file: int, data: bytes, path: Path) -> None:
    """Append all of the data or none of it; raises OpcovError."""
    start = os.lseek(file, 0, os.SEEK_END)
    rest = memoryview(data)
    try:
        while rest:
            rest = rest[os.write(file, rest) :]
    except OSError as error:
        os.ftruncate(file, start)
        raise OpcovError(
            f"cannot write the journal {path}: {error.strerror}",
            hint="make room, then add --resume to the command; what was written until now is kept",
        ) from None
