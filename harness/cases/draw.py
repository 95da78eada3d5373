"""The census of a cell, and the minimising of a sample that fails: the two places where hypothesis runs."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

from .case import OpCase
from .dtypes import ODD, UNSIGNED
from .generation import generate
from .literal import finite, simpler
from .numeric import Composite
from .other_samples import alike, seeded, with_values
from .plain import plain_call
from .profile import Profile
from .richness import element_counts, has_elements, richness
from .sample import LAYOUTS, Arg, Layout, Mode, Sample, TensorSpec, Values, dumps, map_leaves, map_tensors, tensors
from .stratification import stratify
from .structure import structure
from .traits import traits

if TYPE_CHECKING:
    from hypothesis import settings


_REDRAW = 4
"""How many times as many programs are drawn if none of the first ones has elements to compare."""


_FEW = 2
"""So many programs cannot cover ranks and sizes."""
_SPECIAL = 4
"""The most special values that a fill brings into a tensor: two ends, a subnormal number, -0.0."""


def census(case: OpCase, dtype: str, mode: Mode, size: Profile, seed: int) -> tuple[Sample, ...]:
    """The samples of one cell: a deterministic set, stratified over the traits, all of them to be run.

    1. Programs are drawn, and picked greedily so that as many of the drawn traits as possible occur. Of a dtype that
       lowers in its own ways the first is like the plain call.
    2. Each program is filled in the case's first way, as a rule with mixed values.
    3. The richest program is filled in each other way too; for the first dtype, every program that has elements is. For
       another dtype it is filled again where a tensor has no room for all special values at once.
    4. The plain call of the first dtype, and in static mode the richest program, are filled once more in each other
       way, and on either side of 0, which shows a maximum that wrongly starts from 0. So is the richest one of an
       unsigned dtype, where the sides are halves of the range. To run a program again costs little.
    5. The plain call, which has the first dtype, comes in front: nothing has hung before it, so it has all its time. No
       other program is picked for the structure that it shows.
    6. The case's explicit samples follow, then what is kept for the cell, if the profile has it: calls of OpInfo,
       injected samples, and in the nightly those that it alone has room for.
    """
    first = dtype == case.dtypes[0]
    count = draw_count(case, dtype, mode, size)
    drawn = draw_programs(case, dtype, mode, seed, count)
    if not any(map(has_elements, drawn)):  # by chance, or because the case draws degenerate samples only
        drawn = draw_programs(case, dtype, mode, seed, _REDRAW * count)
    plain = plain_call(case, mode, dtype)
    picked = [laid_out(case, sample) for sample in _picked(case, dtype, mode, size, plain, drawn)]
    fills = math.ceil(size.samples / max(1, len(picked)))
    out = [with_values(seeded(sample, fill), case.values[0]) for sample in picked for fill in range(fills)]
    rich = sorted(filter(has_elements, picked), key=richness, reverse=True) or picked
    out += [with_values(sample, values) for sample in (rich if first else rich[:1]) for values in case.values[1:]]
    again = [seeded(s, fill) for s in ([] if first else rich[:1]) for fill in range(1, _refills(s))]
    out += [s for sample in again for values in case.values[1:] if (s := with_values(sample, values)).values == values]
    own = [plain] if plain and first else []
    most = size.refilled if first and mode == "static" else min(size.refilled, 1)
    refilled = [*own, *rich][:most] if first or dtype in UNSIGNED else ()
    out += [with_values(seeded(sample, 1), values) for sample in refilled for values in case.ways[1:]]
    kept = (*(case.picks() if size.picks else ()), *(case.nightly() if size.nightly else ()))
    out += (*case.explicit(dtype, mode), *(s for s in kept if (s.dtype, s.mode) == (dtype, mode)))
    return tuple({s.id: s for s in (*own, *out)}.values())


def _picked(
    case: OpCase, dtype: str, mode: Mode, size: Profile, plain: Sample | None, drawn: list[Sample]
) -> list[Sample]:
    """The programs of a cell, of those that were drawn; `plain` is the like of the plain call."""
    wanted, most = size.programs(case, dtype, mode), programs_at_most(case, dtype, mode, size)
    shown = structure(plain) if plain else set()
    if plain and tensors(plain.args) and dtype in ODD and dtype != case.dtypes[0] and wanted < most:
        more = stratify(drawn, 0, most - 1, structure=structure, shown=shown | set(traits(plain)))
        return [plain, *more]
    return stratify(drawn, wanted, most, structure=structure, shown=shown)


def _refills(sample: Sample) -> int:
    """How often a program is filled in one way, so that its smallest tensor holds each special value."""
    return min(math.ceil(_SPECIAL / max(min(element_counts(sample), default=_SPECIAL), 1)), _SPECIAL)


def laid_out(case: OpCase, sample: Sample) -> Sample:
    """A static sample of another dtype than the first with a layout for each of its tensors.

    Each dtype has others, so that a few dtypes show all of them. Tensors with a structure are not expanded. Samples for
    which the case draws layouts keep theirs, as do arguments that the case says cannot have the layout (`untried`).
    """
    turn = case.dtypes.index(sample.dtype) if sample.dtype in case.dtypes else 0
    if sample.mode == "dynamic" or not turn or any(t.layout != "contiguous" for t in tensors(sample.args)):
        return sample
    args = {}
    for i, (name, arg) in enumerate(sample.args.items()):
        layout = LAYOUTS[1 + (turn + i) % (len(LAYOUTS) - 1)]
        if layout == "expanded" and any(math.prod(t.shape(sample.sizes)[1:]) < _SPECIAL for t in tensors(arg)):
            layout = "sliced"  # one row would have no room for special values
        args[name] = arg if case.why_untried(f"{name}:{layout}", sample.dtype) else _with_layout(arg, layout)
    return replace(sample, args=args)


def _with_layout(arg: Arg, layout: Layout) -> Arg:
    def leaf(arg: Arg) -> Arg:
        plain = isinstance(arg, TensorSpec) and (arg.fill.kind == "any" or layout != "expanded")
        return replace(arg, layout=layout) if plain else arg

    return map_leaves(arg, leaf)


def programs_at_most(case: OpCase, dtype: str, mode: Mode, size: Profile) -> int:
    """How many programs a cell's census has if each one more shows an attribute value or a structure."""
    wanted = size.programs(case, dtype, mode)
    if mode == "dynamic":
        return wanted
    if dtype == case.dtypes[0]:
        return max(wanted, size.most)
    if size.odd and _is_without_tensors(case):
        return max(wanted, size.first)
    return max(wanted, size.odd) if dtype in ODD else wanted


