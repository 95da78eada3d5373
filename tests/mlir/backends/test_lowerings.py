"""The lowerings: the official pipelines' IR, refusals with their culprit, and leaked dialects."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch_mlir import ir as mlir
from torch_mlir.compiler_utils import OutputType, lower_mlir_module
from torch_mlir.dialects import torch as torch_dialect

from backends.executors.eager import Eager
from backends.lowerings.control import Control
from backends.lowerings.linalg import Linalg
from backends.lowerings.lowering import Lowering
from backends.lowerings.stablehlo import Stablehlo
from backends.lowerings.tosa import Tosa
from harness.errors import BadCompiler
from harness.programs.protocols import ContractBroken, Lowered, Program, Refused
from tests.mlir.example_programs import PROGRAMS, ROWS, X, aten, contract, program, tensor

BACKENDS: dict[str, Lowering] = {backend.name: backend for backend in (Linalg(), Tosa(), Stablehlo())}
OFFICIAL = {"linalg": OutputType.LINALG_ON_TENSORS, "tosa": OutputType.TOSA, "stablehlo": OutputType.STABLEHLO}


def official(text: str, backend: str) -> str:
    """Lower the contract's IR as `torch_mlir.fx` does, in a new context."""
    with mlir.Context() as context:
        torch_dialect.register_dialect(context)
        return str(lower_mlir_module(False, OFFICIAL[backend], mlir.Module.parse(text)))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_ir_is_that_of_the_official_path(name: str, backend: str) -> None:
    given = contract(PROGRAMS[name])
    try:
        lowered = BACKENDS[backend].lower(given)
    except Refused:
        with pytest.raises(Exception, match="failed with the following diagnostics"):
            official(given.ir, backend)
        return
    assert lowered.dialect == backend
    assert lowered.ir == official(given.ir, backend)


RULES = ("element type 'f64' is not legal", "did not align with any profile or extension", "MAX_RANK")
"""Rules that torch-mlir's lowering to TOSA is seen to break: f64 from decompositions, casts of i64 to f32, rank 7."""


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_what_is_lowered_verifies_or_tosa_has_a_rule_against_it(name: str, backend: str) -> None:
    try:
        lowered = BACKENDS[backend].lower(contract(PROGRAMS[name]))
    except Refused:
        return
    try:
        BACKENDS[backend].verify(lowered)
    except ContractBroken as broken:
        assert backend == "tosa", broken
        assert any(rule in str(broken) for rule in RULES), broken


def test_the_culprit_is_the_op_that_failed_to_legalize() -> None:
    with pytest.raises(Refused) as raised:
        Tosa().lower(contract(fft()))
    assert raised.value.culprit == "torch.aten.fft_fft"
    assert "failed to legalize operation 'torch.aten.fft_fft'" in raised.value.diagnostic


def test_the_culprit_of_invalid_ir_is_the_only_op_there_was() -> None:
    given = program(lambda x: aten.max_pool2d_with_indices.default(x, [2, 2]), tensor(2, 3, 6, 6), dynamic=(ROWS,))
    with pytest.raises(Refused) as raised:
        Stablehlo().lower(contract(given))
    assert raised.value.culprit == "torch.aten.max_pool2d_with_indices"


def fft() -> Program:
    return program(aten.fft_fft.default, X)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_constant_is_never_the_culprit(backend: str) -> None:
    with pytest.raises(Refused) as raised:
        BACKENDS[backend].lower(contract(fft()))
    assert raised.value.culprit == "torch.aten.fft_fft"
    assert raised.value.diagnostic.count("note: see current operation") == 0


def test_a_refusal_leaves_no_trace_in_the_next_lowering() -> None:
    given = contract(PROGRAMS["add"])
    before = Linalg().lower(given).ir
    with pytest.raises(Refused):
        Linalg().lower(contract(fft()))
    assert Linalg().lower(given).ir == before


def test_diagnostics_do_not_reach_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Refused):
        Linalg().lower(contract(fft()))
    assert capfd.readouterr().err == ""


LEAKS = {
    ("linalg", "shape.shape_of"): "%0 = shape.shape_of %x : tensor<?xf32> -> tensor<1xindex>",
    ("linalg", "tosa.abs"): "%0 = tosa.abs %x : (tensor<?xf32>) -> tensor<?xf32>",
    ("linalg", "torch.constant.int"): "%0 = torch.constant.int 1",
    ("tosa", "tensor.empty"): "%0 = tensor.empty() : tensor<2xf32>",
    ("tosa", "arith.addf"): "%0 = arith.addf %x, %x : tensor<?xf32>",
    ("stablehlo", "linalg.generic"): (
        '%0 = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>], iterator_types = ["parallel"]}'
        " outs(%x : tensor<?xf32>) { ^bb0(%e: f32): linalg.yield %e : f32 } -> tensor<?xf32>"
    ),
    ("stablehlo", "builtin.unrealized_conversion_cast"): (
        "%0 = builtin.unrealized_conversion_cast %x : tensor<?xf32> to tensor<2xf32>"
    ),
}


@pytest.mark.parametrize(("backend", "op"), LEAKS)
def test_a_leaked_dialect_breaks_the_contract(backend: str, op: str) -> None:
    text = f"func.func @main(%x: tensor<?xf32>) {{\n{LEAKS[backend, op]}\nreturn\n}}"
    with pytest.raises(ContractBroken, match=op):
        BACKENDS[backend].verify(Lowered(dialect=backend, ir=text, program=PROGRAMS["add"]))


@pytest.mark.parametrize("backend", BACKENDS)
def test_invalid_ir_breaks_the_contract(backend: str) -> None:
    text = "func.func @main(%x: tensor<?xf32>) -> tensor<2xf32> {\nreturn %x : tensor<?xf32>\n}"
    with pytest.raises(ContractBroken, match="type of return operand"):
        BACKENDS[backend].verify(Lowered(dialect=backend, ir=text, program=PROGRAMS["add"]))


@pytest.mark.parametrize("pipeline", ["builtin.module(no-such-pass)", "builtin.module(tosa-validate{no-such-option})"])
def test_a_compiler_that_lacks_a_pass_cannot_serve_the_backend(pipeline: str) -> None:
    class Needy(Tosa):
        name = "needy"
        recipe = replace(Tosa.recipe, pipeline=pipeline)

    with pytest.raises(BadCompiler, match=r"--torch-mlir installed: the backend needy needs what it lacks: .*no-such-"):
        Needy()
    Tosa()


def test_the_control_passes_the_program_on_to_eager() -> None:
    given = contract(PROGRAMS["split"])
    lowered = Control().lower(given)
    Control().verify(lowered)
    assert lowered.dialect in Eager.dialects
    results = Eager().compile(lowered)([X])
    assert [result.tolist() for result in results] == [part.tolist() for part in X.split(2, 1)]


def test_eager_returns_scalars_as_rank_0_and_shares_nothing() -> None:
    given = program(lambda x: (x, 2), tensor(3))
    lowered = Lowered(dialect="eager", ir="", program=given)
    x = tensor(3)
    same, two = Eager().compile(lowered)([x])
    assert two.shape == torch.Size([])
    assert same.data_ptr() != x.data_ptr()
