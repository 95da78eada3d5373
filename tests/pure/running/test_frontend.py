"""What a runner makes of the frontend's failures: the frontend's own, once, and `Blocked` on the backends behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import pytest

from harness.cases.case import OpCase
from harness.cases.profile import Profile
from harness.cases.sample import Sample
from harness.records.journal import Record
from harness.records.outcome import (
    Blocked,
    Crashed,
    Excluded,
    Invalid,
    NotExported,
    NotRun,
    Outcome,
    Passed,
    Reached,
    Result,
    Stage,
    TimedOut,
    Unsupported,
    Wrong,
)
from harness.running.cells import Cell
from harness.running.runner import Runner
from harness.running.sources import Census
from tests.samples import relu

PASSED = Passed(0.1, ("x",))
LACKS = Unsupported("contract", "error: failed to legalize\n  note: more", "torch.aten.relu")
UNLIKE_EAGER = NotExported("export", "torch's own decomposition is not what eager computes: out[0].dtype=f32")
SIZE = Profile(name="test", first=3, others=1, minimise_seconds=5, minimise_total=5)


@dataclass
class World:
    """A worker whose outcomes are those that `plan` gives by backend; it notes what it was asked."""

    plan: Callable[[str], Outcome]
    asked: list[tuple[str, str]] = field(default_factory=list)

    def run(self, sample: Sample, backend: str, *, short: Mapping[Stage, str]) -> Result:
        self.asked.append((sample.id, backend))
        outcome = self.plan(backend)
        return Result(outcome=outcome, hung=(outcome.stage,) if isinstance(outcome, TimedOut) else ())

    def runner(self, *samples: Sample) -> Runner:
        return Runner(self.run, (lambda cell: samples or (relu(2), relu(3)),), SIZE, 0)

    @property
    def backends(self) -> list[str]:
        """The backends that were asked for anything, in order."""
        return list(dict.fromkeys(backend for _, backend in self.asked))


def cell(backend: str) -> Cell:
    case = OpCase(op="aten.relu.default", inputs=lambda d: {"self": d.tensor(d.shape(0, 2))}, dtypes=("f32",))
    return Cell(family="activation", case=case, backend=backend, mode="static", dtype="f32")


def records(world: World, *backends: str) -> dict[str, tuple[Record, ...]]:
    runner = world.runner()
    return {backend: runner.records(cell(backend)) for backend in backends}


def outcomes(world: World, *backends: str) -> dict[str, Outcome]:
    """By backend, the outcome that all its samples have."""
    found = records(world, *backends)
    assert all(r.outcome == of[0].outcome for of in found.values() for r in of)
    return {backend: of[0].outcome for backend, of in found.items()}


FAILURES: tuple[Outcome, ...] = (
    NotExported("export", "RuntimeError: no"),
    Unsupported("import", "KeyError: torch.uint64", "torch.uint64"),
    LACKS,
    Invalid("contract", "error: type of return operand 0"),
    Crashed("import", "SIGSEGV", ""),
    TimedOut("contract", 30.0),
)


@pytest.mark.parametrize("failure", FAILURES, ids=lambda o: type(o).__name__)
def test_what_the_frontend_fails_on_is_not_asked_of_the_backends(failure: Outcome) -> None:
    world = World(lambda backend: PASSED if backend == "control" else failure)
    found = outcomes(world, "frontend", "linalg", "tosa", "control")
    assert found["frontend"] == failure
    assert found["linalg"] == found["tosa"] == Blocked(failure.stage, type(failure).__name__)
    assert found["control"] == PASSED
    assert world.backends == ["frontend", "control"]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda o: type(o).__name__)
def test_where_the_frontend_has_no_record_the_backend_says_why(failure: Outcome) -> None:
    outcome = outcomes(World(lambda backend: failure), "tosa")["tosa"]
    assert isinstance(outcome, Blocked)
    assert (outcome.stage, outcome.by) == (failure.stage, type(failure).__name__)
    assert outcome.reason
    assert "\n" not in outcome.reason


def test_a_plugin_is_asked_since_it_may_start_from_the_exported_program() -> None:
    world = World(lambda backend: PASSED if backend == "plugin" else LACKS)
    assert outcomes(world, "frontend", "plugin")["plugin"] == PASSED


def test_a_wrong_decomposition_is_asked_of_the_backends_since_other_outputs_may_be_right() -> None:
    world = World({"frontend": UNLIKE_EAGER, "linalg": UNLIKE_EAGER, "tosa": PASSED}.__getitem__)
    found = outcomes(world, "frontend", "linalg", "tosa")
    assert found["linalg"] == Blocked("export", "NotExported")
    assert found["tosa"] == PASSED


def test_a_backend_that_dies_in_a_stage_through_which_the_frontend_came_died_itself() -> None:
    died = Crashed("export", "SIGSEGV", "")
    world = World(lambda backend: Reached() if backend == "frontend" else died)
    assert outcomes(world, "frontend", "linalg")["linalg"] == died


@pytest.mark.parametrize("failure", [Crashed("export", "SIGSEGV", ""), TimedOut("export", 30.0)], ids=["dies", "hangs"])
def test_an_export_that_dies_or_hangs_is_pytorchs(failure: Outcome) -> None:
    world = World(lambda backend: failure)
    found = outcomes(world, "frontend", "tosa")
    assert isinstance(found["frontend"], NotExported)
    assert found["tosa"] == Blocked("export", "NotExported")
    alone = outcomes(World(lambda backend: failure), "tosa")["tosa"]
    assert isinstance(alone, Blocked)
    assert alone.by == "NotExported"


@pytest.mark.parametrize("outcome", [Excluded("eager refuses"), NotRun("contract", 3.0, "x")], ids=["out", "not run"])
def test_what_says_nothing_of_the_frontend_stays_as_it_is(outcome: Outcome) -> None:
    world = World(lambda backend: outcome)
    assert outcomes(world, "frontend", "tosa") == {"frontend": outcome, "tosa": outcome}


def test_a_failure_of_the_frontend_is_minimised_once() -> None:
    world = World(lambda backend: Crashed("import", "SIGSEGV", ""))
    runner = Runner(world.run, (Census(SIZE, 0),), SIZE, 0)
    found = {backend: runner.records(cell(backend)) for backend in ("frontend", "linalg", "tosa")}
    assert [sum(r.minimised is not None and r.without is None for r in of) for of in found.values()] == [1, 0, 0]
    assert world.backends == ["frontend"]


def test_the_other_failures_of_a_backend_are_its_own() -> None:
    wrong = Wrong("value", "m", 0, "x")
    world = World({"frontend": Reached(), "linalg": wrong, "tosa": replace(LACKS, stage="lower")}.__getitem__)
    found = outcomes(world, "frontend", "linalg", "tosa")
    assert found["linalg"] == wrong
    assert found["tosa"] == replace(LACKS, stage="lower")
