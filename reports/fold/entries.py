"""What became of each cell, as an entry of a baseline or of the history has it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from harness.cases.road import FIELDS as ROAD
from harness.cases.road import split_mode
from harness.records import query
from harness.records.entry import End, Entry, census_hash, writable
from harness.records.journal import Record
from harness.records.signature import Signature, signature
from reports.index.index import Index
from reports.index.op_records import OpRecords

from .cell import CellRecords, cells_of, outcome_name
from .facts import STATUS_NAMES
from .status import APART, GOOD, decide

FOLD = "entries"
FIELDS = ("op", "family", "backend", "mode", "dtype", *ROAD, "outcome", "stage", "culprit", "status")
"""The fields of a query that an entry has; the others are of samples."""


def fold(of: OpRecords) -> list[Any]:
    """The family of an op, and of each of its cells backend, mode, dtype and what became of it."""
    cells = [part for cell in cells_of(of) for part in cell.by_dtype if part.records]
    return [of.family, [[cell.backend, cell.mode, cell.dtype, *_json(cell)] for cell in cells]]


def _json(cell: CellRecords) -> list[Any]:
    cleared = any(r.opinion and r.opinion.instead for r in cell.records)
    census, end = census_hash(r.id for r in cell.records), _end(cell.records, cell.names)
    if not cleared:
        return [census, end, None]
    judged = [_without_opinion(record) for record in cell.records]
    return [census, _end(judged, list(map(outcome_name, judged))), end]


def _without_opinion(record: Record) -> Record:
    """The record as it is where nobody can be asked for a second opinion."""
    return replace(record, outcome=record.opinion.instead) if record.opinion and record.opinion.instead else record


def _end(records: Sequence[Record], names: Sequence[str]) -> list[Any]:
    bad = {signature(r.outcome, r.backend) for r, name in zip(records, names, strict=True) if name not in GOOD}
    signatures = [[s.outcome, s.stage, s.culprit, s.kind] for s in sorted({*map(writable, bad)})]
    counts = Counter(names)
    good = sum(counts[name] for name in GOOD)
    return [decide(counts).name, good, len(names) - counts[APART], signatures]


def load(index: Index) -> Iterator[Entry]:
    """The entries of all cells that the index has, minimised samples aside, by op."""
    for op, (family, cells) in index.parts(FOLD):
        for backend, mode, dtype, census, plain, opinion in cells:
            end = _restored(*plain)
            entry = Entry(family=family, op=op, backend=backend, mode=mode, dtype=dtype, end=end, census=census)
            yield entry.with_opinion(_restored(*opinion)) if opinion else entry


def _restored(verdict: str, passed: int, total: int, signatures: Sequence[Sequence[str]]) -> End:
    return End(verdict, passed, total, tuple(Signature(*parts) for parts in signatures))


def selection(text: str, known: Mapping[str, Collection[str]]) -> Callable[[Entry], bool]:
    """Whether a query selects a cell, by any of its samples; an empty one selects all.

    `known` has the names of fields, as `query.parse` takes them. Raises BadQuery and UnknownName.
    """
    if not text:
        return lambda _: True
    parsed = query.parse(text, {"status": STATUS_NAMES, **known})
    if odd := sorted(parsed.fields - {*FIELDS}):
        raise query.BadQuery(f"{odd[0]}: is a field of samples, here are cells", hint=f"known: {', '.join(FIELDS)}")
    return lambda entry: parsed.may_hold(_facts(entry))


def _facts(entry: Entry) -> query.Facts:
    signatures = entry.end.signatures
    mode, road = split_mode(entry.mode)
    culprits = [s.culprit for s in signatures if s.culprit]
    return {
        "op": (entry.op,),
        "family": (entry.family,),
        "backend": (entry.backend,),
        "mode": (mode,),
        "dtype": (entry.dtype,),
        **road.facts,
        "outcome": [*(s.outcome for s in signatures), *(GOOD if entry.end.passed else ())],
        "stage": [s.stage for s in signatures],
        "culprit": [*culprits, *(name.removeprefix("torch.") for name in culprits)],
        "status": (entry.end.verdict,),
    }
