from __future__ import annotations

from harness.records.failing import Failing
from harness.records.outcome import Crashed, Unsupported
from harness.records.signature import Signature
from reports.fold import ways
from reports.folds import FOLDS, select
from reports.index.writer import IndexWriter
from tests.synthetic import HEADER, PASSED, blocks, index, record, sample
from tests.synthetic_cause import cause

REFUSED = Unsupported("lower", "no", "torch.aten.sort")
MEDIAN = "aten.median.default"
RECORDS = [
    record(sample(MEDIAN, "f32", "static", (2,)), "tosa", REFUSED, "sorting"),
    record(sample(MEDIAN, "f16", "static", (2,)), "tosa", REFUSED, "sorting"),
    record(sample(MEDIAN, "f32", "static", (2,)), "linalg", Crashed("lower", "SIGSEGV", ""), "sorting"),
    record(sample("aten.abs.default", "f32", "static", (2,)), "tosa", REFUSED),
    record(sample("aten.neg.default", "f32", "static", (2,)), "tosa", PASSED),
]


def test_what_has_no_cause_yet_comes_in_the_order_of_the_cells_that_it_holds_back() -> None:
    found = ways.pending(index(RECORDS))
    assert [(one.op, one.backend, one.cells) for one in found] == [
        (MEDIAN, "tosa", 2),
        ("aten.abs.default", "tosa", 1),
        (MEDIAN, "linalg", 1),
    ]


def test_a_way_with_a_cause_is_not_looked_into_again() -> None:
    known = index(RECORDS, causes=[cause(), cause(mode="dynamic")])
    assert [(one.op, one.backend) for one in ways.pending(known)] == [("aten.abs.default", "tosa"), (MEDIAN, "linalg")]
    (way,) = [way for way in ways.load(known) if way.cause]
    assert way.failing.way == Signature("Unsupported", "lower", "torch.aten.sort")
    assert way.cause == ways.known(cause())


def test_causes_are_given_to_folds_and_to_who_asks_for_an_op() -> None:
    known = index(RECORDS, causes=[cause()])
    assert known.records(MEDIAN).causes == (cause(),)
    assert known.records("aten.abs.default").causes == ()
    assert select(known, "dtype:f16", ()).records(MEDIAN).causes == (cause(),)


def test_causes_that_come_after_their_op_was_folded_fold_it_again() -> None:
    writer = IndexWriter(":memory:", {ways.FOLD: FOLDS[ways.FOLD]}, HEADER)
    for block in blocks(RECORDS):
        writer.add(block)
    assert len(ways.pending(writer.flush())) == 3
    for name in list(writer._open):
        writer._put_away(name)
    writer.note_causes([cause(), cause(op="aten.unheard_of.default")])
    found = writer.flush()
    assert len(ways.pending(found)) == 2
    assert found.records(MEDIAN).causes == (cause(),)


def test_the_record_of_a_way_is_found_by_its_sample_and_how_it_ends() -> None:
    known = index(RECORDS)
    for one in ways.pending(known):
        found = ways.record(known, one)
        assert (found.op, found.backend, found.id) == (one.op, one.backend, one.id)
    assert isinstance(ways.record(known, ways.pending(known)[0]), type(RECORDS[0]))
    assert isinstance(ways.pending(known)[0], Failing)
