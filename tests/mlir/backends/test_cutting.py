"""Pieces of real programs: they parse, and compute what the whole program computes there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import torch

from backends import cutting
from backends.cutting import TorchCuttable
from backends.lowerings.linalg import Linalg
from harness.programs.cutting import CannotCut, Piece, Point
from harness.programs.protocols import CannotExecute, Contract, NotExpressible
from tests.mlir.example_programs import PROGRAMS, ROWS, X, aten, contract, program, tensor

Values = Mapping[Point, Any]

SORTED = """
func.func @main(%x: !torch.vtensor<[3,4],f32>) -> !torch.vtensor<[3,2],f32> {
  %int0 = torch.constant.int 0
  %int1 = torch.constant.int 1
  %int2 = torch.constant.int 2
  %true = torch.constant.bool true
  %values, %indices = torch.aten.sort %x, %int1, %true
    : !torch.vtensor<[3,4],f32>, !torch.int, !torch.bool -> !torch.vtensor<[3,4],f32>, !torch.vtensor<[3,4],si64>
  %0 = torch.aten.slice.Tensor %values, %int1, %int0, %int2, %int1
    : !torch.vtensor<[3,4],f32>, !torch.int, !torch.int, !torch.int, !torch.int -> !torch.vtensor<[3,2],f32>
  return %0 : !torch.vtensor<[3,2],f32>
}
"""
SIZED = """
func.func @main(%x: !torch.vtensor<[?,4],f32>, %y: !torch.vtensor<[4],f32>) -> !torch.vtensor<[?],f32> {
  %int0 = torch.constant.int 0
  %int4 = torch.constant.int 4
  %s0 = torch.symbolic_int "s0" {min_val = 0, max_val = 9} : !torch.int
  torch.bind_symbolic_shape %x, [%s0], affine_map<()[s0] -> (s0, 4)> : !torch.vtensor<[?,4],f32>
  %0 = torch.aten.tanh %x : !torch.vtensor<[?,4],f32> -> !torch.vtensor<[?,4],f32>
  torch.bind_symbolic_shape %0, [%s0], affine_map<()[s0] -> (s0, 4)> : !torch.vtensor<[?,4],f32>
  %1 = torch.aten.mul.Tensor %0, %y
    : !torch.vtensor<[?,4],f32>, !torch.vtensor<[4],f32> -> !torch.vtensor<[?,4],f32>
  %rows = torch.aten.size.int %0, %int0 : !torch.vtensor<[?,4],f32>, !torch.int -> !torch.int
  %all = torch.aten.mul.int %rows, %int4 : !torch.int, !torch.int -> !torch.int
  %shape = torch.prim.ListConstruct %all : (!torch.int) -> !torch.list<int>
  %2 = torch.aten.view %1, %shape : !torch.vtensor<[?,4],f32>, !torch.list<int> -> !torch.vtensor<[?],f32>
  return %2 : !torch.vtensor<[?],f32>
}
"""
READ = """
func.func @main(%x: !torch.vtensor<[3],f32>, %n: !torch.vtensor<[],si64>) -> !torch.vtensor<[3],f32> {
  %int1 = torch.constant.int 1
  %0 = torch.aten.Int.Tensor %n : !torch.vtensor<[],si64> -> !torch.int
  %1 = torch.aten.add.Scalar %x, %0, %int1 : !torch.vtensor<[3],f32>, !torch.int, !torch.int -> !torch.vtensor<[3],f32>
  return %1 : !torch.vtensor<[3],f32>
}
"""
ASSERTED = """
func.func @main(%x: !torch.vtensor<[?],f32>, %y: !torch.vtensor<[?],f32>) -> !torch.vtensor<[?],f32> {
  %int0 = torch.constant.int 0
  %0 = torch.aten.size.int %x, %int0 : !torch.vtensor<[?],f32>, !torch.int -> !torch.int
  %1 = torch.aten.size.int %y, %int0 : !torch.vtensor<[?],f32>, !torch.int -> !torch.int
  %2 = torch.aten.eq.int %0, %1 : !torch.int, !torch.int -> !torch.bool
  torch.runtime.assert %2, "sizes differ"
  %3 = torch.aten.mul.Tensor %x, %y : !torch.vtensor<[?],f32>, !torch.vtensor<[?],f32> -> !torch.vtensor<[?],f32>
  return %3 : !torch.vtensor<[?],f32>
}
"""
LOOPED = """
func.func @main(%x: !torch.vtensor<[3],f32>, %y: !torch.vtensor<[3],f32>) -> !torch.vtensor<[3],f32> {
  %int2 = torch.constant.int 2
  %true = torch.constant.bool true
  %0 = torch.aten.tanh %y : !torch.vtensor<[3],f32> -> !torch.vtensor<[3],f32>
  %1 = torch.prim.Loop %int2, %true, init(%x) {
  ^bb0(%i: !torch.int, %carried: !torch.vtensor<[3],f32>):
    %2 = torch.aten.mul.Tensor %carried, %0
      : !torch.vtensor<[3],f32>, !torch.vtensor<[3],f32> -> !torch.vtensor<[3],f32>
    torch.prim.Loop.condition %true, iter(%2 : !torch.vtensor<[3],f32>)
  } : (!torch.int, !torch.bool, !torch.vtensor<[3],f32>) -> !torch.vtensor<[3],f32>
  return %1 : !torch.vtensor<[3],f32>
}
"""
LISTED = """
func.func @main(%x: !torch.vtensor<[4,3],f32>) -> !torch.vtensor<[4,3],f32> {
  %int0 = torch.constant.int 0
  %int2 = torch.constant.int 2
  %0 = torch.aten.split.Tensor %x, %int2, %int0
    : !torch.vtensor<[4,3],f32>, !torch.int, !torch.int -> !torch.list<vtensor<[2,3],f32>>
  %1:2 = torch.prim.ListUnpack %0
    : !torch.list<vtensor<[2,3],f32>> -> !torch.vtensor<[2,3],f32>, !torch.vtensor<[2,3],f32>
  %2 = torch.prim.ListConstruct %1#1, %1#0
    : (!torch.vtensor<[2,3],f32>, !torch.vtensor<[2,3],f32>) -> !torch.list<vtensor>
  %3 = torch.aten.cat %2, %int0 : !torch.list<vtensor>, !torch.int -> !torch.vtensor<[4,3],f32>
  return %3 : !torch.vtensor<[4,3],f32>
}
"""


def values(text: str, *inputs: torch.Tensor) -> Values:
    """Every value of a program."""
    found: dict[Point, Any] = {(-1, i): value for i, value in enumerate(inputs)}
    cutting.interpret(text, inputs, watch=lambda i, made: found.update({(i, j): v for j, v in enumerate(made)}))
    return found


def agrees(piece: Piece, known: Values) -> bool:
    """Whether a piece computes what the whole program computes there."""
    got = cutting.interpret(piece.ir, [known[point] for point in piece.arguments])
    want = [torch.as_tensor(known[point]) for point in piece.results]
    return len(got) == len(want) and all(torch.equal(a, b.contiguous()) for a, b in zip(got, want, strict=True))


def pieces(cuttable: TorchCuttable, known: Values) -> list[Piece]:
    """Each op alone, and the program without it."""
    every = range(len(cuttable.ops))
    return [piece for i in every for piece in (cuttable.only([i], known), cuttable.without([i], known))]


@pytest.mark.parametrize("name", [*list(PROGRAMS)[3::4], *(name for name in PROGRAMS if "dynamic" in name)])
def test_every_op_alone_and_the_rest_without_it_compute_the_same_values(name: str) -> None:
    text = contract(PROGRAMS[name]).ir
    known = values(text, *PROGRAMS[name].args)
    cuttable = cutting.cuttable(text)
    assert cuttable.whole().results or not cuttable.ops
    assert agrees(cuttable.whole(), known)
    assert all(agrees(piece, known) for piece in pieces(cuttable, known))


@pytest.mark.parametrize("name", ["softmax", "dynamic-layer-norm", "topk", "index", "weights"])
def test_pieces_lower_and_verify_as_any_program(name: str) -> None:
    cuttable = cutting.cuttable(contract(PROGRAMS[name]).ir)
    linalg = Linalg()
    for piece in pieces(cuttable, {}):
        given = Contract(program=PROGRAMS[name], ir=piece.ir, exported=(), reached=piece.ops)
        linalg.verify(linalg.lower(given))


def test_the_piece_of_a_programs_only_op_is_the_whole() -> None:
    cuttable = cutting.cuttable(contract(PROGRAMS["gelu"]).ir)
    assert cuttable.only([0]).ir == cuttable.whole().ir == contract(PROGRAMS["gelu"]).ir
    assert cuttable.without([0]).results == ()


def test_only_the_results_that_are_used_are_results() -> None:
    alone = cutting.cuttable(SORTED).only([0])
    assert alone.ops == ("torch.aten.sort",)
    assert [result for _, result in alone.results] == [0]
    assert alone.outputs == (None,)
    assert alone.behind == (("torch.aten.sort",),)


def test_a_size_makes_its_tensor_an_argument_and_bindings_come_along() -> None:
    cuttable = cutting.cuttable(SIZED)
    assert cuttable.ops == ("torch.aten.tanh", "torch.aten.mul.Tensor", "torch.aten.view")
    view = cuttable.only([2])
    assert [str(line.split(" ")[4]) for line in view.ir.splitlines() if "size.int" in line] != []
    assert len(view.arguments) == 2  # the product, and the tensor that the size is of
    assert view.ir.count("torch.bind_symbolic_shape") == 1
    assert agrees(view, values(SIZED, tensor(3, 4), tensor(4)))
    rest = cuttable.without([1])
    assert rest.results[-1] == view.results[0]
    assert agrees(rest, values(SIZED, tensor(3, 4), tensor(4)))


def test_what_a_cut_op_used_is_returned() -> None:
    rest = cutting.cuttable(SIZED).without([1, 2])
    assert rest.ops == ("torch.aten.tanh",)
    assert agrees(rest, values(SIZED, tensor(2, 4), tensor(4)))
    assert rest.outputs == (None,)


def test_a_number_that_is_read_of_a_tensor_becomes_a_constant() -> None:
    cuttable = cutting.cuttable(READ)
    assert cuttable.ops == ("torch.aten.Int.Tensor", "torch.aten.add.Scalar")
    known = values(READ, tensor(3), torch.tensor(7))
    alone = cuttable.only([1], known)
    assert "torch.constant.int 7" in alone.ir
    assert alone.constants == ((1, 0),)
    assert agrees(alone, known)
    with pytest.raises(CannotCut, match=r"type !torch\.int is needed"):
        cuttable.only([1])
    with pytest.raises(CannotCut, match="nothing but numbers"):
        cuttable.only([0], known)


def test_an_assertion_is_an_op_of_its_own() -> None:
    cuttable = cutting.cuttable(ASSERTED)
    assert cuttable.ops == ("torch.runtime.assert", "torch.aten.mul.Tensor")
    alone = cuttable.only([0])
    assert (len(alone.arguments), alone.results) == (2, ())
    assert "size.int" not in cuttable.without([0]).ir


def test_a_loop_is_one_op_and_takes_what_its_body_uses() -> None:
    cuttable = cutting.cuttable(LOOPED)
    assert cuttable.ops == ("torch.aten.tanh", "torch.prim.Loop")
    loop = cuttable.only([1])
    assert len(loop.arguments) == 2
    assert loop.behind == (("torch.aten.mul.Tensor",),)
    assert agrees(loop, values(LOOPED, tensor(3), tensor(3)))


def test_lists_of_tensors_are_taken_apart_at_the_edge() -> None:
    cuttable = cutting.cuttable(LISTED)
    known = values(LISTED, tensor(4, 3))
    assert cuttable.ops == ("torch.aten.split.Tensor", "torch.aten.cat")
    split, joined = cuttable.only([0]), cuttable.only([1])
    assert (len(split.arguments), len(split.results)) == (1, 2)
    assert (len(joined.arguments), len(joined.results)) == (2, 1)
    assert agrees(split, known)
    assert agrees(joined, known)


def test_what_nobody_needs_is_compiled_all_the_same() -> None:
    idle = "%idle = torch.aten.tanh %x : !torch.vtensor<[3,4],f32> -> !torch.vtensor<[3,4],f32>"
    cuttable = cutting.cuttable(SORTED.replace("return", f"{idle}\nreturn"))
    assert cuttable.ops == ("torch.aten.sort", "torch.aten.slice.Tensor", "torch.aten.tanh")
    assert "tanh" in cuttable.whole().ir
    assert len(cuttable.only([2]).results) == 1


def test_weights_come_along_with_the_op_that_takes_them() -> None:
    text = contract(PROGRAMS["weights"]).ir
    assert "dense_resource" in text
    cuttable = cutting.cuttable(text)
    known = values(text, *PROGRAMS["weights"].args)
    assert all(agrees(piece, known) for piece in pieces(cuttable, known))


def test_a_text_that_is_not_valid_cannot_be_cut() -> None:
    with pytest.raises(CannotCut, match="not valid"):
        cutting.cuttable("func.func @main() { torch.nonsense }")


def test_in_float64_every_narrower_float_is_computed_in_it() -> None:
    text = contract(program(lambda x: aten._to_copy.default(aten.exp.default(x), dtype=torch.bfloat16), X)).ir
    (narrow,), (wide,) = cutting.interpret(text, [X]), cutting.interpret(text, [X.double()], wide=True)
    assert (narrow.dtype, wide.dtype) == (torch.bfloat16, torch.float64)
    assert torch.equal(wide, X.double().exp())


def test_what_the_interpreter_has_computed_is_told_until_it_fails() -> None:
    bad = SORTED.replace("torch.constant.int 2", "torch.constant.int 2\n%bad = torch.constant.int 7").replace(
        "%values, %int1, %int0", "%values, %bad, %int0"
    )
    told: list[int] = []
    with pytest.raises(CannotExecute):
        cutting.interpret(bad, [tensor(3, 4)], watch=lambda place, made: told.append(place))
    assert len(told) == 6  # five constants and the sort


# before the contract --------------------------------------------------------------------------------------------------


def refused(call: Any, *args: Any, **more: Any) -> str:
    try:
        call(*args, **more)
    except NotExpressible as why:
        return why.stage
    return ""


def test_what_the_contract_refuses_is_cut_as_it_was_imported() -> None:
    lacking = program(lambda x: aten.tanh.default(aten.median.dim(x, 1)[0]), X)
    cuttable = cutting.cuttable(cutting.imported(lacking))
    ends = {cuttable.ops[i]: refused(cutting.legalize, cuttable.only([i]).ir) for i in range(len(cuttable.ops))}
    assert ends == {"torch.aten.median.dim": "contract", "torch.aten.tanh": ""}
    assert refused(cutting.legalize, cuttable.without([cuttable.ops.index("torch.aten.median.dim")]).ir) == ""


def test_what_the_importer_refuses_is_cut_as_it_was_exported() -> None:
    lacking = program(lambda x: aten.tanh.default(x * aten.scalar_tensor.default(1 + 2j, dtype=torch.complex64)), X)
    graph = cutting.exported(lacking)
    every = range(len(graph.ops))
    assert [graph.ops[i] for i in every if refused(graph.run, [i], legalize=True)] == ["torch.aten.scalar_tensor"]
    culprit = graph.ops.index("torch.aten.scalar_tensor")
    assert refused(graph.run, every, legalize=True) == "import"
    assert refused(graph.run, [i for i in every if i != culprit], legalize=True) == ""
    assert "scalar_tensor" in graph.only([culprit]).ir


def test_what_the_importer_makes_that_is_not_valid_is_cut_as_it_was_exported() -> None:
    lacking = program(lambda x: aten.tanh.default(aten.median.dim(x, 1)[0]), X)
    graph = cutting.exported(lacking)
    ends = [refused(graph.run, [i], legalize=True) for i in range(len(graph.ops))]
    assert dict(zip(graph.ops, ends, strict=True)) == {"torch.aten.median.dim": "contract", "torch.aten.tanh": ""}
    assert refused(graph.run, range(len(graph.ops)), legalize=False) == ""


def test_a_constant_that_is_returned_can_be_at_fault() -> None:
    literal = "torch.vtensor.literal(dense<1.0> : tensor<2xf32>) : !torch.vtensor<[2],f32>"
    cuttable = cutting.cuttable(
        f"func.func @main() -> !torch.vtensor<[2],f32> {{ %0 = {literal} return %0 : !torch.vtensor<[2],f32> }}"
    )
    assert cuttable.ops == ("torch.vtensor.literal",)
    assert agrees(cuttable.only([0]), {(0, 0): torch.ones(2)})


def test_none_that_is_returned_can_be_at_fault_and_comes_along_where_an_op_takes_it() -> None:
    cuttable = cutting.cuttable("""
