"""Each figure of the bottleneck, recounted from a small journal by brute force."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from itertools import combinations, product
from typing import Any

import pytest

from harness.cases.other_samples import by
from harness.cases.road import DEFAULT, Road
from harness.records.cause import Cause
from harness.records.journal import Record
from harness.records.outcome import (
    Blocked,
    Crashed,
    Excluded,
    NotExecuted,
    Outcome,
    Outside,
    Passed,
    Reached,
    Unsupported,
    Wrong,
)
from reports.answers.bottleneck.bottleneck import Bottleneck, Narrows, bottleneck
from reports.answers.bottleneck.choice import choice
from reports.answers.bottleneck.curve import greedy, needs
from reports.fold.programs import VERIFIED_ALL, End, Levels, Program
from tests.causes import cause, index, line, refused
from tests.synthetic import PASSED

CASCADES = ("stablehlo-linalg", "tosa-linalg", "tcp")
PRIMS = Road(level="prims")
ADD, MUL, SIZE = "torch.aten.add.Tensor", "torch.aten.mul.Tensor", "torch.aten.size.int"
SORT, EXP, NEG, CUMSUM = "torch.aten.sort", "torch.aten.exp", "torch.aten.neg", "torch.aten.cumsum"
SUB = "torch.aten.sub.Tensor"
PLUS, GELU = "aten.add.Tensor", "aten.gelu.default"
MEDIAN, TOPK, MINUS = "aten.median.default", "aten.topk.default", "aten.neg.default"
SORTING = (MEDIAN, TOPK, "aten.sort.default")
BACKENDS = ("linalg", "stablehlo-linalg", "tosa", "tosa-linalg")
WRONG = Wrong("value", "m", 0, "x")
MISSES = tuple[str, ...] | str
"""What a program misses on a backend; nothing where it is right, a word where no op mends it."""


def program(
    op: str, ops: tuple[str, ...], ends: dict[str, tuple[Outcome, MISSES]], **more: Any
) -> list[tuple[Record, MISSES]]:
    """A sample's lines in the frontend, the control and on backends, with what it misses there by hand."""
    road, plain, front = more.pop("road", DEFAULT), more.pop("plain", False), more.pop("front", Reached())
    own = {"frontend": (front, ""), "control": (Passed(0, ("eager",)), ""), **ends}
    found = []
    for backend, (outcome, misses) in own.items():
        family = "sorting" if op in SORTING else "elementwise"
        one = line(op, outcome, backend=backend, plain=plain, reached=ops, family=family, **more)
        assert one.sample
        found.append((replace(one, road=road, sample=by(one.sample, road)), misses))
    return found


def everywhere(outcome: Outcome, misses: MISSES = ()) -> dict[str, tuple[Outcome, MISSES]]:
    return dict.fromkeys(BACKENDS, (outcome, misses))


def but(**ends: tuple[Outcome, MISSES]) -> dict[str, tuple[Outcome, MISSES]]:
    """Right everywhere but here; an underscore stands for a hyphen."""
    return everywhere(PASSED) | {name.replace("_", "-"): end for name, end in ends.items()}


