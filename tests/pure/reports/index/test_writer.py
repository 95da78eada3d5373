from __future__ import annotations

import random
from typing import Any

import pytest

from harness.cases.sample import MODES
from harness.errors import BadJournal
from harness.records.journal import Record
from harness.records.journal_file import Block
from harness.records.outcome import Excluded
from reports.fold.matrix import Matrix, load
from reports.folds import FOLDS
from reports.index.index import Index
from reports.index.op_records import OpRecords
from reports.index.writer import IndexWriter
from tests.synthetic import HEADER, PASSED, blocks, everything, index, record, sample, whole_index

OPS = [f"aten.op_{number}.default" for number in range(60)]


def counted(of: OpRecords) -> dict[str, Any]:
    """A fold that shows what it was given."""
    return {"ids": [r.id for r in of.records], "places": list(of.places)}


def one(op: str, dtype: str = "f32", backend: str = "tosa") -> Record:
    return record(sample(op, dtype, "static", (2,)), backend, PASSED)


def parts(of: Index) -> dict[str, Any]:
    return {fold: of.parts(fold) for fold in FOLDS}


def facts(of: Matrix) -> list[Any]:
    """The cells of a matrix, without the order in which outcomes occur."""
    return [(key, cell.counts, cell.evidence, cell.share, cell.status, cell.reached) for key, cell in of.cells.items()]


def written(*given: Block) -> Index:
    writer = IndexWriter(":memory:", {"counted": counted}, HEADER)
    for block in given:
        writer.add(block)
    return writer.flush()


def test_a_fold_is_given_all_records_of_an_op_with_their_places() -> None:
    a, b, later = one("aten.a.default"), one("aten.b.default"), one("aten.a.default", "i32")
    found = dict(written(*blocks([a, b, later])).parts("counted"))
    assert found == {
        "aten.a.default": {"ids": [a.id, later.id], "places": [0, 2]},
        "aten.b.default": {"ids": [b.id], "places": [1]},
    }


def test_an_op_that_comes_again_after_many_others_is_folded_again() -> None:
    records = [one(op, dtype) for dtype in ("f32", "i32") for op in OPS]
    found = written(*blocks(records))
    assert [len(value["ids"]) for _, value in found.parts("counted")] == [2] * len(OPS)
    assert found.records(OPS[0]).records == (records[0], records[len(OPS)])


def test_the_order_of_cells_does_not_change_what_is_counted() -> None:
    records = list(everything())
    cells = list(blocks(records))
    random.Random(3).shuffle(cells)
    writer = IndexWriter(":memory:", FOLDS, HEADER)
    for block in cells:
        writer.add(block)
    shuffled, plain = load(writer.flush()), load(whole_index())
    assert facts(shuffled) == facts(plain)
    assert (shuffled.samples, shuffled.errors, shuffled.control) == (plain.samples, plain.errors, plain.control)


def test_pages_can_be_read_before_all_cells_have_come() -> None:
    cells = list(blocks(everything()))
    writer = IndexWriter(":memory:", FOLDS, HEADER)
    for number, block in enumerate(cells):
        writer.add(block)
        if number % 100 == 7:
            assert writer.flush().run.cells == number + 1
    assert parts(writer.flush()) == parts(whole_index())


def test_records_come_back_as_they_were() -> None:
    kept = whole_index()
    for op in kept.ops:
        assert kept.records(op).records == tuple(r for r in everything() if r.op == op)


def test_cells_come_back_with_their_times_and_lines() -> None:
    (block,) = blocks([one(OPS[0])])
    timed = Block(**{name: getattr(block, name) for name in Block.__slots__} | {"seconds": 1.5, "place": 7})
    (cell,) = written(timed).cells(OPS[0])
    assert (cell.seconds, cell.line, cell.lines, cell.dtype) == (1.5, 7, block.lines, "f32")


def test_a_sample_is_found_by_its_id() -> None:
    given = one(OPS[3])
    found = index([one(OPS[2]), given]).record(given.id)
    assert found == given
    assert index([given]).record("0123456789") is None


def test_a_record_without_a_sample_is_no_sample() -> None:
    none = Record(op=OPS[0], family="f", backend="tosa", mode=MODES[0], dtype="f32", outcome=Excluded("r"), sample=None)
    assert index([none]).record("none-f32") is None


def test_two_samples_with_one_id_are_not_confused() -> None:
    a, b = one(OPS[0]), record(sample(OPS[0], "f32", "static", (7,)), "linalg", PASSED)
    (first, second) = blocks([a, b])
    forged = second.lines[0].replace(b.id, a.id)
    found = written(first, Block(op=b.op, backend=b.backend, mode=b.mode, dtype=b.dtype, lines=(forged,)))
    assert [r.sample for r in found.records(OPS[0]).records] == [a.sample, b.sample]


def test_a_line_that_is_no_outcome_is_an_error_with_its_number() -> None:
    (block,) = blocks([one(OPS[0])])
    bad = block.lines[0].replace('"Passed"', '"Possed"')
    writer = IndexWriter(":memory:", FOLDS, HEADER)
    writer.add(Block(op=OPS[0], backend="tosa", mode="static", dtype="f32", lines=(*block.lines, bad), place=2))
    with pytest.raises(BadJournal, match="line 3: not an outcome line"):
        writer.flush()
