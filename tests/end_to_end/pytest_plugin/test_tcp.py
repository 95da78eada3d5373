"""The column `tcp` in a run: whatever the binary is or does becomes outcomes, and the run goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.programs import plugins, tcp_opt
from tests import tcp_stand_in
from tests.end_to_end.opcov import Done, job, outcomes


def run(tmp_path: Path, *options: str) -> Done:
    cell = ("--op", "aten.tanh.default", "--dtype", "f32", "--mode", "static", "--profile", "quick")
    return job(*cell, "--sample-seconds", "10", *options, out=tmp_path / "out")


def of(tmp_path: Path, backend: str = "tcp") -> list[tuple[str, str]]:
    """The outcomes and stages of the column."""
    found = outcomes(tmp_path / "out" / "journal.jsonl.gz")
    return [(each["outcome"], each["stage"]) for each in found if each["backend"] == backend]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("", {("Passed", "compare")}),
        ("lies", {("Wrong", "compare")}),
        ("dies", {("Crashed", "lower")}),
        ("hangs", {("TimedOut", "lower"), ("NotRun", "lower")}),
        ("rubbish", {("Invalid", "verify")}),
        ("another program", {("NotExecuted", "lower")}),
        ("newer", {("NotExecuted", "verify")}),
    ],
)
def test_what_the_binary_does_is_an_outcome(fault: str, expected: set[tuple[str, str]], tmp_path: Path) -> None:
    binary = tcp_stand_in.write(tmp_path / "a-binary", fault)
    done = run(tmp_path, "--backend", "tcp,control", "--tcp-opt", str(binary))
    assert done.returncode in (0, 1), done.stdout + done.stderr
    found = of(tmp_path)
    assert found and set(found) <= expected
    assert set(of(tmp_path, "control")) == {("Passed", "compare")}


def test_where_it_is_absent_the_column_says_so_and_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(tcp_opt.VARIABLE, raising=False)
    done = run(tmp_path, "--backend", "tcp,control")
    assert done.returncode in (0, 1), done.stdout + done.stderr
    lines = [line for line in outcomes(tmp_path / "out" / "journal.jsonl.gz") if line["backend"] == "tcp"]
    assert {line["outcome"] for line in lines} == {"NotExecuted"}
    assert {line["detail"]["reasons"]["absent"] for line in lines} == {f"there is no tcp-opt: {tcp_opt.HOW}"}
    assert tcp_opt.COLUMN not in plugins.names(plugins.BACKENDS)
