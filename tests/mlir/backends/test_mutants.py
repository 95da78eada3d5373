"""Mutants: each kind changes what it says, in each dialect, and leaves IR that verifies."""

from __future__ import annotations

import re

import pytest

from backends import ir
from backends.mutants import KINDS, apply_mutant, find_mutants, normalize
from harness.records.mutant import Mutant

LINALG = """
#map = affine_map<(d0, d1) -> (d0, d1)>
func.func @main(%a: tensor<3x3xf32>, %b: tensor<3x3xf32>, %u: tensor<3x3xi8>) -> (tensor<3x3xf32>, tensor<3x3xf32>) {
  %0 = tensor.empty() : tensor<3x3xf32>
  %1 = linalg.generic {indexing_maps = [#map, #map, #map, #map], iterator_types = ["parallel", "parallel"]}
      ins(%a, %b, %u : tensor<3x3xf32>, tensor<3x3xf32>, tensor<3x3xi8>) outs(%0 : tensor<3x3xf32>) {
  ^bb0(%x: f32, %y: f32, %n: i8, %out: f32):
    %one = arith.constant 1.0 : f32
    %2 = arith.subf %x, %y : f32
    %3 = arith.negf %2 : f32
    %4 = arith.maximumf %3, %one : f32
    %5 = arith.cmpf olt, %4, %y : f32
    %6 = arith.select %5, %4, %y : f32
    %7 = arith.uitofp %n : i8 to f32
    %8 = arith.addf %6, %7 : f32
    linalg.yield %8 : f32
  } -> tensor<3x3xf32>
  %m = linalg.matmul ins(%a, %b : tensor<3x3xf32>, tensor<3x3xf32>) outs(%0 : tensor<3x3xf32>) -> tensor<3x3xf32>
  return %1, %m : tensor<3x3xf32>, tensor<3x3xf32>
}
"""
SLICES = """
func.func @main(%a: tensor<?x6xf32>) -> tensor<?x5xf32> {
  %zero = arith.constant 0 : index
  %pad = arith.constant 0.5 : f32
  %n = tensor.dim %a, %zero : tensor<?x6xf32>
  %0 = tensor.extract_slice %a[0, 1] [%n, 2] [1, 2] : tensor<?x6xf32> to tensor<?x2xf32>
  %1 = tensor.pad %0 low[0, 1] high[0, 2] {
  ^bb0(%i: index, %j: index):
    tensor.yield %pad : f32
  } : tensor<?x2xf32> to tensor<?x5xf32>
  return %1 : tensor<?x5xf32>
}
"""
TOSA = """
func.func @main(%a: tensor<2x2xf32>, %b: tensor<2x2xf32>) -> tensor<2x1xf32> {
  %c = "tosa.const"() <{values = dense<1.5> : tensor<1x1xf32>}> : () -> tensor<1x1xf32>
  %0 = tosa.sub %a, %b : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %1 = tosa.negate %0, %zp, %zp : (tensor<2x2xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<2x2xf32>
  %2 = tosa.maximum %1, %c : (tensor<2x2xf32>, tensor<1x1xf32>) -> tensor<2x2xf32>
  %3 = tosa.greater %2, %b : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xi1>
  %4 = tosa.select %3, %2, %b : (tensor<2x2xi1>, tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %5 = tosa.transpose %4 {perms = array<i32: 1, 0>} : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %6 = tosa.reduce_sum %5 {axis = 1 : i32} : (tensor<2x2xf32>) -> tensor<2x1xf32>
  return %6 : tensor<2x1xf32>
}
""".replace(
    "  %0 = tosa.sub",
    '  %zp = "tosa.const"() <{values = dense<0.0> : tensor<1xf32>}> : () -> tensor<1xf32>\n  %0 = tosa.sub',
)
STABLEHLO = """
func.func @main(%a: tensor<3x3xf32>, %u: tensor<3x3xui8>) -> (tensor<3xf32>, tensor<3x2xf32>) {
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %0 = stablehlo.convert %u : (tensor<3x3xui8>) -> tensor<3x3xf32>
  %1 = stablehlo.subtract %a, %0 : tensor<3x3xf32>
  %2 = stablehlo.negate %1 : tensor<3x3xf32>
  %3 = stablehlo.maximum %2, %a : tensor<3x3xf32>
  %4 = stablehlo.compare LT, %3, %a, FLOAT : (tensor<3x3xf32>, tensor<3x3xf32>) -> tensor<3x3xi1>
  %5 = stablehlo.select %4, %3, %a : tensor<3x3xi1>, tensor<3x3xf32>
  %6 = stablehlo.transpose %5, dims = [1, 0] : (tensor<3x3xf32>) -> tensor<3x3xf32>
  %7 = stablehlo.reduce(%6 init: %zero) applies stablehlo.add across dimensions = [1]
      : (tensor<3x3xf32>, tensor<f32>) -> tensor<3xf32>
  %8 = stablehlo.slice %6 [0:3, 0:3:2] : (tensor<3x3xf32>) -> tensor<3x2xf32>
  return %7, %8 : tensor<3xf32>, tensor<3x2xf32>
}
"""

