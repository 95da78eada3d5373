"""Two journals of one run: the same cells with two compilers, op by op, so that both meet the same machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from harness.records.journal_writer import JournalWriter

from .budget import Budget
from .cells import Cell
from .compiler_process import Cells, Measured
from .confirmation import Pair

SHARE = 0.7
"""Of the budget, for the measurement; the rest is to confirm what it finds."""
Header = Callable[[str], Mapping[str, Any]]
"""Makes a journal's header for the compiler of this SPEC."""


class TwinJournals:
    """Measures ops and writes what both compilers make of them, each into its own journal."""

    def __init__(self, pair: Pair, folder: Path, header: Header) -> None:
        self.paths = (folder / "base.jsonl.gz", folder / "candidate.jsonl.gz")
        self._pair = pair
        self._header = header
        self.left: Sequence[Sequence[Cell]] = ()
        self._writers: list[JournalWriter] = []
        self._started = time.monotonic()

    def measure(self, ops: Sequence[Sequence[Cell]], budget: Budget, tell: Callable[[int, int], None]) -> None:
        """Measure the cells of each op, as long as the budget lasts; `left` are then those that were not reached.

        `tell` is told how many of how many cells are done.
        """
        total = sum(map(len, ops))
        for place, cells in enumerate(ops):
            self.left = ops[place:]
            if budget.left(SHARE) <= 0:
                return
            self._write(self._pair.both(Cells.of(cells)))
            tell(total - sum(map(len, ops[place + 1 :])), total)
        self.left = ()

    def close(self) -> None:
        """Close both journals."""
        missing = sum(map(len, self.left))
        for writer in self._writers:
            writer.close(seconds=round(time.monotonic() - self._started, 1), missing=missing)

    def _write(self, found: tuple[Measured, Measured]) -> None:
        if not self._writers:
            self._open(found)
        for writer, measured in zip(self._writers, found, strict=True):
            for lines, seconds in measured.cells:
                if lines:
                    writer.write_cell(lines, seconds)

    def _open(self, found: tuple[Measured, Measured]) -> None:
        """Start the journals, once both compilers have measured something: what ends earlier overwrites nothing."""
        specs = (self._pair.base.compiler.spec, self._pair.candidate.compiler.spec)
        for path, spec, measured in zip(self.paths, specs, found, strict=True):
            line = dict(measured.toolchain)
            header = {**self._header(spec), "element_types": line.pop("element_types")}
            self._writers.append(JournalWriter(path, header))
            self._writers[-1].write_toolchain(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for writer in self._writers:
            writer.abandon()
