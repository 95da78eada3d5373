from __future__ import annotations

from dataclasses import replace

from harness.judging.blame import outcome
from harness.records.outcome import NotExecuted, Passed, Wrong

VALUE = Wrong("value", "out[0]=1, but should be 2", 0, "a", sizes={"n": 2})
SHAPE = Wrong("shape", "out[0].shape=[1], but should be [2]", 0, "b", sizes={"n": 2})


def test_one_right_executor_makes_the_artifact_right() -> None:
    assert outcome([{"a": 0.25}, {"a": 0.5}]) == Passed(0.5, ("a",))


def test_every_right_executor_is_named_once_in_order() -> None:
    assert outcome([{"a": 0.1, "b": 0.2}, {"a": 0.3, "b": 0.1}]) == Passed(0.3, ("a", "b"))


def test_an_executor_that_is_wrong_where_another_is_right_is_at_fault_itself() -> None:
    found = outcome([{"a": VALUE, "b": 0.5}])
    assert found == Passed(0.5, ("b",), {"a": VALUE.message})


def test_executors_that_are_all_wrong_put_the_lowering_at_fault_and_are_named() -> None:
    found = outcome([{"a": VALUE, "b": replace(VALUE, executor="b", actual="3"), "c": "no sort"}])
    assert found == replace(VALUE, confirmed=("a", "b"), others={"c": "no sort"})


def test_executors_that_are_wrong_in_different_ways_do_not_confirm_each_other() -> None:
    found = outcome([{"a": VALUE, "b": SHAPE}])
    assert found == replace(VALUE, confirmed=("a",), others={"b": f"shape: {SHAPE.message}"})


def test_an_executor_that_cannot_run_the_artifact_has_no_say() -> None:
    assert outcome([{"a": "no sort", "b": 0.5}]) == Passed(0.5, ("b",))
    assert outcome([{"a": "no sort", "b": VALUE}]) == replace(VALUE, confirmed=("b",), others={"a": "no sort"})


def test_a_run_that_no_executor_can_do_is_not_executed() -> None:
    assert outcome([{"a": 0.1}, {"a": "no sort", "b": "no size 0"}]) == NotExecuted({"a": "no sort", "b": "no size 0"})


def test_a_wrong_run_ranks_above_one_that_no_executor_can_do() -> None:
    found = outcome([{"a": "no size 0"}, {"a": VALUE}])
    assert found == replace(VALUE, confirmed=("a",))


def test_runs_after_a_wrong_one_are_not_drawn() -> None:
    verdicts = iter([{"a": VALUE}, {"a": 0.5}])
    assert isinstance(outcome(verdicts), Wrong)
    assert next(verdicts) == {"a": 0.5}


def test_an_artifact_without_runs_is_not_executed() -> None:
    assert outcome([]) == NotExecuted({"none": "no size to run at"})


ONE_ROAD = {"a": "llvm", "b": "llvm"}


def test_executors_of_one_road_do_not_outvote_each_other() -> None:
    found = outcome([{"a": VALUE, "b": 0.5}], ONE_ROAD)
    assert found == replace(VALUE, confirmed=("a",), others={"b": "right, by the same road"})
    assert isinstance(outcome([{"a": 0.5, "b": VALUE}], ONE_ROAD), Wrong)


def test_a_right_executor_of_another_road_outvotes_both() -> None:
    found = outcome([{"a": VALUE, "b": 0.5, "c": 0.25}], ONE_ROAD)
    assert found == Passed(0.25, ("c",), {"a": VALUE.message})
