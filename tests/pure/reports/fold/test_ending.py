"""What the index keeps of a sample to compare it with another run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.records.frontend import FRONTEND
from harness.records.journal import Record
from harness.records.outcome import (
    Blocked,
    Crashed,
    Excluded,
    FirstWrongPass,
    Invalid,
    NotRun,
    Outcome,
    Outside,
    Passed,
    Reached,
    TimedOut,
    Unsupported,
    Wrong,
)
from harness.records.signature import Signature
from reports.fold.cell import Key
from reports.fold.ending import FOLD, Drawn, Ending, OpEndings
from tests.synthetic import everything, index, record, sample

RELU = "aten.relu.default"
OF = sample(RELU, "f32", "static", (2, 3))


def ending(outcome: Outcome, backend: str = "tosa", *others: Record, **more: object) -> Ending:
    """What the index says of a record, among others of its op."""
    made = index([*others, record(OF, backend, outcome, **more)])
    return OpEndings(RELU, made.part(FOLD, RELU)).of(Key(RELU, backend, "static", "f32"))[OF.id]


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Passed(0.5, ("a", "b")), Ending(Signature("Passed", "compare"), executors=("a", "b"))),
        (
            Wrong("value", "out[0]=1", 2, "a", confirmed=("a", "b")),
            Ending(Signature("Wrong", "compare", kind="value"), "2", executors=("a", "b")),
        ),
        (
            Wrong("shape", "out.shape", 0, "a"),
            Ending(Signature("Wrong", "compare", kind="shape"), "0", executors=("a",)),
        ),
        (Crashed("lower", "SIGSEGV", "#0 0xabc"), Ending(Signature("Crashed", "lower", kind="SIGSEGV"))),
        (TimedOut("lower", 20.0), Ending(Signature("TimedOut", "lower"), seconds=20.0)),
        (NotRun("lower", 2.0, "abc"), Ending(Signature("NotRun", "lower"), seconds=2.0)),
        (
            Unsupported("lower", "error: %12 : tensor<2x3> no\nnote: more", "torch.aten.sort"),
            Ending(Signature("Unsupported", "lower", "torch.aten.sort"), "# : tensor no"),
        ),
        (
            Invalid("verify", "error: rank 17", ran="right", finding="by a"),
            Ending(Signature("Invalid", "verify", kind="right"), "yet right: rank #"),
        ),
        (
            Outside("verify", "f64", "Invalid", "error: rank 17"),
            Ending(Signature("Outside", "verify", kind="f64"), "rank #"),
        ),
        (Excluded("eager: no"), Ending(Signature("Excluded", "export"), "eager: no")),
    ],
)
def test_an_ending_leaves_out_what_differs_from_run_to_run(outcome: Outcome, expected: Ending) -> None:
    assert ending(outcome) == expected


def test_a_blocked_sample_ends_as_the_frontend_does() -> None:
    refused = Unsupported("contract", "error: 'torch.aten.sort' op 1\nsee", "torch.aten.sort")
    front = record(OF, FRONTEND, refused)
    expected = Ending(Signature("Blocked", "contract", "torch.aten.sort", "Unsupported"), "'torch.aten.sort' op #")
    assert ending(Blocked("contract", "Unsupported"), "tosa", front) == expected
    assert ending(Blocked("contract", "Unsupported", "error: 'torch.aten.sort' op 1")) == expected
    assert ending(refused, FRONTEND).detail == expected.detail
    other = replace(front, sample=sample(RELU, "f32", "static", (9,)))
    assert ending(Blocked("contract", "Unsupported"), "tosa", other).detail == ""


def test_a_frontend_that_does_not_end_is_told_without_the_seconds() -> None:
    front = record(OF, FRONTEND, TimedOut("contract", 30.0))
    assert ending(Blocked("contract", "TimedOut"), "tosa", front).detail == ""
    assert ending(Blocked("contract", "TimedOut", "no end after 30 s")).detail == ""
    assert ending(TimedOut("contract", 30.0), FRONTEND).detail == ""
    assert ending(Reached(), FRONTEND) == Ending(Signature("Reached", "contract"))


def test_the_first_wrong_pass_of_another_sample_counts_on_the_same_backend_for_the_same_kind() -> None:
    wrong = Wrong("value", "", 0, "a")
    step = FirstWrongPass(right=None, wrong="lower/cse")
    other = replace(record(OF, "tosa", wrong, first_wrong_pass=step), sample=sample(RELU, "f32", "static", (9,)))
    assert ending(wrong, "tosa", other).step == "lower/cse"
    assert ending(wrong, "tosa", replace(other, backend="linalg")).step == ""
    assert ending(replace(wrong, kind="shape"), "tosa", other).step == ""
    own = FirstWrongPass(right=None, wrong="lower/own", between={"lower/x": "no"})
    assert ending(wrong, "tosa", other, first_wrong_pass=own).step == "lower/x to lower/own"
    assert ending(wrong, "tosa", replace(other, first_wrong_pass=FirstWrongPass(right="a", wrong=None))).step == ""


def test_all_samples_are_in_their_cells_and_minimised_ones_are_not() -> None:
    made, records = index(everything()), [r for r in everything() if r.minimised is None]
    found: dict[tuple[Key, str], Ending] = {}
    for op, part in made.parts(FOLD):
        endings = OpEndings(op, part)
        for cell in endings.cells:
            found |= {(cell, id): one for id, one in endings.of(cell).items()}
            assert all(endings.sample(id).id == id for id in endings.of(cell))
    assert set(found) == {(Key(r.op, r.backend, r.mode, r.dtype), r.id) for r in records}


def test_a_sample_says_how_much_there_is_to_look_at_and_whether_it_is_the_plain_call() -> None:
    made = index([record(OF, "tosa", Passed(0, ()), plain=True), record(OF, "linalg", Passed(0, ()))])
    endings = OpEndings(RELU, made.part(FOLD, RELU))
    assert endings.sample(OF.id) == Drawn(OF.id, (6, 2, 1), is_plain=True)
    assert OpEndings(RELU, None).cells == []
    assert OpEndings(RELU, None).of(Key(RELU, "tosa", "static", "f32")) == {}
