"""The matrix as text for a terminal: provenance, the matrix itself, a legend, totals, and samples by outcome."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from itertools import zip_longest

from harness.text import as_table
from reports.fold.cell import Cell
from reports.fold.matrix import Matrix, Row
from reports.fold.provenance import Provenance, control_line, provenance
from reports.fold.severity import GRADES, only
from reports.fold.status import DECOMPOSED, DECOMPOSED_MEANING, PASS, STATUSES
from reports.index.index import Index

from .pieces import (
    FRACTION_MEANING,
    NO_PLAIN_CALLS,
    OUTCOME_NAMES,
    SEVERITY_TITLE,
    SHARES,
    STATUSES_PASS_FIRST,
    answer_lines,
    mark,
    number,
    plain_shares,
    severity_counts,
    shares,
    signs,
    verdicts,
)

MIN_PADDING = 2
"""How much wider than its head a column is at least, as in the tables of `tabulate`."""
_NAME = 48
"""The most characters of an op's name in a line; a longer name is broken over several lines."""


def as_text(matrix: Matrix, index: Index, width: int) -> str:
    """Write the whole matrix in lines of at most `width` characters; notes are never broken."""
    blocks = [heading(provenance(index.run, matrix), width), *_tables(matrix, width), _legend(width)]
    blocks += [totals(matrix, width), _samples(matrix, width), control_line(matrix)]
    causes = verdicts(index)
    blocks += ["\n".join(causes)] if causes else []
    blocks += [textwrap.fill(line, width) for line in answer_lines(index)]
    return "\n\n".join(blocks) + "\n"


def heading(about: Provenance, width: int) -> str:
    """The run, its options and toolchain, how much the registry covers, and the notes."""
    facts = [f"opcov {about.run} · {about.started} · {about.size}", about.options, about.toolchain]
    facts += [about.registry] if about.registry else []
    lines = [line for fact in facts for line in textwrap.wrap(fact, width, subsequent_indent="  ")]
    return "\n".join(lines + [f"! {note}" for note in about.notes])


# the matrix -----------------------------------------------------------------------------------------------------------


def _tables(matrix: Matrix, width: int) -> list[str]:
    """The matrix in one table, or in several if its columns do not fit into `width` characters."""
    widths = [_cell_width(matrix, index) for index in range(len(matrix.columns))]
    name = min(_NAME, max((len(_name(row)) for row in matrix.rows), default=2))
    return [_table(matrix, group, name) for group in _groups(name, widths, width)]


def _cell_width(matrix: Matrix, index: int) -> int:
    column = matrix.columns[index]
    head = column.width + MIN_PADDING
    return max(head, *(len(mark(row.cells[index])) for row in matrix.rows), 1)


def _table(matrix: Matrix, group: Sequence[int], name: int) -> str:
    """A table of the columns in `group`, with an empty line between families; the first column is `name` wide."""
    digits = [_digits([row.cells[index] for row in matrix.rows]) for index in group]
    lines: list[list[str]] = []
    starts: list[int] = []
    for family, rows in matrix.families.items():
        starts.append(len(lines))
        lines.append([f"{family.upper()} ({len(rows)})", *("" for _ in group)])
        for row in rows:
            cells = [_aligned(row.cells[index], d) for index, d in zip(group, digits, strict=True)]
            *above, last = _broken(_name(row), name)
            lines += [[line, *("" for _ in group)] for line in above]
            lines.append([last, *cells])
    heads = list(zip_longest(("op",), *(matrix.columns[index].head.split("\n") for index in group), fillvalue=""))
    widths = [
        max(max(map(len, column[: len(heads)])) + MIN_PADDING, *map(len, column))
        for column in zip(*heads, *lines, strict=True)
    ]
    table = [_line(of, widths) for of in (*heads, ["-" * width for width in widths], *lines)]
    above_body = len(table) - len(lines)
    for start in reversed(starts[1:]):
        table.insert(above_body + start, "")
    return "\n".join(table)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join([text.ljust(width) for text, width in zip(cells, widths, strict=True)]).rstrip()


def _name(row: Row) -> str:
    return f"{row.op} {DECOMPOSED}" if row.decomposed else row.op


def _broken(name: str, length: int) -> list[str]:
    """A name in lines of at most `length` characters, broken after a dot or an underscore if there is one."""
    lines = []
    while len(name) > length:
        at = max(name.rfind(".", 0, length), name.rfind("_", 0, length)) + 1
        at = at if at > length // 3 else length
        lines.append(name[:at])
        name = "└ " + name[at:]
    return [*lines, name]


