"""Decide which side is at fault: from the executors' verdicts on an artifact, at each of its sizes, to one outcome.

A road is a compilation route. Executors of different roads are independent of each other: if one of them is right, the
artifact is right, and every executor that is not right is at fault itself. If none is right and one is wrong, the
lowering is at fault. Executors of one road share their mistakes, and what is undefined in the artifact may come out
right on one of them by luck. Within one road, an executor that is wrong therefore overrules those that are right.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from harness.records.outcome import NotExecuted, Outcome, Passed, Wrong

ExecutorVerdict = float | Wrong | str
"""The worst error as a share of its bound if the results are right; or what is wrong; or why it cannot be executed."""
Verdicts = Mapping[str, ExecutorVerdict]
"""The verdict of each executor that was asked to run the artifact at one size, in the order asked."""


def outcome(runs: Iterable[Verdicts], roads: Mapping[str, str] = MappingProxyType({})) -> Outcome:
    """Return the outcome of an artifact, given the verdicts on its runs, one run for each size.

    The outcome is `Wrong` for the first run that is wrong; the runs after it are not drawn from the iterable. Otherwise
    it is `NotExecuted` for the first run that no executor can do, and for no run at all; otherwise it is `Passed`.
    `roads` maps an executor to its road, by default a road of its own.
    """
    share, right, dissent, unknown = 0.0, dict[str, None](), dict[str, str](), dict[str, str]()
    for verdicts in runs:
        wrongs = {name: v for name, v in verdicts.items() if isinstance(v, Wrong)}
        wrong_roads = {roads.get(name, name) for name in wrongs}
        shares = {
            name: v for name, v in verdicts.items() if isinstance(v, float) and roads.get(name, name) not in wrong_roads
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
    """The first wrong verdict, with the executors that confirm its kind and output, and the verdicts of the others."""
    first, *_ = wrongs.values()
    confirmed = [name for name, w in wrongs.items() if (w.kind, w.output) == (first.kind, first.output)]
    others = {name: _text(v) for name, v in verdicts.items() if name not in confirmed}
    return replace(first, confirmed=tuple(confirmed), others=others)


def _text(verdict: ExecutorVerdict) -> str:
    match verdict:
        case Wrong(kind=kind, message=message):
            return f"{kind}: {message}"
        case float():
            return "right, by the same road"
        case _:
            return verdict
