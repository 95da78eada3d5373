from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.cases.sample import RULED, Origin
from harness.records.expectation import judge, one_line
from harness.records.journal import Record
from harness.records.outcome import (
    Crashed,
    Excluded,
    HarnessError,
    Invalid,
    NotExecuted,
    NotExported,
    NotRun,
    Outcome,
    Passed,
    TimedOut,
    Unsupported,
    Wrong,
)
from tests.samples import relu

PASSED = Passed(0.25, ("x",))
WRONG = Wrong("value", "out[0]=1, but should be 2", 0, "x")
EXCLUDED = Excluded("eager refuses")
UNRUN = NotRun("contract", 3.0, "0123456789")
BROKEN = HarnessError("Traceback\n  File\nKeyError: 'x'")
SHORTFALLS: tuple[Outcome, ...] = (
    WRONG,
    Crashed("lower", "SIGSEGV", ""),
    Invalid("verify", "leak"),
    Unsupported("lower", "no", "torch.aten.sort"),
    TimedOut("execute", 30.0),
    NotExported("export", "no"),
    NotExecuted({"x": "no"}),
)


def records(*outcomes: Outcome, **more: Any) -> list[Record]:
    return [
        Record(
            op="aten.relu.default",
            family="activation",
            backend="tosa",
            mode="static",
            dtype="f32",
            outcome=outcome,
            sample=relu(),
            **more,
        )
        for outcome in outcomes
    ]


def kind(*outcomes: Outcome, backend: str = "tosa") -> str:
    return judge(records(*outcomes), backend).kind


def test_all_passed_is_right() -> None:
    assert kind(PASSED, PASSED) == "right"
    assert kind(PASSED, backend="control") == "right"


@pytest.mark.parametrize("outcome", SHORTFALLS, ids=lambda o: type(o).__name__)
def test_one_shortfall_among_passes_is_one(outcome: Outcome) -> None:
    assert kind(PASSED, outcome, PASSED) == "shortfall"


@pytest.mark.parametrize("outcome", [*SHORTFALLS, EXCLUDED], ids=lambda o: type(o).__name__)
def test_the_control_has_no_right_to_any(outcome: Outcome) -> None:
    assert kind(PASSED, outcome, backend="control") == "broken"
    assert kind(outcome, backend="control") == "broken"


@pytest.mark.parametrize("backend", ["tosa", "control"])
def test_an_error_of_ours_is_broken_whatever_else_there_is(backend: str) -> None:
    assert kind(PASSED, WRONG, BROKEN, backend=backend) == "broken"


def test_only_excluded_is_outside() -> None:
    assert kind(EXCLUDED, EXCLUDED) == "outside"


def test_an_exclusion_among_passes_is_no_pass() -> None:
    assert kind(PASSED, EXCLUDED) == "shortfall"


def test_what_was_not_run_after_a_hang_is_no_pass_and_nobodys_fault() -> None:
    assert kind(UNRUN, UNRUN) == kind(UNRUN, EXCLUDED) == "outside"
    assert kind(PASSED, UNRUN) == "shortfall"
    assert kind(UNRUN, WRONG) == "shortfall"
    assert judge(records(UNRUN), "tosa").reason.startswith("NotRun 1/1: 3 s in contract, where sample 0123456789 hung")


def test_what_was_not_run_after_a_hang_does_not_break_the_control() -> None:
    assert kind(UNRUN, backend="control") == "outside"
    assert kind(PASSED, UNRUN, backend="control") == "shortfall"
    assert kind(UNRUN, EXCLUDED, backend="control") == "broken"
    assert kind(PASSED, UNRUN, WRONG, backend="control") == "broken"


def test_nothing_is_outside_and_never_right() -> None:
    with pytest.raises(StopIteration):
        judge([], "tosa")


def test_the_reason_is_the_most_alarming_with_its_count_and_sample() -> None:
    verdict = judge(records(PASSED, SHORTFALLS[3], WRONG), "tosa")
    assert verdict.reason == f"Wrong 1/3: value: out[0]=1, but should be 2 (sample {relu().id})"


def test_minimised_samples_are_not_counted() -> None:
    verdict = judge([*records(WRONG), *records(WRONG, minimised="abc")], "tosa")
    assert verdict.reason.startswith("Wrong 1/1")


@pytest.mark.parametrize("outcome", [PASSED, *SHORTFALLS, UNRUN, EXCLUDED, BROKEN], ids=lambda o: type(o).__name__)
def test_every_outcome_has_one_line(outcome: Outcome) -> None:
    line = one_line(outcome)
    assert line
    assert "\n" not in line


def test_a_long_reason_is_cut() -> None:
    assert len(one_line(replace(EXCLUDED, reason="x" * 999))) == 200


def test_an_empty_reason_is_empty() -> None:
    assert one_line(Excluded("")) == ""


def test_the_line_of_a_traceback_is_its_last() -> None:
    assert one_line(BROKEN) == "KeyError: 'x'"


def test_the_control_may_lose_what_opinfo_chose_and_eager_or_export_rejects() -> None:
    def of(origin: Origin, outcome: Outcome) -> Record:
        return replace(records(outcome)[0], sample=replace(relu(), origin=origin))

    passed, refused, unexported = of("opinfo", PASSED), Excluded("eager refuses"), NotExported("export", "no")
    for lost in (of("opinfo", refused), of("rejected", refused), of("opinfo", unexported)):
        assert judge([passed, lost], "control").kind == "right"
    ruled = [of(origin, outcome) for origin in RULED for outcome in (refused, unexported, WRONG)]
    for ours in (*ruled, of("opinfo", WRONG)):
        assert judge([passed, ours], "control").kind == "broken"
    assert judge([of("rejected", refused), of("opinfo", unexported)], "control").kind == "outside"
