from __future__ import annotations

import pytest

from harness import denominators
from harness.denominators import Denominator


def test_the_total_is_covered_and_missing() -> None:
    assert Denominator(name="n", meaning="m", covered=("a",), missing=("b", "c")).total == 3


def test_what_is_covered_is_what_the_registry_shares_with_each_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(denominators, "core", lambda: frozenset(("a", "b", "c")))
    monkeypatch.setattr(denominators, "functional", lambda op: op != "writes")
    found = {d.name: d for d in denominators.denominators(("b", "d", "z"), ("d", "e", "writes"))}
    assert (found["core"].covered, found["core"].missing) == (("b",), ("a", "c"))
    assert (found["dialect"].covered, found["dialect"].missing) == (("d",), ("e",))