def _is_without_tensors(case: OpCase) -> bool:
    plain = plain_call(case, "static")
    return plain is not None and not tensors(plain.args)


def draw_count(case: OpCase, dtype: str, mode: Mode, size: Profile) -> int:
    """How many draws the programs of a cell are picked from; more where ranks and sizes are to be covered."""
    first = dtype == case.dtypes[0]
    wanted = size.programs(case, dtype, mode) if first else programs_at_most(case, dtype, mode, size)
    return (16 if wanted > _FEW else 8) * wanted + 2


def _settings(examples: int) -> settings:
    from hypothesis import HealthCheck, Phase, settings

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


def draw_programs(case: OpCase, dtype: str, mode: Mode, seed: int, examples: int) -> list[Sample]:
    """Distinct programs in the order drawn, the same ones at each call; in dynamic mode those with a dynamic dim."""
    programs: dict[str, Sample] = {}

    def collect(sample: Sample) -> None:
        programs.setdefault(sample.program, sample)

    generate(case.strategy(dtype, mode), collect, _settings(examples), _random(case, dtype, mode, seed))
    return [s for s in programs.values() if mode == "static" or s.dynamic]


def minimise(
    case: OpCase, sample: Sample, seed: int, size: Profile, fails: Callable[[Sample], bool], *, seconds: float
) -> Sample:
    """The smallest sample hypothesis finds that still fails like `sample`, within a budget of `seconds`.

    The draws of the census are replayed (same seed) until one has the sample's program. From there hypothesis shrinks;
    each candidate is filled as the sample is. Where no draw has the program, as with most plain calls and with every
    sample that was not drawn, hypothesis shrinks from the first draw that fails alike. Last, simpler values and fewer
    runs are tried. `fails` runs a sample and tells whether it fails in the same way.
    """
    from hypothesis import find
    from hypothesis.errors import Flaky, NoSuchExample

    deadline = time.monotonic() + seconds
    values = sample.values
    best = sample
    reached = False
    known: dict[str, bool] = {}

    def still_fails(candidate: Sample) -> bool:
        nonlocal best, reached
        candidate = alike(laid_out(case, candidate), sample)
        if not reached:
            reached = candidate.program == sample.program
            return reached
        candidate = with_values(candidate, values)
        if candidate.id not in known:  # when time is up, a known failure remains one: hypothesis replays its last find
            late = time.monotonic() > deadline or (candidate.mode == "dynamic" and not candidate.dynamic)
            known[candidate.id] = not late and fails(candidate)
            best = candidate if known[candidate.id] else best
        return known[candidate.id]

    def search() -> None:
        with suppress(NoSuchExample, Flaky):  # Flaky: a backend fails now and then; the last one that failed is kept
            find(
                case.strategy(sample.dtype, sample.mode),
                still_fails,
                settings=_settings(draw_count(case, sample.dtype, sample.mode, size)),
                random=_random(case, sample.dtype, sample.mode, seed),
            )

    if sample.origin == "census":
        search()
    if not reached:
        reached = True
        search()
        best = min(sample, best, key=lambda s: (sum(element_counts(s)), len(dumps(s))))
    return _simplify(best, fails, deadline, literals=not isinstance(case.numeric, Composite))


