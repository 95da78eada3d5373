"""The lines of a journal's file, plain or compressed, with the gaps where it is damaged.

A compressed journal is a series of gzip members, so `zcat` gives its plain lines. `Compressor` writes it: whatever was
flushed can be read even if the process is killed, and damage stays within a member. `lines` reads either form.
"""

from __future__ import annotations

import mmap
import zlib
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

GZIP = 31
"""The `wbits` of zlib's gzip format."""
_LEVEL = 8
"""How hard zlib tries: level 9 gains no more, and writes another header."""
MAGIC = b"\x1f\x8b\x08"
"""The first bytes of each gzip member."""
OWN_HEADER = zlib.compressobj(_LEVEL, wbits=GZIP).flush()[:10]
"""The header of a member that `Compressor` writes: long enough not to occur within a member by chance."""
MEMBER_BYTES = 4 << 20
"""How many bytes of text a member holds before the next one starts."""
_CHUNK = 16 << 10
"""How many bytes are decompressed at once."""
_STEP = 16
"""How many bytes are decompressed at once where a chunk is damaged, to save what precedes the damage."""


class Compressor:
    """Turns text into gzip members, flushed at each call so that all text up to there can be read."""

    def __init__(self) -> None:
        self._member = zlib.compressobj(_LEVEL, wbits=GZIP)
        self._bytes = 0

    def flushed(self, text: bytes) -> bytes:
        """Return the compressed form of the text; start a new member where the present one is full."""
        self._bytes += len(text)
        compressed = self._member.compress(text)
        return compressed + (self.end() if self._bytes >= MEMBER_BYTES else self._member.flush(zlib.Z_SYNC_FLUSH))

    def end(self) -> bytes:
        """Return the end of the present member, and start a new one; empty if the present one holds no text."""
        if not self._bytes:
            return b""
        rest = self._member.flush(zlib.Z_FINISH)
        self._member, self._bytes = zlib.compressobj(_LEVEL, wbits=GZIP), 0
        return rest


@dataclass(frozen=True, slots=True)
class Gap:
    """A place in the file where bytes cannot be read; lines may be missing here. `where` names the place."""

    where: str


@dataclass(slots=True)
class Damage:
    """Lines that follow each other and cannot be read: the first and the last one's number, and why."""

    first: int
    last: int = 0
    reasons: list[str] = field(default_factory=list)
    is_over: bool = False

    def __str__(self) -> str:
        where = f"line {self.first:,}" if self.first == self.last else f"lines {self.first:,} to {self.last:,}"
        shown = list(dict.fromkeys((self.reasons[0], self.reasons[-1])))
        more = len(self.reasons) - len(shown)
        return f"{where}: {'; '.join(shown)}" + (f"; and {more:,} more faults" if more else "")


def lines(path: Path, *, last_member: bool = False) -> Iterator[bytes | Gap]:
    """Yield the file's lines without their line ends, and a `Gap` where something cannot be read; raises OSError.

    With `last_member`, those of a compressed file's last member only, which takes milliseconds.

    A last line without a line end is left out: a killed run was writing it. A compressed file that ends within a member
    is no gap either, since that is how a killed run leaves its file.
    """
    rest = b""
    for piece in _pieces(path, last_member):
        if isinstance(piece, Gap):
            rest = b""
            yield piece
            continue
        *whole, rest = (rest + piece).split(b"\n")
        yield from whole


def _pieces(path: Path, last_member: bool) -> Iterator[bytes | Gap]:
    """The file's text in pieces of any length."""
    with path.open("rb") as file:
        start = file.read(len(MAGIC))
        file.seek(0)
        if start != MAGIC:
            while piece := file.read(1 << 20):
                yield piece
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            yield from _members(data, max(data.rfind(OWN_HEADER), 0) if last_member else 0)


def _members(data: mmap.mmap, at: int) -> Iterator[bytes | Gap]:
    while 0 <= at < len(data):
        end = yield from _member(data, at)
        if end is None:
            yield Gap(f"the gzip member at byte {at:,}")
            end = data.find(OWN_HEADER, at + 1)
        at = end


def _member(data: mmap.mmap, start: int) -> Generator[bytes, None, int | None]:
    """Yield the text of one member; return where it ends, or None if it is damaged."""
    member = zlib.decompressobj(GZIP)
    at = start
    while at < len(data) and not member.eof:
        chunk = data[at : at + _CHUNK]
        before = member.copy()
        try:
            piece = member.decompress(chunk)
        except zlib.error:
            yield from _before_damage(before, chunk)
            return None
        yield piece
        at += len(chunk)
    return at - len(member.unused_data)


def _before_damage(member: zlib._Decompress, chunk: bytes) -> Iterator[bytes]:
    """Yield what can be decompressed of a damaged chunk."""
    for at in range(0, len(chunk), _STEP):
        try:
            yield member.decompress(chunk[at : at + _STEP])
        except zlib.error:
            return
