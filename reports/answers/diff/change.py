"""One sample that changed, and the cause by which changes are alike."""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.records.frontend import FRONTEND
from reports.fold.cell import Key
from reports.fold.ending import Drawn, Ending

from .transition import RED, Transition

_PRINTED = re.compile(r': (?=#(?::#)?(?:, #(?::#)?)* = |"[\w.]+"\()')
"""Where an op of MLIR starts in a diagnostic without numbers: `: # = torch.operator ...`, `: "torch.operator"(...`."""


@dataclass(frozen=True, slots=True)
class Cause:
    """What endings of one cause have in common.

    What the frontend stopped at is one cause for it and for all backends behind it: there `backend` is the frontend and
    `outcome` its outcome. `op` is set where nothing else tells one op's failure from another's: it is wrong, dies or
    does not end, and neither a culprit nor a first wrong pass is known. `detail` leaves out the op that is printed.
    """

    backend: str
    outcome: str
    stage: str
    culprit: str
    kind: str
    step: str
    detail: str
    op: str = ""

    def __str__(self) -> str:
        """The cause in one line, such as `Unsupported at lower: torch.aten.sort: failed to legalize operation`."""
        facts = [self.kind, self.culprit, f"after {self.step}" if self.step else ""]
        facts += [self.detail] if self.outcome != "Wrong" else []
        return ": ".join([f"{self.outcome} at {self.stage}", *(fact for fact in facts if fact)])


@dataclass(frozen=True, slots=True)
class Change:
    """One sample of a cell whose ending changed."""

    cell: Key
    sample: Drawn
    before: Ending
    after: Ending
    transition: Transition

    @property
    def was(self) -> Cause:
        """The cause of the ending before."""
        return _cause(self.cell, self.before)

    @property
    def now(self) -> Cause:
        """The cause of the ending after."""
        return _cause(self.cell, self.after)

    @property
    def effort(self) -> tuple[bool, tuple[int, ...], str, str]:
        """A sort key: changes that are easier to look at come first, those without a sample last."""
        return (not self.sample.size, self.sample.size, self.cell.op, self.sample.id)


def _cause(cell: Key, ending: Ending) -> Cause:
    found = ending.signature
    is_blocked = found.outcome == "Blocked"
    backend = FRONTEND if is_blocked else cell.backend
    outcome = found.kind if is_blocked else found.outcome
    kind = "" if backend == FRONTEND or found.outcome == "Invalid" else found.kind  # an invalid one's detail tells it
    is_known = outcome not in RED or found.culprit or ending.step
    op = "" if is_known else cell.op
    return Cause(backend, outcome, found.stage, found.culprit, kind, ending.step, _message(ending.detail), op)


def _message(detail: str) -> str:
    """A diagnostic without the op that it prints: what it says of two calls of one op is then the same."""
    return _PRINTED.split(detail, maxsplit=1)[0]
