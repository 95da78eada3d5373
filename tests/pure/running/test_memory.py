from __future__ import annotations

from dataclasses import replace

import pytest

from harness.cases.sample import ORIGINS, RULED
from harness.records.journal import Record
from harness.records.outcome import Crashed, NotRun, Outcome, Passed, Stage, TimedOut, Wrong
from harness.running.memory import Memory, is_alarming
from tests.samples import relu
from tests.synthetic import record

OP = "aten.relu.default"
PASSED = Passed(0.1, ("x",))
LATE = TimedOut("lower", 30.0)


def of(outcome: Outcome, n: int = 3, backend: str = "tosa", **more: object) -> Record:
    return record(relu(n), backend, outcome, **more)  # type: ignore[arg-type]


def test_the_first_sample_that_hung_is_the_one_that_is_named() -> None:
    known = Memory.of(OP, (of(LATE, 3, hung=("lower",)), of(LATE, 4, hung=("lower",))))
    assert known.short("tosa") == {"lower": relu(3).id}
    assert known.short("linalg") == {}


def test_the_stages_that_backends_share_are_short_on_each() -> None:
    known = Memory.of(OP, (of(TimedOut("contract", 30.0), hung=("contract",)),))
    assert known.short("linalg") == known.short("tosa") == {"contract": relu(3).id}


def test_a_program_keeps_its_first_outcome() -> None:
    known = Memory.of(OP, (of(LATE), of(NotRun("lower", 3.0, "x"))))
    assert known.outcome(relu(3, seed=7), "tosa") == LATE
    assert known.outcome(relu(3), "linalg") is None
    assert known.outcome(relu(4), "tosa") is None


def test_a_program_that_kills_the_lowering_is_not_lowered_again() -> None:
    death = Crashed("lower", "SIGSEGV", "")
    known = Memory.of(OP, (of(death),))
    assert known.outcome(relu(3, seed=7), "tosa") == death
    assert known.outcome(relu(3), "linalg") is None
    assert known.outcome(relu(4), "tosa") is None


@pytest.mark.parametrize(
    ("stage", "signal"),
    [("execute", "SIGSEGV"), ("contract", "SIGSEGV"), ("lower", "SIGKILL"), ("lower", "memory corrupted")],
)
def test_a_death_that_the_values_or_others_may_cause_says_nothing_of_the_program(stage: Stage, signal: str) -> None:
    known = Memory.of(OP, (of(Crashed(stage, signal, "")),))
    assert known.outcome(relu(3, seed=7), "tosa") is None


def test_minimised_samples_and_cells_without_samples_and_other_ops_say_nothing() -> None:
    wrong = of(Wrong("value", "m", 0, "x"))
    others = (replace(wrong, minimised="x"), replace(wrong, sample=None), replace(wrong, op="aten.neg.default"))
    assert Memory.of(OP, others) == Memory(op=OP)
    assert Memory.of(OP, (wrong,)) != Memory(op=OP)


def test_what_passed_says_nothing() -> None:
    assert Memory.of(OP, (of(PASSED),)) == Memory(op=OP)


def test_what_belongs_to_the_census_is_minimised_and_what_opinfo_traced_is_not() -> None:
    wrong = of(Wrong("value", "m", 0, "x"))
    assert wrong.sample
    alarming = {
        origin for origin in ORIGINS if is_alarming(replace(wrong, sample=replace(wrong.sample, origin=origin)))
    }
    assert alarming == set(RULED) == {"census", "explicit", "injected", "picked"}
