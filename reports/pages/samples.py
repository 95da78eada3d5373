"""What the filter of the HTML report may ask of each sample: the values of the fields of `harness.records.query`.

Most samples share their results and their traits with others, so the page has each of these once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from harness.records.journal import Record
from harness.records.query import NAMES
from reports.fold.cell import Cell
from reports.fold.facts import STATUS_NAMES, values
from reports.index.index import Index
from reports.index.op_records import OpRecords

FOLD = "samples"
FIELDS = ("outcome", "stage", "culprit", "severity", "executor")
"""The fields of a result, as far as the page does not know them by the cell."""
Text = Callable[[str], int]
"""Gives the place of a text in the page's table of texts."""
Value = Mapping[str, Any]


def fold(of: OpRecords) -> Value:
    """The samples of an op by mode and dtype, its distinct results, and per backend each sample's result.

    `groups` are [mode, dtype, [[id, whether it is the plain call, traits]...]], `results` have the values of `FIELDS`,
    `cells` are [backend, mode, dtype, [the place of the sample's result, or None]...].
    """
    groups: dict[tuple[str, str], dict[str, list[Any]]] = {}
    results = _Results(of)
    cells: dict[tuple[str, str, str], dict[str, int]] = {}
    for record in of.records:
        id = record.id
        group = groups.setdefault((record.full_mode, record.dtype), {})
        if id not in group:
            group[id] = [id, 0, list(record.traits)]
        group[id][1] |= record.plain
        cell = cells.setdefault((record.backend, record.full_mode, record.dtype), {})
        cell.setdefault(id, results.number(record))
    return {
        "groups": [[*key, list(samples.values())] for key, samples in groups.items()],
        "results": list(results.distinct),
        "cells": [
            [*key, [found.get(id) for id in groups[key[1], key[2]]]] for key, found in cells.items()
        ],
    }  # fmt: skip


class _Results:
    """The distinct results of the records of an op, each with its number."""

    def __init__(self, of: OpRecords) -> None:
        self.distinct: dict[tuple[tuple[str, ...], ...], int] = {}
        self._known: dict[tuple[int, str, Sequence[str]], int] = {}
        self._values = values(of, FIELDS)

    def number(self, record: Record) -> int:
        """The number of a record's result. Most records share their outcome with others."""
        key = (id(record.outcome), record.backend, self._values["severity"](record))
        if key not in self._known:
            result = tuple(tuple(self._values[field](record)) for field in FIELDS)
            self._known[key] = self.distinct.setdefault(result, len(self.distinct))
        return self._known[key]


def load(index: Index) -> Mapping[str, Value]:
    """The samples of all ops."""
    return dict(index.parts(FOLD))


class Samples:
    """Makes what the page has of the samples: per row and cell, and two tables that all rows share."""

    def __init__(self, text: Text) -> None:
        self._text = text
        self._results: dict[tuple[tuple[int, ...], ...], int] = {}
        self._traits: dict[tuple[int, ...], int] = {}

    def groups(self, of: Value) -> list[list[Any]]:
        """Of a row, per mode and dtype: these, the ids in one text, the plain call's place or -1, places of traits."""
        return [
            [self._text(mode), self._text(dtype), " ".join(id for id, *_ in samples), _plain(samples),
             [self._place(self._traits, self._texts(traits)) for *_, traits in samples]]
            for mode, dtype, samples in of["groups"]
        ]  # fmt: skip

    def cell(self, of: Value, cell: Cell) -> list[list[Any]]:
        """Of a cell, for each of its dtypes: the place of its group in the row, and that of each sample's result.

        It is one number where all are the same. A sample that was not run there has -1.
        """
        groups = {(mode, dtype): place for place, (mode, dtype, _) in enumerate(of["groups"])}
        own = [self._place(self._results, tuple(map(self._texts, result))) for result in of["results"]]
        column = (cell.backend, cell.mode)
        found = {dtype: each for backend, mode, dtype, each in of["cells"] if (backend, mode) == column}
        parts = [(str(part.dtype), found[str(part.dtype)]) for part in cell.by_dtype]
        return [
            [groups[cell.mode, dtype], _shortest([-1 if place is None else own[place] for place in each])]
            for dtype, each in parts
        ]

    def tables(self) -> dict[str, Any]:
        """The tables, and the names that a query may use beside those that the page has of its rows and columns."""
        names = {field: list(known) for field, known in NAMES.items()} | {"status": STATUS_NAMES}
        return {"results": list(self._results), "traits": list(self._traits), "names": names}

    def _texts(self, values: Sequence[str]) -> tuple[int, ...]:
        return tuple(map(self._text, values))

    @staticmethod
    def _place(table: dict[Any, int], key: object) -> int:
        return table.setdefault(key, len(table))


def _shortest(places: list[int]) -> list[int] | int:
    return places[0] if len(set(places)) == 1 else places


def _plain(samples: Sequence[Sequence[Any]]) -> int:
    return next((place for place, (_, plain, _) in enumerate(samples) if plain), -1)
