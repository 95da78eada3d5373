"""Pieces of samples' programs in the worker: cut out, fed with what the interpreter computes there, and run."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from harness.cases.case import OpCase
from harness.cases.sample import Sample
from harness.judging.piece_reference import Whole, canonical_case, case_of, classes_of, piece_run
from harness.judging.reference import Run
from harness.programs.cutting import CannotCut, Cuttable, Cutting, Piece, Point
from harness.programs.elements import as_bytes
from harness.programs.materialize import copied
from harness.programs.program import program, seed_eager
from harness.programs.protocols import CannotExecute, Contract, NotExpressible, Program
from harness.records.frontend import refusal
from harness.records.outcome import Invalid, Outcome, Passed, Reached, Result, Stage, Wrong

from .caches import Stop, verified
from .clock import Clock
from .lru_cache import LruCache
from .pipeline import Pipeline, ended, executed
from .request import CutProgram, CutRequest, CutText
from .verdicts import Prepared, unless_forbidden

KEPT = 8
"""How many programs are kept with the values in them."""
Values = Mapping[Point, Any]


@dataclass(slots=True)
class _Program:
    """A program to be cut: at each of its sizes its reference, and the values in it, or why they cannot be had."""

    case: OpCase
    sample: Sample
    cuttable: Cuttable
    runs: tuple[Run, ...] = ()
    values: tuple[Values, ...] = ()
    lacking: str = ""
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


class Pieces:
    """Serves requests for pieces with the frontend, backends and executors of a pipeline."""

    def __init__(self, pipeline: Pipeline, cutting: Cutting, cases: Mapping[str, OpCase]) -> None:
        self._pipeline = pipeline
        self._cutting = cutting
        self._cases: Callable[[str], OpCase | None] = lambda name: case_of(name, cases)
        self._programs: LruCache[_Program] = LruCache(KEPT)

    def serve(
        self, case: OpCase, sample: Sample, request: CutRequest, enter: Callable[[Stage], None]
    ) -> CutProgram | CutText | Result:
        """What a request asks for; raises nothing but what kills the process."""
        clock = Clock(enter)
        clock.enter("reference")
        try:
            found = self._program(case, sample, request, clock)
            if request.kept is None:
                whole = found.cuttable.only(range(len(found.cuttable.ops)), found.numbers)
                return CutProgram(ops=found.cuttable.ops, ir=whole.ir)
            piece = found.cuttable.only(request.kept, found.numbers)
            if request.depth == "text":
                return self._text(found, piece)
            outcome = self._outcome(found, piece, request, clock)
        except CannotCut as refused:
            return CutProgram(why=str(refused)) if request.kept is None else CutText(why=str(refused))
        except Exception as error:
            outcome = ended(error, clock.stage)
        clock.enter("")
        return Result(outcome=outcome, seconds=clock.seconds)

    def _program(self, case: OpCase, sample: Sample, request: CutRequest, clock: Clock) -> _Program:
        """The program with its values; raises CannotCut."""
        key = f"{request.level} {sample.id}"
        return self._programs.get_or(key, lambda: self._made(case, sample, request, clock))

    def _made(self, case: OpCase, sample: Sample, request: CutRequest, clock: Clock) -> _Program:
        if request.level != "contract":
            return _Program(case, sample, self._of_frontend(sample, request), lacking="it is not executed")
        try:
            contract, runs = self._pipeline.contracted(case, sample, request.backend, clock)
        except Stop as stop:
            raise CannotCut(f"it is not in the contract: {type(stop.outcome).__name__}") from None
        clock.enter("reference")
        found = _Program(case, sample, self._cutting.cuttable(contract.ir), runs)
        reached = [self._values(contract.ir, run) for run in runs]
        found.values = tuple(values for values, _ in reached)
        found.lacking = next((why for _, why in reached if why), "") if runs else "no size to run at"
        found.numbers = _numbers(found.values)
        return found

    def _of_frontend(self, sample: Sample, request: CutRequest) -> Cuttable:
        """The program as the importer or the contract pipeline gets it; raises CannotCut."""
        try:
            if request.level == "exported":
                return self._cutting.exported(program(sample))
            return self._cutting.cuttable(self._cutting.imported(program(sample)))
        except NotExpressible as refused:
            raise CannotCut(f"it does not come so far: {refused.reason}") from None

    def _values(self, text: str, run: Run) -> tuple[Values, str]:
        """Every value of the program at one set of sizes, and why the interpreter came no further; "" if it did."""
        found: dict[Point, Any] = {(-1, i): value for i, value in enumerate(run.inputs)}

        def keep(place: int, values: Sequence[Any]) -> None:
            found.update({(place, i): value for i, value in enumerate(values)})

        seed_eager(0)
        try:
            self._cutting.interpret(text, [copied(t) for t in run.inputs], watch=keep)
        except CannotExecute as refused:
            return found, f"the interpreter cannot run it: {refused}"
        return found, ""

    def _text(self, found: _Program, piece: Piece) -> CutText:
        """What is told of a piece before it is run."""
        at = found.at(piece)
        if not at:
            return CutText(ir=piece.ir, ops=piece.ops, lacking=found.lacking)
        fed = [_tensors(piece.arguments, values) for _, values, _ in at]
        values = hashlib.sha256(b"".join(as_bytes(t) for one in fed for t in one)).hexdigest()
        numeric = ", ".join(dict.fromkeys(c.says for c in classes_of(piece, fed[0], self._cases)))
        judged = len(at) == len(found.runs) and all(known for *_, known in at)
        unjudged = "" if judged else found.lacking or "a number in it differs between sizes"
        return CutText(ir=piece.ir, ops=piece.ops, numeric=numeric, values=values, unjudged=unjudged)

    def _outcome(self, found: _Program, piece: Piece, request: CutRequest, clock: Clock) -> Outcome:
        """The end of a piece; raises Stop and what kills the process."""
        if request.level != "contract":
            return self._through_frontend(found.cuttable, piece, request, clock)
        module = _Interpreted(self._cutting, piece.ir)
        contract = Contract(
            program=Program(op=request.op, module=module, args=()),
            ir=piece.ir,
            exported=(),
            reached=tuple(sorted(set(piece.ops))),
            decomposes=False,
        )
        backend = self._pipeline.backends[request.backend]
        if request.depth == "verify" or not found.at(piece):
            _, forbidden = verified(contract, backend, clock)
            return Invalid("verify", forbidden) if forbidden else Passed(0.0, ())
        prepared = self._prepared(found, piece, contract, request, clock)
        outcome, died = executed(self._pipeline.panel.seen, prepared, clock, request.died)
        return unless_forbidden(outcome, prepared, died)

    def _through_frontend(self, cuttable: Any, piece: Piece, request: CutRequest, clock: Clock) -> Outcome:
        clock.enter("import" if request.level == "exported" else "contract")
        try:
            if request.level == "exported":
                cuttable.run(request.kept)
            else:
                self._cutting.legalize(piece.ir)
        except NotExpressible as refused:
            return refusal(refused.stage, refused.reason)
        return Reached()

    def _prepared(
        self, found: _Program, piece: Piece, contract: Contract, request: CutRequest, clock: Clock
    ) -> Prepared:
        """The piece, lowered and verified, with what it should compute."""
        runs = []
        for run, values, known in found.at(piece):
            inputs = _tensors(piece.arguments, values)
            if known:
                results, whole = _tensors(piece.results, values), Whole(case=found.case, run=run)
                runs.append(piece_run(piece, inputs, results, self._wide(piece), whole, self._cases))
            else:
                runs.append(Run(run.sizes, tuple(inputs), ()))
        contract = replace(contract, program=replace(contract.program, args=runs[0].inputs))
        artifact = self._pipeline.artifact(contract, request.backend, clock)
        case = canonical_case(piece, Whole(case=found.case, run=found.runs[0]), self._cases)
        return _Fed(case=case, sample=found.sample, contract=contract, artifact=artifact, references=tuple(runs))

    def _wide(self, piece: Piece) -> Callable[[Sequence[torch.Tensor]], list[torch.Tensor]]:
        def wide(args: Sequence[torch.Tensor]) -> list[torch.Tensor]:
            seed_eager(0)
            return self._cutting.interpret(piece.ir, [copied(t) for t in args], wide=True)

        return wide


class _Fed(Prepared):
    """A piece that is ready to be executed."""

    def compare(self, results: Sequence[torch.Tensor], run: Run, executor: str) -> float | Wrong:
        """Compare as any program; where it is not known what is right, nothing is wrong: the piece may only die."""
        return super().compare(results, run, executor) if run.outputs else 0.0


class _Interpreted(torch.nn.Module):
    """A piece as a module of torch, for executors that call eager."""

    def __init__(self, cutting: Cutting, text: str) -> None:
        super().__init__()
        self._cutting = cutting
        self._text = text

    def forward(self, *inputs: torch.Tensor) -> Any:
        """Return what the interpreter computes."""
        return tuple(self._cutting.interpret(self._text, inputs))


def _tensors(points: Sequence[Point], values: Values) -> list[torch.Tensor]:
    return [torch.as_tensor(values[point]) for point in points]


def _numbers(values: Sequence[Values]) -> Values:
    """The numbers in a program at its first sizes: a piece that has one as a constant runs where it is the same."""
    first = values[0] if values else {}
    return {point: value for point, value in first.items() if isinstance(value, (bool, int, float))}
