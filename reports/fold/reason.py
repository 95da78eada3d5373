"""Why samples of a cell did not pass: a line, a diagnostic, and the smallest sample behind each distinct reason."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import assert_never

from harness.cases.sample import dumps, tensors, walk
from harness.records.journal import Record
from harness.records.outcome import (
    Crashed,
    Excluded,
    HarnessError,
    Invalid,
    NotExecuted,
    NotExported,
    Outcome,
    Passed,
    TimedOut,
    Unsupported,
    Wrong,
)
from harness.text import clean, clip, one_line

from .matrix import Cell, outcome_name
from .status import OF_OUTCOME

NOTHING = "nothing"
"""What `Record.breaks` says where the static twin of a dynamic sample fails alike."""
_NESTED = re.compile(r"<[^<>]*>")
_NUMBER = re.compile(r"%[\w#.-]+|0x[0-9a-fA-F]+|\d+(\.\d+)?(e[+-]?\d+)?")
_SEVERITY = re.compile(r"^(error|warning|remark|note): ")


@dataclass(frozen=True, slots=True)
class Reason:
    """One distinct reason; `count` samples have it, of which `smallest` is the one to look at.

    `smallest` is a minimised record where there is one, so it may not be among the counted. `breaks` is what has to be
    dynamic for its samples to fail, as their records say it, and `first_wrong_passes` after which pass they part from eager; both
    are empty where nobody looked into it. `cause` is what runtime verification says of the smallest, or else of the
    first of which it says something.
    """

    outcome: str
    stage: str
    culprit: str | None
    count: int
    smallest: Record
    breaks: tuple[str, ...] = ()
    cause: str | None = None
    first_wrong_passes: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """The smallest sample's outcome in one line."""
        return headline(self.smallest.outcome)

    @property
    def dynamism(self) -> str:
        """What a dynamic dim has to do with it, in one line; empty where nobody looked into it."""
        dims = [dim for dim in self.breaks if dim != NOTHING]
        alone = [dim for dim in dims if "+" not in dim]
        together = [" and ".join(dim.split("+")) for dim in dims if "+" in dim]
        said = [f"breaks where {' or '.join(alone)} is dynamic"] if alone else []
        said += [f"breaks where {dim} are dynamic together" for dim in together]
        said += ["fails where all sizes are static too"] if NOTHING in self.breaks else []
        return "; ".join(said)


def headline(outcome: Outcome) -> str:
    """What happened, in one line."""
    match outcome:
        case Passed(share=share):
            return f"worst error {share:.1%} of its bound"
        case Wrong():
            return f"{outcome.kind}: {_wrong(outcome)}"
        case Crashed():
            said = _last_line(outcome.stderr)
            return f"{outcome.signal} at {outcome.stage}" + (f": {said}" if said else "")
        case Unsupported(diagnostic=text) | Invalid(diagnostic=text) | NotExported(reason=text):
            return _SEVERITY.sub("", one_line(text)) or f"no diagnostic at {outcome.stage}"
        case TimedOut():
            return f"no end after {outcome.seconds:g} s at {outcome.stage}"
        case NotExecuted(reasons=reasons):
            return "; ".join(f"{name}: {one_line(why)}" for name, why in reasons.items()) or "no executor"
        case Excluded(reason=text):
            return one_line(text) or "no reason given"
        case HarnessError():
            return _last_line(outcome.traceback) or "no traceback"
        case _:
            assert_never(outcome)


def diagnostic(outcome: Outcome) -> str:
    """All that was recorded about it, as text."""
    match outcome:
        case Passed(executors=executors, dissent=dissent):
            return "\n".join([f"right by {', '.join(executors)}", *_each(dissent)])
        case Wrong():
            return _wrong_in_full(outcome)
        case Crashed(stderr=text) | HarnessError(traceback=text):
            return clean(text)
        case Unsupported(diagnostic=text) | Invalid(diagnostic=text) | NotExported(reason=text) | Excluded(reason=text):
            return clean(text)
        case TimedOut():
            return headline(outcome)
        case NotExecuted(reasons=reasons):
            return "\n".join(_each(reasons))
        case _:
            assert_never(outcome)


