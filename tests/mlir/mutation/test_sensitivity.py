"""Run mutants against real censuses: a good census kills them, a poor one is shown the sample that it lacks."""

from __future__ import annotations

import json
import os
import pickle
from dataclasses import replace

import pytest

from backends.mutants.toolbox import TOOLBOX
from harness.cases.draw import census
from harness.cases.explicit import example, tensor
from harness.cases.profile import profile
from harness.cases.sample import ORIGINS, RULED, Fill, Origin, Sample, TensorSpec, from_json
from harness.errors import UnknownName
from harness.mutation import sensitivity
from harness.mutation.cell import CellUnderTest, mutant_record
from harness.mutation.probes import probes
from harness.mutation.tester import run_mutants
from harness.mutation.toolbox import Toolbox
from harness.records.journal import Record
from harness.records.mutant import Mutant, MutantRecord
from harness.records.outcome import Passed, Wrong
from harness.running.cells import Selection
from harness.running.worker import case


def cell(op: str, backend: str, kind: str, *samples: Sample, mode: str = "static") -> CellUnderTest:
    found = samples or census(case(op), "f32", mode, profile("default"), 0)  # type: ignore[arg-type]
    return CellUnderTest(op, "family", backend, mode, "f32", tuple(found), (kind,))


def blind(op: str, **args: object) -> Sample:
    """A sample whose tensors are all ones."""
    ones = Fill(values="simple", low=1, high=1)
    tensors = [TensorSpec(dims=("d0",), dtype="f32", fill=ones, seed=seed) for seed in range(len(args))]
    drawn = {name: t if value == "tensor" else value for t, (name, value) in zip(tensors, args.items(), strict=True)}
    return Sample(op=op, dtype="f32", mode="static", sizes={"d0": 3}, args=drawn, runs=({"d0": 3},))


@pytest.mark.parametrize("backend", ["linalg", "tosa", "stablehlo"])
def test_the_census_of_a_subtraction_catches_swapped_operands(backend: str) -> None:
    found = list(run_mutants(TOOLBOX, [cell("aten.sub.Tensor", backend, "swap")]))
    assert found
    assert {t.status for t in found} == {"killed"}
    assert all(t.by.startswith("Wrong") for t in found)


def test_operands_that_are_alike_do_not() -> None:
    poor = blind("aten.sub.Tensor", self="tensor", other="tensor")
    (found,) = run_mutants(TOOLBOX, [cell("aten.sub.Tensor", "linalg", "swap", poor)])
    assert found.status == "missed"
    shown = from_json(json.loads(found.sample))
    assert shown.op == "aten.sub.Tensor"
    assert next(run_mutants(TOOLBOX, [cell("aten.sub.Tensor", "linalg", "swap", shown)])).status == "killed"


def test_a_frozen_size_is_seen_at_another_one() -> None:
    found = list(run_mutants(TOOLBOX, [cell("aten.neg.default", "linalg", "freeze", mode="dynamic")]))
    assert found
    assert {t.status for t in found} == {"killed"}


def test_what_no_result_depends_on_is_set_aside() -> None:
    """`amax` comes with the index of the maximum, which nobody asks for."""
    found = list(run_mutants(TOOLBOX, [cell("aten.amax.default", "linalg", "predicate")]))
    assert found
    assert {(t.status, t.by) for t in found} == {("equivalent", "what it changes has no use")}


def test_a_cell_that_dies_is_lost_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sensitivity, "run_mutants", lambda *_, fresh: os.abort())
    (found,) = sensitivity._run_in_fork(TOOLBOX, [cell("aten.sub.Tensor", "linalg", "swap")])
    assert (found.status, found.by) == ("lost", "Died: SIGABRT")


def test_a_cell_that_dies_of_fresh_programs_does_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sensitivity, "run_mutants", lambda *_, fresh: os.abort() if fresh else [])
    assert sensitivity._run_in_fork(TOOLBOX, [cell("aten.sub.Tensor", "linalg", "swap")]) == []


def test_cells_that_died_together_are_tried_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(_: Toolbox, cells: list[CellUnderTest], *, fresh: bool) -> list[MutantRecord]:
        if fresh or cells[0].backend == "linalg":
            os.abort()
        return [mutant_record(cell, Mutant("swap", "", "", 0), "killed") for cell in cells]

    monkeypatch.setattr(sensitivity, "run_mutants", dies)
    found = sensitivity._run_in_fork(
        TOOLBOX, [cell("aten.sub.Tensor", backend, "swap") for backend in ("linalg", "tosa")]
    )
    assert [(t.backend, t.status) for t in found] == [("linalg", "lost"), ("tosa", "killed")]


def test_a_toolbox_can_be_sent_to_another_process() -> None:
    assert pickle.loads(pickle.dumps(TOOLBOX)) == TOOLBOX


def test_unknown_kind_is_an_error() -> None:
    with pytest.raises(UnknownName, match="swop"):
        sensitivity.kinds(["swop"], TOOLBOX.kinds)


def test_forced_samples_are_told_from_drawn_ones() -> None:
    """A case that keeps its values finite is probed with NaN all the same, and told so."""
    finite = replace(case("aten.sub.Tensor"), values=("mixed",))
    own, forced = probes(finite, cell("aten.sub.Tensor", "linalg", "swap"))
    assert {s.values for s in own} == {"mixed"}
    assert {s.values for s in forced} == {"nonfinite"}


@pytest.mark.parametrize("origin", ORIGINS)
def test_mistakes_are_seeded_into_what_belongs_to_the_census(origin: Origin) -> None:
    given = example(self=tensor([1.0, 2.0]), other=tensor([3.0, 5.0])).sample("aten.sub.Tensor", "static")
    assert given
    sample = replace(given, origin=origin)
    passed = Passed(0.0, ("llvm-jit",))
    record = Record(
        op=sample.op, family="f", backend="linalg", mode="static", dtype="f32", outcome=passed, sample=sample
    )
    found = sensitivity.cells([record], Selection(), ("swap",))
    assert [cell.samples for cell in found] == ([(sample,)] if origin in RULED else [])
    if origin == "explicit":
        assert [mutant.status for mutant in run_mutants(TOOLBOX, found)] == ["killed"]


def test_a_literal_is_one_probe_however_often_it_is_filled() -> None:
    given = example(self=tensor([1.0, 2.0]), other=tensor([3.0, 5.0])).sample("aten.sub.Tensor", "static")
    assert given
    own, forced = probes(case("aten.sub.Tensor"), cell("aten.sub.Tensor", "linalg", "swap", given), fresh=False)
    assert (own, forced) == ([given], [])


def test_unsigned_cells_are_asked_for_their_sign_alone() -> None:
    passed = Passed(0.0, ("llvm-jit",))
    drawn = {d: census(case("aten.add.Tensor"), d, "static", profile("quick"), 0)[0] for d in ("f32", "u8", "i8")}
    records = [
        Record(op=s.op, family="f", backend="linalg", mode="static", dtype=dtype, outcome=passed, sample=s)
        for dtype, s in drawn.items()
    ]
    found = {c.dtype: c.kinds for c in sensitivity.cells(records, Selection(), ("swap", "sign"))}
    assert found == {"f32": ("swap", "sign"), "u8": ("sign",)}
    red = replace(records[0], outcome=Wrong("value", "m", 0, "llvm-jit"))
    assert [c.dtype for c in sensitivity.cells([*records, red], Selection(), ("swap", "sign"))] == ["u8"]
    (named,) = sensitivity.cells(records, Selection(dtypes=("i8",)), ("swap",))
    assert (named.dtype, named.kinds) == ("i8", ("swap",))