func.func @main(%x: !torch.vtensor<[3,4],f32>) -> (!torch.none, !torch.vtensor<[],f32>) {
  %none = torch.constant.none
  %0 = torch.aten.sum %x, %none : !torch.vtensor<[3,4],f32>, !torch.none -> !torch.vtensor<[],f32>
  return %none, %0 : !torch.none, !torch.vtensor<[],f32>
}""")
    assert cuttable.ops == ("torch.constant.none", "torch.aten.sum")
    assert "return %none : !torch.none" in cuttable.only([0]).ir
    whole, rest = cuttable.whole(), cuttable.without([0])
    assert (whole.results, whole.outputs) == (rest.results, rest.outputs) == (((1, 0),), (0,))
    assert "-> !torch.vtensor<[],f32>" in rest.ir
    assert rest.ir.count("torch.constant.none") == 1


def test_pieces_of_an_exported_graph_with_other_inputs_are_told_apart() -> None:
    texts = [
        cutting.exported(program(aten.tanh.default, torch.ones(2, dtype=dtype))).only([0]).ir
        for dtype in (torch.float32, torch.float64)
    ]
    assert [text.splitlines()[0].split(": ")[1] for text in texts] == ["float32[2]", "float64[2]"]


def test_results_of_a_call_are_taken_apart_in_its_piece() -> None:
    graph = cutting.exported(program(lambda x: aten.tanh.default(aten.sort.default(x)[0]), X, dynamic=(ROWS,)))
    assert graph.ops == ("torch.aten.sort", "torch.aten.tanh")
    assert [refused(graph.run, [i], legalize=True) for i in range(2)] == ["", ""]
    assert graph.only([0]).ir.count("getitem") or "[0]" in graph.only([0]).ir


def test_a_program_that_writes_to_an_argument_has_no_op_to_blame() -> None:
    written = program(lambda x: aten.add_.Tensor(x, 1), X.clone())
    with pytest.raises(NotExpressible, match="writes to an argument"):
        cutting.exported(written)
