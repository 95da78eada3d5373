"""In which manner a sample fails, in words that samples of one cause share: the normaliser of clusters.

Numbers, shapes, SSA names and element types are out, so that an op that is refused in thirteen dtypes is refused in one
manner. `NORMALISER` is part of every cluster's id: raise it with any change here that changes what two samples share.
"""

from __future__ import annotations

import re
from functools import lru_cache

from harness.records.frontend import FRONTEND
from harness.records.outcome import Crashed, Invalid, NotExported, Outcome, TimedOut, Unsupported, Wrong
from harness.text import clean, clip, one_line

from .reason import first_line, headline

NORMALISER = 1
LACKING = "no such op"
"""The manner in which the frontend refuses an op that the torch dialect does not declare: it is a `torch.operator`."""
UNLOWERED = "failed to legalize"
"""The manner of a refusal that says no more than that the culprit, or a constant it is made of, was not legalized."""
MEMORY = "access out of bounds"
NO_MEMORY = "memory limit"
UNSIGNED = " of unsigned integers"
"""What the manner of a wrong sample ends with that has such elements: to take them for signed is a cause of its own."""
_LONGEST = 160
_FORBIDDEN = "not what the specification allows"
_ILLEGAL = re.compile(r"failed to legalize operation '([\w.]+)'")
OPERATOR = "torch.operator"
_LEFT = re.compile(r"torch\.(operator$|constant\.|prim\.(List|Tuple)Construct)")
"""What is left in the IR by the op that uses it."""
_NESTED = re.compile(r"<[^<>]*>")
_TOKEN = re.compile(
    r"(?P<name>\b[A-Za-z_]\w*(?:\.\w+)+)"
    r"|(?P<element>\b(?:[su]?i\d+|bf16|t?f\d+(?:E\d\w*)?)\b|'(?:complex|index)')"
    r"|(?P<number>%[\w#.-]+|0x[0-9a-fA-F]+|(?<!\w)(?:\d+|\?)(?:x(?:\d+|\?))+(?!\w)"
    r"|(?<![A-Za-z_])#?-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)"
)
"""What a message has of one sample; names with a dot, such as `tosa.conv2d`, are what it is about, so they stay."""
_MANY = re.compile(r"[#?](?:(?:, ?|/)[#?])+")
_REST = re.compile(r",? (?:but )?got:? .*|, did you mean .*|\{'.*|(?<=call_function: target=).*")
"""Where the part of a message starts that lists types, values or a stack trace."""
_OUT_OF_BOUNDS = ("compiled code wrote", "compiled code read")
_MEMORY_SIGNALS = ("SIGSEGV", "SIGBUS")


def manner(outcome: Outcome, backend: str, culprit: str = "", seen: str = "") -> str:
    """In which manner a sample fails; `seen` is what runtime verification says of it.

    Of a wrong sample that is what differs from eager, of a crash the signal and the message.
    """
    match outcome:
        case Wrong(kind=kind):
            return kind
        case Crashed():
            return _crash(outcome, seen)
        case TimedOut(stage=stage):
            return f"no end at {stage}"
        case Invalid(diagnostic=text):
            return message(_forbidden(text))
        case Unsupported(stage=stage, diagnostic=text):
            return _refusal(text, backend, stage, culprit)
        case NotExported(reason=text):
            return message(text)
        case _:
            return ""


def told(outcome: Outcome) -> str:
    """What a failure says for itself, in one line: as `reason.headline`, but of an invalid module what is forbidden."""
    return first_line(_forbidden(outcome.diagnostic)) if isinstance(outcome, Invalid) else headline(outcome)


@lru_cache(maxsize=4096)
def message(text: str) -> str:
    """The first line of a diagnostic without numbers, shapes, SSA names and element types."""
    line = clip(first_line(text), 1000)
    before = None
    while before != line:
        before, line = line, _NESTED.sub("", line)
    line = _TOKEN.sub(_token, _REST.sub("", line))
    return clip(_MANY.sub("#", line).strip(), _LONGEST)


def _token(found: re.Match[str]) -> str:
    return found.group() if found["name"] else "T" if found["element"] else "#"


def named(outcome: Outcome, culprit: str) -> str:
    """What a refusal names as the op at fault; `culprit` is what its record says, which may be where the op came from.

    An op that was not legalized is at fault itself, unless it is a constant that another op has left.
    """
    found = _ILLEGAL.search(one_line(outcome.diagnostic)) if isinstance(outcome, Unsupported) else None
    return culprit if found is None or _LEFT.match(found[1]) else found[1]


def _refusal(text: str, backend: str, stage: str, culprit: str) -> str:
    found = _ILLEGAL.search(one_line(text))
    if found is None:
        return message(text)
    if backend == FRONTEND and stage == "contract" and found[1] == OPERATOR:
        return LACKING
    return UNLOWERED if found[1] == culprit or _LEFT.match(found[1]) else f"{UNLOWERED} {found[1]}"


def _forbidden(text: str) -> str:
    """The line of an invalid module that says what is forbidden."""
    lines = [line for line in clean(text).splitlines() if line.strip()]
    return lines[1] if len(lines) > 1 and lines[0].strip() == _FORBIDDEN else text


def _crash(outcome: Crashed, seen: str) -> str:
    if NO_MEMORY in outcome.signal:
        return NO_MEMORY
    ran_out = outcome.signal in _MEMORY_SIGNALS or any(text in outcome.stderr for text in _OUT_OF_BOUNDS)
    if outcome.stage == "execute" and (ran_out or "out-of-bounds" in seen):
        return MEMORY
    said = _last_words(outcome.stderr)
    return f"{outcome.signal}: {said}" if said else outcome.signal


def _last_words(stderr: str) -> str:
    """The last message before a death: that of LLVM with the op it names, else the last line; warnings are left out."""
    lines = [" ".join(line.split()) for line in clean(stderr).splitlines()]
    lines = [line for line in lines if line and not line.startswith("[W") and "Warning:" not in line]
    at = next((i for i, line in enumerate(lines) if line.startswith("LLVM ERROR")), None)
    if at is not None:
        return message(" ".join(lines[at : at + 2]).split("(...)")[0])
    return message(lines[-1]) if lines else ""
