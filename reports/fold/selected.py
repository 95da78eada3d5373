"""The index of the samples that a query selects: every answer is then as if the journal held nothing else."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from typing import Any

from harness.cases.road import EXPORT, split_mode
from harness.errors import OpcovError
from harness.records.cause import Cause
from harness.records.journal_file import CellName
from harness.records.query import NO, YES, Facts, Query
from harness.text import plural
from reports.index.garbage import no_garbage_collection
from reports.index.index import Index
from reports.index.old import is_old
from reports.index.op_records import CellLines, Fold, OpRecords, restore_op
from reports.index.store import Progress, no_progress
from reports.index.writer import IndexWriter

from .facts import STATUS_NAMES, facts
from .matrix import FOLD as ROWS
from .status import APART, FAILING

_HEAD = re.compile(r'\{"kind":"outcome","id":"([^"]*)","op":.*?"outcome":"(\w+)","stage":"(\w+)"')
"""The start of an outcome line, as `journal.dumped` writes it."""
_PLAIN = '"plain":true'
"""What the line of a plain call has outside of its texts, where quotes are escaped."""
_BISECTED = '"parts":{'
"""What the line of a sample has whose first wrong pass is known."""
_JUDGED = {"Unsupported": ("Unsupported", APART), "Invalid": ("Invalid", "InvalidRight", APART)}
"""By recorded outcome, the names by which reports may count it; others are counted by their own name."""
_WITH_CULPRIT = ("Unsupported", "Invalid", "InvalidRight")
_EXECUTED = ("Passed", "Wrong", "NotExecuted")
"""The outcomes that name executors."""


class NothingSelected(OpcovError):
    """No sample of the journal is as the query asks."""


def names(index: Index) -> Mapping[str, Collection[str]]:
    """The names that a query about a journal may use, by field."""
    asked = index.run.header.get("options") or {}
    return {
        "op": index.ops,
        "family": {part["family"] for _, part in index.parts(ROWS)},
        "backend": {*(backend for backend, _ in index.run.columns), *(asked.get("backends") or ())},
        "frontend": {split_mode(mode)[1].frontend for _, mode in index.run.columns} | {EXPORT},
        "status": STATUS_NAMES,
    }


class Selected(Index):
    """The index, in memory, of what a query selects of another index.

    Only the ops that the query may select are read again. `folds` are the folds whose values it has. Raises
    NothingSelected, and BadJournal if a line is no outcome.
    """

    def __init__(self, whole: Index, query: Query, folds: Mapping[str, Fold], progress: Progress = no_progress) -> None:
        self._whole = whole
        self._query = query
        self._of_ops = dict(whole.parts(ROWS))
        run = whole.run
        writer = IndexWriter(":memory:", folds, _narrowed(run.header, query))
        self._measured: dict[CellName, None] = {}
        count = cells = ops = 0
        with no_garbage_collection():
            for op in filter(self._may_have, whole.ops):
                found = self.records(op)
                if found.records:
                    writer.add_op(found)
                    ops += 1
                    cells += len(set(found.places))
                    census = [record for record in found.records if record.minimised is None]
                    count += len(census)
                    self._measured |= dict.fromkeys((op, r.backend, r.full_mode, r.dtype) for r in census)
                    progress(cells, None)
        if not ops:
            raise NothingSelected(
                f"--where: no sample of the journal is {query.text}",
                hint="leave a condition out, or see `opcov matrix` for what there is",
            )
        writer.note_toolchains(*run.toolchains)
        selected = f"selected by {query.text}: {plural(count, 'outcome')} in {plural(cells, 'cell')}"
        super().__init__(writer.flush(run.footer, run.damage, selected=f"{selected} of {plural(ops, 'op')}").connection)

    @property
    def whole(self) -> Index:
        """The index of the whole journal."""
        return self._whole

    def measured(self) -> Sequence[CellName]:
        """The cells that have samples of a census which are selected."""
        return list(self._measured)

    def records(self, op: str) -> OpRecords:
        """The selected records of one op, in the order of the journal; none if it has none."""
        if not self._may_have(op):
            return OpRecords(op, (), ())
        header = self._whole.run.header
        cells = self._whole.cells(op)
        found = restore_op(op, cells if is_old(header) else list(self._candidates(op, cells)), header, self.causes(op))
        holds = [self._query.may_hold(values) for values in facts(found, self._query.fields)]
        return replace(
            found,
            records=tuple(record for record, yes in zip(found.records, holds, strict=True) if yes),
            places=tuple(place for place, yes in zip(found.places, holds, strict=True) if yes),
        )

    def op_of(self, sample_id: str) -> str | None:
        """The op of a sample, of one too that is not selected."""
        return self._whole.op_of(sample_id)

    def causes(self, op: str) -> tuple[Cause, ...]:
        """The causes of an op's failures, of those too that are not selected."""
        return self._whole.causes(op)

    def _known(self, op: str) -> Facts:
        return {"op": (op,), "family": (self._of_ops[op]["family"],)}

    def _of_column(self, op: str, backend: str, full: str) -> Facts:
        mode, road = split_mode(full)
        return {**self._known(op), "backend": (backend,), "mode": (mode,), **road.facts}

    def _may_have(self, op: str) -> bool:
        """Whether a record of the op may be selected, by what the row of the matrix says of it."""
        if op not in self._of_ops or not self._query.may_hold(self._known(op)):
            return False
        for backend, mode, (counts, evidence, *_) in self._of_ops[op]["cells"]:
            of_column = self._of_column(op, backend, mode)
            if any(self._query.may_hold({**of_column, **_of_outcome(name)}) for name in {*counts, *evidence}):
                return True
        return False

    def _candidates(self, op: str, cells: Collection[CellLines]) -> Iterator[CellLines]:
        """The cells with only the lines that may be selected; the plain calls are among them, since severities hinge
        on these, and the samples whose first wrong pass is known, since clusters hinge on it. Where the query asks for
        the status of cells, those that may be selected are whole.
        """
        plain: set[str] = set()
        for cell in cells:
            of_cell = {**self._of_column(op, cell.backend, cell.mode), "dtype": (cell.dtype,)}
            holds = self._query.verdict(of_cell)
            whole = holds or (holds is None and "status" in self._query.fields)
            asked = cache(partial(self._may_hold, of_cell))
            for number, text in enumerate(cell.lines, cell.line):
                first = cell.mode not in plain and _PLAIN in text
                if whole or first or _BISECTED in text or (holds is None and asked(*self._start(text))):
                    plain |= {cell.mode} if first else set()
                    yield CellLines(cell.place, number, cell.backend, cell.mode, cell.dtype, cell.seconds, (text,))

    def _start(self, text: str) -> tuple[str, str, str, str]:
        """What the start of an outcome line says, as far as it is asked for: id, outcome, stage, and `plain`."""
        head = _HEAD.match(text)
        id, outcome, stage = head.groups() if head else ("", "", "")
        return id if "id" in self._query.fields else "", outcome, stage, YES if _PLAIN in text else NO

    def _may_hold(self, of_cell: Facts, id: str, outcome: str, stage: str, plain: str) -> bool:
        """Whether an outcome line may be selected, by its start: without the time that restoring it takes."""
        if not outcome:
            return True
        known = {**of_cell, "id": (id,), "stage": (stage,), "plain": (plain,)}
        if outcome not in _EXECUTED:
            known["executor"] = ()
        return any(self._query.may_hold({**known, **_of_outcome(name)}) for name in _JUDGED.get(outcome, (outcome,)))


def _of_outcome(name: str) -> Facts:
    """What the name by which reports count an outcome says of a record."""
    found: dict[str, Sequence[str]] = {"outcome": ("Invalid", name) if name == "InvalidRight" else (name,)}
    if name not in FAILING:
        found |= {"severity": (), "cause": ()}
    if name not in _WITH_CULPRIT:
        found["culprit"] = ()
    return found


def _narrowed(header: Mapping[str, Any], query: Query) -> dict[str, Any]:
    """The header as that of a run which was asked for no more than the query may select."""
    options = dict(header.get("options") or {})
    for key, field in (("backends", "backend"), ("modes", "mode"), ("dtypes", "dtype"), ("ops", "op")):
        if isinstance(options.get(key), (list, tuple)):
            options[key] = [name for name in options[key] if query.may_hold({field: (name,)})]
    return {**header, "options": options}
