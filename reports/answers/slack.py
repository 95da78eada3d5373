"""How much of their bounds the results use: cells that come close to theirs, and classes that nothing comes near."""

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
"""A cell whose worst error is more than this share of its bound has no slack to speak of."""
LOOSE = 0.01
"""A class whose worst error over the run is less than this share of its bound has too much."""
ENOUGH = 20
"""How many samples it takes to say so of a class."""
_ROWS = 20
_NUMERIC = 44


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """The largest share of the bound among so many samples that passed, and the record it was seen on."""

    share: float
    samples: int
    record: Record

    @property
    def numeric(self) -> str:
        """The class of the bound; a dash in a journal of before classes were named."""
        return self.record.numeric or "–"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slack:
    """The tight cells, closest first, of `cells`; the loose classes, loosest first, of `classes` that can be judged."""

    tight: tuple[Use, ...]
    loose: tuple[Use, ...]
    cells: int
    classes: int


def slack(journal: Journal) -> Slack:
    """What the samples of a journal use of their bounds; exact ones, minimised ones and the control are left out."""
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


def _uses(keyed: Iterable[tuple[Any, ...]]) -> list[Use]:
    """The largest share of each key; the last of a tuple is the record, the rest its key."""
    groups: dict[tuple[Any, ...], list[Record]] = defaultdict(list)
    for *key, record in keyed:
        groups[tuple(key)].append(record)
    found = []
    for records in groups.values():
        worst = max(records, key=lambda r: _share(r) or 0.0)
        found.append(Use(share=_share(worst) or 0.0, samples=len(records), record=worst))
    return found


def line(found: Slack) -> str:
    """Both counts in a line, empty where no bound was asked for."""
    if not found.cells:
        return ""
    said = f"bounds: {len(found.tight):,} of {plural(found.cells, 'cell')} at more than half of theirs"
    return f"{said}; {len(found.loose):,} of {found.classes:,} classes below 1/{1 / LOOSE:g} of theirs (opcov slack)"


def as_json(found: Slack) -> dict[str, Any]:
    """Both lists as JSON values, nothing cut."""
    return {
        "cells": found.cells,
        "classes": found.classes,
        "tight": [_row_json(use) for use in found.tight],
        "loose": [_row_json(use) for use in found.loose],
    }


def _row_json(use: Use) -> dict[str, Any]:
    r = use.record
    where = {"op": r.op, "backend": r.backend, "mode": r.mode, "dtype": r.dtype, "numeric": r.numeric}
    return where | {"share": use.share, "samples": use.samples, "sample": r.id, "command": repro_command(r)}


def as_text(found: Slack) -> str:
    """Both lists for people, clipped to a screen each."""
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


def _table(uses: Sequence[Use]) -> list[str]:
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
    said = str(tabulate(rows, headers=heads, disable_numparse=True, stralign="left"))
    more = len(uses) - _ROWS
    return [said] if more <= 0 else [said, f"… and {more:,} more (--json)"]
