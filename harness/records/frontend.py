"""Torch-mlir's own frontend as a column of its own: what its failures are, and what they are to the backends behind it.

The frontend is the importer and the pipeline to the backend contract; PyTorch's export and decompositions come before.
Its record of a sample is `Reached`, or says who failed and why. A backend's record of a sample that never reached it is
`Blocked`. `refusal` makes the first of what the frontend says, `blocked` makes the second of the first.
"""

from __future__ import annotations

import re

from harness.text import clip, one_line

from .outcome import SHARED, Blocked, Crashed, Invalid, NotExported, Outcome, Stage, TimedOut, Unsupported

FRONTEND = "frontend"
"""The name of the frontend's column, where backends have theirs."""
DECOMPOSITION = "torch's own decomposition"
"""How the reason of a `NotExported` starts where export expresses the sample, and the decomposition is at fault."""
NOT_EAGER = f"{DECOMPOSITION} is not what eager computes"
"""How that reason starts where the decomposed program was run, and is wrong."""
LONGEST = 200
"""The most characters of the reason that a blocked record gives."""

_VERIFIER = re.compile(
    r"(?:error: )?(?:type of return operand|'[\w.]+' op (?!Failed to canonicalize)|MLIRError: Verification failed"
    r"|operand #\d+ does not dominate)"
)
"""How MLIR's verifier starts its errors. The canonicalizer of one op reports a refusal in the verifier's manner."""
_CULPRITS = (
    re.compile(r'"torch\.operator".*?name = "(torch\.[\w.]+)"'),
    re.compile(r"failed to legalize operation '([\w.]+)'"),
    re.compile(r"^(?:error: )?'(torch\.[\w.]+)' op "),
    re.compile(r'see current operation: [^"]*"(torch\.[\w.]+)"'),
    re.compile(r"Higher-order operation '(\w+)'"),
    re.compile(r"Unimplemented call_function: target=<(?:built-in )?function (\w+)"),
    re.compile(r"KeyError: (torch\.\w+)"),
    re.compile(r"Unsupported argument type <class '(\w+)'>"),
)
"""What the frontend's errors name as the thing that they stop at; the first that fits counts."""
_OVERLOAD = re.compile(r"\b((?:aten|prims)\.\w+(?:\.\w+)?)")


def refusal(stage: Stage, reason: str) -> NotExported | Unsupported | Invalid:
    """The outcome of a program that the frontend cannot express: whose fault it is follows from stage and reason.

    Export is PyTorch's. At import and contract the program is refused, unless MLIR's verifier says that the importer or
    a pass made IR that is not valid.
    """
    if stage == "export":
        return NotExported(stage, reason)
    if _VERIFIER.match(reason):
        return Invalid(stage, reason)
    return Unsupported(stage, reason, culprit(reason))


def culprit(reason: str) -> str | None:
    """What the frontend stopped at: an op of the torch dialect, a dtype or a function; None if nothing is named."""
    for pattern in _CULPRITS:
        if found := pattern.search(reason):
            return found[1]
    found = _OVERLOAD.search(reason)
    return f"torch.{found[1].removesuffix('.default')}" if found else None


def of_export(outcome: Outcome) -> Outcome:
    """The outcome; `NotExported` where PyTorch's export dies of the program, or does not end with it."""
    match outcome:
        case Crashed(stage="export", signal=signal):
            return NotExported("export", f"PyTorch's export dies of it: {signal}")
        case TimedOut(stage="export", seconds=seconds):
            return NotExported("export", f"PyTorch's export does not end in {seconds:g} s")
        case _:
            return outcome


def blocked(outcome: Outcome, *, told: bool) -> Blocked | None:
    """What an outcome of the frontend is on the line of a backend behind it; None if it lets the backend try.

    `told` says that the frontend's own record of the sample gives the reason, which then need not be repeated.
    """
    if outcome.stage not in SHARED:
        return None
    outcome = of_export(outcome)
    match outcome:
        case NotExported(reason=text) | Unsupported(diagnostic=text) | Invalid(diagnostic=text):
            reason = text
        case Crashed(signal=signal):
            reason = signal
        case TimedOut(seconds=seconds):
            reason = f"no end after {seconds:g} s"
        case _:
            return None
    return Blocked(outcome.stage, type(outcome).__name__, "" if told else clip(one_line(reason), LONGEST))


def is_of_decomposition(outcome: Outcome) -> bool:
    """Whether the program does reach the backends, but not as eager computes it, since torch decomposes it wrongly."""
    return isinstance(outcome, NotExported) and outcome.reason.startswith(DECOMPOSITION)
