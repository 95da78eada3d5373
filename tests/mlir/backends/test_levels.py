"""Levels of decomposition and legal ops: each level's IR is the official path's, and what it computes is eager's."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch_mlir import fx

from backends.decompositions import table
from backends.frontend import Fx
from backends.official import Official
from harness.cases.road import LEVELS, Level
from harness.programs.protocols import Contract, Frontend, NotExpressible, Program
from tests.mlir.example_programs import PROGRAMS


def run(program: Program, frontend: Frontend | None = None) -> Contract:
    return (frontend or Fx()).run(program, lambda stage: None)


def at(name: str, level: Level, *legal: str) -> Program:
    return replace(PROGRAMS[name], level=level, legal=legal)


def official(program: Program) -> str:
    exported = torch.export.export(program.module, program.args, dynamic_shapes=program.dynamic_shapes, strict=False)
    decompositions = table(program.level)
    if not decompositions:
        exported = exported.run_decompositions({})
    legal = list(program.legal)
    return str(
        fx.export_and_import(exported, output_type="torch", decomposition_table=decompositions, backend_legal_ops=legal)
    )


LOWERABLE = [("linear", "core-aten"), ("linear", "none"), ("sdpa", "none"), ("matmul", "core-aten"), ("add", "none")]


@pytest.mark.parametrize(("name", "level"), LOWERABLE)
def test_the_ir_of_a_level_is_that_of_the_official_path(name: str, level: Level) -> None:
    made = run(at(name, level))
    assert made.ir == official(at(name, level)) == run(at(name, level), Official()).ir


def test_none_leaves_a_composite_op_whole_and_prims_takes_it_apart() -> None:
    assert run(at("linear", "none")).decomposes is False
    with pytest.raises(NotExpressible, match=r"torch\.prims\.") as refused:
        run(at("linear", "prims"))
    assert refused.value.stage == "contract"
    assert refused.value.exported
    assert refused.value.exported.exported == ("aten.linear.default",)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", ["linear", "sdpa", "matmul"])
def test_each_level_computes_what_eager_does(name: str, level: Level) -> None:
    program = at(name, level)
    try:
        contract = run(program)
    except NotExpressible as refused:
        assert refused.exported
        contract = refused.exported
    assert contract.decomposed
    got, want = contract.decomposed()(program.args)[0], program.module(*program.args)
    assert torch.allclose(got, want, atol=1e-5)


def test_a_legal_op_stays_whole() -> None:
    softmax = Program(op="aten.softmax.int", module=_Softmax(), args=(torch.randn(3, 4),), level="none")
    assert "torch.aten.exp" in run(softmax).reached
    legal = replace(softmax, legal=("aten.softmax.int",))
    assert "torch.aten.softmax.int" in run(legal).reached
    assert run(legal).ir == official(legal) == run(legal, Official()).ir


def test_one_level_does_not_change_another() -> None:
    first = run(at("linear", "torch-mlir")).ir
    for level in ("core-aten", "none"):
        run(at("linear", level))
    assert run(at("linear", "torch-mlir")).ir == first


class _Softmax(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.ops.aten.softmax.int(x, -1)