def _digits(cells: Sequence[Cell]) -> tuple[int, int]:
    """The most digits of the cells' numbers of samples that passed, and of all samples."""
    return (
        max((len(str(cell.passed)) for cell in cells if cell.total), default=1),
        max((len(str(cell.total)) for cell in cells if cell.total), default=1),
    )


def _aligned(cell: Cell, digits: tuple[int, int]) -> str:
    """The cell's mark, padded so that the slashes of a column are below each other."""
    if not cell.total:
        return cell.status.symbol
    return f"{signs(cell)}{cell.passed:>{digits[0]}}/{cell.total:<{digits[1]}}"


def _legend(width: int) -> str:
    """The symbols and their meanings, in two columns if they fit."""
    entries = [f"{s.symbol} {s.name}: {s.meaning}" for s in STATUSES]
    entries += [f"{grade.symbol} red {only(grade)}" for grade in GRADES]
    entries += [f"{DECOMPOSED} {DECOMPOSED_MEANING}", f"n/m {FRACTION_MEANING}"]
    half = (len(entries) + 1) // 2
    left = max(len(entry) for entry in entries[:half])
    right = max(len(entry) for entry in entries[half:])
    if left + 3 + right > width:
        return "\n".join(entries)
    pairs = zip(entries[:half], [*entries[half:], ""], strict=False)
    return "\n".join(f"{a:<{left}}   {b}".rstrip() for a, b in pairs)


# totals ---------------------------------------------------------------------------------------------------------------


def totals(matrix: Matrix, width: int) -> str:
    """Ops by status, one line per status and one column per column of the matrix; its symbols make it a legend too.

    A second table says how bad it is that ops are wrong or crash.
    """
    columns = matrix.totals()
    shown = [s for s in STATUSES_PASS_FIRST if s is PASS or any(t.ops.get(s.name) for t in columns)]
    lines = [[f"{s.symbol} {s.name}", *(number(t.ops.get(s.name, 0)) for t in columns)] for s in shown]
    lines += [[name, *(shares(t)[i] for t in columns)] for i, name in enumerate(SHARES)]
    lines += [[name, *found] for name, found in plain_shares(matrix)]
    tables = [_blocks(matrix, f"ops ({len(matrix.rows):,})", lines, width)]
    if red := severity_counts(matrix):
        lines = [[f"{s.symbol}{g.symbol} {g.words}", *map(number, counts)] for s, g, counts in red]
        tables.append(_blocks(matrix, SEVERITY_TITLE, lines, width))
    return "\n\n".join(tables + ([] if matrix.has_plain_calls or not matrix.rows else [NO_PLAIN_CALLS]))


def _samples(matrix: Matrix, width: int) -> str:
    """Samples by outcome, one line per outcome and one column per column of the matrix."""
    columns = matrix.totals()
    shown = [name for name in OUTCOME_NAMES if any(t.samples.get(name) for t in columns)]
    lines = [[name, *(number(t.samples.get(name, 0)) for t in columns)] for name in shown]
    lines.append(["all", *(f"{sum(t.samples.values()):,}" for t in columns)])
    return _blocks(matrix, "samples", lines, width)


def _blocks(matrix: Matrix, corner: str, lines: list[list[str]], width: int) -> str:
    """A table of numbers with the matrix's columns, in several blocks if they do not fit into `width` characters.

    `corner` is the head of the first column; each of `lines` is its name and then its number in every column.
    """
    widths = [max(column.width, 7) + MIN_PADDING for column in matrix.columns]
    first = max(len(corner), *(len(line[0]) for line in lines))
    tables = []
    for group in _groups(first, widths, width):
        heads = [corner, *(matrix.columns[index].head for index in group)]
        body = [[line[0], *(line[index + 1] for index in group)] for line in lines]
        align = ["left", *("right" for _ in group)]
        tables.append(as_table(body, heads, disable_numparse=True, colalign=align))
    return "\n\n".join(tables)


def _groups(first: int, widths: Sequence[int], width: int) -> list[list[int]]:
    """Divide columns, by index, into groups that each fit into `width` beside a first column of `first` characters."""
    groups: list[list[int]] = [[]]
    used = first
    for index, size in enumerate(widths):
        if groups[-1] and used + 2 + size > width:
            groups.append([])
            used = first
        groups[-1].append(index)
        used += 2 + size
    return groups
