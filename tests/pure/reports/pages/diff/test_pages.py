"""A diff as text, Markdown and JSON."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from harness.errors import UnknownName
from harness.records.outcome import Blocked, Crashed, HarnessError, Invalid, Outcome, Passed, Unsupported, Wrong
from reports.answers.diff.diff import Diff, diff
from reports.answers.diff.side import Side
from reports.pages.diff.formats import FORMATS, render
from reports.pages.diff.markdown import LARGEST, as_markdown
from reports.pages.diff.text import as_text
from reports.pages.diff.words import first_line
from tests.synthetic import CONTROLS, HEADER, HTML, UNICODE, everything, index, record, sample

PASSED = Passed(0.1, ("llvm-jit",))
WRONG = Wrong("value", "out[0]=1.0, but should be 2.0", 0, "llvm-jit")
CRASHED = Crashed("lower", "SIGSEGV", "")
REFUSED = Unsupported("lower", "error: failed to legalize operation 'torch.aten.sort'", "torch.aten.sort")
INVALID = Invalid("verify", "error: no")


def pairs(*changes: tuple[Outcome, Outcome, int]) -> Diff:
    """A diff in which so many cells, of as many ops, go from one outcome to another."""
    before, after, number = [], [], 0
    for old, new, count in changes:
        for _ in range(count):
            of = sample(f"aten.op_{number}.default", "f32", "static", (2,))
            before.append(record(of, "tosa", old))
            after.append(record(of, "tosa", new))
            number += 1
    return diff(Side(index(before), "a.gz"), Side(index(after), "b.gz"))


@pytest.fixture(scope="module")
def found() -> Diff:
    return pairs(
        (PASSED, WRONG, 3),
        (PASSED, CRASHED, 1),
        (REFUSED, PASSED, 12),
        (PASSED, HarnessError("KeyError: 0"), 40),
        (REFUSED, INVALID, 2),
        (PASSED, PASSED, 5),
    )


def test_the_first_line_is_the_verdict(found: Diff) -> None:
    line = "3 newly wrong, 1 new crash, 12 fixed, 2 changed, 40 undecided"
    assert first_line(found) == line
    assert as_text(found).splitlines()[0] == line
    assert as_markdown(found).splitlines()[0] == f"### {line}"


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ([(PASSED, PASSED, 2)], "no change"),
        ([], "nothing to compare: the two journals have no sample in common"),
        ([(REFUSED, PASSED, 1)], "1 fixed; nothing worse"),
        ([(REFUSED, INVALID, 1)], "1 changed; nothing worse"),
        ([(PASSED, CRASHED, 2)], "2 new crashes"),
        ([(WRONG, REFUSED, 1), (PASSED, REFUSED, 1000)], "1,000 newly refused, 1 no longer wrong"),
    ],
)
def test_the_first_line_of_other_diffs(changes: Any, line: str) -> None:
    assert first_line(pairs(*changes)) == line


def test_the_text_has_counts_runs_groups_with_commands_and_what_was_left_out(found: Diff) -> None:
    text = as_text(found)
    assert "A  a.gz · run 2026-11-22-nightly · 2026-11-22 03:00 UTC · profile default, seed 20261122" in text
    assert "B  b.gz · run" in text
    assert "torch 2.13.0+cpu · torch_mlir 20261001 · what was loaded is not known" in text
    assert "! Both runs measured the same torch and torch-mlir." in text
    assert "Compared 63 samples in 63 cells that both runs have." in text
    assert re.search(r"^  worse +4 \(4\): newly wrong 3 \(3\), new crash 1 \(1\)$", text, re.MULTILINE)
    assert re.search(r"^  changed +2 \(2\)$", text, re.MULTILINE)
    assert "  fixed: 12 cells (12 ops), 12 samples; tosa\n    was Unsupported at lower: torch.aten.sort" in text
    assert re.search(r"    opcov repro \w{10} --backend tosa --journal b\.gz\n", text)
    assert text.splitlines()[-1].startswith("- the control, and samples that were minimised")


def test_the_text_shows_a_few_groups_of_a_kind_unless_all_are_asked_for() -> None:
    found = pairs(*[(PASSED, WRONG, 1)] * 9)
    text = as_text(found)
    assert text.count("opcov repro") == 6
    assert "  3 more groups: --all" in text
    assert as_text(found, every=True).count("opcov repro") == 9
    assert "--all" not in as_text(found, every=True)


def test_no_line_but_commands_and_notes_is_longer_than_the_terminal(found: Diff) -> None:
    lines = [line for line in as_text(found, 100).splitlines() if "opcov repro" not in line and line[:1] != "!"]
    assert max(map(len, lines)) <= 100


def test_what_was_left_out_is_told_in_cells_and_samples() -> None:
    def cell(size: int, op: str = "aten.relu.default") -> Any:
        return record(sample(op, "f32", "static", (size,)), "tosa", PASSED)

    before = [cell(2), cell(3, "aten.abs.default"), cell(4, "aten.abs.default"), cell(2, "aten.exp.default")]
    after = [cell(5), cell(3, "aten.abs.default"), cell(2, "aten.sin.default"), cell(2, "aten.cos.default")]
    text = as_text(diff(Side(index(before), "a"), Side(index(after), "b")))
    assert "- redrawn: 1 cell (1 op) with other samples in B than in A, none in common" in text
    assert "- partly redrawn: 1 cell (1 op), compared by what both have; 2 samples only in A, 1 only in B" in text
    assert "- newly covered: 2 cells (2 ops) only in B" in text
    assert "- gone: 1 cell (1 op) only in A" in text
    unfinished = as_text(diff(Side(index(before, footer=None), "a"), Side(index(after, footer=None), "b")))
    assert "- not run in A: 2 cells (2 ops) only in B" in unfinished
    assert "- not run in B: 1 cell (1 op) only in A" in unfinished


def test_notes_say_what_may_mislead() -> None:
    of = sample("aten.relu.default", "f32", "static", (2,))
    tools = HEADER["toolchain"]
    code_a, code_b = (HEADER | {"toolchain": tools | {"code": code, "torch": code}} for code in "ab")
    executors = code_b | {"toolchain": code_b["toolchain"] | {"executors": "llvm-jit"}}
    control = [record(of, "control", PASSED)]
    before = Side(
        index(control, header=code_a | {"toolchain": tools | {"code": "a", "executors": "llvm-jit, xla"}}), "a"
    )
    after = Side(index([record(of, "control", WRONG)], header=executors, footer=None, damage=["line 3: x"]), "b")
    text = as_text(diff(before, after))
    assert "! B did not end: cells that it lacks were not run, and are not gone." in text
    assert "! The journal of B is damaged: line 3: x." in text
    assert "! The control changed in 1 sample, which no compiler can cause: do not trust this diff." in text
    assert "! The code of opcov that decides outcomes differs: a change may be its own." in text
    assert "! B has no executor xla: what rests on it alone is undecided." in text
    assert "same torch and torch-mlir" not in text


# Markdown -------------------------------------------------------------------------------------------------------------


def many(groups: int, kind: Outcome = CRASHED) -> Diff:
    return pairs(*[(PASSED, kind, 1), (WRONG, REFUSED, 1)] * groups)


def test_a_comment_stays_within_its_size_and_says_what_was_cut() -> None:
    found = many(300)
    text = as_markdown(found)
    assert 30_000 < len(text) <= LARGEST < 65_536
    cut = re.findall(r"\*\*Cut: ([\d,]+) more groups with ([\d,]+) cells\*\*", text)
    shown = text.count("<details>")
    assert shown + sum(int(count) for count, _ in cut) == len(found.groups)
    assert len(cut) == 2
    assert text.count("<details>") == text.count("</details>")
    assert "#### Better" in text
    assert "#### Left out" in text


def test_a_small_comment_is_cut_nowhere(found: Diff) -> None:
    text = as_markdown(found)
    assert "Cut" not in text
    assert text.count("<details>") == len(found.groups)
    first = "newly wrong: 1 cell (1 op), 1 sample; tosa: aten.op_0.default"
    assert f"<details><summary>{first}</summary>" in text
    more = "12 samples; tosa: aten.op_10.default, aten.op_11.default, aten.op_12.default, and 9 more</summary>"
    assert more in text
    assert "| worse | 4 (4) | newly wrong 3 (3), new crash 1 (1) |" in text
    assert re.search(r"```sh\nopcov repro \w{10} --backend tosa --journal b\.gz\n```", text)


@pytest.mark.parametrize("text", [HTML, UNICODE, CONTROLS, "```\n| a | <b>", "x" * 10_000])
def test_nasty_texts_end_no_block_and_no_table(text: str) -> None:
    found = pairs((PASSED, Unsupported("lower", text, None), 1), (PASSED, Blocked("import", "Unsupported", text), 1))
    said = as_markdown(found)
    fences = [line for line in said.splitlines() if line.startswith("```")]
    assert fences == ["```text", "```", "```sh", "```"] * 2
    outside = re.sub(r"```text\n.*?\n```", "", said, flags=re.DOTALL)
    assert "<script" not in outside
    assert len(said) < 8_000


# JSON -----------------------------------------------------------------------------------------------------------------


def test_the_json_has_all_groups_and_cells(found: Diff) -> None:
    data = json.loads(render(found, "json"))
    assert data["verdict"] == first_line(found)
    assert data["worse"] is True
    assert data["compared"] == {"samples": 63, "cells": 63}
    assert data["counts"][0] == {"kind": "worse", "name": "newly wrong", "cells": 3, "ops": 3}
    assert len(data["cells"]) == 58
    assert sum(len(group["cells"]) for group in data["groups"]) == 58
    group = next(group for group in data["groups"] if group["name"] == "fixed")
    assert (group["samples"], group["plain"], len(group["ops"])) == (12, 0, 12)
    smallest = group["smallest"]
    assert smallest["cell"] == {"op": "aten.op_12.default", "backend": "tosa", "mode": "static", "dtype": "f32"} or (
        smallest["cell"]["op"] in group["ops"]
    )
    assert smallest["repro"] == [f"opcov repro {smallest['id']} --backend tosa --journal b.gz"]
    assert data["before"]["journal"] == "a.gz"
    first = data["cells"][0]
    assert (first["kind"], first["name"], len(first["samples"])) == ("worse", "newly wrong", 1)
    assert first["samples"][0]["after"] == "Wrong at compare: value"


def test_every_format_is_written_of_a_diff_of_everything_with_itself_and_with_nothing() -> None:
    whole, nothing = Side(index(everything()), "a"), Side(index([]), "b")
    for format in FORMATS:
        assert "no change" in render(diff(whole, whole), format)
        assert "nothing to compare" in render(diff(whole, nothing), format)
    with pytest.raises(UnknownName, match="unknown format 'csv'"):
        render(diff(whole, whole), "csv")
