"""A program to be cut, with every value that the interpreter computes in it at each of the sample's sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from harness.cases.case import OpCase
from harness.cases.sample import Sample
from harness.judging.compare import compare
from harness.judging.reference import Run
from harness.programs.cutting import Cuttable, Cutting, Piece, Point
from harness.programs.materialize import copied
from harness.programs.program import seed_eager
from harness.programs.protocols import CannotExecute, Contract
from harness.records.outcome import Wrong

from . import decomposition

Values = Mapping[Point, Any]


@dataclass(slots=True)
class Interpreted:
    """A program to be cut: at each of its sizes its reference and the values in it.

    `lacking` says why some values cannot be had. `wrong` says what is wrong with the results of the interpreter, or why
    it has none: then the program is not what eager computes before a backend has seen it.
    """

    case: OpCase
    sample: Sample
    cuttable: Cuttable
    runs: tuple[Run, ...] = ()
    values: tuple[Values, ...] = ()
    lacking: str = ""
    wrong: str = ""
    numbers: Values = field(default_factory=dict)

    def at(self, piece: Piece) -> list[tuple[Run, Values, bool]]:
        """The sizes at which the piece can be fed, those first at which it is known what it should compute, too."""
        found = [
            (run, values, all(point in values for point in piece.results))
            for run, values in zip(self.runs, self.values, strict=True)
            if all(point in values for point in piece.arguments)
            and all(values.get(point) == self.numbers[point] for point in piece.constants)
        ]
        return sorted(found, key=lambda one: not one[2])


def interpreted(
    cutting: Cutting, text: str, case: OpCase, sample: Sample, contract: Contract, runs: Sequence[Run]
) -> Interpreted:
    """Interpret a text of a sample's program at all sizes of its runs; raises CannotCut if the text is not valid."""
    found = Interpreted(case, sample, cutting.cuttable(text), tuple(runs))
    if not runs:
        found.lacking = "no size to run at"
    every = []
    for run in runs:
        values: dict[Point, Any] = {(-1, i): value for i, value in enumerate(run.inputs)}
        every.append(values)
        try:
            results = _run(cutting, text, run, values)
        except CannotExecute as refused:
            found.lacking = f"the interpreter cannot run it: {refused}"
            found.wrong = found.wrong or found.lacking
            continue
        wrong = compare(_retyped(results, contract, run), run, runs[0], case, "torch-dialect")
        found.wrong = found.wrong or (wrong.message if isinstance(wrong, Wrong) else "")
    found.values = tuple(every)
    found.numbers = _numbers(every)
    return found


def _run(cutting: Cutting, text: str, run: Run, values: dict[Point, Any]) -> list[torch.Tensor]:
    """The results of the program; `values` gets every value in it as it comes. Raises CannotExecute."""

    def keep(place: int, made: Sequence[Any]) -> None:
        values.update({(place, i): value for i, value in enumerate(made)})

    seed_eager(0)
    return cutting.interpret(text, [copied(t) for t in run.inputs], watch=keep)


def _retyped(results: Sequence[torch.Tensor], contract: Contract, run: Run) -> list[torch.Tensor]:
    """The results, those of which torch's own decomposition has changed the dtype in that of eager."""
    changed = decomposition.retyped(contract, run)
    return [got.to(run.outputs[i].eager.dtype) if got.dtype == changed.get(i) else got for i, got in enumerate(results)]


def _numbers(values: Sequence[Values]) -> Values:
    """The numbers in a program at its first sizes: a piece that has one as a constant runs where it is the same."""
    first = values[0] if values else {}
    return {point: value for point, value in first.items() if isinstance(value, (bool, int, float))}
