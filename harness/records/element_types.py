"""Which element types a dialect's specification has, and what that makes of samples that have others.

A sample is *outside* a dialect if an input, an attribute or a result of eager has an element type that the dialect
lacks. To refuse it, or to make IR of it that is not valid, is no fault of a lowering. Journals hold the fact, which is
`Unsupported` or `Invalid`; who judges it calls `judged` first. What is wrong, crashes or does not end stays what it is,
and so does an element type that a lowering itself brings into a program that has no such type.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from harness.cases.sample import DtypeArg, Sample, TensorSpec, walk

from .journal import Record
from .outcome import SHARED, Invalid, Outside, Unsupported

JUDGED = (Unsupported, Invalid)
"""The outcomes of which some become `Outside`."""
Known = Mapping[str, frozenset[str]]
"""By backend, the element types that its dialect has; a backend that is not in it has all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ElementTypes:
    """The element types of a dialect.

    `types` maps the short names of dtypes (`harness/cases/dtypes.py`) to the profiles or extensions of the
    specification that have them, or to "" where it has no such parts. `source` says where that is written.
    """

    types: Mapping[str, str]
    source: str

    def json(self) -> dict[str, Any]:
        """The same as JSON values, as the journal's header has them."""
        return {"types": dict(self.types), "source": self.source}


def known_types(header: Mapping[str, Any]) -> Known:
    """The element types by backend that the header of a journal names; none in journals older than the key."""
    return {backend: frozenset(said["types"]) for backend, said in header.get("element_types", {}).items()}


def judged(record: Record, known: Known) -> Record:
    """The record, with the outcome `Outside` if its sample is outside the backend's dialect."""
    outcome = record.outcome
    if not isinstance(outcome, JUDGED) or record.sample is None or record.backend not in known:
        return record
    if outcome.stage in SHARED:
        return record
    lacking = [name for name in (*element_types(record.sample), *record.results) if name not in known[record.backend]]
    if not lacking:
        return record
    which = ", ".join(dict.fromkeys(lacking))
    return replace(record, outcome=Outside(outcome.stage, which, type(outcome).__name__, outcome.diagnostic))


def element_types(sample: Sample) -> tuple[str, ...]:
    """The element types of a sample's tensors and dtype arguments, in order and without repetitions."""
    leaves = walk(sample.args)
    found = (leaf.dtype if isinstance(leaf, TensorSpec) else _named(leaf) for leaf in leaves)
    return tuple(dict.fromkeys(name for name in found if name))


def _named(leaf: object) -> str:
    return leaf.name if isinstance(leaf, DtypeArg) else ""


def unseen(results: Iterable[str], sample: Sample) -> tuple[str, ...]:
    """The element types of eager's results that none of the sample's inputs and attributes has."""
    return tuple(name for name in dict.fromkeys(results) if name not in element_types(sample))
