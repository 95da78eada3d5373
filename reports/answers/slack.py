"""How much of their bounds the results use: cells close to their bound, and numeric classes far from theirs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tabulate import tabulate

from harness.records.expectation import CONTROL
from harness.records.journal import Journal, Record
from harness.records.outcome import Passed
from harness.text import clip, plural
from reports.fold.call import repro_command

TIGHT = 0.5
"""A cell is tight if its largest error is more than this share of its bound."""
LOOSE = 0.01
"""A numeric class is loose if its largest error over the run is less than this share of its bound."""
ENOUGH = 20
"""A class with fewer samples than this is not judged."""
_ROWS = 20
"""The most rows of a table that the text shows."""
_NUMERIC = 44
"""The most characters of a class that the text shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundUse:
    """The largest share of its bound that a passing sample of a cell or class uses, and the record of that sample."""

    share: float
    samples: int
    record: Record

    @property
    def numeric(self) -> str:
        """The numeric class of the bound; a dash in a journal that is older than class names."""
        return self.record.numeric or "–"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slack:
    """The tight cells, the tightest first, and the loose classes, the loosest first.

    `cells` is the number of cells that have a bound, `classes` the number of classes with enough samples to judge.
    """

    tight: tuple[BoundUse, ...]
    loose: tuple[BoundUse, ...]
    cells: int
    classes: int


def slack(journal: Journal) -> Slack:
    """Find the tight cells and loose classes of a journal; exact and minimised samples and the control are left out."""
    records = [r for r in journal.records if not r.minimised and r.backend != CONTROL and _share(r) is not None]
    cells = _uses((r.op, r.backend, r.mode, r.dtype, r) for r in records if r.numeric or _share(r))
    classes = [use for use in _uses((r.numeric, r) for r in records if r.numeric) if use.samples >= ENOUGH]
    return Slack(
        tight=tuple(sorted((u for u in cells if u.share > TIGHT), key=lambda u: (-u.share, u.record.op))),
        loose=tuple(sorted((u for u in classes if u.share < LOOSE), key=lambda u: (u.share, u.numeric))),
        cells=len(cells),
        classes=len(classes),
    )


def _share(record: Record) -> float | None:
    return record.outcome.share if isinstance(record.outcome, Passed) else None


def _uses(keyed: Iterable[tuple[Any, ...]]) -> list[BoundUse]:
    """Group records by key, and find the largest share in each group; each tuple is a key followed by a record."""
    groups: dict[tuple[Any, ...], list[Record]] = defaultdict(list)
    for *key, record in keyed:
        groups[tuple(key)].append(record)
    uses = []
    for records in groups.values():
        worst = max(records, key=lambda r: _share(r) or 0.0)
        uses.append(BoundUse(share=_share(worst) or 0.0, samples=len(records), record=worst))
    return uses


def line(found: Slack) -> str:
    """Write both counts in one line; empty if no cell has a bound."""
    if not found.cells:
        return ""
    tight = f"bounds: {len(found.tight):,} of {plural(found.cells, 'cell')} at more than half of theirs"
    return f"{tight}; {len(found.loose):,} of {found.classes:,} classes below 1/{1 / LOOSE:g} of theirs (opcov slack)"


def as_json(found: Slack) -> dict[str, Any]:
    """Return both lists as JSON values, with nothing cut."""
    return {
        "cells": found.cells,
        "classes": found.classes,
        "tight": [_row_json(use) for use in found.tight],
        "loose": [_row_json(use) for use in found.loose],
    }


def _row_json(use: BoundUse) -> dict[str, Any]:
    r = use.record
    where = {"op": r.op, "backend": r.backend, "mode": r.mode, "dtype": r.dtype, "numeric": r.numeric}
    return where | {"share": use.share, "samples": use.samples, "sample": r.id, "command": repro_command(r)}


def as_text(found: Slack) -> str:
    """Write both lists as text, each cut to a screen."""
    blocks = [
        f"Cells at more than half of their bound ({len(found.tight):,} of {found.cells:,}): no slack, or a fault near",
        *_table(found.tight),
        f"Classes below 1/{1 / LOOSE:g} of their bound over {ENOUGH} samples or more"
        f" ({len(found.loose):,} of {found.classes:,}): too much slack",
        *_table(found.loose),
    ]
    if found.cells and not found.classes:
        blocks.append(f"No class has {ENOUGH} samples, or the journal is from before classes were named.")
    return "\n\n".join(blocks)


def _table(uses: Sequence[BoundUse]) -> list[str]:
    if not uses:
        return ["none"]
    rows = [
        (
            f"{use.share:.2%}",
            use.samples,
            clip(use.numeric, _NUMERIC),
            use.record.op,
            use.record.backend,
            use.record.mode,
            use.record.dtype,
            use.record.id,
            repro_command(use.record) or "",
        )
        for use in uses[:_ROWS]
    ]
    heads = ["share", "samples", "class", "op", "backend", "mode", "dtype", "sample", "see"]
    table = str(tabulate(rows, headers=heads, disable_numparse=True, stralign="left"))
    more = len(uses) - _ROWS
    return [table] if more <= 0 else [table, f"… and {more:,} more (--json)"]
