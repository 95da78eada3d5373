"""Roads with a transform, in this process: what is computed, what it is held to, and what is recorded of it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from backends.dynamo import Dynamo
from backends.frontend import Fx, export_program
from backends.lowerings.control import Control
from harness.cases.other_samples import alike
from harness.cases.plain import plain_call
from harness.cases.road import Road, Transform
from harness.cases.sample import Mode, Sample, TensorSpec
from harness.cases.transformed import dealt, judging
from harness.cases.varied import Varied
from harness.commands.repro_script import script, smallest_program
from harness.judging.reference import EagerRefuses, runs, wide_results
from harness.judging.tolerance import bounded
from harness.programs import plugins
from harness.programs.program import inputs, module, program
from harness.programs.protocols import Contract, Enter, Lowered, NotExpressible, Program
from harness.programs.transforms import Transformed, Untransformable, batch_first
from harness.records.outcome import Excluded, NotExported, Outcome, Passed, Reached, Result, Unsupported, Wrong
from harness.running import worker
from harness.running.pipeline import Pipeline
from harness.running.torch_state import TorchState
from tests.mlir.example_programs import aten

TRANSFORMS: tuple[Transform, ...] = ("vjp", "jvp", "vmap")


def samples(op: str, transform: Transform, mode: Mode = "static", frontend: str = "export") -> tuple[Sample, ...]:
    """The plain call of an op with each variant of a transform."""
    case = worker.case(op)
    plain = plain_call(case, mode)
    assert plain
    return dealt(case, [plain], Road(frontend, transform))


@pytest.fixture(scope="module")
def ready() -> Pipeline:
    return worker.pipeline(["linalg", "tosa", "stablehlo", "control"])


def result(ready: Pipeline, sample: Sample, backend: str) -> Result:
    return ready.run(judging(worker.case(sample.op), sample), sample, backend, lambda stage: None)


# what is computed -----------------------------------------------------------------------------------------------------


def test_vjp_is_the_gradient() -> None:
    sample = samples("aten.mm.default", "vjp")[0]
    a, b, cotangent = (t.clone() for t in inputs(sample, sample.sizes))
    a.requires_grad_(), b.requires_grad_()
    (a @ b).backward(cotangent)  # type: ignore[no-untyped-call]
    got = module(sample)(*inputs(sample, sample.sizes))
    assert [torch.allclose(one, want) for one, want in zip(got, (a.grad, b.grad), strict=True)] == [True, True]


def test_jvp_is_linear_in_its_tangents() -> None:
    sample = samples("aten.mul.Tensor", "jvp")[0]
    a, b, *tangents = inputs(sample, sample.sizes)
    (got,) = module(sample)(a, b, *tangents)
    assert torch.allclose(got, tangents[0] * b + a * tangents[1])


def test_vmap_maps_over_each_chosen_tensor_along_its_dim_and_nested() -> None:
    for sample in samples("aten.mm.default", "vmap"):
        a, b = inputs(sample, sample.sizes)
        assert sample.varied
        (got,) = module(sample)(a, b)
        assert got.shape[: len(sample.varied.batch)] == sample.varied.batch
        if sample.varied.last:
            a, b = a.movedim(-1, 0), b.movedim(-1, 0)
        assert torch.allclose(got, a @ b, rtol=1e-4)


def test_mapped_tensors_differ_from_each_other() -> None:
    sample = samples("aten.relu.default", "vmap")[0]
    (stacked,) = inputs(sample, sample.sizes)
    assert len({str(part.tolist()) for part in stacked}) == len(stacked)


def test_seeds_of_cotangents_are_the_samples() -> None:
    sample = samples("aten.relu.default", "vjp")[0]
    assert sample.varied
    other = replace(sample, varied=replace(sample.varied, seed=5))
    assert not torch.equal(inputs(sample, sample.sizes)[1], inputs(other, other.sizes)[1])
    assert torch.equal(inputs(sample, sample.sizes)[1], inputs(sample, sample.sizes)[1])


def test_a_derivative_without_a_floating_result_has_nothing_to_pull_back() -> None:
    sample = samples("aten.argmax.default", "vjp")[0]
    with pytest.raises(Untransformable, match="no floating result"):
        inputs(sample, sample.sizes)


def test_a_sample_of_another_one_keeps_the_variant() -> None:
    sample = samples("aten.mm.default", "vjp")[1]
    plain = plain_call(worker.case(sample.op), "static")
    assert plain and alike(plain, sample) == sample


# the reference --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_the_reference_is_the_same_transform_in_float64(transform: Transform) -> None:
    sample = samples("aten.softmax.int", transform)[0]
    case = judging(worker.case(sample.op), sample)
    (run, *_) = runs(sample, case.numeric_of(sample), case.canonical)
    wide = wide_results(sample)(run.inputs)
    assert wide is not None
    (output, *_) = run.outputs
    assert output.wide is not None and output.bound is not None
    assert torch.equal(output.wide, wide[0])
    assert float((output.bound / output.wide.abs().clamp_min(1e-3)).max()) < 1e-4  # tight enough to mean something


class Skewed:
    """A backend that computes a derivative of another function."""

    name = "skewed"
    starts = "export"

    def lower(self, contract: Contract) -> Lowered:
        whole = contract.program.module

        class Off(torch.nn.Module):
            def forward(self, *args: torch.Tensor) -> Any:
                return tuple(t * 1.001 for t in whole(*args))

        return replace(Control().lower(contract), program=replace(contract.program, module=Off()))

    def verify(self, lowered: Lowered) -> None:
        pass


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_a_wrong_derivative_is_wrong(transform: Transform) -> None:
    own = Pipeline(Fx(), {"skewed": Skewed()}, [plugins.factory(plugins.EXECUTORS, "eager")()])
    assert isinstance(result(own, samples("aten.softmax.int", transform)[0], "skewed").outcome, Wrong)


def test_a_derivatives_bound_says_that_no_class_gave_it(ready: Pipeline) -> None:
    found = result(ready, samples("aten.mm.default", "vjp")[0], "linalg")
    assert found.numeric == "composite(stated(32))"
    assert result(ready, samples("aten.mm.default", "vmap")[0], "linalg").numeric == str(
        worker.case("aten.mm.default").numeric
    )


# through the pipeline -------------------------------------------------------------------------------------------------

OPS = ("aten.gelu.default", "aten.mm.default", "aten.sum.dim_IntList", "aten.native_layer_norm.default")


@pytest.mark.parametrize("frontend", ["export", "dynamo"])
@pytest.mark.parametrize("mode", ["static", "dynamic"])
@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("op", OPS[:2])
def test_the_control_passes_every_road(
    ready: Pipeline, op: str, transform: Transform, mode: Mode, frontend: str
) -> None:
    for sample in samples(op, transform, mode, frontend):
        assert isinstance(result(ready, sample, "control").outcome, Passed)


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("op", OPS)
def test_plain_transforms_reach_the_backends_and_are_right(ready: Pipeline, op: str, transform: Transform) -> None:
    sample = samples(op, transform)[0]
    assert isinstance(result(ready, sample, "frontend").outcome, Reached)
    assert isinstance(result(ready, sample, "linalg").outcome, Passed)


def test_a_dynamic_transform_runs_at_other_sizes(ready: Pipeline) -> None:
    for transform in TRANSFORMS:
        sample = samples("aten.mm.default", transform, "dynamic")[0]
        assert len(sample.runs) > 1
        assert isinstance(result(ready, sample, "linalg").outcome, Passed)


def test_the_op_is_seen_in_the_plain_program_and_what_comes_instead_is_noted(ready: Pipeline) -> None:
    found = result(ready, samples("aten.gelu.default", "vjp")[0], "frontend")
    assert found.introduced == ("aten.gelu_backward.default",)
    assert result(ready, samples("aten.linear.default", "vmap")[0], "frontend").introduced  # without aten.linear
    plain = plain_call(worker.case("aten.gelu.default"), "static")
    assert plain
    assert result(ready, plain, "frontend").introduced == ()


def test_what_a_transform_cannot_use_is_excluded(ready: Pipeline) -> None:
    def reason(op: str, transform: Transform) -> str:
        outcome: Outcome = result(ready, samples(op, transform)[0], "linalg").outcome
        assert isinstance(outcome, Excluded)
        return outcome.reason

    assert reason("aten.bitwise_and.Tensor", "vjp") == "vjp has no floating tensor to differentiate"
    assert reason("aten.argmax.default", "vjp") == "vjp has no floating result to pull back"
    assert reason("aten.nonzero.default", "vmap").startswith("eager refuses: RuntimeError: vmap: ")


def test_what_the_frontend_lacks_is_named(ready: Pipeline) -> None:
    outcome = result(ready, samples("aten.slice.Tensor", "jvp")[0], "frontend").outcome
    if isinstance(outcome, Unsupported):
        assert outcome.culprit
        assert outcome.stage in ("import", "contract")


def test_a_size_that_comes_out_constant_pins_the_range() -> None:
    class Grows(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return aten.relu.default(x)

    auto = torch.export.Dim.AUTO
    given = Program(
        op="test", module=Grows(), args=(torch.ones(1, 4),), dynamic_shapes=(({0: auto, 1: auto},),), transformed=True
    )

    def quiet(stage: object) -> None:
        pass

    enter: Enter = quiet
    contract = Fx().run(given, enter)
    assert contract.admits([(1, 7)])
    assert not contract.admits([(3, 7)])
    assert export_program(given)


@pytest.mark.parametrize("frontend", ["export", "dynamo"])
def test_no_backend_is_run_at_sizes_that_tracing_has_assumed_away(ready: Pipeline, frontend: str) -> None:
    """The graph of the derivative of trace has the length of one diagonal: it is right where no row is beyond it."""
    wide, wider, tall = {"n": 3, "m": 4}, {"n": 2, "m": 9}, {"n": 7, "m": 5}
    plain = replace(
        plain_call(worker.case("aten.trace.default"), "dynamic") or pytest.fail("no plain call"),
        sizes=wide,
        args={"self": TensorSpec(dims=("n", "m"), dtype="f32")},
        dynamic=("n", "m"),
        runs=(wide, wider, tall),
    )
    (sample,) = dealt(worker.case(plain.op), [plain], Road(frontend, "vjp"))
    assert isinstance(result(ready, sample, "linalg").outcome, Passed)
    found = result(ready, sample, "frontend").outcome
    assert isinstance(found, NotExported)
    assert "size" in found.reason and ">=" in found.reason
    assert isinstance(result(ready, replace(sample, runs=(wide, wider)), "frontend").outcome, Reached)


def test_a_program_that_takes_no_other_size_is_the_frontends_fault(ready: Pipeline) -> None:
    """The batching rule of `slice_backward` makes its sizes constants."""
    plain = plain_call(worker.case("aten.slice_backward.default"), "dynamic")
    assert plain
    sample = dealt(worker.case(plain.op), [plain], Road(transform="vmap"))[0]
    for backend in ("frontend", "linalg"):
        found = result(ready, sample, backend).outcome
        assert isinstance(found, NotExported)
        assert "those of export only: Eq(args[" in found.reason
    assert isinstance(result(ready, sample, "control").outcome, Passed)


def test_a_size_that_is_computed_of_others_is_that_of_the_argument_which_has_it() -> None:
    """The derivative of qr is for one column more than rows: the size of these columns is `s0 + 1` from then on."""
    rows = {"n": 2}
    plain = replace(
        plain_call(worker.case("aten.qr.default"), "dynamic") or pytest.fail("no plain call"),
        sizes=rows,
        args={"self": TensorSpec(dims=("n", 3, 4), dtype="f32")},
        dynamic=("n",),
        runs=(rows,),
    )
    (sample,) = dealt(worker.case(plain.op), [plain], Road("dynamo", "vjp"))
    given = program(sample)
    arguments = Dynamo().export(given, lambda stage: None).program.arguments
    assert [given.args[i].shape[dim] for i, dim in (a for a in arguments if isinstance(a, tuple))][:3] == [2, 3, 4]


def test_a_capture_that_fails_amid_forward_mode_leaves_it() -> None:
    state = TorchState()
    with pytest.raises(NotExpressible):
        Dynamo().export(program(samples("prims.split_dim.default", "jvp", frontend="dynamo")[0]), lambda stage: None)
    assert state.changed() == ""


def test_what_breaks_torch_func_alone_is_seen_where_it_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    state = TorchState()
    monkeypatch.setattr(torch.func, "vjp", lambda *given: 1 / 0)
    assert state.changed() == "torch.func fails"
    assert state.changed(transforms=False) == ""


def test_what_a_sample_of_the_default_road_leaves_is_seen_without_trying_torch_func() -> None:
    state = TorchState()
    with torch.no_grad():
        assert state.changed(transforms=False) == "grad mode is False, was True"
    assert state.changed(transforms=False) == ""


@pytest.mark.parametrize("transform", ["vjp", "jvp"])
def test_a_derivative_for_which_torch_stores_nothing_is_compared(ready: Pipeline, transform: Transform) -> None:
    sample = samples("aten.sgn.default", transform)[0]
    assert isinstance(result(ready, sample, "control").outcome, Passed)


def test_a_transform_that_eager_computes_otherwise_at_a_second_call_is_excluded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sample = samples("aten.relu.default", "vmap")[0]
    calls = iter(range(100))
    counted = Transformed.forward
    monkeypatch.setattr(Transformed, "forward", lambda self, *given: (counted(self, *given)[0] + next(calls),))
    with pytest.raises(EagerRefuses, match="other results at a second call"):
        runs(sample, worker.case(sample.op).numeric_of(sample))


def test_a_promised_accuracy_is_that_of_the_argument_which_vmap_maps_over() -> None:
    case = worker.case("aten.sigmoid.default")
    for sample in samples(case.op, "vmap"):
        (run,) = runs(sample, case.numeric_of(sample))
        assert sample.varied
        first = batch_first(run.inputs[0], sample.varied, run.inputs[0].ndim)
        (want,) = bounded(
            case.numeric_of(sample), run.sizes, [first.sigmoid()], lambda x: [x.double().sigmoid()], [first]
        )
        assert torch.equal(run.outputs[0].eager, want.eager)
        assert torch.equal(run.outputs[0].specified["tosa"], want.specified["tosa"])


def test_a_mapped_argument_of_lower_rank_broadcasts_with_the_results() -> None:
    varied = Varied(tensors=(0,), batch=(2, 3), last=True)
    x = torch.rand(4, 3, 2)
    got = batch_first(x, varied, 4)
    assert got.shape == (2, 3, 1, 4)
    assert torch.equal(got[1, 2, 0], x[:, 2, 1])


# scripts --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("frontend", ["export", "dynamo"])
@pytest.mark.parametrize("transform", TRANSFORMS)
def test_a_script_takes_the_same_road(transform: Transform, frontend: str, tmp_path: Path) -> None:
    sample = samples("aten.mm.default", transform, "dynamic", frontend)[1]
    case = judging(worker.case(sample.op), sample)
    recipe = plugins.backend("linalg").recipe
    source = Path(sys.modules[plugins.factory(plugins.EXECUTORS, "llvm-jit").__module__].__file__ or "").read_text()
    whole = replace(sample, runs=sample.runs[:1])
    text = script(case, whole, "linalg", recipe, Passed(0.1, ("llvm-jit",)), [("LlvmJit", source)])
    (tmp_path / "repro.py").write_text(text)
    (tmp_path / "small.py").write_text(smallest_program(sample, recipe))
    done = subprocess.run([sys.executable, tmp_path / "repro.py"], capture_output=True, text=True, timeout=300)
    assert done.stdout.endswith("right: this no longer fails\n"), done.stderr
    small = subprocess.run([sys.executable, tmp_path / "small.py"], capture_output=True, text=True, timeout=300)
    assert "linalg" in small.stdout, small.stderr


def test_the_program_is_marked_as_transformed() -> None:
    assert program(samples("aten.mm.default", "vjp")[0]).transformed
