"""Which calls of OpInfo are picked, with made-up calls: `call(rank, n=..., keepdim=...)`."""

from __future__ import annotations

from typing import Any

from harness.cases.literal import literal
from harness.cases.sample import Origin, Sample, TensorSpec
from harness.surface.picks import LONGEST, MOST, MUCH, Cell, pick, telling


def call(rank: int = 1, origin: Origin = "opinfo", dtype: str = "f32", **args: Any) -> Sample:
    size = args.pop("size", 2)
    dims = (size,) * rank
    self = TensorSpec(dims=dims, dtype=dtype, fill=literal([1.0] * size**rank, dtype))
    return Sample(op="aten.a.b", dtype=dtype, mode="static", sizes={}, args={"self": self, **args}, origin=origin)


def cell(shows: Sample, *calls: Sample) -> Cell:
    return Cell(telling(shows), calls)


def picked(*calls: Sample, shows: Sample | None = None, **cells: Cell) -> list[dict[str, Any]]:
    """What tells the picks of the cell f32 apart, and of others."""
    found = pick({"f32": cell(shows or call(), *calls), **cells}, lambda sample: True)
    return [{"rank": len(s.args["self"].dims), **{k: v for k, v in s.args.items() if k != "self"}} for s in found]


def test_a_call_is_picked_for_a_trait_that_no_cell_of_the_op_shows() -> None:
    assert picked(call(), call(3), call(n=7)) == [{"rank": 1, "n": 7}, {"rank": 3}]
    assert picked(call(), call(1)) == []
    assert picked(call(3), f64=cell(call(3))) == []


def test_the_call_that_shows_most_is_picked_first_and_the_shortest_of_several() -> None:
    assert picked(call(3), call(3, n=7), call(n=7)) == [{"rank": 3, "n": 7}]
    long, short = call(3, size=3), call(3)
    (found,) = pick({"f32": cell(call(), long, short)}, lambda sample: True)
    assert found.args == short.args


def test_few_are_picked_in_a_cell() -> None:
    calls = [call(rank) for rank in range(2, 6)]
    assert len(picked(*calls)) == MOST == 3
    assert len(pick({d: cell(call(), *calls) for d in ("f32", "f64")}, lambda sample: True)) == len(calls)


def test_a_cell_that_lacks_much_has_one_call_more() -> None:
    rich = {"n": 7, "m": -1, "p": 0.5, "q": True, "r": "no"}
    assert len(telling(call(**rich)) - telling(call())) == MUCH == 5
    assert picked(shows=call(**rich), f64=cell(call(), call(**rich), call(**rich, size=3))) == [{"rank": 1, **rich}]
    assert picked(shows=call(**rich), f64=cell(call(), call(n=7, m=-1, p=0.5, q=True))) == []


def test_what_does_not_fit_is_replaced_by_the_next_one_and_only_picks_are_asked() -> None:
    asked: list[int] = []

    def fits(sample: Sample) -> bool:
        asked.append(len(sample.args["self"].dims))
        return asked[-1] != 3

    found = pick({"f32": cell(call(), call(), call(3), call(4), call(4, n=1), call(1))}, fits)
    assert [len(s.args["self"].dims) for s in found] == [4]
    assert asked == [4, 3]


def test_picks_are_of_an_origin_of_their_own() -> None:
    (found,) = pick({"f32": cell(call(), call(3))}, lambda sample: True)
    assert found.origin == "picked"


def test_how_the_elements_were_made_and_long_calls_do_not_count() -> None:
    nan = call().args["self"]
    nan = TensorSpec(dims=(2,), dtype="f32", fill=literal([1.0, float("nan")], "f32"))
    assert telling(call()) == telling(Sample(op="aten.a.b", dtype="f32", mode="static", sizes={}, args={"self": nan}))
    assert picked(call(3, size=12)) == []
    assert LONGEST < 4 * 12**3