NO_SORT = (refused(SORT), (SORT,))
NO_SCATTER = (refused("stablehlo.scatter"), ("stablehlo.scatter",))
NOT_RUN = (NotExecuted({"x": "y"}), "NotExecuted")
OUTSIDE = (Outside("lower", "f64", "Unsupported", "no f64"), "Outside")
UNNAMED = (Crashed("lower", "SIGSEGV", ""), (f"{ADD} with {MUL}", EXP))
NO_ADD = (refused("tosa.add"), ("tosa.add",))
AGAIN = (refused(SORT, "error: other"), (SORT,))
GONE, STOPPED = Excluded("eager refuses it"), Unsupported("contract", "no", "torch.aten.topk")
LINES = [
    *program(PLUS, (ADD,), but(), plain=True),
    *program(PLUS, (ADD,), but(tosa=(WRONG, (ADD,))), dtype="i32"),
    *program(PLUS, (ADD, SIZE), but(stablehlo_linalg=NO_SCATTER), mode="dynamic"),
    *program("aten.exp.default", (EXP,), but(tosa=OUTSIDE), dtype="f64"),
    *program("aten.exp.default", (EXP,), everywhere(GONE, "gone"), shape=(1,), front=GONE),
    *program("aten.sort.default", (SORT,), but(tosa=NO_SORT, stablehlo_linalg=NO_SCATTER), plain=True),
    *program("aten.sort.default", (SORT,), everywhere(refused(SORT), (SORT,)), mode="dynamic"),
    *program(GELU, (ADD, EXP, MUL), but(tosa=(refused(SIZE), (MUL, EXP)), linalg=(WRONG, "unknown"))),
    *program(GELU, (ADD, EXP, MUL), but(tosa=UNNAMED), shape=(5,)),
    *program(GELU, (), but(), shape=(7,)),
    *program(MEDIAN, (ADD, SORT), but(tosa=NO_SORT, tosa_linalg=NO_SORT)),
    *program(MEDIAN, (MUL, SORT), but(tosa=AGAIN, linalg=NOT_RUN), mode="dynamic"),
    *program(TOPK, (), everywhere(Blocked("contract", "Unsupported"), "Blocked"), front=STOPPED),
    *program(MINUS, (NEG,), but()),
    *program(MINUS, (NEG,), but(linalg=(WRONG, (NEG,))), shape=(5,)),
    *program(MINUS, (NEG,), but(tosa=OUTSIDE), dtype="f64"),
    *program("aten.cumsum.default", (CUMSUM, EXP), but(tosa=(refused(SIZE), (CUMSUM,)))),
    *program(GELU, (EXP, MUL), but(tosa=(refused(EXP), (EXP,))), road=PRIMS, plain=True),
    *program(PLUS, (ADD,), but(tosa_linalg=NO_ADD), road=PRIMS),
    *program(TOPK, (SORT, SUB), but(tosa=(refused(SORT), (SORT,))), road=PRIMS),
    *program(MINUS, (SUB,), but(linalg=(WRONG, (SUB,)), tosa=(refused(SUB), (SUB,))), shape=(5,), road=PRIMS),
    *program("aten.cumsum.default", (NEG,), but(tosa=(refused(NEG), (NEG,)), linalg=NOT_RUN), road=PRIMS),
]
RECORDS = [record for record, _ in LINES]


def of(op: str, outcome: type[Outcome], mode: str = "static", backend: str = "tosa", road: Road = DEFAULT) -> Record:
    """The first record of an op with such an outcome."""
    return next(
        r for r in RECORDS
        if (r.op, r.backend, r.mode, r.road) == (op, backend, mode, road) and isinstance(r.outcome, outcome)
    )  # fmt: skip


def caused(record: Record, *culprits: str, **more: Any) -> Cause:
    return replace(cause(record, *culprits, **more), mode=record.full_mode)


CAUSES = [
    caused(of(GELU, Unsupported), MUL, needs=(EXP,)),
    caused(of(GELU, Crashed), ADD, MUL, needs=(EXP,), found="composition"),
    caused(of(MEDIAN, Unsupported), SORT),
    caused(of(GELU, Wrong, backend="linalg")),
    caused(of("aten.cumsum.default", Unsupported), CUMSUM, why="no executor runs the rest", unlocks=False),
]
SHRUNK = line(PLUS, WRONG, dtype="i32", shape=(1,), minimised="0123456789")
FOUND = bottleneck([index([*RECORDS, SHRUNK], CAUSES)], CASCADES)
ROADS = {"torch-mlir": DEFAULT, "prims": PRIMS}
on_road = pytest.mark.parametrize("name", ROADS)


def narrows(name: str, found: Bottleneck = FOUND) -> Narrows:
    return next(each for each in found.roads if each.name == name)


def surface(name: str, backend: str = "tosa") -> list[tuple[Record, MISSES]]:
    """The lines of a backend on a road, excluded ones aside."""
    return [(r, m) for r, m in LINES if (r.backend, r.road) == (backend, ROADS[name]) and m != "gone"]


def reached(name: str) -> list[Record]:
    return [r for r, _ in surface(name, "frontend") if isinstance(r.outcome, Reached)]


def test_the_levels_are_those_of_the_journal_the_default_one_first() -> None:
    assert [each.name for each in FOUND.roads] == list(ROADS)


# what the surface reduces to ------------------------------------------------------------------------------------------


@on_road
def test_the_ops_that_the_registry_the_plain_calls_and_families_reduce_to(name: str) -> None:
    rows = json.loads(json.dumps(FOUND.json()))["roads"][name]["reduces"]
    measured = [r for r, _ in surface(name, "frontend") if not isinstance(r.outcome, Excluded)]
    assert list(rows) == ["registry", "plain calls", *sorted({r.family for r in measured})]
    for row, said in rows.items():
        own = [r for r in measured if row == "registry" or r.family == row or (row == "plain calls" and r.plain)]
        through = [r for r in own if isinstance(r.outcome, Reached)]
        assert said["ops"] == sorted({op for r in through for op in r.reached})
        assert said["through"] == sorted({r.op for r in through})
        assert said["measured"] == sorted({r.op for r in own})
    assert [len(rows[row]["ops"]) for row in ("registry", "plain calls")] == (
        [7, 2] if name == "torch-mlir" else [6, 2]
    )


