"""The title of a cluster: which op is at fault, what it does wrong, where, and in how many samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from harness.records.frontend import FRONTEND
from harness.text import clip
from reports.fold.diagnosis import LACKING, MEMORY, NO_MEMORY, UNLOWERED, UNSIGNED
from reports.fold.failures import Key

UNKNOWN = "culprit not known"
_LONGEST = 200
_WRONG: Mapping[str, str] = {
    "value": "has wrong values",
    "non-finite": "is wrong in NaN or infinity",
    "shape": "has a wrong shape",
    "dtype": "has a wrong dtype",
    "arity": "has a wrong number of results",
    "specialized": "has the shape of export at every size",
}
_DIALECTS = ("torch.aten.", "torch.prims.", "torch.prim.")


@dataclass(frozen=True, slots=True)
class Rule:
    """What separates the samples of a cluster from those of the op that pass; `failing` is how many fail so.

    `others` is how many pass. If none passes, `text` is "", and `others` is how many fail in another way.
    """

    text: str
    failing: int
    others: int

    def __str__(self) -> str:
        """The rule at the end of a title."""
        if self.text:
            return f"where {self.text}, {self.failing:,} of {self.failing:,}"
        counts = f"{self.failing:,} of {self.failing + self.others:,}"
        return f"in {counts} samples, none passes" if self.others else f"in every sample, {counts}"

    def json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return asdict(self)


def title(key: Key, rule: Rule | None, where: str, headline: str, seen: str) -> str:
    """The title in one line, without the backend: of the rule; without one, of the first wrong pass or the diagnostic.

    `where` is the range of passes that holds the first wrong one of the example, `headline` what it says for itself.
    `seen` is how many samples there are, for a title that says nothing else.
    """
    ruled = str(rule) if rule and key.culprits and key.manner != LACKING else ""
    after = _after(key, where or key.where)
    said = "" if ruled else _said(key, headline)
    parts = [culprit(key), _verb(key), after if key.decomposed or not ruled else "", ruled]
    text = " ".join(part for part in parts if part)
    return clip(f"{text}: {said}" if said else text if ruled else f"{text}, {seen}", _LONGEST)


def _after(key: Key, where: str) -> str:
    """Which pass is the first wrong one; "" if it is not known."""
    if key.outcome != "Wrong" or key.where == "compare":
        return ""
    return f"before any backend, after {step(where)}" if key.decomposed else f"after {step(where)}"


def _said(key: Key, headline: str) -> str:
    """What the diagnostic says beside the verb; "" if nothing."""
    if key.outcome in ("Wrong", "TimedOut") or key.manner in (LACKING, UNLOWERED, MEMORY, NO_MEMORY):
        return ""
    return key.manner.partition(": ")[2] if key.outcome == "Crashed" else headline


def culprit(key: Key) -> str:
    """The culprits of a cluster as text."""
    names = [f"`{short(name)}`" for name in key.culprits]
    return " with ".join(names) if names else f"{UNKNOWN}:"


def short(name: str) -> str:
    """An op's name as PyTorch has it; what is no op stays as it is."""
    return name.removeprefix("torch.") if name.startswith(_DIALECTS) else name


def step(name: str) -> str:
    """A step, or a range of them, without the stage that it belongs to."""
    return " to ".join(part.removeprefix("lower/") for part in name.split(" to "))


def _verb(key: Key) -> str:
    """What the culprit does wrong."""
    match key.outcome:
        case "Wrong":
            kind = key.manner.removesuffix(UNSIGNED)
            return _WRONG.get(kind, f"is wrong ({kind})") + ("" if kind == key.manner else " with unsigned integers")
        case "Crashed":
            return _death(key)
        case "TimedOut":
            return f"does not end at {key.where}"
        case "Invalid":
            return "becomes IR that is not valid"
        case "InvalidRight":
            return "becomes IR that the specification forbids, yet runs right"
        case _:
            return _refusal(key)


def _death(key: Key) -> str:
    if key.manner == MEMORY:
        return "makes code that reads or writes out of bounds"
    if key.manner == NO_MEMORY:
        return f"takes all memory at {key.where}"
    signal = key.manner.partition(":")[0]
    return f"makes code that dies of {signal}" if key.where == "execute" else f"kills {_who(key)} with {signal}"


def _who(key: Key) -> str:
    if key.backend == FRONTEND:
        return "the importer" if key.where == "import" else "the contract pipeline"
    return "the compiler" if key.where == "lower" else f"the compiler at {key.where}"


def _refusal(key: Key) -> str:
    if key.manner == LACKING:
        return "is no op of the torch dialect"
    if key.backend == FRONTEND:
        return f"is refused at {key.where}"
    return "is refused" if key.where == "lower" else f"is refused at {key.where}"
