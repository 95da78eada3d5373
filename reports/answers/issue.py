"""What is known of a cluster that a text for torch-mlir's tracker tells: its example, other backends, since when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from harness.errors import OpcovError, UnknownName
from harness.records.cause import Cut
from harness.records.expectation import CONTROL
from harness.records.frontend import FRONTEND
from harness.records.journal import Record
from harness.records.journal_file import CellName
from harness.records.outcome import BEST, Blocked, Excluded, Passed
from harness.records.toolchain import compilers, loaded_restore
from harness.text import plural, portable
from reports.fold.cell import outcome_name
from reports.fold.diagnosis import NORMALISER
from reports.fold.reason import headline
from reports.index.history import History
from reports.index.index import Index, Run

from .clusters import Cluster, alone, clusters
from .events import Event, events

GOOD = "pass"


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """What is known of a cluster.

    `record` is its example, None if the journal no longer has it. `cut` is the culprit alone, None if none was cut.
    `elsewhere` says what the other backends make of the example. `since` says since when it fails, as far as the
    history knows. `versions` are those of the run. `known` are the issues that trackers have of it already.
    """

    cluster: Cluster
    record: Record | None
    cut: Cut | None
    elsewhere: tuple[str, ...]
    since: tuple[str, ...]
    versions: tuple[str, ...]
    known: tuple[str, ...] = ()


def chosen(index: Index, cluster_id: str, journal: str) -> Cluster:
    """The cluster of this id; raises UnknownName, and OpcovError if nothing fails or the id is of another version."""
    found = {cluster.id: cluster for cluster in every(index, None, journal)}
    if cluster_id in found:
        return found[cluster_id]
    version = cluster_id.partition("-")[0].removeprefix("c")
    if "-" in cluster_id and version.isdigit() and int(version) != NORMALISER:
        raise OpcovError(
            f"{cluster_id} was made by version {version} of the normaliser, and this opcov has version {NORMALISER}, "
            "which sorts failures otherwise",
            hint="`opcov clusters` lists the ids of today",
        )
    error = UnknownName("cluster", cluster_id, found)
    error.hint += "; `opcov clusters --limit 0` lists all"
    raise error


def every(index: Index, backend: str | None, journal: str) -> tuple[Cluster, ...]:
    """All clusters, or those of one backend; raises UnknownName, and OpcovError if there is none."""
    found = tuple(cluster for of in clusters(index, backend) for cluster in of.clusters)
    if not found:
        where = f" on {backend}" if backend else ""
        raise OpcovError(
            f"nothing fails{where} in {journal}, so there is no issue to write",
            hint=f"`opcov matrix {journal}` shows what was measured",
        )
    return found


def issue(index: Index, cluster: Cluster, past: Past | None = None, known: Sequence[str] = ()) -> Issue:
    """What is known of a cluster."""
    records = index.whole.records(cluster.example.op).records
    record = next((one for one in records if _is_example(one, cluster)), None)
    backends = list(dict.fromkeys(backend for backend, _ in index.run.columns))
    return Issue(
        cluster=cluster,
        record=record,
        cut=alone(index, cluster),
        elsewhere=tuple(_elsewhere(record, records, backends)) if record else (),
        since=past.since(cluster) if past else (),
        versions=versions(index.run),
        known=tuple(known),
    )


def _is_example(record: Record, cluster: Cluster) -> bool:
    example = cluster.example
    same = (record.backend, record.full_mode, record.id) == (cluster.backend, example.mode, example.sample)
    return same and outcome_name(record) == cluster.key.outcome


def versions(run: Run) -> tuple[str, ...]:
    """What was measured, and with which Python and platform, in words, without folders."""
    loaded = compilers(loaded_restore(run.toolchains[-1])) if run.toolchains else []
    header = run.header.get("toolchain", {})
    python = [f"Python {header['python']}"] if "python" in header else []
    return (*map(portable, loaded), *python, *filter(None, [header.get("platform")]))


def _elsewhere(record: Record, records: Sequence[Record], backends: Iterable[str]) -> Iterator[str]:
    """One line for each other backend: what it makes of the sample, else of its cell."""
    for backend in backends:
        if backend in (record.backend, CONTROL, FRONTEND):
            continue
        own = [r for r in records if (r.backend, r.full_mode, r.dtype) == (backend, record.full_mode, record.dtype)]
        same = [r for wanted in (record.id, record.minimised) for r in own if r.id == wanted]
        if same:
            yield f"{backend}: {_end(same[0])}"
        elif census := [r for r in own if r.minimised is None]:
            passed = sum(isinstance(r.outcome, BEST) for r in census)
            yield f"{backend}: not asked; {passed} of {plural(len(census), 'sample')} of this op, mode and dtype pass"


def _end(record: Record) -> str:
    match record.outcome:
        case Passed(executors=executors):
            return f"right, run by {', '.join(executors)}" if executors else "right"
        case Blocked() | Excluded():
            return f"never reached: {headline(record.outcome)}"
        case outcome:
            return f"{outcome_name(record)} at {record.stage}: {headline(outcome)}"


# since when -----------------------------------------------------------------------------------------------------------


class Past:
    """What a history knows of each cell; it is read once, for all clusters. Raises BadHistory."""

    def __init__(self, history: History) -> None:
        self._cells = {next(iter(of.values())).name: of for of in history.cells()}
        found = events(history)
        self._runs = found.runs
        self._changes: dict[CellName, Event] = {}
        for event in found.events:  # newest first
            if event.kind != "better":
                self._changes.setdefault(event.new.name, event)

    def since(self, cluster: Cluster) -> tuple[str, ...]:
        """Since when the cells of a cluster fail, those with the same answer in one line, the most cells first."""
        names = {(cell.op, cluster.backend, cell.mode, cell.dtype) for cell in cluster.cells}
        counts = Counter(said for name in sorted(names) if (said := self._said(name)))
        return tuple(f"{plural(count, 'cell')}: {said}" for said, count in counts.most_common())

    def _said(self, name: CellName) -> str:
        """Since when one cell fails; "" if the runs that have it do not tell."""
        if name in self._changes:
            return self._changes[name].since
        of = self._cells.get(name, {})
        runs = [run for run in self._runs if run.name in of]
        bad = all(of[run.name].end.verdict != GOOD for run in runs)
        if len({run.identity for run in runs}) < 2 or not bad:
            return ""
        return f"not right in any of the {len(runs)} runs that were recorded, the oldest with {runs[0].label}"
