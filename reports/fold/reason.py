"""Why the samples of a cell did not pass: distinct reasons, each with a headline, a diagnostic and a sample."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from math import prod
from typing import assert_never

from harness.cases.sample import Sample, TensorSpec, dumps, walk
from harness.records.journal import Record
from harness.records.outcome import (
    BEST,
    Blocked,
    Crashed,
    Excluded,
    HarnessError,
    Invalid,
    NotExecuted,
    NotExported,
    NotRun,
    Outcome,
    Outside,
    Passed,
    Ran,
    Reached,
    TimedOut,
    Unsupported,
    Wrong,
)
from harness.records.signature import Signature, signature
from harness.text import clean, clip, one_line, plural

from . import severity
from .call import repro_command
from .cell import CellRecords, outcome_name
from .status import STATUS_OF_OUTCOME

NO_DYNAMIC_DIM = "nothing"
"""The `Record.breaks` of a dynamic sample that fails in the same way when all its sizes are static."""
_NESTED = re.compile(r"<[^<>]*>")
_NUMBER = re.compile(r"%[\w#.-]+|0x[0-9a-fA-F]+|\d+(\.\d+)?(e[+-]?\d+)?")
_SEVERITY = re.compile(r"^(error|warning|remark|note): ")
_RAN: Mapping[Ran, str] = {
    "": "",
    "right": "yet right: ",
    "wrong": "and wrong: ",
    "died": "and it dies: ",
    "cannot run": "and cannot be run: ",
}
"""How the headline of an invalid module begins: with what executors made of it."""


Likeness = tuple[Signature, str]
"""The signature of an outcome and what else two of the same reason share: the diagnostic without its numbers, or "".

Of a wrong sample it is the number of the wrong output, of one outside the dialect the recorded outcome.
"""


@dataclass(frozen=True, slots=True)
class Reason:
    """One distinct reason why samples of a cell did not pass.

    `count` samples have the reason; minimised records are not counted. `smallest` is the record to look at, a minimised
    one if there is any. `breaks` are the distinct `Record.breaks` of the records: what must be dynamic for a sample to
    fail. `first_wrong_passes` are their distinct first wrong passes, as text. Both are empty if they were not looked
    for. `severities` counts the samples by severity. `cause` is what runtime verification says of the smallest record,
    or of the first about which it says anything. `opinions` are the distinct second opinions on the records, as text.
    """

    outcome: str
    stage: str
    culprit: str | None
    count: int
    smallest: Record
    breaks: tuple[str, ...] = ()
    cause: str | None = None
    first_wrong_passes: tuple[str, ...] = ()
    severities: severity.Counts = field(default_factory=dict)
    opinions: tuple[str, ...] = ()

    @property
    def when(self) -> str:
        """When the samples fail, in words with counts; empty for what is nobody's fault."""
        return severity.in_words(self.severities)

    @property
    def line(self) -> str:
        """The outcome of the smallest sample in one line."""
        return headline(self.smallest.outcome)

    @property
    def dynamism(self) -> str:
        """Which dims must be dynamic for the samples to fail, in one line; empty if that was not looked for."""
        dims = [dim for dim in self.breaks if dim != NO_DYNAMIC_DIM]
        alone = [dim for dim in dims if "+" not in dim]
        together = [" and ".join(dim.split("+")) for dim in dims if "+" in dim]
        clauses = [f"breaks where {' or '.join(alone)} is dynamic"] if alone else []
        clauses += [f"breaks where {names} are dynamic together" for names in together]
        clauses += ["fails where all sizes are static too"] if NO_DYNAMIC_DIM in self.breaks else []
        return "; ".join(clauses)


def headline(outcome: Outcome) -> str:
    """Write in one line what happened."""
    match outcome:
        case Passed(share=share):
            return f"worst error {share:.1%} of its bound"
        case Wrong():
            return f"{outcome.kind}: {_wrong(outcome)}"
        case Crashed():
            message = _last_line(outcome.stderr)
            return f"{outcome.signal} at {outcome.stage}" + (f": {message}" if message else "")
        case Invalid(diagnostic=text):
            return _RAN[outcome.ran] + (first_line(text) or f"no diagnostic at {outcome.stage}")
        case Unsupported(diagnostic=text) | NotExported(reason=text):
            return first_line(text) or f"no diagnostic at {outcome.stage}"
        case Reached():
            return "in the backend contract"
        case Blocked(by=by, reason=why):
            return f"{by} at {outcome.stage} in the frontend" + (f": {first_line(why)}" if why else "")
        case TimedOut():
            return f"no end after {outcome.seconds:g} s at {outcome.stage}"
        case NotRun():
            return f"not run after a hang: given {outcome.seconds:g} s at {outcome.stage}, where {outcome.after} hung"
        case NotExecuted(reasons=reasons):
            return "; ".join(f"{name}: {one_line(why)}" for name, why in reasons.items()) or "no executor"
        case Outside(lacking=lacking, by=by, reason=text):
            return f"the dialect has no {lacking}; {by} at {outcome.stage}: {first_line(text)}"
        case Excluded(reason=text):
            return one_line(text) or "no reason given"
        case HarnessError():
            return _last_line(outcome.traceback) or "no traceback"
        case _:
            assert_never(outcome)


def first_line(diagnostic: str) -> str:
    """The first line of a diagnostic, without the word that says how severe it is."""
    return _SEVERITY.sub("", one_line(diagnostic))


