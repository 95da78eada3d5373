"""Is a sample that two compilers end differently on their difference? It is run again, and executed crosswise.

- *Executor differs*: a wrong result that only the executors of the same build get. The artifact that is wrong there is
  right on the other build's executors, so the lowering is not what changed.
- *Flicker*: what a sample came to with the candidate, it sometimes comes to with the base, too. Nothing else excuses a
  sample that does not end the same way each time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from harness.cases.sample import Sample
from harness.records.outcome import Outcome, Passed
from harness.records.signature import Signature, signature

from .compiler_process import Again, CompilerProcess, Execute, Lower

TIMES = 3
"""How often a sample that is worse is run again."""
EXECUTOR_DIFFERS = "executor differs"
FLICKER = "flicker"
RUNNING = ("execute", "compare")
"""The stages in which an executor can be at fault."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two compilers: what is compared with, and what may be worse."""

    base: CompilerProcess
    candidate: CompilerProcess

    def both(self, job: Any) -> tuple[Any, Any]:
        """The answers of both to a job, which they do at the same time."""
        self.base.send(job)
        self.candidate.send(job)
        return self.base.answer(), self.candidate.answer()


@dataclass(frozen=True, slots=True)
class Trials:
    """How often a sample came to each end with one compiler."""

    ends: Mapping[Signature, int]

    @property
    def flickers(self) -> bool:
        """Whether it did not end the same way each time."""
        return len(self.ends) > 1

    def __str__(self) -> str:
        """Each end with its rate: `Wrong at compare: value (3 of 4), Passed at compare (1 of 4)`."""
        total = sum(self.ends.values())
        return ", ".join(f"{end} ({count} of {total})" for end, count in self.ends.items())


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What was found of one sample: `excuse` is why its change says nothing of the compilers, "" if it does.

    `crossed` says what the artifact of each compiler came to on the executors of the other one.
    """

    excuse: str = ""
    crossed: Mapping[str, str] = field(default_factory=dict)
    base: Trials = field(default_factory=lambda: Trials({}))
    candidate: Trials = field(default_factory=lambda: Trials({}))


def confirm(
    pair: Pair, sample: Sample, backend: str, before: Signature, after: Signature, *, is_worse: bool
) -> Confirmation:
    """Look again at a sample that came to `before` with the base and to `after` with the candidate."""
    crossed: Mapping[str, str] = {}
    if "Wrong" in (before.outcome, after.outcome) or "execute" in (before.stage, after.stage):
        found = _crossed(pair, sample, backend)
        crossed = {whose: str(signature(outcome, backend)) for whose, outcome in found.items()}
        if isinstance(found.get("candidate" if is_worse else "base"), Passed):
            return Confirmation(EXECUTOR_DIFFERS, crossed)
    if not is_worse:
        return Confirmation("", crossed)
    before, after = _alone(before), _alone(after)
    runs = [pair.both(Again(sample, backend)) for _ in range(TIMES)]
    base = Trials(Counter([before, *(signature(run[0], backend) for run in runs)]))
    candidate = Trials(Counter([after, *(signature(run[1], backend) for run in runs)]))
    return Confirmation(FLICKER if after in base.ends else "", crossed, base, candidate)


def _alone(end: Signature) -> Signature:
    """The end as a sample that is run alone shows it: what blocks a backend is named by the frontend's own record."""
    return replace(end, culprit="") if end.outcome == "Blocked" else end


def _crossed(pair: Pair, sample: Sample, backend: str) -> Mapping[str, Outcome]:
    """By whose artifact it is, what it came to on the executors of the other compiler; nothing where there is none."""
    texts = pair.both(Lower(sample, backend))
    sides = (("base", texts[0], pair.candidate), ("candidate", texts[1], pair.base))
    return {whose: other.do(Execute(sample, backend, text)) for whose, text, other in sides if text}
