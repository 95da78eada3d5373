"""The answers of `opcov ops`, as text and as JSON values: the registry, its denominators, and what its cases draw."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from harness.cases.case import OpCase
from harness.errors import MissingPackage
from harness.running.cells import Catalog
from harness.text import as_table

from .denominators import Denominator, Uncounted, denominators, figures
from .overloads import Overloads, cached, overloads, tell

SHOWN = 6
"""The most names in a list that is cut."""


def summary(
    catalog: Catalog, excluded: Mapping[str, str], declared: Collection[str], *, names: bool, with_opinfo: bool
) -> tuple[str, dict[str, Any]]:
    """Count the registry's families, and measure the registry against its denominators.

    `excluded` are the overloads that get no case, with the reasons; `declared` those that the torch dialect declares.
    If `names`, no list in the text is cut. Without `with_opinfo`, and where OpInfo cannot be traced, the denominator
    `opinfo` is left out and the text says so. Raises ImportError without torch.
    """
    found, note = _overloads(declared, with_opinfo=with_opinfo)
    ops = {case.op for cases in catalog.values() for case in cases}
    sets = denominators(ops, excluded, found.sets)
    rest = found.uncounted
    parts = [_families(catalog), _counts(sets), _uncounted(rest, ops)]
    parts += [f"missing of {d.name}: {_some(d.missing, names)}" for d in sets]
    parts.append(_exclusions(sets, names))
    return "\n\n".join(parts) + note, {
        "families": {
            family: [{"op": c.op, "dtypes": list(c.dtypes), "modes": list(c.modes())} for c in cases]
            for family, cases in catalog.items()
        },
        "denominators": figures(sets),
        "mutating": dict(rest.mutating),
        "tensorless": list(rest.tensorless),
    }


def _overloads(declared: Collection[str], *, with_opinfo: bool) -> tuple[Overloads, str]:
    """The overloads that there are to cover, and what the text says of OpInfo if it is left out."""
    if not with_opinfo:
        found = overloads(declared, with_opinfo=False, tell=tell)
        sets = {name: ops for name, ops in found.sets.items() if name != "opinfo"}
        return replace(found, sets=sets), "\n\nopinfo is not counted, as you wish"
    try:
        return overloads(declared, with_opinfo=True, tell=tell), ""
    except MissingPackage as error:
        return overloads(declared, with_opinfo=False, tell=tell), f"\n\nopinfo is not counted: {error}"


def footer(catalog: Catalog, excluded: Mapping[str, str], declared: Collection[str]) -> dict[str, dict[str, int]]:
    """How many overloads of each denominator are covered, excluded and missing; empty if none were found before."""
    known = cached(declared)
    ops = [case.op for cases in catalog.values() for case in cases]
    sets = denominators(ops, excluded, known.sets) if known else ()
    return {d.name: {"covered": len(d.covered), "excluded": len(d.excluded), "missing": len(d.missing)} for d in sets}


def _families(catalog: Catalog) -> str:
    rows = [(f, len(cases), sum(len(c.dtypes) * len(c.modes()) for c in cases)) for f, cases in catalog.items()]
    rows.append(("total", sum(r[1] for r in rows), sum(r[2] for r in rows)))
    return _table(rows, "family", "ops", "cells a backend")


def _counts(sets: Iterable[Denominator]) -> str:
    rows = [(d.name, len(d.covered), len(d.excluded), len(d.missing), d.total, d.meaning) for d in sets]
    return _table(rows, "denominator", "covered", "excluded", "missing", "of", "what it is")


def _uncounted(rest: Uncounted, ops: Collection[str]) -> str:
    forms = [form for form in rest.mutating.values() if form]
    covered = sum(form in ops for form in forms)
    return (
        f"The torch dialect also declares {len(rest.mutating)} mutating overloads ({len(forms)} have a functional form,"
        f" {covered} of these are covered) and {len(rest.tensorless)} that return no tensor."
    )


def _exclusions(sets: Iterable[Denominator], names: bool) -> str:
    """Every excluded overload with its reason if `names`, else some of the overloads."""
    reasons = {op: reason for d in sets for op, reason in d.excluded.items()}
    if names:
        return "excluded:\n" + "\n".join(f"  {op}: {reason}" for op, reason in sorted(reasons.items()))
    return f"excluded: {_some(sorted(reasons), names)}"


def attributes(cases: Collection[OpCase]) -> tuple[str, dict[str, Any]]:
    """List the values that the censuses draw for every attribute of the ops; the text has those that never vary."""
    from .attribute_coverage import attribute_values  # loads torch

    by_op = {case.op: attribute_values(case) for case in cases}
    data = {
        op: {name: {"values": list(a.values), "reason": a.reason} for name, a in by_name.items()}
        for op, by_name in by_op.items()
    }
    single = [(op, name, a) for op, by_name in by_op.items() for name, a in by_name.items() if not a.varies]
    rows = [(op, name, ", ".join(a.values), a.reason or "NO REASON") for op, name, a in single]
    count = sum(len(by_name) for by_name in by_op.values())
    bare = sum(a.reason is None for *_, a in single)
    text = f"{count} attributes of {len(by_op)} ops; {len(single)} never vary, {bare} of these without a reason"
    return f"{text}\n\n{_table(rows, 'op', 'attribute', 'always', 'reason')}" if rows else text, data


def dtypes(cases: Collection[OpCase]) -> tuple[str, dict[str, Any]]:
    """List the dtypes that each op draws, those that it excludes with a reason, and the others that eager takes."""
    from .attribute_coverage import dtype_coverage  # loads torch

    by_op = {case.op: dtype_coverage(case) for case in cases}
    data = {
        op: {"drawn": list(d.drawn), "excluded": dict(d.excluded), "eager_only": list(d.eager_only)}
        for op, d in by_op.items()
    }
    rows = [
        (op, " ".join(d.drawn), " ".join(d.excluded) or "-", " ".join(d.eager_only) or "-") for op, d in by_op.items()
    ]
    return _table(rows, "op", "drawn", "excluded with a reason", "eager takes it, never drawn"), data


def _some(names: Sequence[str], every: bool) -> str:
    """The names, cut to `SHOWN` unless `every`; a list that is cut says by how many."""
    shown = names if every else names[:SHOWN]
    more = "" if len(shown) == len(names) else f" ... and {len(names) - len(shown)} more (--names)"
    return f"{', '.join(shown) or 'none'}{more}"


def _table(rows: Iterable[Iterable[Any]], *head: str) -> str:
    return as_table([list(row) for row in rows], head)
