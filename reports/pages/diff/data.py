"""A diff as JSON values for other programs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reports.answers.diff.diff import CellChange, Diff
from reports.answers.diff.example import example
from reports.answers.diff.group import Group
from reports.answers.diff.side import Side
from reports.fold.cell import Key

from .words import first_line, left_out, notes


def as_json(found: Diff) -> dict[str, Any]:
    """Return the whole diff: both runs, counts, groups with an example each, all cells that changed, what is left out.

    A cell is an object with `op`, `backend`, `mode` and `dtype`.
    """
    seen = found.coverage
    return {
        "verdict": first_line(found),
        "worse": found.is_worse,
        "where": found.query,
        "before": _side(found.before),
        "after": _side(found.after),
        "notes": list(notes(found)),
        "compared": {"samples": seen.samples, "cells": seen.cells},
        "counts": [{"kind": c.kind, "name": c.name, "cells": c.cells, "ops": c.ops} for c in found.counts],
        "groups": [_group(found, group) for group in found.groups],
        "cells": [_changed(cell) for cell in found.cells],
        "control": [_changed(cell) for cell in found.control],
        "redrawn": _cells(seen.redrawn),
        "partly_redrawn": _cells(seen.partly),
        "covered": _cells(seen.covered),
        "gone": _cells(seen.gone),
        "left_out": list(left_out(found)),
    }


def _side(side: Side) -> dict[str, Any]:
    return {
        "journal": side.journal,
        "run": side.name,
        "started": side.run.header.get("started"),
        "compilers": list(side.compilers),
        "torch_mlir": side.compiler,
        "complete": side.run.complete,
    }


def _group(found: Diff, group: Group) -> dict[str, Any]:
    shown = example(found, group)
    return {
        "kind": group.transition.kind,
        "name": group.transition.name,
        "cells": _cells(group.cells),
        "ops": list(group.ops),
        "samples": len(group.changes),
        "plain": group.plain,
        "was": dict(group.was),
        "now": dict(group.now),
        "smallest": {
            "id": shown.id,
            "cell": shown.cell._asdict(),
            "call": shown.call,
            "before": shown.before,
            "after": shown.after,
            "repro": list(shown.repros),
        },
    }


def _changed(changed: CellChange) -> dict[str, Any]:
    samples = [
        {
            "id": change.sample.id,
            "kind": change.transition.kind,
            "name": change.transition.name,
            "before": str(change.was),
            "after": str(change.now),
        }
        for change in changed.changes
    ]
    facts = {"kind": changed.transition.kind, "name": changed.transition.name}
    return changed.cell._asdict() | facts | {"samples": samples}


def _cells(cells: Iterable[Key]) -> list[dict[str, str]]:
    return [cell._asdict() for cell in cells]
