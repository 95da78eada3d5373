"""The smallest sample of a group as the two journals have it: how it reads, what it came to, how to run it again."""

from __future__ import annotations

from dataclasses import dataclass, replace

from harness.records.journal import Record
from reports.fold.call import call, repro_command
from reports.fold.cell import Key
from reports.fold.reason import headline
from reports.index.index import Index
from reports.index.op_records import CellLines, restore_op

from .diff import Diff
from .group import Group


@dataclass(frozen=True, slots=True)
class Example:
    """A sample to look at.

    `call` is how it reads, None if the record has no sample. `before` and `after` say in one line what it came to.
    `repros` are the commands that run it, with the
    compiler of the first run and with that of the second; one if they are the same or not known.
    """

    id: str
    cell: Key
    call: str | None
    before: str
    after: str
    repros: tuple[str, ...]


def example(found: Diff, group: Group) -> Example:
    """The smallest sample of a group, read from its lines in the two journals."""
    change = group.smallest
    sides = (found.before, found.after)
    old, new = (_record(side.index, change.cell, change.sample.id) for side in sides)
    commands = [
        repro_command(change.sample.id, change.cell.backend, journal=found.after.journal, compiler=compiler)
        for compiler in found.specs
    ]
    return Example(
        id=change.sample.id,
        cell=change.cell,
        call=call(new.sample) if new.sample else None,
        before=_said(old),
        after=_said(new),
        repros=tuple(dict.fromkeys(command for command in commands if command)),
    )


def _said(record: Record) -> str:
    return f"{type(record.outcome).__name__}: {headline(record.outcome)}"


def _record(index: Index, cell: Key, id: str) -> Record:
    """The record of a sample in a cell, restored without the rest of the op.

    The lines of the other backends come with it: in old journals the frontend's record is made of them.
    """
    wanted = f'"{id}"'
    cells = [
        _only(lines, wanted) for lines in index.cells(cell.op) if (lines.mode, lines.dtype) == (cell.mode, cell.dtype)
    ]
    records = restore_op(cell.op, cells, index.run.header).records
    return next(r for r in records if r.backend == cell.backend and r.id == id and r.minimised is None)


def _only(cell: CellLines, text: str) -> CellLines:
    return replace(cell, lines=tuple(line for line in cell.lines if text in line))