CHANGES = [
    (LINALG, "swap", "arith.subf", "arith.subf %in_0, %in"),
    (LINALG, "drop", "arith.negf", "arith.maximumf %3, "),
    (LINALG, "predicate", "arith.cmpf", "arith.cmpf ole"),
    (LINALG, "constant", "arith.constant", "2.000000e+00 : f32"),
    (LINALG, "transpose", "linalg.generic", "affine_map<(d0, d1) -> (d1, d0)>"),
    (LINALG, "accumulator", "linalg.generic", "arith.andi"),
    (LINALG, "nan", "arith.maximumf", "arith.maxnumf"),
    (LINALG, "sign", "arith.uitofp", "arith.sitofp"),
    (SLICES, "offset", "tensor.extract_slice", "[0, 2] [%dim, 2]"),
    (SLICES, "offset", "tensor.pad", "low[0, 2] high[0, 1]"),
    (SLICES, "freeze", "tensor.dim", "arith.constant 4 : index"),
    (TOSA, "swap", "tosa.sub", "tosa.sub %arg1, %arg0"),
    (TOSA, "drop", "tosa.maximum", "tosa.greater %3"),
    (TOSA, "predicate", "tosa.greater", "tosa.greater_equal"),
    (TOSA, "constant", "tosa.const", "dense<2.500000e+00>"),
    (TOSA, "transpose", "tosa.transpose", "perms = array<i32: 0, 1>"),
    (TOSA, "accumulator", "tosa.reduce_sum", "tensor<2x2xbf16>"),
    (TOSA, "nan", "tosa.maximum", "nan_mode = IGNORE"),
    (STABLEHLO, "swap", "stablehlo.subtract", "stablehlo.subtract %0, %arg0"),
    (STABLEHLO, "drop", "stablehlo.negate", "stablehlo.maximum %1, %arg0"),
    (STABLEHLO, "predicate", "stablehlo.compare", "stablehlo.compare LE"),
    (STABLEHLO, "constant", "stablehlo.constant", "dense<1.000000e+00>"),
    (STABLEHLO, "transpose", "stablehlo.transpose", "dims = [0, 1]"),
    (STABLEHLO, "accumulator", "stablehlo.reduce", "format = e8m7"),
    (STABLEHLO, "nan", "stablehlo.maximum", "stablehlo.compare GT"),
    (STABLEHLO, "sign", "stablehlo.convert", "(tensor<3x3xui8>) -> tensor<3x3xi8>"),
    (STABLEHLO, "offset", "stablehlo.slice", "0:2]"),
]
SHAPES = {LINALG: [[3, 3]] * 3, SLICES: [[4, 6]], TOSA: [[2, 2]] * 2, STABLEHLO: [[3, 3]] * 2}


@pytest.mark.parametrize(("text", "kind", "op", "left"), CHANGES, ids=[f"{k}-{op}" for _, k, op, _ in CHANGES])
def test_mutant_changes_what_it_says(text, kind, op, left):
    found = [m for m in find_mutants(text, SHAPES[text], [kind]) if m.op == op]
    assert found, "no mutant of that kind"
    made = [apply_mutant(text, mutant, SHAPES[text]) or "" for mutant in found]
    assert left not in ir.lowered(text, "builtin.module()")
    assert any(left in changed for changed in made), made


def test_every_kind_is_shown_to_change_something():
    assert {kind for _, kind, _, _ in CHANGES} == set(KINDS)


def test_mutant_without_a_place_is_none():
    assert apply_mutant(TOSA, Mutant("swap", "tosa.pow", "operands swapped", 0), SHAPES[TOSA]) is None
    assert apply_mutant(TOSA, Mutant("swap", "tosa.sub", "operands swapped", 7), SHAPES[TOSA]) is None


