from __future__ import annotations

from dataclasses import replace

import pytest

from harness.records.journal import Record
from harness.records.outcome import Blocked, Crashed, FirstWrongPass, NotExecuted, Outside, Wrong
from reports.fold.failures import Failure, failures, fold
from tests.causes import MANY, cause, line, records_of, refused
from tests.synthetic import PASSED

SUM, SORT = "aten.sum.default", "aten.sort.default"
WRONG = Wrong("value", "out[0] = 1.0, but should be 2.0", 0, "x")
IN_LINALG = FirstWrongPass(right="contract/cse", wrong="lower/convert-torch-to-linalg")
IN_CONTRACT = FirstWrongPass(right="import", wrong="contract/torch-decompose-complex-ops")
RANGE = FirstWrongPass(right=None, wrong="lower/canonicalize", between={"lower/convert-torch-to-linalg": "why"})


def the(record: Record, *causes: object, records: tuple[Record, ...] = ()) -> Failure:
    found = failures(records_of(record.op, (record, *records), causes))  # type: ignore[arg-type]
    return found[0]


def test_a_culprit_found_by_cutting_comes_before_the_one_that_is_named() -> None:
    record = line(SUM, refused("torch.aten.size.int"), reached=MANY)
    unlowered = refused("torch.aten.mul.Tensor")
    found = the(record, cause(record, "torch.aten.mul.Tensor", outcome=unlowered))
    assert (found.key.culprits, found.basis, found.unlocks) == (("torch.aten.mul.Tensor",), "cut", True)
    alone = the(line(SUM, unlowered, reached=("torch.aten.mul.Tensor",)))
    assert found.key == alone.key, "the program of the culprit alone is in the same cluster"


def test_of_several_culprits_the_first_is_it_and_needs_the_others() -> None:
    record = line(SUM, refused("torch.aten.size.int"), reached=MANY)
    found = the(record, cause(record, *MANY[:2], unlocks=True, needs=("torch.aten.neg",)))
    assert found.key.culprits == MANY[:1]
    assert (found.unlocks, found.needs) == (False, (MANY[1], "torch.aten.neg"))


def test_an_op_that_is_at_fault_twice_is_one_culprit() -> None:
    record = line(SUM, refused("torch.aten.size.int"), reached=MANY)
    found = the(record, cause(record, MANY[0], MANY[0]))
    assert (found.key.culprits, found.unlocks, found.needs) == (MANY[:1], True, ())


def test_a_rest_that_could_not_be_run_has_neither_passed_nor_stopped() -> None:
    record = line(SUM, refused("torch.aten.size.int"), reached=MANY)
    found = the(record, cause(record, MANY[0], unlocks=False, why="the rest is not executed"))
    assert (found.basis, found.unlocks, found.needs) == ("cut", None, ())
    assert found.why == "the rest is not executed"


def test_a_composition_is_one_culprit() -> None:
    record = line(SUM, Crashed("lower", "SIGSEGV", ""), reached=MANY)
    found = the(record, cause(record, *MANY[:2], found="composition"))
    assert (found.key.culprits, found.basis, found.unlocks) == (MANY[:2], "composition", True)


def test_without_a_cut_it_is_the_only_op_else_the_named_one_else_none() -> None:
    only = the(line(SUM, WRONG, reached=MANY[:1]))
    assert (only.key.culprits, only.basis, only.unlocks) == (MANY[:1], "only", True)
    named = the(line(SUM, refused("torch.aten.size.int"), reached=MANY))
    assert (named.key.culprits, named.basis, named.unlocks) == (("torch.aten.size.int",), "named", None)
    unknown = the(line(SUM, WRONG, reached=MANY))
    assert (unknown.key.culprits, unknown.basis, unknown.unlocks) == ((), "", None)


def test_a_cascade_may_stop_at_an_op_of_another_dialect() -> None:
    record = line(SUM, refused("shape.shape_of"), reached=MANY[:1], backend="stablehlo-linalg")
    for found in (the(record), the(record, cause(record, MANY[0]))):
        assert (found.key.culprits, found.basis) == (("shape.shape_of",), "named")


def test_what_cutting_gave_up_on_falls_back_and_says_why() -> None:
    record = line(SUM, refused("torch.aten.size.int"), reached=MANY)
    found = the(record, cause(record, why="a size that no tensor gives"))
    assert (found.key.culprits, found.basis) == (("torch.aten.size.int",), "named")
    assert found.why == "a size that no tensor gives"


def test_the_first_wrong_pass_of_one_sample_is_that_of_all_that_are_wrong_alike() -> None:
    bisected = line(SUM, WRONG, reached=MANY, first_wrong_pass=IN_LINALG)
    other = line(SUM, WRONG, reached=MANY, shape=(3,))
    assert the(other, records=(bisected,)).key == the(bisected).key
    assert the(bisected).key.where == "lower/convert-torch-to-linalg"
    assert the(replace(bisected, first_wrong_pass=RANGE)).key.where == "lower/convert-torch-to-linalg"
    assert the(other).key.where == "compare"


