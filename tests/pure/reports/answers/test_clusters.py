from __future__ import annotations

import json
import random
from collections.abc import Sequence

import pytest

from harness.errors import UnknownName
from harness.records.cause import Cause
from harness.records.journal import Record
from harness.records.outcome import Blocked, Crashed, FirstWrongPass, Invalid, TimedOut, Unsupported, Wrong
from reports.answers.clusters import Cluster, alone, clusters, counted
from reports.fold.diagnosis import NORMALISER
from reports.pages.clusters import as_json, as_text, in_full
from tests.causes import MANY, cause, index, line, refused
from tests.synthetic import PASSED, whole_index

SUM, SORT, MEDIAN = "aten.sum.default", "aten.sort.default", "aten.median.default"
WRONG = Wrong("value", "out[0] = 1.0, but should be 2.0", 0, "x")
UNSORTED = refused("torch.aten.sort")
IN_TOSA = FirstWrongPass(right="contract/cse", wrong="lower/convert-torch-to-tosa")


def found(records: Sequence[Record], causes: Sequence[Cause] = (), backend: str = "tosa") -> tuple[Cluster, ...]:
    return clusters(index(records, causes), backend)[0].clusters


def only(records: Sequence[Record], causes: Sequence[Cause] = ()) -> Cluster:
    (cluster,) = found(records, causes)
    return cluster


def negative(outcome: object = WRONG, shape: tuple[int, ...] = (2, 3), **more: object) -> Record:
    return line(SORT, outcome, shape=shape, args={"dim": -1}, **more)  # type: ignore[arg-type]


def test_one_cause_in_many_ops_modes_and_dtypes_is_one_cluster() -> None:
    through = line(MEDIAN, refused("torch.aten.size.int"), reached=MANY)
    records = [
        line(SORT, UNSORTED),
        line(SORT, refused("torch.aten.sort"), dtype="bf16"),
        line(SORT, UNSORTED, mode="dynamic", plain=True),
        through,
        line(SORT, PASSED, backend="linalg"),
    ]
    cluster = only(records, [cause(through, "torch.aten.sort", outcome=UNSORTED, needs=("torch.aten.neg",))])
    assert cluster.ops == (MEDIAN, SORT)
    assert (len(cluster.cells), cluster.samples, cluster.verified, cluster.share) == (4, 4, 4, 1.0)
    assert cluster.plain == ((SORT, "dynamic"),)
    assert cluster.unlocked_plain == 1
    assert [cluster.count(state) for state in ("unlocked", "stops", "not tried")] == [3, 1, 0]
    assert cluster.needs == {"torch.aten.neg": 1}
    assert cluster.severity.name == "plain"
    assert cluster.repro == f"opcov repro {cluster.example.sample} --backend tosa"


def test_what_differs_is_another_cluster() -> None:
    records = [
        line(SORT, UNSORTED),
        line(SORT, refused("torch.aten.sort", "error: unimplemented: a dim"), shape=(3,)),
        line(SORT, WRONG, shape=(4,)),
        line(SORT, Wrong("shape", "", 0, "x"), shape=(5,)),
        line(SORT, WRONG, shape=(4,), dtype="u8"),
        line(SORT, Crashed("lower", "SIGSEGV", ""), shape=(6,)),
        line(SORT, Crashed("lower", "SIGFPE", ""), shape=(7,)),
        line(MEDIAN, UNSORTED, reached=("torch.aten.median",)),
    ]
    assert len(found(records)) == 8


def test_what_the_frontend_blocks_is_the_frontends() -> None:
    lacking = Unsupported("contract", "error: failed to legalize operation 'torch.operator'", "torch.aten.sort")
    records = [
        line(SORT, lacking, backend="frontend", reached=()),
        line(SORT, Blocked("contract", "Unsupported"), reached=()),
    ]
    assert found(records) == ()
    (cluster,) = found(records, backend="frontend")
    assert cluster.title == "frontend: `aten.sort` is no op of the torch dialect, 1 sample of 1 op, all static"


def test_a_wrong_program_of_several_ops_says_that_its_culprit_is_not_known() -> None:
    bisected = line(SUM, WRONG, reached=MANY, first_wrong_pass=IN_TOSA)
    cluster = only([bisected, line(SUM, WRONG, reached=MANY, shape=(3,)), line(SUM, PASSED, shape=(4,))])
    assert cluster.says.startswith("culprit not known: has wrong values after convert-torch-to-tosa")
    assert cluster.verified == 0


@pytest.mark.parametrize(
    ("records", "title"),
    [
        ([negative(), negative(shape=(3,)), line(SORT, PASSED), line(SORT, PASSED, shape=(3,))],
         "tosa: `aten.sort` has wrong values where dim<0, 2 of 2"),
        ([line(SORT, UNSORTED), line(SORT, UNSORTED, shape=(3,))],
         "tosa: `aten.sort` is refused in every sample, 2 of 2"),
        ([line(SORT, UNSORTED), line(SORT, WRONG, shape=(3,))],
         "tosa: `aten.sort` has wrong values in 1 of 2 samples, none passes"),
        ([line(SORT, WRONG, first_wrong_pass=IN_TOSA), line(SORT, PASSED, shape=(3,))],
         "tosa: `aten.sort` has wrong values after convert-torch-to-tosa, 1 sample of 1 op, all static"),
        ([line(SORT, WRONG, dtype="u8"), line(SORT, PASSED, dtype="u8", shape=(3,))],
         "tosa: `aten.sort` has wrong values with unsigned integers, 1 sample of 1 op, all static"),
        ([line(SORT, Crashed("execute", "SIGSEGV", "")), line(SORT, PASSED, shape=(3,))],
         "tosa: `aten.sort` makes code that reads or writes out of bounds, 1 sample of 1 op, all static"),
        ([line(SORT, Crashed("lower", "SIGABRT", "no dim")), line(SORT, PASSED, shape=(3,))],
         "tosa: `aten.sort` kills the compiler with SIGABRT: no dim"),
        ([line(SORT, TimedOut("lower", 30.0)), line(SORT, PASSED, shape=(3,))],
         "tosa: `aten.sort` does not end at lower, 1 sample of 1 op, all static"),
        ([line(SORT, Invalid("verify", "not what the specification allows\nerror: 'tosa.cast' op", ran="right")),
          line(SORT, PASSED, shape=(3,))],
         "tosa: `aten.sort` becomes IR that the specification forbids, yet runs right: 'tosa.cast' op"),
    ],
)  # fmt: skip
def test_a_title_is_made_of_the_rule_else_of_the_pass_or_the_diagnostic(records: list[Record], title: str) -> None:
    assert found(records)[0].title == title


