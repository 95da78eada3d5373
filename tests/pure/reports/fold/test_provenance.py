from __future__ import annotations

from harness.cases.sample import MODES
from harness.records.outcome import HarnessError, NotRun, Wrong
from reports.fold.matrix import Matrix, load
from reports.fold.provenance import Provenance, control_line, provenance
from reports.index.index import Index
from tests.synthetic import FOOTER, HEADER, PASSED, index, record, sample

WRONG = Wrong("value", "out[0] = 1.0, but should be 2.0", 0, "llvm-jit")


def about(of: Index) -> Provenance:
    return provenance(of.run, load(of))


def test_notes_say_what_must_not_be_missed() -> None:
    of = sample("aten.mul.Tensor", "f32", "static", (3,))
    one = record(of, "control", WRONG)
    ours = record(sample("aten.mul.Tensor", "f32", "static", (4,)), "tosa", HarnessError("Traceback\nKeyError: 1"))
    notes = " ".join(about(index([one, ours], footer=None)).notes)
    assert "killed" in notes
    assert "1 harness error:" in notes
    assert "do not trust the red" in notes
    assert "interrupted" in about(index([one], footer=FOOTER | {"interrupted": True})).notes[0]
    assert about(index([record(of, "tosa", PASSED)])).notes == ()


def test_samples_of_the_control_that_were_not_run_are_no_fault_of_it() -> None:
    of = sample("aten.mul.Tensor", "f32", "static", (3,))
    hung = record(of, "control", NotRun("export", 3.0, "0123456789"))
    assert about(index([record(of, "control", PASSED), hung])).notes == ()


def test_an_unfinished_run_says_how_far_it_is() -> None:
    one = [record(sample("aten.mul.Tensor", "f32", mode, (3,)), "tosa", PASSED) for mode in MODES]
    header = HEADER | {"cells": 32220}
    assert about(index(one, header=header, footer=None)).notes == ("The run is unfinished: 2 of 32,220 cells.",)
    assert about(index(one, header=header)).notes == ()


def test_damage_is_a_note_with_its_place() -> None:
    of = record(sample("aten.mul.Tensor", "f32", "static", (3,)), "tosa", PASSED)
    (note,) = about(index([of], damage=["line 7: not JSON"])).notes
    assert "line 7: not JSON" in note


def test_provenance_is_said_in_text() -> None:
    said = about(index([], header=HEADER | {"options": {"profile": "nightly", "ops": ["aten.conv*"]}}))
    assert said.started == "2026-11-22 03:00 UTC"
    assert said.options == "profile nightly · seed 20261122 · ops aten.conv*"
    assert said.toolchain.startswith("torch 2.13.0+cpu · torch-mlir 20261001 · opcov 0.1.0 · python 3.11.9 · linux")


def test_what_was_loaded_is_said_and_not_what_is_installed() -> None:
    header = HEADER | {
        "toolchain": {"opcov": "0.1.0", "installed": {"torch": "2.13"}, "executors": "a, b", "absent": {}}
    }
    before = about(index([], header=header)).toolchain
    assert before == "opcov 0.1.0 · executors a, b · what was loaded is not known, installed: torch 2.13"
    packages = {"torch_mlir": {"path": "/ahead/torch_mlir", "library": "libAll.so", "sha256": "0123456789abcdef"}}
    lines = [
        {"kind": "toolchain", "worker": worker, "packages": packages, "executors": ["a", "b"], "absent": absent}
        for worker, absent in (("gw0", {}), ("gw1", {}), ("gw0", {"b": "it is\nbroken"}))
    ]
    assert about(index([], header=header, toolchains=lines)).toolchain == (
        "torch_mlir in /ahead/torch_mlir (libAll 0123456789ab) · opcov 0.1.0 · executors a · absent: executor b (it is)"
    )


def test_another_frontend_is_said_with_the_reason() -> None:
    line = {"kind": "toolchain", "worker": "main", "executors": ["a"], "frontend": "fx.export_and_import, since\nit"}
    assert " · frontend fx.export_and_import, since · " in " · " + about(index([], toolchains=[line])).toolchain + " · "


def of(control: dict[str, int]) -> Matrix:
    return Matrix(columns=(), rows=(), control=control)


def test_control_line_never_rounds_up() -> None:
    assert control_line(of({"Passed": 9999, "Wrong": 1})) == "control: 99.9 % Passed (9,999 of 10,000)"
    assert control_line(of({"Passed": 5, "Excluded": 2})) == "control: 100 % Passed (5 of 5, 2 Excluded aside)"
    assert control_line(of({"Passed": 5, "NotRun": 2})) == "control: 100 % Passed (5 of 5, 2 NotRun aside)"
