"""The files of a baseline: `PROFILE/FAMILY.txt`, one sorted line a cell, and `PROFILE/measured.txt`, its toolchain.

Whatever is read is checked, and nothing is written unless all of it can be read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from harness.errors import BadBaseline, NoBaseline

from .entry import Entry, parse
from .journal_file import CellName

MEASURED = "measured.txt"
"""The file with the options and the toolchain, one `KEY VALUE` a line."""
_MARKERS = ("<<<<<<<", "|||||||", "=======", ">>>>>>>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What is expected of each cell of a profile.

    `folder` holds its files. `measured` says with what options and which toolchain, by key. `places` has the file and
    the line of each entry, as text.
    """

    folder: Path
    measured: Mapping[str, str]
    entries: Mapping[CellName, Entry]
    places: Mapping[CellName, str]

    @property
    def profile(self) -> str:
        """The name of the profile."""
        return self.folder.name


def read(folder: Path) -> Baseline:
    """Read the baseline of a profile; raises NoBaseline, and BadBaseline with file and line if it makes no sense."""
    if not (folder / MEASURED).exists():
        raise NoBaseline(
            f"there is no baseline of the profile {folder.name} in {folder.parent}",
            hint="`opcov baseline write JOURNAL` makes one of a run of the whole registry",
        )
    entries: dict[CellName, Entry] = {}
    places: dict[CellName, str] = {}
    for path in sorted(folder.glob("*.txt")):
        for place, entry in _entries(path) if path.name != MEASURED else ():
            if entry.name in entries:
                raise BadBaseline(
                    f"{place}: {entry.cell} is in {places[entry.name]} already",
                    hint="remove one of the two lines; then `opcov baseline update JOURNAL`",
                )
            entries[entry.name], places[entry.name] = entry, place
    pairs = (line.partition(" ") for _, line in _lines(folder / MEASURED))
    return Baseline(folder=folder, measured={key: value for key, _, value in pairs}, entries=entries, places=places)


def write(folder: Path, measured: Mapping[str, str], entries: Iterable[Entry]) -> list[Path]:
    """Write a baseline, whose old files must have been read; return the files that are not as they were.

    A family without entries has no file. All new files are complete before the first one takes its place.
    """
    texts = {folder / MEASURED: "".join(f"{key} {value}\n" for key, value in measured.items())}
    ordered = sorted(entries, key=lambda entry: (entry.family, entry.name))
    for family, of in groupby(ordered, key=lambda entry: entry.family):
        texts[folder / f"{family}.txt"] = "".join(f"{entry}\n" for entry in of)
    changed = {path: text for path, text in texts.items() if not path.exists() or path.read_text("utf-8") != text}
    gone = [path for path in folder.glob("*.txt") if path not in texts]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in changed.items():
            _part(path).write_text(text, encoding="utf-8")
        for path in changed:
            _part(path).replace(path)
        for path in gone:
            path.unlink()
    except OSError as error:
        raise BadBaseline(f"cannot write {folder}: {error.strerror}", hint="make room, or work in a checkout") from None
    return sorted([*changed, *gone])


def _part(path: Path) -> Path:
    return path.with_name(f"{path.name}.part")


def _entries(path: Path) -> Iterator[tuple[str, Entry]]:
    """The entries of a family's file, each with its place."""
    for place, line in _lines(path):
        try:
            yield place, parse(line, path.stem)
        except ValueError as error:
            raise BadBaseline(f"{place}: {error}", hint="docs/baseline.md describes the lines") from None


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    """The lines of a file, each with its place; raises BadBaseline if git has left conflict markers in it."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadBaseline(f"cannot read {path}: {error}", hint=f"`git checkout {path}` restores it") from None
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith(_MARKERS):
            raise BadBaseline(
                f"{path}:{number}: a conflict marker of git",
                hint=f"take one side, such as `git checkout --theirs {path}`, then `opcov baseline update JOURNAL`",
            )
        if line.strip():
            yield f"{path}:{number}", line
