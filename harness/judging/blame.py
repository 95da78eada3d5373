"""Whose fault it is: from what each executor makes of an artifact, at each of its sizes, to one outcome.

Executors of different roads are independent: where one is right, the artifact is, and those that are not are at fault
themselves. Where none is right and one is wrong, the lowering is. Executors of one road share mistakes, and what is
undefined in the artifact may come out right on one of them by luck: there, one that is wrong has its way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from harness.records.outcome import NotExecuted, Outcome, Passed, Wrong

ExecutorVerdict = float | Wrong | str
"""Right, with the worst error as a share of its bound; or what is wrong; or why the executor cannot run it."""
Verdicts = Mapping[str, ExecutorVerdict]
"""What the executors that were asked make of one run, in the order asked."""


def outcome(rounds: Iterable[Verdicts], roads: Mapping[str, str] = MappingProxyType({})) -> Outcome:
    """The outcome of an artifact: the first run that is wrong, else the first that none can run, else right.

    `roads` are those of the executors, by default one for each.
    """
    share, right, dissent, unknown = 0.0, dict[str, None](), dict[str, str](), dict[str, str]()
    for verdicts in rounds:
        wrongs = {name: v for name, v in verdicts.items() if isinstance(v, Wrong)}
        astray = {roads.get(name, name) for name in wrongs}
        shares = {
            name: v for name, v in verdicts.items() if isinstance(v, float) and roads.get(name, name) not in astray
        }
        if wrongs and not shares:
            return _wrong(wrongs, verdicts)
        if not shares:
            unknown = unknown or {name: str(why) for name, why in verdicts.items()}
            continue
        share = max(share, *shares.values())
        right |= dict.fromkeys(shares)
        dissent = {name: wrong.message for name, wrong in wrongs.items()} | dissent
    if unknown or not right:
        return NotExecuted(unknown or {"none": "no size to run at"})
    return Passed(share, tuple(right), dissent)


def _wrong(wrongs: Mapping[str, Wrong], verdicts: Verdicts) -> Wrong:
    """The first executor's account, with the names of those that give the same one, and what the others say."""
    first, *_ = wrongs.values()
    alike = [name for name, w in wrongs.items() if (w.kind, w.output) == (first.kind, first.output)]
    others = {name: _text(v) for name, v in verdicts.items() if name not in alike}
    return replace(first, confirmed=tuple(alike), others=others)


def _text(verdict: ExecutorVerdict) -> str:
    match verdict:
        case Wrong(kind=kind, message=message):
            return f"{kind}: {message}"
        case float():
            return "right, by the same road"
        case _:
            return verdict