def test_a_pass_before_the_backend_is_at_fault_for_the_op_that_it_decomposes() -> None:
    found = the(line(SUM, WRONG, reached=MANY[:1], first_wrong_pass=IN_CONTRACT))
    assert (found.key.culprits, found.basis, found.key.decomposed) == (("torch.aten.sum",), "decomposed", True)


@pytest.mark.parametrize(
    "outcome", [PASSED, Blocked("contract", "Unsupported"), NotExecuted({"x": "y"}), Outside("lower", "f64", "x", "")]
)
def test_what_is_not_the_backends_fault_is_no_failure(outcome: object) -> None:
    assert fold(records_of(SUM, [line(SUM, outcome)])) is None  # type: ignore[arg-type]


def test_the_control_has_no_clusters() -> None:
    assert fold(records_of(SUM, [line(SUM, WRONG, backend="control")])) is None


def test_what_a_cell_needs_is_told_of_each_cluster_that_it_is_in() -> None:
    def told(*records: Record, causes: tuple[object, ...] = ()) -> list[list[object]]:
        groups = fold(records_of(SORT, records, causes))["groups"]  # type: ignore[arg-type,index]
        return [cell[2:5] for cell in groups[0]["cells"]]

    alone = line(SORT, refused("torch.aten.sort"))
    assert told(alone) == [[True, [], []]]
    assert told(alone, line(SORT, WRONG, shape=(3,))) == [[True, [], [1]]]
    assert told(alone, line(SORT, WRONG, dtype="bf16")) == [[True, [], []]]
    many = line(SORT, refused("t.x"), reached=MANY)
    assert told(many) == [[None, [], []]]
    assert told(many, causes=(cause(many, "t.x", needs=("t.y", "t.z")),)) == [[False, ["t.y", "t.z"], []]]
    assert told(many, causes=(cause(many, why="hangs"),)) == [[None, [], []]]


def test_minimised_samples_fail_but_do_not_count() -> None:
    shrunk = line(SORT, WRONG, shape=(1,), minimised="0" * 10)
    found = fold(records_of(SORT, [line(SORT, PASSED), shrunk]))
    assert found is not None
    assert found["totals"] == {"tosa": [1, 0]}
    assert found["groups"][0]["cells"] == [["static", "f32", True, [], [], True, 0]]


def test_the_example_is_a_small_program_of_the_culprit_alone() -> None:
    big = line(SORT, refused("torch.aten.sort"), shape=(5, 5))
    small = line(SORT, refused("torch.aten.sort"), shape=(2, 2))
    other = line(SORT, refused("torch.aten.sort"), shape=(1,), reached=MANY)
    (group,) = fold(records_of(SORT, [big, small, other]))["groups"]  # type: ignore[index]
    assert group["example"]["id"] == small.id


def test_the_example_is_the_culprits_own_program_also_where_it_was_cut_from_others() -> None:
    refusal = refused("torch.aten.sort")
    plain = line(SORT, refusal, shape=(1,), reached=MANY, plain=True)
    own = line(SORT, refusal, shape=(5, 5), dtype="f64", mode="dynamic")
    causes = [cause(record, "torch.aten.sort", outcome=refusal) for record in (plain, own)]
    (group,) = fold(records_of(SORT, [plain, own], causes))["groups"]  # type: ignore[index]
    assert group["example"]["id"] == own.id


def test_a_rule_holds_for_minimised_samples_too() -> None:
    def rule(*more: Record) -> object:
        records = [line(SORT, WRONG, dtype="f16", shape=(n,), args={"dim": -1}) for n in (2, 3)]
        passing = [line(SORT, PASSED, shape=(n,)) for n in (2, 3)]
        return fold(records_of(SORT, [*records, *passing, *more]))["groups"][0]["rule"]  # type: ignore[index]

    assert rule() == ["dim<0", 2, 2]
    assert rule(line(SORT, WRONG, args={"dim": -1}, minimised="0" * 10)) == ["dim<0", 2, 2]
    assert rule(line(SORT, WRONG, minimised="0" * 10)) is None


def test_the_range_of_passes_is_known_of_every_sample_that_is_wrong_alike() -> None:
    records = [line(SORT, WRONG, first_wrong_pass=RANGE, shape=(5,)), line(SORT, WRONG)]
    (group,) = fold(records_of(SORT, records))["groups"]  # type: ignore[index]
    assert group["example"]["where"] == "lower/convert-torch-to-linalg to lower/canonicalize"
    assert group["key"][2] == "lower/convert-torch-to-linalg"
