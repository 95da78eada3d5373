"""The reference executors against eager: programs of every kind, dtypes, ranks, dynamic artifacts, refusals."""

from __future__ import annotations

import pytest
import torch

from backends import ir
from backends.executors.llvm_jit import FUSE, LlvmJitFused, specialized
from backends.executors.stablehlo_interpreter import StablehloInterpreter
from backends.executors.tosa_reference import TosaReference
from backends.lowerings.stablehlo import Stablehlo
from backends.lowerings.tosa import Tosa
from harness.contained import Died, contained
from harness.protocols import CannotExecute, ContractBroken, Executor, Lowered, Program

from .programs import PROGRAMS, ROWS, X, aten, contract, program, tensor
from .test_llvm_jit import check, eager, lowered

EXECUTORS: dict[str, Executor] = {"tosa": TosaReference(), "stablehlo": StablehloInterpreter()}
DIALECTS = tuple(EXECUTORS)


def ran(given: Program, dialect: str, *inputs: torch.Tensor) -> list[torch.Tensor]:
    """What a fork of the executor makes of it; skipped where the lowering refuses."""
    artifact = lowered(given, dialect)
    return contained(lambda: EXECUTORS[dialect].compile(artifact)(inputs or given.args), 20)


def written(dialect: str, text: str, *inputs: torch.Tensor) -> list[torch.Tensor]:
    artifact = Lowered(dialect=dialect, ir=text, program=PROGRAMS["add"])
    return contained(lambda: EXECUTORS[dialect].compile(artifact)(inputs), 20)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_what_it_runs_is_what_eager_computes(name: str, dialect: str) -> None:
    given = PROGRAMS[name]
    try:
        results = ran(given, dialect)
    except CannotExecute as refusal:
        pytest.skip(str(refusal))
    check(results, eager(given, given.args))


