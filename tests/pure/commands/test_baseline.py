from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.commands import baseline as command
from harness.commands import cli
from harness.commands.comparison import registry
from harness.commands.measured import NotComparable, check_comparable
from harness.errors import Exit
from harness.programs.loaded import pins
from harness.records import baseline_file
from harness.records.entry import Entry
from harness.records.journal import Record
from harness.records.journal_writer import JournalWriter
from harness.records.outcome import NotExecuted, Outcome, Passed, TimedOut, Unsupported, Wrong
from tests.synthetic import FOOTER, HEADER, blocks, index, record, sample

PASSED = Passed(0.1, ("llvm-jit",))
WRONG = Wrong("value", "out is off", 0, "llvm-jit")
REFUSED = Unsupported("lower", "error: no", "torch.aten.relu")
UNEXECUTED = NotExecuted({"tosa-reference": "cannot"})
OPTIONS = {
    "profile": "quick", "samples": "census", "thorough": False, "ops": [], "backends": ["linalg", "tosa"],
    "modes": [], "dtypes": [], "keyword": "", "sample_seconds": 30.0, "sample_memory": 4.0,
}  # fmt: skip
PINNED = pins()
EXECUTORS = ("llvm-jit", "xla")


def toolchain(executors: Sequence[str] = EXECUTORS, **versions: str) -> dict[str, Any]:
    packages = {
        key: {"path": f"/venv/{key}", "distribution": name, "version": versions.get(key, PINNED[name])}
        for key, name in (("torch", "torch"), ("torch_mlir", "torch-mlir"))
    }
    return {"kind": "toolchain", "worker": "main", "packages": packages, "executors": list(executors), "absent": {}}


def records(relu: Outcome = PASSED, sigmoid: Outcome | None = PASSED, shape: Sequence[int] = (2, 3)) -> list[Record]:
    """Relu and sigmoid on TOSA; sigmoid does not run if it is None."""
    found = [record(sample("aten.relu.default", "f32", "static", shape), "tosa", relu, "activation")]
    one = sample("aten.sigmoid.default", "f32", "static", (2, 3))
    return found + ([record(one, "tosa", sigmoid, "activation")] if sigmoid else [])


@pytest.fixture
def run(tmp_path: Path) -> Any:
    """Write a journal; return its path."""

    def written(
        of: Sequence[Record], *, seed: int = 0, tools: Any = None, whole: bool = True, name: str = "", **options: Any
    ) -> str:
        path = tmp_path / f"run-{len(list(tmp_path.iterdir()))}" / "journal.jsonl.gz"
        header = {**HEADER, "run": name or path.parent.name, "seed": seed, "cells": 2, "options": OPTIONS | options}
        with JournalWriter(path, header) as writer:
            writer.write_toolchain(tools or toolchain())
            for block in blocks(of):
                writer.write_cell(block.lines)
            if whole:
                writer.close(**FOOTER)
        return str(path if whole else path.with_name(path.name + ".part"))

    return written


