"""The structural traits of a sample."""

from __future__ import annotations

from typing import Any

import pytest

from harness.cases.sample import Arg, Fill, Sample, TensorSpec
from harness.cases.structure import structure


def spec(*shape: int, role: str = "d") -> TensorSpec:
    return TensorSpec(dims=tuple(f"{role}{i}" for i in range(len(shape))), dtype="f32", fill=Fill())


def call(sizes: tuple[int, ...] = (), role: str = "d", **args: Arg) -> Sample:
    """A call of one tensor of these sizes, beside other arguments."""
    named = {f"{role}{i}": n for i, n in enumerate(sizes)}
    return Sample(op="aten.x", dtype="f32", mode="static", sizes=named, args={"self": spec(*sizes, role=role), **args})


def two(first: tuple[int, ...], second: tuple[int, ...]) -> Sample:
    args = {n: TensorSpec(dims=dims, dtype="f32", fill=Fill()) for n, dims in (("self", first), ("other", second))}
    return Sample(op="aten.x", dtype="f32", mode="static", sizes={}, args=args)


@pytest.mark.parametrize(
    ("sample", "shown", "not_shown"),
    [
        (call((2, 3)), {"self:rank=2"}, {"empty", "single", "expands"}),
        (call((2, 0)), {"self:size_0@d", "empty", "empty alone"}, {"self:single"}),
        (call((2, 0), keepdim=True), {"empty"}, {"empty alone"}),
        (call((1, 1)), {"single"}, {"self:size_1@d"}),
        (call(()), {"self:rank=0"}, {"single"}),
        (call((0, 5), dim=(0,)), {"dim:size_0", "dim:size_0 alone", "idle"}, {"dim:all"}),
        (call((0, 5), dim=(1,)), set(), {"dim:size_0", "idle"}),
        (call((0, 0), dim=(1,)), set(), {"dim:size_0"}),
        (call((2, 1), dim=-1, keepdim=True), {"dim:size_1"}, {"dim:size_1 alone"}),
        (call((2, 3), dim=(1, -2)), {"dim:all"}, {"dim:size_1"}),
        (call((), dim=0), {"dim:rank=0"}, {"dim:all"}),
        (call((), dim=()), set(), {"dim:rank=0"}),
        (two((1, 3), (4, 3)), {"expands"}, {"expands:size_0"}),
        (two((0, 1, 3), (0, 4, 3)), {"expands", "expands:size_0"}, set()),
        (two((1,), (0,)), {"expands:size_0"}, set()),
        (two((3,), (2, 3)), set(), {"expands", "expands:square"}),
        (two((3, 3), (2, 3, 3)), {"expands:square"}, {"expands"}),
        (two((3, 1, 3), (3, 2, 3)), {"expands", "expands:square"}, set()),
        (two((3, 3), (3, 3)), set(), {"expands:square"}),
        (two((3, 1, 3), (3, 0, 3)), {"expands:size_0"}, {"expands:square"}),
        (two((2, 3, 3), (2, 3, 1)), set(), {"expands:square"}),
        (two((1, 3), (4, 1)), {"expands", "crosses"}, set()),
        (two((4, 1), (3,)), {"crosses"}, {"expands:size_0"}),
        (two((1, 3), (4, 3)), set(), {"crosses"}),
    ],
)
def test_what_a_sample_shows(sample: Sample, shown: set[str], not_shown: set[str]) -> None:
    found = structure(sample)
    assert shown <= found
    assert not found & not_shown


def test_dims_that_differ_in_their_number_alone_are_alike() -> None:
    assert structure(call((2, 0, 3))) == structure(call((2, 3, 0)))
    named: Any = structure(call((2, 0), role="k"))
    assert "self:size_0@k" in named


def test_the_dims_of_the_second_tensor_are_named_by_their_own_argument() -> None:
    sample = call((2, 3), other=TensorSpec(dims=(1, 4), dtype="f32", fill=Fill()), dims_other=(0,))
    assert "dims_other:size_1" in structure(sample)
