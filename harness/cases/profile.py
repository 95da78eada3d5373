"""How much of each cell is sampled: the profiles by name."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from harness.errors import UnknownName

from .case import OpCase
from .dtypes import ODD
from .sample import Mode

Asks = Literal["never", "once", "always"]
"""On which failures a second opinion is asked for: none, the first of each way in which an op fails, or all."""
ASKS: tuple[Asks, ...] = get_args(Asks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """How much is sampled. A program is a sample without the values of its tensors: shapes and attributes.

    - `first`, `others`: programs in a census of a case's first dtype, and of each other dtype.
    - `samples`: programs are filled again, with other values, until a census has this many samples.
    - `most`: static programs of the first dtype at most, as long as each after the `first` shows a new attribute value
      or structure.
    - `odd`: the same for other dtypes that lower in ways of their own (`ODD`), if not 0. Then those of ops without
      tensors, where the dtype decides which numbers there may be, have `first` programs at most.
    - `refilled`: static programs of the first dtype that are filled once more in each way but the first; of an unsigned
      dtype, and in dynamic mode, one at most.
    - `left_out`: dtypes without cells; each is the counterpart of a measured one, as c128 is of c64.
    - `dynamic_first`: programs of the first dtype in dynamic mode; None for as many as `first`.
    - `static_others`, `dynamic_others`: other dtypes with static and with dynamic cells, None for all of them. Dynamic
      cells cost most to measure, and what a symbolic size breaks rarely depends on the dtype.
    - `opinfo`: OpInfo's samples in a cell, where they are asked for.
    - `picks`: whether a census has what is kept for it: calls of OpInfo, and samples that a facet was injected into.
    - `nightly`: whether it has what is kept for the nightly alone: each pair of dtypes that is promoted, and injected
      samples that rarely show anything else.
    - `blames`: whether to find which dim must be dynamic for a dynamic sample to fail, and the first wrong pass of a
      wrong sample.
    - `opinions`: on which failures a second opinion is asked for.
    - `minimise_seconds`, `minimise_total`: seconds to minimise one failure, and all that one pytest worker finds.
    """

    name: str
    first: int
    others: int
    samples: int = 1
    most: int = 0
    odd: int = 0
    refilled: int = 2
    left_out: tuple[str, ...] = ()
    dynamic_first: int | None = None
    static_others: int | None = None
    dynamic_others: int | None = None
    opinfo: int = 1
    picks: bool = False
    nightly: bool = False
    blames: bool = True
    opinions: Asks = "never"
    minimise_seconds: float = 0
    minimise_total: float = 0

    def says(self) -> str:
        """The sampling in words, for the journal's header."""
        static = "" if self.static_others is None else f"; static: first dtype and {self.static_others} more"
        dynamic = "all dtypes" if self.dynamic_others is None else f"first dtype and {self.dynamic_others} more"
        fewer = f", {self.dynamic_first} programs of the first" if self.dynamic_first else ""
        more = f" (to {self.most} where attributes have more values)" if self.most > self.first else ""
        without = f"; without {', '.join(self.left_out)}" if self.left_out else ""
        often = f", {self.samples} samples" if self.samples > 1 else ""
        odd = f" (to {self.odd} of {', '.join(ODD)})" if self.odd > self.others else ""
        programs = f"{self.first} programs a cell of an op's first dtype{more}, {self.others} of others{odd}{often}"
        kept = "; with kept samples" if self.picks else ""
        kept += "; with those of the nightly" if self.nightly else ""
        return f"{programs}{static}; dynamic: {dynamic}{fewer}{without}{kept}"

    def programs(self, case: OpCase, dtype: str, mode: Mode) -> int:
        """How many programs a cell's census has; fewer in dynamic mode, where each runs at several sizes."""
        if dtype != case.dtypes[0]:
            return self.others
        return self.first if mode == "static" else min(self.first, self.dynamic_first or self.first)

    def dtypes(self, case: OpCase, mode: Mode) -> tuple[str, ...]:
        """The dtypes that have cells.

        A hash of the op's name picks `static_others` or `dynamic_others` of the others, so that each has cells. The
        dtypes of explicit samples have cells in any case.
        """
        others = tuple(dtype for dtype in case.dtypes[1:] if dtype not in self.left_out)
        count = self.static_others if mode == "static" else self.dynamic_others
        if count is not None and others:
            start = int(hashlib.sha256(case.op.encode()).hexdigest(), 16) % len(others)
            others = tuple(others[(start + i) % len(others)] for i in range(min(count, len(others))))
        taken = {case.dtypes[0], *others, *(dtype for dtype in case.dtypes if case.explicit(dtype, mode))}
        return tuple(dtype for dtype in case.dtypes if dtype in taken)


PROFILES: Mapping[str, Profile] = {
    p.name: p
    for p in (
        Profile(
            name="quick",
            first=1,
            others=1,
            refilled=0,
            left_out=("c128",),
            static_others=2,
            dynamic_others=0,
            blames=False,
        ),
        Profile(
            name="default",
            first=4,
            dynamic_first=2,
            most=12,
            others=1,
            odd=2,
            left_out=("c128",),
            dynamic_others=1,
            opinfo=3,
            picks=True,
            opinions="once",
            minimise_seconds=2,
            minimise_total=20,
        ),
        Profile(
            name="soak",
            first=10,
            others=5,
            samples=100,
            left_out=("c128",),
            dynamic_others=1,
            picks=True,
            nightly=True,
            blames=False,
        ),
        Profile(
            name="explore",
            first=6,
            others=3,
            opinfo=6,
            picks=True,
            nightly=True,
            opinions="always",
            minimise_seconds=5,
            minimise_total=300,
        ),
    )
}


def profile(name: str) -> Profile:
    """The profile of that name; raises UnknownName."""
    if name not in PROFILES:
        raise UnknownName("profile", name, PROFILES)
    return PROFILES[name]
