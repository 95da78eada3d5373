"""The answer of `opcov diff`: two journals compared by the samples that both have.

`diff` asks two indexes and loads no line of a journal, so it is as quick as reading their folds. Whoever makes the two
runs itself, as `opcov ab` does, passes in what it knows of a change beside the two journals.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property

from harness.records.expectation import CONTROL
from reports.fold.cell import Key
from reports.fold.ending import FOLD, Drawn, Ending, Endings, OpEndings
from reports.index.index import Index

from .change import Change
from .choice import Choice
from .group import Group, groups
from .side import Side
from .transition import FIXED, KINDS, NEWLY, NO_LONGER, Kind, Means, Transition, transition, undecided

Doubt = Callable[[Change], str]
"""Says why a change says nothing of the compilers, such as `flicker` or `executor differs`; "" if it does."""


@dataclass(frozen=True, slots=True)
class CellChange:
    """A cell of which a sample has changed."""

    cell: Key
    changes: tuple[Change, ...]

    @property
    def transition(self) -> Transition:
        """That of the cell: the most alarming one of its samples."""
        return min((change.transition for change in self.changes), key=lambda t: t.rank)


@dataclass(frozen=True, slots=True)
class Count:
    """How many cells have a transition of this kind and name, and of how many ops they are."""

    kind: Kind
    name: str
    cells: int
    ops: int


@dataclass(slots=True)
class Coverage:
    """What both journals have, and what only one of them has.

    `cells` and `samples` count what was compared. `redrawn` are cells that both have without a sample in common,
    `partly` those with some; `dropped` and `added` are the samples of these that only the first or the second has.
    `gone` are the cells that only the first has, `covered` those that only the second has. `unchosen` counts samples
    that were not asked for. The control is in none of them.
    """

    cells: int = 0
    samples: int = 0
    redrawn: list[Key] = field(default_factory=list)
    partly: list[Key] = field(default_factory=list)
    dropped: int = 0
    added: int = 0
    gone: list[Key] = field(default_factory=list)
    covered: list[Key] = field(default_factory=list)
    unchosen: int = 0


@dataclass(frozen=True)
class Diff:
    """Two runs, the cells that changed from the first to the second in the order of the ops, and what was left out.

    `control` are the changes of the control, which says nothing of the compilers: they are in no count. `query` is what
    was asked for, "" for all.
    """

    before: Side
    after: Side
    cells: tuple[CellChange, ...]
    control: tuple[CellChange, ...]
    coverage: Coverage
    query: str = ""

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """The changes in groups of what changed alike, the most alarming first."""
        return groups(change for cell in self.cells for change in cell.changes)

    @cached_property
    def counts(self) -> tuple[Count, ...]:
        """The cells by their transitions, the most alarming kind first."""
        found: dict[tuple[Kind, str], list[Key]] = defaultdict(list)
        for cell in self.cells:
            found[cell.transition.kind, cell.transition.name].append(cell.cell)
        counts = [Count(kind, name, len(cells), _ops(cells)) for (kind, name), cells in found.items()]
        return tuple(sorted(counts, key=lambda c: (KINDS.index(c.kind), _place(c.name), c.name)))

    def of(self, kind: Kind) -> tuple[Key, ...]:
        """The cells whose transition is of this kind."""
        return tuple(cell.cell for cell in self.cells if cell.transition.kind == kind)

    def count(self, kind: Kind) -> Count:
        """How many cells have a transition of this kind, whatever its name."""
        cells = self.of(kind)
        return Count(kind, kind, len(cells), _ops(cells))

    @property
    def specs(self) -> tuple[str, ...]:
        """What `--torch-mlir` is to name for either run; one empty text if they are the same or one is not known."""
        specs = (self.before.compiler, self.after.compiler)
        return specs if all(specs) and self.before.compilers != self.after.compilers else ("",)

    @property
    def is_worse(self) -> bool:
        """Whether any cell is worse."""
        return bool(self.of("worse"))


def _ops(cells: Iterable[Key]) -> int:
    return len({cell.op for cell in cells})


def _place(name: str) -> int:
    order = (*NEWLY.values(), FIXED, *NO_LONGER.values())
    return order.index(name) if name in order else len(order)


def no_doubt(change: Change) -> str:
    """Doubt nothing."""
    return ""


def diff(before: Side, after: Side, *, doubt: Doubt = no_doubt, chosen: Choice | None = None) -> Diff:
    """Compare two runs by the samples that both have, or by those of these that are `chosen`."""
    compared = _Compared(_means(before, after), doubt, chosen)
    for op in sorted({*before.index.ops, *after.index.ops}):
        compared.op(op, before.index, after.index)
    query = chosen.query if chosen else ""
    return Diff(before, after, tuple(compared.changed), tuple(compared.control), compared.coverage, query)


def _means(before: Side, after: Side) -> tuple[Means, Means]:
    """What either run could judge with. What a journal does not say of its executors is taken for no difference."""
    had, has = before.executors, after.executors
    missing = (has - had, had - has) if had is not None and has is not None else (frozenset(), frozenset())
    return Means(missing[0], before.seconds), Means(missing[1], after.seconds)


class _Compared:
    """What was found in the ops that were compared so far."""

    def __init__(self, means: tuple[Means, Means], doubt: Doubt, chosen: Choice | None) -> None:
        self._means = means
        self._doubt = doubt
        self._chosen = chosen
        self.changed: list[CellChange] = []
        self.control: list[CellChange] = []
        self.coverage = Coverage()

    def op(self, op: str, before: Index, after: Index) -> None:
        """Compare one op."""
        had, has = (OpEndings(op, index.part(FOLD, op)) for index in (before, after))
        for cell in dict.fromkeys((*had.cells, *has.cells)):
            self._cell(cell, had, has)

    def _cell(self, cell: Key, had: OpEndings, has: OpEndings) -> None:
        old, new = self._asked(had.of(cell), cell), self._asked(has.of(cell), cell)
        common = [sample for sample in new if sample in old]
        if cell.backend != CONTROL:
            self._cover(cell, old, new, len(common))
        changes = tuple(filter(None, (self._change(cell, has.sample(s), old[s], new[s]) for s in common)))
        if changes:
            (self.control if cell.backend == CONTROL else self.changed).append(CellChange(cell, changes))

    def _asked(self, endings: Endings, cell: Key) -> Endings:
        if self._chosen is None:
            return endings
        kept = {sample: ending for sample, ending in endings.items() if (cell, sample) in self._chosen.samples}
        if cell.backend != CONTROL:
            self.coverage.unchosen += len(endings) - len(kept)
        return kept

    def _cover(self, cell: Key, old: Endings, new: Endings, common: int) -> None:
        found = self.coverage
        if common:
            found.cells += 1
            found.samples += common
        if not old or not new:
            (found.gone if old else found.covered).extend([cell] if old or new else [])
        elif common < max(len(old), len(new)):
            (found.partly if common else found.redrawn).append(cell)
            found.dropped += len(old) - common
            found.added += len(new) - common

    def _change(self, cell: Key, sample: Drawn, before: Ending, after: Ending) -> Change | None:
        found = transition(before, after, self._means)
        if found is None:
            return None
        change = Change(cell, sample, before, after, found)
        reason = self._doubt(change)
        return replace(change, transition=undecided(before, after, reason)) if reason else change
