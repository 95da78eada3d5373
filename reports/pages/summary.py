"""The short report that ends a pytest run: notes, totals and the most alarming results."""

from __future__ import annotations

import textwrap

from reports.answers.alarms import alarms, as_text
from reports.fold.matrix import Matrix
from reports.fold.provenance import control_line, provenance
from reports.index.index import Index

from .pieces import answer_lines, verdicts
from .text import heading, totals


def summary(matrix: Matrix, index: Index, width: int = 120, *, limit: int = 10) -> str:
    """Write the short report, with at most `limit` alarms; each has a reason and commands to paste.

    Lines have at most `width` characters, except the commands, the verdicts, the first line of an alarm and the notes.
    """
    found = alarms(matrix, index)
    blocks = [heading(provenance(index.run, matrix), width), totals(matrix, width), control_line(matrix)]
    causes = verdicts(index)
    blocks += ["\n".join(causes)] if causes else []
    blocks += [textwrap.fill(line, width) for line in answer_lines(index)]
    if found:
        count = f"{min(limit, len(found))} of {len(found)}" if len(found) > limit else str(len(found))
        blocks.append(f"Most alarming ({count}, by op and backend)")
        blocks += [as_text(alarm, width) for alarm in found[:limit]]
    return "\n\n".join(blocks)
