"""The binary search for the first bad compiler, with made-up verdicts."""

from __future__ import annotations

import pytest

from harness.records.signature import Signature
from harness.running.bisection import Bisection, Verdict

ENDS = {
    "p": Signature("Passed", "compare"),
    "w": Signature("Wrong", "compare", kind="value"),
    "u": Signature("Unsupported", "lower", "torch.aten.sort"),
    "?": Signature("NotExecuted", "execute"),
}


def searched(ends: str) -> Bisection:
    """The search among compilers with which the sample comes to these ends, named by their places from 1 on."""
    specs = [str(place + 1) for place in range(len(ends))]
    found = Bisection(specs, lambda place: Verdict(ENDS[ends[place]], "why"))
    found.search()
    return found


@pytest.mark.parametrize("bad", range(1, 9))
def test_it_finds_the_first_bad_one_in_few_steps(bad: int) -> None:
    found = searched("p" * bad + "w" * (9 - bad))
    assert found.answer() == f"first bad: {bad + 1}"
    assert len(found.verdicts) <= 5


@pytest.mark.parametrize(
    ("ends", "answer"),
    [
        ("pw", "first bad: 2"),
        ("pp", "nothing to search: the last one, 2, is good"),
        ("wp", "nothing to search: the last one, 2, is good"),
        ("ww", "bad already with the first one, 1: name an older one"),
        ("wpw", "bad already with the first one, 1: name an older one"),
        ("uuww", "first bad: 3"),
        ("uuww"[::-1], "first bad: 3"),
        ("?w", "nothing to search: 1 says nothing of the compiler"),
        ("pp?", "nothing to search: 3 says nothing of the compiler"),
        ("p?w", "first bad: 3, or one of 2"),
        ("p?pw", "first bad: 4"),
        ("p??ww", "first bad: 4, or one of 2, 3"),
        ("puw", "first bad: 2"),
    ],
)
def test_it_says_what_it_knows(ends: str, answer: str) -> None:
    assert searched(ends).answer() == answer


def test_with_a_first_one_that_cannot_be_judged_nothing_is_found() -> None:
    assert searched("?w").first_bad is None
