"""How much of their bounds the results use: cells close to their bound, and numeric classes far from theirs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from harness.records.expectation import CONTROL
from harness.records.journal import Record
from harness.records.outcome import Passed
from harness.text import as_table, clip, plural
from reports.fold.call import repro_command
from reports.index.index import Index
from reports.index.op_records import OpRecords

FOLD = "slack"

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
    """The largest share of its bound that a passing sample of a cell or class uses.

    `samples` is the number of samples of the cell or class. The other fields are those of the sample: its cell, its
    `id`, and `bound`, the numeric class of its bound; None in a journal that is older than class names.
    """

    share: float
    samples: int
    op: str
    backend: str
    mode: str
    dtype: str
    bound: str | None
    id: str

    @property
    def numeric(self) -> str:
        """The numeric class of the bound; a dash if it has no name."""
        return self.bound or "–"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slack:
    """The tight cells, the tightest first, and the loose classes, the loosest first.

    `cells` is the number of cells that have a bound, `classes` the number of classes with enough samples to judge.
    """

    tight: tuple[BoundUse, ...]
    loose: tuple[BoundUse, ...]
    cells: int
    classes: int


def fold(of: OpRecords) -> dict[str, Any] | None:
    """Of one op: how many cells have a bound, those that are tight, and by numeric class the largest share.

    Exact and minimised samples and the control are left out.
    """
    records = [
        (r, place)
        for r, place in zip(of.records, of.places, strict=True)
        if not r.minimised and r.backend != CONTROL and _share(r) is not None
    ]
    cells = _uses([r for r in records if r[0].numeric or _share(r[0])], lambda r: (r.backend, r.full_mode, r.dtype))
    classes = _uses([r for r in records if r[0].numeric], lambda r: (r.numeric,))
    if not cells and not classes:
        return None
    return {"cells": len(cells), "tight": [use for use in cells if use[0] > TIGHT], "classes": classes}


def _uses(records: Sequence[tuple[Record, int]], key: Callable[[Record], tuple[str | None, ...]]) -> list[list[Any]]:
    """Of each group of records, the record with the largest share: that share, the group's size, and the record."""
    groups: dict[tuple[str | None, ...], list[tuple[Record, int]]] = defaultdict(list)
    for record in records:
        groups[key(record[0])].append(record)
    found = []
    for group in groups.values():
        worst, place = max(group, key=lambda r: _share(r[0]) or 0.0)
        cell = [worst.backend, worst.full_mode, worst.dtype, worst.numeric, worst.id]
        found.append([_share(worst) or 0.0, len(group), place, *cell])
    return found


def slack(index: Index) -> Slack:
    """Find the tight cells and loose classes of a journal."""
    parts = index.parts(FOLD)
    tight = [_use(op, use) for op, part in parts for use in part["tight"]]
    classes: dict[str, list[tuple[str, list[Any]]]] = defaultdict(list)
    for op, part in parts:
        for use in part["classes"]:
            classes[use[6]].append((op, use))
    judged = [use for use in map(_worst, classes.values()) if use.samples >= ENOUGH]
    return Slack(
        tight=tuple(sorted(tight, key=lambda u: (-u.share, u.op))),
        loose=tuple(sorted((u for u in judged if u.share < LOOSE), key=lambda u: (u.share, u.numeric))),
        cells=sum(part["cells"] for _, part in parts),
        classes=len(judged),
    )


def _worst(uses: list[tuple[str, list[Any]]]) -> BoundUse:
    """The largest share of a class over all ops; of equal ones the first in the journal."""
    op, use = min(uses, key=lambda u: (-u[1][0], u[1][2]))
    return _use(op, [use[0], sum(u[1] for _, u in uses), *use[2:]])


def _use(op: str, values: list[Any]) -> BoundUse:
    share, samples, _, backend, mode, dtype, bound, id = values
    return BoundUse(share=share, samples=samples, op=op, backend=backend, mode=mode, dtype=dtype, bound=bound, id=id)


def _share(record: Record) -> float | None:
    return record.outcome.share if isinstance(record.outcome, Passed) else None


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
    where = {"op": use.op, "backend": use.backend, "mode": use.mode, "dtype": use.dtype, "numeric": use.bound}
    command = repro_command(use.id, use.backend)
    return where | {"share": use.share, "samples": use.samples, "sample": use.id, "command": command}


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
            use.op,
            use.backend,
            use.mode,
            use.dtype,
            use.id,
            repro_command(use.id, use.backend) or "",
        )
        for use in uses[:_ROWS]
    ]
    heads = ["share", "samples", "class", "op", "backend", "mode", "dtype", "sample", "see"]
    table = as_table(rows, heads, disable_numparse=True, stralign="left")
    more = len(uses) - _ROWS
    return [table] if more <= 0 else [table, f"… and {more:,} more (--json)"]
