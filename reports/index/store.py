"""Where the index of a journal is kept, when it can be trusted, and how it is made again.

It stands beside its journal, or in the user's cache folder if it cannot be written there, or in memory if it cannot be
written at all. It is trusted if it was made by the same code from the same journal. It is built under a lock, so that
of several commands only one does the work, and renamed into place when it is whole.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import sqlite3
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from harness.errors import BadJournal
from harness.records.journal_file import JournalReader

from .index import Index
from .op_records import Fold
from .tables import unpack
from .writer import IndexWriter

Progress = Callable[[int], None]
"""Receives the number of cells that have been read; 0 for those who wait for another process."""
Failure = Callable[[str], None]


def no_progress(cells: int) -> None:
    """Say nothing."""


def open_index(journal: Path, folds: Mapping[str, Fold], version: str, progress: Progress = no_progress) -> Index:
    """Return the index of a journal, and make it first if there is none to trust.

    `version` names the code that makes it. Raises BadJournal if the journal cannot be read.
    """
    maker = _Maker(journal, folds, version, progress)
    return Index(maker.connection(), maker.remake)


def places(journal: Path) -> tuple[Path, ...]:
    """The files in which the index of a journal may be: beside it, or in the user's cache folder."""
    name = f"{journal.name}.index.sqlite"
    key = hashlib.sha256(str(journal.resolve()).encode()).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return journal.with_name(name), cache / "opcov" / f"index-{key}.sqlite"


class _Maker:
    """Finds or makes the index of one journal."""

    def __init__(self, journal: Path, folds: Mapping[str, Fold], version: str, progress: Progress) -> None:
        self._journal = journal
        self._folds = folds
        self._progress = progress
        self._places = places(journal)
        header = JournalReader(journal).header
        self._stamp = stamp(journal, header, version)

    def connection(self) -> sqlite3.Connection:
        """The first file that can be trusted, or a new one."""
        for path in self._places:
            if connection := self._trusted(path):
                return connection
        for path in self._places:
            with suppress(OSError, sqlite3.OperationalError), _locked(path):
                if connection := self._trusted(path):  # another process has made it meanwhile
                    return connection
                self._make(path)
                if connection := self._trusted(path):
                    return connection
        return self._fill(":memory:")

    def remake(self) -> sqlite3.Connection:
        """Throw away what turned out to be damaged, and make it again."""
        for path in self._places:
            with suppress(OSError):
                path.unlink(missing_ok=True)
        return self.connection()

    def _trusted(self, path: Path) -> sqlite3.Connection | None:
        """The index in a file, if it is the one of this journal by this code; None if it is not, or is no index."""
        if not path.is_file():
            return None
        connection = sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro&immutable=1", uri=True)
        try:
            rows = connection.execute("SELECT value FROM run WHERE key = 'stamp'").fetchall()
            if rows and unpack(rows[0][0]) == self._stamp:
                return connection
        except (sqlite3.DatabaseError, zlib.error, ValueError, TypeError):
            pass
        connection.close()
        return None

    def _make(self, path: Path) -> None:
        part = path.with_name(f"{path.name}.{os.getpid()}.part")
        part.unlink(missing_ok=True)
        try:
            self._fill(str(part)).close()
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)

    def _fill(self, path: str) -> sqlite3.Connection:
        reader = JournalReader(self._journal)
        writer = IndexWriter(path, self._folds, reader.header)
        try:
            for number, block in enumerate(reader.blocks(), 1):
                writer.add(block)
                self._progress(number)
            return writer.finish(reader.footer, reader.damage, self._stamp)
        except BadJournal as error:
            raise BadJournal(f"{self._journal}: {error.what}", hint=error.hint) from None


def stamp(journal: Path, header: Mapping[str, Any], version: str) -> list[Any]:
    """What tells whether an index is that of a journal: the code, the run, and the file's size and time."""
    status = journal.stat()
    return [version, header.get("run"), status.st_size, status.st_mtime_ns]


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock of an index file; the lock is a file beside it, which stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f".{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
