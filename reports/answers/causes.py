"""What cutting has shown of a journal's failures: how many have a cause, and which ops hold back most."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.text import as_table, clip, plural, share
from reports.fold.call import repro_command
from reports.fold.ways import Known, Way

SHOWN = 10
"""So many culprits are listed."""
REASONS = 6
"""So many reasons why programs were not tried are listed."""
NOT_CUT = "no cause was looked for yet"
_DETAILS = re.compile(r"[:,].*", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A backend in one mode: ways of failing by what was found; `failures` and `explained` count samples."""

    backend: str
    mode: str
    ways: int
    culprits: int
    compositions: int
    unlocks: int
    failures: int
    explained: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Blamed:
    """An op, or a composition, at fault on a backend: the cells that it holds back, and one of its samples."""

    backend: str
    culprit: str
    cells: int
    ops: int
    needs: tuple[str, ...]
    sample: str
    command: str


@dataclass(frozen=True, slots=True)
class Causes:
    """The causes of a journal's failures."""

    columns: tuple[Column, ...]
    blamed: tuple[Blamed, ...]
    reasons: Mapping[str, int]

    def text(self) -> str:
        """The verdict, a table of backends and modes, the culprits, and why programs were not tried."""
        ways = sum(c.ways for c in self.columns)
        if not ways:
            return "nothing fails: there is no cause to look for"
        culprits, compositions = (sum(getattr(c, name) for c in self.columns) for name in ("culprits", "compositions"))
        lines = [
            f"{culprits:,} of {plural(ways, 'way')} of failing have a verified culprit, {compositions:,} a "
            f"composition; {sum(self.reasons.values()):,} have neither",
            "",
            self._table(),
            "",
            *self._culprits(),
            *self._whys(),
        ]
        return "\n".join(lines).rstrip()

    def _table(self) -> str:
        rows = [
            (
                f"{c.backend} {c.mode}",
                c.ways,
                c.culprits,
                c.compositions,
                share(c.culprits + c.compositions, c.ways),
                f"{c.explained:,} of {c.failures:,}",
                c.unlocks,
            )
            for c in self.columns
        ]
        heads = ("", "ways", "culprit", "composition", "verified", "samples", "unlocked")
        return as_table(rows, heads, disable_numparse=True, colalign=("left", *["right"] * 6))

    def _culprits(self) -> list[str]:
        lines = []
        for one in self.blamed[:SHOWN]:
            needs = f"; then needs {', '.join(one.needs)}" if one.needs else ""
            held = f"{plural(one.cells, 'cell')} of {plural(one.ops, 'op')}"
            lines += [f"{one.backend}: {one.culprit} holds back {held}{needs}", f"    {one.command}"]
        return [*lines, ""] if lines else []

    def _whys(self) -> list[str]:
        ordered = sorted(self.reasons.items(), key=lambda pair: -pair[1])
        lines = [f"{count:,} without a cause: {why}" for why, count in ordered[:REASONS]]
        rest = sum(count for _, count in ordered[REASONS:])
        return lines + ([f"{rest:,} for other reasons: --json has all"] if rest else [])

    def json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {
            "columns": [{name: getattr(c, name) for name in Column.__dataclass_fields__} for c in self.columns],
            "culprits": [{name: getattr(b, name) for name in Blamed.__dataclass_fields__} for b in self.blamed],
            "without": dict(self.reasons),
        }


def causes(ways: Iterable[Way], journal: str = "") -> Causes:
    """Count the causes of ways of failing; `journal` is what commands are to name, by default the last run's."""
    columns: dict[tuple[str, str], list[Way]] = defaultdict(list)
    for way in ways:
        columns[way.failing.backend, way.failing.mode].append(way)
    every = [way for of_column in columns.values() for way in of_column]
    reasons = Counter(_reason(way.cause) for way in every if not _is_found(way.cause))
    shown = tuple(_column(*key, of_column) for key, of_column in sorted(columns.items()))
    return Causes(shown, _blamed(every, journal), dict(reasons.most_common()))


def _is_found(cause: Known | None) -> bool:
    return cause is not None and cause.found != "not tried"


def _reason(cause: Known | None) -> str:
    """Why there is no cause, without what differs from program to program."""
    return clip(_DETAILS.sub("", cause.why), 100) if cause else NOT_CUT


def _column(backend: str, mode: str, ways: Sequence[Way]) -> Column:
    found = Counter(way.cause.found for way in ways if way.cause)
    return Column(
        backend=backend,
        mode=mode,
        ways=len(ways),
        culprits=found["culprits"],
        compositions=found["composition"],
        unlocks=sum(way.cause is not None and way.cause.unlocks for way in ways),
        failures=sum(way.failing.failures for way in ways),
        explained=sum(way.failing.failures for way in ways if _is_found(way.cause)),
    )


def _blamed(ways: Sequence[Way], journal: str) -> tuple[Blamed, ...]:
    """The culprits, each with all that it holds back on a backend, the most first."""
    groups: dict[tuple[str, str], list[Way]] = defaultdict(list)
    for way in ways:
        if way.cause and _is_found(way.cause):
            names = (" + ".join(way.cause.culprits),) if way.cause.found == "composition" else way.cause.culprits
            for name in dict.fromkeys(names):
                groups[way.failing.backend, name].append(way)
    found = [_of_group(backend, name, group, journal) for (backend, name), group in groups.items()]
    return tuple(sorted(found, key=lambda one: (-one.cells, -one.ops, one.backend, one.culprit)))


def _of_group(backend: str, culprit: str, ways: Sequence[Way], journal: str) -> Blamed:
    needs = Counter(need for way in ways if way.cause for need in dict.fromkeys(way.cause.needs))
    sample = min(ways, key=lambda way: way.failing.steps).failing.id
    return Blamed(
        backend=backend,
        culprit=culprit,
        cells=sum(way.failing.cells for way in ways),
        ops=len({way.failing.op for way in ways}),
        needs=tuple(name for name, _ in needs.most_common(3)),
        sample=sample,
        command=repro_command(sample, backend, journal=journal) or "",
    )