# what each backend lowers alone ---------------------------------------------------------------------------------------


def evidence(name: str, backend: str, modes: Iterable[str]) -> dict[str, str]:
    """The state of each op by the rules, read off the lines one by one."""
    lines = [
        (r, m) for r, m in surface(name, backend) if r.mode in modes and r.reached and m not in ("Blocked", "Outside")
    ]
    seen: dict[str, dict[tuple[str, str], set[bool]]] = {}
    for record, _ in lines:
        for op in record.reached:
            seen.setdefault(op, {}).setdefault((record.mode, record.dtype), set())
    for record, misses in lines:
        if record.reached[1:] == () and (misses == "unknown" or not isinstance(misses, str)):
            seen[record.reached[0]][record.mode, record.dtype].add(misses == ())
    for one in CAUSES:
        record = next(r for r in RECORDS if (r.id, r.backend) == (one.id, one.backend))
        if (one.backend, record.road) == (backend, ROADS[name]) and record.mode in modes and one.found == "culprits":
            for op in {*one.culprits} | ({*record.reached} - {*one.needs} if not one.why else {*()}):
                seen[op][record.mode, record.dtype].add(op not in one.culprits)
    words = {}
    for op, types in seen.items():
        said = set().union(*types.values())
        is_right = said == {True} and all(types.values())
        words[op] = "right" if is_right else "in part" if True in said else "fails" if said else "not known"
    return words


@pytest.mark.parametrize(("name", "backend"), product(ROADS, ("linalg", "tosa")))
def test_what_a_backend_lowers_alone(name: str, backend: str) -> None:
    standing = next(each for each in narrows(name).standings if each.backend == backend)
    for mode, alone in standing.alone.items():
        expected = evidence(name, backend, (mode,))
        assert dict(alone.states) == expected
        whole = {op for r, m in surface(name, backend) if m == () and r.mode == mode for op in r.reached}
        assert alone.whole == {op for op in whole if expected[op] in ("fails", "not known")}
        counts = Counter(expected.values())
        assert alone.row[:5] == [len(expected), *(counts[s] for s in ("right", "in part", "fails", "not known"))]
    assert dict(standing.both.states) == evidence(name, backend, ("static", "dynamic"))


def test_what_is_known_alone_in_the_static_mode_of_the_default_level() -> None:
    tosa = next(each for each in narrows("torch-mlir").standings if each.backend == "tosa").alone["static"]
    assert dict(tosa.states) == {
        ADD: "in part",
        CUMSUM: "fails",
        EXP: "not known",
        MUL: "fails",
        NEG: "right",
        SORT: "fails",
    }


# the curves -----------------------------------------------------------------------------------------------------------


def slow_greedy(sets: list[set[str]]) -> list[tuple[str, int]]:
    """The same rule, counted from scratch at each step."""
    done: set[str] = set()
    steps = []
    while left := sorted(set().union(*sets) - done):

        def rank(op: str) -> tuple[int, int, str]:
            whole = sum(each <= {*done, op} for each in sets)
            return -whole, -sum(op in each for each in sets), op

        best = min(left, key=rank)
        done.add(best)
        steps.append((best, sum(each <= done for each in sets)))
    return steps


@on_road
def test_the_curve_from_nothing(name: str) -> None:
    curve = narrows(name).curve
    sets = [{*r.reached} for r in reached(name)]
    assert list(curve.steps) == slow_greedy(sets)
    assert curve.start == sum(not each for each in sets)
    assert curve.total == len([r for r, _ in surface(name, "frontend") if not isinstance(r.outcome, Excluded)])


@pytest.mark.parametrize(("name", "backend"), product(ROADS, ("linalg", "tosa")))
def test_what_to_lower_next_and_how_far_a_backend_is(name: str, backend: str) -> None:
    standing = next(each for each in narrows(name).standings if each.backend == backend)
    lines = surface(name, backend)
    sets = [{*m} for _, m in lines if not isinstance(m, str)]
    assert list(standing.next.steps) == slow_greedy(sets)
    assert (standing.right, standing.next.start, standing.next.total) == (
        sum(m == () for _, m in lines),
        sum(m == () for _, m in lines),
        len(lines),
    )


