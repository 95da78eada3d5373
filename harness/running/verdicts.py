"""What the executors make of an artifact, at every size, and whether a wrong result is the backend's fault at all.

The backend is not at fault where torch's own decomposition is as wrong (`NotExported`), nor where the input lies on a
discontinuity, so that a roundoff or a NaN's payload decides the result (`HarnessError`: the case must be mended).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch

from harness.cases.case import OpCase
from harness.cases.numeric import Distribution
from harness.cases.sample import RULED, Sample, Sizes
from harness.cases.transformed import DERIVATIVES
from harness.judging import blame
from harness.judging.compare import compare, impossible, judged
from harness.judging.discontinuity import at_discontinuity
from harness.judging.reference import Run
from harness.programs.materialize import copied
from harness.programs.protocols import CannotExecute, Contract, Executable, Executor, ImpossibleShape
from harness.records.outcome import (
    Excluded,
    HarnessError,
    Invalid,
    NotExecuted,
    NotExported,
    Outcome,
    Passed,
    Ran,
    Wrong,
)
from harness.text import one_line

from . import decomposition
from .caches import Artifact
from .clock import Clock
from .executables import road


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A sample on one backend, ready to be executed: what it lowers to, and the references it is compared with.

    `retyped` has by output the dtype that torch's decomposition gives it instead of eager's: that is not the backend's
    fault, so a result of that dtype is judged as if it had eager's.
    """

    case: OpCase
    sample: Sample
    contract: Contract
    artifact: Artifact
    references: tuple[Run, ...]
    retyped: Mapping[int, torch.dtype] = field(default_factory=dict)

    @property
    def dialect(self) -> str:
        """The dialect of the lowered module."""
        return self.artifact.lowered.dialect

    @property
    def admitted(self) -> tuple[Run, ...]:
        """The runs at sizes that the contract admits."""
        return tuple(r for r in self.references if self.contract.admits(r.shapes))

    def run_at(self, sizes: Sizes) -> Run:
        """The run at these sizes."""
        return next(r for r in self.references if r.sizes == sizes)

    def compare(self, results: Sequence[torch.Tensor], run: Run, executor: str) -> float | Wrong:
        """The worst error of an executor's results as a share of its bound, or what is wrong with them."""
        return compare(self.as_eager(results, run), run, self.references[0], self.case, executor, self.dialect)

    def as_eager(self, results: Sequence[torch.Tensor], run: Run) -> Sequence[torch.Tensor]:
        """The results, those that torch's decomposition has retyped with eager's dtype."""
        if not self.retyped or len(results) != len(run.outputs):
            return results
        pairs = enumerate(zip(results, run.outputs, strict=True))
        return [got.to(want.eager.dtype) if got.dtype == self.retyped.get(i) else got for i, (got, want) in pairs]

    def numeric(self) -> str:
        """The numeric class that results are held to in the dialect, as text; empty where all are exact."""
        first = self.references[0]
        if any(self.dialect in output.specified for output in first.outputs):
            return f"{self.case.numeric}, promised by {self.dialect}"
        bounded = any(o.bound is not None or isinstance(o.numeric, Distribution) for o in first.outputs)
        return str(self.case.numeric) if bounded else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """The executors that are asked, in order until one is right, or, if `thorough`, all of them."""

    executors: Sequence[Executor]
    thorough: bool = False

    def outcome(self, prepared: Prepared, clock: Clock, died: str | None) -> Outcome:
        """What becomes of a sample that is lowered and verified; `died` as in `Pipeline.run`."""
        outcome = self.seen(prepared, clock, died)
        if isinstance(outcome, Wrong):
            outcome = _unless_decomposed_so(outcome, prepared, clock)
            return _unless_at_discontinuity(outcome, prepared) if isinstance(outcome, Wrong) else outcome
        return outcome

    def seen(self, prepared: Prepared, clock: Clock, died: str | None) -> Outcome:
        """What the executors see, whatever may excuse a wrong result."""
        artifact = prepared.artifact
        if not artifact.executables:
            return NotExecuted({"none": f"no executor takes {prepared.dialect}"})
        roads = {e.name: road(e) for e in self.executors if prepared.dialect in e.dialects}
        dead = {name: died for name in artifact.executables if died and name not in artifact.isolated}
        closed = {roads[name] for name in dead}
        asked = (self._ask(prepared, run, roads, closed, clock) for run in prepared.admitted)
        outcome = blame.outcome(asked, roads)
        if isinstance(outcome, Passed):
            return replace(outcome, dissent={**dead, **outcome.dissent})
        return outcome

    def _ask(
        self, prepared: Prepared, run: Run, roads: dict[str, str], closed: set[str], clock: Clock
    ) -> dict[str, blame.ExecutorVerdict]:
        """What the executors make of one run, but for those on a road that is closed, since execution died on it."""
        verdicts: dict[str, blame.ExecutorVerdict] = {}
        wrong_roads = set(closed)
        for name, executable in prepared.artifact.executables.items():
            if roads[name] in closed:
                continue
            verdicts[name] = verdict = _verdict(prepared, name, executable, run, clock)
            if isinstance(verdict, Wrong):
                wrong_roads.add(roads[name])
            if isinstance(verdict, float) and roads[name] not in wrong_roads and not self.thorough:
                break
        return verdicts


