"""Where the two sources of samples disagree: cells in which OpInfo's samples show an outcome that our census does not.

A cell's class is the most alarming outcome among the samples of one source; excluded samples are left out. OpInfo's
samples are static, so only static cells are compared.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.records.expectation import CONTROL
from harness.records.journal import Record
from harness.records.outcome import Excluded, Outside
from harness.text import as_table
from reports.fold.call import repro_command
from reports.fold.cell import Key, outcome_name
from reports.fold.status import worst
from reports.index.index import Index
from reports.index.op_records import OpRecords

FOLD = "gap"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A cell in which OpInfo's class is an outcome that no sample of the census has.

    `census` and `opinfo` are the classes by source; `sample` is the id of OpInfo's first sample with that outcome.
    """

    key: Key
    census: str
    opinfo: str
    sample: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """An input that eager rejects and export takes; `reason` is eager's message."""

    op: str
    sample: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The cells that both sources sampled, and OpInfo's inputs that eager rejects.

    Of the `compared` cells, `agree` have the same class by both sources; the others are in `gaps` or are counted in
    `census_shows_more`. Of the `rejected` inputs, `accepted` are those that export takes.
    """

    compared: int
    agree: int
    gaps: tuple[Gap, ...]
    census_shows_more: int
    rejected: int
    accepted: tuple[Accepted, ...]


def fold(of: OpRecords) -> dict[str, Any] | None:
    """Of one op: the cells that both sources sampled, and the inputs that eager rejects with their places."""
    if not any(record.sample and record.sample.origin in ("opinfo", "rejected") for record in of.records):
        return None
    by_source: dict[tuple[str, str, str], dict[str, dict[str, str]]] = defaultdict(lambda: defaultdict(dict))
    rejected: dict[str, list[Any]] = {}
    for record, place in zip(of.records, of.places, strict=True):
        if record.sample is None or record.minimised or record.full_mode != "static" or record.backend == CONTROL:
            continue
        if record.sample.origin == "rejected":
            rejected.setdefault(record.id, [place, record.id, _reason(record)])
        elif record.sample.origin != "picked" and not isinstance(record.outcome, (Excluded, Outside)):
            of_source = "opinfo" if record.sample.origin == "opinfo" else "census"
            source = by_source[record.backend, record.full_mode, record.dtype][of_source]
            if outcome_name(record) not in source:
                source[outcome_name(record)] = record.id
    both = [[*cell, sources["census"], sources["opinfo"]] for cell, sources in by_source.items() if len(sources) == 2]
    return {"both": both, "rejected": list(rejected.values())} if both or rejected else None


def compare(index: Index) -> Comparison:
    """Compare the two sources in the journal of a run with `--samples both`."""
    parts = index.parts(FOLD)
    both = {Key(op, *cell): (census, opinfo) for op, part in parts for *cell, census, opinfo in part["both"]}
    rejected = sorted((place, op, id, reason) for op, part in parts for place, id, reason in part["rejected"])
    gaps = tuple(_gaps(both))
    agree = sum(worst(census) == worst(opinfo) for census, opinfo in both.values())
    return Comparison(
        compared=len(both),
        agree=agree,
        gaps=gaps,
        census_shows_more=len(both) - agree - len(gaps),
        rejected=len(rejected),
        accepted=tuple(Accepted(op, id, reason) for _, op, id, reason in rejected if "export takes it" in reason),
    )


def _gaps(both: Mapping[Key, tuple[Mapping[str, str], Mapping[str, str]]]) -> Iterator[Gap]:
    """The gaps, from the outcomes of both sources, each with the id of the first sample that has it."""
    for key, (census, opinfo) in sorted(both.items(), key=lambda item: item[0]):
        of_census, of_opinfo = str(worst(census)), str(worst(opinfo))
        if of_census != of_opinfo and of_opinfo not in census:
            yield Gap(key=key, census=of_census, opinfo=of_opinfo, sample=opinfo[of_opinfo])


def _reason(record: Record) -> str:
    return record.outcome.reason if isinstance(record.outcome, Excluded) else ""


def as_json(found: Comparison) -> dict[str, Any]:
    """Return the comparison as JSON values."""
    return {
        "compared": found.compared,
        "agree": found.agree,
        "census_shows_more": found.census_shows_more,
        "gaps": [
            {**gap.key._asdict(), "census": gap.census, "opinfo": gap.opinfo, "sample": gap.sample}
            for gap in found.gaps
        ],
        "rejected": found.rejected,
        "accepted": [{"op": r.op, "sample": r.sample, "reason": r.reason} for r in found.accepted],
    }


def as_text(found: Comparison) -> str:
    """Write the comparison as text: one line per gap, with the command that shows it."""
    parts = [
        f"{found.compared} static cells sampled by both sources: {found.agree} of the same class, "
        f"{found.census_shows_more} where the census shows more, {len(found.gaps)} where OpInfo does"
    ]
    rows = [
        (
            gap.key.op,
            gap.key.backend,
            gap.key.dtype,
            gap.census,
            gap.opinfo,
            repro_command(gap.sample, gap.key.backend) or "",
        )
        for gap in found.gaps
    ]
    if rows:
        parts.append(as_table(rows, ["op", "backend", "dtype", "census", "opinfo", "see"]))
    parts.append(f"{found.rejected} inputs that eager rejects; {len(found.accepted)} of them export takes")
    parts += [f"  {r.op}: {r.reason}" for r in found.accepted]
    return "\n\n".join(parts[:2]) + "\n\n" + "\n".join(parts[2:]) if rows else "\n\n".join(parts)
