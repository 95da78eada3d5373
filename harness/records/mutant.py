"""A mutant, and the record of its run: plain values that are written to a journal and read back, without torch."""

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
"""The statuses of a mutant that survived the census although it can be observed."""


@dataclass(frozen=True, slots=True, order=True)
class Mutant:
    """One edit that makes a lowered module wrong.

    `kind` is the kind of the edit and `op` the name of the operation that it changes. `what` says how it changes the
    operation. The edit can be made at several operations of that name; `nth` is the index of this one among them, from
    0, in the order of the text.
    """

    kind: str
    op: str
    what: str
    nth: int

    def __str__(self) -> str:
        return f"{self.kind}: {self.op} #{self.nth} {self.what}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MutantRecord:
    """A mutant of one cell and its status.

    `mutation`, `site`, `what` and `nth` are the mutant's `kind`, `op`, `what` and `nth`. `by` names what killed the
    mutant (an outcome, a signal or a timeout) or gives the reason for any other status. `sample` is a sample that shows
    a survivor, as JSON text. `share` is the largest error of a tolerated mutant, divided by its bound.
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


def mutant_json(record: MutantRecord) -> dict[str, Any]:
    """Return the record as one line of a journal, without its empty fields.

    The line has kind `trial`; `outcome` holds the status and `mutation` the kind of the mutant.
    """
    empty = {key for key in ("by", "sample", "share") if getattr(record, key) in ("", None)}
    values = {key: value for key, value in asdict(record).items() if key not in empty}
    return {"kind": "trial", "outcome": values.pop("status"), **values}


def mutant_restore(line: Mapping[str, Any]) -> MutantRecord:
    """Return the record that `mutant_json` wrote; raises KeyError or TypeError."""
    values = {key: value for key, value in line.items() if key not in ("kind", "outcome")}
    return MutantRecord(status=line["outcome"], **values)
