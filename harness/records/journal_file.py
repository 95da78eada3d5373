"""A journal's file: one JSON object a line, the lines of a cell written at once and closed by a line of kind `cell`.

So a cell is in the file whole or not at all, whatever ends the run: a reader leaves out outcomes that no `cell` line
closes, and those that its checksum does not fit. Files whose name ends in `.gz` are compressed. Journals of schema 1
have no `cell` lines; there the lines of a cell follow each other.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.cases.road import full_mode, road, split_mode
from harness.errors import BadJournal

from .cause import Cause, cause_restore
from .journal import Journal, Record, record_restore
from .lines import Damage, Gap, lines
from .mutant import MutantRecord, mutant_restore

SCHEMA = 2
READABLE = (1, SCHEMA)
"""The schemas that are read."""
PART = ".part"
"""The ending of the file of a run that has not ended."""
_OUTCOME = b'{"kind":"outcome"'
_CELL = b'{"kind":"cell"'
_CAUSE = b'{"kind":"cause"'
CellName = tuple[str, str, str, str]
"""Op, backend, mode and dtype; the mode with the road, as `full_mode` writes the two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """What was written of one cell at once: its outcome lines as JSON text, and the cell's wall time in `seconds`.

    The time is None in journals of schema 1. `mode` is the full one, with the road. `place` is the number of the first
    line in the file.
    """

    op: str
    backend: str
    mode: str
    dtype: str
    lines: tuple[str, ...]
    seconds: float | None = None
    place: int = 0

    @property
    def name(self) -> CellName:
        """The cell: op, backend, mode and dtype."""
        return self.op, self.backend, self.mode, self.dtype

    @property
    def cell(self) -> str:
        """The cell's name, as `Cell.name` writes it: `aten.add.Tensor[tosa-dynamic-f32]`."""
        return cell_name(*self.name)


def cell_name(op: str, backend: str, mode: str, dtype: str) -> str:
    """The name by which people select a cell: `aten.add.Tensor[tosa-dynamic-f32]`, the road last.

    `mode` is the full one: `dynamic-vmap` gives `aten.add.Tensor[tosa-dynamic-f32-vmap]`.
    """
    only, by = split_mode(mode)
    return f"{op}[{backend}-{only}-{full_mode(dtype, by)}]"


def cell_of(line: Mapping[str, Any]) -> CellName:
    """The cell that the JSON of an outcome or of a cell names; raises KeyError."""
    return line["op"], line["backend"], full_mode(line["mode"], road(line.get("road", ""))), line["dtype"]


