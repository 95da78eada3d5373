"""What `opcov ops` says of the registry: its families and denominators, and what is drawn of each op."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from harness.cases.case import OpCase
from harness.errors import MissingPackage
from harness.running.cells import Catalog

SHOWN = 6


def summary(
    catalog: Catalog, excluded: Mapping[str, str], declared: Collection[str], *, names: bool, with_opinfo: bool
) -> tuple[str, dict[str, Any]]:
    """Families and denominators, as text and as JSON values; `names` has every name in the text.

    `declared` are the overloads that the torch dialect declares.
    """
    from . import opinfo
    from .denominators import denominators, figures, uncounted

    reached, note = None, "\n\nopinfo is not counted, as you wish"
    if with_opinfo:
        try:
            reached, note = opinfo.trace().reached, ""
        except MissingPackage as error:
            note = f"\n\nopinfo is not counted: {error}"
    cases = {case.op for found in catalog.values() for case in found}
    sets = denominators(cases, excluded, declared, reached)
    more = uncounted(declared)
    forms = {op: form for op, form in more.mutating.items() if form}
    data = {
        "families": {
            family: [{"op": c.op, "dtypes": list(c.dtypes), "modes": list(c.modes())} for c in found]
            for family, found in catalog.items()
        },
        "denominators": figures(sets),
        "mutating": dict(more.mutating),
        "tensorless": list(more.tensorless),
    }
    rows = [(f, len(found), sum(len(c.dtypes) * len(c.modes()) for c in found)) for f, found in catalog.items()]
    rows.append(("total", sum(r[1] for r in rows), sum(r[2] for r in rows)))
    parts = [_table(rows, "family", "ops", "cells a backend")]
    head = ("denominator", "covered", "excluded", "missing", "of", "what it is")
    parts.append(
        _table(
            [(d.name, len(d.covered), len(d.excluded), len(d.missing), d.total, d.meaning) for d in sets],
            *head,
        )
    )
    covered = sum(form in cases for form in forms.values())
    parts.append(
        f"The torch dialect also declares {len(more.mutating)} mutating overloads ({len(forms)} have a functional form,"
        f" {covered} of these are covered) and {len(more.tensorless)} that return no tensor."
    )
    parts += [f"missing of {d.name}: {_some(d.missing, names)}" for d in sets]
    left_out = {op: reason for d in sets for op, reason in d.excluded.items()}
    parts.append(
        "excluded:\n" + "\n".join(f"  {op}: {why}" for op, why in sorted(left_out.items()))
        if names
        else f"excluded: {_some(tuple(sorted(left_out)), names)}"
    )
    return "\n\n".join(parts) + note, data


def attributes(cases: Collection[OpCase]) -> tuple[str, dict[str, Any]]:
    """For every schema argument of the ops, the values that the censuses draw; text names those that never vary."""
    from .attribute_coverage import attribute_values

    found = {case.op: attribute_values(case) for case in cases}
    data = {
        op: {name: {"values": list(d.values), "reason": d.reason} for name, d in by.items()} for op, by in found.items()
    }
    single = [(op, name, d) for op, by in found.items() for name, d in by.items() if not d.varies]
    rows = [(op, name, ", ".join(d.values), d.reason or "NO REASON") for op, name, d in single]
    count = sum(len(by) for by in found.values())
    bare = sum(d.reason is None for *_, d in single)
    text = f"{count} attributes of {len(found)} ops; {len(single)} never vary, {bare} of these without a reason"
    return f"{text}\n\n{_table(rows, 'op', 'attribute', 'always', 'reason')}" if rows else text, data


def dtypes(cases: Collection[OpCase]) -> tuple[str, dict[str, Any]]:
    """For every op, the dtypes drawn, left out for a reason, and taken by eager all the same."""
    from .attribute_coverage import dtypes as of

    found = {case.op: of(case) for case in cases}
    data = {
        op: {"drawn": list(d.drawn), "excluded": dict(d.excluded), "eager_only": list(d.eager_only)}
        for op, d in found.items()
    }
    rows = [
        (op, " ".join(d.drawn), " ".join(d.excluded) or "-", " ".join(d.eager_only) or "-") for op, d in found.items()
    ]
    return _table(rows, "op", "drawn", "excluded with a reason", "eager takes it, never drawn"), data


def _some(names: tuple[str, ...], every: bool) -> str:
    shown = names if every else names[:SHOWN]
    more = "" if len(shown) == len(names) else f" ... and {len(names) - len(shown)} more (--names)"
    return f"{', '.join(shown) or 'none'}{more}"


def _table(rows: Iterable[Iterable[Any]], *head: str) -> str:
    from tabulate import tabulate

    return str(tabulate([list(row) for row in rows], headers=head))