def _simplify(sample: Sample, fails: Callable[[Sample], bool], deadline: float, *, literals: bool) -> Sample:
    """Replace values by the simplest ones, layouts by the plain one, runs by a single one, each if it still fails.

    `literals`: those of literals too. The condition of a matrix, which a composition of steps may need, is not kept.
    """
    for candidate in (*_simpler_fills(sample), *(_simpler_literals(sample) if literals else ())):
        if time.monotonic() < deadline and fails(candidate):
            sample = candidate
            break
    plain = map_tensors(sample, lambda t: replace(t, layout="contiguous"))
    if plain != sample and time.monotonic() < deadline and fails(plain):
        sample = plain
    for run in sample.runs if len(sample.runs) > 1 else ():
        candidate = replace(sample, runs=(run,))
        if time.monotonic() < deadline and fails(candidate):
            return candidate
    return sample


def _simpler_fills(sample: Sample) -> Iterator[Sample]:
    """The sample with simpler values, the simplest first, where its tensors are filled and not written down."""
    if not any(t.fill.kind != "literal" for t in tensors(sample.args)):
        return
    order: tuple[Values, ...] = ("simple", "mixed")
    for values in order[: order.index(sample.values) if sample.values in order else None]:
        yield map_tensors(sample, lambda t, v=values: _filled(t, v))  # type: ignore[misc]


def _filled(spec: TensorSpec, values: Values) -> TensorSpec:
    return spec if spec.fill.kind == "literal" else replace(spec, fill=replace(spec.fill, values=values))


def _simpler_literals(sample: Sample) -> Iterator[Sample]:
    """The sample with simpler elements in its literals, without NaN and infinities first."""
    simple = {candidate.id: candidate for candidate in (finite(simpler(sample)), simpler(sample))}
    yield from (candidate for id, candidate in simple.items() if id != sample.id)
