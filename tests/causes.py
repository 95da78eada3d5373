"""Records with hand-made causes, and the index of them: what cutting would write into a journal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from harness.cases.sample import Mode
from harness.records.cause import Cause, Cut
from harness.records.journal import Record
from harness.records.outcome import Outcome, Unsupported
from harness.records.signature import signature
from reports.folds import FOLDS
from reports.index.index import Index
from reports.index.op_records import OpRecords, first_wrong_passes
from reports.index.writer import IndexWriter
from tests.synthetic import FOOTER, HEADER, record, sample

MANY = ("torch.aten.add.Tensor", "torch.aten.mul.Tensor", "torch.aten.size.int")
"""What reaches a backend of a program of several ops."""


def line(
    op: str,
    outcome: Outcome,
    dtype: str = "f32",
    shape: tuple[int, ...] = (2, 3),
    backend: str = "tosa",
    mode: Mode = "static",
    **more: Any,
) -> Record:
    """The record of one sample; it reaches the backend as its op alone, unless `reached` says otherwise."""
    arguments = more.pop("args", {})
    return record(sample(op, dtype, mode, shape, **arguments), backend, outcome, **more)


def refused(culprit: str | None, text: str = "") -> Unsupported:
    """A refusal that names a culprit."""
    return Unsupported("lower", text or f"error: failed to legalize operation '{culprit}' : (f32)", culprit)


def cause(of: Record, *culprits: str, outcome: Outcome | None = None, **more: Any) -> Cause:
    """The cause of a record's way of failing; of each culprit alone with `outcome`, by default the record's."""
    end = outcome or of.outcome
    values: dict[str, Any] = {
        "found": "culprits" if culprits else "not tried",
        "unlocks": bool(culprits) and not more.get("needs"),
        "alone": tuple(Cut(ops=(name,), ir=f"func.func @main() // {name}", outcome=end) for name in culprits),
    }
    return Cause(
        op=of.op,
        family=of.family,
        backend=of.backend,
        mode=of.mode,
        id=of.id,
        way=signature(of.outcome, of.backend),
        culprits=culprits,
        **values | more,
    )


def records_of(op: str, records: Sequence[Record], causes: Sequence[Cause] = ()) -> OpRecords:
    """The records of one op as a fold is given them."""
    own = tuple(r for r in records if r.op == op)
    plain = {r.mode: r.sample for r in own if r.plain and r.sample}
    cells = list(dict.fromkeys((r.backend, r.mode, r.dtype) for r in own))
    return OpRecords(
        op,
        own,
        tuple(cells.index((r.backend, r.mode, r.dtype)) for r in own),
        plain,
        tuple(c for c in causes if c.op == op),
        first_wrong_passes(own),
    )


def index(records: Sequence[Record], causes: Sequence[Cause] = (), header: dict[str, Any] | None = None) -> Index:
    """The index, in memory, of records with their causes."""
    writer = IndexWriter(":memory:", FOLDS, header or HEADER)
    by_op: dict[str, list[Record]] = defaultdict(list)
    for one in records:
        by_op[one.op].append(one)
    for op, own in by_op.items():
        writer.add_op(records_of(op, own, causes))
    return writer.flush(FOOTER)
