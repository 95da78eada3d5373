"""Pieces that several pages share: how they write a cell and a count, and one line each from two of the answers."""

from __future__ import annotations

from harness.records.frontend import FRONTEND
from harness.records.outcome import OUTCOMES
from harness.text import share
from reports.answers import blame, slack
from reports.fold.cell import Cell
from reports.fold.matrix import Totals
from reports.fold.status import PASS, STATUSES
from reports.index.index import Index

OUTCOME_NAMES = tuple(cls.__name__ for cls in reversed(OUTCOMES))
"""The names of the outcomes, `Passed` first, the most alarming last."""
STATUSES_PASS_FIRST = (PASS, *(status for status in STATUSES if status is not PASS))
"""The statuses as tables of totals show them: `PASS`, then the others, most alarming first."""
FRACTION_MEANING = "passed of all samples, excluded and unjudged ones included"
"""What a legend says of `n/m`."""


def mark(cell: Cell) -> str:
    """The cell's symbol and how many of its samples passed: `◐ 3/7`; the symbol alone if it has no samples."""
    return f"{cell.status.symbol} {cell.passed}/{cell.total}" if cell.total else cell.status.symbol


SHARES = ("passed, of all", "passed, of reached")
"""What tables of totals call the two shares of the samples that passed."""


def shares(t: Totals) -> tuple[str, str]:
    """The samples of a column that passed, as a share of all and of those that reached the backend.

    Of the frontend's there is the first alone: the samples that it took to the backends, of all.
    """
    return share(t.passed, t.total), "–" if t.column.backend == FRONTEND else share(t.passed, t.arrived)


def number(count: int) -> str:
    """The count with thousands separated: `1,234`; a dash for 0."""
    return f"{count:,}" if count else "–"


def answer_lines(index: Index) -> list[str]:
    """One line from `opcov blame` and one from `opcov slack`; a line that is empty is left out."""
    lines = (blame.line(blame.blame(index)), slack.line(slack.slack(index)))
    return [line for line in lines if line]
