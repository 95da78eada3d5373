from __future__ import annotations

import pytest

from harness.errors import BadJournal, BadSample, Exit, MissingPackage, OpcovError, UnknownName


@pytest.mark.parametrize(
    ("name", "known", "hint"),
    [
        ("aten.add", ("aten.add.Tensor", "aten.mul.Tensor"), "did you mean aten.add.Tensor"),
        ("tossa", ("linalg", "tosa"), "did you mean tosa?"),
        ("zzz", ("linalg", "tosa"), "known: linalg, tosa"),
    ],
)
def test_an_unknown_name_suggests_similar_names(name: str, known: tuple[str, ...], hint: str) -> None:
    error = UnknownName("thing", name, known)
    assert str(error).startswith(f"unknown thing {name!r}; ")
    assert hint in error.hint


def test_part_of_a_name_is_enough_for_a_suggestion() -> None:
    known = ("aten.native_batch_norm_backward.default", "aten.relu.default")
    assert "aten.native_batch_norm_backward.default" in UnknownName("op", "batch", known).hint


def test_a_long_list_is_cut() -> None:
    assert len(UnknownName("op", "?", [f"n{i}" for i in range(99)]).hint.split(",")) == 12


def test_an_error_is_one_line_with_its_hint() -> None:
    assert str(OpcovError("no such thing", hint="make one")) == "no such thing; make one"
    assert str(OpcovError("no such thing")) == "no such thing"


@pytest.mark.parametrize(
    ("cls", "code"),
    [(BadJournal, Exit.DATA), (BadSample, Exit.DATA), (MissingPackage, Exit.ENVIRONMENT), (OpcovError, Exit.USAGE)],
)
def test_exit_codes(cls: type[OpcovError], code: Exit) -> None:
    assert cls("x").code == code


def test_exit_codes_are_what_the_readme_says() -> None:
    assert {e.name: e.value for e in Exit} == {"OK": 0, "FOUND": 1, "USAGE": 2, "DATA": 3, "ENVIRONMENT": 4}
