"""How many mutants (seeded mistakes) the census kills, by kind, backend and op, and which of them survive."""

from __future__ import annotations

import shlex
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from harness.records.mutant import MUTANT_STATUSES, SURVIVED, MutantRecord
from harness.text import as_table, clip, plural, share

TARGET = 0.95
"""The share of the mutants of each kind that should be killed."""
_SHOWN = 40
"""The most survivors that the text lists, unless all are asked for."""
_WIDTH = 120
"""The most characters of a line about a survivor."""


@dataclass(frozen=True, slots=True)
class Rate:
    """The mutants of one kind, backend or op, counted by status."""

    name: str
    statuses: Counter[str]

    @property
    def killed(self) -> int:
        """How many mutants the census kills."""
        return self.statuses["killed"]

    @property
    def counted(self) -> int:
        """How many mutants it could kill: those of which some result differs from the sound lowering's."""
        return self.killed + sum(self.statuses[status] for status in SURVIVED)

    @property
    def value(self) -> float:
        """The kill rate: killed over counted; 1 if there is nothing to kill."""
        return self.killed / self.counted if self.counted else 1.0


def rates(mutants: Sequence[MutantRecord], key: Callable[[MutantRecord], str]) -> list[Rate]:
    """Count the mutants by `key`, in the order in which its values first occur."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for mutant in mutants:
        counts[key(mutant)][mutant.status] += 1
    return [Rate(name, statuses) for name, statuses in counts.items()]


def survivors(mutants: Sequence[MutantRecord]) -> list[MutantRecord]:
    """Return the mutants that the census does not kill though some result shows them, by kind, op and backend."""
    return sorted(
        (m for m in mutants if m.status in SURVIVED), key=lambda m: (m.mutation, m.op, m.backend, m.mode, m.site, m.nth)
    )


def as_json(mutants: Sequence[MutantRecord]) -> dict[str, Any]:
    """Return rates and survivors as JSON values, with nothing cut."""

    def table(rates: Sequence[Rate]) -> dict[str, Any]:
        return {
            r.name: {"rate": round(r.value, 4), **{status: r.statuses[status] for status in MUTANT_STATUSES}}
            for r in rates
        }

    return {
        "target": TARGET,
        "kinds": table(kinds(mutants)),
        "backends": table(rates(mutants, lambda m: m.backend)),
        "ops": table(rates(mutants, lambda m: m.op)),
        "survivors": [
            {
                "op": m.op,
                "backend": m.backend,
                "mode": m.mode,
                "dtype": m.dtype,
                "kind": m.mutation,
                "mutant": _mutant(m),
                "why": _why(m),
                "sample": m.sample or None,
            }
            for m in survivors(mutants)
        ],
    }


def as_text(mutants: Sequence[MutantRecord], *, all: bool = False) -> str:
    """Write rates by kind and backend, the ops with most survivors, and the survivors: the first 40, or all."""
    surviving = survivors(mutants)
    total = Rate("all", Counter(m.status for m in mutants))
    parts = [
        f"{plural(len(mutants), 'seeded mistake')}: {share(total.killed, total.counted)} of those that can be seen"
        f" are caught ({total.killed:,} of {total.counted:,})",
        _table("kind", kinds(mutants)),
        _table("backend", rates(mutants, lambda m: m.backend)),
    ]
    worst = sorted(
        (r for r in rates(mutants, lambda m: m.op) if r.value < 1),
        key=lambda r: (r.killed - r.counted, r.value, r.name),
    )
    if worst:
        parts.append("ops that let most pass\n" + _table("op", worst[:10]))
    if surviving:
        shown = surviving if all else surviving[:_SHOWN]
        parts.append("survivors\n" + _survivors(shown))
        if len(shown) < len(surviving):
            parts.append(f"{plural(len(surviving) - len(shown), 'more survivor')}: --all, or --json")
    legend = [f"{status}: {meaning}" for status, meaning in MUTANT_STATUSES.items() if total.statuses[status]]
    parts.append("\n".join(legend))
    return "\n\n".join(parts)


def kinds(mutants: Sequence[MutantRecord]) -> list[Rate]:
    """Count the mutants by kind of mistake, sorted by the kind's name; mutants without a kind are left out."""
    return sorted(rates([m for m in mutants if m.mutation], lambda m: m.mutation), key=lambda r: r.name)


def _table(name: str, rates: Sequence[Rate]) -> str:
    rows = [
        [r.name, share(r.killed, r.counted), *(r.statuses[status] or "" for status in MUTANT_STATUSES)] for r in rates
    ]
    return as_table(
        rows, [name, "caught", *MUTANT_STATUSES], colalign=("left", *("right",) * (len(MUTANT_STATUSES) + 1))
    )


def _survivors(mutants: Sequence[MutantRecord]) -> str:
    """Two lines per survivor: its cell and mutation, and the command that shows it, if a sample is recorded."""
    lines = []
    for m in mutants:
        cell = f"{m.op}[{m.backend}-{m.mode}-{m.dtype}]"
        lines.append(clip(f"{m.mutation:<11} {cell}  {_mutant(m)}: {_why(m)}", _WIDTH))
        if m.sample:
            lines.append(f"    opcov repro {shlex.quote(m.sample)} --backend {m.backend}")
    return "\n".join(lines)


def _mutant(m: MutantRecord) -> str:
    return f"{m.site} #{m.nth} {m.what}"


def _why(m: MutantRecord) -> str:
    """Why the mutant survives."""
    match m.status:
        case "tolerated":
            return f"within {m.share or 0.0:.2g} of the bound"
        case "undrawn":
            return "seen with NaN or infinities only, which the case does not draw"
        case _:
            return f"{m.status}{f' ({m.by})' if m.by else ''}"
