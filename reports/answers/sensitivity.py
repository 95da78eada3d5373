"""What became of seeded mistakes: the share that the census catches, by kind and by op, and those that it does not."""

from __future__ import annotations

import shlex
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tabulate import tabulate

from harness.records.mutant import MUTANT_STATUSES, SURVIVED, MutantRecord
from harness.text import clip, plural, share

TARGET = 0.95
"""The share of each kind that should be caught."""
_SHOWN = 40
_WIDTH = 120


@dataclass(frozen=True, slots=True)
class Rate:
    """The mutants of one kind, backend or op, by fate."""

    name: str
    fates: Counter[str]

    @property
    def killed(self) -> int:
        """How many the census catches."""
        return self.fates["killed"]

    @property
    def counted(self) -> int:
        """How many it could have caught: those that differ from a sound lowering anywhere."""
        return self.killed + sum(self.fates[fate] for fate in SURVIVED)

    @property
    def value(self) -> float:
        """The kill rate, 1 where there is nothing to kill."""
        return self.killed / self.counted if self.counted else 1.0


def rates(trials: Sequence[MutantRecord], key: Callable[[MutantRecord], str]) -> list[Rate]:
    """The kill rates by a key, in the order in which its values come."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for trial in trials:
        found[key(trial)][trial.status] += 1
    return [Rate(name, fates) for name, fates in found.items()]


def survivors(trials: Sequence[MutantRecord]) -> list[MutantRecord]:
    """Those the census lets pass though they can be seen, by kind, op and backend."""
    return sorted(
        (t for t in trials if t.status in SURVIVED), key=lambda t: (t.mutation, t.op, t.backend, t.mode, t.site, t.nth)
    )


def as_json(trials: Sequence[MutantRecord]) -> dict[str, Any]:
    """Rates and survivors as JSON values."""

    def table(found: Sequence[Rate]) -> dict[str, Any]:
        return {r.name: {"rate": round(r.value, 4), **{fate: r.fates[fate] for fate in MUTANT_STATUSES}} for r in found}

    return {
        "target": TARGET,
        "kinds": table(kinds(trials)),
        "backends": table(rates(trials, lambda t: t.backend)),
        "ops": table(rates(trials, lambda t: t.op)),
        "survivors": [
            {
                "op": t.op,
                "backend": t.backend,
                "mode": t.mode,
                "dtype": t.dtype,
                "kind": t.mutation,
                "mutant": _mutant(t),
                "why": _why(t),
                "sample": t.sample or None,
            }
            for t in survivors(trials)
        ],
    }


def as_text(trials: Sequence[MutantRecord], *, all: bool = False) -> str:
    """The rates by kind and backend, the ops that let most pass, and the survivors, the first ones or all."""
    found = survivors(trials)
    counted = Rate("all", Counter(t.status for t in trials))
    parts = [
        f"{plural(len(trials), 'seeded mistake')}: {share(counted.killed, counted.counted)} of those that can be seen"
        f" are caught ({counted.killed:,} of {counted.counted:,})",
        _table("kind", kinds(trials)),
        _table("backend", rates(trials, lambda t: t.backend)),
    ]
    worst = sorted(
        (r for r in rates(trials, lambda t: t.op) if r.value < 1), key=lambda r: (r.killed - r.counted, r.value, r.name)
    )
    if worst:
        parts.append("ops that let most pass\n" + _table("op", worst[:10]))
    if found:
        shown = found if all else found[:_SHOWN]
        parts.append("survivors\n" + _survivors(shown))
        if len(shown) < len(found):
            parts.append(f"{plural(len(found) - len(shown), 'more survivor')}: --all, or --json")
    parts.append("\n".join(f"{fate}: {said}" for fate, said in MUTANT_STATUSES.items() if counted.fates[fate]))
    return "\n\n".join(parts)


def kinds(trials: Sequence[MutantRecord]) -> list[Rate]:
    """The kill rates by kind of mistake."""
    return sorted(rates([t for t in trials if t.mutation], lambda t: t.mutation), key=lambda r: r.name)


def _table(name: str, found: Sequence[Rate]) -> str:
    rows = [[r.name, share(r.killed, r.counted), *(r.fates[fate] or "" for fate in MUTANT_STATUSES)] for r in found]
    return tabulate(
        rows, [name, "caught", *MUTANT_STATUSES], colalign=("left", *("right",) * (len(MUTANT_STATUSES) + 1))
    )


def _survivors(found: Sequence[MutantRecord]) -> str:
    lines = []
    for t in found:
        where = f"{t.op}[{t.backend}-{t.mode}-{t.dtype}]"
        lines.append(clip(f"{t.mutation:<11} {where}  {_mutant(t)}: {_why(t)}", _WIDTH))
        if t.sample:
            lines.append(f"    opcov repro {shlex.quote(t.sample)} --backend {t.backend}")
    return "\n".join(lines)


def _mutant(t: MutantRecord) -> str:
    return f"{t.site} #{t.nth} {t.what}"


def _why(t: MutantRecord) -> str:
    match t.status:
        case "tolerated":
            return f"within {t.share or 0.0:.2g} of the bound"
        case "undrawn":
            return "seen with NaN or infinities only, which the case does not draw"
        case _:
            return f"{t.status}{f' ({t.by})' if t.by else ''}"
