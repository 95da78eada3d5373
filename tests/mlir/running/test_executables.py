"""Executors that share one fork: their deaths, refusals and hangs are what those of a fork for each run would be."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest
import torch

from harness.programs.protocols import CannotExecute, Executable, Lowered, Program
from harness.running import executables
from harness.running.executables import ExecutionDied, executable

X = torch.tensor([1.0, 2.0, 3.0])


class Reusable:
    """Does what the IR names and returns its inputs, and the id of its process."""

    name = "reusable"
    dialects = frozenset(("miniature",))
    isolated = True
    reusable = True
    compiled = 0

    def compile(self, lowered: Lowered) -> Executable:
        Reusable.compiled += 1
        match lowered.ir:
            case "die":
                os.write(2, b"LLVM ERROR: out of ideas\n")
                os.abort()
            case "refuse":
                raise CannotExecute("not able")
            case "raise":
                raise RuntimeError("our own fault")
            case "hang":
                time.sleep(60)
        return lambda inputs: [*inputs, torch.tensor([os.getpid(), Reusable.compiled])]


class Anew(Reusable):
    reusable = False


class Answering(Reusable):
    """Not isolated: its death is that of what it runs."""

    isolated = False


@pytest.fixture(autouse=True)
def fresh_helper() -> Iterator[None]:
    helpers = executables._helper, executables._others
    for helper in helpers:
        helper.stop()
    executables._deadly.clear()
    yield
    for helper in helpers:
        helper.stop()


def run(ir: str, executor: Reusable | None = None) -> list[torch.Tensor]:
    program = Program(op="aten.relu.default", module=torch.nn.ReLU(), args=(X,))
    ready = executable(executor or Reusable(), Lowered(dialect="miniature", ir=ir, program=program))
    assert not isinstance(ready, str)
    return ready([X])


def pid(results: list[torch.Tensor]) -> int:
    return int(results[-1][0])


def test_a_reusable_executor_runs_again_and_again_in_one_fork() -> None:
    first = run("right")
    assert torch.equal(first[0], X)
    assert pid(first) != os.getpid()
    assert pid(run("right as well")) == pid(first)


def test_an_executor_that_is_not_reusable_gets_a_fork_for_each_run() -> None:
    assert pid(run("right", Anew())) != pid(run("right", Anew()))


def test_a_module_is_compiled_once_for_runs_that_follow_each_other_unless_it_has_globals() -> None:
    def compilations(*irs: str) -> int:
        counts = [int(run(ir)[-1][1]) for ir in irs]
        return counts[-1] - counts[0]

    assert compilations("right", "right") == 0
    assert compilations("right", "other", "right") == 1
    assert compilations("ml_program.global @seed", "ml_program.global @seed") == 1


@pytest.mark.parametrize("executor", [Reusable(), Anew()])
def test_a_death_or_a_refusal_reads_the_same_in_either_fork(executor: Reusable) -> None:
    before = pid(run("right"))
    with pytest.raises(CannotExecute, match=r"^it dies: SIGABRT: LLVM ERROR: out of ideas$"):
        run("die", executor)
    with pytest.raises(CannotExecute, match=r"^not able$"):
        run("refuse", executor)
    with pytest.raises(RuntimeError, match=r"^our own fault$"):
        run("raise", executor)
    assert (pid(run("right")) == before) is (executor.reusable is False)


def test_a_module_that_has_died_takes_the_helper_with_it_once() -> None:
    with pytest.raises(ExecutionDied):
        run("die", Answering())
    helper = pid(run("right", Answering()))
    with pytest.raises(ExecutionDied, match=r"^SIGABRT$") as death:
        run("die", Answering())
    assert death.value.stderr == "LLVM ERROR: out of ideas\n"
    assert pid(run("right", Answering())) == helper


@pytest.mark.parametrize("executor", [Reusable(), Anew()])
def test_a_hang_reads_the_same_in_either_fork(executor: Reusable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executables, "ISOLATED_SECONDS", 0.3)
    with pytest.raises(CannotExecute, match=r"^it dies: no result in 0\.3 s$"):
        run("hang", executor)


def test_a_death_outside_of_the_worker_says_how_and_what_was_written() -> None:
    first = pid(run("right", Answering()))
    assert first != os.getpid()
    with pytest.raises(ExecutionDied, match=r"^SIGABRT$") as death:
        run("die", Answering())
    assert death.value.stderr == "LLVM ERROR: out of ideas\n"
    with pytest.raises(CannotExecute, match=r"^not able$"):
        run("refuse", Answering())
    assert pid(run("right", Answering())) != first


def test_an_isolated_executor_cannot_damage_the_process_of_one_whose_death_counts() -> None:
    assert pid(run("right", Answering())) != pid(run("right", Reusable()))


def test_the_helper_keeps_the_executables_of_the_last_modules() -> None:
    irs = [f"module {i}" for i in range(executables.KEPT)]
    counts = [int(run(ir)[-1][1]) for ir in irs]
    assert [int(run(ir)[-1][1]) for ir in irs] == counts[-1:] * len(irs)
    run("one more")
    assert int(run(irs[0])[-1][1]) == counts[-1] + 2


def test_an_executor_that_cannot_be_pickled_runs_in_a_fork() -> None:
    class Local(Reusable):
        """A local class has no name by which it can be pickled."""

    assert torch.equal(run("right", Local())[0], X)
