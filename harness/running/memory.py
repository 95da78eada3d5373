"""What the records of an op say for its next samples: what was looked into, and what hung."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce

from harness.cases.road import DEFAULT, Road
from harness.cases.sample import RULED, Sample
from harness.records.expectation import CONTROL
from harness.records.frontend import FRONTEND, blocked, is_of_decomposition, of_export
from harness.records.journal import Record
from harness.records.outcome import (
    SHARED,
    Blocked,
    Crashed,
    Invalid,
    NotExported,
    NotRun,
    Outcome,
    Reached,
    Result,
    Stage,
    TimedOut,
    Unsupported,
    Wrong,
)

from .death import OUTSIDE

LOWERING: tuple[Stage, ...] = ("lower", "verify")
"""The stages of a backend before execution."""
PER_PROGRAM: tuple[Stage, ...] = (*SHARED, *LOWERING)
"""The stages that samples of one program share: their values do not matter there."""
LONG = 5.0
"""Seconds; what takes longer to fail costs too much to be seen again."""
BLAMED = (Wrong, Crashed, Invalid, Unsupported, NotExported)
"""The failures of a dynamic sample that a dim can cause."""
FROM_CONTRACT = ("linalg", "tosa", "stablehlo", "tosa-linalg", "stablehlo-linalg")
"""Opcov's own lowerings, which start from the backend contract. Where a plugin starts, only its worker knows."""
EVERY_BACKEND = ""
"""Stands for all backends, where a stage is shared."""

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What is known of one op on one road, as a function of its records there.

    Those of a journal give what running the op's cells gives.

    - `wrong`: the ways in which samples were wrong, see `failure`: the first wrong pass was looked for.
    - `alarming`: the ways in which samples of the census were wrong or crashed: they were minimised.
    - `breaks`: of ways of failing with dynamic dims, see `dynamic_failure`, which dims must be dynamic; None if that
      could not be found out.
    - `hung`: by backend and stage, the id of the first sample that hung there for the full deadline, or that took long
      to reach the memory limit.
    - `ended`: by backend and program, the outcome of a program that did not end in a stage that its samples share, or
      that killed the lowering.
    - `frontend`: by sample, the outcome of the frontend.
    - `asked`: the ways of failing on which there is a second opinion, see `failure`.
    - `doubted`: those of them that it does not share, and may clear, in any mode, see `way`.
    """

    op: str
    road: Road = DEFAULT
    wrong: frozenset[Key] = frozenset()
    alarming: frozenset[Key] = frozenset()
    breaks: Mapping[Key, str | None] = field(default_factory=dict)
    hung: Mapping[tuple[str, Stage], str] = field(default_factory=dict)
    ended: Mapping[tuple[str, str], Outcome] = field(default_factory=dict)
    frontend: Mapping[str, Outcome] = field(default_factory=dict)
    asked: frozenset[Key] = frozenset()
    doubted: frozenset[Key] = frozenset()

    @classmethod
    def of(cls, op: str, records: Iterable[Record], road: Road = DEFAULT) -> Memory:
        """What these records say, in their order; those of other ops and roads say nothing."""
        own = (record for record in records if (record.op, record.road) == (op, road))
        return reduce(Memory.after, own, cls(op=op, road=road))

    def after(self, record: Record) -> Memory:
        """What is known after one more record of the op; minimised samples say nothing new."""
        if record.sample is None or record.minimised:
            return self._after_opinion(record)
        known, key = self._after_opinion(record), {failure(record)}
        if isinstance(record.outcome, Wrong):
            known = replace(known, wrong=known.wrong | key)
        if is_alarming(record):
            known = replace(known, alarming=known.alarming | key)
        if is_dynamic_failure(record):
            known = replace(known, breaks={dynamic_failure(record): record.breaks, **known.breaks})
        if endless := (*record.hung, *_starved(record)):
            hung = {(_backend(record, stage), stage): record.id for stage in endless}
            known = replace(known, hung={**hung, **known.hung})
        if (_is_endless(record) and record.stage in PER_PROGRAM) or _kills_lowering(record.outcome):
            backends = dict.fromkeys((_backend(record, record.stage), record.backend))
            ended = {(backend, record.sample.program): record.outcome for backend in backends}
            known = replace(known, ended={**ended, **known.ended})
        if record.backend == FRONTEND:
            known = replace(known, frontend={**known.frontend, record.id: record.outcome})
        return known

    def _after_opinion(self, record: Record) -> Memory:
        """What is known after the second opinion on a record, of a minimised sample too."""
        if record.opinion is None:
            return self
        outcome = record.opinion.instead or record.outcome
        known = replace(self, asked=self.asked | {way(outcome, record.backend, record.mode)})
        if record.opinion.says in ("right", "clears") and isinstance(outcome, Wrong):
            known = replace(known, doubted=known.doubted | {way(outcome, record.backend)})
        return known

    def wants_opinion(self, outcome: Outcome, backend: str, mode: str) -> bool:
        """Whether the first of its kind failed so, or one was right about which there is another opinion."""
        return way(outcome, backend, mode) not in self.asked or way(outcome, backend) in self.doubted

    def short(self, backend: str) -> Mapping[Stage, str]:
        """The stages that have a share of the deadline on this backend, each with the sample that hung there."""
        return {stage: id for (where, stage), id in self.hung.items() if where in (EVERY_BACKEND, backend)}

    def outcome(self, sample: Sample, backend: str) -> Outcome | None:
        """The outcome that the sample has without being run; None if it must be run.

        It need not run if its program did not end or killed the lowering, or if the frontend failed before the backend.
        What others have seen of the program does not count for the frontend, nor for the control, which starts from the
        exported program.
        """
        program = sample.program if self.ended else ""  # which takes longer to tell than all else here
        if backend in (FRONTEND, CONTROL):
            return self.ended.get((backend, program))
        if ended := self.ended.get((EVERY_BACKEND, program)) or self.ended.get((backend, program)):
            return blocked(ended, told=self._is_told(sample)) or ended
        front = self.frontend.get(sample.id)
        if backend not in FROM_CONTRACT or front is None or is_of_decomposition(front):
            return None
        return blocked(front, told=True)

    def attributed(self, result: Result, sample: Sample, backend: str) -> Result:
        """The result as it is recorded: a failure of the frontend is no result of the backend behind it.

        A death or a hang in the frontend's stages stays the backend's if the frontend alone came through.
        """
        if backend == FRONTEND:
            return replace(result, outcome=of_export(result.outcome))
        front = self.frontend.get(sample.id)
        came_through = isinstance(front, Reached) and not isinstance(result.outcome, NotExported)
        if backend == CONTROL or came_through:
            return result
        return replace(result, outcome=blocked(result.outcome, told=self._is_told(sample)) or result.outcome)

    def _is_told(self, sample: Sample) -> bool:
        """Whether the frontend's own record says why the sample did not reach the backends."""
        return not isinstance(self.frontend.get(sample.id, Reached()), Reached)


