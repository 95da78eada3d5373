"""One line of a baseline: a cell, its verdict, the signatures of what did not pass, and a hash of its census.

    aten.add.Tensor tosa static f32 pass 5/5 3fa9c1
    aten.sort.default tosa dynamic f32 partial 2/5 90be12 Unsupported@lower:torch.aten.sort; Wrong@compare=value

`docs/baseline.md` describes the format. `str(entry)` writes a line, `parse` reads one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from .journal_file import CellName, cell_name
from .outcome import BY_NAME, HarnessError, NotRun, TimedOut
from .signature import Signature

ALSO = " ~ "
"""Stands before a second verdict, and its reason: `cpu`, `flicker` or `opinion`."""
WAS = " # was "
"""Stands before the verdict that the cell had before somebody accepted a worse one, and that person's reason."""
REASONS = ("cpu", "flicker")
"""Why a cell may have a second verdict, as a person says it."""
OPINION = "opinion"
"""The reason of the verdict that a second opinion makes of the cell; the first verdict of a line is without any."""
_BETWEEN = "; "
_DIGITS = 6
_UNCERTAIN = tuple(cls.__name__ for cls in (TimedOut, NotRun, HarnessError))
_MEMORY = "memory limit"
_SIGNATURE = re.compile(r"(\w+)@(\w+)(?::([^=;]+))?(?:=([^;]+))?")
_END = re.compile(r"([\w-]+) (\d+)/(\d+)(?: (\S.*))?")


@dataclass(frozen=True, slots=True)
class End:
    """What became of a cell.

    `verdict` is the name of the status that reports show, decided without minimised samples and, but for `OPINION`, as
    if no second opinion had cleared a sample. `passed` of its `total`
    samples are right, those outside the dialect aside; these two are for information. `signatures` are those of all
    samples that are not right, sorted.
    """

    verdict: str
    passed: int
    total: int
    signatures: tuple[Signature, ...] = ()

    @property
    def causes(self) -> tuple[str, tuple[Signature, ...]]:
        """What is equal for two ends that do not differ: all but the counts."""
        return self.verdict, self.signatures

    def words(self, between: str = "") -> str:
        """The end as text, with `between` before the signatures."""
        head = f"{self.verdict} {self.passed}/{self.total}{between}"
        return f"{head} {_BETWEEN.join(map(_signature, self.signatures))}".rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A cell of a family, and what became of it.

    `census` is the start of a hash over the ids of its samples. `also` are other ends that the cell may have, each with
    its reason. `was` and `reason` are the end before a worse one was accepted, and why it was.
    """

    family: str
    op: str
    backend: str
    mode: str
    dtype: str
    end: End
    census: str
    also: tuple[tuple[str, End], ...] = ()
    was: End | None = None
    reason: str = ""

    @property
    def name(self) -> CellName:
        """The cell: op, backend, full mode and dtype."""
        return self.op, self.backend, self.mode, self.dtype

    @property
    def cell(self) -> str:
        """The cell's name: `aten.add.Tensor[tosa-dynamic-f32]`."""
        return cell_name(*self.name)

    @property
    def opinion(self) -> End | None:
        """The end that second opinions make of the cell; None where they clear no sample of it."""
        return next((end for why, end in self.also if why == OPINION), None)

    def with_opinion(self, end: End | None) -> Entry:
        """The entry with another such end, or with none."""
        others = tuple((why, other) for why, other in self.also if why != OPINION)
        return replace(self, also=(*others, (OPINION, end)) if end else others)

    @property
    def ends(self) -> tuple[End, ...]:
        """Every end that the cell may have without second opinions, the usual one first."""
        return self.end, *(end for why, end in self.also if why != OPINION)

    def __str__(self) -> str:
        """The line."""
        also = "".join(f"{ALSO}{why} {end.words()}" for why, end in self.also)
        was = f"{WAS}{self.was.words()}: {self.reason}" if self.was else ""
        return f"{' '.join(self.name)} {self.end.words(f' {self.census}')}{also}{was}"


def parse(line: str, family: str) -> Entry:
    """The entry of a line; raises ValueError, which says what is wrong."""
    rest, _, accepted = line.partition(WAS)
    was, _, reason = accepted.partition(": ")
    usual, *others = rest.split(ALSO)
    words = usual.split(" ", 7)
    if len(words) < 7:
        raise ValueError("a line is: OP BACKEND MODE DTYPE VERDICT n/m CENSUS SIGNATURES")
    op, backend, mode, dtype, verdict, counts, census, *signatures = words
    return Entry(
        family=family,
        op=op,
        backend=backend,
        mode=mode,
        dtype=dtype,
        end=_end(" ".join((verdict, counts, *signatures))),
        census=census,
        also=tuple(map(_other, others)),
        was=_end(was) if accepted else None,
        reason=reason,
    )


def _other(text: str) -> tuple[str, End]:
    why, _, end = text.partition(" ")
    if why not in (*REASONS, OPINION):
        raise ValueError(f"a second verdict is for {', '.join(REASONS)} or {OPINION}, not for {why!r}")
    return why, _end(end)


@lru_cache(maxsize=4096)
def _end(text: str) -> End:
    """The end of a text; most cells have one of few."""
    found = _END.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} does not start with a verdict and its n/m")
    verdict, passed, total, signatures = found.groups()
    texts = signatures.split(_BETWEEN) if signatures else []
    return End(verdict, int(passed), int(total), tuple(sorted(map(_restored, texts))))


def _signature(of: Signature) -> str:
    return f"{of.outcome}@{of.stage}" + (f":{of.culprit}" if of.culprit else "") + (f"={of.kind}" if of.kind else "")


def _restored(text: str) -> Signature:
    found = _SIGNATURE.fullmatch(text)
    if not found or found[1] not in BY_NAME:
        raise ValueError(f"{text!r} is no signature such as Unsupported@lower:torch.aten.sort")
    return Signature(found[1], found[2], found[3] or "", found[4] or "")


def writable(of: Signature) -> Signature:
    """The signature without what would end it in a line; compilers name ops, but no one promises that."""
    culprit, kind = (re.sub(r"[\s;=~#]+", "_", of.culprit), re.sub(r"\s*[:;=~#\n]+\s*", "_", of.kind))
    return Signature(of.outcome, of.stage, culprit, kind)


def is_uncertain(of: Signature) -> bool:
    """Whether the signature depends on how fast the machine is, on its memory, or on a bug of opcov."""
    return of.outcome in _UNCERTAIN or of.kind in _UNCERTAIN or _MEMORY in of.kind


def census_hash(ids: Iterable[str]) -> str:
    """The start of a hash over the ids of a cell's samples, in any order."""
    return hashlib.sha256(" ".join(sorted(ids)).encode()).hexdigest()[:_DIGITS]