def reasons(cell: Cell) -> tuple[Reason, ...]:
    """The distinct reasons of a cell, the most alarming first, then the most frequent."""
    groups: dict[tuple[str, ...], list[Record]] = defaultdict(list)
    for record in (*cell.records, *cell.evidence):
        if not isinstance(record.outcome, Passed):
            groups[_signature(record.outcome)].append(record)
    found = [_reason(records) for records in groups.values()]
    order = list(OF_OUTCOME)
    return tuple(sorted(found, key=lambda r: (order.index(r.outcome), -r.count, r.stage, r.line)))


def smallest(records: Iterable[Record]) -> Record:
    """The one to look at: minimised ones first, then fewest elements, dims and arguments."""
    return min(records, key=_weight)


def _reason(records: list[Record]) -> Reason:
    chosen = smallest(records)
    culprit = chosen.outcome.culprit if isinstance(chosen.outcome, Unsupported) else None
    count = sum(record.minimised is None for record in records)
    breaks = tuple(dict.fromkeys(record.breaks for record in records if record.breaks))
    cause = next((record.cause for record in (chosen, *records) if record.cause), None)
    passes = tuple(dict.fromkeys(str(record.first_wrong_pass) for record in records if record.first_wrong_pass))
    return Reason(outcome_name(chosen), chosen.stage, culprit, count, chosen, breaks, cause, passes)


def _weight(record: Record) -> tuple[bool, bool, int, int, int, int, str]:
    sample = record.sample
    if sample is None:
        return (True, True, 0, 0, 0, 0, record.dtype)
    elements = dims = 0
    for tensor in tensors(sample.args):
        dims += len(tensor.dims)
        count = 1
        for size in tensor.shape(sample.sizes):
            count *= size
        elements += count
    leaves = sum(1 for _ in walk(sample.args))
    text = dumps(sample)
    return (record.minimised is None, False, elements, dims, leaves, len(text), text)


def _signature(outcome: Outcome) -> tuple[str, ...]:
    """What makes a reason distinct: outcome, stage and, where it is text, its first line without numbers and types."""
    name = type(outcome).__name__
    match outcome:
        case Wrong():
            return (name, outcome.kind, str(outcome.output))
        case Crashed():
            return (name, outcome.stage, outcome.signal)
        case Unsupported():
            return (name, outcome.stage, outcome.culprit or "", _general(headline(outcome)))
        case _:
            return (name, outcome.stage, _general(headline(outcome)))


def _general(line: str) -> str:
    line = clip(line, 500)
    before = None
    while before != line:
        before, line = line, _NESTED.sub("", line)
    return _NUMBER.sub("#", line)


def _wrong(outcome: Wrong) -> str:
    said = one_line(outcome.message).removeprefix(f"{outcome.kind}: ")
    if said or not (outcome.actual or outcome.expected):
        return said or "no message"
    where = "".join(f"[{index}]" for index in outcome.element)
    return f"out{outcome.output}{where} = {outcome.actual}, but should be {outcome.expected}"


def _wrong_in_full(outcome: Wrong) -> str:
    lines = [clean(outcome.message).strip()]
    at = f" at [{', '.join(map(str, outcome.element))}]" if outcome.element else ""
    if outcome.expected or outcome.actual:
        lines.append(f"output {outcome.output}{at}: expected {outcome.expected}, got {outcome.actual}")
    if outcome.error is not None and outcome.bound is not None:
        lines.append(f"error {outcome.error:.3g}, bound {outcome.bound:.3g}")
    if outcome.of:
        lines.append(f"{outcome.count:,} of {outcome.of:,} elements out of bound")
    if outcome.sizes:
        lines.append("sizes " + ", ".join(f"{name}={size}" for name, size in outcome.sizes.items()))
    lines += [f"wrong by {', '.join(outcome.confirmed or (outcome.executor,))}", *_each(outcome.others)]
    return "\n".join(line for line in lines if line)


def _each(said: Mapping[str, str]) -> list[str]:
    """What each executor says, a line or more for each."""
    return [f"{name}: {clean(text)}" for name, text in said.items()]


def _last_line(text: str) -> str:
    said = [" ".join(line.split()) for line in clean(text).splitlines()]
    return next((line for line in reversed(said) if line), "")