def signature(outcome: Outcome) -> Key:
    """What two failures must share to be the same failure."""
    match outcome:
        case Wrong(kind=kind, output=output):
            return ("Wrong", kind, str(output))
        case Crashed(stage=stage, signal=signal):
            return ("Crashed", stage, signal)
        case _:
            return (type(outcome).__name__,)


def failure(record: Record) -> Key:
    """What two records of an op must share to be one way of failing."""
    return way(record.outcome, record.backend, record.mode)


def way(outcome: Outcome, backend: str, *mode: str) -> Key:
    """A way in which an op fails on a backend, in one mode or in any."""
    return (backend, *mode, *signature(outcome))


def dynamic_failure(record: Record) -> Key:
    """What two dynamic records of an op must share for the same dims to be the reason."""
    dynamic = record.sample.dynamic if record.sample else ()
    return (record.backend, "+".join(dynamic), *signature(record.outcome))


def is_alarming(record: Record) -> bool:
    """Whether the sample is wrong or crashes, and is minimised, since it belongs to the census."""
    ruled = record.sample is not None and record.sample.origin in RULED
    return ruled and isinstance(record.outcome, (Wrong, Crashed))


def is_dynamic_failure(record: Record) -> bool:
    """Whether the sample has dynamic dims and fails in a way that one of them can cause."""
    return record.sample is not None and bool(record.sample.dynamic) and isinstance(record.outcome, BLAMED)


def _is_endless(record: Record) -> bool:
    """Whether the record says that the sample's program did not end."""
    match record.outcome:
        case TimedOut() | NotRun() | Blocked(by="TimedOut"):
            return True
        case Blocked() | NotExported():  # export that hung
            return record.stage in record.hung and not is_of_decomposition(record.outcome)
        case _:
            return False


def _starved(record: Record) -> tuple[Stage, ...]:
    """The stage that took long to reach the memory limit: another sample of the op would take as long."""
    match record.outcome:
        case Crashed(stage=stage, signal=signal) if "memory limit" in signal and record.seconds.get(stage, 0) > LONG:
            return (stage,)
        case _:
            return ()


def _kills_lowering(outcome: Outcome) -> bool:
    """Whether the backend's own stages crash on the program; a signal from outside says nothing of it."""
    return isinstance(outcome, Crashed) and outcome.stage in LOWERING and not outcome.signal.startswith(OUTSIDE)


def _backend(record: Record, stage: Stage) -> str:
    return EVERY_BACKEND if stage in SHARED else record.backend
