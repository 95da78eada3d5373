"""What a second opinion comes to: it clears a sample only where nothing but the other executors can be at fault."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness.judging.opinion import may_have_one, with_opinion
from harness.records.opinion import Opinion
from harness.records.outcome import (
    Crashed,
    Excluded,
    HarnessError,
    NotExecuted,
    NotExported,
    Outcome,
    Passed,
    Result,
    TimedOut,
    Unsupported,
    Wrong,
)

WRONG = Wrong("value", "m", 0, "llvm-jit", confirmed=("llvm-jit",), others={"llvm-jit-fused": "value: n"})
FAILED = Result(outcome=WRONG, traits=("rank=1",))
FINE = ("", "")


def said(failed: Result, *verdicts: float | Wrong | str, verified: tuple[str, ...] = FINE) -> Opinion:
    opinion = with_opinion(failed, "iree", verdicts, verified).opinion
    assert opinion
    return opinion


@pytest.mark.parametrize(
    "outcome",
    [
        WRONG,
        Crashed("execute", "SIGSEGV", ""),
        Crashed("compare", "SIGABRT", ""),
        TimedOut("execute", 30.0),
        NotExecuted({"llvm-jit": "no"}),
    ],
    ids=repr,
)
def test_an_opinion_is_for_what_failed_when_it_was_run(outcome: Outcome) -> None:
    assert may_have_one(outcome)


@pytest.mark.parametrize(
    "outcome",
    [
        Passed(0.1, ("x",)),
        Crashed("lower", "SIGSEGV", ""),
        TimedOut("verify", 30.0),
        Unsupported("lower", "no", None),
        NotExecuted({"version skew": "x"}, "lower"),
        HarnessError("x", "compare"),
        Excluded("x"),
        NotExported("export", ""),
    ],
    ids=repr,
)
def test_there_is_none_where_the_module_is_missing_or_right_or_not_at_fault(outcome: Outcome) -> None:
    assert not may_have_one(outcome)


def test_one_that_is_wrong_in_the_same_kind_and_output_confirms_it() -> None:
    assert said(FAILED, Wrong("value", "other", 0, "iree")) == Opinion(executor="iree", says="confirms", why="other")


@pytest.mark.parametrize("other", [Wrong("shape", "other", 0, "iree"), Wrong("value", "other", 1, "iree")])
def test_one_that_is_wrong_in_another_way_does_not(other: Wrong) -> None:
    assert said(FAILED, other).says == "differs"


def test_one_that_is_wrong_where_others_die_differs() -> None:
    assert said(Result(outcome=Crashed("execute", "SIGSEGV", "")), Wrong("value", "m", 0, "iree")).says == "differs"


def test_the_first_run_that_is_not_right_decides_and_no_other_is_run() -> None:
    def verdicts() -> Iterator[float | str]:
        yield 0.5
        yield "it dies: SIGSEGV"
        raise AssertionError("run after it was known")

    found = with_opinion(FAILED, "iree", verdicts(), iter(())).opinion
    assert found == Opinion(executor="iree", says="none", why="it dies: SIGSEGV")


def test_no_run_is_no_opinion() -> None:
    assert said(FAILED).says == "none"


def test_one_that_is_right_where_nothing_is_out_of_bounds_clears_the_sample() -> None:
    found = with_opinion(FAILED, "iree", (0.25, 0.5), FINE)
    assert found.outcome == Passed(0.5, ("iree",), {"llvm-jit": "m", "llvm-jit-fused": "value: n"})
    assert found.opinion == Opinion(executor="iree", says="clears", instead=WRONG)
    assert found.traits == FAILED.traits


@pytest.mark.parametrize(
    ("failed", "verified", "why"),
    [
        (FAILED, ("", "out-of-bounds access in memref.load"), "out-of-bounds access in memref.load"),
        (FAILED, ("llvm-jit-checked cannot run it: no", ""), "llvm-jit-checked cannot run it: no"),
        (Result(outcome=WRONG, cause="memory that nobody wrote"), FINE, "memory that nobody wrote"),
        (Result(outcome=WRONG, traits=("unguarded_buffers",)), FINE, "not every buffer had a guard"),
        (Result(outcome=Crashed("execute", "SIGFPE", "")), FINE, "another executor dies of it (SIGFPE)"),
        (Result(outcome=TimedOut("execute", 30.0)), FINE, "another executor does not end"),
        (Result(outcome=NotExecuted({"llvm-jit": "no"})), FINE, "no executor with guards can run it"),
    ],
)
def test_one_that_is_right_by_luck_for_all_that_is_known_leaves_it_red(
    failed: Result, verified: tuple[str, ...], why: str
) -> None:
    found = with_opinion(failed, "iree", (0.5,), verified)
    assert found.outcome == failed.outcome
    assert found.opinion == Opinion(executor="iree", says="right", why=why)