def test_the_rule_of_the_culprits_own_op_counts_if_it_says_something_of_the_others() -> None:
    own = [negative(), negative(shape=(3,)), line(SORT, PASSED), line(SORT, PASSED, shape=(3,))]
    others = [line(MEDIAN, WRONG, shape=(n,), reached=("torch.aten.sort",)) for n in range(2, 9)]
    passing = [line(MEDIAN, PASSED, shape=(2, n), reached=("torch.aten.sort",)) for n in range(2, 5)]
    assert "where dim<0" in found([*own, *others[:2], *passing])[0].title
    assert "where" not in found([*own, *others, *passing])[0].title
    alike = [line(MEDIAN, WRONG, shape=(n,), reached=("torch.aten.sort",), args={"dim": -1}) for n in range(2, 9)]
    assert "where dim<0" in found([*own, *alike, *passing])[0].title


def test_an_id_does_not_hang_on_the_order_numbers_or_names_of_a_journal() -> None:
    records = [
        line(op, outcome, dtype=dtype, shape=shape, reached=reached)
        for op in (SORT, MEDIAN)
        for dtype in ("f32", "bf16")
        for shape in ((2,), (3, 3))
        for reached in (MANY, ("torch.aten.sort",))
        for outcome in (WRONG, UNSORTED, Crashed("lower", "SIGSEGV", ""))
    ]
    ids = [cluster.id for cluster in found(records)]
    assert all(id.startswith(f"c{NORMALISER}-") for id in ids)
    shuffled = records[:]
    random.Random(1).shuffle(shuffled)
    assert [cluster.json() for cluster in found(shuffled)] == [cluster.json() for cluster in found(records)]
    renumbered = only([line(SORT, refused("torch.aten.sort", "error: %7 = f(%3) : tensor<2x3xf32> at 17"))])
    other = only([line(SORT, refused("torch.aten.sort", "error: %1 = f(%9) : tensor<?xbf16> at 4"), dtype="bf16")])
    assert renumbered.id == other.id


def test_ids_are_those_of_this_normaliser() -> None:
    """If this fails, samples share something else now: raise NORMALISER, and write the new id here."""
    assert only([line(SORT, UNSORTED)]).id == "c1-452630d"


def test_the_worst_come_first() -> None:
    records = [
        line(SORT, UNSORTED, plain=True),
        line(SORT, Crashed("lower", "SIGSEGV", ""), shape=(3,)),
        line(SORT, WRONG, shape=(0, 2)),
        line(MEDIAN, WRONG, plain=True),
    ]
    assert [(c.key.outcome, c.ops[0]) for c in found(records)] == [
        ("Wrong", MEDIAN),
        ("Wrong", SORT),
        ("Crashed", SORT),
        ("Unsupported", SORT),
    ]


def test_the_smallest_cut_shows_the_culprit_alone() -> None:
    record = line(SUM, WRONG, reached=MANY)
    made = index([record], [cause(record, MANY[0])])
    (of,) = clusters(made, "tosa")
    assert of.clusters[0].cuts == (SUM,)


def test_text_gives_the_verdict_first_and_a_command_for_each() -> None:
    found = clusters(whole_index())
    text = as_text(found, 2, {found[1].clusters[0].id: ("known: a note",)})
    assert text.startswith("frontend: ")
    assert "linalg: " in text
    assert "causes of" in text
    assert "known: a note" in text
    assert "opcov repro" in text
    data = json.loads(json.dumps(as_json(found)))
    for backend in data["backends"]:
        assert sum(cluster["samples"] for cluster in backend["clusters"]) == backend["samples"]
    assert as_text(clusters(index([line(SORT, PASSED)]), "tosa"), None, {}) == "tosa: nothing fails"


def test_one_in_full_shows_the_culprit_alone() -> None:
    record = line(SUM, WRONG, reached=MANY)
    causes = [cause(record, MANY[0])]
    cluster = only([record], causes)
    text = in_full(cluster, causes[0].alone[0], ("known: a note",))
    assert text.splitlines()[0] == cluster.title
    for said in ("known: a note", "aten.sum.default(self=f32[2,3])", cluster.explain, "func.func @main()"):
        assert said in text


def test_an_unknown_backend_is_an_error() -> None:
    with pytest.raises(UnknownName, match="stablehlo"):
        clusters(whole_index(), "stablhlo")


def test_without_a_cut_nothing_is_shown_alone() -> None:
    made = index([line(SORT, UNSORTED)])
    assert alone(made, clusters(made, "tosa")[0].clusters[0]) is None


def test_clusters_are_counted_without_being_made() -> None:
    for of in (whole_index(), index([line(SUM, WRONG), line(SORT, UNSORTED)])):
        assert counted(of) == tuple(found.counted for found in clusters(of))
