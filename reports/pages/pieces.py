"""Pieces that several pages share: how they write a cell and a count, and one line each from two of the answers."""

from __future__ import annotations

from harness.records.frontend import FRONTEND
from harness.text import share
from reports.answers import blame, slack
from reports.answers.clusters import counted
from reports.fold import failures
from reports.fold.cell import Cell
from reports.fold.matrix import Matrix, Totals
from reports.fold.severity import GRADES, Grade, in_words, of_status
from reports.fold.status import CRASH, OUTCOMES_BY_ALARM, PASS, STATUSES, WRONG, Status
from reports.index.index import Index

from .clusters import verdict

OUTCOME_NAMES = OUTCOMES_BY_ALARM[::-1]
"""The names of the outcomes, `Passed` first, the most alarming last."""
STATUSES_PASS_FIRST = (PASS, *(status for status in STATUSES if status is not PASS))
"""The statuses as tables of totals show them: `PASS`, then the others, most alarming first."""
FRACTION_MEANING = "passed of all samples, excluded and unjudged included, outside left out"
"""What a legend says of `n/m`."""


def mark(cell: Cell) -> str:
    """The cell's symbol and how many of its samples passed: `◐ 3/7`; the symbol alone if it has no samples.

    In a red cell the symbol of the severity takes the place of the space: `✗▃3/7`.
    """
    return f"{signs(cell)}{cell.passed}/{cell.total}" if cell.total else cell.status.symbol


def signs(cell: Cell) -> str:
    """The symbol of the cell's status and that of its severity, or a space if it is not red."""
    return cell.status.symbol + (cell.severity.symbol if cell.severity else " ")


PLAIN_RIGHT = "plain call right"
OTHER_DIM = "plain, another dim"
"""What tables of totals call the plain calls in which another dim than the first is symbolic."""
NO_PLAIN_CALLS = "no plain calls in this journal"
SEVERITY_TITLE = "how bad (ops)"


def plain_shares(matrix: Matrix) -> list[tuple[str, list[str]]]:
    """The shares of the plain calls that are right, as lines of a table of totals: a name, and each column's share."""
    found = [t.plain for t in matrix.totals()]
    if not any(p.of for p in found):
        return []
    lines = [(PLAIN_RIGHT, [share(p.right, p.of) for p in found])]
    others = [f"{p.others_right}/{p.others}" if p.others else "–" for p in found]
    return lines + ([(OTHER_DIM, others)] if any(p.others for p in found) else [])


def severity_counts(matrix: Matrix) -> list[tuple[Status, Grade, list[int]]]:
    """The ops that are wrong or crash, by severity: status, severity, and each column's count."""
    red = {status: [t.red(status) for t in matrix.totals()] for status in (WRONG, CRASH)}
    found = [
        (status, grade, [counts.get(grade.name, 0) for counts in of]) for status, of in red.items() for grade in GRADES
    ]
    return [(status, grade, counts) for status, grade, counts in found if any(counts)]


def severity_words(cell: Cell) -> str:
    """When a red cell fails, in words with counts; empty for other cells."""
    return in_words(of_status(cell.status, cell.severities))


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


ASIDES = (blame.FOLD, slack.FOLD, failures.FOLD)
"""The folds that `answer_lines` and `verdicts` read."""


def verdicts(index: Index) -> list[str]:
    """One line for each backend with failures: how many causes these come to."""
    return [f"{verdict(of)} (opcov clusters --backend {of.backend})" for of in counted(index) if of.causes]


def answer_lines(index: Index) -> list[str]:
    """One line from `opcov blame` and one from `opcov slack`; a line that is empty is left out."""
    lines = (blame.line(blame.blame(index)), slack.line(slack.slack(index)))
    return [line for line in lines if line]