class JournalReader:
    """Reads a journal's file from start to end in little memory; raises BadJournal if it is no journal.

    `header` is there at once. `footer` (None if there is none), `damage` (what cannot be read, with its place), `last`
    (the last cell that can be read, with its line), `toolchains`, `mutants` and `causes` are complete when `blocks` has
    ended.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.footer: Mapping[str, Any] | None = None
        self.toolchains: list[Mapping[str, Any]] = []
        self.mutants: list[MutantRecord] = []
        self.causes: list[Cause] = []
        self.last = "its header"
        self._damage: list[Damage] = []
        self._number = 0
        self._lines = self._numbered()
        self.header: Mapping[str, Any] = _header(path, next(self._lines, None))

    @property
    def damage(self) -> tuple[str, ...]:
        """What cannot be read so far, neighbouring lines together."""
        return tuple(map(str, self._damage))

    def _note(self, reason: str) -> None:
        """Note that the present line cannot be read; it belongs to the damage before it if no cell is in between."""
        if not self._damage or self._damage[-1].is_over:
            self._damage.append(Damage(self._number))
        self._damage[-1].last = self._number
        self._damage[-1].reasons.append(reason)

    def blocks(self) -> Iterator[Block]:
        """Yield the cells in the order in which they were written; call it once. Raises BadJournal."""
        for block in self._closed() if self.header["schema"] >= SCHEMA else self._consecutive():
            self.last = f"line {block.place + len(block.lines):,}, {' '.join(block.name)}"
            yield block

    def _numbered(self) -> Iterator[bytes | Gap]:
        for line in _lines(self.path):
            self._number += not isinstance(line, Gap)
            yield line

    def _closed(self) -> Iterator[Block]:
        """The blocks of a journal with `cell` lines."""
        open_lines: list[bytes] = []
        for line in self._lines:
            if isinstance(line, bytes) and line.startswith(_OUTCOME):
                open_lines.append(line)
                continue
            data = self._object(line)
            if data is not None and data.get("kind") == "outcome":
                assert isinstance(line, bytes)
                open_lines.append(line)
            elif data is not None and data.get("kind") == "cell":
                yield from self._block(data, open_lines)
                open_lines = []
            else:
                open_lines = open_lines if data is not None else []
        if open_lines:
            self._note("the file ends within a cell")

    def _block(self, cell: Mapping[str, Any], outcomes: Sequence[bytes]) -> Iterator[Block]:
        try:
            name = cell_of(cell)
            whole = (cell["outcomes"], cell["crc32"]) == (len(outcomes), checksum(outcomes))
        except KeyError as error:
            self._note(f"a cell without {error}")
            return
        if not whole:
            self._note(f"the outcomes of {' '.join(name)} are not as written")
            return
        if self._damage:
            self._damage[-1].is_over = True
        texts = tuple(line.decode() for line in outcomes)
        yield block_of(name, texts, seconds=cell.get("seconds"), place=self._number - len(texts))

    def _consecutive(self) -> Iterator[Block]:
        """The blocks of a journal of schema 1: consecutive lines of one cell."""
        last: CellName | None = None
        texts: list[str] = []
        start = 0
        for line in self._lines:
            data = self._object(line)
            if data is None or data.get("kind") != "outcome" or isinstance(line, Gap):
                continue
            name = tuple(str(data.get(key)) for key in ("op", "backend", "mode", "dtype"))
            if name != last and last is not None:
                yield block_of(last, texts, place=start)
                texts = []
            start = start if texts else self._number
            last = name  # type: ignore[assignment]
            texts.append(line.decode())
        if last is not None:
            yield block_of(last, texts, place=start)

    def _object(self, line: bytes | Gap) -> Mapping[str, Any] | None:
        """The object of a line, None if it cannot be read; keeps the lines that are no outcomes, and the damage."""
        if isinstance(line, Gap):
            self._note(f"{line.where} is damaged, lines are missing")
            return None
        try:
            data = json.loads(line)
        except ValueError:
            self._note("not JSON")
            return None
        match data:
            case {"kind": "footer"}:
                self.footer = data
            case {"kind": "toolchain"}:
                self.toolchains.append(data)
            case {"kind": "trial"}:
                self.mutants.append(_restored(self.path, self._number, mutant_restore, data))
            case {"kind": "cause"}:
                self._take_cause(data)
        return data if isinstance(data, dict) else {}

    def _take_cause(self, data: Mapping[str, Any]) -> None:
        """Keep a cause; a line that makes none is damage, and no more than itself is lost."""
        try:
            self.causes.append(cause_restore(data))
        except (KeyError, TypeError, AttributeError) as error:
            self._note(f"not a cause ({type(error).__name__}: {error})")


def causes(path: Path) -> Iterator[Cause]:
    """The causes in a journal, without its cells; raises BadJournal. Lines that cannot be read are left out."""
    for line in _lines(path):
        if isinstance(line, bytes) and line.startswith(_CAUSE):
            with suppress(ValueError, KeyError, TypeError, AttributeError):
                yield cause_restore(json.loads(line))


def _lines(path: Path) -> Iterator[bytes | Gap]:
    """The lines of a file; raises BadJournal if it cannot be read."""
    try:
        yield from lines(path)
    except OSError as error:
        raise BadJournal(f"cannot read journal {path}: {error.strerror}", hint="`make matrix` writes one") from None


def block_of(name: CellName, texts: Iterable[str], *, seconds: float | None = None, place: int = 0) -> Block:
    """The block of a cell."""
    op, backend, mode, dtype = name
    return Block(op=op, backend=backend, mode=mode, dtype=dtype, lines=tuple(texts), seconds=seconds, place=place)


def _header(path: Path, line: bytes | Gap | None) -> Mapping[str, Any]:
    """The object of the first line; raises BadJournal if it is no header, or the header of another schema."""
    try:
        first = json.loads(line) if isinstance(line, bytes) else None
    except ValueError:
        first = None
    if not isinstance(first, dict) or first.get("kind") != "header":
        raise BadJournal(f"{path} is not a journal: its first line is no header", hint="`make matrix` writes one")
    if first.get("schema") not in READABLE:
        raise BadJournal(
            f"{path} has schema {first.get('schema')}, this opcov reads {SCHEMA}", hint="run `make matrix` again"
        )
    return first


def restored(path: Path, block: Block) -> Iterator[Record]:
    """The records of a block; raises BadJournal with the number of a line that makes no sense."""
    for number, text in enumerate(block.lines, block.place):
        yield _restored(path, number, record_restore, json.loads(text))


def _restored(path: Path, number: int, restore: Any, data: Mapping[str, Any]) -> Any:
    try:
        return restore(data)
    except Exception as error:
        raise no_outcome(f"{path}:{number}", error) from None


def no_outcome(where: str, error: Exception) -> BadJournal:
    """The error that says of a line, which `where` names, that no record can be restored from it."""
    return BadJournal(
        f"{where}: not an outcome line ({type(error).__name__}: {error})",
        hint="was it written by another opcov? run `make matrix` again",
    )


def read(path: Path) -> Journal:
    """Read a whole journal into memory; raises BadJournal. What cannot be read is in its `damage`."""
    reader = JournalReader(path)
    records = tuple(record for block in reader.blocks() for record in restored(path, block))
    return Journal(
        header=reader.header,
        records=records,
        footer=reader.footer,
        toolchains=tuple(reader.toolchains),
        mutants=tuple(reader.mutants),
        causes=tuple(reader.causes),
        damage=reader.damage,
    )


def footer(path: Path) -> Mapping[str, Any] | None:
    """The footer of a journal, in milliseconds; None if it has none."""
    last: bytes | Gap = b""
    for last in lines(path, last_member=True):  # noqa: B007
        pass
    try:
        data = json.loads(last) if isinstance(last, bytes) else None
    except ValueError:
        return None
    return data if isinstance(data, dict) and data.get("kind") == "footer" else None


def costs(path: Path) -> dict[str, float]:
    """The seconds that each cell of a journal took, by the cell's name; empty if it cannot be read."""
    try:
        found = [json.loads(line) for line in lines(path) if isinstance(line, bytes) and line.startswith(_CELL)]
        return {cell_name(*cell_of(c)): c["seconds"] for c in found if "seconds" in c}
    except (OSError, ValueError, KeyError):
        return {}


def checksum(outcomes: Iterable[bytes]) -> int:
    """The CRC-32 of a cell's outcome lines, each with its line end."""
    return zlib.crc32(b"".join(line + b"\n" for line in outcomes))
