"""Restores many outcome lines, fast: of what several lines have in common, each text is decoded once."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Generic, TypeVar

from harness.cases.sample import Sample, from_json

from .journal import Record, cell_restore, optional_restore, record_restore
from .outcome import Outcome, restore

T = TypeVar("T")
_START = '{"kind":"outcome","id":"'
_MARKS = (',"op":', ',"sample":', ',"traits":', ',"detail":', ',"reached":', ',"seconds":{', "}")
"""Where a line is cut, in the order in which `journal.record_json` writes its keys."""
_decode = json.JSONDecoder().raw_decode


class Restorer:
    """Restores outcome lines of one op, as `json.loads` and `record_restore` do.

    A sample stands in a line of each backend, and most samples of an op end in one of few ways. Records share the
    values that their lines have in common, samples and outcomes among them.
    """

    def __init__(self) -> None:
        self._heads = _Known(partial(_head, {}))
        self._samples = _Known(_sample)
        self._names = _Known(_names)
        self._optional = _Known(_optional)

    def record(self, text: str) -> Record:
        """Restore a line; raises ValueError, and what `record_restore` raises."""
        try:
            return self._joined(_cut(text))
        except (ValueError, KeyError, TypeError):  # not as `journal.dumped` writes it, or no outcome at all
            return record_restore(json.loads(text))

    def _joined(self, parts: Sequence[str]) -> Record:
        """The record of the parts of a line; raises ValueError if one of them is no JSON."""
        head, sample, traits, detail, reached, seconds, rest = parts
        cell, outcomes = self._heads[head]
        return Record(
            **cell,
            **self._optional[rest],
            outcome=outcomes[detail],
            sample=self._samples[sample],
            traits=self._names[traits],
            reached=self._names[reached],
            seconds=_decoded(f"{{{seconds}}}"),
        )


class _Known(dict[str, T], Generic[T]):
    """The values of texts, each decoded when it is first asked for."""

    def __init__(self, decode: Callable[[str], T]) -> None:
        super().__init__()
        self._decode = decode

    def __missing__(self, text: str) -> T:
        value = self[text] = self._decode(text)
        return value


def _cut(text: str) -> list[str]:
    """The texts of a line between its id and its end; raises ValueError if it is not as `journal.dumped` writes it.

    Where each text is JSON, the line is the object that they make: a key cannot be within one, since quotes are escaped
    in strings, and a value that was cut in two is no JSON.
    """
    if not text.startswith(_START):
        raise ValueError("no outcome")
    parts = []
    at = 0
    for mark in _MARKS:
        end = text.index(mark, at)
        parts.append(text[at:end])
        at = end + len(mark)
    return [*parts[1:], text[at:]]


def _head(known: dict[tuple[str, str], _Known[Outcome]], text: str) -> tuple[dict[str, Any], _Known[Outcome]]:
    """The cell, from the text that begins with the op, and its outcomes by their details; `known` are those so far."""
    line = _decoded(f'{{"op":{text}}}')
    name, stage = line["outcome"], line["stage"]
    if (name, stage) not in known:
        known[name, stage] = _Known(lambda detail: restore(name, stage, _decoded(detail)))
    return cell_restore(line), known[name, stage]


def _optional(text: str) -> dict[str, Any]:
    """The other fields, from the text after the seconds: all but the first brace of an object."""
    return optional_restore(_decoded("{" + text.removeprefix(",")))


def _sample(text: str) -> Sample | None:
    data = _decoded(text)
    return None if data is None else from_json(data)


def _names(text: str) -> tuple[str, ...]:
    return tuple(_decoded(text))


def _decoded(text: str) -> Any:
    """The value of a text that is JSON without spaces around it; raises ValueError."""
    value, end = _decode(text)
    if end != len(text):
        raise ValueError("more than one value")
    return value
