"""The search for the ops at fault, on little programs with planted faults; brute force says what it must find."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain, combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.judging.cutting import CannotTell, End, Found, Part, search, smallest

Fault = tuple[str, frozenset[int]]
"""A way of failing, and the ops that together cause it."""


@dataclass
class Planted:
    """A program that ends in the way of the first of its faults whose ops are all there; it notes what was run."""

    faults: tuple[Fault, ...]
    unknown: frozenset[Part] = frozenset()
    ran: list[Part] = field(default_factory=list)

    def end(self, part: Part) -> End:
        if part in self.unknown:
            raise CannotTell("nobody knows")
        self.ran.append(part)
        return next((way for way, ops in self.faults if ops <= part), None)

    def alone(self, part: Part, way: End) -> End:
        return self.end(part)

    def rest(self, part: Part) -> End:
        return self.end(part)


def found(count: int, *faults: tuple[str, set[int]], unknown: frozenset[Part] = frozenset()) -> Found:
    planted = Planted(tuple((way, frozenset(ops)) for way, ops in faults), unknown)
    return search(count, planted.end(frozenset(range(count))), planted)


def test_one_op_at_fault_is_named() -> None:
    assert found(5, ("wrong", {3})) == Found(culprits=(3,), composition=False)


def test_several_ops_at_fault_are_named_in_the_order_of_the_program() -> None:
    assert found(5, ("wrong", {4}), ("wrong", {1})) == Found(culprits=(1, 4), composition=False)


def test_the_only_op_is_at_fault_and_nothing_is_run() -> None:
    planted = Planted((("refused", frozenset({0})),))
    assert search(1, "refused", planted) == Found(culprits=(0,), composition=False)
    assert planted.ran == []


def test_what_the_rest_stops_at_next_is_needed_too() -> None:
    assert found(6, ("refused", {1}), ("crash", {4}), ("wrong", {2})) == Found(
        culprits=(1,), composition=False, needs=(4, 2)
    )


def test_an_op_that_fails_alone_and_not_in_the_program_is_put_back() -> None:
    class Shy(Planted):
        """Op 2 fails where it stands alone, and nowhere else."""

        def alone(self, part: Part, way: End) -> End:
            return "wrong" if part == frozenset({2}) else self.end(part)

    assert search(4, "wrong", Shy((("wrong", frozenset({0})),))) == Found(culprits=(0,), composition=False)


def test_where_no_op_fails_alone_the_smallest_group_is_named() -> None:
    assert found(9, ("wrong", {2, 5})) == Found(culprits=(2, 5), composition=True)


def test_a_composition_may_need_more() -> None:
    assert found(5, ("wrong", {0, 2}), ("refused", {4})) == Found(culprits=(0, 2), composition=True, needs=(4,))


def test_a_rest_may_need_a_composition() -> None:
    assert found(6, ("wrong", {0}), ("crash", {3, 5})) == Found(culprits=(0,), composition=False, needs=(3, 5))


def test_an_op_that_cannot_be_had_alone_is_no_suspect() -> None:
    assert found(4, ("wrong", {1}), unknown=frozenset({frozenset({0}), frozenset({3})})).culprits == (1,)


def test_it_is_not_told_where_the_rest_cannot_be_had() -> None:
    with pytest.raises(CannotTell, match="nobody knows"):
        found(3, ("wrong", {1}), unknown=frozenset({frozenset({0, 2})}))


def test_an_op_whose_return_cannot_be_tried_stays_cut() -> None:
    assert found(3, ("wrong", {0}), ("wrong", {1}), unknown=frozenset({frozenset({0, 2})})).culprits == (0, 1)


GROUPS = st.sets(st.integers(0, 7), min_size=1, max_size=3)


@given(st.integers(1, 8), st.lists(st.tuples(st.sampled_from(["wrong", "crash"]), GROUPS), min_size=1, max_size=4))
def test_what_is_found_is_what_brute_force_confirms(count: int, faults: list[tuple[str, set[int]]]) -> None:
    inside = tuple((way, frozenset(ops)) for way, ops in faults if max(ops) < count)
    planted = Planted(inside)
    whole = frozenset(range(count))
    if (way := planted.end(whole)) is None:
        return
    answer = search(count, way, planted)
    cut = frozenset(answer.culprits) | frozenset(answer.needs)
    assert planted.end(whole - cut) is None  # with them cut out, the rest passes
    if answer.composition:
        assert planted.end(frozenset(answer.culprits)) == way
        assert not any(planted.end(frozenset(group)) == way for group in _smaller(answer.culprits))
        assert not any(planted.end(frozenset({op})) == way for op in whole)
    elif count > 1:
        single = [op for op in whole if planted.end(frozenset({op})) == way]
        assert set(answer.culprits) <= set(single)
        # each is needed: if it alone is put back, the rest fails
        assert all(planted.end(whole - (cut - {op})) is not None for op in answer.culprits)
    assert list(answer.culprits) == sorted(answer.culprits)


def _smaller(ops: tuple[int, ...]) -> list[tuple[int, ...]]:
    return list(chain.from_iterable(combinations(ops, size) for size in range(len(ops))))


@given(st.sets(st.integers(0, 30), min_size=1, max_size=5))
def test_the_smallest_group_is_the_planted_one(planted: set[int]) -> None:
    tries = []

    def fails(ops: object) -> bool:
        tries.append(ops)
        return planted <= set(ops)  # type: ignore[call-overload]

    assert smallest(range(31), fails) == tuple(sorted(planted))
    assert len(tries) < 120
