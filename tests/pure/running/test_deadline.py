from __future__ import annotations

import pytest

from harness.records.outcome import STAGES, NotRun, TimedOut
from harness.running.deadline import Deadline
from tests.clocks import FakeClock

AFTER = "0123456789"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    return FakeClock.installed(monkeypatch)


def test_the_limit_is_for_all_stages_together(clock: FakeClock) -> None:
    deadline = Deadline(30.0)
    clock.now += 10
    deadline.enter("export")
    clock.now += 15
    deadline.enter("lower")
    assert deadline.left() == 5
    clock.now += 5
    assert deadline.left() == 0
    assert deadline.outcome() == TimedOut("lower", 30.0)
    assert deadline.spent() == {"reference": 10, "export": 15, "lower": 5}


def test_time_is_never_less_than_up(clock: FakeClock) -> None:
    deadline = Deadline(30.0)
    clock.now += 99
    assert deadline.left() == 0


def test_a_stage_that_hung_before_has_a_tenth_from_its_start(clock: FakeClock) -> None:
    deadline = Deadline(30.0, {"contract": AFTER})
    clock.now += 5
    assert deadline.left() == 25
    deadline.enter("contract")
    assert deadline.left() == 3
    clock.now += 3
    assert deadline.outcome() == NotRun("contract", 3.0, AFTER)


def test_the_stages_after_it_have_what_the_whole_leaves(clock: FakeClock) -> None:
    deadline = Deadline(30.0, {"contract": AFTER})
    deadline.enter("contract")
    clock.now += 2
    deadline.enter("lower")
    assert deadline.left() == 28
    clock.now += 28
    assert deadline.outcome() == TimedOut("lower", 30.0)


def test_a_stage_that_is_entered_again_has_the_rest_of_its_tenth(clock: FakeClock) -> None:
    deadline = Deadline(30.0, {"execute": AFTER})
    deadline.enter("execute")
    clock.now += 2
    deadline.enter("compare")
    clock.now += 4
    deadline.enter("execute")
    assert deadline.left() == 1
    clock.now += 1
    assert deadline.outcome() == NotRun("execute", 3.0, AFTER)
    assert deadline.spent() == {"reference": 0, "execute": 3, "compare": 4}


def test_a_sample_that_has_used_up_the_whole_is_timed_out_in_a_short_stage_too(clock: FakeClock) -> None:
    deadline = Deadline(30.0, {"contract": AFTER})
    deadline.enter("export")
    clock.now += 28
    deadline.enter("contract")
    assert deadline.left() == 2
    clock.now += 2
    assert deadline.outcome() == TimedOut("contract", 30.0)


def test_what_is_asked_of_export_after_execution_counts_as_execution(clock: FakeClock) -> None:
    deadline = Deadline(30.0)
    for stage in STAGES:
        deadline.enter(stage)
    clock.now += 1
    deadline.enter("export")
    assert deadline.stage == "execute"
    clock.now += 29
    assert deadline.outcome() == TimedOut("execute", 30.0)
    assert deadline.spent() == dict.fromkeys(("reference", *STAGES), 0) | {"compare": 1, "execute": 29}
