"""OpInfo's samples: which calls are recorded, and that a sample makes the call that was recorded."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import torch

from harness.cases.case import OpCase
from harness.cases.numeric import Composite, Distribution, Exact, Linear, ShapeOnly, Ulp
from harness.cases.sample import Fill, Sample, TensorSpec, from_json, tensors, to_json
from harness.errors import MissingPackage
from harness.judging.reference import EagerRefuses, runs
from harness.programs.materialize import materialize
from harness.programs.program import program
from harness.surface import opinfo

trace_module = pytest.importorskip("harness.surface.opinfo_trace", exc_type=ImportError)


def traced(*names: str) -> Any:
    return trace_module.collect(entry for entry in trace_module.op_db if entry.name in names)


@pytest.fixture(scope="module")
def calls() -> Any:
    return traced("nn.functional.conv2d", "gather", "sparse.sampled_addmm")


def samples(calls: Any, op: str, dtype: str = "f32") -> list[Sample]:
    return [from_json(line["sample"]) for line in calls.lines() if (line["op"], line["dtype"]) == (op, dtype)]


def test_calls_are_seen_before_they_are_decomposed(calls: Any) -> None:
    assert "aten.conv2d.default" in calls.reached
    assert "aten.convolution.default" not in calls.reached


def test_a_sample_holds_the_call_that_was_made(calls: Any) -> None:
    for sample in samples(calls, "aten.conv2d.default"):
        assert sample.origin in ("opinfo", "rejected")
        assert from_json(to_json(sample)) == sample
        if sample.origin == "opinfo":
            assert isinstance(program(sample).module(*program(sample).args), torch.Tensor)


def test_what_eager_rejects_is_a_sample_that_it_rejects(calls: Any) -> None:
    rejected = [s for s in samples(calls, "aten.gather.default") if s.origin == "rejected"]
    assert rejected
    for sample in rejected:
        with pytest.raises((RuntimeError, IndexError)):
            program(sample).module(*program(sample).args)


def test_inputs_that_nobody_fills_have_the_same_elements_in_every_trace() -> None:
    """OpInfo makes error inputs of `multinomial` with `torch.empty`."""
    rejected = [s for s in samples(traced("multinomial"), "aten.multinomial.default") if s.origin == "rejected"]
    made = [materialize(t, {}) for s in rejected for t in tensors(s.args)]
    filled = [t for t in made if t.is_floating_point() and t.numel() == 2]
    assert filled and all(bool(t.isnan().all()) for t in filled)
    assert not torch.are_deterministic_algorithms_enabled()


def test_the_random_numbers_of_python_are_the_same_in_every_trace() -> None:
    found = []
    for seed in (1, 2):
        random.seed(seed)
        found.append([line["sample"] for line in traced("linalg.eigh").lines()])
    assert found[0] == found[1]


def test_literals_with_nan_or_infinities_say_so() -> None:
    rejected = [s for s in samples(traced("multinomial"), "aten.multinomial.default") if s.origin == "rejected"]
    assert {"mixed", "nonfinite"} == {s.values for s in rejected}


def test_the_order_of_sets_is_the_same_in_every_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "python"
    script.write_text(f"#!/bin/sh\nprintenv PYTHONHASHSEED > '{tmp_path}/seed'\nexit 1\n")
    script.chmod(0o755)
    monkeypatch.setattr(opinfo.sys, "executable", str(script))
    with pytest.raises(MissingPackage):
        opinfo._make(tmp_path / "trace.jsonl")
    assert (tmp_path / "seed").read_text() == "0\n"


def test_what_no_sample_can_hold_is_counted(calls: Any) -> None:
    assert any("sparse" in reason for reason in calls.skipped)
    assert "aten.sparse_sampled_addmm.default" in calls.reached


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.bool, torch.uint8, torch.complex64])
@pytest.mark.parametrize("shape", [(), (2, 3), (0, 2)])
def test_a_literal_is_the_tensor_it_was_made_of(dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    t = torch.randn(shape).mul(3).to(dtype)
    assert torch.equal(materialize(trace_module._tensor(t), {}), t)


def test_a_sample_that_the_case_did_not_draw_is_held_to_no_named_dims_and_no_law(calls: Any) -> None:
    sample = next(s for s in samples(calls, "aten.conv2d.default") if s.origin == "opinfo")

    def of(numeric: Any) -> Any:
        return OpCase(op=sample.op, inputs=lambda d: {}, numeric=numeric).numeric_of(sample)

    assert of(Linear(("k",))) == Linear((max(materialize(t, {}).numel() for t in tensors(sample.args)),))
    assert isinstance(of(Distribution(0, 1, 0.5, 0.3)), ShapeOnly)
    assert of(Composite((Ulp(4),))) == Composite((Ulp(4),))


def chosen_elsewhere(op: str, **more: Any) -> Sample:
    spec = TensorSpec(dims=(8, 3), dtype="f32", seed=1)
    args = {"input": spec} | more
    return Sample(op=op, dtype="f32", mode="static", sizes={}, args=args, runs=({},), origin="opinfo")


def test_random_values_that_the_case_did_not_draw_are_held_to_their_shape() -> None:
    for train, kind in ((True, ShapeOnly), (False, Exact)):
        (run,) = runs(chosen_elsewhere("aten.dropout.default", p=0.5, train=train), Exact())
        assert isinstance(run.outputs[0].numeric, kind)


def test_a_call_that_writes_to_its_arguments_is_not_judged() -> None:
    stats = {
        name: TensorSpec(dims=(3,), dtype="f32", fill=Fill(low=1, high=2)) for name in ("running_mean", "running_var")
    }
    more = stats | {"weight": None, "bias": None, "momentum": 0.1, "eps": 0.1, "cudnn_enabled": False}
    runs(chosen_elsewhere("aten.batch_norm.default", training=False, **more), Composite((Ulp(16),)))
    with pytest.raises(EagerRefuses, match="writes to an argument"):
        runs(chosen_elsewhere("aten.batch_norm.default", training=True, **more), Composite((Ulp(16),)))


def test_a_trace_that_fails_says_so_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opinfo.sys, "executable", "/bin/false")
    with pytest.raises(MissingPackage, match="OpInfo cannot be traced"):
        opinfo._make(tmp_path / "trace.jsonl")
    assert list(tmp_path.iterdir()) == []
