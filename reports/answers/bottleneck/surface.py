"""The programs of several journals, by road."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.cases.road import DEFAULT, Road
from reports.fold.programs import Levels, Program, Shown, load
from reports.index.index import Index


@dataclass(frozen=True, slots=True)
class Surface:
    """By road its programs, and what cutting has shown of their ops; excluded samples are no programs.

    `samples` has the same programs, those of the same samples at each level together, as far as one journal has them.
    `left_out` is how many ops on a road, in a mode, an earlier journal has too: only the first counts.
    """

    programs: Mapping[Road, Sequence[Program]]
    shown: Mapping[Road, Sequence[Shown]]
    samples: Sequence[Levels] = ()
    left_out: int = 0

    @property
    def roads(self) -> tuple[Road, ...]:
        """The roads that have programs, the default one first."""
        return tuple(sorted(self.programs, key=lambda road: (road != DEFAULT, str(road))))


def surface(indexes: Iterable[Index]) -> Surface:
    """The programs of these journals; of an op on a road, in a mode, those of the first journal that has it."""
    programs: dict[Road, list[Program]] = defaultdict(list)
    shown: dict[Road, list[Shown]] = defaultdict(list)
    first: dict[tuple[str, str, Road], int] = {}
    samples: list[Levels] = []
    again: set[tuple[int, str, str, Road]] = set()
    for place, index in enumerate(indexes):
        for op, own, seen in load(index):
            for levels in own:
                new = tuple(p for p in levels if first.setdefault((op, p.mode, p.road), place) == place)
                again |= {(place, op, p.mode, p.road) for p in levels if p not in new}
                samples += [new] if new else []
                for program in new:
                    programs[program.road].append(program)
            for one in seen:
                if first.get((op, one.mode, one.road)) == place:
                    shown[one.road].append(one)
    return Surface(programs, shown, samples, len(again))


def columns(programs: Iterable[Program], apart: Collection[str] = ()) -> tuple[str, ...]:
    """The backends that programs were measured on, sorted, but for those `apart`."""
    return tuple(sorted({backend for program in programs for backend in program.ends} - {*apart}))


def count(programs: Iterable[Program]) -> int:
    """How many samples these programs are."""
    return sum(program.count for program in programs)
