from __future__ import annotations

import json

from harness.records.opinion import Opinion
from harness.records.outcome import FirstWrongPass, NotExecuted, Passed, Wrong
from reports.answers.blame import as_json, as_text, blame, line
from tests.synthetic import index, record, sample

WRONG = Wrong("value", "out[0]=1, but should be 2", 0, "a", confirmed=("a", "b"))
STATIC, SMALL = (sample("aten.relu.default", "f32", "static", shape) for shape in ((2, 3), (1,)))
DYNAMIC = sample("aten.relu.default", "f32", "dynamic", (2, 3))
DISSENT = Passed(0.1, ("b",), {"a": "out[0]=7, but should be 8"})
RECORDS = [
    record(STATIC, "tosa", Passed(0.1, ("a",))),
    record(STATIC, "tosa", Passed(0.1, ("a", "b"))),
    record(STATIC, "tosa", DISSENT),
    record(SMALL, "tosa", DISSENT),
    record(DYNAMIC, "tosa", WRONG),
    record(DYNAMIC, "tosa", NotExecuted({"a": "no sort"})),
    record(DYNAMIC, "tosa", WRONG, minimised="abc"),
    record(STATIC, "control", Passed(0.0, ("eager",))),
]
JOURNAL = index(RECORDS)


def test_samples_are_counted_by_how_many_executors_confirm_them() -> None:
    static, dynamic = blame(JOURNAL).confirmed
    assert (static.backend, static.mode, dict(static.passed)) == ("tosa", "static", {1: 3, 2: 1})
    assert (dynamic.mode, dict(dynamic.wrong), dynamic.unexecuted) == ("dynamic", {2: 1}, 1)


def test_a_cell_is_confirmed_by_the_fewest_of_its_samples() -> None:
    other = sample("aten.neg.default", "f32", "static", (2, 3))
    twice = record(other, "tosa", Passed(0.1, ("a", "b")))
    (static, dynamic) = blame(index([*RECORDS, twice])).confirmed
    assert dict(static.cells) == {1: 1, 2: 1}
    assert not dynamic.cells


def test_an_executor_at_fault_is_shown_by_its_smallest_sample() -> None:
    (found,) = blame(JOURNAL).dissents
    assert (found.op, found.executor, found.count, found.sample) == ("aten.relu.default", "a", 2, SMALL.id)


def test_the_text_has_the_counts_and_a_command_to_paste() -> None:
    text = as_text(blame(JOURNAL))
    assert "right by 2" in text
    assert f"opcov repro {SMALL.id} --backend tosa" in text


def test_a_journal_without_disagreement_says_so() -> None:
    assert "No executor disagrees" in as_text(blame(index([record(STATIC, "tosa", Passed(0.1, ("a",)))])))
    assert "No executor disagrees" in as_text(blame(index([])))


def test_the_line_counts_what_is_confirmed_and_what_is_not_the_backends_fault() -> None:
    assert line(blame(JOURNAL)) == (
        "blame: 1 of 1 wrong samples are so by two executors or more;"
        " 2 samples where an executor is at fault itself (opcov blame)"
    )
    assert line(blame(index([record(STATIC, "tosa", Passed(0.1, ("a",)))]))) == ""


def test_the_json_holds_the_same() -> None:
    data = json.loads(json.dumps(as_json(blame(JOURNAL))))
    assert data["confirmed"][0]["passed"] == {"1": 3, "2": 1}
    assert data["dissents"][0]["sample"] == SMALL.id


def test_wrong_samples_are_counted_by_the_first_wrong_pass_the_most_frequent_first() -> None:
    at = {name: FirstWrongPass(right="import", wrong=name) for name in ("decompose", "convert")}
    records = [
        record(STATIC, "tosa", WRONG, first_wrong_pass=at["decompose"]),
        record(STATIC, "tosa", WRONG, first_wrong_pass=at["convert"]),
        record(SMALL, "tosa", WRONG, first_wrong_pass=at["convert"]),
        record(SMALL, "linalg", WRONG, first_wrong_pass=at["convert"]),
        record(SMALL, "tosa", WRONG),
    ]
    found = blame(index(records))
    counts = [(p.step, p.backend, p.count, p.ops) for p in found.first_wrong_passes]
    assert counts == [("convert", "tosa", 2, 1), ("convert", "linalg", 1, 1), ("decompose", "tosa", 1, 1)]
    assert as_json(found)["parted"][0] == {
        "pass": "convert", "backend": "tosa", "count": 2, "ops": 1, "sample": SMALL.id,
    }  # fmt: skip
    assert "first wrong pass" in as_text(found)
    assert "first wrong pass" not in as_text(blame(JOURNAL))


def test_passes_that_cannot_be_run_share_the_blame_with_the_first_wrong_one() -> None:
    first = FirstWrongPass(
        right="import", wrong="cse", between={"convert": "torch.x left", "canonicalize": "torch.x left"}
    )
    (found,) = blame(index([record(STATIC, "tosa", WRONG, first_wrong_pass=first)])).first_wrong_passes
    assert found.step == "convert to cse"
    assert FirstWrongPass(right="import", wrong=None, between={"convert": "no"}).where is None


def test_second_opinions_are_counted_by_what_they_say() -> None:
    assert blame(JOURNAL).opinions == ()
    confirms, right = (Opinion(executor="iree", says=says, why="m") for says in ("confirms", "right"))
    records = [
        record(DYNAMIC, "linalg", WRONG, opinion=confirms),
        record(STATIC, "linalg", WRONG, opinion=confirms),
        record(SMALL, "linalg", WRONG, opinion=confirms),
        record(STATIC, "linalg", WRONG, opinion=right),
        record(STATIC, "linalg", WRONG, opinion=right, minimised="abc"),
        record(SMALL, "linalg", WRONG),
    ]
    dynamic, static = (found := blame(index(records))).opinions
    assert (dynamic.backend, dynamic.mode, dynamic.executor, dict(dynamic.says)) == (
        "linalg", "dynamic", "iree", {"confirms": 1},
    )  # fmt: skip
    assert (static.mode, dict(static.says)) == ("static", {"confirms": 2, "right": 1})
    assert static.example == {"confirms": SMALL.id, "right": STATIC.id}
    assert json.loads(json.dumps(as_json(found)))["opinions"][1]["says"] == {"confirms": 2, "right": 1}
    text = as_text(found)
    assert "Second opinions on samples that failed" in text
    assert "confirms: is wrong in the same way, which confirms it" in text
    assert "Second opinions" not in as_text(blame(JOURNAL))
