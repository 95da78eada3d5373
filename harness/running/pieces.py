"""Pieces of samples' programs in the worker: cut out, fed with what the interpreter computes there, and run."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch

from harness.cases.case import OpCase
from harness.cases.road import EXPORT
from harness.cases.sample import Sample
from harness.judging.piece_reference import Whole, canonical_case, case_of, classes_of, piece_run
from harness.judging.reference import Run
from harness.programs.cutting import CannotCut, Cuttable, Cutting, Piece, Point
from harness.programs.elements import as_bytes
from harness.programs.feeding import takes_numbers
from harness.programs.materialize import copied
from harness.programs.program import program, seed_eager
from harness.programs.protocols import Contract, NotExpressible, Program
from harness.records.frontend import FRONTEND, refusal
from harness.records.outcome import Invalid, Outcome, Passed, Reached, Result, Stage, Wrong

from .caches import Stop, verified
from .clock import Clock
from .interpreted import Interpreted, Values, interpreted
from .lru_cache import LruCache
from .pipeline import Pipeline, ended, executed
from .request import CutProgram, CutRequest, CutText
from .verdicts import Prepared, unless_forbidden

KEPT = 8
"""How many programs are kept with the values in them."""


class Pieces:
    """Serves requests for pieces with the frontend, backends and executors of a pipeline."""

    def __init__(self, pipeline: Pipeline, cutting: Cutting, cases: Mapping[str, OpCase]) -> None:
        self._pipeline = pipeline
        self._cutting = cutting
        self._cases: Callable[[str], OpCase | None] = lambda name: case_of(name, cases)
        self._programs: LruCache[Interpreted] = LruCache(KEPT)

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
                return CutProgram(ops=found.cuttable.ops, ir=whole.ir, wrong=found.wrong)
            piece = found.cuttable.only(request.kept, found.numbers)
            if request.depth == "text":
                return self._text(found, piece)
            outcome = self._outcome(found, piece, request, clock)
        except CannotCut as refused:
            return CutProgram(why=str(refused)) if request.kept is None else CutText(why=str(refused))
        except NotExpressible as refused:
            outcome = refusal(refused.stage, refused.reason)
        except Exception as error:
            outcome = ended(error, clock.stage)
        clock.enter("")
        return Result(outcome=outcome, seconds=clock.seconds)

    def _program(self, case: OpCase, sample: Sample, request: CutRequest, clock: Clock) -> Interpreted:
        """The program with its values; raises CannotCut."""
        key = f"{request.level} {sample.id}"
        return self._programs.get_or(key, lambda: self._made(case, sample, request, clock))

    def _made(self, case: OpCase, sample: Sample, request: CutRequest, clock: Clock) -> Interpreted:
        if sample.road.frontend != EXPORT and (request.backend == FRONTEND or request.level == "imported"):
            raise CannotCut("its frontend is a plugin, which makes no pieces")
        if request.backend == FRONTEND:
            return Interpreted(case, sample, self._of_frontend(sample, request), lacking="it is not executed")
        try:
            contract, runs = self._pipeline.contracted(case, sample, request.backend, clock)
            clock.enter("reference")
            text = self._cutting.imported(program(sample)) if request.level == "imported" else contract.ir
        except Stop as stop:
            raise CannotCut(f"it is not in the contract: {type(stop.outcome).__name__}") from None
        except NotExpressible as refused:
            raise CannotCut(f"it does not come so far: {refused.reason}") from None
        if takes_numbers(contract.program):
            raise CannotCut("it takes numbers as arguments")
        return interpreted(self._cutting, text, case, sample, contract, runs)

    def _of_frontend(self, sample: Sample, request: CutRequest) -> Cuttable:
        """The program as the importer or the contract pipeline gets it; raises CannotCut."""
        try:
            if request.level == "exported":
                return self._cutting.exported(program(sample))
            return self._cutting.cuttable(self._cutting.imported(program(sample)))
        except NotExpressible as refused:
            raise CannotCut(f"it does not come so far: {refused.reason}") from None

    def _text(self, found: Interpreted, piece: Piece) -> CutText:
        """What is told of a piece before it is run."""
        at = found.at(piece)
        if not at:
            return CutText(ir=piece.ir, ops=piece.ops, lacking=found.lacking)
        fed = [_tensors(piece.arguments, values) for _, values, _ in at]
        values = _key(found, piece, fed)
        numeric = ", ".join(dict.fromkeys(c.says for c in classes_of(piece, fed[0], self._cases)))
        judged = len(at) == len(found.runs) and all(known for *_, known in at)
        unjudged = "" if judged else found.lacking or "a number in it differs between sizes"
        return CutText(ir=piece.ir, ops=piece.ops, numeric=numeric, values=values, unjudged=unjudged)

    def _outcome(self, found: Interpreted, piece: Piece, request: CutRequest, clock: Clock) -> Outcome:
        """The end of a piece; raises Stop, NotExpressible and what kills the process."""
        if request.backend == FRONTEND:
            return self._through_frontend(found, piece, request, clock)
        text = piece.ir
        if request.level == "imported":
            clock.enter("contract")
            text = self._cutting.legalize(text, found.sample.road.legal)
        contract = Contract(
            program=Program(op=request.op, module=_Interpreting(self._cutting, piece.ir), args=()),
            ir=text,
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

    def _through_frontend(self, found: Interpreted, piece: Piece, request: CutRequest, clock: Clock) -> Outcome:
        """The end of a piece in the frontend; raises NotExpressible."""
        clock.enter("import" if request.level == "exported" else "contract")
        if request.level == "exported":
            cuttable: Any = found.cuttable
            cuttable.run(request.kept, legalize=request.depth == "compare")
        else:
            self._cutting.legalize(piece.ir, found.sample.road.legal)
        return Reached()

    def _prepared(
        self, found: Interpreted, piece: Piece, contract: Contract, request: CutRequest, clock: Clock
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


class _Interpreting(torch.nn.Module):
    """A piece as a module of torch, for executors that call eager."""

    def __init__(self, cutting: Cutting, text: str) -> None:
        super().__init__()
        self._cutting = cutting
        self._text = text

    def forward(self, *inputs: torch.Tensor) -> Any:
        """Return what the interpreter computes."""
        return tuple(self._cutting.interpret(self._text, inputs))


def _key(found: Interpreted, piece: Piece, fed: Sequence[Sequence[torch.Tensor]]) -> str:
    """What tells the values that a piece is fed with, and the bounds of what it computes, from others."""
    bound_of = found.sample.id if any(output is not None for output in piece.outputs) else ""
    return hashlib.sha256(b"".join(as_bytes(t) for one in fed for t in one) + bound_of.encode()).hexdigest()


def _tensors(points: Sequence[Point], values: Values) -> list[torch.Tensor]:
    return [torch.as_tensor(values[point]) for point in points]
