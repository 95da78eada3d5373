"""The search for a cause over a worker that is made up: what is asked of it, and what is made of its answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from harness.records.frontend import FRONTEND
from harness.records.journal import Record
from harness.records.outcome import (
    Crashed,
    HarnessError,
    Invalid,
    NotExecuted,
    Outcome,
    Passed,
    Reached,
    Result,
    TimedOut,
    Unsupported,
    Wrong,
)
from harness.running.cutting import Cutter, OutOfTime
from harness.running.request import CutProgram, CutRequest, CutText
from tests.samples import relu

PASSED = Passed(0.0, ("x",))
REFUSED = Unsupported("lower", "no", "torch.aten.size.int")
WRONG = Wrong("value", "off", 0, "llvm-jit")
OPS = ("torch.aten.a", "torch.aten.b", "torch.aten.c")
Ends = Callable[[frozenset[int], str], Outcome]


def record(outcome: Outcome = REFUSED, backend: str = "tosa", **more: Any) -> Record:
    return Record(
        op="aten.relu.default",
        family="activation",
        backend=backend,
        mode="static",
        dtype="f32",
        outcome=outcome,
        sample=relu(),
        **more,
    )


@dataclass
class Worker:
    """Ends pieces as `ends` says, which is given the ops and the depth; `texts` changes what is told of a piece."""

    ends: Ends
    ops: tuple[str, ...] = OPS
    texts: Mapping[frozenset[int], Mapping[str, str]] = field(default_factory=dict)
    ran: list[CutRequest] = field(default_factory=list)
    program: CutProgram | Result | None = None
    told: Mapping[str, CutProgram] = field(default_factory=dict)
    """What is told of the program in the form of a level."""

    def __call__(self, request: CutRequest) -> CutProgram | CutText | Result:
        if request.kept is None:
            return (
                self.program
                or self.told.get(request.level)
                or CutProgram(ops=self.ops, ir=self.text(frozenset(range(len(self.ops)))))
            )
        part = frozenset(request.kept)
        if request.depth == "text":
            told = {"ir": self.text(part), "values": "v", "numeric": "ulp(4)", **self.texts.get(part, {})}
            return CutText(ops=tuple(self.ops[i] for i in request.kept), **told)
        self.ran.append(request)
        return Result(outcome=self.ends(part, request.depth))

    def text(self, part: frozenset[int]) -> str:
        return " ".join(self.ops[i] for i in sorted(part))


def planted(*culprits: int, outcome: Outcome = REFUSED) -> Ends:
    return lambda part, depth: outcome if part & set(culprits) else PASSED


def test_the_op_at_fault_is_named_and_how_it_fails_alone() -> None:
    worker = Worker(planted(1))
    cause = Cutter(worker).cause(record())
    assert (cause.found, cause.culprits, cause.needs, cause.unlocks) == ("culprits", ("torch.aten.b",), (), True)
    assert (cause.level, cause.backend, cause.id, cause.way.culprit) == (
        "contract",
        "tosa",
        relu().id,
        "torch.aten.size.int",
    )
    (alone,) = cause.alone
    assert (alone.ops, alone.ir, alone.outcome, alone.numeric) == (("torch.aten.b",), "torch.aten.b", REFUSED, "")
    assert cause.tried == len(worker.ran) == 5  # the whole, three alone, the rest


def test_a_refusal_is_looked_for_without_running_anything_but_the_rest() -> None:
    worker = Worker(planted(1))
    Cutter(worker).cause(record())
    assert {request.depth for request in worker.ran if request.kept != (0, 2)} == {"verify"}
    assert [request.depth for request in worker.ran if request.kept == (0, 2)] == ["compare"]


def test_what_is_wrong_is_executed_and_the_bounds_are_told() -> None:
    worker = Worker(planted(2, outcome=WRONG))
    cause = Cutter(worker).cause(record(WRONG))
    assert cause.culprits == ("torch.aten.c",)
    assert cause.alone[0].numeric == "ulp(4)"
    assert {request.depth for request in worker.ran} == {"compare"}


def test_another_output_is_the_same_way_another_kind_is_not() -> None:
    other = Wrong("value", "off", 3, "xla")
    assert Cutter(Worker(planted(0, outcome=other))).cause(record(WRONG)).culprits == ("torch.aten.a",)
    cause = Cutter(Worker(planted(0, outcome=Wrong("shape", "", 0, "x")))).cause(record(WRONG))
    assert (cause.found, cause.why) == (
        "not tried",
        "the whole program does not fail so here: ('Wrong', 'compare', 'shape')",
    )


def test_the_only_op_of_a_program_is_at_fault_and_nothing_is_run() -> None:
    worker = Worker(planted(0), ops=OPS[:1])
    cause = Cutter(worker).cause(record())
    assert (cause.culprits, cause.unlocks, cause.tried, worker.ran) == (("torch.aten.a",), True, 0, [])
    assert cause.alone[0].outcome == REFUSED


def test_no_piece_runs_twice_on_a_backend() -> None:
    worker = Worker(planted(1))
    cutter = Cutter(worker)
    cutter.cause(record())
    again = cutter.cause(record())
    assert (again.culprits, again.tried) == (("torch.aten.b",), 0)
    assert cutter.cause(record(backend="linalg")).tried == 5


def test_what_was_compared_with_other_values_is_run_again() -> None:
    worker = Worker(planted(1, outcome=WRONG))
    cutter = Cutter(worker)
    assert cutter.cause(record(WRONG)).tried == 5
    worker.texts = {frozenset({1}): {"values": "others"}}
    assert cutter.cause(record(WRONG)).tried == 1


def test_what_the_rest_stops_at_next_is_needed() -> None:
    def ends(part: frozenset[int], depth: str) -> Outcome:
        if 1 in part:
            return REFUSED
        return WRONG if 2 in part and depth == "compare" else PASSED

    cause = Cutter(Worker(ends)).cause(record())
    assert (cause.culprits, cause.needs, cause.unlocks) == (("torch.aten.b",), ("torch.aten.c",), False)


def test_a_composition_is_named_with_the_group_that_fails() -> None:
    def ends(part: frozenset[int], depth: str) -> Outcome:
        return REFUSED if {0, 2} <= part else PASSED

    cause = Cutter(Worker(ends)).cause(record())
    assert (cause.found, cause.culprits) == ("composition", ("torch.aten.a", "torch.aten.c"))
    assert [cut.ops for cut in cause.alone] == [("torch.aten.a", "torch.aten.c")]


@pytest.mark.parametrize("end", [NotExecuted({"x": "cannot"}), HarnessError("ValueError: x")])
def test_a_rest_that_is_lowered_and_not_run_unlocks_nothing(end: Outcome) -> None:
    def ends(part: frozenset[int], depth: str) -> Outcome:
        return REFUSED if 1 in part else end if depth == "compare" else PASSED

    cause = Cutter(Worker(ends)).cause(record())
    assert (cause.culprits, cause.unlocks) == (("torch.aten.b",), False)
    assert cause.why.startswith("the rest is lowered, but no executor runs it: ")


def test_a_rest_without_values_is_lowered_only() -> None:
    worker = Worker(planted(1), texts={frozenset({0, 2}): {"lacking": "the interpreter cannot run it"}})
    cause = Cutter(worker).cause(record())
    assert (cause.culprits, cause.unlocks) == (("torch.aten.b",), False)
    assert cause.why == "the rest is lowered, but not executed: the interpreter cannot run it"


def test_without_values_it_is_not_known_what_is_wrong() -> None:
    every = frozenset(range(3))
    cause = Cutter(Worker(planted(1, outcome=WRONG), texts={every: {"lacking": "no values"}})).cause(record(WRONG))
    assert (cause.found, cause.why) == ("not tried", "no values")


def test_a_piece_of_which_it_is_not_known_what_is_right_may_die_but_is_not_wrong() -> None:
    unknown = {"unjudged": "no value at size 0"}
    died = Crashed("execute", "SIGFPE", "")
    crash = Cutter(Worker(planted(1, outcome=died), texts={frozenset({0, 2}): unknown})).cause(record(died))
    assert (crash.culprits, crash.unlocks) == (("torch.aten.b",), False)
    assert "not compared" in crash.why
    wrong = Cutter(Worker(planted(1, outcome=WRONG), texts={frozenset({0, 2}): unknown})).cause(record(WRONG))
    assert (wrong.found, wrong.why) == ("not tried", "no value at size 0")


@pytest.mark.parametrize(
    ("program", "why"),
    [
        (CutProgram(why="it is not in the contract"), "it is not in the contract"),
        (CutProgram(), "no op of it computes anything"),
        (Result(outcome=Crashed("export", "SIGSEGV", "")), "the program cannot be had: Crashed"),
    ],
)
def test_what_cannot_be_cut_is_not_tried_and_says_why(program: CutProgram | Result, why: str) -> None:
    cause = Cutter(Worker(planted(0), program=program)).cause(record())
    assert (cause.found, cause.why, cause.tried) == ("not tried", why, 0)


def test_a_program_that_hangs_is_cut_only_if_it_is_small() -> None:
    hangs = TimedOut("lower", 30.0)
    assert Cutter(Worker(planted(0, outcome=TimedOut("lower", 10.0)))).cause(record(hangs)).culprits == OPS[:1]
    large = Cutter(Worker(planted(0, outcome=hangs), ops=OPS * 2)).cause(record(hangs))
    assert (large.found, large.tried) == ("not tried", 0)
    assert large.why.startswith("it hangs, and has 6 ops")


@pytest.mark.parametrize(("stage", "level"), [("contract", "imported"), ("import", "exported")])
def test_what_the_frontend_refuses_is_cut_as_it_was_before_that(stage: Any, level: str) -> None:
    refused = Unsupported(stage, "no", "torch.aten.b")
    worker = Worker(lambda part, depth: refused if 1 in part else Reached())
    cause = Cutter(worker).cause(record(refused, FRONTEND))
    assert (cause.level, cause.culprits, cause.unlocks) == (level, ("torch.aten.b",), True)
    assert {(request.level, request.depth) for request in worker.ran} == {(level, "verify")}


def test_imported_ir_that_is_not_valid_is_cut_as_it_was_exported() -> None:
    invalid = Invalid("contract", "operand #0 must be a tensor")
    worker = Worker(
        lambda part, depth: invalid if 1 in part else Reached(),
        told={"imported": CutProgram(why="the IR is not valid: operand #0")},
    )
    cause = Cutter(worker).cause(record(invalid, FRONTEND))
    assert (cause.level, cause.culprits) == ("exported", ("torch.aten.b",))
    assert {request.depth for request in worker.ran} == {"compare"}  # through the contract pipeline as well


def test_what_the_contract_computes_wrongly_is_cut_as_it_was_imported() -> None:
    worker = Worker(planted(1, outcome=WRONG), told={"contract": CutProgram(ops=OPS, ir="x", wrong="out[0] is off")})
    cause = Cutter(worker).cause(record(WRONG))
    assert (cause.level, cause.culprits, cause.unlocks) == ("imported", ("torch.aten.b",), True)
    assert {(request.level, request.depth) for request in worker.ran} == {("imported", "compare")}
    refusal = Cutter(Worker(planted(1), told=worker.told)).cause(record())
    assert refusal.level == "contract"


def test_what_was_wrong_before_it_was_imported_is_nobodys_here() -> None:
    wrong = CutProgram(ops=OPS, ir="x", wrong="out[0] is off")
    cause = Cutter(Worker(planted(1), told={"contract": wrong, "imported": wrong})).cause(record(WRONG))
    assert (cause.found, cause.why) == ("not tried", "as it was imported, too: out[0] is off")


def test_what_fails_in_export_has_no_graph() -> None:
    cause = Cutter(Worker(planted(0))).cause(record(Crashed("export", "SIGSEGV", ""), FRONTEND))
    assert (cause.found, cause.why) == ("not tried", "it fails in export, before there is a graph")


def test_time_that_is_over_ends_the_search_without_a_cause() -> None:
    worker = Worker(planted(1))
    with pytest.raises(OutOfTime):
        Cutter(worker, lambda: 0.0).cause(record())
    assert worker.ran == []


def test_one_cause_may_take_only_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.running.cutting.SECONDS", 0.0)
    cause = Cutter(Worker(planted(1)), lambda: 60.0).cause(record())
    assert (cause.found, cause.why) == ("not tried", "it takes longer than 0 s")
