"""What changed alike: the changes of one kind and cause, to be looked at together."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, replace

from reports.fold.cell import Key

from .change import Change
from .transition import UNDECIDED, VOID, Transition


@dataclass(frozen=True, slots=True)
class Group:
    """Changes of one kind that are alike: what is worse by what it came to, what is better by what it had been.

    What is neither is alike by both. A cell is in several groups if its samples changed in several ways.
    """

    changes: tuple[Change, ...]

    @property
    def transition(self) -> Transition:
        """The most alarming transition of the group.

        All have its kind, and its name but for the backends that are blocked by what the frontend stops at.
        """
        return min((change.transition for change in self.changes), key=lambda t: t.rank)

    @property
    def smallest(self) -> Change:
        """The change to look at."""
        return min(self.changes, key=lambda change: change.effort)

    @property
    def cells(self) -> tuple[Key, ...]:
        """The cells that have such a change, in order."""
        return tuple(dict.fromkeys(change.cell for change in self.changes))

    @property
    def ops(self) -> tuple[str, ...]:
        """The ops of these cells, in order."""
        return tuple(dict.fromkeys(change.cell.op for change in self.changes))

    @property
    def backends(self) -> tuple[str, ...]:
        """The backends of these cells, in order."""
        return tuple(dict.fromkeys(change.cell.backend for change in self.changes))

    @property
    def plain(self) -> int:
        """How many of the changes are of plain calls."""
        return sum(change.sample.is_plain for change in self.changes)

    @property
    def was(self) -> Mapping[str, int]:
        """How often the samples had each cause before, as text, the most frequent first."""
        return dict(Counter(str(change.was) for change in self.changes).most_common())

    @property
    def now(self) -> Mapping[str, int]:
        """How often the samples have each cause after, as text, the most frequent first."""
        return dict(Counter(str(change.now) for change in self.changes).most_common())


def groups(changes: Iterable[Change]) -> tuple[Group, ...]:
    """The changes in groups: the most alarming first, then the largest."""
    found: dict[Hashable, list[Change]] = defaultdict(list)
    for change in changes:
        found[_key(change)].append(change)
    all_groups = [Group(tuple(members)) for members in found.values()]
    ranks = {id(group): (group.transition.rank[:2], group.transition.name) for group in all_groups}
    return tuple(sorted(all_groups, key=lambda g: (*ranks[id(g)], -len(g.cells), g.smallest.effort)))


def _key(change: Change) -> Hashable:
    kind, name = change.transition.kind, change.transition.name
    match kind:
        case "worse":
            return kind, change.now
        case "better":
            return kind, name, change.was
        case "changed":
            return kind, name, change.was, change.now
        case "undecided":
            told = change.was if change.before.outcome in VOID else change.now
            alike = replace(told, backend="") if name in UNDECIDED.values() else None
            return kind, name, change.was.outcome, change.now.outcome, alike
