"""The census of a cell, and the shrinking of what it finds: where hypothesis is asked."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from random import Random

from hypothesis import HealthCheck, Phase, find, settings
from hypothesis.errors import Flaky, NoSuchExample

from harness.errors import UnknownName

from .case import OpCase
from .sample import Mode, Sample, SizeOf, Values, map_tensors, seeded, tensors, walk, with_values
from .traits import attributes, traits


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """How much is sampled.

    `first` and `others` are how many programs (shapes and attributes) a census has for a case's first dtype and for
    each other one, `dynamic_first` how many with a symbolic size, and `most` how many static ones where attributes
    have values that these do not show. They are filled anew until there are as many as `samples`; `refilled` of the
    first dtype's, one of a dynamic cell, are filled twice in each way that the case knows. `opinfo` is how many samples
    of OpInfo a cell has where they are asked for. `left_out` are dtypes without cells, each the
    twin of a measured one. `dynamic_others` is how many of the other dtypes have dynamic cells at all, None for every
    one: what a symbolic size breaks hinges on the dtype less than most, and costs most to measure. `blames` tells
    whether it is found out which dim has to be dynamic for a dynamic sample to fail, and after which pass a wrong one
    parts from eager; `thorough` whether every executor runs every sample, or only until one is right.
    `minimise_seconds` is for one failure, `minimise_total` for all that one pytest worker finds.
    """

    name: str
    first: int
    others: int
    samples: int = 1
    most: int = 0
    refilled: int = 2
    left_out: tuple[str, ...] = ()
    dynamic_first: int | None = None
    dynamic_others: int | None = None
    opinfo: int = 1
    blames: bool = True
    thorough: bool = False
    minimise_seconds: float = 0
    minimise_total: float = 0

    def says(self) -> str:
        """The sampling in words, for the journal's header."""
        dynamic = "all dtypes" if self.dynamic_others is None else f"first dtype and {self.dynamic_others} more"
        fewer = f", {self.dynamic_first} programs of the first" if self.dynamic_first else ""
        more = f" (to {self.most} where attributes have more values)" if self.most > self.first else ""
        without = f"; without {', '.join(self.left_out)}" if self.left_out else ""
        often = f", {self.samples} samples" if self.samples > 1 else ""
        programs = f"{self.first} programs a cell of an op's first dtype{more}, {self.others} of others{often}"
        return f"{programs}; dynamic: {dynamic}{fewer}{without}"

    def programs(self, case: OpCase, dtype: str, mode: Mode) -> int:
        """How many programs a cell's census has; a dynamic one is run at several sizes anyway."""
        if dtype != case.dtypes[0]:
            return self.others
        return self.first if mode == "static" else min(self.first, self.dynamic_first or self.first)

    def dtypes(self, case: OpCase, mode: Mode) -> tuple[str, ...]:
        """The dtypes that have cells; in dynamic mode the others are dealt out by op, so that every one occurs."""
        others = tuple(dtype for dtype in case.dtypes[1:] if dtype not in self.left_out)
        if mode == "static" or self.dynamic_others is None or not others:
            return (case.dtypes[0], *others)
        start = int(hashlib.sha256(case.op.encode()).hexdigest(), 16) % len(others)
        taken = {others[(start + i) % len(others)] for i in range(self.dynamic_others)}
        return (case.dtypes[0], *(dtype for dtype in others if dtype in taken))


PROFILES: Mapping[str, Profile] = {
    p.name: p
    for p in (
        Profile(name="quick", first=1, others=1, refilled=0, left_out=("c128",), dynamic_others=0, blames=False),
        Profile(
            name="default",
            first=4,
            dynamic_first=2,
            most=8,
            others=1,
            left_out=("c128",),
            dynamic_others=1,
            opinfo=3,
            minimise_seconds=2,
            minimise_total=20,
        ),
        Profile(name="soak", first=10, others=5, samples=100, left_out=("c128",), dynamic_others=1, blames=False),
        Profile(name="nightly", first=40, others=12, opinfo=6, thorough=True, minimise_seconds=20, minimise_total=1800),
    )
}


MORE = 4
"""Times as many draws where the first ones hold nothing to compare."""


