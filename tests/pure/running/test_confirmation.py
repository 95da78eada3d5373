"""Is a difference between two compilers their own: with made-up compilers that answer what a test says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import pytest

from harness.records.outcome import Blocked, Crashed, NotExecuted, Outcome, Passed, Unsupported, Wrong
from harness.records.signature import Signature, signature
from harness.running.compiler_process import Again, CompilerProcess, Execute, Job, Lower
from harness.running.confirmation import Confirmation, Pair, confirm
from tests.samples import relu

PASSED = Passed(0.0, ("llvm-jit",))
WRONG = Wrong("value", "out[0]=1, but should be 2", "llvm-jit", {})
REFUSED = Unsupported("lower", "failed to legalize", "torch.aten.relu")
DIED = Crashed("execute", "SIGSEGV", "")


class MadeUp:
    """A compiler that gives these outcomes one after the other when a sample is run again.

    `executes` is what its executors make of IR, by the compiler that made it.
    """

    def __init__(self, name: str, again: Sequence[Outcome], executes: Mapping[str, Outcome]) -> None:
        self.name = name
        self.again = list(again)
        self.executes = executes
        self.job: Job | None = None

    def send(self, job: Job) -> None:
        self.job = job

    def answer(self) -> Any:
        match self.job:
            case Again():
                return self.again.pop(0)
            case Lower():
                return self.name if self.executes else ""
            case Execute(_, _, ir):
                return self.executes[ir]
        raise AssertionError(self.job)

    def do(self, job: Job) -> Any:
        self.send(job)
        return self.answer()


def confirmed(
    before: Outcome, after: Outcome, base: MadeUp, candidate: MadeUp, *, is_worse: bool = True
) -> Confirmation:
    pair = Pair(cast(CompilerProcess, base), cast(CompilerProcess, candidate))
    ends = signature(before, "linalg"), signature(after, "linalg")
    return confirm(pair, relu(), "linalg", *ends, is_worse=is_worse)


def test_what_ends_the_same_way_again_is_confirmed() -> None:
    base = MadeUp("base", [PASSED] * 3, {"candidate": WRONG})
    found = confirmed(PASSED, WRONG, base, MadeUp("candidate", [WRONG] * 3, {"base": PASSED}))
    assert found.excuse == ""
    assert found.crossed == {"base": "Passed at compare", "candidate": "Wrong at compare: value"}
    assert not found.base.flickers
    assert str(found.candidate) == "Wrong at compare: value (4 of 4)"


def test_what_is_wrong_only_on_the_executors_of_its_own_build_is_no_regression() -> None:
    base = MadeUp("base", [], {"candidate": PASSED})
    found = confirmed(PASSED, WRONG, base, MadeUp("candidate", [], {"base": WRONG}))
    assert found.excuse == "executor differs"
    assert found.crossed == {"base": "Wrong at compare: value", "candidate": "Passed at compare"}


@pytest.mark.parametrize("after", [WRONG, DIED])
def test_what_the_other_executors_cannot_run_is_not_excused(after: Outcome) -> None:
    base = MadeUp("base", [PASSED] * 3, {"candidate": NotExecuted({"llvm-jit": "it cannot be parsed"})})
    found = confirmed(PASSED, after, base, MadeUp("candidate", [after] * 3, {"base": PASSED}))
    assert found.excuse == ""


def test_newly_right_with_the_executors_of_the_new_build_alone_is_no_progress() -> None:
    base = MadeUp("base", [], {"candidate": WRONG})
    candidate = MadeUp("candidate", [], {"base": PASSED})
    assert confirmed(WRONG, PASSED, base, candidate, is_worse=False).excuse == "executor differs"
    candidate = MadeUp("candidate", [], {"base": WRONG})
    assert confirmed(WRONG, PASSED, base, candidate, is_worse=False).excuse == ""


def test_a_flicker_is_excused_if_the_base_comes_to_the_same_end() -> None:
    base = MadeUp("base", [PASSED, REFUSED, PASSED], {})
    found = confirmed(PASSED, REFUSED, base, MadeUp("candidate", [PASSED] * 3, {}))
    assert found.excuse == "flicker"
    assert str(found.base).startswith("Passed at compare (3 of 4), Unsupported at lower")
    assert found.candidate.flickers


def test_a_flicker_to_another_end_is_no_excuse() -> None:
    died, other = Crashed("lower", "SIGSEGV", ""), Crashed("lower", "SIGABRT", "")
    found = confirmed(PASSED, died, MadeUp("base", [PASSED, other, PASSED], {}), MadeUp("candidate", [PASSED] * 3, {}))
    assert found.excuse == ""
    assert found.base.flickers
    assert "SIGSEGV (1 of 4)" in str(found.candidate)


def test_a_refusal_is_not_executed_crosswise() -> None:
    found = confirmed(PASSED, REFUSED, MadeUp("base", [PASSED] * 3, {}), MadeUp("candidate", [REFUSED] * 3, {}))
    assert (found.excuse, found.crossed) == ("", {})


def test_what_blocks_a_backend_is_no_flicker_though_the_record_alone_does_not_name_it() -> None:
    blocked = Blocked("contract", "Unsupported", "failed to legalize 'torch.aten.sort'")
    pair = Pair(*(cast(CompilerProcess, MadeUp("", [end] * 3, {})) for end in (PASSED, blocked)))
    told = Signature("Blocked", "contract", "torch.aten.sort", "Unsupported")
    found = confirm(pair, relu(), "linalg", signature(PASSED, "linalg"), told, is_worse=True)
    assert not found.candidate.flickers
