from __future__ import annotations

from reports.answers.alarms import alarms
from reports.fold.matrix import Matrix
from reports.index.index import Index


def test_alarms_rank_wrong_before_our_errors_before_crashes(whole: tuple[Matrix, Index]) -> None:
    names = [alarm.status.name for alarm in alarms(*whole)]
    assert names == sorted(names, key=["wrong", "error", "crash"].index)