def test_nothing_is_transposed_where_there_are_no_elements() -> None:
    empty = STABLEHLO.replace("3x3", "0x3x3").replace("dims = [1, 0]", "dims = [0, 2, 1]")
    head = empty.partition("  %7 =")[0] + "  return %6 : tensor<0x3x3xf32>\n}"
    text = head.replace("(tensor<3xf32>, tensor<3x2xf32>)", "tensor<0x3x3xf32>")
    assert find_mutants(text.replace("0x3x3", "2x3x3"), [[2, 3, 3]] * 2, ["transpose"])
    assert find_mutants(text, [[0, 3, 3]] * 2, ["transpose"]) == []


OVER_BOTH = """
func.func @main(%a: tensor<3x3xf32>, %init: tensor<f32>) -> tensor<f32> {
  %0 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> ()>],
    iterator_types = ["reduction", "reduction"]} ins(%a : tensor<3x3xf32>) outs(%init : tensor<f32>) {
  ^bb0(%x: f32, %so_far: f32):
    %p = linalg.index 0 : index
    %i = arith.index_cast %p : index to i32
    %f = arith.sitofp %i : i32 to f32
    %w = arith.mulf %x, %f : f32
    %1 = arith.addf %w, %so_far : f32
    linalg.yield %1 : f32
  } -> tensor<f32>
  return %0 : tensor<f32>
}"""
WHATEVER_THE_PLACE = re.sub(r"    %p = (.|\n)*%w = .*\n", "", OVER_BOTH).replace("%w", "%x")


@pytest.mark.parametrize("by", ["arith.addf", "arith.mulf"])
def test_a_sum_over_both_dims_is_right_in_any_order(by: str) -> None:
    assert not find_mutants(WHATEVER_THE_PLACE.replace("arith.addf", by), [[3, 3], []], ["transpose"])


@pytest.mark.parametrize(
    "text",
    [
        OVER_BOTH,
        WHATEVER_THE_PLACE.replace("arith.addf", "arith.subf"),
        WHATEVER_THE_PLACE.replace("-> ()>", "-> (d0)>")
        .replace('["reduction"', '["parallel"')
        .replace("<f32>", "<3xf32>"),
    ],
    ids=["weighted by its place", "folded in another way", "summed over one of them"],
)
def test_what_is_no_sum_over_both_dims_is_not(text: str) -> None:
    assert find_mutants(text, [[3, 3], [3]], ["transpose"])


def test_mutants_of_one_op_differ_and_are_the_same_each_time():
    found = find_mutants(LINALG, SHAPES[LINALG], tuple(KINDS))
    assert len(set(found)) == len(found)
    assert found == find_mutants(LINALG, SHAPES[LINALG], tuple(KINDS))


def test_what_has_no_use_is_no_mistake():
    dead = LINALG.replace("%8 = arith.addf %6, %7 : f32", "%8 = arith.addf %6, %6 : f32")
    (signed,) = find_mutants(dead, SHAPES[LINALG], ["sign"])
    unseen = apply_mutant(dead, signed, SHAPES[LINALG])
    assert unseen is not None
    assert normalize(unseen) == normalize(dead)
    alive = apply_mutant(LINALG, signed, SHAPES[LINALG])
    assert alive is not None
    assert normalize(alive) != normalize(LINALG)


@pytest.mark.parametrize(("result", "left"), [("f64", "e11m23"), ("f32", "e11m7")])
def test_a_wider_accumulator_is_truncated_to_less_than_the_result_needs(result: str, left: str) -> None:
    narrowed = "  %2 = stablehlo.convert %1 : (tensor<2xf64>) -> tensor<2xf32>\n" if result == "f32" else ""
    text = f"""
func.func @main(%a: tensor<2x3xf64>) -> tensor<2x{result}> {{
  %zero = stablehlo.constant dense<0.0> : tensor<f64>
  %1 = stablehlo.reduce(%a init: %zero) applies stablehlo.add across dimensions = [1]
      : (tensor<2x3xf64>, tensor<f64>) -> tensor<2xf64>
{narrowed}  return %{2 if narrowed else 1} : tensor<2x{result}>
}}
"""
    (found,) = find_mutants(text, [[2, 3]], ["accumulator"])
    assert f"format = {left}" in (apply_mutant(text, found, [[2, 3]]) or "")
