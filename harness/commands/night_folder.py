"""The folder that a night publishes, and that the next night reads: its files, and how they are made."""

from __future__ import annotations

import json
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from harness.errors import Exit, OpcovError
from harness.records.journal import Record, dumped
from harness.records.journal_file import PART, JournalReader, footer, read
from harness.records.journal_writer import JournalWriter

NAME = "journal.jsonl.gz"
PARTS = ("plain", "explicit", "census", "explore")
"""The parts of a night, in their order."""
READ = (NAME, "explicit.jsonl.gz", "history.sqlite", "explored.txt", "night.json")
"""The files that the next night reads; only the first must be there."""


class NoLastNight(OpcovError):
    """The folder or address of the last night has no journal."""

    code = Exit.DATA


@dataclass(frozen=True)
class Folder:
    """A night's folder: what it found as one journal, and in `parts` the output of each part."""

    path: Path

    @property
    def journal(self) -> Path:
        """The journal of the fixed part: the census, and the plain calls of the cells that it did not reach."""
        return self.path / NAME

    @property
    def explicit(self) -> Path:
        """The journal that holds the explicit samples of the next night."""
        return self.path / "explicit.jsonl.gz"

    @property
    def history(self) -> Path:
        """The history of all nights so far."""
        return self.path / "history.sqlite"

    @property
    def explored(self) -> Path:
        """The names of the cells that were explored, a line each."""
        return self.path / "explored.txt"

    def part(self, name: str) -> Path:
        """The folder of a part."""
        return self.path / "parts" / name

    def measured(self, name: str) -> Path | None:
        """The journal of a part, finished or not; None if there is none."""
        whole = self.part(name) / NAME
        return next((path for path in (whole, whole.with_name(NAME + PART)) if path.exists()), None)

    def measured_so_far(self, names: Iterable[str] = PARTS) -> tuple[int, float]:
        """How many outcomes these parts have, and the seconds they took, as far as they have closed their journals."""
        ends = [footer(journal) or {} for journal in map(self.measured, names) if journal]
        outcomes = sum(sum(end.get("counts", {}).values()) for end in ends)
        return outcomes, sum(float(end.get("seconds", 0.0)) for end in ends)

    def state(self) -> dict[str, Any]:
        """What is known of the night; empty before it starts."""
        file = self.path / "night.json"
        return dict(json.loads(file.read_text(encoding="utf-8"))) if file.exists() else {}

    def note(self, **more: Any) -> None:
        """Note something of the night."""
        self.path.mkdir(parents=True, exist_ok=True)
        text = json.dumps(self.state() | more, indent=1)
        (self.path / "night.json").write_text(text + "\n", encoding="utf-8")


def last(where: str, into: Path) -> Folder:
    """The folder of the last night; one with an address is fetched into a folder. Raises NoLastNight."""
    folder = Folder(Path(where).absolute())
    if "://" in where:
        folder = Folder(into)
        into.mkdir(parents=True, exist_ok=True)
        for name in READ:
            _fetch(f"{where.rstrip('/')}/{name}", into / name)
    if not folder.journal.exists():
        raise NoLastNight(f"--last {where} has no {NAME}", hint="give what an earlier night published, or leave it out")
    return folder


def _fetch(address: str, file: Path) -> None:
    """Fetch a file; one that is not there is left out."""
    try:
        with urllib.request.urlopen(address, timeout=60) as answer, file.open("wb") as out:
            shutil.copyfileobj(answer, out)
    except urllib.error.HTTPError:
        return
    except (OSError, ValueError) as error:
        raise NoLastNight(f"--last: cannot fetch {address}: {error}", hint="give its folder, or leave it out") from None


def join(parts: Iterable[Path], out: Path) -> None:
    """Write one journal of several: the cells of the first, and of each other one those that are not there yet."""
    readers = [JournalReader(path) for path in parts]
    seen: set[str] = set()
    with JournalWriter(out, dict(readers[0].header)) as writer:
        for reader in readers:
            for block in reader.blocks():
                if block.cell not in seen:
                    seen.add(block.cell)
                    writer.write_cell(block.lines, block.seconds)
        for line in {json.dumps(line): line for reader in readers for line in reader.toolchains}.values():
            writer.write_toolchain(line)
        total = readers[0].header.get("cells", len(seen))
        registry = (readers[0].footer or {}).get("registry", {})
        seconds = sum((reader.footer or {}).get("seconds", 0.0) for reader in readers)
        writer.close(seconds=seconds, interrupted=False, missing=max(0, total - len(seen)), registry=registry)


def write_explicit(old: Path | None, finds: Iterable[Record], like: Path | None, out: Path) -> int:
    """Write the explicit samples: those of the last night's journal, and what was found; return how many there are.

    The header is that of the journal `like`. Nothing is written if there is no sample.
    """
    before = read(old).records if old and old.exists() else ()
    records = {(r.op, r.backend, r.full_mode, r.dtype, r.id): r for r in (*before, *finds)}
    source = like or old
    if not records or source is None:
        return 0
    with JournalWriter(out, dict(JournalReader(source).header)) as writer:
        for _, group in groupby(sorted(records.items(), key=lambda item: item[0][:4]), key=lambda item: item[0][:4]):
            writer.write_cell([dumped(record) for _, record in group])
        writer.close(seconds=0.0, interrupted=False, missing=0)
    return len(records)
