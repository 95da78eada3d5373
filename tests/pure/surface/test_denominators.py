"""The denominators of given sets of overloads, without torch."""

from __future__ import annotations

from harness.surface.denominators import Denominator, denominators, figures


def test_the_total_is_covered_excluded_and_missing() -> None:
    one = Denominator(name="n", meaning="m", covered=("a",), excluded={"d": "why"}, missing=("b", "c"))
    assert one.total == 4
    assert figures([one]) == {"n": {"meaning": "m", "covered": ("a",), "excluded": {"d": "why"}, "missing": ("b", "c")}}


def test_what_is_neither_covered_nor_excluded_is_missing() -> None:
    sets = {"core": ("a", "b", "c"), "dialect": ("d", "e"), "opinfo": ("aten.o",)}
    found = {d.name: d for d in denominators(("b", "d", "z"), {"c": "why"}, sets)}
    assert (found["core"].covered, found["core"].excluded, found["core"].missing) == (("b",), {"c": "why"}, ("a",))
    assert (found["dialect"].covered, found["dialect"].missing) == (("d",), ("e",))
    assert found["opinfo"].missing == ("aten.o",)
