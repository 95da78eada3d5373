"""Adds causes to a journal that is written already: to a new file, which then takes the journal's place."""

from __future__ import annotations

import fcntl
import json
import mmap
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from harness.errors import BadJournal, OpcovError

from .cause import Cause, cause_json
from .lines import MAGIC, OWN_HEADER, Compressor, Gap, lines

_FOOTER = b'{"kind":"footer"'
_ENDING = ".causes"
"""The ending of the new file until it is whole."""


def add_causes(path: Path, causes: Sequence[Cause]) -> None:
    """Write causes into a journal, before its footer if it has one.

    The journal is as before until the new file takes its place. Raises BadJournal if the end of the journal is damaged,
    OpcovError if a run is writing it, or if the new file cannot be written.
    """
    added = [json.dumps(cause_json(cause), separators=(",", ":")).encode() for cause in causes]
    fresh = path.with_name(path.name + _ENDING)
    with _locked(path) as old:
        start, kept = _last_part(path, old)
        footer = [kept.pop()] if kept and kept[-1].startswith(_FOOTER) else []
        text = b"".join(line + b"\n" for line in (*kept, *added, *footer))
        try:
            with fresh.open("wb") as new:
                old.seek(0)
                _copy(old, new, start)
                new.write(_compressed(text) if _is_compressed(old) else text)
                new.flush()
                os.fsync(new.fileno())
            shutil.copymode(path, fresh)
            fresh.replace(path)
        except OSError as error:
            raise OpcovError(
                f"cannot write {fresh}: {error.strerror}", hint="make room; the journal is as it was"
            ) from None
        finally:
            fresh.unlink(missing_ok=True)


def check_writable(path: Path) -> None:
    """Raise what `add_causes` would raise: BadJournal, or OpcovError if a run is writing the journal."""
    with _locked(path):
        pass
    if not os.access(path.parent, os.W_OK):
        raise OpcovError(f"cannot write to {path.parent}", hint="copy the journal to a folder of your own")


@contextmanager
def _locked(path: Path) -> Iterator[BinaryIO]:
    """The journal's file, which no run is writing meanwhile; raises OpcovError."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise BadJournal(f"cannot read journal {path}: {error.strerror}", hint="`make matrix` writes one") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OpcovError(f"a run is writing {path}", hint="wait for its end") from None
        yield file


def _is_compressed(file: BinaryIO) -> bool:
    file.seek(0)
    return file.read(len(MAGIC)) == MAGIC


def _last_part(path: Path, file: BinaryIO) -> tuple[int, list[bytes]]:
    """Where the part of the file starts that is written again, and the lines that can be read of it.

    That is the last member of a compressed file, which its end may have cut off; of another one the last line.
    """
    if not _is_compressed(file):
        start = _start_of_last_line(file)
        file.seek(start)
        rest = file.read()
        return start, [rest.rstrip(b"\n")] if rest.endswith(b"\n") else []
    found = list(lines(path, last_member=True))
    if damage := next((line for line in found if isinstance(line, Gap)), None):
        raise BadJournal(f"{path} is damaged at its end: {damage.where}", hint="`make matrix` writes another one")
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return max(data.rfind(OWN_HEADER), 0), [line for line in found if isinstance(line, bytes)]


def _start_of_last_line(file: BinaryIO) -> int:
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return data.rfind(b"\n", 0, len(data) - 1) + 1


def _copy(old: BinaryIO, new: BinaryIO, length: int) -> None:
    while length and (chunk := old.read(min(length, 1 << 20))):
        new.write(chunk)
        length -= len(chunk)


def _compressed(text: bytes) -> bytes:
    compressor = Compressor()
    return compressor.flushed(text) + compressor.end()
