"""What a journal says: a header, the outcomes as they came, and a footer.

It is the only thing that passes from running to reporting. `journal_file` reads and writes it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from harness.cases.road import DEFAULT, Road, full_mode, road
from harness.cases.sample import Sample, from_json, to_json

from .cause import Cause
from .mutant import MutantRecord
from .opinion import Opinion, opinion_json, opinion_restore
from .outcome import FirstWrongPass, Outcome, Stage, detail, restore


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One outcome line. Its keys, which are the names of the fields unless stated otherwise:

    - `kind`: "outcome".
    - `id`: the sample's id, or "none-DTYPE" without a sample.
    - `op`, `family`, `backend`, `mode`, `dtype`: the cell; the family is the module of `op_suites` that has the case.
    - `outcome`, `stage`, `detail`: the class of the outcome, the stage that was reached, and its other fields; together
      the field `outcome`.
    - `sample`: the sample as JSON; None if the cell has nothing to run, such as an excluded dtype.
    - `traits`: the sample's traits, and those that only running it shows.
    - `reached`: the torch-dialect ops at the backend contract.
    - `seconds`: seconds by stage, written to a tenth of a millisecond; under `reference`, those before the first stage.

    The others are left out where there is nothing to say:

    - `minimised`: the id of the sample that this one was shrunk from, or that it repeats but for `without`.
    - `breaks`: what must be dynamic for a dynamic sample to fail as it does: "nothing", a dim, or dims joined by "+".
      Absent if that was not investigated.
    - `cause`: what runtime verification says of an artifact that is wrong or dies.
    - `parts`: of a wrong sample, the field `first_wrong_pass`. Absent if that was not investigated, as where another
      sample of the op is wrong in the same way.
    - `numeric`: the numeric class whose bound the results were held to, as text. Absent if all were exact, and in
      journals older than the key.
    - `without`: of a line with `minimised` whose sample was not shrunk but run again without something that may excuse
      the failure: that excuse, see `severity.EXCUSES`.
    - `plain`: true for the plain call of the op in this mode.
    - `results`: of a refused or invalid sample, the element types of eager's results that no input or attribute has.
    - `hung`: the stages that did not end within the full deadline while the sample was run, or while it was run again
      with other dims dynamic.
    - `opinion`: the second opinion on a sample that failed. Absent if none was asked for.
    - `introduced`: on a road with a transform, the overloads that the exported graph has because of it.
    - `road`: the cell's road as text, see `Road`. Absent if it is the default one.
    """

    op: str
    family: str
    backend: str
    mode: str
    dtype: str
    outcome: Outcome
    sample: Sample | None
    traits: tuple[str, ...] = ()
    reached: tuple[str, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    minimised: str | None = None
    breaks: str | None = None
    cause: str | None = None
    first_wrong_pass: FirstWrongPass | None = None
    numeric: str | None = None
    hung: tuple[Stage, ...] = ()
    plain: bool = False
    without: str | None = None
    results: tuple[str, ...] = ()
    opinion: Opinion | None = None
    introduced: tuple[str, ...] = ()
    road: Road = DEFAULT

    @property
    def full_mode(self) -> str:
        """The mode, with the road if that is not the default one."""
        return full_mode(self.mode, self.road)

    @property
    def stage(self) -> Stage:
        """The stage that was reached."""
        return self.outcome.stage

    @property
    def id(self) -> str:
        """The id of the sample, the same on every backend and in every run."""
        return self.sample.id if self.sample else f"none-{self.dtype}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """A journal as read from its file.

    - `header`: what was asked for, with the options and the seed of the run.
    - `records`: its outcome lines, in order.
    - `footer`: the counts of each outcome, and how the run ended; None if it was killed.
    - `toolchains`: the lines that say what its workers loaded; none in older journals.
    - `mutants`: the lines of a journal that `opcov sensitivity` wrote; others have none.
    - `causes`: what cutting its failing programs has shown.
    - `damage`: what of the file cannot be read, each with its place.
    """

    header: Mapping[str, Any]
    records: tuple[Record, ...]
    footer: Mapping[str, Any] | None
    toolchains: tuple[Mapping[str, Any], ...] = ()
    mutants: tuple[MutantRecord, ...] = ()
    causes: tuple[Cause, ...] = ()
    damage: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether the run ended on its own and ran all its cells."""
        return is_complete(self.footer)


def is_complete(footer: Mapping[str, Any] | None) -> bool:
    """Whether the run that wrote this footer, or None, ended on its own and ran all its cells."""
    return footer is not None and not footer.get("interrupted", False) and not footer.get("missing", 0)


def record_json(record: Record) -> dict[str, Any]:
    """The record as the JSON object of an outcome line."""
    line: dict[str, Any] = {
        "kind": "outcome",
        "id": record.id,
        "op": record.op,
        "family": record.family,
        "backend": record.backend,
        "mode": record.mode,
        "dtype": record.dtype,
        "outcome": type(record.outcome).__name__,
        "stage": record.stage,
        "sample": to_json(record.sample) if record.sample else None,
        "traits": list(record.traits),
        "detail": detail(record.outcome),
        "reached": list(record.reached),
        "seconds": {stage: round(s, 4) for stage, s in record.seconds.items()},
    }
    parts = asdict(record.first_wrong_pass) if record.first_wrong_pass else None
    more = {
        "minimised": record.minimised,
        "breaks": record.breaks,
        "cause": record.cause,
        "parts": parts,
        "numeric": record.numeric,
        "hung": list(record.hung),
        "results": list(record.results),
        "plain": record.plain,
        "without": record.without,
        "opinion": opinion_json(record.opinion) if record.opinion else None,
        "introduced": list(record.introduced),
        "road": str(record.road),
    }
    return line | {key: value for key, value in more.items() if value}


def dumped(record: Record) -> str:
    """The record as an outcome line."""
    return json.dumps(record_json(record), separators=(",", ":"))


def record_restore(line: Mapping[str, Any]) -> Record:
    """The inverse of `record_json`; raises KeyError, TypeError or BadSample."""
    return Record(
        **cell_restore(line),
        **optional_restore(line),
        outcome=restore(line["outcome"], line["stage"], line["detail"]),
        sample=from_json(line["sample"]) if line["sample"] is not None else None,
        traits=tuple(line["traits"]),
        reached=tuple(line.get("reached", ())),
        seconds=line.get("seconds", {}),
    )


def cell_restore(line: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a `Record` that name its cell, from its line; raises KeyError."""
    return {key: line[key] for key in ("op", "family", "backend", "mode", "dtype")}


def optional_restore(line: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a `Record` whose keys are left out where there is nothing to say; raises KeyError or TypeError."""
    found = {key: line[key] for key in ("minimised", "breaks", "cause", "numeric", "plain", "without") if key in line}
    found |= {key: tuple(line[key]) for key in ("hung", "results", "introduced") if key in line}
    if "road" in line:
        found["road"] = road(line["road"])
    if parts := line.get("parts"):
        found["first_wrong_pass"] = FirstWrongPass(**parts)
    if opinion := line.get("opinion"):
        found["opinion"] = opinion_restore(opinion)
    return found
