"""How the cells of a run differ from what a baseline expects of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from harness.records.entry import End, Entry, is_uncertain
from harness.records.outcome import Invalid
from harness.records.signature import Signature
from harness.text import plural
from reports.fold.status import PASS

from .diff.transition import RED as ALARMING

Kind = Literal["worse", "changed", "redrawn", "new", "better", "flicker", "undecided", "counts", "opinion"]
RED: tuple[Kind, ...] = ("worse", "changed", "redrawn", "new")
"""What makes a check fail."""
AGAIN: tuple[Kind, ...] = ("worse", "changed")
"""What is run again before it is called red."""
MEANS: Mapping[Kind, str] = {
    "worse": "a right sample is no longer right, or one is newly wrong, crashing or timed out",
    "changed": "fails in another way",
    "redrawn": "the samples are not those of the baseline: no regression",
    "new": "the baseline has no such cell",
    "better": "more is right, or less is wrong, crashing or timed out",
    "flicker": "not the same each time it is run",
    "undecided": "time, memory, opcov itself or an executor may explain it",
    "counts": "the same verdict and causes, another number of right samples",
    "opinion": "second opinions make something else of it: without them it is as expected",
}
GOOD = PASS.name
"""The verdict of a cell that has nothing to accept."""
_LATE = ("execute", "compare")
"""The stages at which an executor has a say; it has one of an invalid module too."""
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Drift:
    """A cell that is not as expected: `old` is what the baseline has of it, if anything, and `new` what was run.

    `why` says more: of a flicker how the cell ended before it was run again, of an undecided one what may explain it.
    """

    kind: Kind
    old: Entry | None
    new: Entry
    why: str = ""

    @property
    def said(self) -> str:
        """The old and the new end, side by side."""
        old, new = self._words
        return f"{old or 'nothing'} -> {new}" + (f" ({self.why})" if self.why else "")

    @property
    def _words(self) -> tuple[str | None, str]:
        """The two ends as text, those that second opinions make of the cell if that is all that differs."""
        if self.kind == "opinion" and self.old and self.new.opinion:
            return (self.old.opinion or self.old.end).words(), self.new.opinion.words()
        return self.old.end.words() if self.old else None, self.new.end.words()

    def json(self) -> dict[str, Any]:
        """The same as JSON values."""
        old, new = self._words
        of = {"op": self.new.op, "backend": self.new.backend, "mode": self.new.mode, "dtype": self.new.dtype}
        return {"kind": self.kind, **of, "old": old, "new": new, "why": self.why}


def drift(old: Entry | None, new: Entry, executors: Iterable[str] = ()) -> Drift | None:
    """How a cell differs from the baseline's entry; None if it does not.

    `executors` are those that only one of the two runs had.
    """
    if old is None:
        return Drift("new", None, new)
    if old.census != new.census:
        return Drift("redrawn", old, new)
    if new.end.causes in [end.causes for end in old.ends]:
        if new.end not in old.ends and new.end.causes == old.end.causes:
            return Drift("counts", old, new)
        return Drift("opinion", old, new) if new.opinion and new.opinion != old.opinion else None
    if is_undecided(old.end, new.end):
        return Drift("undecided", old, new)
    if (names := ", ".join(executors)) and _is_late(old.end, new.end):
        return Drift("undecided", old, new, f"executor {names}")
    return Drift(direction(old.end, new.end), old, new)


def direction(old: End, new: End) -> Literal["worse", "better", "changed"]:
    """Whether a cell with the same samples is worse, better or merely different; worse if it is both."""
    before, after = ({s.outcome for s in end.signatures if s.outcome in ALARMING} for end in (old, new))
    if new.passed < old.passed or after - before:
        return "worse"
    return "better" if new.passed > old.passed or before - after else "changed"


def is_undecided(old: End, new: End) -> bool:
    """Whether what depends on the machine may explain all of the difference.

    What is newly there may have been hidden by a timeout before, and what is gone may be hidden by one now.
    """
    lost, gained = set(old.signatures) - set(new.signatures), set(new.signatures) - set(old.signatures)
    hid, hides = any(map(is_uncertain, lost)), any(map(is_uncertain, gained))
    if not hid and not hides:
        return False
    return (hid or all(map(is_uncertain, gained))) and (hides or all(map(is_uncertain, lost)))


def _is_late(old: End, new: End) -> bool:
    return all(map(_is_of_executor, set(old.signatures) ^ set(new.signatures)))


def _is_of_executor(of: Signature) -> bool:
    return of.stage in _LATE or of.outcome == Invalid.__name__


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A run against a baseline.

    `drifts` are the cells that differ; `cells` is how many were compared, `expected` how many the baseline has. `notes`
    say what was left out, and why; `commands` are what to type next. `strict` makes it fail if a cell is better.
    """

    profile: str
    cells: int
    expected: int
    drifts: tuple[Drift, ...]
    notes: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    strict: bool = False

    def of(self, kind: Kind) -> tuple[Drift, ...]:
        """The drifts of a kind; those with the same two ends follow each other."""
        found = [one for one in self.drifts if one.kind == kind]
        return tuple(sorted(found, key=lambda one: (one.said, one.new.name)))

    @property
    def is_red(self) -> bool:
        """Whether the check fails."""
        return any(one.kind in RED or (self.strict and one.kind == "better") for one in self.drifts)

    def text(self, *, limit: int | None = _SHOWN, last: bool = False) -> str:
        """The answer: the verdict, and at most `limit` cells of each kind; with `last` the verdict is the last line."""
        blocks = [self._block(kind, limit) for kind in MEANS if self.of(kind)]
        blocks += ["\n".join(lines) for lines in (self.notes, self.commands) if lines]
        return "\n\n".join([*blocks, self.headline] if last else [self.headline, *blocks])

    @property
    def headline(self) -> str:
        """The verdict in one line."""
        counts = [f"{len(self.of(kind)):,} {kind}" for kind in MEANS if self.of(kind)]
        verdict = "drift" if self.is_red else "as expected"
        compared = f"{self.cells:,} of the {plural(self.expected, 'cell')} of the profile {self.profile} compared"
        return f"baseline: {verdict}, {', '.join([*counts, compared])}"

    def _block(self, kind: Kind, limit: int | None) -> str:
        found = self.of(kind)
        ops = len({one.new.op for one in found})
        lines = [f"{kind}: {plural(len(found), 'cell')} [{plural(ops, 'op')}], {MEANS[kind]}"]
        lines += [f"  {one.new.cell}  {one.said}" for one in found[:limit]]
        if limit is not None and len(found) > limit:
            lines.append(f"  and {plural(len(found) - limit, 'more cell')}: add --all")
        return "\n".join(lines)

    def json(self) -> dict[str, Any]:
        """The same as JSON values."""
        found = [one.json() for kind in MEANS for one in self.of(kind)]
        head = {"profile": self.profile, "red": self.is_red, "cells": self.cells, "expected": self.expected}
        return {**head, "drifts": found, "notes": list(self.notes)}


def accepted(one: Drift, reason: str = "") -> Entry:
    """The entry that a baseline has once the drift is accepted, which for a worse one takes a reason.

    A reason stays, with the end from before it, until the cell is at least as good as that again.
    """
    old, new = one.old, one.new
    if old is None:
        return new
    if one.kind == "counts":
        return replace(old, end=new.end).with_opinion(new.opinion or old.opinion)
    if one.kind == "opinion":
        return old.with_opinion(new.opinion)
    if one.kind == "worse":
        return replace(new, was=old.was or old.end, reason="; ".join(filter(None, (old.reason, reason))))
    gone = old.was is None or (new.end.verdict == GOOD if one.kind == "redrawn" else _is_as_good(old.was, new.end))
    return new if gone else replace(new, was=old.was, reason=old.reason)


def _is_as_good(was: End, now: End) -> bool:
    return now.verdict == GOOD or direction(was, now) != "worse"
