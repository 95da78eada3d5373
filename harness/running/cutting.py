"""Cut a program that fails: which of its ops are at fault, found by running pieces of it in a supervised worker."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from harness.cases.sample import dumps
from harness.judging.cutting import CannotTell, End, Found, Part, search
from harness.records.cause import Cause, Cut, Level
from harness.records.frontend import FRONTEND
from harness.records.journal import Record
from harness.records.outcome import (
    BEST,
    Crashed,
    HarnessError,
    Invalid,
    NotExecuted,
    Outcome,
    Result,
    Stage,
    TimedOut,
    Unsupported,
    Wrong,
)
from harness.records.signature import signature
from harness.text import clip, one_line

from .lru_cache import LruCache
from .request import CutProgram, CutRequest, CutText, Depth

Ask = Callable[[CutRequest], CutProgram | CutText | Result]
"""Asks a worker for a piece: `Supervisor.cut`."""
REMEMBERED = 20_000
"""The ends of so many pieces are remembered, so that none is run twice."""
PIECE_SECONDS = 10.0
"""The deadline of one piece."""
SECONDS = 60.0
"""How long the search for one cause may take."""
FEW = 3
"""A program that hangs is cut if it has no more ops: each try may take the whole deadline."""
UNVALUED: tuple[Stage, ...] = ("lower", "verify")
"""Stages at which a program fails whatever its values are."""
LONGEST = 300


INVALID = "the IR is not valid"
"""How the reason starts why a text cannot be cut that the verifier rejects."""


class OutOfTime(Exception):
    """There is no time left for the cause that is searched for."""


@dataclass(slots=True)
class Cutter:
    """Finds causes; it remembers the ends of pieces, so that none is run twice on a backend.

    `left` tells how many seconds are left; a search that they do not suffice for raises OutOfTime.
    """

    ask: Ask
    left: Callable[[], float] = lambda: SECONDS
    _known: LruCache[Result] = field(default_factory=lambda: LruCache(REMEMBERED))

    def cause(self, record: Record) -> Cause:
        """The cause of a record's failure; raises OutOfTime."""
        if self.left() <= 0:
            raise OutOfTime
        started = time.monotonic()
        level = _level(record)

        def left() -> float:
            return min(self.left(), started + SECONDS - time.monotonic())

        parts = _Parts(record, level, self.ask, self._known, left)
        try:
            found = parts.found()
        except CannotTell as unknown:
            return _cause(record, parts, started, why=str(unknown))
        except OutOfTime:
            if self.left() <= 0:
                raise
            return _cause(record, parts, started, why=f"it takes longer than {SECONDS:g} s")
        return _cause(record, parts, started, found=found)


def _cause(record: Record, parts: _Parts, started: float, *, found: Found | None = None, why: str = "") -> Cause:
    names = parts.names
    unrun = parts.unrun.get(frozenset(range(len(names))) - {*found.culprits, *found.needs}, "") if found else ""
    return Cause(
        op=record.op,
        family=record.family,
        backend=record.backend,
        mode=record.full_mode,
        id=record.id,
        way=signature(record.outcome, record.backend),
        found="not tried" if found is None else "composition" if found.composition else "culprits",
        level=parts.level,
        culprits=tuple(names[i] for i in found.culprits) if found else (),
        needs=tuple(names[i] for i in found.needs) if found else (),
        unlocks=found is not None and not found.needs and not unrun,
        alone=parts.cuts(found) if found else (),
        why=why or unrun,
        tried=parts.tried,
        seconds=time.monotonic() - started,
    )


