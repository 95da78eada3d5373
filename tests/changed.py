"""Make a changed journal of a real one: `python -m tests.changed JOURNAL OUT --every 50`; print what was changed.

Every so many cells, one is edited in a way that `opcov diff JOURNAL OUT` must find, each way in turn. The control and
the frontend are left as they are: what the frontend stops at is told on the lines of all backends.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.cases.other_samples import seeded
from harness.cases.sample import from_json, to_json
from harness.records.expectation import CONTROL
from harness.records.frontend import FRONTEND
from harness.records.journal_file import Block, JournalReader
from harness.records.journal_writer import JournalWriter

Line = dict[str, Any]
Lines = Sequence[Line]
Cell = tuple[str, str, str, str]
Made = Mapping[str, Sequence[Cell]]
"""By the name that the diff has for them, the cells that were changed."""
_WRONG = {"kind": "value", "message": "out[0]=1.0, but should be 2.0", "output": 0, "executor": "llvm-jit"}
_PASSED = {"share": 0.5, "executors": ["llvm-jit"]}
_REFUSED = {"diagnostic": "error: failed to legalize operation 'torch.aten.new'", "culprit": "torch.aten.new"}


def _becomes(before: str, after: str, stage: str, detail: Mapping[str, Any]) -> Callable[[Lines], Lines | None]:
    """An edit of the first sample of a cell with one outcome, which gets another; None if the cell has none."""

    def edit(lines: Lines) -> Lines | None:
        for place, line in enumerate(lines):
            if line["outcome"] == before and line["sample"] and "minimised" not in line:
                new = {**line, "outcome": after, "stage": stage, "detail": dict(detail)}
                return [*lines[:place], new, *lines[place + 1 :]]
        return None

    return edit


def _redrawn(lines: Lines) -> Lines | None:
    """Other samples of the same programs."""
    if not all(line["sample"] for line in lines):
        return None
    samples = [seeded(from_json(line["sample"]), 77) for line in lines]
    if {sample.id for sample in samples} & {line["id"] for line in lines}:
        return None
    return [{**line, "id": sample.id, "sample": to_json(sample)} for line, sample in zip(lines, samples, strict=True)]


def _same(lines: Lines) -> Lines:
    """What no diff may tell: other shares and other executors."""
    return [
        {**line, "detail": {**line["detail"], "share": 0.0, "executors": ["other"]}}
        if line["outcome"] == "Passed"
        else line
        for line in lines
    ]


EDITS: Mapping[str, Callable[[Lines], Lines | None]] = {
    "newly wrong": _becomes("Passed", "Wrong", "compare", _WRONG),
    "new crash": _becomes("Passed", "Crashed", "lower", {"signal": "SIGSEGV", "stderr": ""}),
    "newly timed out": _becomes("Passed", "TimedOut", "lower", {"seconds": 30.0}),
    "newly refused": _becomes("Passed", "Unsupported", "lower", _REFUSED),
    "newly invalid": _becomes("Passed", "Invalid", "verify", {"diagnostic": "error: new"}),
    "fixed": _becomes("Unsupported", "Passed", "compare", _PASSED),
    "no longer wrong": _becomes("Wrong", "Unsupported", "lower", _REFUSED),
    "changed": _becomes("Unsupported", "Unsupported", "lower", _REFUSED),
    "harness error": _becomes("Passed", "HarnessError", "execute", {"traceback": "KeyError: 0"}),
    "not executed": _becomes("Passed", "NotExecuted", "execute", {"reasons": {"llvm-jit": "no"}}),
    "redrawn": _redrawn,
    "gone": lambda lines: (),
    "same": _same,
}


def changed(
    blocks: Iterator[Block], every: int, made: dict[str, list[Cell]]
) -> Iterator[tuple[float | None, Sequence[str]]]:
    """The cells' seconds and the lines that they are to have; `made` is told of the edits."""
    names = list(EDITS)
    for number, block in enumerate(blocks):
        name, edited = "", None
        if number % every == 0 and block.backend not in (CONTROL, FRONTEND):
            name, edited = _edited([json.loads(line) for line in block.lines], names)
        if edited is None:
            yield block.seconds, block.lines
            continue
        made[name].append(block.name)
        names.append(names.pop(names.index(name)))
        yield block.seconds, [json.dumps(line, separators=(",", ":")) for line in edited]


def _edited(lines: Lines, names: Sequence[str]) -> tuple[str, Lines | None]:
    """The first edit that can be made of a cell, and the lines after it."""
    found = ((name, EDITS[name](lines)) for name in names)
    return next(((name, edited) for name, edited in found if edited is not None), ("", None))


def write(journal: Path, out: Path, every: int) -> Made:
    """Write the changed journal; return what was changed."""
    reader = JournalReader(journal)
    header = {key: value for key, value in reader.header.items() if key not in ("kind", "schema")}
    made: dict[str, list[Cell]] = defaultdict(list)
    with JournalWriter(out, header) as writer:
        for seconds, lines in changed(reader.blocks(), every, made):
            if lines:
                writer.write_cell(lines, seconds)
        for line in reader.toolchains:
            writer.write_toolchain(line)
        footer = {key: value for key, value in (reader.footer or {}).items() if key not in ("kind", "counts")}
        writer.close(**footer)
    return made


def main() -> None:
    """Write the journal, and print how many cells and ops were changed in each way."""
    parser = argparse.ArgumentParser(prog="python -m tests.changed", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("journal", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--every", type=int, default=50)
    options = parser.parse_args()
    for name, cells in write(options.journal, options.out, options.every).items():
        print(f"{name}: {len(cells)} cells ({len({op for op, *_ in cells})} ops)")


if __name__ == "__main__":
    main()
