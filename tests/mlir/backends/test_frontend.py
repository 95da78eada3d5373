"""The frontend: its IR equals the official path's, its refusals name the stage, its cost stays low."""

from __future__ import annotations

import linecache
import time
from pathlib import Path

import pytest
import torch
from torch.export import Dim, export

from backends import decompositions, frontend, ir
from backends.frontend import Fx, reference_ir
from harness.programs.protocols import Contract, NotExpressible, Program, Specialized
from tests.mlir.example_programs import PROGRAMS, Call, X, aten, contract, program, tensor


def run(program: Program) -> Contract:
    return Fx().run(program, lambda stage: None)


@pytest.mark.parametrize("name", PROGRAMS)
def test_ir_is_that_of_the_official_path(name: str) -> None:
    assert run(PROGRAMS[name]).ir == reference_ir(PROGRAMS[name])


def test_ir_does_not_depend_on_what_ran_before() -> None:
    first = [run(PROGRAMS[name]).ir for name in ("weights", "sdpa", "weights", "matmul")]
    second = [run(PROGRAMS[name]).ir for name in ("weights", "sdpa", "weights", "matmul")]
    assert first == second
    assert first[0] == first[2]


def test_stages_are_entered_in_order() -> None:
    seen: list[str] = []
    Fx().run(PROGRAMS["add"], seen.append)
    assert seen == ["export", "import", "contract"]


def test_exported_has_composite_ops_and_reached_what_is_left_of_them() -> None:
    contract = run(PROGRAMS["linear"])
    assert contract.exported == ("aten.linear.default",)
    assert "torch.aten.linear" not in contract.reached
    assert contract.reached
    assert all(name.startswith("torch.aten.") for name in contract.reached)


def test_an_operator_without_an_op_of_its_own_goes_by_its_name() -> None:
    with pytest.raises(NotExpressible) as raised:
        run(program(lambda x: aten.bitwise_left_shift.Tensor_Scalar(x, 2), tensor(3, dtype=torch.int32)))
    assert raised.value.stage == "contract"
    assert "torch.aten.bitwise_left_shift.Tensor_Scalar" in raised.value.reason


def test_what_export_refuses_is_placed_at_export() -> None:
    def data_dependent(x: torch.Tensor) -> torch.Tensor:
        return x + 1 if x.sum() > 0 else x

    with pytest.raises(NotExpressible) as raised:
        run(program(data_dependent, X))
    assert raised.value.stage == "export"
    assert len(raised.value.reason) < 800
    assert "\n" not in raised.value.reason


def test_sizes_that_only_the_decomposition_refuses_are_told_from_those_that_export_refuses() -> None:
    """When torch decomposes, it unrolls the sum over a window; a longer input has sums of more terms."""
    pools = program(
        lambda x: aten.adaptive_avg_pool1d.default(x, [5]),
        tensor(2, 2, 2),
        dynamic=({0: Dim.DYNAMIC, 2: Dim.DYNAMIC},),
    )
    made = contract(pools).decomposed
    assert made is not None
    run = made()
    assert torch.equal(run([tensor(3, 2, 3)])[0], aten.adaptive_avg_pool1d.default(tensor(3, 2, 3), [5]))
    with pytest.raises(Specialized, match="Guard failed"):
        run([tensor(3, 2, 7)])
    with pytest.raises(AssertionError):
        run([tensor(3, 5, 3)])


def test_decomposing_leaves_the_operators_as_they_were() -> None:
    from torch._subclasses import fake_impls

    op = aten.matmul.default
    run(PROGRAMS["matmul"])
    kernels, rules = dict(op.py_kernels), dict(fake_impls.op_implementations_dict)
    run(PROGRAMS["matmul"])
    assert dict(op.py_kernels) == kernels
    assert fake_impls.op_implementations_dict == rules


def test_decomposing_falls_back_when_upstream_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(cls: type) -> None:
        raise AttributeError("no attribute '_decompose_exported_program'")

    monkeypatch.setattr(decompositions._Fast, "current", classmethod(gone))
    exported = export(Call(aten.linear.default), (X, tensor(5, 4)))
    with pytest.warns(RuntimeWarning, match="falling back"):
        graph = decompositions.decompose(exported).graph
    assert "aten.linear" not in str(graph)


def test_a_small_op_is_several_times_faster_than_the_official_path() -> None:
    def seconds(function: object) -> float:
        times = []
        for _ in range(5):
            start = time.perf_counter()
            function(PROGRAMS["add"])  # type: ignore[operator]
            times.append(time.perf_counter() - start)
        return min(times)

    run(PROGRAMS["add"])
    assert seconds(run) * 2 < seconds(reference_ir)


def test_many_runs_keep_memory_flat() -> None:
    text = run(PROGRAMS["softmax"]).ir
    pipeline = "builtin.module(torch-backend-to-linalg-on-tensors-backend-pipeline)"
    for index in range(ir.LIFETIME):
        ir.lowered(text.replace("4]", f"{4 + index % 50}]"), pipeline)
    before = resident()
    for index in range(ir.LIFETIME):
        ir.lowered(text.replace("4]", f"{4 + index % 500}]"), pipeline)
    assert resident() - before < 20 * 2**20


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def test_the_source_of_generated_graphs_is_forgotten() -> None:
    """`torch.fx` keeps the text of every graph it compiles, and a worker exports thousands."""

    class Negate(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.ops.aten.neg.default(x)

    Fx().run(Program(op="aten.neg.default", module=Negate(), args=(torch.zeros(2),)), lambda stage: None)
    assert not [name for name in linecache.cache if name.startswith("<eval_with_key>")]


def test_the_decomposed_program_is_not_made_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    made = run(PROGRAMS["linear"])
    monkeypatch.setattr(frontend, "export_program", lambda program: pytest.fail("exported again"))
    assert made.decomposed is not None
    decomposed = made.decomposed()
    assert torch.allclose(decomposed(made.program.args)[0], made.program.module(*made.program.args))


def test_a_program_with_buffers_is_exported_again_for_eager() -> None:
    """The importer takes what is no argument out of the graph, which eager then could not run."""
    made = run(PROGRAMS["weights"])
    assert made.decomposed is not None
    decomposed = made.decomposed()
    assert torch.allclose(decomposed(made.program.args)[0], made.program.module(*made.program.args))
