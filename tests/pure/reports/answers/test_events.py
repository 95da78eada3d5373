from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from harness.records.entry import End, Entry
from harness.records.signature import Signature
from reports.answers.events import Events, events
from reports.answers.trend import Trend, trends
from reports.index.history import PastRun, open_history
from reports.pages.trend import HEIGHT, WIDTH, charts, heading
from tests.pure.records.test_entry import REFUSED, WRONG, entry
from tests.pure.reports.index.test_history import RUN

PASS = End("pass", 5, 5)
BAD = End("wrong", 4, 5, (WRONG,))
LATE = End("timeout", 4, 5, (Signature("TimedOut", "lower"),))
JULY = replace(RUN, name="july", date="2026-07-01", label="belfort 2026.7.1", identity="july")
AUGUST = replace(RUN, name="august", date="2026-08-01", label="belfort 2026.8.1", identity="august")
OCTOBER = replace(RUN, name="october", date="2026-10-01", label="torch-mlir 20261001", identity="october")


def told(tmp_path: Path, of: Mapping[PastRun, tuple[Entry, ...]], **more: object) -> Events:
    with open_history(tmp_path / "history.sqlite", make=True) as history:
        for run, entries in of.items():
            history.record(replace(run, cells=len(entries)), entries)
        return events(history, **more)  # type: ignore[arg-type]


def test_an_event_says_since_when_and_what_was_before(tmp_path: Path) -> None:
    found = told(tmp_path, {JULY: (entry(PASS),), AUGUST: (entry(BAD),), OCTOBER: (entry(BAD),)})
    (event,) = found.events
    assert event.kind == "worse"
    assert event.since == "wrong since belfort 2026.8.1, pass before (belfort 2026.7.1)"
    assert found.text().splitlines()[0] == (
        "history: 1 worse in 1 cell, over 3 runs of 3 compilers, 2026-07-01 to 2026-10-01"
    )
    assert "aten.sort.default on tosa [static-f32]" in found.text()


def test_events_come_newest_first_whatever_was_recorded_first(tmp_path: Path) -> None:
    found = told(tmp_path, {OCTOBER: (entry(PASS),), JULY: (entry(PASS),), AUGUST: (entry(BAD),)})
    assert [(event.run.name, event.kind) for event in found.events] == [("october", "better"), ("august", "worse")]


def test_cells_that_a_run_does_not_cover_have_no_events_in_it(tmp_path: Path) -> None:
    other = entry(op="aten.topk.default")
    found = told(tmp_path, {JULY: (entry(PASS), other), AUGUST: (other,), OCTOBER: (entry(BAD), other)})
    (event,) = found.events
    assert (event.before.name, event.run.name) == ("july", "october")


def test_other_samples_of_a_cell_are_not_compared(tmp_path: Path) -> None:
    of = {JULY: (entry(PASS),), AUGUST: (entry(BAD, census="000000"),), OCTOBER: (entry(BAD),)}
    (event,) = told(tmp_path, of).events
    assert (event.before.name, event.run.name) == ("july", "october")


def test_what_the_machine_or_an_executor_may_explain_is_no_event(tmp_path: Path) -> None:
    without = replace(AUGUST, executors=())
    found = told(tmp_path, {JULY: (entry(PASS),), without: (entry(BAD),), OCTOBER: (entry(LATE),)})
    assert found.events == ()
    assert found.undecided == 2
    assert "2 changes left out" in found.text()


def test_a_change_under_one_compiler_is_told_as_such(tmp_path: Path) -> None:
    again = replace(JULY, name="again", started="2026-12-01")
    newer = replace(JULY, name="newer", started="2026-12-02", code="other")
    first, second = told(tmp_path, {JULY: (entry(PASS),), again: (entry(BAD),), newer: (entry(PASS),)}).events
    assert first.since.endswith("the same compiler: opcov has changed")
    assert second.since.endswith("the same compiler: not the same each time")


def test_a_selection_takes_a_cell_by_any_of_its_entries(tmp_path: Path) -> None:
    of = {
        JULY: (entry(PASS), entry(PASS, op="aten.topk.default")),
        AUGUST: (entry(BAD), entry(BAD, op="aten.topk.default")),
    }
    found = told(tmp_path, of, takes=lambda one: one.op == "aten.topk.default")
    assert [event.new.op for event in found.events] == ["aten.topk.default"]


def test_without_runs_there_is_nothing_to_tell(tmp_path: Path) -> None:
    assert told(tmp_path, {}).text() == "history: no run is recorded; opcov record JOURNAL adds one"


# the trend ------------------------------------------------------------------------------------------------------------


def drawn(tmp_path: Path, of: Mapping[PastRun, tuple[Entry, ...]]) -> tuple[Trend, ...]:
    with open_history(tmp_path / "history.sqlite", make=True) as history:
        for run, entries in of.items():
            history.record(replace(run, cells=len(entries)), entries)
        return trends(history, RUN.sampling)


def test_a_trend_has_a_point_a_run_over_the_cells_that_all_have(tmp_path: Path) -> None:
    extra = entry(End("unsupported", 0, 5, (REFUSED,)), op="aten.topk.default")
    control = entry(PASS, backend="control")
    of = {JULY: (entry(PASS), control), AUGUST: (entry(BAD), extra, control), OCTOBER: (entry(PASS), control)}
    (trend,) = drawn(tmp_path, of)
    assert trend.backend == "tosa"
    assert [(point.passed, point.total) for point in trend.points] == [(5, 5), (4, 5), (5, 5)]
    (chart,) = charts((trend,))
    assert chart.said == "100 % → 100 %"
    assert chart.marks[1].title == "80.0 % right: belfort 2026.8.1, 2026-08-01"
    assert all(0 < mark.x < WIDTH and 0 < mark.y < HEIGHT for mark in chart.marks)
    assert heading((trend,)) == (
        "Right samples in 3 recorded runs: belfort 2026.7.1 (2026-07-01) to torch-mlir 20261001 (2026-10-01)"
    )


def test_runs_of_some_ops_and_runs_that_sampled_otherwise_are_no_points(tmp_path: Path) -> None:
    many = tuple(entry(PASS, op=f"aten.op{n}.default") for n in range(5))
    other = replace(OCTOBER, sampling="default, census, seed 0")
    assert drawn(tmp_path, {JULY: many, AUGUST: many[:1], other: many}) == ()


def test_a_small_change_is_drawn_small(tmp_path: Path) -> None:
    def shares(first: int, second: int) -> float:
        of = {JULY: (entry(End("pass", first, 1000)),), AUGUST: (entry(End("partial", second, 1000, (REFUSED,))),)}
        folder = tmp_path / f"{first}-{second}"
        folder.mkdir()
        (chart,) = charts(drawn(folder, of))
        return abs(chart.marks[0].y - chart.marks[1].y)

    assert shares(1000, 999) < 3
    assert shares(1000, 500) > HEIGHT / 2
