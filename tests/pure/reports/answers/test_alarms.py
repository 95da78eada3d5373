from __future__ import annotations

from harness.records.journal import Journal
from reports.answers.alarms import alarms
from reports.fold.matrix import Matrix


def test_alarms_rank_wrong_before_our_errors_before_crashes(whole: tuple[Matrix, Journal]) -> None:
    names = [alarm.status.name for alarm in alarms(whole[0])]
    assert names == sorted(names, key=["wrong", "error", "crash"].index)
