"""What a journal records about its run: toolchain, time, options, size, and what a reader must know before using it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from harness.records.toolchain import Loaded, loaded_restore
from harness.text import clean, clip, duration, one_line, plural, share
from reports.index.index import Run

from .matrix import Matrix

_UNKNOWN = ("Excluded", "NotRun")
"""Outcomes of the control that show neither a fault nor a result."""
_FIRST_TOOLS = ("torch", "torch_mlir", "opcov", "python", "platform")
"""The first facts of the toolchain; torch and torch-mlir are among them in journals without `toolchain` lines."""
DEFAULT = "default"
"""How the default road is called, which has no name."""
_SHOWN_ELSEWHERE = ("profile", "ops", "backends", "modes", "dtypes", "roads", "seed")


@dataclass(frozen=True, slots=True)
class Provenance:
    """The run in a few lines of text.

    `toolchain` is what the workers loaded, then what was asked for. It names the absent executors too, each with the
    command that installs it or what is broken. `registry` is how much of each denominator the registry covers, and
    empty if the journal does not record that. `notes` are what a reader must not miss; a clean run has none.
    """

    run: str
    started: str
    toolchain: str
    options: str
    size: str
    registry: str
    notes: tuple[str, ...]


def provenance(run: Run, matrix: Matrix) -> Provenance:
    """Read the provenance of a run from its header, its footer and the counts of its matrix."""
    header = run.header
    options = _mapping(header.get("options"))
    return Provenance(
        run=_text(header.get("run") or "unnamed run"),
        started=moment(header.get("started")),
        toolchain=_toolchain(_mapping(header.get("toolchain")), loaded(run)),
        options=_options(options, header.get("seed", options.get("seed"))),
        size=_size(run, matrix),
        registry=_registry(_mapping((run.footer or {}).get("registry"))),
        notes=_notes(run, matrix),
    )


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    return one_line(str(value))


def moment(value: object) -> str:
    """An ISO time to the minute; any other text unchanged."""
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return _text(value) if value else "time unknown"
    zone = moment.strftime("%z")
    return moment.strftime("%Y-%m-%d %H:%M") + (" UTC" if zone == "+0000" else f" {zone}" if zone else "")


def loaded(run: Run) -> Loaded | None:
    """What the workers loaded, all of them the same but for executors that broke later; None if no line says it."""
    found = [loaded_restore(line) for line in run.toolchains]
    absent = {name: why for one in found for name, why in one.absent.items()}
    return replace(found[-1], absent=absent) if found else None


def _toolchain(tools: Mapping[str, Any], loaded: Loaded | None) -> str:
    absent = {**_mapping(tools.get("absent")), **(loaded.absent if loaded else {})}
    if loaded:
        tools = {**tools, "executors": ", ".join(name for name in loaded.executors if name not in absent)}
    facts = _asked(tools)
    if loaded:
        frontend = [f"frontend {_text(loaded.frontend)}"] if loaded.frontend else []
        facts = [*(_text(package.said(name)) for name, package in loaded.packages.items()), *frontend, *facts]
    elif installed := _mapping(tools.get("installed")):
        said = ", ".join(f"{name} {_text(version)}" for name, version in installed.items())
        facts.append(f"what was loaded is not known, installed: {said}")
    facts += [f"absent: executor {name} ({_text(why)})" for name, why in absent.items()]
    return " · ".join(facts) or "toolchain unknown"


def _asked(tools: Mapping[str, Any]) -> list[str]:
    """The header's facts of the toolchain."""
    names = [name for name in _FIRST_TOOLS if name in tools] + [name for name in tools if name not in _FIRST_TOOLS]
    facts = []
    for name in names:
        value = tools[name]
        if isinstance(value, (str, int, float)) and value != "":
            facts.append(_text(value) if name == "platform" else f"{name.replace('_', '-')} {_text(value)}")
    return facts


def _options(options: Mapping[str, Any], seed: object) -> str:
    facts = [f"profile {_text(options.get('profile', 'unknown'))}", f"seed {_text(seed)}"]
    for name in ("ops", "dtypes", "modes", "roads"):
        chosen = options.get(name)
        if isinstance(chosen, (list, tuple)) and chosen:
            facts.append(clip(f"{name} {' '.join(_text(one) or DEFAULT for one in chosen)}", 200))
    extra = {k: v for k, v in options.items() if k not in _SHOWN_ELSEWHERE and v not in (None, False, "", [], {}, ())}
    facts += [f"{name.replace('_', ' ')} {_text(value)}" for name, value in extra.items()]
    return " · ".join(facts)


def _size(run: Run, matrix: Matrix) -> str:
    facts = [plural(matrix.ops, "op"), plural(matrix.samples, "outcome")]
    seconds = (run.footer or {}).get("seconds")
    if isinstance(seconds, (int, float)):
        facts.append(duration(seconds))
    return " · ".join(facts)


def _registry(sets: Mapping[str, Any]) -> str:
    """`registry: core 184 of 193, 9 excluded, 0 missing · dialect ...`."""
    facts = []
    for name, figures in sets.items():
        covered, excluded, missing = (_mapping(figures).get(key, 0) for key in ("covered", "excluded", "missing"))
        facts.append(f"{name} {covered} of {covered + excluded + missing}, {excluded} excluded, {missing} missing")
    return f"registry: {' · '.join(facts)}" if facts else ""


def _notes(run: Run, matrix: Matrix) -> tuple[str, ...]:
    notes = [f"Only a part is shown, {run.selected}; · has none of them."] if run.selected else []
    notes += [*_end(run), *(f"The journal is damaged: {damage}. The rest of it is shown." for damage in run.damage)]
    if not matrix.ops:
        notes.append("The journal holds no outcome.")
    if matrix.errors:
        notes.append(f"{plural(matrix.errors, 'harness error')}: bugs of ours, so this run is not green.")
    failed = sum(count for name, count in matrix.control.items() if name not in ("Passed", *_UNKNOWN))
    if failed:
        notes.append(f"The control backend did not pass {plural(failed, 'sample')}: do not trust the red of this run.")
    return tuple(clean(note) for note in notes)


def _end(run: Run) -> list[str]:
    """How the run ended, if it did not end well."""
    if run.complete:
        return []
    if run.footer and run.footer.get("interrupted", False):
        return ["The run was interrupted. What it recorded until then is shown."]
    cells = run.header.get("cells")
    if isinstance(cells, int):
        return [f"The run is unfinished: {run.cells:,} of {plural(cells, 'cell')}."]
    return ["The run was killed: its journal has no footer. What it recorded until then is shown."]


def control_line(matrix: Matrix) -> str:
    """Write the control backend's total in one line: `control: 100 % Passed (3,012 of 3,012)`.

    Samples that eager refuses and samples that were not run after a hang are named but not counted, because there is
    nothing to compare.
    """
    counts = matrix.control
    if not sum(counts.values()):
        return f"control: {matrix.control_aside}"
    unknown = {name: counts[name] for name in _UNKNOWN if counts.get(name)}
    total = sum(counts.values()) - sum(unknown.values())
    passed = counts.get("Passed", 0)
    aside = "".join(f", {count:,} {name} aside" for name, count in unknown.items())
    where = f" {matrix.control_aside}" if matrix.control_aside else ""
    return f"control: {share(passed, total)} Passed ({passed:,} of {total:,}{aside}){where}"
