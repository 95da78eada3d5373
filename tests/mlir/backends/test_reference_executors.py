"""The reference executors against eager: programs of every kind, dtypes, ranks, dynamic artifacts, refusals."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from backends import ir
from backends.executors.llvm_jit import DTYPES, FUSE, LlvmJitFused, specialized
from backends.executors.stablehlo_interpreter import StablehloInterpreter
from backends.executors.tosa_reference import TosaReference
from backends.executors.xla_cpu import XlaCpu
from backends.lowerings.stablehlo import Stablehlo
from backends.lowerings.tosa import Tosa
from harness.programs.fork import ForkDied, in_fork
from harness.programs.protocols import CannotExecute, ContractBroken, Executor, Lowered, Program
from harness.running.executables import executable
from tests.mlir.backends.test_llvm_jit import COMPLEX, FLOATS, INTEGERS, check, eager, lowered
from tests.mlir.example_programs import PROGRAMS, ROWS, X, aten, contract, program, tensor

EXECUTORS: dict[str, Executor] = {e.name: e for e in (TosaReference(), StablehloInterpreter(), XlaCpu())}
IDENTITY = "func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> { return %x : tensor<2xf32> }"
OF_STABLEHLO = ("stablehlo-interpreter", "xla")


def dialect(executor: str) -> str:
    (only,) = EXECUTORS[executor].dialects
    return only


def ran(given: Program, executor: str, *inputs: torch.Tensor) -> list[torch.Tensor]:
    """Run the program on the executor in a fork; skip the test if the lowering refuses it."""
    artifact = lowered(given, dialect(executor))
    return in_fork(lambda: EXECUTORS[executor].compile(artifact)(inputs or given.args), 20)


def artifact_of(executor: str, text: str) -> Lowered:
    return Lowered(dialect=dialect(executor), ir=text, program=PROGRAMS["add"])


def written(executor: str, text: str, *inputs: torch.Tensor) -> list[torch.Tensor]:
    return in_fork(lambda: EXECUTORS[executor].compile(artifact_of(executor, text))(inputs), 20)


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_what_it_runs_is_what_eager_computes(name: str, executor: str) -> None:
    given = PROGRAMS[name]
    try:
        results = ran(given, executor)
    except CannotExecute as refusal:
        pytest.skip(str(refusal))
    check(results, eager(given, given.args))


@pytest.mark.parametrize("shape", [(), (3, 4), (1,)], ids=str)
@pytest.mark.parametrize(
    ("executor", "dtype"),
    [
        *(("tosa-reference", d) for d in (torch.bool, torch.int32, torch.float16, torch.bfloat16, torch.float32)),
        *((e, d) for e in OF_STABLEHLO for d in (*INTEGERS, *FLOATS, *COMPLEX)),
    ],
    ids=str,
)
def test_every_dtype_goes_in_and_comes_out(executor: str, dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    given = program(lambda x, y: (aten.where.self(y, x, x), x), tensor(*shape, dtype=dtype), tensor(*shape) > 0)
    check(ran(given, executor), eager(given, given.args))


@pytest.mark.parametrize("executor", EXECUTORS)
def test_uint8_is_taken_as_its_bits(executor: str) -> None:
    text = "func.func @main(%x: tensor<2xi8>) -> tensor<2xi8> { return %x : tensor<2xi8> }"
    (found,) = written(executor, text, torch.tensor([200, 3], dtype=torch.uint8))
    assert found.tolist() == [-56, 3]


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("name", ["dynamic-add", "dynamic-matmul", "dynamic-softmax", "dynamic-cat", "dynamic-view"])
def test_one_artifact_runs_at_several_sizes(name: str, executor: str) -> None:
    given = PROGRAMS[name]
    for rows in (4, 1, 7):
        inputs = tuple(tensor(rows, *x.shape[1:]) if x.shape[0] == X.shape[0] else x for x in given.args)
        check(ran(given, executor, *inputs), eager(given, inputs))


def test_stablehlo_runs_at_size_0_and_tosa_has_no_such_tensors() -> None:
    given = PROGRAMS["dynamic-add"]
    inputs = (tensor(0, 4), tensor(4))
    for executor in OF_STABLEHLO:
        assert ran(given, executor, *inputs)[0].shape == (0, 4)
    with pytest.raises(CannotExecute, match="does not serialize it"):
        ran(given, "tosa-reference", *inputs)


@pytest.mark.parametrize("executor", OF_STABLEHLO)
def test_constants_kept_as_resources_are_read(executor: str) -> None:
    given = PROGRAMS["weights"]
    assert "dense_resource" in lowered(given, "stablehlo").ir
    check(ran(given, executor), eager(given, given.args))


@pytest.mark.parametrize("executor", OF_STABLEHLO)
def test_what_is_not_stablehlo_is_named(executor: str) -> None:
    text = """func.func @main(%x: tensor<3xf32>) -> tensor<0xf32> {
      %0 = tensor.empty() : tensor<0xf32>
      return %0 : tensor<0xf32>
    }"""
    with pytest.raises(CannotExecute, match=r"tensor\.empty is not StableHLO"):
        written(executor, text, tensor(3))


@pytest.mark.parametrize("dialect", ("tosa", "stablehlo"))
def test_a_specialized_module_holds_no_unknown_size(dialect: str) -> None:
    given = program(lambda x: aten.softmax.int(x, 1), X, dynamic=(ROWS,))
    text = specialized(lowered(given, dialect).ir, dialect, [(5, 4)])
    assert "?" not in text
    assert "tensor<5x4xf32>" in text


def test_an_identity_of_unknown_sizes_returns_what_it_was_given() -> None:
    text = "func.func @main(%x: tensor<?x3xf32>) -> tensor<?x?xf32> {"
    text += " %0 = tensor.cast %x : tensor<?x3xf32> to tensor<?x?xf32>\n return %0 : tensor<?x?xf32> }"
    assert torch.equal(written("stablehlo-interpreter", text, tensor(2, 3))[0], tensor(2, 3))


def test_the_model_refuses_what_the_specification_calls_an_error() -> None:
    text = """func.func @main(%x: tensor<4xf32>) -> tensor<2xf32> {
      %0 = tosa.const_shape {values = dense<[-1, -1]> : tensor<2xindex>} : () -> !tosa.shape<2>
      %1 = "tosa.const"() <{values = dense<0.0> : tensor<1xf32>}> : () -> tensor<1xf32>
      %2 = tosa.pad %x, %0, %1 : (tensor<4xf32>, !tosa.shape<2>, tensor<1xf32>) -> tensor<2xf32>
      return %2 : tensor<2xf32>
    }"""
    with pytest.raises(CannotExecute, match="TOSA_ERROR"):
        written("tosa-reference", text, tensor(4))


def test_what_the_interpreter_does_not_know_ends_the_fork_and_says_so() -> None:
    text = """func.func @main(%x: tensor<f32>) -> tensor<3xf32> {
      %0 = stablehlo.constant dense<3> : tensor<1xi64>
      %1 = stablehlo.rng %x, %x, %0, distribution = UNIFORM : (tensor<f32>, tensor<f32>, tensor<1xi64>) -> tensor<3xf32>
      return %1 : tensor<3xf32>
    }"""
    with pytest.raises(ForkDied, match=r"SIGABRT: LLVM ERROR: .*stablehlo\.rng"):
        written("stablehlo-interpreter", text, tensor())


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_wrong_number_of_arguments_is_refused(executor: str) -> None:
    with pytest.raises(CannotExecute):
        written(executor, IDENTITY)


# XLA ------------------------------------------------------------------------------------------------------------------


def compiled_by_xla(body: str, *inputs: torch.Tensor) -> torch.Tensor:
    """Run StableHLO that computes %r from arguments %0, %1 ...; all of them have the one type T."""
    kind = f"tensor<{inputs[0].shape[0]}x{NAMES[inputs[0].dtype]}>"
    arguments = ", ".join(f"%{i}: T" for i in range(len(inputs)))
    text = f"func.func @main({arguments}) -> T {{\n{body}\nreturn %r : T }}"
    return written("xla", text.replace("T", kind), *inputs)[0]


NAMES = {dtype: name for name, dtype in DTYPES.items() if name[0] in "fb"}
NAN, INF = float("nan"), float("inf")


def test_xla_keeps_nan_and_infinities() -> None:
    x, y = torch.tensor([NAN, 1.0, INF, -INF, 0.0]), torch.tensor([1.0, NAN, INF, NAN, 0.0])
    for op, function in {"subtract": torch.sub, "divide": torch.div, "maximum": torch.maximum}.items():
        found = compiled_by_xla(f"%r = stablehlo.{op} %0, %1 : T", x, y)
        torch.testing.assert_close(found, function(x, y), rtol=0, atol=0, equal_nan=True)
    found = compiled_by_xla("%r = stablehlo.subtract %0, %0 : T", x)
    torch.testing.assert_close(found, x - x, rtol=0, atol=0, equal_nan=True)


def test_xla_does_no_algebra_that_hides_an_overflow() -> None:
    body = "%a = stablehlo.exponential %0 : T\n%b = stablehlo.multiply %a, %a : T\n%r = stablehlo.log %b : T"
    assert compiled_by_xla(body, torch.tensor([60.0])).tolist() == [INF]


@pytest.mark.parametrize("dtype", (torch.float16, torch.bfloat16, torch.float32), ids=str)
def test_xla_rounds_after_every_operation(dtype: torch.dtype) -> None:
    x, y = tensor(512).to(dtype), tensor(512).flip(0).to(dtype)
    body = "%a = stablehlo.multiply %0, %1 : T\n%b = stablehlo.add %a, %0 : T\n%r = stablehlo.multiply %b, %1 : T"
    assert torch.equal(compiled_by_xla(body, x, y), (x * y + x) * y)


def test_xla_rounds_after_every_operation_of_a_reduction() -> None:
    x, init = tensor(512, 1), torch.tensor(1.2345678)
    text = """func.func @main(%x: tensor<512x1xf32>, %i: tensor<f32>) -> tensor<512xf32> {
      %0 = stablehlo.reduce(%x init: %i) across dimensions = [1] : (tensor<512x1xf32>, tensor<f32>) -> tensor<512xf32>
        reducer(%a: tensor<f32>, %b: tensor<f32>) {
          %product = stablehlo.multiply %a, %b : tensor<f32>
          %sum = stablehlo.add %product, %a : tensor<f32>
          stablehlo.return %sum : tensor<f32>
        }
      return %0 : tensor<512xf32>
    }"""
    assert torch.equal(written("xla", text, x, init)[0], init * x[:, 0] + init)


@pytest.mark.parametrize(
    ("low", "high", "interior"),
    [([-1, 2], [1, -2], [0, 1]), ([-2, -3], [-2, -1], [1, 1]), ([0, 0], [-3, 0], [0, 0])],
    ids=str,
)
def test_padding_by_less_than_nothing_is_a_crop(low: list[int], high: list[int], interior: list[int]) -> None:
    sizes = (3, 5)
    padded = [n + a + b + max(0, n - 1) * c for n, a, b, c in zip(sizes, low, high, interior, strict=True)]
    text = f"""func.func @main(%x: tensor<3x5xf32>, %v: tensor<f32>) -> R {{
      %0 = stablehlo.pad %x, %v, low = {low}, high = {high}, interior = {interior} : (tensor<3x5xf32>, tensor<f32>) -> R
      return %0 : R
    }}""".replace("R", f"tensor<{padded[0]}x{padded[1]}xf32>")
    found, expected = (written(executor, text, tensor(*sizes), tensor())[0] for executor in ("xla", OF_STABLEHLO[0]))
    assert torch.equal(found, expected)


def test_xla_computes_64_bit_integers_and_floats() -> None:
    wide = torch.tensor([1 + 2**-50], dtype=torch.float64)
    assert torch.equal(compiled_by_xla("%r = stablehlo.add %0, %0 : T", wide), wide + wide)
    text = "func.func @main(%0: T) -> T { %r = stablehlo.add %0, %0 : T\nreturn %r : T }".replace("T", "tensor<i64>")
    assert written("xla", text, torch.tensor(2**61 + 1))[0].item() == 2**62 + 2


def test_what_xla_refuses_is_said_with_its_reason() -> None:
    with pytest.raises(CannotExecute, match=r"XLA refuses it: .*nobody"):
        compiled_by_xla("%r = stablehlo.custom_call @nobody(%0) : (T) -> T", tensor(3))


def test_a_death_in_xla_is_a_limit_of_the_executor() -> None:
    text = """func.func @main(%x: tensor<3xf32>) -> tensor<3xf32> {
      %0 = stablehlo.custom_call @SliceToDynamic(%x) : (tensor<3xf32>) -> tensor<3xf32>
      return %0 : tensor<3xf32>
    }"""
    run = executable(EXECUTORS["xla"], artifact_of("xla", text))
    assert not isinstance(run, str)
    with pytest.raises(CannotExecute, match=r"it dies: SIGABRT: .*Check failed"):
        run([tensor(3)])


def test_xla_leaves_no_thread_in_the_process_that_forks() -> None:
    threads = Path("/proc/self/task")
    before = {path.name for path in threads.iterdir()}
    executable(EXECUTORS["xla"], artifact_of("xla", IDENTITY))
    compiled_by_xla("%r = stablehlo.add %0, %0 : T", tensor(3))
    assert {path.name for path in threads.iterdir()} == before


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
    check(in_fork(lambda: LlvmJitFused().compile(lowered(given, "linalg"))(given.args), 20), eager(given, given.args))


def test_fusion_leaves_fewer_loops() -> None:
    given = program(lambda x: aten.exp.default(aten.neg.default(aten.add.Tensor(x, x))), X)
    with ir.session() as session:
        before = session.parse(lowered(given, "linalg").ir)
        after = session.parse(lowered(given, "linalg").ir)
        session.run(f"builtin.module({','.join(FUSE)})", after)
        assert ir.ops(before).count("linalg.generic") == 3
        assert ir.ops(after).count("linalg.generic") == 1
