"""The tables of an index, and how values are packed in them.

- `run`: by key, a JSON value about the whole run; see `writer.IndexWriter`.
- `op`: by op, its outcome lines as the journal has them, and its cells: the other fields of `CellLines` and the number
  of lines.
- `cause`: by op, the causes of its failures, as the journal's lines have them.
- `part`: by fold and op, the fold's value of the op's records.
- `sample`: by the id of a sample, its op.

Lines and values are compressed. A file that is whole is sealed with its checksum, so that a damaged one is not trusted.
"""

from __future__ import annotations

import json
import os
import sqlite3
import zlib
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from .op_records import CellLines

_SCHEMA = """
CREATE TABLE run (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE op (op TEXT PRIMARY KEY, cells BLOB NOT NULL, lines BLOB NOT NULL);
CREATE TABLE cause (op TEXT PRIMARY KEY, causes BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE part (fold TEXT NOT NULL, op TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (fold, op));
CREATE INDEX part_of_op ON part (op);
CREATE TABLE sample (id TEXT PRIMARY KEY, op TEXT NOT NULL) WITHOUT ROWID;
"""
_SEAL = range(60, 64)
"""The bytes of `user_version` in an SQLite file, which nothing else uses."""


def create(path: str) -> sqlite3.Connection:
    """Create the tables in a new file, or in memory if the path is `:memory:`; raises sqlite3.OperationalError.

    The file may be lost if the machine stops: whoever makes it renames it into place when it is whole.
    """
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(f"PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; {_SCHEMA} BEGIN;")
    return connection


def seal(path: Path) -> None:
    """Write the checksum of a file into it, where SQLite has room for a number (`user_version`), and onto disk."""
    with path.open("r+b") as file:
        checksum = _checksum(file)
        file.seek(_SEAL.start)
        file.write(checksum)
        file.flush()
        os.fsync(file.fileno())


def is_sealed(path: Path) -> bool:
    """Whether a file is as it was when it was sealed; raises OSError."""
    with path.open("rb") as file:
        file.seek(_SEAL.start)
        found = file.read(len(_SEAL))
        return found == _checksum(file)


def _checksum(file: BinaryIO) -> bytes:
    """The CRC-32 of a file but for the bytes that hold it."""
    file.seek(0)
    crc = zlib.crc32(file.read(_SEAL.start))
    file.seek(_SEAL.stop)
    while chunk := file.read(1 << 20):
        crc = zlib.crc32(chunk, crc)
    return crc.to_bytes(len(_SEAL), "big")


def pack(value: Any) -> bytes:
    """A JSON value as bytes."""
    return zlib.compress(json.dumps(value, separators=(",", ":")).encode(), 1)


def unpack(data: bytes) -> Any:
    """The inverse of `pack`."""
    return json.loads(zlib.decompress(data))


def pack_cells(cells: Sequence[CellLines]) -> tuple[bytes, bytes]:
    """The cells of an op as the values of the columns `cells` and `lines`."""
    facts = [[c.place, c.line, c.backend, c.mode, c.dtype, c.seconds, len(c.lines)] for c in cells]
    text = "\n".join(line for cell in cells for line in cell.lines)
    return pack(facts), zlib.compress(text.encode(), 3)


def unpack_cells(facts: bytes, lines: bytes) -> list[CellLines]:
    """The inverse of `pack_cells`."""
    texts = iter(zlib.decompress(lines).decode().split("\n"))
    return [
        CellLines(place, line, backend, mode, dtype, seconds, tuple(islice(texts, count)))
        for place, line, backend, mode, dtype, seconds, count in unpack(facts)
    ]