def test_a_greedy_curve_takes_what_makes_most_whole_then_what_most_wait_for() -> None:
    curve = greedy(needs([("a", 1), ("bc", 5), ("bd", 4), ("", 2)]), 20)
    assert curve.steps == (("a", 3), ("b", 3), ("c", 8), ("d", 12))
    assert [curve.reach(share) for share in (2, 3, 3.5, 12, 13)] == [0, 1, 3, 4, None]
    assert curve.marks() == "50 %: 4, 60.0 %, which is most: 4"
    assert curve.first(2) == "a 15.0 %, b 15.0 %"


# what is left to lower ------------------------------------------------------------------------------------------------


@on_road
def test_what_a_backend_has_to_add_is_the_union_of_what_its_programs_miss(name: str) -> None:
    backends = ["linalg", "tosa"]
    pairs = [(backend, other) for backend in backends for other in (*(b for b in backends if b != backend), "all")]
    assert [(cover.backend, cover.of) for cover in narrows(name).covers] == pairs
    for cover in narrows(name).covers:
        right = {r.id for r, m in surface(name, cover.of) if m == ()}
        own = [(r, m) for r, m in surface(name, cover.backend) if cover.of == "all" or r.id in right]
        assert cover.covered == len(own)
        assert cover.adds == {op for _, m in own if not isinstance(m, str) for op in m}
        assert cover.mendable == sum(bool(m) and not isinstance(m, str) for _, m in own)
        assert cover.apart == Counter(m for _, m in own if isinstance(m, str))
        assert cover.programs == sum(m != () for _, m in own)


def test_a_program_that_was_not_cut_may_miss_more() -> None:
    to_all = next(c for c in narrows("torch-mlir").covers if (c.backend, c.of) == ("tosa", "all"))
    assert to_all.least == 2  # the dynamic median, of two ops, was not cut; the rest of cumsum could not be run
    assert to_all.line(1).startswith("all (16 programs): at least 6 ops for 8 programs, 2 not cut; apart: ")
    assert " and 5 more" in to_all.line(1)


# a choice between levels ----------------------------------------------------------------------------------------------


def ways(backend: str) -> list[list[set[str]]]:
    """What each sample misses on a backend at each level where an op mends it."""
    found: dict[tuple[str, str], list[set[str]]] = {}
    for record, misses in (*surface("torch-mlir", backend), *surface("prims", backend)):
        assert record.sample
        own = found.setdefault((record.mode, by(record.sample, DEFAULT).id), [])
        own += [] if isinstance(misses, str) else [{*misses}]
    return list(found.values())


@pytest.mark.parametrize("backend", ["linalg", "tosa"])
def test_where_a_sample_may_take_any_level(backend: str) -> None:
    chosen = next(each for each in FOUND.choices if each.backend == backend)
    mended = [own for own in ways(backend) if own]
    assert (chosen.samples, chosen.apart) == (len(ways(backend)), len(ways(backend)) - len(mended))
    assert chosen.right == sum(set() in own for own in mended)
    ops = sorted(set().union(*(way for own in mended for way in own)))
    covers = [
        {*some}
        for size in range(len(ops) + 1)
        for some in combinations(ops, size)
        if all(any(way <= {*some} for way in own) for own in mended)
    ]
    assert chosen.bound <= len(covers[0]) <= len(chosen.adds)
    assert chosen.adds in covers
    assert all(chosen.adds - {op} not in covers for op in chosen.adds)


def test_of_what_is_missed_at_two_levels_the_less_is_taken() -> None:
    tosa = next(each for each in FOUND.choices if each.backend == "tosa")
    at_one = next(cover for cover in narrows("torch-mlir").covers if (cover.backend, cover.of) == ("tosa", "all"))
    assert MUL in at_one.adds
    assert tosa.adds == {ADD, CUMSUM, EXP, SORT, f"{ADD} with {MUL}"}
    assert tosa.line(1) == (
        "any level, tosa: all (16 samples, 5 right at some level, 2 apart):"
        " 5 ops, the fewest: aten.add.Tensor and 4 more"
    )


chance = random.Random(5)
COVERS = [
    [{frozenset(chance.sample("abcdef", chance.randint(1, 3))) for _ in range(chance.randint(1, 3))} for _ in range(6)]
    for _ in range(40)
]


