"""Known issues: files that say by a query which failures an issue of some tracker is about.

What a file says is compared with a run: which clusters an entry is about, and which entries can be closed.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.version import InvalidVersion, Version

from harness.cases.road import split_mode
from harness.cases.sample import MODES
from harness.errors import Exit, OpcovError
from harness.records import query
from harness.records.query import OF_SAMPLE, Facts, Query
from reports.fold import failures
from reports.fold.selected import NothingSelected, Selected
from reports.index.index import Index, Run

from .clusters import clusters

TABLE = "issue"
KEYS = ("query", "link", "fixed_in", "note")
_NEEDED = ("query", "link")
_EXAMPLE = "an entry has three lines: [[issue]], query = 'op:aten.sort.default', link = 'https://...'"
_NARROWING = ("ops", "dtypes", "where", "replay", "cells", "keyword")
"""The options of a run that leave out what an entry may be about."""


class BadKnownIssues(OpcovError):
    """A file of known issues cannot be read, is no TOML, or has an entry that makes no sense."""

    code = Exit.DATA


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """An entry: the failures that its query selects are what the issue at `link` is about.

    `fixed_in` is the release of torch-mlir that is expected to have the fix, "" if none is named. `place` names the
    file and the entry.
    """

    query: Query
    link: str
    fixed_in: str = ""
    note: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """What an entry comes to in a run.

    `clusters` are the ids of the clusters that its query selects failures of. `said` is what to add to the link.
    `close` is why the entry can be closed, "" if it cannot; `unseen` is whether the run has no such sample at all.
    """

    issue: Issue
    clusters: tuple[str, ...] = ()
    said: str = ""
    close: str = ""
    unseen: bool = False


# reading a file -------------------------------------------------------------------------------------------------------


def load(paths: Iterable[Path]) -> tuple[Issue, ...]:
    """Read files; raises BadKnownIssues."""
    found: dict[str, Issue] = {}
    for path in paths:
        for issue in _read(path):
            if first := found.get(issue.query.text):
                raise BadKnownIssues(
                    f"{issue.place} has the query of {first.place}: {issue.query.text}", hint="delete one of the two"
                )
            found[issue.query.text] = issue
    return tuple(found.values())


def _read(path: Path) -> Iterator[Issue]:
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadKnownIssues(f"cannot read {path}: {error.strerror}", hint="name a file of known issues") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadKnownIssues(f"{path} is no TOML: {error}", hint=_EXAMPLE) from None
    _check_keys(str(path), data, (TABLE,))
    entries = data.get(TABLE, [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise BadKnownIssues(f"{path}: {TABLE} is no list of tables", hint=_EXAMPLE)
    for number, entry in enumerate(entries, 1):
        yield _issue(f"{path}, entry {number}", entry)


def _issue(place: str, entry: Mapping[str, Any]) -> Issue:
    _check_keys(place, entry, KEYS)
    for key in KEYS:
        value = entry.get(key, "")
        if not isinstance(value, str) or (key in _NEEDED and not value.strip()):
            what = f"has no {key}" if key not in entry else f"{key} is no text"
            raise BadKnownIssues(f"{place}: {what}", hint=f'write {key} = "..."')
    if not entry["link"].startswith(("https://", "http://")):
        raise BadKnownIssues(f"{place}: link {entry['link']!r} is no address", hint='write link = "https://..."')
    if fixed_in := entry.get("fixed_in", ""):
        _release(place, fixed_in)
    try:
        asked = query.parse(entry["query"])
    except OpcovError as error:
        what = f"query {entry['query']!r}: {error.what.removeprefix('--where: ')}"
        raise BadKnownIssues(f"{place}: {what}", hint=error.hint) from None
    return Issue(query=asked, link=entry["link"], fixed_in=fixed_in, note=entry.get("note", ""), place=place)


def _check_keys(place: str, found: Mapping[str, Any], known: Sequence[str]) -> None:
    for key in found:
        if key not in known:
            close = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(known)}"
            raise BadKnownIssues(f"{place}: unknown key {key!r}", hint=hint)


def _release(place: str, text: str) -> Version:
    try:
        return Version(text)
    except InvalidVersion:
        raise BadKnownIssues(
            f"{place}: fixed_in {text!r} is no release", hint='write it as pip shows it: fixed_in = "20261001"'
        ) from None


# comparing it with a run ----------------------------------------------------------------------------------------------


def matches(index: Index, issues: Iterable[Issue]) -> tuple[Match, ...]:
    """What each entry comes to in the run, whatever was selected of it; raises BadJournal."""
    return tuple(_match(index.whole, issue) for issue in issues)


def _match(index: Index, issue: Issue) -> Match:
    try:
        selected = Selected(index, issue.query, {failures.FOLD: failures.fold})
    except NothingSelected:
        if not _is_measured(index, issue.query) and _is_narrowed(index.run):
            return Match(issue=issue, unseen=True)
        return Match(issue=issue, close="it matches nothing any more")
    ids = tuple(cluster.id for of in clusters(selected) for cluster in of.clusters)
    if not ids:
        return Match(issue=issue, close="what it matches passes")
    return Match(issue=issue, clusters=ids, said=_said(issue, index.run))


def _is_measured(index: Index, asked: Query) -> bool:
    """Whether the run has a cell that the query may be about, by what is known before a sample is run."""
    return bool(set(OF_SAMPLE) & asked.fields) and any(asked.may_hold(_facts(*cell)) for cell in index.measured())


def _facts(op: str, backend: str, full: str, dtype: str) -> Facts:
    mode, road = split_mode(full)
    return {"op": (op,), "backend": (backend,), "mode": (mode,), "dtype": (dtype,), **road.facts}


def _is_narrowed(run: Run) -> bool:
    """Whether the run leaves out a part of the registry, or has not ended."""
    options = run.header.get("options") or {}
    modes = options.get("modes") or MODES
    return not run.complete or set(modes) != set(MODES) or any(options.get(name) for name in _NARROWING)


def _said(issue: Issue, run: Run) -> str:
    """What is to be said of a failure that is known: when its fix is expected, and whether it should be there."""
    parts = [issue.note] if issue.note else []
    if issue.fixed_in:
        measured = torch_mlir(run)
        due = measured is not None and measured >= Version(issue.fixed_in)
        expected = f"expected to be fixed in {issue.fixed_in}"
        parts.append(f"{expected}; this is {measured}, and it still fails" if due else expected)
    return "; ".join(parts)


def torch_mlir(run: Run) -> Version | None:
    """The release of torch-mlir that was loaded, or else was installed; None if it is not known, or is no release."""
    loaded = [line.get("packages", {}).get("torch_mlir", {}).get("version") for line in run.toolchains]
    tools = run.header.get("toolchain") or {}
    named = [*loaded, (tools.get("installed") or {}).get("torch-mlir"), tools.get("torch_mlir")]
    text = next((str(name) for name in named if name), "")
    try:
        return Version(text)
    except InvalidVersion:
        return None


def links(found: Iterable[Match]) -> dict[str, list[Match]]:
    """The matches by the id of a cluster."""
    by_id: dict[str, list[Match]] = {}
    for match in found:
        for id in match.clusters:
            by_id.setdefault(id, []).append(match)
    return by_id


def notes(found: Iterable[Match]) -> dict[str, list[str]]:
    """What to write below each cluster that is known, by its id."""
    return {id: [f"known: {link}" for link in of] for id, of in cited(found).items()}


def cited(found: Iterable[Match]) -> dict[str, list[str]]:
    """By the id of a cluster the links to what is known of it, each with what is to be said of it."""
    return {
        id: [f"{match.issue.link} ({match.said})" if match.said else match.issue.link for match in of]
        for id, of in links(found).items()
    }


def closing(found: Sequence[Match]) -> list[str]:
    """The entries that can be closed, and those that the run says nothing of, in lines."""
    closed = [match for match in found if match.close]
    lines = [f"to be closed: {m.issue.link} ({m.close}): {m.issue.place}, {m.issue.query.text}" for m in closed]
    unseen = sum(match.unseen for match in found)
    return lines + ([f"known issues of which this run has no sample: {unseen}"] if unseen else [])


def as_json(found: Iterable[Match]) -> list[dict[str, Any]]:
    """The matches as JSON values."""
    return [
        {
            "link": match.issue.link,
            "query": match.issue.query.text,
            "place": match.issue.place,
            "fixed_in": match.issue.fixed_in or None,
            "clusters": list(match.clusters),
            "said": match.said,
            "close": match.close or None,
            "unseen": match.unseen,
        }
        for match in found
    ]
