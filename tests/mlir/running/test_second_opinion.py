"""Second opinions in one process: what an adviser that lies, dies, hangs or returns rubbish comes to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backends.frontend import Fx
from harness.cases.case import OpCase
from harness.cases.sample import Sample
from harness.programs.protocols import Executable, Executor, Lowered
from harness.records.opinion import Opinion
from harness.records.outcome import Crashed, Passed, Result, Stage, Wrong
from harness.running import second_opinion
from harness.running.pipeline import Pipeline
from tests import miniatures
from tests.miniatures import Actor, Acts, Blind, Detective, Doomed, Echo, Hangs, LiesInShape, Rubbish, Witness
from tests.samples import dynamic, relu

CASE = OpCase(op="aten.relu.default", inputs=lambda d: {})


def ignore(stage: Stage) -> None:
    pass


def pipeline(action: str, *advisers: Executor, checkers: Sequence[Executor] = (Blind(),)) -> Pipeline:
    return Pipeline(Fx(), {"backend": Acts("backend", action)}, [Actor(), *checkers], advisers=advisers)


def failed(ready: Pipeline, sample: Sample) -> Result:
    return ready.run(CASE, sample, "backend", ignore)


def advised(ready: Pipeline, sample: Sample | None = None, before: Result | None = None) -> Result:
    sample = sample or relu(3)
    return ready.opinion(CASE, sample, "backend", before or failed(ready, sample), ignore)


def opinion(ready: Pipeline, sample: Sample | None = None, before: Result | None = None) -> Opinion:
    found = advised(ready, sample, before).opinion
    assert found
    return found


def test_an_adviser_has_no_part_in_the_verdict() -> None:
    ready = pipeline("lie_in_value", Witness())
    found = failed(ready, relu(3))
    assert isinstance(found.outcome, Wrong)
    assert (found.outcome.confirmed, found.outcome.others, found.opinion) == (("actor",), {}, None)
    assert found.advisers == ("witness",)
    thorough = Pipeline(Fx(), ready.backends, ready.executors, advisers=[Witness()], thorough=True)
    assert failed(thorough, relu(3)).outcome == found.outcome


def test_one_of_another_dialect_is_not_asked() -> None:
    class Elsewhere(Witness):
        dialects = frozenset(("elsewhere",))

    ready = pipeline("lie_in_value", Elsewhere())
    assert failed(ready, relu(3)).advisers == ()


def test_one_that_is_wrong_in_the_same_way_confirms_it() -> None:
    found = opinion(pipeline("lie_in_value", Echo()))
    assert (found.executor, found.says) == ("echo", "confirms")
    assert found.why.startswith("out[0][2]=")


def test_one_that_lies_in_another_way_does_not() -> None:
    ready = pipeline("lie_in_value", LiesInShape())
    assert opinion(ready).says == "differs"
    assert isinstance(advised(ready).outcome, Wrong)


@pytest.mark.parametrize(
    ("adviser", "why"),
    [
        (Doomed(), "it dies: SIGABRT: LLVM ERROR: out of ideas"),
        (Hangs(), "it dies: no result in 1 s"),
        (Rubbish(), "AttributeError: 'str' object has no attribute 'shape'"),
    ],
    ids=["dies", "hangs", "rubbish"],
)
def test_one_that_dies_hangs_or_returns_rubbish_has_no_opinion(
    adviser: Executor, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(second_opinion, "OPINION_SECONDS", 1.0)
    ready = pipeline("lie_in_value", adviser)
    before = failed(ready, relu(3))
    assert advised(ready, before=before) == replace(
        before, opinion=Opinion(executor=adviser.name, says="none", why=why)
    )


def test_the_next_adviser_is_asked_where_one_has_no_opinion() -> None:
    assert opinion(pipeline("lie_in_value", Doomed(), Echo())).executor == "echo"


def test_one_that_is_right_at_every_size_clears_the_sample() -> None:
    ready = pipeline("specialize", Witness())
    sample = dynamic("aten.relu.default", 5, 2)
    before = failed(ready, sample)
    found = advised(ready, sample, before)
    assert isinstance(before.outcome, Wrong)
    assert found.outcome == Passed(0.0, ("witness",), {"actor": before.outcome.message})
    assert found.opinion == Opinion(executor="witness", says="clears", instead=before.outcome)


def test_it_is_asked_first_at_the_sizes_that_are_wrong(tmp_path: Path) -> None:
    seen = tmp_path / "seen"

    class Noting(Witness):
        name = "noting"

        def compile(self, lowered: Lowered) -> Executable:
            def run(inputs: Sequence[Any]) -> Any:
                with seen.open("a", encoding="ascii") as file:
                    file.write(f"{len(inputs[0])} ")
                return miniatures.eager(lowered.program, inputs)

            return run

    opinion(pipeline("specialize", Noting()), dynamic("aten.relu.default", 5, 2))
    assert seen.read_text("ascii").split() == ["5", "4", "2"]


@pytest.mark.parametrize(
    ("checkers", "why"),
    [
        ([Detective()], "it was miniature.lie_in_value at [3]"),
        ([], "nothing verifies the module at run time"),
    ],
    ids=["out of bounds", "no checker"],
)
def test_a_sample_stays_red_where_it_is_not_certain_that_nothing_is_out_of_bounds(
    checkers: Sequence[Executor], why: str
) -> None:
    ready = pipeline("lie_in_value", Witness(), checkers=checkers)
    before = failed(ready, relu(3))
    found = advised(ready, before=before)
    assert found.outcome == before.outcome
    assert found.opinion == Opinion(executor="witness", says="right", why=why)


def test_a_checker_that_fails_is_no_certainty() -> None:
    class Broken(Detective):
        name = "broken"

        def compile(self, lowered: Lowered) -> Executable:
            raise ValueError("a bug")

    assert opinion(pipeline("lie_in_value", Witness(), checkers=[Broken()])).why == "broken cannot run it: a bug"


def test_a_death_is_never_cleared() -> None:
    before = Result(outcome=Crashed("execute", "SIGSEGV", ""), advisers=("witness",))
    found = advised(pipeline("segfault", Witness()), before=before)
    assert found.outcome == before.outcome
    assert found.opinion == Opinion(executor="witness", says="right", why="another executor dies of it (SIGSEGV)")
