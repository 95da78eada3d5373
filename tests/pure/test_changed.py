"""A journal that was changed in known ways: `opcov diff` finds these changes, all of them, and nothing else."""

from __future__ import annotations

from pathlib import Path

from reports.answers.diff.diff import Diff, diff
from reports.answers.diff.side import Side
from reports.folds import open_index
from tests import changed
from tests.synthetic import everything, written

ASIDE = ("redrawn", "gone", "same")


def compared(before: Path, after: Path) -> Diff:
    return diff(*(Side(open_index(path), str(path)) for path in (before, after)))


def check(found: Diff, made: changed.Made) -> None:
    """Assert that the diff tells exactly what was made."""
    told = {(cell.transition.name, tuple(cell.cell)) for cell in found.cells}
    assert told == {(name, cell) for name, cells in made.items() if name not in ASIDE for cell in cells}
    assert {tuple(cell) for cell in found.coverage.redrawn} == set(made.get("redrawn", ()))
    assert {tuple(cell) for cell in found.coverage.gone} == set(made.get("gone", ()))
    assert not found.coverage.covered
    assert not found.coverage.partly
    counted = {count.name: (count.cells, count.ops) for count in found.counts}
    expected = {name: (len(cells), len({op for op, *_ in cells})) for name, cells in made.items() if name not in ASIDE}
    assert counted == expected


def test_a_diff_finds_what_was_changed(tmp_path: Path) -> None:
    written(tmp_path / "a.gz", everything())
    made = changed.write(tmp_path / "a.gz", tmp_path / "b.gz", 7)
    assert set(made) == set(changed.EDITS)
    check(compared(tmp_path / "a.gz", tmp_path / "b.gz"), made)
