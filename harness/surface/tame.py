"""What eager takes and the census of a case never holds: found by trying.

For each facet that no sample of the census holds, samples that have it are made: more draws of the case's strategy, and
the census's own samples with the facet injected. Eager is asked whether it takes one and agrees with itself in float64.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal

from harness.cases.argument_facets import Dtypes, Inferred, Option, argument_facets, dtype_facets, pair_facets
from harness.cases.case import OpCase
from harness.cases.draw import census, draw_programs
from harness.cases.dtypes import DTYPES
from harness.cases.facets import Facet, Kind, Undefined, shape_facets, specs
from harness.cases.numeric import ShapeOnly
from harness.cases.profile import Profile
from harness.cases.sample import Mode, Sample, tensors
from harness.programs.materialize import materialize
from harness.programs.value_facets import Equal, Value, held, is_index, specials

from .asking import Ask, Reply

State = Literal["tame", "refuted", "named", "nightly", "refuses", "differs", "edge", "unjudged", "dies", "untried"]
"""What became of a facet that the census does not hold.

- `tame`: eager takes a call that has it, and agrees with float64.
- `refuted`: so it does, though the case gives a reason why it cannot be judged.
- `named`: the case gives a reason, and no call shows that it is wrong.
- `nightly`: the nightly's census holds it.
- `refuses`, `differs`, `edge`, `unjudged`, `dies`: eager takes no call that has it, or does not agree with float64, or
  a roundoff of the inputs decides its result, or the control does not pass it, or eager dies of it. It counts as dying
  if eager reads or writes outside of the arguments, at an index that it does not check.
- `untried`: no call that has it could be made.
"""
LISTED: tuple[State, ...] = ("tame", "refuted")
UNDRAWN: tuple[Literal["dies", "unjudged", "edge", "differs", "refuses"], ...] = (
    "dies",
    "unjudged",
    "edge",
    "differs",
    "refuses",
)
"""What may become of the calls of a facet that eager does not take, the most telling first."""
DRAWS: dict[Mode, int] = {"static": 30, "dynamic": 15}
"""How many more programs are drawn."""
DONORS = 3
"""About so many of the samples that hold a facet eager is asked."""
BASES = 2
"""Into so many samples of one dtype a facet is injected."""
OTHERS = 2
"""Into a sample of so many other dtypes each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lack:
    """A facet that the census does not hold; `dtype` is "" unless each dtype has the facet for itself.

    `reason` is the case's; `sample` shows that eager takes such a call.
    """

    op: str
    kind: Kind
    facet: str
    dtype: str
    state: State
    reason: str = ""
    sample: Sample | None = None


@dataclass(slots=True)
class Drawn:
    """What a case draws: its censuses, and more programs of its first dtype.

    `nightly` are the samples that the nightly alone has. `programs` are the distinct programs among the static samples
    that have elements, each as its first sample, in their order.
    """

    case: OpCase
    dtypes: tuple[str, ...]
    census: list[Sample]
    more: list[Sample]
    nightly: list[Sample] = field(default_factory=list)
    programs: list[Sample] = field(init=False)

    def __post_init__(self) -> None:
        firsts: dict[str, Sample] = {}
        for s in self.census:
            if s.mode == "static" and all(all(t.shape(s.sizes)) for t in tensors(s.args)):
                firsts.setdefault(s.program, s)
        self.programs = list(firsts.values())

    @classmethod
    def of(cls, case: OpCase, size: Profile, seed: int) -> Drawn:
        """Draw the censuses of a case in a profile with this seed, and more with the next one."""
        cells = [(mode, dtype) for mode in case.modes() for dtype in size.dtypes(case, mode)]
        samples = [s for mode, dtype in cells for s in census(case, dtype, mode, size, seed)]
        first = case.dtypes[0]
        more = [s for mode in case.modes() for s in draw_programs(case, first, mode, seed + 1, DRAWS[mode])]
        dtypes = tuple(dict.fromkeys(dtype for _, dtype in cells))
        return cls(case, dtypes, samples, more, list(case.nightly()))


def lacks(drawn: Drawn, options: Sequence[Option], opinfo: Sequence[Sample], ask: Ask) -> list[Lack]:
    """Try every facet that the censuses of a case do not hold.

    `options` are the op's optional arguments, `opinfo` its samples of OpInfo.
    """
    return [tried(drawn, facet, ask) for facet in missing(drawn, options, opinfo)]


