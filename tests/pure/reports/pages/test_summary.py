from __future__ import annotations

from harness.records.outcome import Crashed, Wrong
from reports.answers.alarms import alarms
from reports.fold.matrix import Matrix, load
from reports.index.index import Index
from reports.pages.summary import summary
from tests.synthetic import PASSED, index, record, sample

WRONG = Wrong("value", "out[0] = 1.0, but should be 2.0", 0, "llvm-jit")


def test_summary_lists_the_most_alarming_with_commands_to_paste() -> None:
    crash = record(sample("aten.exp.default", "f32", "static", (2,)), "tosa", Crashed("lower", "SIGSEGV", "a\nboom\n"))
    wrong = record(sample("aten.mul.Tensor", "f32", "static", (3,)), "linalg", WRONG)
    small = record(sample("aten.mul.Tensor", "f32", "static", (1,)), "linalg", WRONG, minimised=wrong.id)
    made = index([crash, wrong, small])
    text = summary(load(made), made, 120)
    lines = text[text.index("Most alarming") :].splitlines()
    assert lines[2].startswith("✗ aten.mul.Tensor  linalg static: Wrong on 1 of 1 samples")
    assert "value: out[0] = 1.0, but should be 2.0" in lines[3]
    assert "aten.mul.Tensor(self=f32[1])" in lines[4]
    assert lines[5].strip() == "opcov explain aten.mul.Tensor --backend linalg"
    assert lines[6].strip() == f"opcov repro {small.id} --backend linalg"
    assert "▲ aten.exp.default" in text[text.index("repro") :]
    assert "SIGSEGV at lower: boom" in text
    assert "linalg: 1 cause of 1 failing cell; 1 silently wrong (opcov clusters --backend linalg)" in text


def test_summary_is_limited_and_says_so(whole: tuple[Matrix, Index]) -> None:
    count = len(alarms(*whole))
    assert f"Most alarming (3 of {count}," in summary(*whole, 120, limit=3)


def test_a_green_run_ends_without_alarms() -> None:
    made = index([record(sample("aten.mul.Tensor", "f32", "static", (3,)), "linalg", PASSED)])
    text = summary(load(made), made, 100)
    assert "Most alarming" not in text
    assert "100 %" in text
