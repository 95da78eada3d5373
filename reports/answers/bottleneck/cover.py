"""What a backend would have to add to cover what another covers, or all: at one level this set is forced."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.text import plural, tally
from reports.fold.programs import AT_LEAST, RIGHT, VERIFIED_ALL, Program

SHOWN = 12
ALL = "all"
LEGEND = (
    "Counted: the union of what programs miss: verified culprits and what the rest needs then; of a program that was\n"
    "not cut the op that is named, so `at least`. apart: programs that no op mends, or of which no op is known."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """What `backend` has to add to cover what `of` covers; that may be all.

    `programs` of those are not right on it: for `mendable` of them it is known what is missed, for `least` of these
    only what they stop at first; `apart` counts the others, by why.
    """

    backend: str
    of: str
    covered: int
    adds: frozenset[str]
    mendable: int
    least: int
    apart: Mapping[str, int]

    @property
    def programs(self) -> int:
        """How many programs are not right."""
        return self.mendable + sum(self.apart.values())

    def line(self, limit: int | None) -> str:
        """The set in one line, at most `limit` ops of it."""
        names = [name.replace("torch.", "") for name in sorted(self.adds)]
        more = f" and {len(names) - limit} more" if limit is not None and len(names) > limit else ""
        least = "at least " if self.least else ""
        what = "all" if self.of == ALL else f"all that {self.of} covers"
        head = f"{what} ({plural(self.covered, 'program')}): {least}{plural(len(names), 'op')}"
        mends = f" for {plural(self.mendable, 'program')}" + (f", {self.least} not cut" if self.least else "")
        apart = f"; apart: {tally(self.apart)}" if self.apart else ""
        return f"{head}{mends}{apart}" + (f": {', '.join(names[:limit])}{more}" if names else "")

    def json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {
            "backend": self.backend,
            "of": self.of,
            "covered": self.covered,
            "adds": sorted(self.adds),
            "mendable": self.mendable,
            "not_cut": self.least,
            "apart": dict(self.apart),
        }


def cover(programs: Iterable[Program], backend: str, of: str) -> Cover:
    """What a backend has to add to cover all programs, or those that are right on another backend."""
    covered = mendable = least = 0
    adds: set[str] = set()
    apart: Counter[str] = Counter()
    for program in programs:
        end = program.ends.get(backend)
        if end is None or (of != ALL and (of not in program.ends or program.ends[of].how != RIGHT)):
            continue
        covered += program.count
        if end.how in (VERIFIED_ALL, AT_LEAST):
            adds |= {*end.misses}
            mendable += program.count
            least += program.count * (end.how == AT_LEAST)
        elif end.how != RIGHT:
            apart[end.how] += program.count
    return Cover(
        backend=backend,
        of=of,
        covered=covered,
        adds=frozenset(adds),
        mendable=mendable,
        least=least,
        apart=dict(apart.most_common()),
    )


def covers(programs: Sequence[Program], backends: Sequence[str]) -> tuple[Cover, ...]:
    """Those of each backend: for each other backend, then for all."""
    return tuple(
        cover(programs, backend, of) for backend in backends for of in (*(b for b in backends if b != backend), ALL)
    )
