"""Second opinions in the journal, and in a sentence."""

from __future__ import annotations

import json

import pytest

from harness.records.journal import dumped, record_restore
from harness.records.opinion import Opinion, opinion_restore
from harness.records.outcome import Passed, Wrong
from tests.samples import relu
from tests.synthetic import record

WRONG = Wrong("value", "out[0][1]=2.0, but should be 1.0", 0, "llvm-jit", sizes={"n": 3}, confirmed=("llvm-jit",))
OPINIONS = (
    Opinion(executor="iree", says="confirms", why="out[0][1]=2.0"),
    Opinion(executor="iree", says="right", why="another executor dies of it (SIGFPE)"),
    Opinion(executor="iree", says="none", why="it dies: SIGSEGV"),
    Opinion(executor="iree", says="clears", instead=WRONG),
)


@pytest.mark.parametrize("opinion", OPINIONS, ids=lambda opinion: opinion.says)
def test_a_record_with_an_opinion_comes_back_from_its_line(opinion: Opinion) -> None:
    given = record(relu(3), "linalg", Passed(0.5, ("iree",)), opinion=opinion)
    assert record_restore(json.loads(dumped(given))) == given


def test_a_record_without_an_opinion_has_no_key_for_it() -> None:
    assert "opinion" not in json.loads(dumped(record(relu(3), "linalg", WRONG)))


def test_an_opinion_that_says_what_nobody_knows_is_an_error() -> None:
    with pytest.raises(KeyError, match="maybe"):
        opinion_restore({"executor": "iree", "says": "maybe"})


def test_an_opinion_is_a_sentence() -> None:
    assert [str(opinion) for opinion in OPINIONS] == [
        "iree is wrong in the same way, which confirms it: out[0][1]=2.0",
        "iree is right, which does not clear the backend: another executor dies of it (SIGFPE)",
        "iree has no opinion: it dies: SIGSEGV",
        "iree is right, which clears the backend",
    ]