def profile(name: str) -> Profile:
    """The profile of that name; raises UnknownName."""
    if name not in PROFILES:
        raise UnknownName("profile", name, PROFILES)
    return PROFILES[name]


def census(case: OpCase, dtype: str, mode: Mode, size: Profile, seed: int) -> tuple[Sample, ...]:
    """The samples of one cell: a deterministic set, stratified over the traits, all of them to be run.

    Programs are drawn and picked greedily so that each trait that was drawn occurs; each program comes with mixed
    values, and the richest one in each of the case's other ways of filling too; in the cells of the first dtype, which
    tell most, each one that has elements. The richest of the first dtype are filled anew in all of these ways,
    and on either side of 0, where a maximum that starts from 0 shows: to run a program again costs little.
    """
    wanted = size.programs(case, dtype, mode)
    first = dtype == case.dtypes[0]
    main = first and mode == "static"
    drawn = _drawn(case, dtype, mode, seed, _examples(wanted))
    if not any(map(_solid, drawn)):  # bad luck, or a case whose samples all are degenerate
        drawn = _drawn(case, dtype, mode, seed, MORE * _examples(wanted))
    picked = stratify(drawn, wanted, size.most if main else 0)
    fills = math.ceil(size.samples / max(1, len(picked)))
    out = [with_values(seeded(sample, fill), case.values[0]) for sample in picked for fill in range(fills)]
    rich = sorted(filter(_solid, picked), key=_richness, reverse=True) or picked
    out += [with_values(sample, values) for sample in (rich if first else rich[:1]) for values in case.values[1:]]
    again = rich[: size.refilled if main else min(size.refilled, 1)] if first else ()
    out += [with_values(seeded(sample, 1), values) for sample in again for values in case.ways[1:]]
    return tuple({s.id: s for s in out}.values())


def _examples(wanted: int) -> int:
    """How many draws the programs are picked from."""
    return 8 * wanted + 2


def _settings(examples: int) -> settings:
    return settings(
        max_examples=examples,
        database=None,
        deadline=None,
        derandomize=False,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )


def _random(case: OpCase, dtype: str, mode: Mode, seed: int) -> Random:
    key = f"{case.op} {dtype} {mode} {seed}".encode()
    return Random(int.from_bytes(hashlib.sha256(key).digest()[:8], "big"))


def _drawn(case: OpCase, dtype: str, mode: Mode, seed: int, examples: int) -> list[Sample]:
    """Distinct programs in the order drawn, the same ones at each call."""
    found: dict[str, Sample] = {}

    def note(sample: Sample) -> bool:
        found.setdefault(sample.program, sample)
        return False

    with suppress(NoSuchExample):
        find(case.strategy(dtype, mode), note, settings=_settings(examples), random=_random(case, dtype, mode, seed))
    return [s for s in found.values() if mode == "static" or s.dynamic]


def stratify(drawn: list[Sample], wanted: int, most: int = 0) -> list[Sample]:
    """`wanted` samples by greedy cover: each next one adds most traits unseen; ties go to the richest.

    The first one is that which can show most, and so can the next two: what is degenerate has most traits, but proves
    little. There are more of them, up to `most`, while one adds a trait of an argument that is no tensor. Such a trait
    is seen where there are elements.
    """
    rest = [(sample, set(traits(sample))) for sample in drawn]
    seen: set[str] = set()
    picked: list[Sample] = []
    while rest and len(picked) < max(wanted, most):
        order = _order(len(picked), wanted)
        sample, has = rest.pop(max(range(len(rest)), key=lambda i: (*order(rest[i][0], rest[i][1] - seen), -i)))
        more = len(picked) >= wanted
        if more and not attributes(sample) - seen:
            break
        picked.append(sample)
        seen |= has if more or _solid(sample) else has - attributes(sample)
    return picked


Order = Callable[[Sample, set[str]], tuple[int, ...]]


def _order(picked: int, wanted: int) -> Order:
    """By what the next sample is picked, after so many."""
    if picked >= wanted:
        return _showing
    return (_richest, _covering_solid, _covering_solid, _covering)[min(picked, 3)]


def _richest(sample: Sample, traits: set[str]) -> tuple[int, ...]:
    return (*_richness(sample), len(traits))


def _covering_solid(sample: Sample, traits: set[str]) -> tuple[int, ...]:
    return (_solid(sample), len(traits), *_richness(sample))


