"""The denominators of given sets of overloads, without torch."""

from __future__ import annotations

import pytest

from harness.surface import denominators
from harness.surface.denominators import Denominator, figures


def test_the_total_is_covered_excluded_and_missing() -> None:
    one = Denominator(name="n", meaning="m", covered=("a",), excluded={"d": "why"}, missing=("b", "c"))
    assert one.total == 4
    assert figures([one]) == {"n": {"meaning": "m", "covered": ("a",), "excluded": {"d": "why"}, "missing": ("b", "c")}}


@pytest.fixture
def _sets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(denominators, "core", lambda: frozenset(("a", "b", "c")))
    monkeypatch.setattr(denominators, "functional", lambda op: op != "aten.writes")


@pytest.mark.usefixtures("_sets")
def test_what_is_neither_covered_nor_excluded_is_missing() -> None:
    reached = ("aten.o", "aten.writes", "prims.p")
    found = {
        d.name: d for d in denominators.denominators(("b", "d", "z"), {"c": "why"}, ("d", "e", "aten.writes"), reached)
    }
    assert (found["core"].covered, found["core"].excluded, found["core"].missing) == (("b",), {"c": "why"}, ("a",))
    assert (found["dialect"].covered, found["dialect"].missing) == (("d",), ("e",))
    assert found["opinfo"].missing == ("aten.o",)


@pytest.mark.usefixtures("_sets")
def test_opinfo_is_left_out_where_it_was_not_traced() -> None:
    assert [d.name for d in denominators.denominators((), {}, (), None)] == ["core", "dialect"]
