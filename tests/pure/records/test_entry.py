from __future__ import annotations

import pytest

from harness.records.entry import End, Entry, census_hash, is_uncertain, parse, writable
from harness.records.outcome import Crashed, NotRun, Unsupported, Wrong
from harness.records.signature import Signature, signature

WRONG = Signature("Wrong", "compare", kind="value")
REFUSED = Signature("Unsupported", "lower", "torch.aten.sort")
CRASHED = Signature("Crashed", "lower", kind="SIGABRT (memory limit)")
OUTSIDE = Signature("Outside", "lower", kind="f64, c64")


def entry(end: End = End("pass", 5, 5), **more: object) -> Entry:
    cell = {"family": "sorting", "op": "aten.sort.default", "backend": "tosa", "mode": "static", "dtype": "f32"}
    return Entry(**{**cell, "end": end, "census": "3fa9c1", **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("of", "line"),
    [
        (entry(), "aten.sort.default tosa static f32 pass 5/5 3fa9c1"),
        (
            entry(End("wrong", 2, 5, (REFUSED, WRONG))),
            "aten.sort.default tosa static f32 wrong 2/5 3fa9c1 Unsupported@lower:torch.aten.sort; Wrong@compare=value",
        ),
        (
            entry(End("crash", 0, 5, (CRASHED, OUTSIDE))),
            "aten.sort.default tosa static f32 crash 0/5 3fa9c1 Crashed@lower=SIGABRT (memory limit); "
            "Outside@lower=f64, c64",
        ),
        (
            entry(also=(("cpu", End("wrong", 4, 5, (WRONG,))), ("flicker", End("unsupported", 0, 5, (REFUSED,))))),
            "aten.sort.default tosa static f32 pass 5/5 3fa9c1 ~ cpu wrong 4/5 Wrong@compare=value "
            "~ flicker unsupported 0/5 Unsupported@lower:torch.aten.sort",
        ),
        (
            entry(End("wrong", 4, 5, (WRONG,)), was=End("unsupported", 4, 5, (REFUSED,)), reason="issue 12: see there"),
            "aten.sort.default tosa static f32 wrong 4/5 3fa9c1 Wrong@compare=value "
            "# was unsupported 4/5 Unsupported@lower:torch.aten.sort: issue 12: see there",
        ),
        (
            entry(End("wrong", 4, 5, (WRONG,)), also=(("opinion", End("pass", 5, 5)),)),
            "aten.sort.default tosa static f32 wrong 4/5 3fa9c1 Wrong@compare=value ~ opinion pass 5/5",
        ),
    ],
)
def test_a_line_can_be_read_back(of: Entry, line: str) -> None:
    assert str(of) == line
    assert parse(line, "sorting") == of


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("aten.sort.default tosa static f32", "a line is: OP BACKEND"),
        ("aten.sort.default tosa static f32 pass five 3fa9c1", "'pass five' does not start with a verdict"),
        ("aten.sort.default tosa static f32 wrong 4/5 3fa9c1 Odd@compare=value", "'Odd@compare=value' is no signature"),
        ("aten.sort.default tosa static f32 pass 5/5 3fa9c1 ~ moon wrong 4/5", "not for 'moon'"),
    ],
)
def test_a_line_that_makes_no_sense_says_what_is_wrong(line: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse(line, "sorting")


def test_a_culprit_cannot_end_its_line() -> None:
    odd = Signature("Unsupported", "import", "a b; c ~ d", "x # was; y\nz = 1")
    of = entry(End("unsupported", 0, 5, (writable(odd),)))
    assert parse(str(of), "sorting") == of


def test_what_depends_on_the_machine_is_uncertain() -> None:
    assert is_uncertain(signature(NotRun("lower", 3, "0123456789"), "tosa"))
    assert is_uncertain(signature(Crashed("lower", "SIGABRT (memory limit)", ""), "tosa"))
    assert is_uncertain(Signature("Blocked", "contract", kind="TimedOut"))
    for outcome in (Crashed("lower", "SIGABRT", ""), Unsupported("lower", "", None), Wrong("value", "", 0, "jit")):
        assert not is_uncertain(signature(outcome, "tosa"))


def test_the_hash_of_a_census_is_of_its_ids_in_any_order() -> None:
    assert census_hash(["a", "b"]) == census_hash(["b", "a"]) != census_hash(["a"])
