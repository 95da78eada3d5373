"""Which samples are kept of many: few that show as many traits as possible, in the census and in OpInfo's trace."""

from __future__ import annotations

from collections.abc import Callable, Set
from dataclasses import dataclass

from .richness import has_elements, richness
from .sample import Sample
from .structure import IDLE
from .traits import attributes, traits


def unstructured(sample: Sample) -> set[str]:
    """No structural traits."""
    return set()


def stratify(
    found: list[Sample],
    wanted: int,
    most: int = 0,
    *,
    structure: Callable[[Sample], set[str]] = unstructured,
    shown: Set[str] = frozenset(),
) -> list[Sample]:
    """`wanted` samples by greedy cover: each next one adds the most unseen traits; ties go to the richest.

    The first is the richest, and the next two have elements if any has: a degenerate sample has the most traits, but
    proves little. Then, up to `most` in all, those follow that add a trait of an argument without tensors, or else a
    structural trait. Among the `wanted` ones a trait of the first kind counts as seen only if the sample has elements.
    `structure` gives the structural traits, if there are to be any: they would crowd out what else the calls of a trace
    show. `shown` are traits that no sample has to add.
    """
    rest = [_Candidate.of(sample, structure(sample)) for sample in found]
    seen = set(shown)
    picked: list[Sample] = []
    while rest and len(picked) < max(wanted, most):
        rank = _ranking(len(picked), wanted)
        best = rest.pop(max(range(len(rest)), key=lambda i: (*rank(rest[i], rest[i].traits - seen), -i)))
        more = len(picked) >= wanted
        if more and not (best.attributes | best.structure) - seen:
            break
        picked.append(best.sample)
        seen |= best.traits if more or best.elements else best.traits - best.attributes
    return picked


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A sample with all that it is ranked by, which takes longer to find out than to compare.

    `traits` are all of them, those of `structure` included; `elements` says whether it has elements and the op has, as
    far as `structure` tells, something to do with them.
    """

    sample: Sample
    traits: set[str]
    attributes: set[str]
    structure: set[str]
    elements: bool
    richness: tuple[int, ...]

    @classmethod
    def of(cls, sample: Sample, structure: set[str]) -> _Candidate:
        every, elements = set(traits(sample)) | structure, has_elements(sample) and IDLE not in structure
        return cls(sample, every, attributes(sample), structure, elements, (elements, *richness(sample)))


Ranking = Callable[[_Candidate, set[str]], tuple[int, ...]]
"""From a candidate and its unseen traits to its rank; the one of the highest rank is picked next."""


def _ranking(picked: int, wanted: int) -> Ranking:
    """How to rank the candidates that are left once `picked` are picked."""
    if picked >= wanted:
        return _by_attributes
    return (_by_richness, _by_elements, _by_elements, _by_traits)[min(picked, 3)]


def _by_richness(candidate: _Candidate, unseen: set[str]) -> tuple[int, ...]:
    return (*candidate.richness, len(unseen))


def _by_elements(candidate: _Candidate, unseen: set[str]) -> tuple[int, ...]:
    return (candidate.elements, len(unseen), *candidate.richness)


def _by_attributes(candidate: _Candidate, unseen: set[str]) -> tuple[int, ...]:
    """First those with unseen traits of attributes, then of structure; among them by elements, then by how many."""
    new, structural = len(candidate.attributes & unseen), len(candidate.structure & unseen)
    return (min(new, 1), min(structural, 1), candidate.elements, new, structural, *candidate.richness)


def _by_traits(candidate: _Candidate, unseen: set[str]) -> tuple[int, ...]:
    return (len(unseen), *candidate.richness)