@dataclass(slots=True)
class _Parts:
    """The parts of one record's program; each is made and run once."""

    record: Record
    level: Level
    ask: Ask
    known: LruCache[Result]
    left: Callable[[], float]
    names: tuple[str, ...] = ()
    tried: int = 0
    unrun: dict[Part, str] = field(default_factory=dict)
    """The parts that were lowered and not executed, each with why."""
    _texts: dict[Part, CutText] = field(default_factory=dict)
    _whole: str = ""

    def found(self) -> Found:
        """What is at fault; raises CannotTell and OutOfTime."""
        way = ending(self.record.outcome)
        if self.record.outcome.stage == "export":
            raise CannotTell("it fails in export, before there is a graph")
        program = self._program()
        self.names, self._whole = program.ops, program.ir
        if not self.names:
            raise CannotTell("no op of it computes anything")
        if isinstance(self.record.outcome, TimedOut) and len(self.names) > FEW:
            raise CannotTell(f"it hangs, and has {len(self.names)} ops: each try may take the whole deadline")
        if len(self.names) > 1 and self.alone(frozenset(range(len(self.names))), way) != way:
            raise CannotTell(f"the whole program does not fail so here: {self._end_of_whole(way)}")
        return search(len(self.names), way, self)

    def _program(self) -> CutProgram:
        """What can be cut, in the form in which it goes wrong; raises CannotTell."""
        program = self._told()
        if program.why.startswith(INVALID) and self.level == "imported":
            self.level = "exported"  # the importer made what its dialect does not allow
            program = self._told()
        if program.why:
            raise CannotTell(program.why)
        if isinstance(self.record.outcome, Wrong) and program.wrong:
            self.level = "imported"  # the contract pipeline changed what the program computes
            program = self._told()
            if program.why or program.wrong:
                raise CannotTell(program.why or f"as it was imported, too: {program.wrong}")
        return program

    def _told(self) -> CutProgram:
        program = self.ask(self._request(None))
        if isinstance(program, CutProgram):
            return program
        raise CannotTell(f"the program cannot be had: {_said(program)}")

    def _end_of_whole(self, way: End) -> str:
        end = self.alone(frozenset(range(len(self.names))), way)
        return "it passes" if end is None else str(end)

    def alone(self, part: Part, way: End) -> End:
        """How a part ends that stands alone, as far as it must be taken to tell whether it ends in this way."""
        depth: Depth = "verify" if isinstance(way, tuple) and way[1] in UNVALUED else "compare"
        return ending(self._outcome(part, depth))

    def rest(self, part: Part) -> End:
        """How a part ends that is what is left of the program, compared with what it should compute."""
        outcome = self._outcome(part, "compare")
        if isinstance(outcome, (NotExecuted, HarnessError)) and self.record.outcome.stage in UNVALUED:
            self.unrun[part] = f"the rest is lowered, but no executor runs it: {_said(outcome)}"
            return None
        return ending(outcome)

    def _outcome(self, part: Part, depth: Depth) -> Outcome:
        """How a part ends that is taken so far; raises CannotTell and OutOfTime."""
        text = self._text(part)
        if self.record.backend == FRONTEND:
            depth = "compare" if self.level == "exported" and self.record.outcome.stage == "contract" else "verify"
        elif depth == "compare" and text.lacking:
            if self.record.outcome.stage not in UNVALUED:
                raise CannotTell(text.lacking)
            self.unrun[part] = f"the rest is lowered, but not executed: {text.lacking}"
            depth = "verify"
        if len(self.names) == 1 and text.ir == self._whole:
            return self.record.outcome  # the whole, which was run already
        lowered, compared = self._key(text, "verify"), self._key(text, "compare", text.values)
        known = self.known.get(lowered)
        if depth == "compare" and (known is None or isinstance(known.outcome, BEST)):
            known = self.known.get(compared)
        outcome = known.outcome if known else self._run(part, depth, lowered, compared)
        if depth == "compare" and text.unjudged and isinstance(outcome, BEST):
            if isinstance(self.record.outcome, Wrong):
                raise CannotTell(text.unjudged)
            self.unrun[part] = f"the rest is executed, but not compared: {text.unjudged}"
        return outcome

    def _key(self, text: CutText, depth: Depth, values: str = "") -> str:
        name = f"{self.record.backend} {self.level} {depth} {values} {text.ir}"
        return hashlib.sha256(name.encode()).hexdigest()

    def _run(self, part: Part, depth: Depth, lowered: str, compared: str) -> Outcome:
        """Run a part; keep its end under the key of what is lowered, or of what is compared, whichever decided."""
        if self.left() <= 0:
            raise OutOfTime
        self.tried += 1
        result = self.ask(self._request(part, depth))
        assert isinstance(result, Result)
        early = depth == "verify" or result.outcome.stage in UNVALUED
        self.known.get_or(lowered if early else compared, lambda: result)
        return result.outcome

    def _text(self, part: Part) -> CutText:
        """The text of a part; raises CannotTell."""
        if part not in self._texts:
            text = self.ask(self._request(part))
            self._texts[part] = text if isinstance(text, CutText) else CutText(why=f"its text: {_said(text)}")
        text = self._texts[part]
        if text.why:
            raise CannotTell(text.why)
        return text

    def _request(self, part: Part | None, depth: Depth = "text") -> CutRequest:
        record = self.record
        assert record.sample
        return CutRequest(
            op=record.op,
            sample=dumps(record.sample),
            backend=record.backend,
            level=self.level,
            kept=None if part is None else tuple(sorted(part)),
            depth=depth,
        )

    def cuts(self, found: Found) -> tuple[Cut, ...]:
        """The parts that fail: each culprit alone, or the composition."""
        groups = [found.culprits] if found.composition else [(op,) for op in found.culprits]
        way = ending(self.record.outcome)
        return tuple(self._cut(frozenset(group), way) for group in groups)

    def _cut(self, part: Part, way: End) -> Cut:
        text = self._text(part)
        depth: Depth = "verify" if isinstance(way, tuple) and way[1] in UNVALUED else "compare"
        outcome = self._outcome(part, depth)
        numeric = text.numeric if isinstance(outcome, Wrong) else ""
        return Cut(ops=text.ops, ir=text.ir, outcome=outcome, numeric=numeric)


def _level(record: Record) -> Level:
    """The form in which a record's program is cut: that which the stage at which it fails is given."""
    if record.backend != FRONTEND:
        return "contract"
    return "exported" if record.outcome.stage == "import" else "imported"


def ending(outcome: Outcome) -> End:
    """How a part ends: parts that fail alike end alike. Raises CannotTell where it says nothing of the part."""
    name, stage = type(outcome).__name__, outcome.stage
    match outcome:
        case _ if isinstance(outcome, BEST):
            return None
        case Wrong(kind=kind):
            return name, stage, kind
        case Crashed(signal=signal):
            return name, stage, signal
        case Invalid() | Unsupported() | TimedOut():
            return name, stage, ""
        case _:
            raise CannotTell(_said(outcome))


def _said(found: object) -> str:
    """What is said of an outcome, or of what came instead of an answer."""
    outcome = found.outcome if isinstance(found, Result) else found
    text = getattr(outcome, "traceback", "") or getattr(outcome, "reason", "") or getattr(outcome, "reasons", "")
    last = str(text).strip().splitlines()[-1:] or [""]
    return clip(one_line(f"{type(outcome).__name__} {last[0]}".strip()), LONGEST)
