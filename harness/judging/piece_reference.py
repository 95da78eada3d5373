"""What a piece of a program should compute: the values that the interpreter has there, each with a bound.

- A piece of one op is held to the numeric class of that op's case.
- A result of a larger piece is held to a composition of the classes of the ops behind it, or, if it is a result of the
  program too, to that one's own bound.
- Where an op has no case, the bound is `SLACK` times the interpreter's own error against the same in float64.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch

from harness.cases.case import OpCase
from harness.cases.numeric import (
    Composite,
    Distribution,
    Exact,
    Linear,
    Numeric,
    Over,
    Part,
    ShapeOnly,
    Stated,
    Tail,
    Ulp,
)
from harness.cases.sample import Sizes
from harness.programs.cutting import Piece
from harness.programs.elements import as_bytes

from .reference import Run, in_float64
from .tolerance import Bounded, bounded, own_error

CaseOf = Callable[[str], OpCase | None]
"""From the name of an op in the torch dialect to its case."""
Wide = Callable[[Sequence[torch.Tensor]], list[torch.Tensor]]
NO_CASE = Stated(4, "the op has no case")
"""What an op without a case may add to the error of a composition."""
UNKNOWN = ShapeOnly("values that no op of the piece decides")


@dataclass(frozen=True, slots=True, kw_only=True)
class Class:
    """The numeric class of a result; None where an op that has no case makes it. `says` names it."""

    numeric: Numeric | None
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """The program that was cut: its case, and its run at the sizes at which the piece runs."""

    case: OpCase
    run: Run


def case_of(name: str, cases: Mapping[str, OpCase]) -> OpCase | None:
    """Return the case of an op of the torch dialect, such as `torch.aten.relu`; None if it has none."""
    overload = name.removeprefix("torch.")
    return cases.get(overload) or cases.get(f"{overload}.default")


def canonical_case(piece: Piece, whole: Whole, cases: CaseOf) -> OpCase:
    """Return the case by whose canonical form the results of a piece are compared.

    That is the whole program's, if the piece has all its results, or that of the only op, if it has all of its.
    """
    one = cases(piece.ops[0]) if len(piece.ops) == 1 else None
    if one and one.canonical and [result for _, result in piece.results] == list(range(len(piece.results))):
        return OpCase(op=one.op, inputs=lambda d: {}, canonical=one.canonical)
    has_all = piece.outputs == tuple(range(len(whole.run.outputs)))
    return OpCase(op=whole.case.op, inputs=lambda d: {}, canonical=whole.case.canonical if has_all else None)


def piece_run(
    piece: Piece,
    inputs: Sequence[torch.Tensor],
    results: Sequence[torch.Tensor],
    wide: Wide,
    whole: Whole,
    cases: CaseOf,
) -> Run:
    """Return the reference of a piece at one set of sizes.

    `inputs` and `results` are the interpreter's values; `wide` interprets the piece in float64.
    """
    canonical = canonical_case(piece, whole, cases).canonical
    if canonical:
        results = list(canonical(results))
    classes = classes_of(piece, inputs, cases)

    def form(args: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        return list(canonical(wide(args))) if canonical else wide(args)

    once = _once(form)
    made = {numeric: _bounded(numeric, results, inputs, once) for numeric in {c.numeric for c in classes}}
    outputs = [
        _of_whole(result, output, whole) or made[one.numeric][i]
        for i, (result, output, one) in enumerate(zip(results, piece.outputs, classes, strict=True))
    ]
    return Run(whole.run.sizes, tuple(inputs), tuple(outputs))


def _once(wide: Wide) -> Wide:
    """The function, which computes nothing twice: each result moves the arguments in the same ways to be bounded."""
    known: dict[bytes, list[torch.Tensor]] = {}

    def once(args: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        key = b"".join(map(as_bytes, args))
        if key not in known:
            known[key] = wide(args)
        return known[key]

    return once


def classes_of(piece: Piece, inputs: Sequence[torch.Tensor], cases: CaseOf) -> list[Class]:
    """Return the numeric class of each result of a piece."""
    shapes = [tuple(t.shape) for t in inputs]
    if len(piece.ops) == 1 and all(len(behind) == 1 for behind in piece.behind):
        case = cases(piece.ops[0])
        if case is None:
            says = f"{NO_CASE.n:g} times the interpreter's own error: {piece.ops[0]} has no case"
            return [Class(numeric=None, says=says)] * len(piece.results)
        one = _measured(case.numeric, shapes)
        unjudged = {i: ShapeOnly(why) for i, why in case.unjudged.items()}
        return [Class(numeric=(n := unjudged.get(i, one)), says=str(n)) for _, i in piece.results]
    return [_composed(behind, shapes, cases) for behind in piece.behind]


def _composed(behind: Sequence[str], shapes: Sequence[tuple[int, ...]], cases: CaseOf) -> Class:
    """The class of a result that these ops compute together."""
    parts: list[Part] = []
    least = 0.0
    lacking = []
    for name in behind:
        case = cases(name)
        if case is None:
            parts.append(NO_CASE)
            lacking.append(name)
            continue
        match _measured(case.numeric, shapes):
            case ShapeOnly() | Distribution():
                return Class(numeric=UNKNOWN, says=str(UNKNOWN))
            case Exact():
                continue
            case Tail(n):
                parts.append(Ulp(n))
            case Composite(inner, size):
                parts += inner
                least = max(least, size)
            case other:
                parts.append(other)
    numeric = Composite(tuple(parts), least) if parts else Exact()
    return Class(numeric=numeric, says=f"{numeric}" + (f", no case: {', '.join(lacking)}" if lacking else ""))


def _measured(numeric: Numeric, shapes: Sequence[tuple[int, ...]]) -> Numeric:
    """The class with lengths that are sure to be long enough: the named dims of a case are not those of a piece."""
    match numeric:
        case Linear():
            return _at_most(numeric, max(map(math.prod, shapes), default=1))
        case Composite():
            longest = max((size for shape in shapes for size in shape), default=1)
            return numeric.with_sums(lambda part: _at_most(part, longest))
        case Distribution():
            return ShapeOnly("random values")
        case _:
            return numeric


def _at_most(numeric: Linear, length: int) -> Linear:
    named = any(isinstance(part, (str, Over)) for part in numeric.length)
    return Linear((max(length, 1),)) if named else numeric


def _bounded(
    numeric: Numeric | None,
    results: Sequence[torch.Tensor],
    inputs: Sequence[torch.Tensor],
    wide: Wide,
) -> tuple[Bounded, ...]:
    if numeric is None:
        return own_error(results, in_float64(wide, inputs))
    sizes: Sizes = {}
    return bounded(numeric, sizes, results, lambda *args: in_float64(wide, args), inputs)


def _of_whole(result: torch.Tensor, output: int | None, whole: Whole) -> Bounded | None:
    """How the whole program's own result is judged, if this is one of it in eager's dtype and shape."""
    if output is None or whole.case.canonical or output >= len(whole.run.outputs):
        return None
    if output in whole.case.unjudged or output in whole.case.misshapen:
        return Bounded(result, ShapeOnly("the case does not judge it"))
    own = whole.run.outputs[output]
    return own if (own.eager.dtype, own.eager.shape) == (result.dtype, result.shape) else None
