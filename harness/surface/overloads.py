"""The overloads that there are to cover, as the installed torch and torch-mlir declare them.

To find them takes torch and some seconds, so they are kept in the user's cache folder; to count a registry against them
takes neither.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import cache, opinfo
from .denominators import Uncounted, core, functional, uncounted

SOURCES = ("surface/denominators.py", "surface/overloads.py")
"""The files of `harness` that decide what is found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overloads:
    """The overloads by denominator, without `opinfo` where OpInfo was not asked; and those that none counts."""

    sets: Mapping[str, frozenset[str]]
    uncounted: Uncounted


def overloads(declared: Collection[str], *, with_opinfo: bool, tell: Callable[[str], None]) -> Overloads:
    """Find the overloads in the cache, or else ask torch and keep the answer.

    `declared` are the overloads that the torch dialect declares. `tell` is told what takes long. Raises ImportError
    without torch, and MissingPackage if OpInfo cannot be traced.
    """
    known = cached(declared)
    if known and ("opinfo" in known.sets or not with_opinfo):
        return known
    reached = opinfo.reached() if with_opinfo else None
    tell("asking torch for its overloads, once for this version, some seconds")
    found = found_in_torch(declared, reached)
    cache.store(_path(declared), _as_json(found))
    return found


def cached(declared: Collection[str]) -> Overloads | None:
    """The overloads that an earlier call found for the same torch, torch-mlir and OpInfo."""
    try:
        return _from_json(cache.load(_path(declared)))
    except (AttributeError, KeyError, TypeError):  # not what this version of the code writes
        return None


def found_in_torch(declared: Collection[str], reached: Collection[str] | None) -> Overloads:
    """Ask torch; `reached` are the overloads that OpInfo calls, if it was asked."""
    sets = {"core": core(), "dialect": frozenset(op for op in declared if functional(op))}
    if reached is not None:
        sets["opinfo"] = frozenset(op for op in reached if op.startswith("aten.") and functional(op))
    return Overloads(sets=sets, uncounted=uncounted(declared))


def tell(text: str) -> None:
    """Say on stderr what takes long."""
    print(f"opcov: {text}", file=sys.stderr, flush=True)


def _path(declared: Collection[str]) -> Path:
    return cache.path("overloads", "json", (*SOURCES, *opinfo.SOURCES), *sorted(declared))


def _as_json(found: Overloads) -> dict[str, Any]:
    return {
        "sets": {name: sorted(ops) for name, ops in found.sets.items()},
        "mutating": dict(found.uncounted.mutating),
        "tensorless": list(found.uncounted.tensorless),
    }


def _from_json(data: Mapping[str, Any]) -> Overloads:
    return Overloads(
        sets={name: frozenset(ops) for name, ops in data["sets"].items()},
        uncounted=Uncounted(mutating=dict(data["mutating"]), tensorless=tuple(data["tensorless"])),
    )
