"""Which samples stratification keeps, and which files that depends on."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import harness
from harness.cases.sample import Fill, Sample, TensorSpec, to_json
from harness.cases.stratification import stratify
from harness.cases.structure import structure
from harness.cases.traits import traits
from harness.surface.opinfo import SOURCES


def held(shape: tuple[int, ...], pads: tuple[int, ...] = (), fill: Fill | None = None) -> Sample:
    spec = TensorSpec(dims=tuple(f"d{i}" for i in range(len(shape))), dtype="f32", fill=fill or Fill())
    sizes = {f"d{i}": n for i, n in enumerate(shape)}
    return Sample(op="aten.made.up", dtype="f32", mode="static", sizes=sizes, args={"self": spec, "pads": pads})


def test_each_next_one_shows_most_that_is_new() -> None:
    found = [held((2, 3)), held((0, 3)), held((2, 1), (1, 2)), held((4,), (-1, 0, 3)), held(())]
    first, second = stratify(found, 2)
    new = {s.id: len(set(traits(s)) - set(traits(first))) for s in found if 0 not in s.sizes.values() and s.sizes}
    assert new[second.id] == max(new.values())


@pytest.mark.parametrize(
    ("poor", "rich"),
    [
        (held((2, 3, 4)), held((2, 3, 2))),
        (held((2, 3, 2)), held((2, 2, 2))),
        (held((2, 2, 2), (1, 0, 2)), held((2, 2, 2), (1, 1, 2))),
        (held((2, 2, 2), (1, 1, 1)), held((2, 2, 2), (1, 2, -2))),
        (held((4,), (2, 2)), held((9,), (0, 0))),
    ],
    ids=[
        "a dim that is alike",
        "three that are",
        "a pad that is not 0",
        "pads that are not 1",
        "room for special values",
    ],
)
def test_what_a_mistake_shows_on_comes_first(poor: Sample, rich: Sample) -> None:
    assert stratify([poor, rich], 1) == stratify([rich, poor], 1) == [rich]


def test_a_call_that_has_something_to_do_along_its_dim_comes_first() -> None:
    idle, busy = held((4, 4, 1), (2,)), held((4, 2), (0,))
    acted = [replace(s, args={"self": s.args["self"], "dim": s.args["pads"]}) for s in (idle, busy)]
    assert stratify(acted, 1) == [acted[0]]  # the richer one
    assert stratify(acted, 1, structure=structure) == [acted[1]]


def test_all_are_taken_where_there_are_few() -> None:
    found = [held((2, 3)), held((4,))]
    assert sorted(s.id for s in stratify(found, 5)) == sorted(s.id for s in found)


def test_after_the_wanted_ones_come_samples_with_another_rank_or_a_size_of_its_own() -> None:
    low, high, lone, same = held((2, 3)), held((2, 3, 4)), held((2, 1)), held((3, 3, 4))
    picked = stratify([low, high, lone, same], 1, most=4, structure=structure)
    assert picked[0] == same
    assert lone in picked[1:]
    assert high not in picked
    assert stratify([low, high, lone, same], 1, most=4) == stratify([low, high, lone, same], 1) == [same]


def test_elements_that_are_written_down_need_no_room_for_special_values() -> None:
    def literal(n: int) -> Fill:
        return Fill(kind="literal", data=(1.0,) * n)

    small, large = held((4,), (2, 2), literal(4)), held((9,), (0, 0), literal(9))
    assert stratify([small, large], 1) == [small]


def test_a_new_trace_of_opinfo_is_made_if_a_file_changes_that_decides_which_calls_it_keeps() -> None:
    used = files(lambda: [to_json(s) for s in stratify([held((2, 3), (1, 2)), held((2, 0)), held((2, 2))], 1, most=3)])
    assert "cases/stratification.py" in used
    assert used <= set(SOURCES)


def files(work: Callable[[], Any]) -> set[str]:
    """The files of `harness` whose functions `work` calls."""
    home, seen = Path(harness.__file__).parent, set()

    def note(frame: FrameType, event: str, arg: object) -> None:
        path = Path(frame.f_code.co_filename)
        if event == "call" and path.is_relative_to(home):
            seen.add(path.relative_to(home).as_posix())

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return seen
