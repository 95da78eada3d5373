"""All records of one op, restored from their lines: what a fold is given."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from harness.cases.sample import Sample, from_json
from harness.records.journal import Record, record_restore


@dataclass(frozen=True, slots=True)
class OpRecords:
    """The records of one op, in the order of the journal.

    `places` has of each record the number of its cell in the journal, counted from 0: it orders records of different
    ops as the journal does.
    """

    op: str
    records: tuple[Record, ...]
    places: tuple[int, ...]

    @property
    def family(self) -> str:
        """The module of `op_suites` that has the op's case."""
        return self.records[-1].family


Fold = Callable[[OpRecords], Any]
"""Maps the records of an op to a JSON value; None if there is nothing to keep."""


def restore_op(op: str, lines: Sequence[str], places: Iterable[int]) -> tuple[OpRecords, list[str]]:
    """Restore the records of an op from its outcome lines; return them, and what is wrong with lines that are none."""
    restorer = _Restorer({})
    records, kept, damage = [], [], []
    for text, place in zip(lines, places, strict=True):
        try:
            records.append(restorer.record(text))
            kept.append(place)
        except Exception as error:  # whatever a damaged line raises
            damage.append(f"not an outcome line ({type(error).__name__}: {error})")
    return OpRecords(op, tuple(records), tuple(kept)), damage


@dataclass(frozen=True, slots=True)
class _Restorer:
    """Restores lines, and restores a sample once that several backends have run: that is the costly part."""

    samples: dict[str, tuple[Any, Sample]]

    def record(self, text: str) -> Record:
        line = json.loads(text)
        return record_restore(line, self._sample(line["id"]))

    def _sample(self, id: str) -> Callable[[Any], Sample]:
        def restored(data: Any) -> Sample:
            known = self.samples.get(id)
            if known is None or known[0] != data:
                known = self.samples[id] = (data, from_json(data))
            return known[1]

        return restored
