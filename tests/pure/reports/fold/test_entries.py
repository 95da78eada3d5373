from __future__ import annotations

from dataclasses import replace

from harness.records.entry import OPINION, End, Entry, census_hash
from harness.records.opinion import Opinion
from harness.records.outcome import Outcome, Passed, Unsupported, Wrong
from harness.records.signature import Signature
from reports.fold.entries import load
from tests.synthetic import index, record, sample

OP = "aten.sort.default"
PASSED = Passed(0.1, ("llvm-jit",))
WRONG = Wrong("value", "out is off", 0, "llvm-jit")
REFUSED = Unsupported("lower", "error: no", "torch.aten.sort")


def test_an_entry_counts_the_samples_of_a_cell_and_names_what_did_not_pass_once() -> None:
    samples = [sample(OP, "f32", "static", shape) for shape in ((2,), (3,), (4,), (5,))]
    outcomes = (PASSED, REFUSED, REFUSED, WRONG)
    of = [record(s, "tosa", o, "sorting") for s, o in zip(samples, outcomes, strict=True)]
    (entry,) = load(index(of))
    assert (entry.family, *entry.name) == ("sorting", OP, "tosa", "static", "f32")
    assert (entry.end.verdict, entry.end.passed, entry.end.total) == ("wrong", 1, 4)
    assert entry.end.signatures == (
        Signature("Unsupported", "lower", "torch.aten.sort"),
        Signature("Wrong", "compare", kind="value"),
    )
    assert entry.census == census_hash(s.id for s in samples)


def test_what_was_minimised_or_run_again_is_aside() -> None:
    one, small = sample(OP, "f32", "static", (2,)), sample(OP, "f32", "static", (1,))
    plain = [record(one, "tosa", REFUSED, "sorting")]
    more = [*plain, record(small, "tosa", WRONG, "sorting", minimised=one.id)]
    assert list(load(index(plain))) == list(load(index(more)))


def test_cells_of_one_op_have_an_entry_each() -> None:
    of = [record(sample(OP, dtype, "static", (2,)), b, PASSED) for b in ("linalg", "tosa") for dtype in ("f32", "i32")]
    assert [entry.cell for entry in load(index(of))] == [
        f"{OP}[linalg-static-f32]", f"{OP}[linalg-static-i32]", f"{OP}[tosa-static-f32]", f"{OP}[tosa-static-i32]",
    ]  # fmt: skip


def test_the_end_of_a_cell_is_the_one_without_second_opinions_and_names_the_one_with_them() -> None:
    clears = Opinion(executor="iree", says="clears", instead=WRONG)
    confirms = Opinion(executor="iree", says="confirms")
    one, other = (sample(OP, "f32", "static", shape) for shape in ((2,), (3,)))

    def of(outcome: Outcome, opinion: Opinion | None) -> Entry:
        records = [record(one, "linalg", outcome, opinion=opinion), record(other, "linalg", PASSED)]
        (found,) = load(index(records))
        return found

    alone = of(WRONG, None)
    assert (alone.end, alone.also) == (End("wrong", 1, 2, (Signature("Wrong", "compare", kind="value"),)), ())
    assert of(WRONG, confirms) == alone
    assert of(Passed(0.1, ("iree",), {"llvm-jit": "m"}), clears) == replace(alone, also=((OPINION, End("pass", 2, 2)),))
