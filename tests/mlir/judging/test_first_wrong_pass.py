"""The first wrong pass: pipelines split into passes, real wrong cells, and miniature backends with wrong passes."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import pytest
import torch

from backends import ir, passes
from backends.executors.torch_dialect import TorchDialect
from backends.frontend import Fx
from backends.lowerings.linalg import Linalg
from backends.lowerings.lowering import Lowering
from backends.lowerings.stablehlo import Stablehlo
from backends.lowerings.tosa import Tosa
from harness.cases.case import OpCase
from harness.cases.draw import census
from harness.cases.profile import profile
from harness.programs.protocols import Contract, Executable, Lowered, Step
from harness.records.outcome import FirstWrongPass, Wrong
from harness.running import worker
from harness.running.pipeline import Pipeline
from tests.miniatures import Actor, Acts
from tests.mlir.example_programs import PROGRAMS, contract
from tests.samples import relu

LOWERINGS: tuple[Lowering, ...] = (Linalg(), Tosa(), Stablehlo())


# pass by pass ---------------------------------------------------------------------------------------------------------


def test_a_pipeline_splits_into_passes_that_keep_their_nesting() -> None:
    text = "builtin.module(func.func(a{x=1,2 y=b(c,d)},b),c{},func.func(a))"
    found = passes.split(text)
    assert found == (
        "builtin.module(func.func(a{x=1,2 y=b(c,d)}))",
        "builtin.module(func.func(b))",
        "builtin.module(c{})",
        "builtin.module(func.func(a))",
    )
    assert [passes.name(one) for one in found] == ["a", "b", "c", "a"]


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_steps_to_the_contract_end_in_its_ir(name: str) -> None:
    found = contract(PROGRAMS[name])
    assert found.steps
    steps = found.steps()
    assert [step.name for step in steps[:3]] == ["export", "decompositions", "import"]
    last = steps[-1].lowered
    assert isinstance(last, Lowered)
    assert (last.dialect, last.ir) == ("torch", found.ir)


@pytest.mark.parametrize("name", ["gelu", "conv2d", "softmax", "pad", "dynamic-softmax", "dynamic-add"])
@pytest.mark.parametrize("lowering", LOWERINGS, ids=lambda lowering: lowering.name)
def test_the_steps_of_a_lowering_end_in_what_it_lowers_to(name: str, lowering: Lowering) -> None:
    given = contract(PROGRAMS[name])
    last = lowering.steps(given)[-1].lowered
    assert isinstance(last, Lowered)
    assert last.ir == lowering.lower(given).ir


@pytest.mark.parametrize("lowering", LOWERINGS, ids=lambda lowering: lowering.name)
def test_types_are_converted_early_so_that_the_first_conversion_can_be_run(lowering: Lowering) -> None:
    first = lowering.steps(contract(PROGRAMS["gelu"]))[0]
    assert first.name == f"lower/convert-torch-to-{lowering.name}"
    assert isinstance(first.lowered, Lowered)


def test_a_step_with_ops_of_two_dialects_names_those_left() -> None:
    text = "func.func @main(%a: !torch.vtensor<[2],f32>) -> !torch.vtensor<[2],f32> {\n"
    text += "%0 = torch.aten.relu %a : !torch.vtensor<[2],f32> -> !torch.vtensor<[2],f32>\n"
    text += "return %0 : !torch.vtensor<[2],f32> }"
    with ir.session() as session:
        typing = [one for one in passes.split(session.expanded(Tosa.recipe.pipeline)) if "backend-type" in one]
        assert "torch.aten.relu" in Tosa()._retyped(text, typing, session)[1]


# real wrong cells -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ready() -> Pipeline:
    torch.set_num_threads(1)
    return worker.pipeline(("linalg", "tosa", "stablehlo"))


DECOMPOSES = ("contract/torch-match-quantized-custom-ops", "contract/torch-decompose-complex-ops")
TO_LINALG = ("contract", "lower/convert-torch-to-linalg")
TO_STABLEHLO = ("contract", "lower/convert-torch-to-stablehlo")
TO_TOSA = ("contract", "lower/convert-torch-to-tosa")


@pytest.mark.parametrize(
    ("op", "backend", "mode", "dtype", "where"),
    [
        ("aten.gelu.default", "linalg", "static", "f32", TO_LINALG),
        ("aten.clamp.default", "linalg", "dynamic", "f32", TO_LINALG),
        ("aten.max.other", "linalg", "static", "f16", TO_LINALG),
        ("aten.expm1.default", "tosa", "dynamic", "f32", TO_TOSA),
        ("aten.true_divide.Tensor", "tosa", "static", "u8", TO_TOSA),
        ("aten.std.correction", "linalg", "static", "f32", DECOMPOSES),
        ("aten.relu.default", "tosa", "static", "f16", TO_TOSA),
        ("aten.absolute.default", "stablehlo", "static", "c64", TO_STABLEHLO),
    ],
)
def test_the_first_wrong_pass_of_a_wrong_cell_is_named(
    op: str, backend: str, mode: Any, dtype: str, where: tuple[str, str], ready: Pipeline
) -> None:
    case = worker.case(op)
    shown: dict[str, str] = {}
    for sample in census(case, dtype, mode, profile("default"), 0):
        result = ready.run(case, sample, backend, lambda stage: None, shown.__setitem__, find_pass=True)
        if isinstance(result.outcome, Wrong):
            break
    else:
        pytest.fail("no sample is wrong any more")
    assert result.first_wrong_pass
    assert (result.first_wrong_pass.right, result.first_wrong_pass.wrong) == where
    assert dict(result.first_wrong_pass.between) == {}
    assert result.first_wrong_pass.message
    assert shown["before"] != shown["after"]
    assert "main" in shown["after"]


# miniatures -----------------------------------------------------------------------------------------------------------


class PassByPass(Acts):
    """A backend whose passes do these deeds; a deed in round brackets is a step without a module, for that reason."""

    def __init__(self, *deeds: str) -> None:
        super().__init__("way", deeds[-1])
        self.deeds = deeds

    def steps(self, contract: Contract) -> tuple[Step, ...]:
        return tuple(
            Step(name=f"{i} {deed}", lowered=deed if deed.startswith("(") else self._module(deed, contract))
            for i, deed in enumerate(self.deeds)
        )

    def _module(self, deed: str, contract: Contract) -> Lowered:
        return Acts("way", deed).lower(contract)


def find_pass(*deeds: str, frontend: Any = None, **more: Any) -> FirstWrongPass:
    pipeline = Pipeline(frontend or Fx(), {"way": PassByPass(*deeds)}, (Actor(), *more.pop("executors", ())))
    case = OpCase(op="aten.relu.default", inputs=lambda d: {})
    result = pipeline.run(case, relu(), "way", lambda stage: None, find_pass=True)
    assert isinstance(result.outcome, Wrong), result.outcome
    assert result.first_wrong_pass
    return result.first_wrong_pass


def test_the_first_wrong_pass_is_named_and_not_those_after_it() -> None:
    found = find_pass("right", "lie_in_value", "lie_in_shape")
    assert (found.right, found.wrong) == ("0 right", "1 lie_in_value")


def test_a_step_whose_result_has_a_shape_that_no_tensor_has_is_wrong() -> None:
    assert find_pass("right", "size_below_zero", "lie_in_value").wrong == "1 size_below_zero"


def test_steps_that_cannot_be_run_are_named_between() -> None:
    found = find_pass("right", "(torch.aten.x left)", "refuse", "lie_in_value")
    assert (found.right, found.wrong) == ("0 right", "3 lie_in_value")
    assert found.between == {
        "1 (torch.aten.x left)": "(torch.aten.x left)",
        "2 refuse": "actor: a miniature cannot run this",
    }
    assert "(torch.aten.x left), 2 refuse cannot be run" in str(found)


def test_steps_that_cannot_be_run_before_a_right_step_are_not_named() -> None:
    assert find_pass("(mixed)", "right", "lie_in_value").between == {}


def test_a_lowered_module_that_is_right_in_a_fork_is_reported_as_right() -> None:
    class Fickle(Actor):
        """Wrong in the process that made it, right in a fork."""

        def compile(self, lowered: Lowered) -> Executable:
            deed = "lie_in_value" if os.getpid() == self.at else "right"
            return super().compile(replace(lowered, ir=f"miniature.{deed}"))

        def __init__(self) -> None:
            self.at = os.getpid()

    case = OpCase(op="aten.relu.default", inputs=lambda d: {})
    result = Pipeline(Fx(), {"way": PassByPass("right")}, (Fickle(),)).run(
        case, relu(), "way", lambda s: None, find_pass=True
    )
    assert result.first_wrong_pass
    assert (result.first_wrong_pass.right, result.first_wrong_pass.wrong) == ("lower", None)


def test_a_wrong_step_to_the_contract_is_found_if_the_contract_is_wrong() -> None:
    class Lies(Fx):
        """Its first pass is right; its second pass and its contract are wrong."""

        def run(self, program: Any, enter: Any) -> Contract:
            found = super().run(program, enter)
            wrong = found.ir.replace("torch.aten.relu", "torch.aten.neg")
            steps = [
                (name, Lowered(dialect="torch", ir=text, program=program))
                for name, text in (("a", found.ir), ("b", wrong))
            ]
            return replace(
                found, ir=wrong, decomposed=None, steps=lambda: [Step(name=n, lowered=low) for n, low in steps]
            )

    found = find_pass("lie_in_value", frontend=Lies(), executors=(TorchDialect(),))
    assert (found.right, found.wrong) == ("a", "b")
    sound = find_pass("lie_in_value", executors=(TorchDialect(),))
    assert (sound.right, sound.wrong) == ("contract", "0 lie_in_value")


def test_the_first_wrong_pass_is_not_searched_unless_asked_for() -> None:
    pipeline = Pipeline(Fx(), {"way": PassByPass("lie_in_value")}, (Actor(),))
    case = OpCase(op="aten.relu.default", inputs=lambda d: {})
    assert pipeline.run(case, relu(), "way", lambda stage: None).first_wrong_pass is None


def test_a_step_that_dies_counts_as_one_that_cannot_be_run() -> None:
    found = find_pass("right", "abort", "lie_in_value")
    assert found.wrong == "2 lie_in_value"
    assert "SIGABRT" in found.between["1 abort"]
