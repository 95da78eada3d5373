"""The official frontend: `fx.export_and_import` tells what the fast frontend tells, stage by stage."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import torch

from backends import ir
from backends.frontend import Fx
from backends.official import Official
from backends.tool import Tool
from harness.programs.protocols import Contract, Enter, NotExpressible, Program
from harness.running import trial, worker
from tests.mlir.backends.test_tool import REAL
from tests.mlir.example_programs import PROGRAMS, X, aten, program, tensor

pytestmark = pytest.mark.filterwarnings("ignore")


def data_dependent(x: torch.Tensor) -> torch.Tensor:
    return x + 1 if x.sum() > 0 else x


REFUSED = {
    "export": program(data_dependent, X),
    "import": program(lambda x: aten._to_copy.default(x, dtype=torch.uint64), tensor(3, dtype=torch.int32)),
    "contract": program(lambda x: aten.bitwise_left_shift.Tensor_Scalar(x, 2), tensor(3, dtype=torch.int32)),
}


@pytest.mark.parametrize("name", ["linear", "dynamic-layer-norm", "weights"])
def test_a_contract_is_that_of_the_fast_one(name: str) -> None:
    seen: list[str] = []
    fast, official = Fx().run(PROGRAMS[name], lambda stage: None), Official().run(PROGRAMS[name], seen.append)
    assert seen == ["export", "import", "contract"]
    for key in ("ir", "reached", "exported", "ranges", "decomposes", "dtypes"):
        assert getattr(official, key) == getattr(fast, key), key


@pytest.mark.parametrize("stage", REFUSED)
def test_a_refusal_is_that_of_the_fast_one(stage: str) -> None:
    def refusal(frontend: Fx | Official) -> tuple[str, str, object]:
        with pytest.raises(NotExpressible) as raised:
            frontend.run(REFUSED[stage], lambda stage: None)
        early = raised.value.exported
        return raised.value.stage, raised.value.reason, early and early.exported

    assert refusal(Official()) == refusal(Fx())
    assert refusal(Official())[0] == stage


def test_its_steps_and_its_decomposed_program_can_be_had() -> None:
    made = Official().run(PROGRAMS["linear"], lambda stage: None)
    fast = Fx().run(PROGRAMS["linear"], lambda stage: None)
    assert made.steps is not None
    assert fast.steps is not None
    assert [step.name for step in made.steps()] == [step.name for step in fast.steps()]
    assert made.decomposed is not None
    inputs = PROGRAMS["linear"].args
    assert torch.equal(made.decomposed()(inputs)[0], PROGRAMS["linear"].module(*inputs))


def test_its_export_alone_has_no_ir() -> None:
    made = Official().export(PROGRAMS["linear"], lambda stage: None)
    assert (made.ir, made.exported) == ("", ("aten.linear.default",))


def test_through_a_binary_the_contract_is_the_same() -> None:
    here = Official().run(PROGRAMS["linear"], lambda stage: None).ir
    ir.use(Tool(REAL))
    try:
        assert Official().run(PROGRAMS["linear"], lambda stage: None).ir == here
    finally:
        ir.use(None)


class Other:
    """A frontend that fails, or makes other IR, for programs that call one op."""

    name = "other"

    def __init__(self, op: str, error: Exception | None = None) -> None:
        self.op = op
        self.error = error

    def run(self, program: Program, enter: Enter) -> Contract:
        if program.op == self.op and self.error:
            raise self.error
        text = "module {\n  other\n}" if program.op == self.op else "module {\n}"
        return Contract(program=program, ir=text, exported=(), reached=())


def test_frontends_are_compared_program_by_program() -> None:
    samples = trial.samples(worker.case)
    assert trial.difference(samples, Other(""), Other("")) == ""
    assert trial.difference(samples, Other("aten.mm.default"), Other("")) == (
        "aten.mm.default, static: `other` instead of `}`"
    )
    refuses = Other("aten.mm.default", NotExpressible("import", "no"))
    assert "it fails at import" in trial.difference(samples, refuses, Other(""))
    assert trial.difference(samples, refuses, refuses) == ""
    breaks = Other("aten.mm.default", AttributeError("a part of torch is gone"))
    assert "AttributeError: a part of torch is gone" in trial.difference(samples, Other(""), breaks)


@pytest.fixture(autouse=True)
def nothing_chosen() -> Iterator[None]:
    worker.frontend.cache_clear()
    yield
    worker.frontend.cache_clear()


@pytest.fixture
def unpinned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "is_pinned_pair", lambda: False)


def test_the_pinned_pair_has_the_fast_one_without_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "difference", None)
    front, said = worker.frontend()
    assert (type(front), said) == (Fx, "")


def test_another_pair_whose_frontends_agree_has_the_fast_one(unpinned: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "difference", lambda tried, fast, official: "")
    front, said = worker.frontend()
    assert (type(front), said) == (Fx, "fast, the same as fx.export_and_import on twenty programs")


def test_another_pair_whose_frontends_differ_has_the_official_one(
    unpinned: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "difference", lambda tried, fast, official: "aten.mm.default, static: a instead of b")
    front, said = worker.frontend()
    assert type(front) is Official
    assert said == ("fx.export_and_import, since the fast one differs (aten.mm.default, static: a instead of b)")


def test_a_comparison_that_dies_leaves_the_official_one(unpinned: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "difference", lambda tried, fast, official: os.abort())
    front, said = worker.frontend()
    assert type(front) is Official
    assert "to compare them ends with SIGABRT" in said
