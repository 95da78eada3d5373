"""What a journal says of its run: which toolchain, when, under which options, and what to know before trusting it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from harness.records.expectation import CONTROL, not_ours
from harness.records.journal import Journal
from harness.text import clean, clip, duration, one_line, plural, share

from .matrix import outcome_name

_FIRST = ("torch", "torch_mlir", "opcov", "python", "platform")
_SHOWN_ELSEWHERE = ("profile", "ops", "backends", "modes", "dtypes", "seed")


@dataclass(frozen=True, slots=True)
class Provenance:
    """The run in a few lines of text.

    `toolchain` names the executors that were absent, too, each with the command that installs it or what is broken.
    `registry` is how much of each denominator the registry covers, empty where the journal does not say; `notes` are
    what its reader must not miss, none for a clean run.
    """

    run: str
    started: str
    toolchain: str
    options: str
    size: str
    registry: str
    notes: tuple[str, ...]


def provenance(journal: Journal) -> Provenance:
    """Read it from the header, the footer and the records."""
    header = journal.header
    options = _mapping(header.get("options"))
    return Provenance(
        run=_text(header.get("run") or "unnamed run"),
        started=_moment(header.get("started")),
        toolchain=_toolchain(_mapping(header.get("toolchain"))),
        options=_options(options, header.get("seed", options.get("seed"))),
        size=_size(journal),
        registry=_registry(_mapping((journal.footer or {}).get("registry"))),
        notes=_notes(journal),
    )


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    return one_line(str(value))


def _moment(value: object) -> str:
    """An ISO time to the minute; anything else as it is."""
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return _text(value) if value else "time unknown"
    zone = moment.strftime("%z")
    return moment.strftime("%Y-%m-%d %H:%M") + (" UTC" if zone == "+0000" else f" {zone}" if zone else "")


def _toolchain(tools: Mapping[str, Any]) -> str:
    names = [name for name in _FIRST if name in tools] + [name for name in tools if name not in _FIRST]
    said = []
    for name in names:
        value = tools[name]
        if isinstance(value, (str, int, float)) and value != "":
            said.append(_text(value) if name == "platform" else f"{name.replace('_', '-')} {_text(value)}")
    said += [f"absent: executor {name} ({_text(why)})" for name, why in _mapping(tools.get("absent")).items()]
    return " · ".join(said) or "toolchain unknown"


def _options(options: Mapping[str, Any], seed: object) -> str:
    said = [f"profile {_text(options.get('profile', 'unknown'))}", f"seed {_text(seed)}"]
    for name in ("ops", "dtypes", "modes"):
        chosen = options.get(name)
        if isinstance(chosen, (list, tuple)) and chosen:
            said.append(clip(f"{name} {' '.join(map(_text, chosen))}", 200))
    extra = {k: v for k, v in options.items() if k not in _SHOWN_ELSEWHERE and v not in (None, False, "", [], {}, ())}
    said += [f"{name.replace('_', ' ')} {_text(value)}" for name, value in extra.items()]
    return " · ".join(said)


def _size(journal: Journal) -> str:
    ops = len({record.op for record in journal.records})
    samples = sum(record.minimised is None for record in journal.records)
    said = [plural(ops, "op"), plural(samples, "outcome")]
    seconds = (journal.footer or {}).get("seconds")
    if isinstance(seconds, (int, float)):
        said.append(duration(seconds))
    return " · ".join(said)


def _registry(sets: Mapping[str, Any]) -> str:
    """`registry: core 184 of 193, 9 excluded, 0 missing · dialect ...`."""
    said = []
    for name, figures in sets.items():
        covered, excluded, missing = (_mapping(figures).get(key, 0) for key in ("covered", "excluded", "missing"))
        said.append(f"{name} {covered} of {covered + excluded + missing}, {excluded} excluded, {missing} missing")
    return f"registry: {' · '.join(said)}" if said else ""


def _notes(journal: Journal) -> tuple[str, ...]:
    notes = []
    if journal.footer is None:
        notes.append("The run was killed: its journal has no footer. What it recorded until then is shown.")
    elif journal.footer.get("interrupted", False):
        notes.append("The run was interrupted. What it recorded until then is shown.")
    if not journal.records:
        notes.append("The journal holds no outcome.")
    census = [record for record in journal.records if record.minimised is None]
    errors = sum(outcome_name(record) == "HarnessError" for record in journal.records)
    if errors:
        notes.append(f"{plural(errors, 'harness error')}: bugs of ours, so this run is not green.")
    control = [record for record in census if record.backend == CONTROL]
    failed = sum(outcome_name(record) not in ("Passed", "Excluded") for record in control if not not_ours(record))
    if failed:
        notes.append(f"The control backend did not pass {plural(failed, 'sample')}: do not trust the red of this run.")
    return tuple(clean(note) for note in notes)


def control_line(counts: Mapping[str, int]) -> str:
    """The control backend's total in one line: `control: 100 % Passed (3,012 of 3,012)`.

    What eager refuses has nothing to compare: it is said, and not counted.
    """
    if not sum(counts.values()):
        return "control: never run"
    excluded = counts.get("Excluded", 0)
    total = sum(counts.values()) - excluded
    passed = counts.get("Passed", 0)
    aside = f", {excluded:,} Excluded aside" if excluded else ""
    return f"control: {share(passed, total)} Passed ({passed:,} of {total:,}{aside})"
