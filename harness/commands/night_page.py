"""What a night says: `night.md`, and the pages that the commands of opcov make of its journals."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.errors import Exit
from harness.records.journal_file import JournalReader, footer
from harness.text import plural

from .night_folder import PARTS, Folder
from .night_plan import Find

SHOWN = 30
"""So many finds are listed."""


def page(
    folder: Folder, before: Folder | None, found: Sequence[Find], ended: str, failed: Sequence[str]
) -> tuple[str, bool]:
    """Write the pages; return the text of `night.md`, and whether the fixed part is worse than that of the last night.

    What one of the commands cannot do is said in its section, and ends nothing.
    """
    journal, sections, worse = folder.journal, [], False
    history = ("--history", folder.history)
    _opcov(folder, "record", journal, *history)
    against = ("--against", before.journal) if before else ()
    html = _opcov(folder, "html", journal, *against, *history, "--out", folder.path / "index.html")
    if html.returncode:
        sections.append(("The report could not be written", html.stderr))
    pairs = [(before.journal, folder.journal), (before.explicit, folder.measured("explicit"))] if before else []
    for title, (old, new) in zip(("Census", "Explicit samples"), pairs, strict=False):
        if new and old.exists():
            done = _opcov(folder, "diff", old, new, "--format", "markdown")
            worse |= done.returncode == Exit.FOUND
            sections.append((f"{title}: what changed since last night", done.stdout or done.stderr))
    if not before:
        sections.append(("Since last night", "There is no last night (`--last`): nothing was compared."))
    sections.append(("Baseline", _baseline(folder)))
    done = _opcov(folder, "history", *history)
    sections.append(("History", f"```\n{(done.stdout or done.stderr).strip()}\n```"))
    verdict = ("worse than last night, " if worse else "nothing worse than last night, ") if before else ""
    head = [_first(folder, found, f"{ended}: {verdict}", failed), "", *_parts(folder)]
    texts = [*head, *_finds(found), *(f"\n## {title}\n\n{text.strip()}" for title, text in sections)]
    return "\n".join(texts) + "\n", worse


def write_running(folder: Folder) -> None:
    """Write `night.md` as it is to be read of a night that was killed, before its next part starts."""
    folder.path.mkdir(parents=True, exist_ok=True)
    head = "# A night that runs, or was killed: what it has is in `parts`, and the same command goes on with it"
    (folder.path / "night.md").write_text("\n".join([head, "", *_parts(folder)]) + "\n", encoding="utf-8")


def _opcov(folder: Folder, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command of opcov in the folder, with paths from there: it repeats them, and the folder is published."""
    words = [os.path.relpath(word, folder.path) if isinstance(word, Path) else word for word in arguments]
    command = [sys.executable, "-m", "harness.commands.cli", *words]
    return subprocess.run(command, cwd=folder.path, capture_output=True, text=True, check=False)


def _baseline(folder: Folder) -> str:
    """What the census comes to against the baseline. A plain call that ran alone is no cell of it."""
    if census := folder.measured("census"):
        done = _opcov(folder, "baseline", "check", census, "--if-comparable", "--any-pair")
        return f"```\n{(done.stdout + done.stderr).strip()}\n```"
    return "No cell of the census ran: nothing was compared."


def _first(folder: Folder, found: Sequence[Find], ended: str, failed: Sequence[str]) -> str:
    missing = (footer(folder.journal) or {}).get("missing", 0)
    started = JournalReader(folder.journal).header.get("started", "")
    faults = f"; faults of opcov in: {', '.join(failed)}" if failed else ""
    counts = f"{len(found):,} found tonight, {plural(missing, 'cell')} not run"
    return f"# Night of {started[:10]}, which {ended}{counts}{faults}"


def _parts(folder: Folder) -> Iterator[str]:
    """A line for each part: how far it came, and with which seed."""
    for name in PARTS:
        if journal := folder.measured(name):
            reader, end = JournalReader(journal), footer(journal)
            total = reader.header.get("cells", 0)
            done = total - end.get("missing", 0) if end else "some"
            seed = reader.header.get("seed")
            yield f"- {name}: {done} of {plural(total, 'cell')}, seed {seed}" + ("" if end else "; it was killed")
        else:
            yield f"- {name}: not run"


def _finds(found: Sequence[Find]) -> Iterator[str]:
    if found:
        yield "\n## Found tonight\n\nExplicit samples from tomorrow on, in `explicit.jsonl.gz`:\n"
        yield from (f"- {find}" for find in found[:SHOWN])
        if len(found) > SHOWN:
            yield f"- and {len(found) - SHOWN:,} more"
