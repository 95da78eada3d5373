from __future__ import annotations

import random
from typing import Any

import pytest

import harness.cases.sample
from harness.cases.sample import MODES
from harness.errors import BadJournal
from harness.records.journal import Record
from harness.records.journal_file import Block
from harness.records.outcome import Excluded
from reports.fold.matrix import Matrix, load
from reports.folds import FOLDS
from reports.index import writer
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
    made = IndexWriter(":memory:", {"counted": counted}, HEADER)
    for block in given:
        made.add(block)
    return made.flush()


def test_a_fold_is_given_all_records_of_an_op_with_their_places() -> None:
    a, b, later = one("aten.a.default"), one("aten.b.default"), one("aten.a.default", "i32")
    found = dict(written(*blocks([a, b, later])).parts("counted"))
    assert found == {
        "aten.a.default": {"ids": [a.id, later.id], "places": [0, 2]},
        "aten.b.default": {"ids": [b.id], "places": [1]},
    }


DTYPES = ("f32", "i32", "f16", "i64")


def test_an_op_that_comes_again_and_again_is_folded_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "_BYTES", 5000)
    records = [one(op, dtype) for dtype in DTYPES for op in OPS]
    calls: list[str] = []

    def spied(of: OpRecords) -> dict[str, Any]:
        calls.append(of.op)
        return counted(of)

    made = IndexWriter(":memory:", {"counted": spied}, HEADER)
    for block in blocks(records):
        made.add(block)
    found = made.flush()
    assert [len(value["ids"]) for _, value in found.parts("counted")] == [len(DTYPES)] * len(OPS)
    assert found.records(OPS[0]).records == tuple(records[:: len(OPS)])
    assert len(calls) <= 2 * len(OPS), "scattered cells do not make the work grow with their square"


def test_ops_in_memory_are_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "_BYTES", 5000)
    made = IndexWriter(":memory:", {"counted": counted}, HEADER)
    for block in blocks([one(op) for op in OPS]):
        made.add(block)
        assert sum(op.bytes for op in made._open.values()) == made._bytes <= 5000


def test_a_value_that_is_gone_after_more_cells_is_not_kept() -> None:
    made = IndexWriter(":memory:", {"first": lambda of: 1 if len(of.records) == 1 else None}, HEADER)
    first, second = blocks([one(OPS[0]), one(OPS[0], "i32")])
    made.add(first)
    assert made.flush().parts("first") == [(OPS[0], 1)]
    made.add(second)
    assert made.flush().parts("first") == []


def test_the_order_of_cells_does_not_change_what_is_counted() -> None:
    records = list(everything())
    cells = list(blocks(records))
    random.Random(3).shuffle(cells)
    made = IndexWriter(":memory:", FOLDS, HEADER)
    for block in cells:
        made.add(block)
    shuffled, plain = load(made.flush()), load(whole_index())
    assert facts(shuffled) == facts(plain)
    assert (shuffled.samples, shuffled.errors, shuffled.control) == (plain.samples, plain.errors, plain.control)


def test_pages_can_be_read_before_all_cells_have_come() -> None:
    cells = list(blocks(everything()))
    made = IndexWriter(":memory:", FOLDS, HEADER)
    for number, block in enumerate(cells):
        made.add(block)
        if number % 100 == 7:
            assert made.flush().run.cells == number + 1
    assert parts(made.flush()) == parts(whole_index())


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
    made = IndexWriter(":memory:", FOLDS, HEADER)
    made.add(Block(op=OPS[0], backend="tosa", mode="static", dtype="f32", lines=(*block.lines, bad), place=2))
    with pytest.raises(BadJournal, match="line 3: not an outcome line"):
        made.flush()


def test_records_are_restored_once_and_samples_written_once_for_all_folds(monkeypatch: pytest.MonkeyPatch) -> None:
    restored: list[str] = []
    written: list[str] = []
    restore_op, to_json = writer.restore_op, harness.cases.sample.to_json
    monkeypatch.setattr(writer, "restore_op", lambda op, *more: (restored.append(op), restore_op(op, *more))[1])
    monkeypatch.setattr(harness.cases.sample, "to_json", lambda of: (written.append(of.op), to_json(of))[1])
    made = IndexWriter(":memory:", FOLDS, HEADER)
    records = everything()
    for block in blocks(records):
        made.add(block)
    written.clear()  # the lines of the blocks have been made of other samples
    made.flush()
    assert sorted(restored) == sorted({r.op for r in records})
    assert len(written) == len({(r.op, r.id) for r in records if r.sample})
