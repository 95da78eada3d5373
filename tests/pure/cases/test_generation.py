from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

import pytest
from hypothesis import assume, find
from hypothesis.errors import NoSuchExample
from hypothesis.strategies import integers, permutations

from harness.cases.case import Draw, OpCase
from harness.cases.draw import _settings
from harness.cases.generation import generate
from harness.cases.sample import Sample


def plain(d: Draw) -> Mapping[str, Any]:
    dims = d.shape(0, 3)
    return {"self": d.tensor(dims), "dim": d.axis(dims), "keepdim": d.maybe(d.flag())}


def filtered(d: Draw) -> Mapping[str, Any]:
    dims = d.shape(1, 3)
    even = d.draw(integers(0, 9).filter(lambda n: n % 4 == 0))
    assume(even < 8)
    return {"self": d.tensor(dims), "even": even, "pads": d.draw(permutations([0, 1, 2]))}


@pytest.mark.parametrize("mode", ["static", "dynamic"])
@pytest.mark.parametrize("given", [plain, filtered])
def test_the_draws_are_those_that_hypothesis_find_makes(given: Any, mode: Any) -> None:
    case = OpCase(op="aten.made.up", inputs=given, dtypes=("f32",))
    ours: list[Sample] = []
    theirs: list[Sample] = []
    generate(case.strategy("f32", mode), ours.append, _settings(60), Random(3))

    def none(sample: Sample) -> bool:
        theirs.append(sample)
        return False

    with pytest.raises(NoSuchExample):
        find(case.strategy("f32", mode), none, settings=_settings(60), random=Random(3))
    assert ours == theirs
    assert len(ours) > 40