def missing(drawn: Drawn, options: Sequence[Option], opinfo: Sequence[Sample]) -> list[Facet]:
    """The facets that the censuses of a case do not hold, whether or not eager takes them."""
    found = [f for f in _facets(drawn, options, opinfo) if not any(map(f.holds, drawn.census))]
    return found + _missing_values(drawn)


def _facets(drawn: Drawn, options: Sequence[Option], opinfo: Sequence[Sample]) -> Iterator[Facet]:
    """Every facet of the case's calls but those of the elements of tensors."""
    samples = (*drawn.census, *drawn.more)
    yield from shape_facets(list(dict.fromkeys(n for s in samples for n, arg in s.args.items() if tensors(arg))))
    yield from argument_facets(samples, options)
    yield from dtype_facets(samples, drawn.dtypes, [name for name in DTYPES if name != "c128"])
    yield from pair_facets(options, opinfo)


def _missing_values(drawn: Drawn) -> list[Facet]:
    """The facets of the elements of tensors that the censuses do not hold, of each dtype that an argument has."""
    values: dict[tuple[str, str], set[str]] = {}
    equal: dict[Equal, bool] = {}
    for sample in drawn.census:
        for argument in sample.args:
            for spec in specs(sample, argument):
                lacking = values.setdefault((argument, spec.dtype), set(specials(spec.dtype)))
                pair = Equal(argument, "duplicate" if is_index(spec) else "tie")
                if lacking:
                    lacking -= {name for run in sample.runs for name in held(materialize(spec, run))}
                equal[pair] = equal.get(pair, False) or pair.holds(sample)
    if isinstance(drawn.case.numeric, ShapeOnly):
        return []
    found: list[Facet] = [Value(a, d, name) for (a, d), rest in values.items() for name in sorted(rest)]
    return found + [pair for pair, holds in equal.items() if not holds]


def tried(drawn: Drawn, facet: Facet, ask: Ask) -> Lack:
    """Ask eager about calls that have the facet, until it takes one and agrees with float64."""
    dtype = facet.dtype if isinstance(facet, Value) else ""
    if any(map(facet.holds, drawn.nightly)):
        return Lack(op=drawn.case.op, kind=facet.kind, facet=facet.name, dtype=dtype, state="nightly")
    reason = drawn.case.why_untried(facet.name, dtype) or ""
    if isinstance(reason, Undefined):
        return Lack(op=drawn.case.op, kind=facet.kind, facet=facet.name, dtype=dtype, state="named", reason=reason)
    replies: set[Reply] = set()
    shown = None
    for sample, like in _calls(drawn, facet):
        reply = ask(sample, like)
        replies.add(reply)
        if reply == "agrees":
            shown = sample
            break
    state: State = next((s for s in UNDRAWN if s in replies), "untried")
    if shown:
        state = "refuted" if reason else "tame"
    elif reason:
        state = "named"
    return Lack(
        op=drawn.case.op, kind=facet.kind, facet=facet.name, dtype=dtype, state=state, reason=reason, sample=shown
    )


def _calls(drawn: Drawn, facet: Facet) -> Iterator[tuple[Sample, Sample | None]]:
    """Calls that have a facet, each with the sample whose result it must have, if any."""
    if not isinstance(facet, (Value, Equal)):
        yield from ((sample, None) for sample in islice(filter(facet.holds, drawn.more), DONORS))
    for base in _bases(drawn, facet):
        for sample in facet.injected(base):
            if facet.holds(sample):
                yield sample, base if facet.same_result else None


def _bases(drawn: Drawn, facet: Facet) -> Iterator[Sample]:
    """Samples to inject a facet into: some of one dtype and, where it is not the facet's own, one each of others."""
    match facet:
        case Inferred():
            return iter((*drawn.census, *drawn.more))
        case Value(argument, dtype):
            having = (s for s in drawn.programs if any(t.dtype == dtype for t in specs(s, argument)))
            return islice(having, BASES)
        case Dtypes(first):
            several = [s for s in drawn.programs if len(tensors(s.args)) > 1]
            return iter(sorted(several, key=lambda s: (s.dtype != first, s.dtype != drawn.dtypes[0]))[:BASES])
        case _:
            return iter(_spread(drawn))


def _spread(drawn: Drawn) -> list[Sample]:
    """Some programs of the first dtype, and one of each of some other dtypes."""
    main = [s for s in drawn.programs if s.dtype == drawn.dtypes[0]][:BASES]
    others = {s.dtype: s for s in reversed(drawn.programs) if s.dtype != drawn.dtypes[0]}
    return main + [others[dtype] for dtype in drawn.dtypes if dtype in others][:OTHERS]
