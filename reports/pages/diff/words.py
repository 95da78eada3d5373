"""What all pages of a diff say in the same words: the verdict, the two runs, the counts, what was left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from harness.text import plural
from reports.answers.diff.diff import Count, Diff
from reports.answers.diff.group import Group
from reports.answers.diff.side import Side
from reports.answers.diff.transition import Kind
from reports.fold.cell import Key

TITLES: Mapping[Kind, str] = {"worse": "Worse", "undecided": "Undecided", "changed": "Changed", "better": "Better"}
MEANINGS: Mapping[Kind, str] = {
    "worse": "right before and no longer, or newly wrong, crashing or timed out",
    "undecided": "one of the two runs says nothing of the compiler here; no failure",
    "changed": "neither better nor worse, but for another reason; no failure",
    "better": "right now, or no longer wrong, crashing or timed out",
}
SIDES = ("A", "B")


def first_line(found: Diff) -> str:
    """The verdict in cells: `3 newly wrong, 1 new crash, 12 fixed, 40 undecided`."""
    worse, better = ([_counted(c) for c in found.counts if c.kind == kind] for kind in ("worse", "better"))
    others = [f"{count.cells:,} {kind}" for kind in ("changed", "undecided") if (count := found.count(kind)).cells]
    said = ", ".join([*worse, *better, *others])
    if not found.coverage.cells:
        return "nothing to compare: the two journals have no sample in common"
    if not said:
        return "no change"
    return said if worse else f"{said}; nothing worse"


def _counted(count: Count) -> str:
    name = "new crashes" if count.name == "new crash" and count.cells > 1 else count.name
    return f"{count.cells:,} {name}"


def cells_and_ops(cells: int, ops: int) -> str:
    """Counts as all pages write them: `12 cells (3 ops)`."""
    return f"{plural(cells, 'cell')} ({plural(ops, 'op')})"


def count_words(found: Diff, kind: Kind) -> str:
    """The cells of one kind by name, the ops in brackets: `newly wrong 3 (2), new crash 1 (1)`."""
    of_kind = [count for count in found.counts if count.kind == kind and count.name != kind]
    return ", ".join(f"{count.name} {count.cells:,} ({count.ops:,})" for count in of_kind)


def heading(group: Group) -> str:
    """What changed alike, and where: `new crash: 5 cells (1 op), 31 samples; linalg`."""
    plain = f", {plural(group.plain, 'plain call')} among them" if group.plain else ""
    counts = f"{cells_and_ops(len(group.cells), len(group.ops))}, {plural(len(group.changes), 'sample')}{plain}"
    return f"{group.transition.name}: {counts}; {', '.join(group.backends)}"


def causes(counted: Mapping[str, int], most: int = 3) -> str:
    """Causes with their counts, the most frequent first; a single one without its count."""
    if len(counted) == 1:
        return next(iter(counted))
    shown = [f"{cause} ({count:,})" for cause, count in list(counted.items())[:most]]
    return "; ".join([*shown, *([f"and {len(counted) - most:,} more"] if len(counted) > most else [])])


def names(ops: Iterable[str], most: int = 6) -> str:
    """The ops by name, the first few of many."""
    listed = list(ops)
    more = [f"and {len(listed) - most:,} more"] if len(listed) > most else []
    return ", ".join([*listed[:most], *more])


def about(side: Side) -> tuple[str, str]:
    """The run, and the compilers that it measured."""
    options = side.run.header.get("options") or {}
    seed = side.run.header.get("seed", options.get("seed"))
    asked = f"profile {options.get('profile', 'unknown')}, seed {seed}"
    where = f"{side.journal} · " if side.journal else ""
    return f"{where}run {side.name} · {side.started} · {asked}", " · ".join(side.compilers)


def notes(found: Diff) -> Iterator[str]:
    """What a reader must not miss before using the answer."""
    for name, side in zip(SIDES, (found.before, found.after), strict=True):
        if not side.run.complete:
            yield f"{name} did not end: cells that it lacks were not run, and are not gone."
        yield from (f"The journal of {name} is damaged: {damage}." for damage in side.run.damage)
    if found.before.compilers == found.after.compilers:
        yield "Both runs measured the same torch and torch-mlir."
    if found.control:
        count = sum(len(cell.changes) for cell in found.control)
        yield f"The control changed in {plural(count, 'sample')}, which no compiler can cause: do not trust this diff."
    codes = [(side.run.header.get("toolchain") or {}).get("code") for side in (found.before, found.after)]
    if all(codes) and codes[0] != codes[1]:
        yield "The code of opcov that decides outcomes differs: a change may be its own."
    for name, mine, other in (("A", found.before, found.after), ("B", found.after, found.before)):
        if mine.executors is not None and (missing := sorted((other.executors or frozenset()) - mine.executors)):
            yield f"{name} has no executor {', '.join(missing)}: what rests on it alone is undecided."


def left_out(found: Diff) -> Iterator[str]:
    """What was not compared, and why."""
    seen = found.coverage
    if seen.redrawn:
        yield f"redrawn: {_cells(seen.redrawn)} with other samples in B than in A, none in common"
    if seen.partly:
        counts = f"{plural(seen.dropped, 'sample')} only in A, {seen.added:,} only in B"
        yield f"partly redrawn: {_cells(seen.partly)}, compared by what both have; {counts}"
    if seen.covered:
        why = "newly covered" if found.before.run.complete else "not run in A"
        yield f"{why}: {_cells(seen.covered)} only in B"
    if seen.gone:
        yield f"{'gone' if found.after.run.complete else 'not run in B'}: {_cells(seen.gone)} only in A"
    if seen.unchosen:
        yield f"not selected by {found.query}: {plural(seen.unchosen, 'record')} of the two runs"
    yield "the control, and samples that were minimised or run again: they are no samples of the census"


def _cells(cells: list[Key]) -> str:
    return cells_and_ops(len(cells), len({cell.op for cell in cells}))
