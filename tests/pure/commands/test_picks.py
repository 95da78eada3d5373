from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from harness.cases.case import OpCase
from harness.cases.explicit import example, tensor
from harness.cases.sample import Sample
from harness.commands import picks
from harness.errors import Exit
from harness.surface.opinfo import Trace

ROOT = Path(__file__).parents[3]


def call(*elements: float, **more: int) -> Sample:
    found = example(self=tensor(list(elements)), **more).sample("aten.relu.default", "static")
    assert found
    return replace(found, origin="opinfo")


def case(*kept: Sample) -> OpCase:
    return OpCase(op="aten.relu.default", inputs=lambda d: {"self": d.tensor()}, picks=lambda: kept)


def kept(sample: Sample) -> Sample:
    return replace(sample, origin="picked")


def status(monkeypatch: pytest.MonkeyPatch, of: OpCase, *calls: Sample) -> int:
    traced = Trace("2.0", 1, frozenset(), {"aten.relu.default": {"f32": calls}}, {})
    monkeypatch.setattr(picks.opinfo, "trace", lambda: traced)
    monkeypatch.setattr(picks, "catalog", lambda: {"f": (of,)})
    return picks.main(["--check"])


def test_a_pick_with_other_elements_is_still_the_call(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status(monkeypatch, case(kept(call(1.0, 2.0))), call(3.0, 4.0), call(1.0)) == Exit.OK
    assert "1 pick, all in OpInfo" in capsys.readouterr().out


@pytest.mark.parametrize("changed", [call(1.0), call(1.0, 2.0, dim=1)])
def test_a_pick_that_opinfo_no_longer_calls_is_told_with_what_to_do(
    changed: Sample, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = kept(changed)
    assert status(monkeypatch, case(gone), call(1.0, 2.0)) == Exit.FOUND
    said = capsys.readouterr().out
    assert f"gone from OpInfo: aten.relu.default f32 {gone.id}" in said
    assert "1 of 1 pick gone from OpInfo: run `python -m harness.commands.picks`" in said


def test_an_unknown_family_is_an_error_before_anything_is_traced() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "harness.commands.picks", "sortign"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == Exit.USAGE
    assert done.stderr.startswith("picks: unknown family 'sortign'; did you mean sorting")
    assert len(done.stderr.splitlines()) == 1