def diagnostic(outcome: Outcome) -> str:
    """Write everything that was recorded of the outcome, in as many lines as it takes."""
    match outcome:
        case Passed(executors=executors, dissent=dissent):
            return "\n".join([f"right by {', '.join(executors)}", *_each(dissent)])
        case Wrong():
            return _wrong_in_full(outcome)
        case Crashed(stderr=text) | HarnessError(traceback=text):
            return clean(text)
        case Invalid(diagnostic=text, ran=ran, finding=finding):
            return "\n".join([*([f"{ran}: {clean(finding)}"] if ran else []), clean(text)])
        case Unsupported(diagnostic=text) | NotExported(reason=text) | Excluded(reason=text) | Outside(reason=text):
            return clean(text)
        case TimedOut() | NotRun() | Reached() | Blocked():
            return headline(outcome)
        case NotExecuted(reasons=reasons):
            return "\n".join(_each(reasons))
        case _:
            assert_never(outcome)


@lru_cache(maxsize=32)
def reasons(cell: CellRecords) -> tuple[Reason, ...]:
    """Return the distinct reasons of a cell: the most alarming outcome first, then the most severe."""
    groups: dict[Likeness, list[Record]] = defaultdict(list)
    of_outcome: dict[int, list[Record]] = {}  # the group of each: many records share one
    for record in (*cell.records, *cell.evidence):
        if not isinstance(record.outcome, BEST):
            key = id(record.outcome)
            if key not in of_outcome:
                of_outcome[key] = groups[likeness(record.outcome, record.backend)]
            of_outcome[key].append(record)
    distinct = [_reason(records, cell.plain_call) for records in groups.values()]
    order = list(STATUS_OF_OUTCOME)
    return tuple(sorted(distinct, key=lambda r: (order.index(r.outcome), _rank(r), -r.count, r.stage, r.line)))


def _rank(reason: Reason) -> int:
    grade = severity.worst(reason.severities)
    return grade.rank if grade else 0


def smallest(records: Iterable[Record]) -> Record:
    """Return the record to look at: a minimised one if any, then the one with fewest elements, dims and arguments."""
    candidates = list(records)
    return candidates[0] if len(candidates) == 1 else min(candidates, key=weight)


def _reason(records: list[Record], plain: Sample | None) -> Reason:
    chosen = smallest(records)
    culprit = signature(chosen.outcome, chosen.backend).culprit or None
    count = sum(record.minimised is None for record in records)
    breaks = tuple(dict.fromkeys(record.breaks for record in records if record.breaks))
    cause = next((record.cause for record in (chosen, *records) if record.cause), None)
    passes = tuple(dict.fromkeys(str(record.first_wrong_pass) for record in records if record.first_wrong_pass))
    name = outcome_name(chosen)
    severities = severity.count(((record, name) for record in records), plain).get(name, {})
    said = tuple(dict.fromkeys(str(record.opinion) for record in records if record.opinion))
    return Reason(name, chosen.stage, culprit, count, chosen, breaks, cause, passes, severities, said)


def cleared_in_words(cell: CellRecords) -> str:
    """How many samples of the cell a second opinion clears, whose fault they are, and how to run one; "" if none."""
    if not cell.cleared:
        return ""
    record = smallest(cell.cleared)
    assert isinstance(record.outcome, Passed)
    at_fault = "; ".join(f"{name} {one_line(said)}" for name, said in record.outcome.dissent.items())
    by = ", ".join(record.outcome.executors)
    command = repro_command(record.id, record.backend)
    return f"{plural(len(cell.cleared), 'sample')} passed by {by} alone, at fault: {at_fault} ({command})"


def weight(record: Record) -> tuple[bool, bool, int, int, int, int, str]:
    """A sort key: records that are easier to look at come first, records without a sample come last."""
    sample = record.sample
    if sample is None:
        return (True, True, 0, 0, 0, 0, record.dtype)
    text = dumps(sample)
    return (record.minimised is None or record.without is not None, False, *size(sample), len(text), text)


@lru_cache(maxsize=4096)
def size(sample: Sample) -> tuple[int, int, int]:
    """How much there is to look at in a sample: its elements, dims and arguments."""
    elements = dims = leaves = 0
    for leaf in walk(sample.args):
        leaves += 1
        if isinstance(leaf, TensorSpec):
            dims += len(leaf.dims)
            elements += prod(leaf.shape(sample.sizes))
    return elements, dims, leaves


def likeness(outcome: Outcome, backend: str) -> Likeness:
    """What samples of one reason have in common."""
    match outcome:
        case Wrong():
            detail = str(outcome.output)
        case Crashed() | NotRun() | Blocked():
            detail = ""
        case Outside(by=by):
            detail = by
        case _:
            detail = normalised(headline(outcome))
    return signature(outcome, backend), detail


@lru_cache(maxsize=4096)
def normalised(line: str) -> str:
    """The line without types in angle brackets, and with `#` for every number and SSA value."""
    line = clip(line, 500)
    before = None
    while before != line:
        before, line = line, _NESTED.sub("", line)
    return _NUMBER.sub("#", line)


def _wrong(outcome: Wrong) -> str:
    message = one_line(outcome.message).removeprefix(f"{outcome.kind}: ")
    if message or not (outcome.actual or outcome.expected):
        return message or "no message"
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


def _each(messages: Mapping[str, str]) -> list[str]:
    """The message of each executor, after the executor's name."""
    return [f"{name}: {clean(text)}" for name, text in messages.items()]


def _last_line(text: str) -> str:
    lines = [" ".join(line.split()) for line in clean(text).splitlines()]
    return next((line for line in reversed(lines) if line), "")
