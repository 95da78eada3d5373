"""What pieces are held to: the class of an op's case, compositions of them, or the interpreter's own error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch

from harness.cases.case import OpCase
from harness.cases.numeric import EXACT, Composite, Distribution, Exact, Linear, Numeric, ShapeOnly, Tail, Ulp
from harness.judging.compare import compare
from harness.judging.piece_reference import NO_CASE, Whole, canonical_case, case_of, classes_of, piece_run
from harness.judging.reference import Run
from harness.judging.tolerance import SLACK, Bounded, own_error
from harness.programs.cutting import Piece
from harness.records.outcome import Wrong

CASES = {
    "aten.exp.default": Ulp(4),
    "aten.add.Tensor": Ulp(1),
    "aten.mm.default": Linear(("k",)),
    "aten.softmax.int": Composite((Ulp(4), Linear(("d",))), least=0.5),
    "aten.log_softmax.int": Tail(3),
    "aten.view.default": EXACT,
    "aten.empty.memory_format": ShapeOnly("uninitialized"),
    "aten.rand.default": Distribution(0, 1, 0.5, 0.29),
}


def case(name: str) -> OpCase | None:
    cases = {op: OpCase(op=op, inputs=lambda d: {}, numeric=numeric) for op, numeric in CASES.items()}
    return case_of(name, cases)


def piece(*behind: Sequence[str], **more: Any) -> Piece:
    """A piece whose results have these ops behind them."""
    ops = tuple(dict.fromkeys(name for names in behind for name in names))
    results = tuple((i, i) for i in range(len(behind)))
    values: dict[str, Any] = {"ops": ops, "results": results, "outputs": (None,) * len(behind), **more}
    return Piece(ir="", arguments=((-1, 0),), constants=(), behind=tuple(map(tuple, behind)), **values)


def numerics(given: Piece, *shapes: tuple[int, ...]) -> list[Numeric | None]:
    return [one.numeric for one in classes_of(given, [torch.zeros(shape) for shape in shapes or ((2, 3),)], case)]


WHOLE = Whole(case=OpCase(op="whole", inputs=lambda d: {}), run=Run({}, (), ()))


def test_an_op_is_known_by_its_name_in_the_dialect() -> None:
    assert (one := case("torch.aten.exp")) and one.op == "aten.exp.default"
    assert (other := case("torch.aten.add.Tensor")) and other.op == "aten.add.Tensor"
    assert case("torch.aten.unheard_of") is None


def test_one_op_has_the_class_of_its_case_with_lengths_that_are_long_enough() -> None:
    assert numerics(piece(["torch.aten.exp"])) == [Ulp(4)]
    assert numerics(piece(["torch.aten.mm"]), (2, 3), (3, 7)) == [Linear((21,))]
    assert numerics(piece(["torch.aten.softmax.int"]), (2, 9)) == [Composite((Ulp(4), Linear((9,))), least=0.5)]
    assert numerics(piece(["torch.aten.rand"])) == [ShapeOnly("random values")]


def test_results_of_several_ops_have_a_composition_each() -> None:
    found = numerics(
        piece(
            ["torch.aten.exp", "torch.aten.view", "torch.aten.add.Tensor"],
            ["torch.aten.view"],
            ["torch.aten.log_softmax.int", "torch.aten.unheard_of"],
            ["torch.aten.softmax.int", "torch.aten.exp"],
            ["torch.aten.empty.memory_format", "torch.aten.add.Tensor"],
        )
    )
    assert found[:3] == [Composite((Ulp(4), Ulp(1))), Exact(), Composite((Ulp(3), NO_CASE))]
    assert found[3] == Composite((Ulp(4), Linear((3,)), Ulp(4)), least=0.5)
    assert isinstance(found[4], ShapeOnly)
    says = classes_of(piece(["torch.aten.unheard_of", "torch.aten.exp"]), [torch.zeros(2)], case)[0].says
    assert says.endswith(", no case: torch.aten.unheard_of")


def run(given: Piece, x: torch.Tensor, function: Any, whole: Whole = WHOLE) -> Run:
    """The reference of a piece that computes this function."""
    return piece_run(given, [x], [function(x)], lambda args: [function(*args)], whole, case)


def test_without_a_case_the_bound_is_a_multiple_of_the_interpreters_own_error() -> None:
    x = torch.rand(50) + 1
    given = piece(["torch.aten.unheard_of"])
    (one,) = classes_of(given, [x], case)
    assert (one.numeric, one.says) == (None, "4 times the interpreter's own error: torch.aten.unheard_of has no case")

    def thirds(t: torch.Tensor) -> torch.Tensor:
        return t / 3 * 3 * 1.1

    found = run(given, x, thirds)
    own = (thirds(x).double() - thirds(x.double())).abs()
    (output,) = found.outputs
    assert output.bound is not None
    assert bool((output.bound >= SLACK * own).all())
    assert float((output.bound / thirds(x.double())).max()) < 1e-6
    blank = canonical_case(given, WHOLE, case)
    assert compare([thirds(x)], found, found, blank, "x") == pytest.approx(0.25, abs=0.01)
    assert isinstance(compare([thirds(x) * 1.00001], found, found, blank, "x"), Wrong)


def test_integers_without_a_case_are_exact() -> None:
    (output,) = own_error([torch.tensor([1, 2])], None)
    assert (output.numeric, output.bound) == (Exact(), None)


def test_a_result_of_the_whole_program_keeps_its_own_bound() -> None:
    x = torch.rand(3)
    own = Bounded(x.exp(), Ulp(100), x.double().exp(), torch.full((3,), 7.0, dtype=torch.float64), x < 0)
    whole = replace(WHOLE, run=Run({}, (), (own,)))
    found = run(piece(["torch.aten.exp", "torch.aten.add.Tensor"], outputs=(0,)), x, torch.exp, whole)
    assert found.outputs == (own,)
    half = run(piece(["torch.aten.exp"], outputs=(0,)), x.half(), torch.exp, whole)
    assert half.outputs[0].numeric == Ulp(4)  # another dtype than eager's: torch has decomposed it so


def test_what_the_case_does_not_judge_is_not_judged_in_a_piece() -> None:
    x = torch.rand(3)
    own = Bounded(x, Exact())
    whole = Whole(case=replace(WHOLE.case, unjudged={0: "a name"}), run=Run({}, (), (own,)))
    found = run(piece(["torch.aten.exp"], outputs=(0,)), x, torch.exp, whole)
    assert isinstance(found.outputs[0].numeric, ShapeOnly)


def test_results_are_compared_in_the_canonical_form_of_the_only_op_or_of_the_whole() -> None:
    def positive(results: Sequence[Any]) -> list[Any]:
        return [t.abs() for t in results]

    signed = {"aten.eig.default": OpCase(op="aten.eig.default", inputs=lambda d: {}, canonical=positive)}
    alone = piece(["torch.aten.eig"], results=((4, 0),))
    made = canonical_case(alone, WHOLE, lambda name: case_of(name, signed))
    assert made.canonical is positive
    assert (
        canonical_case(replace(alone, results=((4, 1),)), WHOLE, lambda name: case_of(name, signed)).canonical is None
    )
    x = torch.tensor([-1.0, 2.0])
    found = piece_run(alone, [x], [-x], lambda args: [-args[0]], WHOLE, lambda name: case_of(name, signed))
    assert compare([x], found, found, made, "x") == 0.0
    run_of_two = Run({}, (), (Bounded(x, Exact()), Bounded(x, Exact())))
    whole = Whole(case=replace(WHOLE.case, canonical=positive), run=run_of_two)
    assert canonical_case(piece(["torch.aten.a"], ["torch.aten.b"], outputs=(0, 1)), whole, case).canonical is positive
    assert canonical_case(piece(["torch.aten.a"], outputs=(1,)), whole, case).canonical is None


def test_nothing_is_interpreted_twice_however_many_results_have_bounds() -> None:
    asked: list[tuple[float, ...]] = []

    def wide(args: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        asked.append(tuple(args[0].tolist()))
        return [args[0].exp() * i for i in range(6)]

    given = piece(*[["torch.aten.exp", *["torch.aten.add.Tensor"] * i] for i in range(6)])
    x = torch.rand(3)
    piece_run(given, [x], [x.exp() * i for i in range(6)], wide, WHOLE, case)
    assert len(asked) == len(set(asked))
