"""The journal: a file of one JSON object a line, in order a header, the outcomes as they came, and a footer.

It is the only thing that passes from running to reporting. The journal of a killed run has no footer, but every outcome
up to then.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from harness.cases.sample import Sample, from_json, to_json
from harness.errors import BadJournal

from .mutant import MutantRecord, mutant_restore
from .outcome import FirstWrongPass, Outcome, Stage, detail, restore

SCHEMA = 1


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
    - `seconds`: seconds by stage; under `reference`, those before the first stage.

    The others are left out where there is nothing to say:

    - `minimised`: the id of the sample that this one was shrunk from.
    - `breaks`: what must be dynamic for a dynamic sample to fail as it does: "nothing", a dim, or dims joined by "+".
      Absent if that was not investigated.
    - `cause`: what runtime verification says of an artifact that is wrong or dies.
    - `parts`: of a wrong sample, the field `first_wrong_pass`. Absent if that was not investigated, as where another
      sample of the op is wrong in the same way.
    - `numeric`: the numeric class whose bound the results were held to, as text. Absent if all were exact, and in
      journals older than the key.
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

    - `header`: the toolchain, the options and the seed of the run.
    - `records`: its outcome lines, in order.
    - `footer`: the counts of each outcome, and how the run ended; None if it was killed.
    - `mutants`: the lines of a journal that `opcov sensitivity` wrote; others have none.
    """

    header: Mapping[str, Any]
    records: tuple[Record, ...]
    footer: Mapping[str, Any] | None
    mutants: tuple[MutantRecord, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether the run ended on its own and wrote its footer."""
        return self.footer is not None and not self.footer.get("interrupted", False)


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
        "seconds": {stage: round(s, 6) for stage, s in record.seconds.items()},
    }
    parts = asdict(record.first_wrong_pass) if record.first_wrong_pass else None
    more = {
        "minimised": record.minimised,
        "breaks": record.breaks,
        "cause": record.cause,
        "parts": parts,
        "numeric": record.numeric,
    }
    return line | {key: value for key, value in more.items() if value}


def record_restore(line: Mapping[str, Any], restore_sample: Callable[[Any], Sample] = from_json) -> Record:
    """The inverse of `record_json`; raises KeyError, TypeError or BadSample.

    `restore_sample` makes the sample of its JSON; a caller may give one that knows the sample already.
    """
    return Record(
        op=line["op"],
        family=line["family"],
        backend=line["backend"],
        mode=line["mode"],
        dtype=line["dtype"],
        outcome=restore(line["outcome"], line["stage"], line["detail"]),
        sample=restore_sample(line["sample"]) if line["sample"] is not None else None,
        traits=tuple(line["traits"]),
        reached=tuple(line.get("reached", ())),
        seconds=line.get("seconds", {}),
        minimised=line.get("minimised"),
        breaks=line.get("breaks"),
        cause=line.get("cause"),
        first_wrong_pass=FirstWrongPass(**line["parts"]) if line.get("parts") else None,
        numeric=line.get("numeric"),
    )


class JournalWriter:
    """Writes a journal line by line, and flushes each; a context manager.

    Until it is closed its file has the ending `.part` (`journal.jsonl.part`), so that a run that dies at start-up does
    not overwrite the last good journal. A killed run leaves that file, which `read` accepts.
    """

    def __init__(self, path: Path, header: Mapping[str, Any]) -> None:
        self.path = path
        self.part = path.with_name(path.name + ".part")
        self.counts: Counter[str] = Counter()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: IO[str] = self.part.open("w", encoding="utf-8")
        self._line({"kind": "header", "schema": SCHEMA, **header})

    def write(self, line: Mapping[str, Any]) -> None:
        """Append one line, a value of `record_json` or `mutant_json`."""
        self.counts[line["outcome"]] += 1
        self._line(line)

    def close(self, **footer: Any) -> None:
        """Write the footer, and rename the `.part` file to the journal's name."""
        self._line({"kind": "footer", "counts": dict(sorted(self.counts.items())), **footer})
        self._file.close()
        self.part.replace(self.path)

    def _line(self, line: Mapping[str, Any]) -> None:
        self._file.write(json.dumps(line, separators=(",", ":")) + "\n")
        self._file.flush()

    def __enter__(self) -> JournalWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        if not self._file.closed:
            self._file.close()


def read(path: Path) -> Journal:
    """Read a journal. A last line that a kill cut short is dropped; raises BadJournal for any other damage."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        raise BadJournal(f"cannot read journal {path}: {reason}", hint="`make matrix` writes one") from None
    return _parse(path, text)


def _parse(path: Path, text: str) -> Journal:
    whole = text.endswith("\n")
    lines = text.splitlines()
    objects: list[tuple[int, Any]] = []
    for number, line in enumerate(lines, 1):
        try:
            objects.append((number, json.loads(line)))
        except ValueError:
            if number == len(lines) and not whole and number > 1:
                break
            raise BadJournal(
                f"{path}:{number}: not JSON", hint="the file is damaged; run `make matrix` again"
            ) from None
    header = _header(path, objects)
    footer = next((o for _, o in objects if _kind(o) == "footer"), None)
    records, mutants = [], []
    for number, line in objects:
        try:
            if _kind(line) == "outcome":
                records.append(record_restore(line))
            elif _kind(line) == "trial":
                mutants.append(mutant_restore(line))
        except Exception as error:
            raise BadJournal(
                f"{path}:{number}: not an outcome line ({type(error).__name__}: {error})",
                hint="was it written by another opcov? run `make matrix` again",
            ) from None
    return Journal(header=header, records=tuple(records), footer=footer, mutants=tuple(mutants))


def _kind(line: Any) -> Any:
    return line.get("kind") if isinstance(line, dict) else None


def _header(path: Path, objects: Sequence[tuple[int, Any]]) -> Mapping[str, Any]:
    """The first line; raises BadJournal if it is no header, or the header of another schema."""
    _, first = objects[0] if objects else (0, {})
    if _kind(first) != "header":
        raise BadJournal(f"{path} is not a journal: its first line is no header", hint="`make matrix` writes one")
    if first.get("schema") != SCHEMA:
        raise BadJournal(
            f"{path} has schema {first.get('schema')}, this opcov reads {SCHEMA}", hint="run `make matrix` again"
        )
    header: Mapping[str, Any] = first
    return header