@pytest.mark.parametrize("shape", [(), (3, 4), (1,)], ids=str)
@pytest.mark.parametrize(
    ("dialect", "dtype"),
    [
        *(("tosa", d) for d in (torch.bool, torch.int32, torch.float16, torch.bfloat16, torch.float32)),
        *(("stablehlo", d) for d in (torch.bool, torch.uint8, torch.int8, torch.int32, torch.int64)),
        *(("stablehlo", d) for d in (torch.float16, torch.bfloat16, torch.float32, torch.float64)),
        *(("stablehlo", d) for d in (torch.complex64, torch.complex128)),
    ],
    ids=str,
)
def test_every_dtype_goes_in_and_comes_out(dialect: str, dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    given = program(lambda x, y: (aten.where.self(y, x, x), x), tensor(*shape, dtype=dtype), tensor(*shape) > 0)
    check(ran(given, dialect), eager(given, given.args))


def test_tosa_takes_uint8_as_its_bits() -> None:
    text = "func.func @main(%x: tensor<2xi8>) -> tensor<2xi8> { return %x : tensor<2xi8> }"
    (found,) = written("tosa", text, torch.tensor([200, 3], dtype=torch.uint8))
    assert found.tolist() == [-56, 3]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", ["dynamic-add", "dynamic-matmul", "dynamic-softmax", "dynamic-cat", "dynamic-view"])
def test_one_artifact_runs_at_several_sizes(name: str, dialect: str) -> None:
    given = PROGRAMS[name]
    for rows in (4, 1, 7):
        inputs = tuple(tensor(rows, *x.shape[1:]) if x.shape[0] == X.shape[0] else x for x in given.args)
        check(ran(given, dialect, *inputs), eager(given, inputs))


def test_the_interpreter_runs_at_size_0_and_tosa_has_no_such_tensors() -> None:
    given = PROGRAMS["dynamic-add"]
    inputs = (tensor(0, 4), tensor(4))
    assert ran(given, "stablehlo", *inputs)[0].shape == (0, 4)
    with pytest.raises(CannotExecute, match="does not serialize it"):
        ran(given, "tosa", *inputs)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_specialized_module_holds_no_unknown_size(dialect: str) -> None:
    given = program(lambda x: aten.softmax.int(x, 1), X, dynamic=(ROWS,))
    text = specialized(lowered(given, dialect).ir, dialect, [(5, 4)])
    assert "?" not in text
    assert "tensor<5x4xf32>" in text


def test_an_identity_of_unknown_sizes_returns_what_it_was_given() -> None:
    text = "func.func @main(%x: tensor<?x3xf32>) -> tensor<?x?xf32> {"
    text += " %0 = tensor.cast %x : tensor<?x3xf32> to tensor<?x?xf32>\n return %0 : tensor<?x?xf32> }"
    assert torch.equal(written("stablehlo", text, tensor(2, 3))[0], tensor(2, 3))


def test_the_model_refuses_what_the_specification_calls_an_error() -> None:
    text = """func.func @main(%x: tensor<4xf32>) -> tensor<2xf32> {
      %0 = tosa.const_shape {values = dense<[-1, -1]> : tensor<2xindex>} : () -> !tosa.shape<2>
      %1 = "tosa.const"() <{values = dense<0.0> : tensor<1xf32>}> : () -> tensor<1xf32>
      %2 = tosa.pad %x, %0, %1 : (tensor<4xf32>, !tosa.shape<2>, tensor<1xf32>) -> tensor<2xf32>
      return %2 : tensor<2xf32>
    }"""
    with pytest.raises(CannotExecute, match="TOSA_ERROR"):
        written("tosa", text, tensor(4))


def test_what_the_interpreter_does_not_know_ends_the_fork_and_says_so() -> None:
    text = """func.func @main(%x: tensor<f32>) -> tensor<3xf32> {
      %0 = stablehlo.constant dense<3> : tensor<1xi64>
      %1 = stablehlo.rng %x, %x, %0, distribution = UNIFORM : (tensor<f32>, tensor<f32>, tensor<1xi64>) -> tensor<3xf32>
      return %1 : tensor<3xf32>
    }"""
    with pytest.raises(Died, match=r"SIGABRT: LLVM ERROR: .*stablehlo\.rng"):
        written("stablehlo", text, tensor())


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_wrong_number_of_arguments_is_refused(dialect: str) -> None:
    text = "func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> { return %x : tensor<2xf32> }"
    with pytest.raises(CannotExecute):
        written(dialect, text)


# the specification ----------------------------------------------------------------------------------------------------

OUTSIDE = {
    "f64": (
        "%0 = tosa.abs %x : (tensor<2xf64>) -> tensor<2xf64>",
        "tensor<2xf64>",
        "element type 'f64' is not legal",
    ),
    "bool": (
        "%0 = tosa.add %x, %x : (tensor<2xi1>, tensor<2xi1>) -> tensor<2xi1>",
        "tensor<2xi1>",
        "did not align with any profile or extension",
    ),
    "rank": ("%0 = tosa.abs %x : (T) -> T", "tensor<1x1x1x1x1x1x1xf32>", "MAX_RANK"),
}


@pytest.mark.parametrize("name", OUTSIDE)
def test_what_the_specification_does_not_allow_is_invalid_and_the_rule_is_named(name: str) -> None:
    body, kind, rule = OUTSIDE[name]
    text = f"func.func @main(%x: T) -> T {{\n{body}\nreturn %0 : T\n}}".replace("T", kind)
    with pytest.raises(ContractBroken, match=rule):
        Tosa().verify(Lowered(dialect="tosa", ir=text, program=PROGRAMS["add"]))


@pytest.mark.parametrize("name", ["add", "conv2d", "softmax", "dynamic-add", "dynamic-view", "gather"])
def test_what_the_specification_allows_is_valid(name: str) -> None:
    Tosa().verify(lowered(PROGRAMS[name], "tosa"))


def test_stablehlo_is_held_to_no_profile() -> None:
    Stablehlo().verify(Stablehlo().lower(contract(PROGRAMS["add"])))


# the second pipeline to LLVM ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PROGRAMS)
def test_fused_linalg_is_what_eager_computes(name: str) -> None:
    given = PROGRAMS[name]
    check(contained(lambda: LlvmJitFused().compile(lowered(given, "linalg"))(given.args), 20), eager(given, given.args))


def test_fusion_leaves_fewer_loops() -> None:
    given = program(lambda x: aten.exp.default(aten.neg.default(aten.add.Tensor(x, x))), X)
    with ir.session() as session:
        before = session.parse(lowered(given, "linalg").ir)
        after = session.parse(lowered(given, "linalg").ir)
        session.run(f"builtin.module({','.join(FUSE)})", after)
        assert ir.ops(before).count("linalg.generic") == 3
        assert ir.ops(after).count("linalg.generic") == 1
