"""How many distinct ops the registry, its plain calls and each family reduce to on a road."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.cases.road import Road
from harness.text import as_table
from reports.fold.programs import Program

from .surface import Surface

REGISTRY, PLAIN = "registry", "plain calls"
LEGEND = (
    "Counted: distinct ops of a row's programs at the backend contract, static and dynamic, as the journal has them;\n"
    "in brackets, how many ops of PyTorch have a program that gets there, of those measured."
)


@dataclass(frozen=True, slots=True)
class Reduction:
    """The `ops` that the programs of some PyTorch ops reduce to; of `measured` of these, `through` reach a backend."""

    ops: frozenset[str]
    through: frozenset[str]
    measured: frozenset[str]

    def __str__(self) -> str:
        """The counts: `24 (7/9)`."""
        return f"{len(self.ops)} ({len(self.through)}/{len(self.measured)})"

    def json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {"ops": sorted(self.ops), "through": sorted(self.through), "measured": sorted(self.measured)}


def reduction(programs: Sequence[Program]) -> Reduction:
    """What these programs reduce to."""
    through = [program for program in programs if program.reaches]
    return Reduction(
        frozenset(op for program in through for op in program.ops),
        frozenset(program.op for program in through),
        frozenset(program.op for program in programs),
    )


def reductions(programs: Iterable[Program]) -> Mapping[str, Reduction]:
    """Those of the whole registry, of the plain calls, and of each family."""
    rows: dict[str, list[Program]] = {REGISTRY: [], PLAIN: []}
    families: dict[str, list[Program]] = defaultdict(list)
    for program in programs:
        rows[REGISTRY].append(program)
        families[program.family].append(program)
        if program.is_plain:
            rows[PLAIN].append(program)
    return {name: reduction(own) for name, own in (*rows.items(), *sorted(families.items()))}


def text(of: Surface, named: Mapping[Road, str]) -> str:
    """A table: a row for the registry, its plain calls and each family, a column for each road."""
    found = {road: reductions(of.programs[road]) for road in of.roads}
    names = dict.fromkeys(name for each in found.values() for name in each)
    rows = [[name, *(str(found[road].get(name, "")) for road in of.roads)] for name in names]
    return as_table(rows, ["ops at the contract (of/)", *(named[road] for road in of.roads)])
