from __future__ import annotations

from typing import Any

from harness.records.expectation import CONTROL
from harness.records.failing import failing
from harness.records.journal import Record
from harness.records.outcome import Crashed, HarnessError, Outcome, Passed, Unsupported, Wrong
from harness.records.signature import Signature
from tests.samples import relu

REFUSED = Unsupported("lower", "no", "torch.aten.relu")


def record(outcome: Outcome, size: int = 3, dtype: str = "f32", backend: str = "tosa", **more: Any) -> Record:
    cell = {"op": "aten.relu.default", "family": "activation", "mode": "static", "dtype": dtype}
    return Record(**cell, backend=backend, outcome=outcome, sample=relu(size, dtype=dtype), **more)


def test_failures_that_came_to_the_same_end_are_one_way() -> None:
    found = failing(
        [
            record(REFUSED),
            record(REFUSED, dtype="f16"),
            record(Unsupported("lower", "other words", "torch.aten.relu"), size=4),
            record(Crashed("lower", "SIGSEGV", "")),
            record(REFUSED, backend="linalg"),
        ]
    )
    assert [(f.backend, f.way.outcome, f.cells, f.failures) for f in found] == [
        ("tosa", "Unsupported", 2, 3),
        ("tosa", "Crashed", 1, 1),
        ("linalg", "Unsupported", 1, 1),
    ]
    assert found[0].way == Signature("Unsupported", "lower", "torch.aten.relu")


def test_a_minimised_sample_shows_a_way_best_then_a_plain_call_then_a_small_one() -> None:
    wrong = Wrong("value", "", 0, "llvm-jit")
    large, plain, small = record(wrong, size=100), record(wrong, size=200, plain=True), record(wrong, size=1)
    shrunk = record(wrong, size=9999, minimised="x")
    again = record(wrong, size=2, minimised="x", without="ends")
    assert failing([large, small])[0].id == small.id
    assert failing([large, small, plain])[0].id == plain.id
    (found,) = failing([large, small, plain, again, shrunk])
    assert (found.id, found.failures) == (shrunk.id, 3)


def test_what_is_nobodys_fault_and_the_control_are_left_out() -> None:
    assert failing([record(Passed(0.0, ("x",))), record(HarnessError("x")), record(REFUSED, backend=CONTROL)]) == ()
