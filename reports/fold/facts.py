"""What `--where` may ask of the records of an op: the values of each field, as `harness.records.query` takes them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from harness.cases.road import FIELDS
from harness.records.journal import Record
from harness.records.outcome import NotExecuted, Outcome, Passed, Wrong
from harness.records.query import NO, YES, Facts
from harness.records.severity import severity
from harness.records.signature import signature
from reports.index.op_records import OpRecords

from .failures import failures
from .status import FAILING, NEVER, STATUSES, counted_name, decide

STATUS_NAMES = tuple(status.name for status in STATUSES if status is not NEVER)
"""The values of the field `status`: a cell that was never run has no sample to select."""
_DIALECT = "torch."


def facts(of: OpRecords, fields: Collection[str]) -> Iterator[Facts]:
    """The values of these fields, for each record in turn.

    `status` is that of the record's cell, of one dtype, as the records given make it. `severity` is that of a record
    which fails. `culprit` is the op at fault as the torch dialect has it, and as PyTorch has it. `executor` are all
    that the result names: those that ran the module, and those that say why they cannot. `cause` is the cluster.
    """
    asked = values(of, fields)
    for record in of.records:
        yield {field: value(record) for field, value in asked.items()}


def values(of: OpRecords, fields: Collection[str]) -> Mapping[str, Callable[[Record], Sequence[str]]]:
    """What gives the values of each of these fields for a record of the op; see `facts`."""
    status = _status(of) if "status" in fields else {}
    causes = {id(f.record): f.key.id for f in failures(of)} if "cause" in fields else {}
    every: Mapping[str, Callable[[Record], Sequence[str]]] = {
        "op": lambda r: (r.op,),
        "family": lambda r: (r.family,),
        "backend": lambda r: (r.backend,),
        "mode": lambda r: (r.mode,),
        "dtype": lambda r: (r.dtype,),
        **{field: lambda r, field=field: r.road.facts[field] for field in FIELDS},  # type: ignore[misc]
        "plain": lambda r: (YES if r.plain else NO,),
        "id": lambda r: (r.id,),
        "outcome": lambda r: (type(r.outcome).__name__, counted_name(r.outcome)),
        "stage": lambda r: (r.stage,),
        "culprit": _culprits,
        "trait": lambda r: r.traits,
        "severity": lambda r: _severity(of, r),
        "status": lambda r: (status[r.backend, r.full_mode, r.dtype],),
        "executor": lambda r: executors(r.outcome),
        "cause": lambda r: (causes[id(r)],) if id(r) in causes else (),
    }
    return {field: value for field, value in every.items() if field in fields}


def _status(of: OpRecords) -> Mapping[tuple[str, str, str], str]:
    """The status of each of the op's cells."""
    outcomes = defaultdict(set)
    for r in of.records:
        outcomes[r.backend, r.full_mode, r.dtype].add(counted_name(r.outcome))
    return {cell: decide(names).name for cell, names in outcomes.items()}


def _severity(of: OpRecords, r: Record) -> Sequence[str]:
    return (severity(r, of.plain_calls.get(r.full_mode)),) if counted_name(r.outcome) in FAILING else ()


def _culprits(record: Record) -> Sequence[str]:
    name = signature(record.outcome, record.backend).culprit
    return tuple(dict.fromkeys((name, name.removeprefix(_DIALECT)))) if name else ()


def executors(outcome: Outcome) -> Sequence[str]:
    """The executors that an outcome names."""
    match outcome:
        case Passed(executors=right, dissent=dissent):
            return (*right, *dissent)
        case Wrong(executor=executor, confirmed=confirmed, others=others):
            return (executor, *confirmed, *others)
        case NotExecuted(reasons=reasons):
            return tuple(reasons)
        case _:
            return ()
