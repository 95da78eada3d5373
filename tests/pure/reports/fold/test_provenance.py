from __future__ import annotations

from harness.records.outcome import HarnessError, Wrong
from reports.fold.provenance import control_line, provenance
from tests.synthetic import FOOTER, HEADER, PASSED, journal, record, sample

WRONG = Wrong("value", "out[0] = 1.0, but should be 2.0", 0, "llvm-jit")


def test_notes_say_what_must_not_be_missed() -> None:
    of = sample("aten.mul.Tensor", "f32", "static", (3,))
    one = record(of, "control", WRONG)
    ours = record(sample("aten.mul.Tensor", "f32", "static", (4,)), "tosa", HarnessError("Traceback\nKeyError: 1"))
    notes = " ".join(provenance(journal([one, ours], footer=None)).notes)
    assert "killed" in notes
    assert "1 harness error:" in notes
    assert "do not trust the red" in notes
    assert "interrupted" in provenance(journal([one], footer=FOOTER | {"interrupted": True})).notes[0]
    assert provenance(journal([record(of, "tosa", PASSED)])).notes == ()


def test_provenance_is_said_in_text() -> None:
    about = provenance(journal([], header=HEADER | {"options": {"profile": "nightly", "ops": ["aten.conv*"]}}))
    assert about.started == "2026-11-22 03:00 UTC"
    assert about.options == "profile nightly · seed 20261122 · ops aten.conv*"
    assert about.toolchain.startswith("torch 2.13.0+cpu · torch-mlir 20261001 · opcov 0.1.0 · python 3.11.9 · linux")


def test_control_line_never_rounds_up() -> None:
    assert control_line({"Passed": 9999, "Wrong": 1}) == "control: 99.9 % Passed (9,999 of 10,000)"
    assert control_line({"Passed": 5, "Excluded": 2}) == "control: 100 % Passed (5 of 5, 2 Excluded aside)"
    assert control_line({"Passed": 5, "NotRun": 2}) == "control: 100 % Passed (5 of 5, 2 NotRun aside)"
    assert control_line({}) == "control: never run"