def _showing(sample: Sample, traits: set[str]) -> tuple[int, ...]:
    """What shows new values of attributes, most of them on elements."""
    new = len(attributes(sample) & traits)
    return (min(new, 1), _solid(sample), new, *_richness(sample))


def _covering(sample: Sample, traits: set[str]) -> tuple[int, ...]:
    return (len(traits), *_richness(sample))


def _solid(sample: Sample) -> bool:
    """Whether every tensor, and every size that is asked for, has elements, and some more than one."""
    counts = _counts(sample)
    return min(counts, default=0) > 0 and max(counts) > 1


def _counts(sample: Sample) -> list[int]:
    """The elements of each tensor, and the sizes that are asked for."""
    asked = [sample.sizes[leaf.dim] for leaf in walk(sample.args) if isinstance(leaf, SizeOf)]
    return [math.prod(t.shape(sample.sizes)) for t in tensors(sample.args)] + asked


def _richness(sample: Sample) -> tuple[int, ...]:
    """How much a sample can show: dynamic dims, two or more larger than 1, some alike, full lists, many elements."""
    large = sum(n > 1 for n in sample.sizes.values())
    solid, dynamic, alike = _solid(sample), len(sample.dynamic), min(_alike(sample), 4)
    return (solid, dynamic, min(large, 2), alike, _listed(sample), sum(_counts(sample)))


def _alike(sample: Sample) -> int:
    """Dims whose size another one of the tensor has, where a transposition keeps the shape; most telling above 2."""

    def alike(shape: tuple[int, ...]) -> int:
        return sum(min(n - 1, 2) for i, n in enumerate(shape) if n > 1 and n in shape[:i])

    return sum(alike(t.shape(sample.sizes)) for t in tensors(sample.args))


def _listed(sample: Sample) -> int:
    """What lists hold besides 0: pads, strides and dims, each of which a lowering may take for another one."""
    lists = (arg for arg in sample.args.values() if isinstance(arg, tuple))
    return sum(min(abs(n), 2) for held in lists for n in held if isinstance(n, int))


def minimise(
    case: OpCase, sample: Sample, seed: int, size: Profile, fails: Callable[[Sample], bool], *, seconds: float
) -> Sample:
    """The smallest sample hypothesis finds that still fails like `sample`, within a time budget.

    The draws of the census are replayed (same seed) until the sample's program comes by; from there hypothesis
    shrinks, keeping the sample's way of filling; last, simpler values are tried. `fails` runs a sample.
    """
    deadline = time.monotonic() + seconds
    values = sample.values
    best = sample
    reached = False
    known: dict[str, bool] = {}

    def still(candidate: Sample) -> bool:
        nonlocal best, reached
        if not reached:
            reached = candidate.program == sample.program
            return reached
        candidate = with_values(candidate, values)
        if candidate.id not in known:  # what is known stays so when time is up: hypothesis replays its last find
            late = time.monotonic() > deadline or (candidate.mode == "dynamic" and not candidate.dynamic)
            known[candidate.id] = not late and fails(candidate)
            best = candidate if known[candidate.id] else best
        return known[candidate.id]

    with suppress(NoSuchExample, Flaky):  # flaky: a backend that fails now and then; what it did fail on is kept
        find(
            case.strategy(sample.dtype, sample.mode),
            still,
            settings=_settings(_examples(size.programs(case, sample.dtype, sample.mode))),
            random=_random(case, sample.dtype, sample.mode, seed),
        )
    return _simpler(best, fails, deadline)


def _simpler(sample: Sample, fails: Callable[[Sample], bool], deadline: float) -> Sample:
    """Simplest values first, then fewest runs: what still fails is kept."""
    order: tuple[Values, ...] = ("simple", "mixed")
    for values in order:
        if values == sample.values or time.monotonic() > deadline:
            break
        candidate = map_tensors(sample, lambda t, v=values: replace(t, fill=replace(t.fill, values=v)))  # type: ignore[misc]
        if fails(candidate):
            sample = candidate
            break
    for run in sample.runs if len(sample.runs) > 1 else ():
        candidate = replace(sample, runs=(run,))
        if time.monotonic() < deadline and fails(candidate):
            return candidate
    return sample