@pytest.mark.parametrize("samples", COVERS)
def test_no_cover_has_fewer_ops_than_the_bound(samples: list[set[frozenset[str]]]) -> None:
    found = [program_at_levels(own) for own in samples]
    chosen = choice(found, "x")
    fewest = next(
        size
        for size in range(7)
        if any(all(any(way <= {*some} for way in own) for own in samples) for some in combinations("abcdef", size))
    )
    assert chosen.bound <= fewest <= len(chosen.adds)
    assert all(any(way <= chosen.adds for way in own) for own in samples)
    for op in chosen.adds:
        assert not all(any(way <= chosen.adds - {op} for way in own) for own in samples)


def test_what_is_not_needed_in_the_end_is_left_out() -> None:
    samples = [({"a"}, {"b", "c"})] * 3 + [({"b", "c"}, {"x", "y"}), ({"b", "c"}, {"u", "v"})]
    chosen = choice([program_at_levels({*map(frozenset, own)}) for own in samples], "x")
    assert (chosen.adds, chosen.bound) == ({"b", "c"}, 1)


def program_at_levels(misses: set[frozenset[str]]) -> Levels:
    roads = (DEFAULT, PRIMS, Road(level="none"))
    return tuple(
        Program(
            op=PLUS,
            family="elementwise",
            mode="static",
            road=road,
            dtype="f32",
            is_plain=False,
            reaches=True,
            ops=(),
            ends={"x": End(VERIFIED_ALL, tuple(sorted(way)))},
            count=1,
        )
        for road, way in zip(roads, sorted(misses, key=sorted), strict=False)
    )


# the futures ----------------------------------------------------------------------------------------------------------


@on_road
def test_what_arrives_right_at_linalg_by_each_way(name: str) -> None:
    found = narrows(name).futures
    modes = [mode for mode in ("static", "dynamic") if any(r.mode == mode for r, _ in surface(name))]
    ways = ("linalg", "stablehlo-linalg", "tosa-linalg")
    assert [(each.by, each.mode) for each in found] == [(way, mode) for mode in modes for way in ways]
    for each in found:
        own = [(r, m) for r, m in surface(name, each.by) if r.mode == each.mode]
        converts = [m for _, m in own if m and not isinstance(m, str) and not m[0].startswith("torch.")]
        assert (each.total, each.right) == (len(own), sum(m == () for _, m in own))
        assert each.most == each.right + len(converts)


def test_the_bound_is_above_the_share_where_only_a_conversion_is_missing() -> None:
    through = {(f.by, f.mode): (f.right, f.most) for f in narrows("torch-mlir").futures}
    assert through["stablehlo-linalg", "static"] == (11, 12)
    assert through["stablehlo-linalg", "dynamic"] == (1, 2)
    assert through["tosa-linalg", "static"] == (11, 11)


def test_without_a_cascade_or_linalg_nothing_is_compared() -> None:
    tosa = bottleneck(
        [index([r for r in RECORDS if r.backend in ("frontend", "tosa", "tosa-linalg")], CAUSES)], CASCADES
    )
    assert [each.futures for each in tosa.roads] == [(), ()]
    assert "no journal has linalg beside a cascade" in tosa.text(None)


# several journals -----------------------------------------------------------------------------------------------------


def test_levels_may_come_from_several_journals_and_an_op_counts_once() -> None:
    apart = [index([r for r in RECORDS if r.road == road], CAUSES) for road in ROADS.values()]
    assert bottleneck(apart, CASCADES).json()["roads"] == FOUND.json()["roads"]
    assert bottleneck(apart, CASCADES).choices == ()  # no journal has a sample at two levels
    twice = bottleneck([apart[0], index(RECORDS, CAUSES)], CASCADES)
    ops = {(r.op, r.mode) for r, m in LINES if r.road == DEFAULT and m != "gone"}
    assert twice.surface.left_out == len(ops)
    assert twice.json()["roads"] == FOUND.json()["roads"]
    assert twice.text(None).endswith(f"an earlier journal has them: {len(ops)} ops on a road, in a mode")


def test_the_text_says_under_every_block_how_it_was_counted() -> None:
    text = FOUND.text(None)
    assert text.count("\nCounted: ") == 6
    assert bottleneck([index([])], CASCADES).text(None) == "the journals have no samples"


def test_no_line_is_longer_than_a_screen_and_no_op_loses_its_share() -> None:
    names = [f"an_op_with_a_name_of_some_length_{i:02}" for i in range(30)]
    lines = [
        pair for name in names for pair in program(f"aten.{name}.default", (f"torch.aten.{name}",), everywhere(PASSED))
    ]
    text = bottleneck([index([record for record, _ in lines])], CASCADES).text(None)
    assert max(map(len, text.splitlines())) <= 116
    assert re.search(r"aten\.an_op_with_a_name_of_some_length_19 66\.7 %$", text, re.MULTILINE)
