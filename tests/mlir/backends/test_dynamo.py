"""The frontend `dynamo`: what it captures, what it hands on of sizes, and whose fault it says a refusal is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from backends.dynamo import Dynamo
from backends.executors.llvm_jit import LlvmJit
from backends.lowerings.linalg import Linalg
from backends.lowerings.tosa import Tosa
from harness.cases.other_samples import by
from harness.cases.plain import plain_call
from harness.cases.road import Road
from harness.cases.sample import Sample, SizeOf
from harness.programs.feeding import ONLY_TENSORS, fed, takes_numbers
from harness.programs.program import program as program_of
from harness.programs.protocols import Contract, ContractBroken, NotExpressible, Program, Specialized
from harness.records.outcome import Invalid, NotExecuted, NotExported, Passed, Reached
from harness.running import decomposition, worker
from harness.running.clock import Clock
from harness.running.pipeline import Pipeline
from tests.miniatures import Witness
from tests.mlir.example_programs import PROGRAMS, ROWS, X, aten, program, tensor
from tests.samples import dynamic, relu

ON_DYNAMO = Road("dynamo")


def run(given: Program) -> Contract:
    return Dynamo().run(given, lambda stage: None)


def results(contract: Contract, *inputs: torch.Tensor) -> list[torch.Tensor]:
    assert contract.decomposed
    return list(contract.decomposed()(inputs))


@pytest.mark.parametrize("name", ["add", "gelu", "linear", "sdpa", "sort", "dynamic-matmul"])
def test_what_is_captured_computes_what_eager_does(name: str) -> None:
    given = PROGRAMS[name]
    want = given.module(*given.args)
    want = want if isinstance(want, tuple) else (want,)
    for got, expected in zip(results(run(given), *given.args), want, strict=True):
        assert torch.allclose(got, expected, atol=1e-5)


def test_the_op_is_seen_before_aot_takes_it_apart() -> None:
    contract = run(PROGRAMS["linear"])
    assert contract.exported == ("aten.linear.default",)
    assert "torch.aten.mm" in contract.reached
    assert contract.decomposes


def test_stages_are_entered_in_order() -> None:
    seen: list[str] = []
    Dynamo().run(PROGRAMS["add"], seen.append)
    assert seen == ["export", "import", "contract"]


def test_sizes_are_arguments_of_the_graph() -> None:
    contract = run(program(aten.add.Tensor, X, tensor(4), dynamic=(ROWS, {})))
    assert contract.program.arguments in (((0, 0), (0, 1), 0, 1), ((0, 0), (1, 0), 0, 1))  # both tensors have that size
    assert contract.ir.count("!torch.int,") >= 1
    wider = [tensor(5, 4), tensor(4)]
    assert [t.tolist() for t in fed(contract.program, wider)[:2]] == [5, 4]
    assert torch.allclose(LlvmJit().compile(Linalg().lower(contract))(fed(contract.program, wider))[0], sum(wider))


def test_a_size_whose_tensor_is_not_used_is_an_argument_all_the_same() -> None:
    creation = Sample(
        op="aten.zeros.default",
        dtype="f32",
        mode="dynamic",
        sizes={"n": 4},
        args={"size": (SizeOf("n"),)},
        dynamic=("n",),
        runs=({"n": 4}, {"n": 7}),
    )
    contract = run(program_of(creation))
    assert contract.program.arguments == ((0, 0),)
    assert not contract.admits([(1,)])
    assert contract.admits([(7,)])


def test_static_programs_take_their_own_arguments() -> None:
    assert run(PROGRAMS["add"]).program.arguments == ()
    assert not takes_numbers(run(PROGRAMS["add"]).program)


def refused(function: Any, *args: torch.Tensor, **more: Any) -> NotExpressible:
    with pytest.raises(NotExpressible) as raised:
        run(program(function, *args, **more))
    return raised.value


def test_a_graph_break_is_pytorchs_and_says_why() -> None:
    found = refused(lambda x: x + 1 if x.sum() > 0 else x, X)
    assert found.stage == "export"
    assert "branching" in found.reason


def test_a_size_that_varies_and_is_specialised_is_pytorchs() -> None:
    found = refused(lambda x: x + torch.ones(int(x.shape[0])) if x.shape[0] == 3 else x, tensor(3, 3), dynamic=(ROWS,))
    assert found.stage == "export"
    assert "Constraint" in found.reason or "specialized" in found.reason


def test_what_the_importer_or_the_contract_refuses_is_torch_mlirs() -> None:
    found = refused(lambda x: aten.bitwise_left_shift.Tensor_Scalar(x, 2), tensor(3, dtype=torch.int32))
    assert found.stage == "contract"
    assert found.exported
    assert found.exported.exported == ("aten.bitwise_left_shift.Tensor_Scalar",)


def test_a_program_that_writes_to_its_argument_is_refused() -> None:
    assert "results" in refused(lambda x: x.add_(1), X.clone()).reason


def test_a_recompilation_at_another_size_names_the_guard_and_no_place() -> None:
    contract = run(program(lambda x: x.reshape(2, -1) if x.shape[0] % 2 == 0 else x, tensor(4, 3), dynamic=(ROWS,)))
    assert results(contract, tensor(6, 3))[0].shape == (2, 9)
    with pytest.raises(Specialized, match=r"TorchDynamo compiles it again: .*2") as raised:
        results(contract, tensor(5, 3))
    assert "/" not in str(raised.value).replace("//", "")


def test_two_programs_do_not_know_of_each_other() -> None:
    made = [run(program(lambda x, n=n: x * n, X)) for n in (1.0, 2.0)]
    assert [torch.equal(results(one, X)[0], X * n) for one, n in zip(made, (1.0, 2.0), strict=True)] == [True, True]


# through the pipeline -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ready() -> Pipeline:
    return worker.pipeline(["linalg", "tosa", "stablehlo", "control"])


def outcome(ready: Pipeline, sample: Sample, backend: str) -> Any:
    return ready.run(worker.case(sample.op), by(sample, ON_DYNAMO), backend, lambda stage: None).outcome


@pytest.mark.parametrize("backend", ["linalg", "tosa", "stablehlo", "control"])
def test_a_static_sample_goes_all_the_way(ready: Pipeline, backend: str) -> None:
    assert isinstance(outcome(ready, relu(3), "frontend"), Reached)
    assert isinstance(outcome(ready, relu(3), backend), Passed)


def test_a_dynamic_sample_runs_where_numbers_are_taken(ready: Pipeline) -> None:
    sample = dynamic("aten.relu.default", 0, 1, 7)
    assert isinstance(outcome(ready, sample, "linalg"), Passed)
    assert isinstance(outcome(ready, sample, "control"), Passed)
    tosa = outcome(ready, sample, "tosa")
    assert isinstance(tosa, Invalid)
    assert "func.func is left" in tosa.diagnostic


def test_an_op_that_export_rewrites_may_be_seen_as_itself(ready: Pipeline) -> None:
    case = worker.case("aten.cpu.default")
    plain = plain_call(case, "static")
    assert plain
    assert case.seen_as
    assert isinstance(outcome(ready, plain, "control"), Passed)


def test_an_executor_that_takes_tensors_only_is_not_asked() -> None:
    class Only(Witness):
        dialects = frozenset(("linalg",))

    own = Pipeline(worker.frontend()[0], {"linalg": Linalg()}, [Only()])
    found = outcome(own, dynamic("aten.relu.default", 7), "linalg")
    assert isinstance(found, NotExecuted)
    assert set(found.reasons.values()) == {ONLY_TENSORS}


def test_tosa_breaks_its_contract_where_main_takes_numbers() -> None:
    contract = run(PROGRAMS["dynamic-softmax"])
    with pytest.raises(ContractBroken):
        Tosa().verify(Tosa().lower(contract))


def test_the_frontends_column_tells_of_a_recompilation(ready: Pipeline) -> None:
    sample = replace(dynamic("aten.relu.default", 4, 7), op="aten.relu.default")
    contract = ready.contracted(worker.case(sample.op), by(sample, ON_DYNAMO), "linalg", Clock(lambda stage: None))[0]

    def again(inputs: Any) -> Any:
        raise Specialized("TorchDynamo compiles it again: 4 == inputs[0].size()[0]")

    found = replace(contract, decomposed=lambda: again)
    runs = ready._references.get(worker.case(sample.op), by(sample, ON_DYNAMO), Clock(lambda stage: None))
    verdict = decomposition.fault(found, runs, lambda results, run: 0.0)
    assert isinstance(verdict, NotExported)
    assert "TorchDynamo compiles it again" in verdict.reason
