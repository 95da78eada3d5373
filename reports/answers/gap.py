"""Where the two sources of samples disagree: cells in which OpInfo's samples show an outcome that our census does not.

A cell's class is the most alarming outcome among the samples of one source; excluded samples are left out. OpInfo's
samples are static, so only static cells are compared.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tabulate import tabulate

from harness.records.expectation import CONTROL
from harness.records.journal import Journal, Record
from harness.records.outcome import Excluded
from reports.fold.call import repro_command
from reports.fold.matrix import Key, outcome_name
from reports.fold.status import worst


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A cell in which OpInfo's class is an outcome that no sample of the census has.

    `census` and `opinfo` are the classes by source; `record` is OpInfo's first record with that outcome.
    """

    key: Key
    census: str
    opinfo: str
    record: Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The cells that both sources sampled, and OpInfo's inputs that eager rejects.

    Of the `compared` cells, `agree` have the same class by both sources; the others are in `gaps` or are counted in
    `census_shows_more`. Of the `rejected` inputs, `accepted` are those that export takes, one record of each.
    """

    compared: int
    agree: int
    gaps: tuple[Gap, ...]
    census_shows_more: int
    rejected: int
    accepted: tuple[Record, ...]


def compare(journal: Journal) -> Comparison:
    """Compare the two sources in the journal of a run with `--samples both`."""
    by_source: dict[Key, dict[str, list[Record]]] = defaultdict(lambda: defaultdict(list))
    rejected: dict[str, Record] = {}
    for record in journal.records:
        if record.sample is None or record.minimised or record.mode != "static" or record.backend == CONTROL:
            continue
        if record.sample.origin == "rejected":
            rejected.setdefault(record.id, record)
        elif not isinstance(record.outcome, Excluded):
            key = Key(record.op, record.backend, record.mode, record.dtype)
            by_source[key][record.sample.origin].append(record)
    both = {key: sources for key, sources in by_source.items() if len(sources) == 2}
    gaps = tuple(_gaps(both))
    agree = sum(_class(sources["census"]) == _class(sources["opinfo"]) for sources in both.values())
    return Comparison(
        compared=len(both),
        agree=agree,
        gaps=gaps,
        census_shows_more=len(both) - agree - len(gaps),
        rejected=len(rejected),
        accepted=tuple(r for r in rejected.values() if "export takes it" in _reason(r)),
    )


def _gaps(both: dict[Key, dict[str, list[Record]]]) -> Iterator[Gap]:
    for key, sources in sorted(both.items()):
        census, opinfo = _class(sources["census"]), _class(sources["opinfo"])
        if census != opinfo and opinfo not in {outcome_name(r) for r in sources["census"]}:
            record = next(r for r in sources["opinfo"] if outcome_name(r) == opinfo)
            yield Gap(key=key, census=census, opinfo=opinfo, record=record)


def _class(records: list[Record]) -> str:
    return str(worst(outcome_name(record) for record in records))


def _reason(record: Record) -> str:
    return record.outcome.reason if isinstance(record.outcome, Excluded) else ""


def as_json(found: Comparison) -> dict[str, Any]:
    """Return the comparison as JSON values."""
    return {
        "compared": found.compared,
        "agree": found.agree,
        "census_shows_more": found.census_shows_more,
        "gaps": [
            {**gap.key._asdict(), "census": gap.census, "opinfo": gap.opinfo, "sample": gap.record.id}
            for gap in found.gaps
        ],
        "rejected": found.rejected,
        "accepted": [{"op": r.op, "sample": r.id, "reason": _reason(r)} for r in found.accepted],
    }


def as_text(found: Comparison) -> str:
    """Write the comparison as text: one line per gap, with the command that shows it."""
    parts = [
        f"{found.compared} static cells sampled by both sources: {found.agree} of the same class, "
        f"{found.census_shows_more} where the census shows more, {len(found.gaps)} where OpInfo does"
    ]
    rows = [
        (gap.key.op, gap.key.backend, gap.key.dtype, gap.census, gap.opinfo, repro_command(gap.record) or "")
        for gap in found.gaps
    ]
    if rows:
        parts.append(str(tabulate(rows, headers=["op", "backend", "dtype", "census", "opinfo", "see"])))
    parts.append(f"{found.rejected} inputs that eager rejects; {len(found.accepted)} of them export takes")
    parts += [f"  {r.op}: {_reason(r)}" for r in found.accepted]
    return "\n\n".join(parts[:2]) + "\n\n" + "\n".join(parts[2:]) if rows else "\n\n".join(parts)
