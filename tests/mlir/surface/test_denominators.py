"""The denominators against the installed torch and torch-mlir."""

from __future__ import annotations

import pytest

from backends.declared import declared
from harness.surface.denominators import core, denominators, functional, functional_form, uncounted
from harness.surface.overloads import found_in_torch
from op_suites import catalog, excluded


@pytest.mark.parametrize(
    ("mutating", "functional"),
    [
        ("aten.add_.Tensor", "aten.add.Tensor"),
        ("aten.atan2.out", "aten.atan2.default"),
        ("aten.relu_.default", "aten.relu.default"),
        ("aten.resize_.default", "aten.resize.default"),
        ("aten.bernoulli_.float", "aten.bernoulli.p"),
        ("aten.append.t", None),
    ],
)
def test_the_functional_form_of_a_mutating_overload(mutating: str, functional: str | None) -> None:
    assert functional_form(mutating) == functional


def test_what_the_dialect_declares_is_in_exactly_one_part() -> None:
    more = uncounted(declared())
    assert not set(more.mutating) & set(more.tensorless)
    assert not any(functional(op) for op in (*more.mutating, *more.tensorless))
    assert "aten.add_.Tensor" in more.mutating
    assert "aten.size.default" in more.tensorless
    assert sum(form is not None for form in more.mutating.values()) > 0.9 * len(more.mutating)


def test_nothing_is_missing_of_core_and_dialect() -> None:
    ops = {case.op for cases in catalog().values() for case in cases}
    sets = found_in_torch(declared(), None).sets
    assert {d.name: d.missing for d in denominators(ops, excluded(), sets)} == {"core": (), "dialect": ()}


def test_what_is_excluded_exists_and_has_a_reason() -> None:
    for op, reason in excluded().items():
        assert reason.strip(), op
        assert functional(op) or op in core() or op in declared(), op
