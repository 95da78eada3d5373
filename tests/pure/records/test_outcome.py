from __future__ import annotations

import json

import pytest

from harness.records.outcome import (
    BY_NAME,
    OUTCOMES,
    STAGES,
    Blocked,
    Crashed,
    Excluded,
    HarnessError,
    Invalid,
    NotExecuted,
    NotExported,
    NotRun,
    Outcome,
    Outside,
    Passed,
    Reached,
    TimedOut,
    Unsupported,
    Wrong,
    detail,
    restore,
)

EXAMPLES: tuple[Outcome, ...] = (
    Passed(0.5, ("llvm-jit",)),
    Wrong("value", "m", 1, "x", (1, 2), "1.0", "2.0", 1.0, 0.5, 3, 9, {"n": 4}),
    Wrong("shape", "m", 0, "x"),
    Crashed("verify", "SIGSEGV", "tail"),
    Invalid("verify", "d"),
    Invalid("verify", "d", "wrong", "by llvm-jit"),
    Unsupported("lower", "d", "torch.aten.sort"),
    Unsupported("lower", "d", None),
    TimedOut("execute", 30.0),
    NotRun("contract", 3.0, "0123456789"),
    NotExported("export", "r"),
    Reached(),
    Blocked("contract", "Unsupported", "r"),
    NotExecuted({"llvm-jit": "why"}),
    Outside("verify", "f64", "Invalid", "d"),
    Excluded("r"),
    HarnessError("Traceback", "compare"),
)


@pytest.mark.parametrize("outcome", EXAMPLES, ids=lambda o: type(o).__name__)
def test_an_outcome_survives_json(outcome: Outcome) -> None:
    values = json.loads(json.dumps(detail(outcome)))
    assert restore(type(outcome).__name__, outcome.stage, values) == outcome


def test_every_class_is_tried() -> None:
    assert {type(o) for o in EXAMPLES} == set(OUTCOMES) == set(BY_NAME.values())


def test_the_most_alarming_come_first() -> None:
    assert OUTCOMES[:3] == (HarnessError, Wrong, Crashed)
    assert OUTCOMES[-1] is Passed


def test_stages_are_in_order() -> None:
    assert STAGES == ("export", "import", "contract", "lower", "verify", "execute", "compare")


def test_details_that_a_later_opcov_adds_are_ignored() -> None:
    assert restore("Excluded", "export", {"reason": "r", "news": 1}) == Excluded("r")


@pytest.mark.parametrize(("name", "stage"), [("Perfect", "lower"), ("Excluded", "think")])
def test_unknown_names_raise(name: str, stage: str) -> None:
    with pytest.raises(KeyError):
        restore(name, stage, {"reason": "r"})


def test_missing_details_raise() -> None:
    with pytest.raises(TypeError):
        restore("Crashed", "lower", {"signal": "SIGSEGV"})
