"""One seeded mistake and what became of it: a recorded fact, JSON in and out, with no torch in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

MutantStatus = Literal["killed", "missed", "tolerated", "undrawn", "equivalent", "stillborn", "lost"]
MUTANT_STATUSES: Mapping[MutantStatus, str] = {
    "killed": "a sample of the cell's own census is no longer right",
    "missed": "right on all of them, and wrong on another sample that the case draws",
    "tolerated": "results differ, but never by more than their bound",
    "undrawn": "wrong only with NaN or infinities where the case draws none",
    "equivalent": "no result differs on any sample tried: set aside",
    "stillborn": "it does not compile: set aside",
    "lost": "it could not be found out",
}
SURVIVED: tuple[MutantStatus, ...] = ("missed", "tolerated", "undrawn")


@dataclass(frozen=True, slots=True, kw_only=True)
class MutantRecord:
    """A mutant of one cell and its status: `mutation` is its kind, `what` is done to the `nth` op named `site`.

    `by` is what killed it (an outcome's name), or why it could not be found out. `sample` is one that shows a survivor,
    as JSON text; `share` is the worst error over its bound where the mutant is tolerated.
    """

    op: str
    family: str
    backend: str
    mode: str
    dtype: str
    mutation: str
    site: str
    what: str
    nth: int
    status: MutantStatus
    by: str = ""
    sample: str = ""
    share: float | None = None


def mutant_json(trial: MutantRecord) -> dict[str, Any]:
    """A trial as a journal's line; what is empty is left out."""
    empty = {key for key in ("by", "sample", "share") if getattr(trial, key) in ("", None)}
    values = {key: value for key, value in asdict(trial).items() if key not in empty}
    return {"kind": "trial", "outcome": values.pop("status"), **values}


def mutant_restore(line: Mapping[str, Any]) -> MutantRecord:
    """The inverse of `mutant_json`; raises KeyError or TypeError."""
    values = {key: value for key, value in line.items() if key not in ("kind", "outcome")}
    return MutantRecord(status=line["outcome"], **values)
