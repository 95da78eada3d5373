"""The history: an SQLite file that keeps, of each run that was recorded, what became of each cell.

It is made of journals alone, so it can be made again of them. A run is recorded whole or not at all.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, astuple, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from harness.errors import BadHistory
from harness.records.entry import End, Entry
from harness.records.signature import Signature

APPLICATION = 0x6F706876
"""Marks the file as a history of opcov: `ophv`."""
VERSION = 1
_TABLES = """
CREATE TABLE run (number INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL, facts TEXT NOT NULL);
CREATE TABLE cell (
    number INTEGER PRIMARY KEY, family TEXT, op TEXT, backend TEXT, mode TEXT, dtype TEXT,
    UNIQUE (op, backend, mode, dtype));
CREATE TABLE state (number INTEGER PRIMARY KEY, text TEXT UNIQUE NOT NULL);
CREATE TABLE was (
    run INTEGER REFERENCES run, cell INTEGER REFERENCES cell, state INTEGER REFERENCES state,
    PRIMARY KEY (cell, run)) WITHOUT ROWID;
"""
"""A state is the end and the census of a cell, as JSON: most cells have one of few."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRun:
    """A run that was recorded.

    `name` is the one in its journal's header. `date` is the day of its compiler, `started` the time of its start, both
    ISO 8601. `compiler` is what torch and torch-mlir were loaded, in words, `label` the same in short. `identity` is
    equal for two runs of one compiler. `code` is the hash of opcov's code, `sampling` what was sampled, `executors` are
    those that it had. `cells` is how many cells it has.
    """

    name: str
    date: str
    started: str
    label: str
    compiler: str
    identity: str
    code: str
    sampling: str
    executors: tuple[str, ...]
    cells: int

    @property
    def order(self) -> tuple[str, str]:
        """A sort key: the older compiler first, of two runs of one day the earlier."""
        return self.date, self.started


Recorded = Literal["new", "again", "known"]


