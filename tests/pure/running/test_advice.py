"""On which failures a second opinion is asked for: once for each way, always where the opinion is another one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.cases.profile import PROFILES, Asks
from harness.cases.sample import MODES, Mode, Sample
from harness.records.journal import Record
from harness.records.opinion import Opinion, Says
from harness.records.outcome import Crashed, NotExecuted, Outcome, Passed, Result, TimedOut, Unsupported, Wrong
from harness.running.advice import Advice
from harness.running.memory import Memory
from tests.samples import relu
from tests.synthetic import record

OP = "aten.relu.default"
WRONG = Wrong("value", "m", 0, "llvm-jit")
DIED = Crashed("execute", "SIGSEGV", "")
STATIC, DYNAMIC = MODES


def asked(known: Memory, outcome: Outcome, often: Asks = "once", mode: Mode = STATIC, advisers: str = "iree") -> bool:
    """Whether an opinion is asked for on a sample that ended so."""
    calls: list[Sample] = []

    def ask(sample: Sample, backend: str, failed: Result) -> Result:
        calls.append(sample)
        return replace(failed, opinion=Opinion(executor="iree", says="none"))

    result = Result(outcome=outcome, advisers=tuple(advisers.split()))
    found = Advice(ask, often).on(result, relu(3), "linalg", mode, known)
    assert bool(found.opinion) == bool(calls)
    return bool(calls)


def with_opinion(says: Says, outcome: Outcome = WRONG, *, instead: Outcome | None = None, **more: object) -> Record:
    return record(relu(3), "linalg", outcome, opinion=Opinion(executor="iree", says=says, instead=instead), **more)  # type: ignore[arg-type]


def test_the_first_sample_that_fails_in_a_way_is_asked_about() -> None:
    assert asked(Memory(op=OP), WRONG)
    known = Memory.of(OP, (with_opinion("confirms"),))
    assert not asked(known, WRONG)
    assert asked(known, DIED)
    assert asked(known, Wrong("shape", "m", 0, "llvm-jit"))
    assert asked(known, WRONG, mode=DYNAMIC)


@pytest.mark.parametrize("says", ["confirms", "differs", "none"])
def test_once_is_enough_where_the_opinion_is_no_other_one(says: Says) -> None:
    assert not asked(Memory.of(OP, (with_opinion(says),)), WRONG)


@pytest.mark.parametrize(
    "doubt",
    [with_opinion("right"), with_opinion("clears", Passed(0.1, ("iree",)), instead=WRONG)],
    ids=["right", "clears"],
)
@pytest.mark.parametrize("mode", MODES)
def test_where_it_is_another_one_every_sample_of_that_way_is_asked_about_in_both_modes(
    doubt: Record, mode: Mode
) -> None:
    known = Memory.of(OP, (doubt,))
    assert asked(known, WRONG, mode=mode)
    known = known.after(with_opinion("confirms"))
    assert asked(known, WRONG, mode=mode)


@pytest.mark.parametrize("outcome", [DIED, TimedOut("execute", 30.0), NotExecuted({"llvm-jit": "cannot"})])
def test_once_is_enough_where_no_opinion_clears(outcome: Outcome) -> None:
    known = Memory.of(OP, (with_opinion("right", outcome),))
    assert not asked(known, outcome)
    assert asked(known, outcome, mode=DYNAMIC)


def test_the_opinion_on_a_sample_that_was_run_again_counts_too() -> None:
    known = Memory.of(OP, (with_opinion("confirms", minimised="x"),))
    assert not asked(known, WRONG)
    assert known.wrong == frozenset()


def test_what_cannot_have_an_opinion_is_not_asked_about() -> None:
    assert not asked(Memory(op=OP), WRONG, advisers="")
    assert not asked(Memory(op=OP), Unsupported("lower", "no", None))
    assert not asked(Memory(op=OP), Crashed("lower", "SIGSEGV", ""))
    assert not asked(Memory(op=OP), WRONG, "never")


def test_always_is_always() -> None:
    assert asked(Memory.of(OP, (with_opinion("confirms"),)), WRONG, "always")


def test_the_profiles_ask_as_often_as_they_look_into_failures() -> None:
    assert {name: size.opinions for name, size in PROFILES.items()} == {
        "quick": "never",
        "default": "once",
        "soak": "never",
        "explore": "always",
    }