class Opcov:
    """`opcov baseline` on the baselines of a test; cells that are run again come out as they did."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys

    def __call__(self, *arguments: str, status: int = Exit.OK) -> str:
        self._capsys.readouterr()
        action, *more = arguments
        found = cli.main(["baseline", action, "--baselines", str(self.folder), *more])
        said = self._capsys.readouterr()
        assert found == status, said.out + said.err
        return said.out if status in (Exit.OK, Exit.FOUND) else said.err

    @property
    def text(self) -> str:
        return (self.folder / "quick" / "activation.txt").read_text()


@pytest.fixture
def opcov(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Opcov:
    monkeypatch.setattr(command, "run_alone", lambda cell, measured: (cell, measured))
    return Opcov(tmp_path / "baselines", capsys)


@pytest.fixture
def written(opcov: Opcov, run: Any) -> Opcov:
    """A baseline in which relu and sigmoid pass on TOSA."""
    opcov("write", run(records()))
    return opcov


# check ----------------------------------------------------------------------------------------------------------------


def test_what_was_written_is_as_expected(written: Opcov, run: Any) -> None:
    assert written("check", run(records())) == (
        "baseline: as expected, 2 of the 2 cells of the profile quick compared\n"
    )


def test_a_drift_is_red_with_old_and_new_and_says_what_to_type(written: Opcov, run: Any) -> None:
    journal = run(records(WRONG))
    said = written("check", journal, status=Exit.FOUND)
    assert said.startswith("baseline: drift, 1 worse, 2 of the 2 cells")
    assert "aten.relu.default[tosa-static-f32]  pass 1/1 -> wrong 0/1 Wrong@compare=value" in said
    assert f"opcov explain aten.relu.default --backend tosa --journal {journal}" in said
    assert f"opcov baseline update {journal} --reason" in said
    data = json.loads(written("check", journal, "--json", status=Exit.FOUND))
    assert [one["kind"] for one in data["drifts"]] == ["worse"]


def test_other_samples_ask_for_an_update(written: Opcov, run: Any) -> None:
    journal = run(records(WRONG, shape=(4,)))
    said = written("check", journal, status=Exit.FOUND)
    assert "redrawn: 1 cell" in said
    assert f"opcov baseline update {journal}\n" in said
    written("update", journal)
    assert "aten.relu.default tosa static f32 wrong 0/1" in written.text


def test_better_passes_unless_it_is_strict(opcov: Opcov, run: Any) -> None:
    opcov("write", run(records(WRONG)))
    journal = run(records())
    assert f"keep it: opcov baseline update {journal}" in opcov("check", journal)
    opcov("check", journal, "--strict-baseline", status=Exit.FOUND)


def test_a_run_of_some_cells_is_checked_for_these(written: Opcov, run: Any) -> None:
    said = written("check", run(records(sigmoid=None)))
    assert "1 of the 2 cells of the profile quick compared" in said
    assert "no data: 1 cell of the baseline did not run" in said


def test_what_time_or_an_absent_executor_may_explain_is_listed(written: Opcov, run: Any) -> None:
    assert "1 undecided" in written("check", run(records(TimedOut("execute", 30.0))))
    said = written("check", run(records(UNEXECUTED), tools=toolchain(("llvm-jit",))))
    assert "1 undecided" in said
    assert "executors are not those of the baseline: xla" in said
    written("check", run(records(REFUSED), tools=toolchain(("llvm-jit",))), status=Exit.FOUND)


def test_a_cell_that_is_right_when_it_runs_alone_flickers(
    written: Opcov, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = baseline_file.read(written.folder / "quick").entries
    asked: list[str] = []

    def alone(cell: Entry, measured: Any) -> Any:
        asked.append(cell.cell)
        return expected[cell.name], measured

    monkeypatch.setattr(command, "run_alone", alone)
    journal = run(records(WRONG))
    said = written("check", journal)
    assert asked == ["aten.relu.default[tosa-static-f32]"]
    assert "pass 1/1 -> wrong 0/1 Wrong@compare=value (run again, alone: pass 1/1)" in said
    assert "1 flicker" in said
    written("check", journal, "--no-rerun", status=Exit.FOUND)


def test_nothing_is_run_again_with_another_pair(written: Opcov, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "run_alone", lambda cell, measured: (cell, {**measured, "torch": "torch 3"}))
    said = written("check", run(records(WRONG)), status=Exit.FOUND)
    assert "could not be run again" in said


def test_many_cells_are_not_run_again(written: Opcov, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "MANY", 1)
    monkeypatch.setattr(command, "run_alone", None)
    assert "too many to run each again" in written("check", run(records(WRONG, WRONG)), status=Exit.FOUND)


def test_a_line_that_matches_nothing_is_an_error_and_an_update_removes_it(written: Opcov, run: Any) -> None:
    path = written.folder / "quick" / "activation.txt"
    path.write_text(f"aten.gone.default tosa static f32 pass 1/1 3fa9c1\n{path.read_text()}")
    said = written("check", run(records()), status=Exit.DATA)
    assert "activation.txt:1: the registry has no cell aten.gone.default[tosa-static-f32]" in said
    assert "removed: aten.gone.default[tosa-static-f32]" in written("update", run(records(sigmoid=None)))
    assert "gone" not in written.text
    assert "sigmoid" in written.text


# what cannot be compared ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "status", "why"),
    [
        ({"seed": 3}, Exit.DATA, "measured with seed 3, not 0"),
        ({"thorough": True}, Exit.DATA, "thorough True, not False"),
        ({"sample_seconds": 3.0}, Exit.DATA, "sample_seconds 3, not 30"),
        ({"samples": "both"}, Exit.DATA, "samples both, not census"),
        ({"tools": toolchain(torch_mlir="20270101")}, Exit.ENVIRONMENT, r"of torch-mlir 20270101 (pinned: "),
        ({"tools": toolchain(torch="2.99.0+cpu")}, Exit.ENVIRONMENT, "of torch 2.99.0+cpu"),
    ],
)
def test_another_pair_or_other_options_are_refused_in_words(
    written: Opcov, run: Any, how: dict[str, Any], status: int, why: str
) -> None:
    before = written.text
    journal = run(records(WRONG), **how)
    for action in ("check", "update"):
        assert why in written(action, journal, status=status)
    said = written("check", journal, "--if-comparable")
    assert said.startswith("baseline: not checked: the journal")
    assert said.count("\n") == 1
    assert written.text == before


def test_another_pair_can_be_checked_and_never_updates(written: Opcov, run: Any) -> None:
    before = written.text
    journal = run(records(WRONG), tools=toolchain(torch_mlir="20270101"))
    said = written("check", journal, "--any-pair", status=Exit.FOUND)
    assert "1 worse" in said
    assert "the pair has changed: torch-mlir 20270101 after torch-mlir" in said
    written("update", journal, "--any-pair", status=Exit.ENVIRONMENT)
    assert written.text == before


def test_without_a_file_of_pins_the_pair_is_that_of_the_baseline() -> None:
    measured_with = {"torch": "torch 2.13.0+cpu (libtorch_cpu 0a1b)", "torch-mlir": "torch-mlir 20261001"}
    baseline = baseline_file.Baseline(folder=Path("quick"), measured=measured_with, entries={}, places={})

    def checked(version: str) -> None:
        tools = toolchain(torch="2.13.0+cpu", torch_mlir=version)
        check_comparable(index((), toolchains=[tools]).run, baseline, Path("/nowhere/constraints.txt"))

    checked("20261001")
    with pytest.raises(NotComparable, match=r"pinned: 20261001"):
        checked("20261002")


def test_a_compiler_of_ones_own_is_not_the_pinned_one(written: Opcov, run: Any) -> None:
    tools = toolchain()
    tools["packages"]["torch_mlir"] = {"path": "/build/torch_mlir", "revision": "0a1b2c3d4e+"}
    said = written("check", run(records(), tools=tools), status=Exit.ENVIRONMENT)
    assert "torch_mlir in /build/torch_mlir, revision 0a1b2c3d4e+" in said


def test_a_journal_that_does_not_say_what_was_loaded_is_refused(written: Opcov, tmp_path: Path) -> None:
    path = tmp_path / "old" / "journal.jsonl.gz"
    with JournalWriter(path, {**HEADER, "seed": 0, "options": OPTIONS}) as writer:
        writer.close(**FOOTER)
    assert "does not say which torch and torch-mlir" in written("check", str(path), status=Exit.DATA)


def test_a_profile_without_a_baseline_is_an_error_unless_it_need_not_be_compared(written: Opcov, run: Any) -> None:
    journal = run(records(), profile="soak")
    assert "there is no baseline of the profile soak" in written("check", journal, status=Exit.DATA)
    assert "not checked: there is no baseline of the profile soak" in written("check", journal, "--if-comparable")


def test_conflict_markers_are_an_error_and_nothing_is_overwritten(written: Opcov, run: Any) -> None:
    path = written.folder / "quick" / "activation.txt"
    conflict = f"<<<<<<< HEAD\n{path.read_text()}=======\n>>>>>>> theirs\n"
    path.write_text(conflict)
    for action in ("check", "update"):
        assert f"{path}:1: a conflict marker of git" in written(action, run(records(WRONG)), status=Exit.DATA)
    assert path.read_text() == conflict


# update and write -----------------------------------------------------------------------------------------------------


def test_an_update_touches_only_what_ran(written: Opcov, run: Any) -> None:
    sigmoid = written.text.splitlines()[1]
    said = written("update", run(records(WRONG, sigmoid=None)), "--reason", "upstream issue 1")
    assert said.startswith("baseline: 1 line updated, 0 removed, in 1 file\n")
    assert "no data: 1 cell of the baseline did not run" in said
    relu, kept = written.text.splitlines()
    assert kept == sigmoid
    assert relu.startswith("aten.relu.default tosa static f32 wrong 0/1 ")
    assert relu.endswith("Wrong@compare=value # was pass 1/1: upstream issue 1")
    written("update", run(records()))
    assert "was pass" not in written.text


def test_worse_asks_for_a_reason_and_nothing_is_written_without(written: Opcov, run: Any) -> None:
    before = written.text
    said = written("update", run(records(WRONG, REFUSED)), status=Exit.USAGE)
    assert "2 cells would be worse, such as aten.relu.default[tosa-static-f32]: pass 1/1 -> wrong 0/1" in said
    assert '--reason "WHY"' in said
    assert written.text == before


def test_a_run_that_did_not_end_touches_what_it_has_and_says_so(written: Opcov, run: Any) -> None:
    said = written("update", run(records(WRONG, sigmoid=None), whole=False), "--reason", "why")
    assert "the run did not end: 1 of its 2 cells are here" in said
    assert "aten.sigmoid.default tosa static f32 pass 1/1" in written.text


def test_a_run_without_an_executor_leaves_what_it_may_explain(written: Opcov, run: Any) -> None:
    before = written.text
    said = written("update", run(records(UNEXECUTED), tools=toolchain(("llvm-jit",))))
    assert "left as they are: 1 undecided cell" in said
    assert written.text == before


def test_a_query_selects_the_cells_that_an_update_takes_over(written: Opcov, run: Any) -> None:
    journal = run(records(WRONG, WRONG))
    said = written("update", journal, "--where", "op:aten.relu* outcome:wrong", "--reason", "why")
    assert "1 line updated" in said
    assert "left out by --where: 1 cell" in said
    assert "no data" not in said
    assert "1 worse" in written("check", journal, status=Exit.FOUND)
    assert "severity: is a field of samples" in written(
        "check", journal, "--where", "severity:plain", status=Exit.USAGE
    )
    assert "unknown op 'aten.rely*'" in written("check", journal, "--where", "op:aten.rely*", status=Exit.USAGE)
    assert "leave out --where" in written("write", journal, "--where", "op:aten.relu*", status=Exit.USAGE)


def test_a_second_verdict_stands_in_the_line(written: Opcov, run: Any) -> None:
    other = run(records(WRONG))
    written("update", other, "--also", "cpu")
    assert "~ cpu wrong 0/1 Wrong@compare=value\n" in written.text
    said = written("check", other)
    assert "1 cell came to the second verdict" in said
    written("check", run(records()))
    written("check", run(records(REFUSED)), status=Exit.FOUND)


def test_write_does_not_overwrite(written: Opcov, run: Any) -> None:
    before = written.text
    assert "has a baseline already" in written("write", run(records(WRONG)), status=Exit.USAGE)
    assert written.text == before


# the baselines of the repository --------------------------------------------------------------------------------------

PROFILES = sorted(path.name for path in command.FOLDER.iterdir() if path.is_dir())


@pytest.mark.parametrize("profile", PROFILES)
def test_a_baseline_of_the_repository_has_each_cell_of_the_registry_and_no_other(profile: str) -> None:
    baseline = baseline_file.read(command.FOLDER / profile)
    found = {(entry.family, entry.name) for entry in baseline.entries.values()}
    assert found == registry(profile, tuple(baseline.measured["backends"].split()))


@pytest.mark.parametrize("profile", PROFILES)
def test_a_baseline_of_the_repository_is_as_opcov_writes_it(profile: str, tmp_path: Path) -> None:
    baseline = baseline_file.read(command.FOLDER / profile)
    again = replace(baseline, folder=tmp_path)
    baseline_file.write(tmp_path, again.measured, again.entries.values())
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (command.FOLDER / profile / path.name).read_bytes()
