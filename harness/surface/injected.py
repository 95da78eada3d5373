"""Samples to keep for a case's census: calls that eager takes, with what the census never holds injected into them.

Few samples hold many facets: a sample is kept for a facet that no kept one holds, and the special values of an argument
come into one tensor where eager agrees with float64 on all of them at once. Not all fits into the default run. Every
pair of dtypes is too much: a census has one pair for each first dtype that lowers in ways of its own, another pair for
each op, and the nightly has all. What is not `OFTEN` worth its time, such as another rank or layout, is for the nightly
too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from harness.cases.argument_facets import Dtypes, Option
from harness.cases.dtypes import ODD
from harness.cases.facets import Facet, Kind
from harness.cases.promotions import Promotion, with_dtype
from harness.cases.sample import Sample, dumps, tensors
from harness.programs.value_facets import Value, holding

from .asking import Ask
from .tame import LISTED, Drawn, missing, tried

OFTEN: tuple[Kind, ...] = ("value", "dtypes", "argument", "dim")
"""Kinds of facets whose samples each run has time for. Of 776 ways in which ops were wrong or crashed in a run, those
of these kinds alone showed 163 in 12 % of its time, all others 22 in 9 %."""
ROUNDS = 4
"""An injected sample may bring in a dtype or an argument, of which other facets are missing then."""


@dataclass(frozen=True, slots=True)
class Injected:
    """What is to be kept of one op: samples for the census, and for the nightly."""

    samples: list[Sample] = field(default_factory=list)
    nightly: list[Sample] = field(default_factory=list)
    promotions: list[Promotion] = field(default_factory=list)


def injected(drawn: Drawn, options: Sequence[Option], opinfo: Sequence[Sample], ask: Ask) -> Injected:
    """What is to be kept so that the case's census holds all that eager takes."""
    kept = Injected()
    known: set[str] = set()
    for turn in range(ROUNDS):
        facets = [f for f in missing(drawn, options, opinfo) if _key(f) not in known]
        # what eager refused may pass with another sample of the first turn; pairs of dtypes are dealt out once
        known |= {_key(facet) for facet in facets if turn or isinstance(facet, Dtypes)}
        found = _of_round(drawn, facets, ask)
        kept.samples.extend(found.samples)
        kept.nightly.extend(found.nightly)
        kept.promotions.extend(found.promotions)
        if not found.samples and not found.nightly:
            break
        drawn = replace(drawn, census=[*drawn.census, *found.samples, *found.nightly])
    return kept


def _key(facet: Facet) -> str:
    return f"{facet.name} {facet.dtype}" if isinstance(facet, Value) else facet.name


def _of_round(drawn: Drawn, facets: Sequence[Facet], ask: Ask) -> Injected:
    """The samples that hold the facets which eager takes; the nightly has all pairs of dtypes."""
    values: dict[Value, Sample] = {}
    pairs: dict[Dtypes, Sample] = {}
    others: list[tuple[Facet, Sample]] = []
    for facet in facets:
        lack = tried(drawn, facet, ask)
        if lack.state not in LISTED or not lack.sample:
            continue
        sample = replace(lack.sample, origin="injected")
        match facet:
            case Value():
                values[facet] = sample
            case Dtypes():
                pairs[facet] = sample
            case _:
                others.append((facet, sample))
    others += [(pair, pairs[pair]) for pair in _one_each(drawn.case.op, pairs)]
    samples = [*_covering([one for one in others if one[0].kind in OFTEN]), *_together(values, ask)]
    nightly = [(f, s) for f, s in others if f.kind not in OFTEN and not any(map(f.holds, samples))]
    return Injected(samples, _covering(nightly), list(_promotions(pairs)))


def _promotions(pairs: dict[Dtypes, Sample]) -> Iterator[Promotion]:
    """The pairs as few samples: those that differ in the dtype of one tensor alone are one promotion."""
    groups: dict[tuple[str, int], tuple[Sample, list[str]]] = {}
    for pair, sample in pairs.items():
        dtypes = [t.dtype for t in tensors(sample.args)]
        index = dtypes.index(pair.second, dtypes.index(pair.first) + 1)
        key = (dumps(with_dtype(sample, index, pair.first)), index)
        groups.setdefault(key, (sample, []))[1].append(pair.second)
    for (_, index), (sample, seconds) in groups.items():
        yield Promotion(sample=with_dtype(sample, index, seconds[0]), tensor=index, dtypes=tuple(seconds))


def _one_each(op: str, pairs: dict[Dtypes, Sample]) -> Iterator[Dtypes]:
    """A pair for each first dtype of its own ways; which one depends on the op, so that a few ops show all of them."""
    start = int(hashlib.sha256(op.encode()).hexdigest(), 16)
    firsts = [dtype for dtype in dict.fromkeys(pair.first for pair in pairs) if dtype in ODD]
    for i, first in enumerate(firsts):
        having = [pair for pair in pairs if pair.first == first]
        yield having[(start + i) % len(having)]


def _covering(shown: Sequence[tuple[Facet, Sample]]) -> list[Sample]:
    """Of samples that show facets, some that hold all of them: each next one holds the most that none before holds."""
    left = set(range(len(shown)))
    holds = {s.id: (s, {i for i, (facet, _) in enumerate(shown) if facet.holds(s)}) for _, s in shown}
    picked: list[Sample] = []
    while left and holds:
        sample, held = max(holds.values(), key=lambda found: len(found[1] & left))
        if not held & left:
            break
        picked.append(sample)
        left -= held
    return picked


def _together(shown: dict[Value, Sample], ask: Ask) -> list[Sample]:
    """Samples that hold these special values, as few as eager agrees on."""
    groups: dict[tuple[str, str, str], list[Value]] = {}
    for facet, sample in shown.items():
        groups.setdefault((facet.argument, facet.dtype, sample.program), []).append(facet)
    return [sample for facets in groups.values() for sample in _merged(facets, shown, ask)]


def _merged(facets: Sequence[Value], shown: dict[Value, Sample], ask: Ask) -> list[Sample]:
    """One sample that holds these values of one tensor, or those for each half of them."""
    if len(facets) == 1:
        return [shown[facets[0]]]
    sample = holding(shown[facets[0]], facets)
    if sample and all(f.holds(sample) for f in facets) and ask(sample, None) == "agrees":
        return [sample]
    half = len(facets) // 2
    return _merged(facets[:half], shown, ask) + _merged(facets[half:], shown, ask)