class History:
    """Reads and writes a history; make one with `open_history`. Its methods raise BadHistory if the file is damaged."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection

    def record(self, run: PastRun, entries: Iterable[Entry]) -> Recorded:
        """Add a run with its cells; a known one is replaced if it has other cells now."""
        rows = [(*_key(entry), _state(entry)) for entry in entries]
        facts = json.dumps(asdict(run))
        with self._errors(), self._connection as transaction:
            known = transaction.execute("SELECT number, facts FROM run WHERE name = ?", (run.name,)).fetchone()
            if known and known[1] == facts and self._states(known[0]) == {row[1:5]: row[5] for row in rows}:
                return "known"
            if known:
                transaction.execute("DELETE FROM was WHERE run = ?", (known[0],))
                transaction.execute("DELETE FROM run WHERE number = ?", (known[0],))
            number = transaction.execute("INSERT INTO run (name, facts) VALUES (?, ?)", (run.name, facts)).lastrowid
            add = transaction.executemany
            add(
                "INSERT OR IGNORE INTO cell (family, op, backend, mode, dtype) VALUES (?, ?, ?, ?, ?)",
                [r[:5] for r in rows],
            )
            add("INSERT OR IGNORE INTO state (text) VALUES (?)", {(row[5],) for row in rows})
            add(
                "INSERT INTO was SELECT ?, cell.number, state.number FROM cell, state "
                "WHERE op = ? AND backend = ? AND mode = ? AND dtype = ? AND text = ?",
                [(number, *row[1:]) for row in rows],
            )
            return "again" if known else "new"

    def runs(self) -> tuple[PastRun, ...]:
        """The runs, those of the oldest compiler first."""
        with self._errors():
            found = [_run(facts) for (facts,) in self._connection.execute("SELECT facts FROM run")]
        return tuple(sorted(found, key=lambda run: run.order))

    def names(self) -> dict[str, list[str]]:
        """The ops, families and backends of all cells, by the name of their field in a query."""
        with self._errors():
            rows = self._connection.execute("SELECT DISTINCT op, family, backend FROM cell").fetchall()
        columns = zip(*rows, strict=True) if rows else ((), (), ())
        return {field: sorted({*of}) for field, of in zip(("op", "family", "backend"), columns, strict=True)}

    def cells(self) -> Iterator[Mapping[str, Entry]]:
        """Each cell: what became of it by the name of the run, for the runs that have it."""
        query = (
            "SELECT cell.number, name, family, op, backend, mode, dtype, text FROM was "
            "JOIN run ON run.number = run JOIN cell ON cell.number = cell JOIN state ON state.number = state "
            "ORDER BY cell.number"
        )
        last, found = None, dict[str, Entry]()
        with self._errors():
            for number, name, *key, text in self._connection.execute(query):
                if number != last and found:
                    yield found
                    found = {}
                last = number
                found[name] = _entry(*key, text)
        if found:
            yield found

    def _states(self, run: int) -> dict[tuple[str, ...], str]:
        query = (
            "SELECT op, backend, mode, dtype, text FROM was JOIN cell ON cell.number = cell "
            "JOIN state ON state.number = state WHERE run = ?"
        )
        return {tuple(key): text for *key, text in self._connection.execute(query, (run,))}

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, ValueError, TypeError) as error:
            raise _damaged(self.path, error) from None


@contextmanager
def open_history(path: Path, *, make: bool = False) -> Iterator[History]:
    """Open a history; with `make`, an empty one if there is none. Raises BadHistory if it is none, or damaged."""
    if not make and not path.exists():
        raise BadHistory(f"there is no history in {path}", hint="`opcov record JOURNAL` starts one")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path)
    except (OSError, sqlite3.Error) as error:
        raise BadHistory(f"cannot open {path}: {error}", hint="name another file with --history") from None
    with closing(connection):
        try:
            _prepare(path, connection)
        except sqlite3.Error as error:
            raise _damaged(path, error) from None
        yield History(path, connection)


def _prepare(path: Path, connection: sqlite3.Connection) -> None:
    """Make the tables of a new file; raises BadHistory if the file is something else."""
    (application,), (version,) = (
        connection.execute(f"PRAGMA {key}").fetchone() for key in ("application_id", "user_version")
    )
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if not tables and not application:
        connection.executescript(
            f"BEGIN; {_TABLES} PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {VERSION}; COMMIT;"
        )
    elif (application, version) != (APPLICATION, VERSION):
        what = f"is a history of version {version}" if application == APPLICATION else "is no history of opcov"
        raise BadHistory(f"{path} {what}", hint="`opcov record --rebuild JOURNAL ... --history FILE` makes another one")


def _damaged(path: Path, error: Exception) -> BadHistory:
    return BadHistory(
        f"cannot use {path}: {error}", hint="`opcov record --rebuild JOURNAL ...` makes it again of journals"
    )


def _key(entry: Entry) -> tuple[str, str, str, str, str]:
    return entry.family, *entry.name


def _state(entry: Entry) -> str:
    end = entry.end
    signatures = [list(astuple(signature)) for signature in end.signatures]
    return json.dumps([end.verdict, end.passed, end.total, entry.census, signatures], separators=(",", ":"))


@lru_cache(maxsize=64)
def _entry(family: str, op: str, backend: str, mode: str, dtype: str, text: str) -> Entry:
    """The entry of a cell in a state; from run to run most cells stay in one, so few are restored twice."""
    verdict, passed, total, census, signatures = json.loads(text)
    end = End(verdict, passed, total, tuple(Signature(*parts) for parts in signatures))
    return Entry(family=family, op=op, backend=backend, mode=mode, dtype=dtype, end=end, census=census)


def _run(text: str) -> PastRun:
    facts: dict[str, Any] = json.loads(text)
    return PastRun(**{**facts, "executors": tuple(facts["executors"])})
