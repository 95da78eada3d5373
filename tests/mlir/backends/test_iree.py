"""IREE against eager: static and dynamic modules, every dtype, and what it cannot do."""

from __future__ import annotations

import pytest
import torch

from harness.programs.protocols import CannotExecute, Executable, Lowered
from tests.mlir.backends.test_llvm_jit import COMPLEX, FLOATS, INTEGERS, check, eager, lowered
from tests.mlir.example_programs import PROGRAMS, X, aten, program, tensor

pytest.importorskip("iree.runtime")
from backends.executors import iree
from backends.executors.iree import Iree


def written(text: str) -> Executable:
    return Iree().compile(Lowered(dialect="linalg", ir=text, program=PROGRAMS["add"]))


@pytest.mark.parametrize("name", ["conv2d", "softmax", "sort", "cumsum", "weights"])
def test_what_it_runs_is_what_eager_computes(name: str) -> None:
    given = PROGRAMS[name]
    check(Iree().compile(lowered(given, "linalg"))(given.args), eager(given, given.args))


def test_one_artifact_runs_at_several_sizes() -> None:
    given = PROGRAMS["dynamic-matmul"]
    run = Iree().compile(lowered(given, "linalg"))
    for rows in (4, 1, 0, 7):
        inputs = tuple(tensor(rows, *x.shape[1:]) if x.shape[0] == X.shape[0] else x for x in given.args)
        check(run(inputs), eager(given, inputs))


def test_every_dtype_and_rank_goes_in_and_comes_out() -> None:
    dtypes = (*INTEGERS, *FLOATS, *COMPLEX)
    values = [tensor(*shape, dtype=dtype) for dtype in dtypes for shape in ((), (2, 3), (0, 3))]
    given = program(lambda *all: tuple(aten.clone.default(x) for x in all), *values)
    check(Iree().compile(lowered(given, "linalg"))(given.args), eager(given, given.args))


def test_scalars_go_in_and_come_out() -> None:
    text = "func.func @main(%i: i64, %x: f32, %b: i1) -> (i64, f32, i1) { return %i, %x, %b : i64, f32, i1 }"
    found = written(text)([torch.tensor(7), torch.tensor(0.5), torch.tensor(True)])
    assert [(t.item(), t.dtype, t.shape) for t in found] == [
        (7, torch.int64, ()), (0.5, torch.float32, ()), (True, torch.bool, ()),
    ]  # fmt: skip


def test_sums_keep_their_order_and_f16_is_rounded_after_each_operation() -> None:
    text = """func.func @main(%x: tensor<4xf16>) -> tensor<f16> {
      %zero = arith.constant dense<0.0> : tensor<f16>
      %sum = linalg.generic {
        indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> ()>], iterator_types = ["reduction"]
      } ins(%x : tensor<4xf16>) outs(%zero : tensor<f16>) {
      ^bb0(%in: f16, %out: f16):
        %added = arith.addf %out, %in : f16
        linalg.yield %added : f16
      } -> tensor<f16>
      return %sum : tensor<f16>
    }"""
    (found,) = written(text)([torch.tensor([2048.0, 1.0, 1.0, 1.0], dtype=torch.float16)])
    assert found.item() == 2048


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("func.func @main(%x: f32) -> f32 { CONST return %x : f32 }", "IREE does not compile it: .*expected 'values'"),
        (
            "func.func @main(%x: tensor<2xcomplex<f16>>) -> tensor<2xcomplex<f16>> "
            "{ return %x : tensor<2xcomplex<f16>> }",
            "complex<f16> cannot be passed",
        ),
    ],
    ids=["op", "type"],
)
def test_what_it_cannot_compile_is_a_limit_of_it(text: str, why: str) -> None:
    newer = "%0 = tosa.const_shape {values = dense<1> : tensor<1xindex>} : () -> !tosa.shape<1>\n"
    with pytest.raises(CannotExecute, match=why):
        written(text.replace("CONST", newer))


def test_a_compiler_that_takes_too_long_is_a_limit_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(iree, "WAITED_SECONDS", 0.01)
    with pytest.raises(CannotExecute, match=r"does not compile it in 0\.01 s"):
        Iree().compile(lowered(PROGRAMS["add"], "linalg"))


def test_an_assertion_that_fails_is_a_limit_of_it() -> None:
    text = """func.func @main(%x: i1) -> i1 {
      cf.assert %x, "it is false"
      return %x : i1
    }"""
    run = written(text)
    assert run([torch.tensor(True)])[0].item()
    with pytest.raises(CannotExecute, match=r"IREE does not run it.*it is false"):
        run([torch.tensor(False)])
