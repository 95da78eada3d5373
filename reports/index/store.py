"""Where the index of a journal is kept, when it can be trusted, and how it is made again.

It stands beside its journal, or in the user's cache folder if it cannot be written there, or in memory if it cannot be
written at all. It is trusted if the same code made it from the same journal, and its checksum fits. It is built under a
lock, so that of several commands only one does the work, and renamed into place when it is whole.
"""

from __future__ import annotations

import fcntl
import hashlib
import sqlite3
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from harness import user_cache
from harness.errors import BadJournal
from harness.records.journal_file import JournalReader, causes

from .garbage import no_garbage_collection
from .index import Index
from .op_records import Fold
from .tables import is_sealed, seal, unpack
from .writer import IndexWriter

Progress = Callable[[int, int | None], None]
"""Receives how many cells have been read, and of how many; None if the journal does not say."""


Warn = Callable[[str], None]
"""Receives why an index cannot be kept."""


def no_progress(done: int, of: int | None) -> None:
    """Say nothing."""


def no_warning(reason: str) -> None:
    """Say nothing."""


def places(journal: Path) -> tuple[Path, ...]:
    """The files in which the index of a journal may be: beside it, or in the user's cache folder."""
    name = f"{journal.name}.index.sqlite"
    key = hashlib.sha256(str(journal.resolve()).encode()).hexdigest()[:16]
    return journal.with_name(name), user_cache.folder() / f"index-{key}.sqlite"


class Store:
    """The index of one journal, by one version of the code; raises BadJournal if the journal cannot be read.

    `folds` are the folds whose values it holds, and `version` names the code that makes it.
    """

    def __init__(self, journal: Path, folds: Mapping[str, Fold], version: str) -> None:
        self._journal = journal
        self._folds = folds
        self._places = places(journal)
        self._header = JournalReader(journal).header
        status = journal.stat()
        self._stamp = [version, self._header.get("run"), status.st_size, status.st_mtime_ns]

    def open(self, progress: Progress = no_progress, warn: Warn = no_warning) -> Index:
        """Return the index, and make it first if there is none to trust."""
        return Index(self._connection(progress, warn))

    def keep(self, writer: IndexWriter, footer: Mapping[str, Any] | None) -> None:
        """Keep an index in memory that has all cells of the journal, if it can be written."""
        connection = writer.finish(footer, (), self._stamp, header=self._header)
        for path in self._places:
            with suppress(OSError, sqlite3.Error), _locked(path), _part(path) as part:
                connection.execute("VACUUM INTO ?", (str(part),))
                _rename(part, path)
                return

    def _connection(self, progress: Progress, warn: Warn) -> sqlite3.Connection:
        for path in self._places:
            if connection := self._trusted(path):
                return connection
        reason = ""
        for path in self._places:
            try:
                with _locked(path):
                    if connection := self._trusted(path) or self._made(path, progress):
                        return connection
            except (OSError, sqlite3.OperationalError) as error:
                reason = reason or f"{path}: {getattr(error, 'strerror', None) or error}"
        warn(reason)
        return self._build(":memory:", progress)

    def _made(self, path: Path, progress: Progress) -> sqlite3.Connection | None:
        """Make the index in a file."""
        with _part(path) as part:
            self._build(str(part), progress).close()
            _rename(part, path)
        return self._trusted(path)

    def _trusted(self, path: Path) -> sqlite3.Connection | None:
        """The index in a file, if it is whole, of this journal and by this code; None if it is not, or is no index."""
        try:
            if not path.is_file() or not is_sealed(path):
                return None
            connection = sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro&immutable=1", uri=True)
            rows = connection.execute("SELECT value FROM run WHERE key = 'stamp'").fetchall()
            return connection if rows and unpack(rows[0][0]) == self._stamp else None
        except (OSError, sqlite3.DatabaseError, zlib.error, ValueError, TypeError):
            return None

    def _build(self, path: str, progress: Progress) -> sqlite3.Connection:
        reader = JournalReader(self._journal)
        writer = IndexWriter(path, self._folds, reader.header)
        try:
            writer.note_causes(causes(self._journal))  # they are at the end: now no op is folded twice
            total = reader.header.get("cells")
            with no_garbage_collection():
                for number, block in enumerate(reader.blocks(), 1):
                    writer.add(block)
                    progress(number, total)
                writer.note_toolchains(*reader.toolchains)
                return writer.finish(reader.footer, reader.damage, self._stamp)
        except BadJournal as error:
            raise BadJournal(f"{self._journal}: {error.what}", hint=error.hint) from None


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock of an index file; the lock is a file beside it, which stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f".{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _part(path: Path) -> Iterator[Path]:
    """The file in which an index is made until it is whole; whoever holds the lock may throw an old one away."""
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)


def _rename(part: Path, path: Path) -> None:
    """Give a whole index its name, once it is on the disk."""
    seal(part)
    part.replace(path)
