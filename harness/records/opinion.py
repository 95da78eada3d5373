"""What an executor that is asked for a second opinion makes of a sample that failed on the other executors.

An opinion is evidence beside an outcome. It changes the outcome in one case: it clears a wrong sample, which has then
passed, as where any two independent executors disagree. Whether it may is decided in `harness/judging/opinion.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from .outcome import Outcome, detail, restore

Says = Literal["confirms", "differs", "right", "clears", "none"]
SAYS: tuple[Says, ...] = get_args(Says)
MEANS: Mapping[Says, str] = {
    "confirms": "is wrong in the same way, which confirms it",
    "differs": "is wrong too, in another way",
    "right": "is right, which does not clear the backend",
    "clears": "is right, which clears the backend",
    "none": "has no opinion",
}
"""What the executor says, as the end of a sentence that begins with its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """An opinion on a sample that failed.

    - `executor`: whose it is.
    - `says`: what it comes to, see `MEANS`.
    - `why`: what is wrong with its result, why it does not clear the backend, or why there is none.
    - `instead`: of a sample that it clears, the outcome that the sample has without it.
    """

    executor: str
    says: Says
    why: str = ""
    instead: Outcome | None = None

    def __str__(self) -> str:
        """The opinion in one sentence."""
        return f"{self.executor} {MEANS[self.says]}" + (f": {self.why}" if self.why else "")


def opinion_json(opinion: Opinion) -> dict[str, Any]:
    """The value of the key `opinion` in an outcome line."""
    found: dict[str, Any] = {"executor": opinion.executor, "says": opinion.says}
    found |= {"why": opinion.why} if opinion.why else {}
    if outcome := opinion.instead:
        name = type(outcome).__name__
        found["instead"] = {"outcome": name, "stage": outcome.stage, "detail": detail(outcome)}
    return found


def opinion_restore(line: Mapping[str, Any]) -> Opinion:
    """The inverse of `opinion_json`; raises KeyError or TypeError."""
    if line["says"] not in SAYS:
        raise KeyError(line["says"])
    was = line.get("instead")
    instead = restore(was["outcome"], was["stage"], was["detail"]) if was else None
    return Opinion(executor=line["executor"], says=line["says"], why=line.get("why", ""), instead=instead)
