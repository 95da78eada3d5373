"""Which trait, or pair of traits, separates the failing samples of a cell from the passing ones: an exact search."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from .cell import CellRecords
from .status import FAILING, GOOD

Traits = Iterable[str]


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition that every failing sample meets and no passing one: a fact about the samples seen, not a proof.

    `text` is the condition: `rank=0`, `not zero_size`, `rank=0 and dtype=bf16` or `rank=0 or dim<0`. `failing` and
    `passing` are the numbers of samples. `others` are up to three more conditions that separate the samples too.
    """

    text: str
    failing: int
    passing: int
    others: tuple[str, ...] = ()

    def __str__(self) -> str:
        """The rule in one line: `fails iff rank=0 (2 failing, 5 passing)`."""
        counts = f"{self.failing} failing, {self.passing} passing"
        also = f"; so does {', '.join(self.others)}" if self.others else ""
        return f"fails iff {self.text} ({counts}{also})"


@dataclass(frozen=True, slots=True)
class TraitCount:
    """How many judged samples have a trait (`total`), and how many of these passed."""

    trait: str
    passed: int
    total: int


def rule(cell: CellRecords) -> Rule | None:
    """Return the simplest rule that separates a cell's failing samples from its passing ones; None if there is none."""
    return separate(
        [r.traits for r, name in zip(cell.records, cell.names, strict=True) if name in FAILING and r.sample],
        [r.traits for r, name in zip(cell.records, cell.names, strict=True) if name in GOOD and r.sample],
    )


def by_trait(cell: CellRecords) -> tuple[TraitCount, ...]:
    """Count the judged samples of a cell by trait, sorted by the trait's name."""
    named = list(zip(cell.records, cell.names, strict=True))
    passed = Counter(chain.from_iterable(record.traits for record, name in named if name in GOOD))
    failed = Counter(chain.from_iterable(record.traits for record, name in named if name in FAILING))
    return tuple(
        TraitCount(trait, passed[trait], passed[trait] + failed[trait]) for trait in sorted({*passed, *failed})
    )


def separate(failing: Sequence[Traits], passing: Sequence[Traits]) -> Rule | None:
    """Return the simplest rule that holds for all of `failing` and none of `passing`; None if there is none.

    Each item holds the traits of one sample. A rule of one trait is simpler than a pair, and having a trait is simpler
    than not having it. One trait needs at least one failing and two passing samples. A pair fits by chance more easily,
    so it needs three of each.
    """
    if not failing or len(passing) < 2:
        return None
    target = (1 << len(failing)) - 1
    literals = _literals((*failing, *passing))
    singles = [text for text, mask in literals.items() if mask == target]
    if singles:
        return Rule(singles[0], len(failing), len(passing), tuple(singles[1:4]))
    if min(len(failing), len(passing)) < 3:
        return None
    pair = _pair(literals, target)
    return Rule(pair, len(failing), len(passing)) if pair else None


def _literals(samples: Sequence[Traits]) -> Mapping[str, int]:
    """Map each trait, and then each trait's absence, to the samples for which it holds: bit i stands for sample i."""
    everyone = (1 << len(samples)) - 1
    found: dict[str, int] = defaultdict(int)
    for i, traits in enumerate(samples):
        for trait in traits:
            found[trait] |= 1 << i
    having = {trait: found[trait] for trait in sorted(found)}
    lacking = {f"not {trait}": everyone & ~mask for trait, mask in having.items()}
    return having | lacking


def _pair(literals: Mapping[str, int], target: int) -> str | None:
    """The first `a and b`, else the first `a or b`, that holds for exactly the samples of `target`."""
    distinct = {mask: text for text, mask in reversed(list(literals.items()))}
    names = [(text, mask) for text, mask in literals.items() if distinct[mask] == text]
    wide = [(text, mask) for text, mask in names if mask & target == target]
    narrow = [(text, mask) for text, mask in names if mask & target == mask and mask]
    for number, (text, mask) in enumerate(wide):
        for other, second in wide[number + 1 :]:
            if mask & second == target:
                return f"{text} and {other}"
    for number, (text, mask) in enumerate(narrow):
        for other, second in narrow[number + 1 :]:
            if mask | second == target:
                return f"{text} or {other}"
    return None
