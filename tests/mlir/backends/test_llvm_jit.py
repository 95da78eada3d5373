"""The JIT executors against eager: dtypes, ranks, sizes, results of every kind, refusals, runtime verification."""

from __future__ import annotations

import faulthandler
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils import _pytree as pytree

from backends.executors import llvm_jit
from backends.executors.llvm_jit import LlvmJit, LlvmJitChecked, run_lowered, specialized
from backends.lowerings.linalg import Linalg
from backends.lowerings.lowering import Lowering
from backends.lowerings.stablehlo import Stablehlo
from backends.lowerings.tosa import Tosa
from harness.programs.fork import ForkDied, in_fork
from harness.programs.protocols import CannotExecute, Checker, ImpossibleShape, Lowered, Program, Refused
from tests.mlir.backends.test_frontend import resident
from tests.mlir.example_programs import PROGRAMS, ROWS, Call, X, aten, contract, program, tensor

BACKENDS: dict[str, Lowering] = {backend.name: backend for backend in (Linalg(), Tosa(), Stablehlo())}
INTEGERS = (torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
COMPLEX = (torch.complex64, torch.complex128)
LOOSE = {torch.float16: 4e-3, torch.bfloat16: 3e-2, torch.float64: 1e-9}


def lowered(given: Program, backend: str) -> Lowered:
    try:
        result = BACKENDS[backend].lower(contract(given))
    except Refused as refusal:
        pytest.skip(f"{backend} refuses: {refusal.culprit}")
    return result


def eager(given: Program, inputs: tuple[torch.Tensor, ...]) -> list[torch.Tensor]:
    return [torch.as_tensor(leaf) for leaf in pytree.tree_leaves(given.module(*inputs))]


def check(results: list[torch.Tensor], expected: list[torch.Tensor]) -> None:
    assert len(results) == len(expected)
    for result, want in zip(results, expected, strict=True):
        signed = result.view(torch.uint8) if want.dtype is torch.uint8 else result
        tolerance = LOOSE.get(want.dtype, 1e-5)
        torch.testing.assert_close(signed, want, rtol=tolerance, atol=tolerance, equal_nan=True)


def both(given: Program, backend: str) -> None:
    """Run the program's own arguments through the backend and eager; the arguments stay as they are."""
    before = [tensor.clone() for tensor in given.args]
    check(LlvmJit().compile(lowered(given, backend))(given.args), eager(given, given.args))
    assert all(torch.equal(was, now) for was, now in zip(before, given.args, strict=True))


@pytest.mark.parametrize("dtype", (*INTEGERS, *FLOATS, *COMPLEX), ids=str)
def test_arithmetic_comparison_and_movement_in_every_dtype(dtype: torch.dtype) -> None:
    def function(x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return aten.mul.Tensor(x, y), aten.eq.Tensor(x, y), aten.permute.default(x, [1, 0]), x

    both(program(function, tensor(3, 4, dtype=dtype), tensor(4, dtype=dtype)), "linalg")


@pytest.mark.parametrize("backend", ("tosa", "stablehlo"))
@pytest.mark.parametrize("dtype", (torch.int32, torch.bfloat16, torch.float16, torch.bool), ids=str)
def test_dtypes_of_the_other_dialects(dtype: torch.dtype, backend: str) -> None:
    both(program(lambda x, y: (aten.eq.Tensor(x, y), x), tensor(3, 4, dtype=dtype), tensor(4, dtype=dtype)), backend)


@pytest.mark.parametrize("source", FLOATS, ids=str)
@pytest.mark.parametrize("backend", BACKENDS)
def test_conversions_between_float_types(source: torch.dtype, backend: str) -> None:
    def function(x: torch.Tensor) -> list[torch.Tensor]:
        return [aten._to_copy.default(x, dtype=target) for target in FLOATS if target is not source]

    both(program(function, tensor(3, 4, dtype=source)), backend)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("name", ("exp", "tanh", "erf", "log1p", "rsqrt", "floor", "atan"))
def test_math_functions(name: str, dtype: torch.dtype) -> None:
    both(program(getattr(aten, name).default, tensor(3, 4, dtype=dtype).abs() + 0.5), "linalg")


@pytest.mark.parametrize("backend", BACKENDS)
def test_f64_math_is_not_done_in_f32(backend: str) -> None:
    given = program(lambda x: (aten.erf.default(x), aten.tanh.default(x)), tensor(8, dtype=torch.float64))
    results = LlvmJit().compile(lowered(given, backend))(given.args)
    if backend == "stablehlo":
        pytest.skip("StableHLO's erf is a polynomial of its own")
    torch.testing.assert_close(results, eager(given, given.args), rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("shape", ((), (1,), (0,), (0, 4), (3, 0), (1, 1, 1), (2, 1, 3), (1, 2, 3, 1, 2)), ids=str)
@pytest.mark.parametrize("backend", BACKENDS)
def test_ranks_and_sizes(shape: tuple[int, ...], backend: str) -> None:
    both(program(lambda x: aten.mul.Tensor(x, x), tensor(*shape)), backend)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", ("add", "conv2d", "softmax", "layer-norm", "cat", "pad", "split", "slice-view"))
def test_programs(name: str, backend: str) -> None:
    both(PROGRAMS[name], backend)


@pytest.mark.parametrize("name", ("sort", "topk", "cumsum", "scatter", "max-pool", "index", "weights", "sdpa"))
def test_programs_with_tm_tensor_and_the_like(name: str) -> None:
    both(PROGRAMS[name], "linalg")


@pytest.mark.parametrize("backend", BACKENDS)
def test_no_inputs(backend: str) -> None:
    both(PROGRAMS["full"], backend)
    both(PROGRAMS["arange"], backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_results_that_alias_inputs_constants_and_each_other(backend: str) -> None:
    def function(x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        y = aten.abs.default(x)
        return x, y, y, aten.full.default([2, 2], 1.5), aten.view.default(x, [4, 3]), x

    both(program(function, X), backend)


def test_results_are_fresh_memory() -> None:
    executable = LlvmJit().compile(lowered(program(lambda x: (x, aten.abs.default(x)), X), "linalg"))
    first = executable([X])
    kept = [result.clone() for result in first]
    executable([X + 1])
    assert all(torch.equal(a, b) for a, b in zip(first, kept, strict=True))
    assert first[0].data_ptr() != X.data_ptr()


def test_inputs_of_any_layout() -> None:
    executable = LlvmJit().compile(lowered(program(aten.neg.default, tensor(4, 3)), "linalg"))
    assert torch.equal(executable([X.t()])[0], -X.t())
    assert torch.equal(executable([X.new_ones(()).expand(4, 3)])[0], -torch.ones(4, 3))


def test_random_ops_use_their_seed_and_advance_it() -> None:
    executable = LlvmJit().compile(lowered(program(aten.rand_like.default, tensor(64)), "linalg"))
    first, second = executable([tensor(64)])[0], executable([tensor(64)])[0]
    assert first.min() >= 0
    assert first.max() <= 1
    assert not torch.equal(first, second)


SCALARS = """
func.func @main(%x: tensor<f64>) -> (f64, i1, tensor<i8>, i64, complex<f32>, f32) {
  %a = tensor.extract %x[] : tensor<f64>
  %b = arith.constant true
  %c = arith.constant dense<-3> : tensor<i8>
  %d = arith.constant -5000000000 : i64
  %e = complex.constant [1.5 : f32, -2.5 : f32] : complex<f32>
  %f = arith.constant 0.25 : f32
  return %a, %b, %c, %d, %e, %f : f64, i1, tensor<i8>, i64, complex<f32>, f32
}
"""


def test_scalar_results_of_every_width() -> None:
    results = run_lowered(SCALARS, "linalg", [torch.tensor(2.5, dtype=torch.float64)])
    assert [result.tolist() for result in results] == [2.5, True, -3, -5000000000, 1.5 - 2.5j, 0.25]
    assert all(result.shape == torch.Size([]) for result in results)


@pytest.mark.parametrize(("kind", "dtype"), (("f32", torch.float32), ("i64", torch.int64), ("i1", torch.bool)))
def test_one_scalar_argument_and_result(kind: str, dtype: torch.dtype) -> None:
    given = torch.tensor(1, dtype=dtype)
    [result] = run_lowered(f"func.func @main(%x: {kind}) -> {kind} {{ return %x : {kind} }}", "linalg", [given])
    assert torch.equal(result, given)


UNWRITTEN = "func.func @main() -> tensor<4xf32> { %0 = tensor.empty() : tensor<4xf32>\nreturn %0 : tensor<4xf32> }"


def test_the_same_module_is_compiled_once_unless_it_has_global_variables() -> None:
    text = "func.func @main(%x: tensor<3xf32>) -> tensor<3xf32> {{ {}return %x : tensor<3xf32> }}"
    plain, other = text.format(""), text.format("%c = arith.constant 1 : i64 ")
    assert llvm_jit.compiled(plain, "linalg") is llvm_jit.compiled(plain + "\n", "linalg")
    assert llvm_jit.compiled(plain, "linalg") is not llvm_jit.compiled(other, "linalg")
    assert llvm_jit.compiled(plain, "linalg", checked=True) is not llvm_jit.compiled(plain, "linalg", checked=True)
    seeded = "ml_program.global private mutable @seed(dense<0> : tensor<i64>) : tensor<i64>\n" + plain
    assert llvm_jit.compiled(seeded, "linalg") is not llvm_jit.compiled(seeded, "linalg")


def test_llvm_takes_the_options_that_leave_optimizations_out() -> None:
    script = (
        "import ctypes, torch_mlir._mlir_libs as libs\n"
        "from backends.executors.llvm_jit import CODE_GENERATION, _Compiler\n"
        "parse = ctypes.CDLL(f'{libs.__path__[0]}/libTorchMLIRAggregateCAPI.so').LLVMParseCommandLineOptions\n"
        "arguments = [b'', *map(str.encode, CODE_GENERATION)]\n"
        "assert parse(len(arguments), (ctypes.c_char_p * len(arguments))(*arguments), None)\n"
        "assert not parse(2, (ctypes.c_char_p * 2)(b'', b'-no-such-option'), None)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_elements_nobody_wrote_are_huge_and_the_same_every_time() -> None:
    executable = llvm_jit.compiled(UNWRITTEN, "linalg")
    first, second = executable([])[0], executable([])[0]
    assert torch.equal(first, second)
    assert bool((first > 1e38).all())


def test_copies_between_layouts() -> None:
    text = """
    func.func @main(%x: tensor<4x6xf32>, %y: tensor<2x3xf32>) -> tensor<4x6xf32> {
      %0 = tensor.insert_slice %y into %x[1, 0] [2, 3] [1, 2] : tensor<2x3xf32> into tensor<4x6xf32>
      return %0 : tensor<4x6xf32>
    }"""
    x, y = tensor(4, 6), tensor(2, 3)
    expected = x.clone()
    expected[1:3, 0:6:2] = y
    assert torch.equal(run_lowered(text, "linalg", [x, y])[0], expected)


DYNAMIC: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "add": (aten.add.Tensor, (ROWS, None)),
    "matmul": (lambda x, y: aten.matmul.default(x, aten.unsqueeze.default(y, 1)), (ROWS, None)),
    "softmax": (lambda x, y: aten.softmax.int(x, 1), (ROWS, None)),
    "sum": (lambda x, y: aten.sum.dim_IntList(x, [0]), (ROWS, None)),
    "layer-norm": (lambda x, y: aten.layer_norm.default(x, [4]), (ROWS, None)),
    "view": (lambda x, y: aten.view.default(x, [-1]), (ROWS, None)),
    "bf16": (lambda x, y: aten.tanh.default(aten._to_copy.default(x, dtype=torch.bfloat16)), (ROWS, None)),
}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", DYNAMIC)
def test_one_artifact_runs_at_several_sizes(name: str, backend: str) -> None:
    function, shapes = DYNAMIC[name]
    given = program(function, X, tensor(4), dynamic=shapes)
    executable = LlvmJit().compile(lowered(given, backend))
    for rows in (4, 0, 1, 7, 4):
        inputs = (tensor(rows, 4), tensor(4))
        check(executable(inputs), eager(given, inputs))


def test_specialized_stablehlo_holds_nothing_else() -> None:
    given = program(lambda x: aten.softmax.int(x, 1), X, dynamic=(ROWS,))
    text = specialized(lowered(given, "stablehlo").ir, "stablehlo", [(5, 4)])
    assert "?" not in text
    assert "tensor<5x4xf32>" in text
    assert not any(f"{dialect}." in text for dialect in ("shape", "arith", "tensor"))


def test_booleans_add_up_to_or_in_stablehlo() -> None:
    text = """func.func @main(%x: tensor<2xi1>, %y: tensor<2xi1>) -> tensor<2xi1> {
      %0 = stablehlo.add %x, %y : tensor<2xi1>
      return %0 : tensor<2xi1>
    }"""
    both_true = torch.tensor([True, False])
    assert run_lowered(text, "stablehlo", [both_true, both_true])[0].tolist() == [True, False]


def test_what_has_no_conversion_is_named() -> None:
    with pytest.raises(CannotExecute, match=r"stablehlo\.sort has no conversion"):
        LlvmJit().compile(lowered(PROGRAMS["sort"], "stablehlo"))


def test_a_missing_symbol_is_a_limit_of_the_executor(capfd: pytest.CaptureFixture[str]) -> None:
    text = """module {
      func.func private @nowhere_to_be_found(f32) -> f32
      func.func @main(%x: f32) -> f32 {
        %0 = call @nowhere_to_be_found(%x) : (f32) -> f32
        return %0 : f32
      }
    }"""
    with pytest.raises(CannotExecute):
        llvm_jit.compiled(text, "linalg")


def test_a_failed_assertion_aborts_and_says_why(capfd: pytest.CaptureFixture[str]) -> None:
    text = """func.func @main(%x: i1) -> i1 {
      cf.assert %x, "sizes must match"
      return %x : i1
    }"""
    executable = llvm_jit.compiled(text, "linalg")
    assert executable([torch.tensor(True)])[0].item() is True
    child = os.fork()
    if child == 0:
        faulthandler.disable()
        executable([torch.tensor(False)])
        os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGABRT
    assert "sizes must match" in capfd.readouterr().err


@pytest.mark.parametrize("text", ("", "func.func @main(", "module {}", "func.func @main() { %0 = foo.bar\nreturn }"))
def test_bad_ir_is_refused_with_a_reason(text: str) -> None:
    with pytest.raises(CannotExecute) as raised:
        llvm_jit.compiled(text, "linalg")
    assert len(str(raised.value)) > 10


@pytest.mark.parametrize("size", (-2, 1 << 62), ids=("negative", "beyond any memory"))
def test_a_shape_that_no_tensor_has_is_no_limit_of_the_executor(size: int) -> None:
    text = """
    func.func @main(%size: tensor<i64>) -> tensor<?x0x3xf32> {
      %i = tensor.extract %size[] : tensor<i64>
      %d = arith.index_cast %i : i64 to index
      %r = tensor.empty(%d) : tensor<?x0x3xf32>
      return %r : tensor<?x0x3xf32>
    }"""
    run = llvm_jit.compiled(text, "linalg")
    assert run([torch.tensor(2)])[0].shape == (2, 0, 3)
    with pytest.raises(ImpossibleShape) as raised:
        run([torch.tensor(size)])
    assert str(pickle.loads(pickle.dumps(raised.value))) == f"out[0].shape=[{size}, 0, 3], which no tensor has"


@pytest.mark.parametrize("inputs", ([], [X, X], [X.double()]), ids=("none", "two", "f64"))
def test_wrong_inputs_are_refused(inputs: list[torch.Tensor]) -> None:
    executable = LlvmJit().compile(lowered(program(aten.abs.default, X), "linalg"))
    with pytest.raises(CannotExecute):
        executable(inputs)


def test_the_file_runs_on_its_own() -> None:
    source = Path(llvm_jit.__file__).read_text()
    scope: dict[str, Any] = {"__name__": "alone"}
    exec(
        compile(
            source.replace(
                "from harness.programs.protocols import CannotExecute, ImpossibleShape", "raise ImportError"
            ),
            "x",
            "exec",
        ),
        scope,
    )
    given = program(aten.abs.default, X)
    text = lowered(given, "linalg").ir
    assert torch.equal(scope["run_lowered"](text, "linalg", [X])[0], X.abs())


def test_many_compilations_keep_memory_flat() -> None:
    text = lowered(Program(op="test", module=Call(aten.add.Tensor), args=(X, X)), "linalg").ir

    def compile_and_run(times: int) -> None:
        for _ in range(times):
            torch.testing.assert_close(run_lowered(text, "linalg", [X, X])[0], X + X)

    compile_and_run(50)
    before = resident()
    compile_and_run(100)
    assert resident() - before < 15 * 2**20


def test_shapes_that_broadcast_at_size_zero_stay_zero() -> None:
    """Upstream's legalization of `shape.broadcast` takes the larger size, so that 0 and 1 would broadcast to 1."""
    text = """
    func.func @main(%a: tensor<?x2xf32>, %b: tensor<1x2xf32>) -> tensor<?x2xf32> {
      %0 = shape.shape_of %a : tensor<?x2xf32> -> tensor<2xindex>
      %1 = shape.const_shape [1, 2] : tensor<2xindex>
      %2 = shape.broadcast %0, %1 : tensor<2xindex>, tensor<2xindex> -> tensor<2xindex>
      %3 = stablehlo.dynamic_broadcast_in_dim %b, %2, dims = [0, 1]
        : (tensor<1x2xf32>, tensor<2xindex>) -> tensor<?x2xf32>
      return %3 : tensor<?x2xf32>
    }
    """
    run = llvm_jit.compiled(text, "stablehlo")
    for size in (0, 1, 3):
        (result,) = run([torch.zeros(size, 2), torch.ones(1, 2)])
        assert result.shape == (size, 2)


# runtime verification -------------------------------------------------------------------------------------------------

READS_THREE = """#id = affine_map<(i) -> (i)>
func.func @main(%x: tensor<?xf32>) -> tensor<3xf32> {
  %e = tensor.empty() : tensor<3xf32>
  %0 = linalg.generic {indexing_maps = [#id], iterator_types = ["parallel"]} outs(%e : tensor<3xf32>) {
  ^bb0(%o: f32):
    %i = linalg.index 0 : index
    %v = tensor.extract %x[%i] : tensor<?xf32>
    linalg.yield %v : f32
  } -> tensor<3xf32>
  return %0 : tensor<3xf32>
}"""


def checked(text: str, x: torch.Tensor) -> str | list[float]:
    """Run a module with verification; return its first result, or the cause if it dies."""
    module = Lowered(dialect="linalg", ir=text, program=PROGRAMS["add"])
    checker = LlvmJitChecked()
    assert isinstance(checker, Checker)
    try:
        result: list[float] = in_fork(lambda: [float(v) for v in checker.compile(module)([x])[0].flatten()], 20)
    except ForkDied as death:
        return checker.diagnose(module, death.stderr)
    return result


def test_what_is_out_of_bounds_is_named_with_its_line() -> None:
    line = "%v = tensor.extract %x[%i] : tensor<?xf32>"
    said = f"out-of-bounds access in tensor.extract, of line 7 of the lowered IR: {line}"
    assert checked(READS_THREE, tensor(2)) == said


def test_what_is_within_bounds_is_run() -> None:
    assert checked(READS_THREE, torch.tensor([1.0, 2.0, 3.0, 4.0])) == [1.0, 2.0, 3.0]


def test_a_pad_by_less_than_nothing_is_out_of_bounds() -> None:
    text = """func.func @main(%x: tensor<4xf32>) -> tensor<2xf32> {
      %c = arith.constant 0.0 : f32
      %0 = tensor.pad %x low[-1] high[-1] { ^bb0(%i: index): tensor.yield %c : f32 } : tensor<4xf32> to tensor<2xf32>
      return %0 : tensor<2xf32>
    }"""
    said = checked(text, tensor(4))
    assert isinstance(said, str)
    assert "out-of-bounds" in said
    assert "of line 3 of the lowered IR: %0 = tensor.pad" in said


def test_results_that_depend_on_memory_that_nobody_wrote_are_named() -> None:
    text = """func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
      %empty = tensor.empty() : tensor<2xf32>
      %0 = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
          outs(OUT : tensor<2xf32>) {
      ^bb0(%o: f32):
        %v = arith.addf %o, %o : f32
        linalg.yield %v : f32
      } -> tensor<2xf32>
      return %0 : tensor<2xf32>
    }"""
    assert checked(text.replace("OUT", "%x"), torch.ones(2)) == [2.0, 2.0]
    assert checked(text.replace("OUT", "%empty"), torch.ones(2)) == llvm_jit.UNWRITTEN


@pytest.mark.parametrize("stderr", ["", "Fatal: a segmentation fault", "mismatched size for broadcast"])
def test_a_death_of_something_else_has_no_cause(stderr: str) -> None:
    module = Lowered(dialect="linalg", ir=READS_THREE, program=PROGRAMS["add"])
    assert LlvmJitChecked().diagnose(module, stderr) == ""


@pytest.mark.parametrize("name", ["add", "softmax", "conv2d", "gather", "cat", "pad", "slice-view", "dynamic-matmul"])
def test_verification_changes_no_result(name: str) -> None:
    given = PROGRAMS[name]
    module = Linalg().lower(contract(given))
    plain, checked = (made.compile(module)(list(given.args)) for made in (LlvmJit(), LlvmJitChecked()))
    assert [t.tolist() for t in plain] == [t.tolist() for t in checked]


def test_a_slice_of_a_dim_of_size_1_is_no_mismatch_of_strides() -> None:
    text = """func.func @main(%x: tensor<1x6x3xf32>) -> tensor<1x3x3xf32> {
      %0 = tensor.extract_slice %x[0, 0, 0] [1, 3, 3] [1, 1, 1] : tensor<1x6x3xf32> to tensor<1x3x3xf32>
      return %0 : tensor<1x3x3xf32>
    }"""
    x = tensor(1, 6, 3)
    assert checked(text, x) == x[:, :3].flatten().tolist()


def test_sizes_that_hang_on_constants_by_way_of_floats_are_computed() -> None:
    """`arange` has such sizes. No pass folds a quotient of floats; StableHLO's interpreter does."""
    text = """
    func.func @main(%a: tensor<?xf32>) -> tensor<?xi64> {
      %five = stablehlo.constant dense<5.0> : tensor<f64>
      %two = stablehlo.constant dense<2.0> : tensor<f64>
      %0 = stablehlo.divide %five, %two : tensor<f64>
      %1 = stablehlo.ceil %0 : tensor<f64>
      %2 = stablehlo.convert %1 : (tensor<f64>) -> tensor<i64>
      %3 = stablehlo.reshape %2 : (tensor<i64>) -> tensor<1xi64>
      %4 = stablehlo.dynamic_iota %3, dim = 0 : (tensor<1xi64>) -> tensor<?xi64>
      return %4 : tensor<?xi64>
    }"""
    (found,) = run_lowered(text, "stablehlo", [torch.ones(2)])
    assert found.tolist() == [0, 1, 2]


# memory guards --------------------------------------------------------------------------------------------------------

AT = """
    %at = tensor.extract %i[] : tensor<i64>
    %index = arith.index_cast %at : i64 to index
"""
READS = {
    "argument": ("%x", ""),
    "buffer": (
        "%b",
        "%e = tensor.empty() : tensor<4xf32>"
        " %b = linalg.exp ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>",
    ),
    "constant": ("%c", "%c = arith.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>"),
}
X4 = torch.tensor([1.0, 2.0, 3.0, 4.0])


def reads(what: str) -> str:
    value, made = READS[what]
    return f"""
  func.func @main(%x: tensor<4xf32>, %i: tensor<i64>) -> tensor<f32> {{ {AT} {made}
    %r = tensor.extract {value}[%index] : tensor<4xf32>
    %t = tensor.from_elements %r : tensor<f32>
    return %t : tensor<f32>
  }}"""


EMPTY = """
func.func @main(%x: tensor<2xf32>) -> (tensor<2x0xi64>, tensor<2xi64>) {
  %none = arith.constant dense_resource<none> : tensor<2x0xi64>
  %some = arith.constant dense_resource<some> : tensor<2xi64>
  return %none, %some : tensor<2x0xi64>, tensor<2xi64>
}
{-# dialect_resources: { builtin: {
  none: "0x08000000", some: "0x0800000001000000000000000200000000000000"
} } #-}
"""


def test_a_resource_without_elements_is_a_constant_like_any_other() -> None:
    def results() -> list[object]:
        return [(list(t.shape), t.tolist()) for t in run_lowered(EMPTY, "linalg", [torch.ones(2)])]

    assert in_fork(results, 60) == [([2, 0], [[], []]), ([2], [1, 2])]  # it was SIGFPE


WRITES = f"""
  func.func @main(%x: tensor<4xf32>, %i: tensor<i64>) -> tensor<4xf32> {{ {AT}
    %r = tensor.extract %x[%index] : tensor<4xf32>
    %one = arith.constant 1.0 : f32
    %t = tensor.insert %one into %x[%index] : tensor<4xf32>
    return %t : tensor<4xf32>
  }}"""


def run_at(text: str, index: int) -> list[torch.Tensor]:
    return run_lowered(text, "linalg", [X4, torch.tensor(index)])


@pytest.mark.parametrize("index", (4, 5, 1000, 200_000, -2_100, -100_000))
@pytest.mark.parametrize("what", READS)
def test_a_read_past_the_end_or_far_in_front_kills_at_once(what: str, index: int) -> None:
    assert [t.shape for t in run_at(reads(what), 3)] == [torch.Size([])]
    with pytest.raises(ForkDied, match=r"^SIGSEGV"):
        in_fork(lambda: run_at(reads(what), index), 20)


@pytest.mark.parametrize("what", READS)
def test_a_read_just_in_front_yields_the_same_huge_value_every_time(what: str) -> None:
    values = {run_at(reads(what), index)[0].item() for index in (-1, -2, -500, -1) for _ in range(2)}
    assert values == {torch.full((4,), 0x7F, dtype=torch.uint8).view(torch.float32).item()}


@pytest.mark.parametrize("index", (4, 200_000, -100_000))
def test_a_write_past_the_end_or_far_in_front_kills_at_once(index: int) -> None:
    with pytest.raises(ForkDied, match=r"^SIGSEGV"):
        in_fork(lambda: run_at(WRITES, index), 20)


@pytest.mark.parametrize("index", (-1, -900))
def test_a_write_just_in_front_is_reported_after_the_run(index: int) -> None:
    with pytest.raises(ForkDied, match="SIGABRT: compiled code wrote in front of a buffer of 16 bytes"):
        in_fork(lambda: run_at(WRITES, index), 20)


def test_a_tensor_without_elements_has_no_memory() -> None:
    text = reads("argument").replace("4xf32", "?xf32")
    with pytest.raises(ForkDied, match=r"^SIGSEGV"):
        in_fork(lambda: run_lowered(text, "linalg", [torch.empty(0), torch.tensor(0)]), 20)


def many(blocks: int, at: int = 0) -> Callable[[], tuple[float, int]]:
    """Add 1 to each element `blocks` times, each time into a new buffer, and then write 1 into the last one."""
    text = f"""
  func.func @main(%x: tensor<4xf32>, %i: tensor<i64>) -> tensor<4xf32> {{ {AT}
    %zero = arith.constant 0 : index
    %one = arith.constant 1 : index
    %count = arith.constant {blocks} : index
    %f = arith.constant 1.0 : f32
    %sum = scf.for %k = %zero to %count step %one iter_args(%a = %x) -> tensor<4xf32> {{
      %e = tensor.empty() : tensor<4xf32>
      %b = linalg.fill ins(%f : f32) outs(%e : tensor<4xf32>) -> tensor<4xf32>
      %o = tensor.empty() : tensor<4xf32>
      %c = linalg.add ins(%a, %b : tensor<4xf32>, tensor<4xf32>) outs(%o : tensor<4xf32>) -> tensor<4xf32>
      scf.yield %c : tensor<4xf32>
    }}
    %t = tensor.insert %f into %sum[%index] : tensor<4xf32>
    return %t : tensor<4xf32>
  }}"""

    def run() -> tuple[float, int]:
        executable: Any = llvm_jit.compiled(text, "linalg")
        (result,) = executable([X4, torch.tensor(at)])
        return result[3].item(), executable.unguarded

    return run


def test_ten_thousand_allocations_are_right_and_those_without_a_guard_are_counted() -> None:
    value, unguarded = in_fork(many(10_000), 60)
    assert value == 10_004.0
    assert unguarded >= 10_000 - llvm_jit.GUARDED
    assert in_fork(many(1_000), 60) == (1_004.0, 0)


@pytest.mark.parametrize(("at", "where"), ((4, "past the end of"), (-1, "in front of")))
def test_a_write_out_of_a_block_without_a_guard_is_reported_after_the_run(at: int, where: str) -> None:
    with pytest.raises(ForkDied, match=f"SIGABRT: compiled code wrote {where} a buffer of 16 bytes"):
        in_fork(many(10_000, at), 60)


def test_memory_for_blocks_is_used_again() -> None:
    def grown() -> int:
        run = many(300)
        run()
        before = resident()
        for _ in range(20):
            run()
        return resident() - before

    assert in_fork(grown, 60) < 4 << 20
