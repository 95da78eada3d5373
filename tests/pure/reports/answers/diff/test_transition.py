"""The whole table of transitions: every outcome before, every outcome after."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.records.outcome import OUTCOMES
from harness.records.signature import Signature
from reports.answers.diff.transition import (
    MISSING_EXECUTOR,
    NEWLY,
    NO_LONGER,
    RED,
    RIGHT,
    SHORTER_DEADLINE,
    UNDECIDED,
    VOID,
    Means,
    transition,
    undecided,
)
from reports.fold.ending import Ending

TABLE = """
              Passed Reached Wrong Crashed TimedOut Invalid Unsupported Outside Blocked NotExported Excluded HarnessError NotExecuted NotRun
Passed             =       =     w       w        w       w           w       w       w           w        w            u           u      u
Reached            =       =     w       w        w       w           w       w       w           w        w            u           u      u
Wrong              b       b     =       w        w       b           b       b       b           b        b            u           u      u
Crashed            b       b     w       =        w       b           b       b       b           b        b            u           u      u
TimedOut           b       b     w       w        =       b           b       b       b           b        b            u           u      u
Invalid            b       b     w       w        w       =           c       c       c           c        c            u           u      u
Unsupported        b       b     w       w        w       c           =       c       c           c        c            u           u      u
Outside            b       b     w       w        w       c           c       =       c           c        c            u           u      u
Blocked            b       b     w       w        w       c           c       c       =           c        c            u           u      u
NotExported        b       b     w       w        w       c           c       c       c           =        c            u           u      u
Excluded           b       b     w       w        w       c           c       c       c           c        =            u           u      u
HarnessError       u       u     u       u        u       u           u       u       u           u        u            =           u      u
NotExecuted        u       u     u       u        u       u           u       u       u           u        u            u           =      u
NotRun             u       u     u       u        u       u           u       u       u           u        u            u           u      =
"""  # noqa: E501
KINDS = {"w": "worse", "b": "better", "c": "changed", "u": "undecided", "=": None}
COLUMNS, *ROWS = [line.split() for line in TABLE.strip().splitlines()]
PAIRS = [(row[0], column, cell) for row in ROWS for column, cell in zip(COLUMNS, row[1:], strict=True)]
STAGES = {"Passed": "compare", "Wrong": "compare", "Crashed": "execute", "TimedOut": "lower", "NotExecuted": "execute"}


def ending(outcome: str, detail: str = "", **changes: object) -> Ending:
    """An ending with this outcome; its diagnostic names the outcome, so that two differ by it."""
    end = Ending(Signature(outcome, STAGES.get(outcome, "lower")), detail or outcome)
    return replace(end, **changes)


def kind(before: Ending, after: Ending, *means: Means) -> str | None:
    found = transition(before, after, (means[0], means[1]) if means else (Means(), Means()))
    return found.kind if found else None


def test_the_table_has_every_outcome() -> None:
    names = {cls.__name__ for cls in OUTCOMES}
    assert set(COLUMNS) == {row[0] for row in ROWS} == names
    assert {*RIGHT, *VOID, *NEWLY} == names


@pytest.mark.parametrize(("before", "after", "cell"), PAIRS)
def test_every_pair_of_outcomes_is_in_the_table(before: str, after: str, cell: str) -> None:
    assert kind(ending(before), ending(after)) == KINDS[cell]


@pytest.mark.parametrize(("before", "after", "cell"), [pair for pair in PAIRS if pair[2] != "="])
def test_every_transition_has_a_name_that_says_what_it_is(before: str, after: str, cell: str) -> None:
    found = transition(ending(before), ending(after))
    assert found
    match cell:
        case "w":
            assert found.name == NEWLY[after]
        case "b":
            assert found.name == ("fixed" if after in RIGHT else NO_LONGER[before])
        case "c":
            assert found.name == "changed"
        case "u":
            assert found.name in (UNDECIDED.get(before), UNDECIDED.get(after))


@pytest.mark.parametrize("outcome", [name for name in COLUMNS if name not in (*RIGHT, *VOID)])
@pytest.mark.parametrize("what", ["detail", "stage", "culprit", "kind"])
def test_the_same_outcome_for_another_reason_is_changed(outcome: str, what: str) -> None:
    before = ending(outcome)
    if what == "detail":
        after = replace(before, detail="another")
    else:
        after = replace(before, signature=replace(before.signature, **{what: "verify" if what == "stage" else "new"}))
    is_aside = (outcome, what) in (("Blocked", "culprit"), ("Outside", "culprit"), ("Outside", "kind"))
    assert kind(before, after) == (None if is_aside else "changed")
    assert kind(after, before) == (None if is_aside else "changed")


@pytest.mark.parametrize("outcome", [*RIGHT, *VOID])
def test_right_is_right_and_unknown_is_unknown_whatever_else_is_said(outcome: str) -> None:
    other = Ending(Signature(outcome, "verify", "op", "kind"), "another", executors=("xla",), seconds=3.0)
    assert transition(ending(outcome), other) is None


def test_another_first_wrong_pass_is_changed_and_one_that_nobody_looked_for_is_not() -> None:
    wrong = ending("Wrong")
    assert kind(replace(wrong, step="a"), replace(wrong, step="b")) == "changed"
    assert kind(replace(wrong, step="a"), wrong) is None
    assert kind(wrong, replace(wrong, step="a")) is None


@pytest.mark.parametrize("outcome", ["Unsupported", "Invalid"])
def test_what_a_header_calls_outside_the_dialect_is_what_another_calls_refused(outcome: str) -> None:
    outside, refused = ending("Outside", "no f64"), ending(outcome, "no f64")
    assert kind(outside, refused) is None
    assert kind(refused, outside) is None
    assert kind(outside, replace(refused, detail="another")) == "changed"
    assert kind(outside, replace(refused, signature=Signature(outcome, "verify"))) == "changed"


LACKS = Means(missing=frozenset({"xla", "tosa-reference"}))
HAS = Means()


@pytest.mark.parametrize("after", ["Wrong", "Crashed"])
def test_a_pass_that_rests_on_a_missing_executor_is_undecided(after: str) -> None:
    passed = ending("Passed", executors=("xla",))
    found = transition(passed, ending(after), (HAS, LACKS))
    assert found
    assert (found.kind, found.name) == ("undecided", MISSING_EXECUTOR)
    assert kind(ending(after), passed, LACKS, HAS) == "undecided"


def test_an_executor_that_is_missing_decides_nothing_where_another_one_was_asked_too() -> None:
    passed = ending("Passed", executors=("xla", "llvm-jit"))
    assert kind(passed, ending("Wrong"), HAS, LACKS) == "worse"


def test_the_run_that_has_the_executor_may_lack_none() -> None:
    passed = ending("Passed", executors=("xla",))
    assert kind(passed, ending("Wrong"), LACKS, HAS) == "worse"


def test_what_the_compiler_refuses_needs_no_executor() -> None:
    passed = ending("Passed", executors=("xla",))
    assert kind(passed, ending("Unsupported"), HAS, LACKS) == "worse"
    assert kind(passed, replace(ending("Crashed"), signature=Signature("Crashed", "lower")), HAS, LACKS) == "worse"


def test_a_wrong_result_that_a_missing_executor_alone_saw_is_undecided() -> None:
    wrong = ending("Wrong", executors=("tosa-reference",))
    assert kind(ending("Passed", executors=("llvm-jit",)), wrong, LACKS, HAS) == "undecided"
    assert kind(wrong, ending("Passed", executors=("llvm-jit",)), HAS, LACKS) == "undecided"


def test_a_timeout_within_a_deadline_that_the_other_run_had_not_is_undecided() -> None:
    short, long = Means(seconds=10.0), Means(seconds=30.0)
    timed_out = ending("TimedOut", seconds=10.0)
    found = transition(ending("Passed"), timed_out, (long, short))
    assert found
    assert (found.kind, found.name) == ("undecided", SHORTER_DEADLINE)
    assert kind(timed_out, ending("Passed"), short, long) == "undecided"
    assert kind(ending("Passed"), timed_out, short, short) == "worse"
    assert kind(ending("Passed"), ending("TimedOut", seconds=30.0), short, long) == "worse"
    assert kind(ending("TimedOut", seconds=30.0), ending("Passed"), long, short) == "better"


def test_the_most_alarming_transition_comes_first() -> None:
    pairs = [
        ("Passed", "Wrong"),
        ("Passed", "Crashed"),
        ("Passed", "TimedOut"),
        ("Passed", "Invalid"),
        ("Passed", "Unsupported"),
        ("Passed", "Blocked"),
        ("NotExecuted", "Wrong"),
        ("Passed", "HarnessError"),
        ("HarnessError", "Passed"),
        ("Invalid", "Unsupported"),
        ("Wrong", "Invalid"),
        ("Wrong", "Unsupported"),
        ("Wrong", "Passed"),
        ("Unsupported", "Passed"),
    ]
    found = [transition(ending(before), ending(after)) for before, after in pairs]
    ranks = [t.rank for t in found if t]
    assert ranks == sorted(ranks)
    assert len(set(ranks)) == len(pairs)


def test_who_doubts_a_change_names_the_reason() -> None:
    found = undecided(ending("Passed"), ending("Wrong"), "flicker")
    assert (found.kind, found.name) == ("undecided", "flicker")
    assert all(outcome in COLUMNS for outcome in RED)


def test_a_second_opinion_that_only_one_run_has_is_no_change() -> None:
    wrong, right = ending("Wrong"), ending("Passed")
    cleared = ending("Passed", executors=("iree",), instead=wrong.signature)
    assert kind(wrong, cleared) is None
    assert kind(cleared, wrong) is None
    assert kind(right, cleared) is None
    assert kind(ending("Crashed"), cleared) == "better"
    assert kind(cleared, ending("Crashed")) == "worse"
