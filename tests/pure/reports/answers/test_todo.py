from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from harness.errors import UnknownName
from harness.records.cause import Cause
from harness.records.journal import Record
from harness.records.outcome import Blocked, Crashed, Invalid, NotExported, Reached, TimedOut, Unsupported, Wrong
from reports.answers.cluster_cell import OTHERWISE
from reports.answers.todo import Entry, todo
from reports.folds import select
from tests.causes import MANY, cause, index, line, refused
from tests.synthetic import PASSED, whole_index
from tests.synthetic import index as journal

SORT, MEDIAN, ADD, TOPK = "aten.sort.default", "aten.median.default", "aten.add.Tensor", "aten.topk.default"
WRONG = Wrong("value", "m", 0, "x")
UNSORTED = refused("torch.aten.sort")


def entries(records: Sequence[Record], causes: Sequence[Cause] = (), backend: str = "tosa") -> tuple[Entry, ...]:
    return todo(index(records, causes), backend).entries


def names(found: Sequence[Entry]) -> list[str]:
    return [" with ".join(entry.first.key.culprits) for entry in found]


def through(op: str, culprit: str, dtype: str = "f32", **more: object) -> Record:
    """A refused program of several ops, of which a diagnostic names one."""
    return line(op, refused(culprit), dtype=dtype, reached=MANY, **more)  # type: ignore[arg-type]


def test_what_is_unlocked_was_tried_never_assumed() -> None:
    tried, untried, more = through(MEDIAN, "t.x"), through(TOPK, "t.x"), through(ADD, "t.x")
    causes = [cause(tried, "t.x"), cause(more, "t.x", needs=("t.y", "t.z"))]
    (entry,) = entries([tried, untried, more], causes)
    assert entry.unlocks == 1
    assert {state: [cell.op for cell in cells] for state, cells in entry.cells.items()} == {
        "unlocked": [MEDIAN],
        "stops": [ADD],
        "not tried": [TOPK],
    }
    assert entry.needs == {"t.y": 1, "t.z": 1}, "transitively"
    assert "not tried: 1 cell" in "".join(entry.lines(1))


def test_what_is_wrong_or_crashes_comes_before_what_is_refused() -> None:
    records = [
        line(SORT, UNSORTED, plain=True),
        line(MEDIAN, WRONG, shape=(0, 2), dtype="f64"),
        line(TOPK, Crashed("lower", "SIGSEGV", "")),
        line(ADD, Invalid("verify", "x"), plain=True),
    ]
    found = [entry.first.key.outcome for entry in entries(records)]
    assert set(found[:2]) == {"Wrong", "Crashed"}
    assert set(found[2:]) == {"Unsupported", "Invalid"}


def test_plain_calls_unlocked_come_first_and_cells_of_rare_dtypes_last() -> None:
    records = [
        line(SORT, UNSORTED, plain=True),
        *(line(MEDIAN, refused("torch.aten.median"), dtype=dtype) for dtype in ("f32", "i64")),
        *(line(TOPK, refused("torch.aten.topk"), dtype=dtype) for dtype in ("f64", "i8", "u8", "c64")),
    ]
    found = entries(records)
    assert names(found) == ["torch.aten.sort", "torch.aten.median", "torch.aten.topk"]
    assert [(entry.plain, entry.unlocks, entry.rare) for entry in found] == [(1, 1, 0), (0, 2, 0), (0, 4, 4)]


def test_an_op_in_many_dtypes_and_words_is_one_entry() -> None:
    dtypes = ("f32", "f64", "i32", "i64", "bool", "c64")
    records = [line(SORT, UNSORTED, dtype=dtype) for dtype in dtypes]
    records += [line(SORT, refused("torch.aten.sort", "error: unimplemented: f(i8)"), shape=(3,), dtype="f32")]
    (entry,) = entries(records)
    assert len(entry.clusters) == 2
    assert (entry.unlocks, entry.needs) == (6, {}), "a cell of both clusters passes once both are mended"


def test_a_cell_that_fails_otherwise_too_is_not_unlocked() -> None:
    found = entries([line(SORT, UNSORTED), line(SORT, WRONG, shape=(3,))])
    assert [(entry.unlocks, entry.needs) for entry in found] == [(0, {OTHERWISE: 1})] * 2


def test_what_has_no_culprit_comes_after_what_has_one() -> None:
    found = entries([line(SORT, WRONG, reached=MANY), line(MEDIAN, WRONG, shape=(0, 2), reached=("torch.aten.x",))])
    assert names(found) == ["torch.aten.x", ""]


def test_what_passes_or_is_blocked_is_no_entry_and_the_frontend_has_its_own() -> None:
    lacks = Unsupported("contract", "error: failed to legalize operation 'torch.operator'", "torch.aten.addmv")
    records = [
        line("aten.addmv.default", lacks, backend="frontend"),
        line("aten.addmv.default", Blocked("contract", "Unsupported")),
        line("aten.clamp.default", Reached(), backend="frontend", shape=(3,)),
        line("aten.stft.center", TimedOut("contract", 30.0), backend="frontend", reached=()),
        line("aten.corrcoef.default", NotExported("export", "no"), backend="frontend"),
    ]
    assert names(entries(records, backend="frontend")) == ["", "torch.aten.addmv"]
    assert entries(records) == ()
    assert todo(index(records), "tosa").text() == "tosa: nothing fails"


def test_text_and_json() -> None:
    found = todo(whole_index(), "tosa")
    lines = found.text(limit=3).splitlines()
    assert lines[0].startswith(f"tosa: {len(found.entries)} entries")
    assert f"... and {len(found.entries) - 3} more: opcov todo --backend tosa --limit 0" in lines
    assert sum("opcov clusters --id c" in text for text in lines) == 3
    data = json.loads(json.dumps(found.json()))
    assert data["culprits"][0]["ops"]
    assert set(data["culprits"][0]) >= {"name", "unlocks", "cells", "samples", "ops", "example", "sample", "repro"}


def test_a_selection_does_not_say_that_nothing_passes() -> None:
    records = [line(SORT, UNSORTED), line(SORT, PASSED, shape=(3,))]
    assert "every sample" not in todo(select(journal(records), "outcome:unsupported"), "tosa").text()


def test_unknown_backend_suggests() -> None:
    with pytest.raises(UnknownName, match="stablehlo"):
        todo(whole_index(), "stablhlo")
