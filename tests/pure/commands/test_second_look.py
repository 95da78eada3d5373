"""The second look of `opcov ab`: which samples it takes, and what it says, with made-up confirmations."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.commands import second_look
from harness.commands.second_look import SecondLook
from harness.records.signature import Signature
from harness.running.budget import Budget
from harness.running.confirmation import Confirmation, Pair, Trials
from reports.answers.diff.change import Change
from reports.answers.diff.diff import Diff
from reports.answers.diff.group import groups
from reports.answers.diff.transition import transition
from reports.fold.cell import Key
from reports.fold.ending import Drawn, Ending
from tests.samples import relu

PASSED, WRONG = (Ending(Signature(name, "compare")) for name in ("Passed", "Wrong"))
REFUSED = Ending(Signature("Unsupported", "lower"))
PAIR = cast(Pair, None)


def change(id: str, before: Ending, after: Ending, backend: str = "tosa") -> Change:
    found = transition(before, after)
    assert found
    return Change(Key("aten.relu.default", backend, "static", "f32"), Drawn(id, (1,), False), before, after, found)


def made_up(*changes: Change) -> Diff:
    records = [SimpleNamespace(id=one.sample.id, sample=relu()) for one in changes]
    index = SimpleNamespace(records=lambda op: SimpleNamespace(records=records))
    return cast(Diff, SimpleNamespace(groups=groups(changes), after=SimpleNamespace(index=index)))


def nothing(done: int, of: int | None = None) -> None:
    pass


@pytest.fixture
def confirmed(monkeypatch: pytest.MonkeyPatch) -> list[Confirmation]:
    """What is found of one sample after the other; by default that they have changed."""
    found: list[Confirmation] = []

    def confirm(*_: Any, **__: Any) -> Confirmation:
        return found.pop(0) if found else Confirmation()

    monkeypatch.setattr(second_look, "confirm", confirm)
    return found


@pytest.mark.usefixtures("confirmed")
def test_it_looks_at_what_is_worse_and_at_what_was_wrong(tmp_path: Path) -> None:
    look = SecondLook(PAIR, Budget())
    fixed, repaired = change("fixed", REFUSED, PASSED), change("repaired", WRONG, PASSED)
    look.take(made_up(fixed, repaired, change("worse", PASSED, WRONG)), nothing)
    look.write(tmp_path / "again.json")
    assert [line["id"] for line in json.loads((tmp_path / "again.json").read_text("utf-8"))] == ["worse", "repaired"]


@pytest.mark.usefixtures("confirmed")
def test_one_sample_shows_that_a_cell_has_changed() -> None:
    look = SecondLook(PAIR, Budget())
    same, other = change("b", PASSED, WRONG), change("c", PASSED, WRONG, "linalg")
    look.take(made_up(change("a", PASSED, WRONG), same, other), nothing)
    assert next(look.said()) == "Looked at 2 samples again, alone and crosswise"


def test_a_sample_that_is_in_doubt_shows_nothing(confirmed: list[Confirmation]) -> None:
    confirmed.append(Confirmation("executor differs"))
    look = SecondLook(PAIR, Budget())
    one, other = change("a", PASSED, WRONG), change("b", PASSED, WRONG)
    look.take(made_up(one, other), nothing)
    assert (look.doubt(one), look.doubt(other)) == ("executor differs", "")


def test_a_flicker_is_told_with_every_end_and_its_rate(confirmed: list[Confirmation]) -> None:
    trials = Trials({PASSED.signature: 3, WRONG.signature: 1})
    confirmed.append(Confirmation("flicker", base=trials, candidate=Trials({WRONG.signature: 4})))
    look = SecondLook(PAIR, Budget())
    look.take(made_up(change("a", PASSED, WRONG)), nothing)
    _, said = look.said()
    ends = "Passed at compare (3 of 4), Wrong at compare (1 of 4)"
    assert said == f"  flickers: aten.relu.default tosa static f32 a: A {ends}"


@pytest.mark.usefixtures("confirmed")
def test_what_the_budget_does_not_reach_is_said() -> None:
    look = SecondLook(PAIR, Budget(0))
    look.take(made_up(change("a", PASSED, WRONG), change("b", PASSED, REFUSED)), nothing)
    assert list(look.said()) == ["  not looked at again for want of time: 2 samples"]
