"""The search for causes after the cells of a run, with a recorder and a worker that are made up."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from harness.errors import OpcovError
from harness.pytest_plugin import causes
from harness.pytest_plugin.causes import Causes
from harness.pytest_plugin.progress import Progress
from harness.records.cause import Cause
from harness.records.outcome import Unsupported
from harness.running.request import CutProgram, CutRequest, CutText
from tests.synthetic import index, record, sample

OPS = ("aten.a.default", "aten.b.default")
RECORDS = [record(sample(op, "f32", "static", (2,)), "tosa", Unsupported("lower", "no", None)) for op in OPS]


def cut(request: CutRequest) -> CutProgram | CutText:
    """Every program has one op, so that nothing is run."""
    return CutProgram(ops=("torch.aten.x",), ir="x") if request.kept is None else CutText(ir="x", ops=("torch.aten.x",))


class Recorder:
    """A run of an hour whose cells are all done."""

    def __init__(self, **changes: Any) -> None:
        self.written: list[Cause] = []
        self.notes: list[str] = []
        self.started = time.time() - 3600
        self.resumed: Any = None
        self.progress = Progress()
        self.config = SimpleNamespace(option=SimpleNamespace(collectonly=False))
        self.report = SimpleNamespace(live_index=lambda: index(RECORDS), note_causes=lambda *given: None)
        self.writer: Any = SimpleNamespace(write_cause=self.written.append)
        vars(self).update(changes)

    def open(self) -> Any:
        self.writer = self.writer or SimpleNamespace(write_cause=self.written.append)
        return self.writer


def look(recorder: Recorder, monkeypatch: pytest.MonkeyPatch, ask: Callable[..., Any] = cut) -> None:
    """Run the hook around a loop that has ended."""

    class Worker:
        def __enter__(self) -> Any:
            return SimpleNamespace(cut=ask)

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr(Causes, "_supervisor", lambda self: Worker())
    given: Any = recorder
    loop = Causes(given).pytest_runtestloop()
    next(loop)
    with pytest.raises(StopIteration) as ended:
        loop.send(True)
    assert ended.value.value is True


def test_every_way_of_failing_gets_its_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder()
    look(recorder, monkeypatch)
    assert [cause.op for cause in recorder.written] == list(OPS)
    assert recorder.progress.phase == "causes: 1 of 2 ways of failing"
    assert recorder.notes == []


def test_what_time_does_not_suffice_for_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder()

    def slow(request: CutRequest) -> Any:
        monkeypatch.setattr(causes.time, "time", lambda: recorder.started + 1e6)
        return cut(request)

    look(recorder, monkeypatch, slow)
    assert len(recorder.written) == 1
    assert recorder.notes == ["1 of 2 ways of failing have no cause yet: opcov causes goes on with them"]


@pytest.mark.parametrize(
    "changes",
    [
        {"progress": Progress(names=frozenset({"a"}))},  # a cell did not run
        {"writer": None},  # nothing was measured
        {"report": None},
        {"started": float("inf")},  # there is no time, whenever the test runs
        {"config": SimpleNamespace(option=SimpleNamespace(collectonly=False, last_start=time.time() - 1))},  # --budget
        {"config": SimpleNamespace(option=SimpleNamespace(collectonly=True))},
    ],
)
def test_nothing_is_cut_where_cells_are_missing_or_the_time_is_over(
    changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(**changes)
    look(recorder, monkeypatch)
    assert recorder.written == []


def test_it_takes_a_tenth_of_the_run_and_stays_within_its_budget() -> None:
    any_recorder: Any = Recorder()
    assert Causes(any_recorder)._ends() - time.time() == pytest.approx(400, abs=5)
    any_recorder.config.option.last_start = time.time() + 50
    assert Causes(any_recorder)._ends() - time.time() == pytest.approx(50, abs=5)


def test_ctrl_c_ends_the_run_and_what_was_found_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder()

    def interrupt(request: CutRequest) -> Any:
        if recorder.written:
            raise KeyboardInterrupt
        return cut(request)

    with pytest.raises(KeyboardInterrupt):
        look(recorder, monkeypatch, interrupt)
    assert len(recorder.written) == 1
    assert "1 of 2 ways" in recorder.notes[0]


def test_a_resumed_run_in_which_only_causes_were_missing_goes_on_with_them(monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder(resumed=SimpleNamespace(seconds=0.0), writer=None)
    look(recorder, monkeypatch)
    assert len(recorder.written) == 2


def test_without_a_worker_the_run_is_whole_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(request: CutRequest) -> Any:
        raise OpcovError("no worker can be forked", hint="is the machine out of memory?")

    recorder = Recorder()
    look(recorder, monkeypatch, broken)
    assert recorder.notes[0] == "opcov: no causes: no worker can be forked; is the machine out of memory?"