def unless_forbidden(outcome: Outcome, prepared: Prepared, died: str | None) -> Outcome:
    """The outcome; Invalid, with what the executors made of the module, where the specification does not allow it.

    `died` as in `Pipeline.run`.
    """
    if not prepared.artifact.forbidden:
        return outcome
    ran, finding = _finding(outcome, died)
    return Invalid("verify", prepared.artifact.forbidden, ran, finding)


def _finding(outcome: Outcome, died: str | None) -> tuple[Ran, str]:
    match outcome:
        case Passed(executors=executors):
            return "right", f"right by {', '.join(executors)}"
        case Wrong():
            return "wrong", f"{outcome.message}, by {', '.join(outcome.confirmed or (outcome.executor,))}"
        case NotExecuted(reasons=reasons) if not died:
            return "cannot run", "; ".join(f"{name}: {one_line(why)}" for name, why in reasons.items())
        case HarnessError():
            return "cannot run", "the input lies on an edge, so that a roundoff decides whether it is right"
        case NotExported(reason=reason):
            return "cannot run", reason
        case _:
            return "died", died or f"{type(outcome).__name__}"


def _verdict(
    prepared: Prepared, name: str, executable: Executable | str, run: Run, clock: Clock
) -> blame.ExecutorVerdict:
    if isinstance(executable, str):
        return executable
    clock.enter("execute")
    try:
        actual = executable([copied(t) for t in run.inputs])
    except ImpossibleShape as error:
        return impossible(error, name, run.sizes)
    except CannotExecute as refusal:
        return str(refusal)
    clock.enter("compare")
    return prepared.compare(actual, run, name)


def _unless_decomposed_so(wrong: Wrong, prepared: Prepared, clock: Clock) -> Outcome:
    """The outcome; NotExported where torch's own decomposition is as wrong, before any backend has seen the program."""
    clock.enter("export")
    run = prepared.run_at(wrong.sizes)

    def compared(results: Sequence[torch.Tensor], run: Run) -> float | Wrong:
        return prepared.compare(results, run, "eager")

    return decomposition.excuse(wrong, prepared.contract, run, compared) or wrong


def _unless_at_discontinuity(wrong: Wrong, prepared: Prepared) -> Outcome:
    """The outcome; our own error where the sample is placed so that rounding, or a NaN's payload, decides it."""
    sample, canonical = prepared.sample, prepared.case.canonical
    if wrong.kind not in ("value", "non-finite") or sample.origin not in RULED:
        return wrong
    run, executable = prepared.run_at(wrong.sizes), prepared.artifact.executables[wrong.executor]
    want = run.outputs[wrong.output]
    if isinstance(executable, str) or isinstance(want.numeric, Distribution):
        return wrong
    results = prepared.as_eager(executable([copied(t) for t in run.inputs]), run)
    actual = judged(results, run, prepared.case)[wrong.output]
    if not at_discontinuity(sample, run.inputs, wrong.output, actual, want, prepared.dialect, canonical):
        return wrong
    why = f"input lies on an edge, a roundoff decides its result: {wrong.message}"
    if sample.road.transform in DERIVATIVES:  # cases keep away from the edges of ops, not from those of derivatives
        return Excluded(f"for the derivative, the {why}")
    return HarnessError(f"the case's {why}", "compare")
