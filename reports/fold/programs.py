"""The programs of one op: which ops reach the contract, and what each backend still misses of them.

A program is a sample of the census on one road, in one mode. What a backend misses is what `failures` finds: verified
culprits with what the rest needs after them, else the op that the diagnostic names. A composition is missed as one,
`a with b`, since to mend either op alone was not shown to mend it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from harness.cases.other_samples import by
from harness.cases.road import DEFAULT, Road, split_mode
from harness.cases.sample import Sample
from harness.records.expectation import CONTROL
from harness.records.frontend import FRONTEND
from harness.records.journal import Record
from harness.records.outcome import Blocked, Excluded, Passed, Reached
from reports.index.index import Index
from reports.index.op_records import OpRecords

from .failures import VERIFIED, Failure, failures

FOLD = "programs"
RIGHT, VERIFIED_ALL, AT_LEAST, UNKNOWN, DECOMPOSED = "right", "verified", "at least", "unknown", "decomposed"


class End(NamedTuple):
    """What became of a program on a backend.

    `how` is `right`; `verified` or `at least`, where `misses` are known to be all that is missed, or only what the
    program stops at first; `unknown` where the culprit is not known; `decomposed` where it is wrong before the backend;
    else the class name of an outcome that is no failure of the backend, such as `Blocked`.
    """

    how: str
    misses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """`count` samples of an op with the same ops at the contract and the same ends; one of a plain call stands alone.

    `reaches` is whether it came to the contract as eager computes it. `ops` are then its ops there, sorted; there may
    be none.
    """

    op: str
    family: str
    mode: str
    road: Road
    dtype: str
    is_plain: bool
    reaches: bool
    ops: tuple[str, ...]
    ends: Mapping[str, End]
    count: int


Levels = tuple[Program, ...]
"""The programs of the same samples at each level that was measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What cutting a program has shown of one of its ops: at fault alone, or right in the rest that passes."""

    backend: str
    mode: str
    road: Road
    dtype: str
    op: str
    is_right: bool


def fold(of: OpRecords) -> list[Any] | None:
    """Of an op: its family, its samples with their programs at each level, and what cutting has shown of their ops."""
    by_sample: dict[tuple[str, str], dict[str, list[Record]]] = defaultdict(lambda: defaultdict(list))
    for record in of.records:
        if record.minimised is None and record.sample and record.backend != CONTROL:
            by_sample[record.mode, _whatever_level(record.sample)][record.full_mode].append(record)
    failed = {_name(f.record): f for f in failures(of) if f.record.minimised is None}
    of_all = (tuple(filter(None, (_program(own, failed) for own in levels.values()))) for levels in by_sample.values())
    samples = Counter(levels for levels in of_all if levels)
    return [of.family, [[*item] for item in samples.items()], list(_shown(of))] if samples else None


def _whatever_level(sample: Sample) -> str:
    """The id that a sample has at the default level, by which it is found again at the others."""
    return by(sample, replace(sample.road, level=DEFAULT.level)).id if sample.road.level != DEFAULT.level else sample.id


def _name(record: Record) -> tuple[str, str, str]:
    return record.backend, record.full_mode, record.id


def _program(records: Iterable[Record], failed: Mapping[tuple[str, str, str], Failure]) -> tuple[Any, ...] | None:
    """Full mode, dtype, whether it is the plain call and reaches the contract, its ops, its ends; None if excluded."""
    own = {r.backend: r for r in records if not isinstance(r.outcome, Excluded)}
    if not own:
        return None
    first = next(iter(own.values()))
    front = own.pop(FRONTEND, None)
    behind = any(not isinstance(r.outcome, Blocked) for r in own.values())
    reaches = isinstance(front.outcome, Reached) if front else behind
    ops = {op for r in (*own.values(), *filter(None, (front,))) for op in r.reached} if reaches else ()
    ends = tuple((backend, *_end(r, failed.get(_name(r)))) for backend, r in sorted(own.items()))
    return first.full_mode, first.dtype, first.plain, reaches, tuple(sorted(ops)), ends


def _end(record: Record, failure: Failure | None) -> End:
    if isinstance(record.outcome, Passed):
        return End(RIGHT)
    if failure is None:
        return End(type(record.outcome).__name__)
    if failure.key.decomposed:
        return End(DECOMPOSED)
    if not failure.key.culprits:
        return End(UNKNOWN)
    misses = dict.fromkeys((" with ".join(failure.key.culprits), *failure.needs))
    is_cut = failure.basis in ("cut", "composition")
    is_all = failure.basis in VERIFIED and not (is_cut and failure.why)
    return End(VERIFIED_ALL if is_all else AT_LEAST, tuple(misses))


def _shown(of: OpRecords) -> Iterator[list[Any]]:
    """Backend, full mode, dtype, op, and whether it is right, of each op that cutting has shown something of.

    Only programs in the form of the contract count: their ops are those that reach it.
    """
    of_id = {_name(record): record for record in of.records}
    for cause in of.causes:
        record = of_id.get((cause.backend, cause.mode, cause.id))
        if record is None or cause.level != "contract" or cause.found != "culprits":
            continue
        for op in dict.fromkeys(name for cut in cause.alone for name in cut.ops):
            yield [cause.backend, cause.mode, record.dtype, op, False]
        if not cause.why:
            for op in sorted({*record.reached} - {*cause.culprits, *cause.needs}):
                yield [cause.backend, cause.mode, record.dtype, op, True]


def load(index: Index) -> Iterator[tuple[str, Sequence[Levels], Sequence[Shown]]]:
    """Each op with its samples at each level, and with what cutting has shown of the ops in them."""
    for op, (family, samples, shown) in index.parts(FOLD):
        found = [tuple(_restored(op, family, count, *each) for each in levels) for levels, count in samples]
        yield op, found, [_restored_shown(*each) for each in shown]


def _restored(
    op: str, family: str, count: int, full: str, dtype: str, plain: bool, reaches: bool, ops: list[str], ends: Any
) -> Program:
    mode, road = split_mode(full)
    return Program(
        op=op,
        family=family,
        mode=mode,
        road=road,
        dtype=dtype,
        is_plain=plain,
        reaches=reaches,
        ops=tuple(ops),
        ends={backend: End(how, tuple(misses)) for backend, how, misses in ends},
        count=count,
    )


def _restored_shown(backend: str, full: str, dtype: str, op: str, is_right: bool) -> Shown:
    mode, road = split_mode(full)
    return Shown(backend=backend, mode=mode, road=road, dtype=dtype, op=op, is_right=is_right)
