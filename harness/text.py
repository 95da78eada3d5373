"""Text helpers that every package uses: compiler messages made portable; text cleaned, clipped and counted."""

from __future__ import annotations

import re
from collections.abc import Mapping

_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def clean(text: str) -> str:
    """The text without terminal escapes, control characters, bidi overrides and lone surrogates; newlines stay."""
    return _CONTROL.sub("", _ANSI.sub("", text.replace("\r\n", "\n").replace("\t", "    ")))


def clip(text: str, length: int) -> str:
    """At most `length` characters, the last one an ellipsis where something was cut."""
    return text if len(text) <= length else text[: max(length - 1, 0)].rstrip() + "…"


def clip_middle(text: str, length: int) -> str:
    """The start and the end of a long text, and how much was cut between them."""
    if len(text) <= length:
        return text
    head = length * 2 // 3
    tail = length - head
    return f"{text[:head]}\n… {len(text) - length:,} characters left out …\n{text[-tail:]}"


def one_line(text: str) -> str:
    """The first line that says something, cleaned, spaces collapsed."""
    for line in clean(text).splitlines():
        if said := " ".join(line.split()):
            return said
    return ""


def plural(count: int, noun: str) -> str:
    """`1 sample`, `1,234 samples`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def share(part: int, whole: int) -> str:
    """A percentage that says 100 % only where nothing is missing, and 0 % only where nothing is there."""
    if not whole:
        return "–"
    if part == whole:
        return "100 %"
    tenths = min(max(round(1000 * part / whole), 1 if part else 0), 999)
    return f"{tenths / 10:.1f} %"


def duration(seconds: float) -> str:
    """`8 s`, `12 min`, `1 h 05 min`."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02} min"


def tally(counts: Mapping[str, int]) -> str:
    """Counts by name as text: `12 Passed, 3 Wrong`."""
    return ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)


def portable(text: str) -> str:
    """Remove from a compiler's message what differs between runs and machines: addresses, locations, folders."""
    text = re.sub(r'loc\("[^"]*":\d+:\d+\): ?', "", text)
    text = re.sub(r"(?: at)? ?\b0x[0-9a-f]{6,}\b", "", text)
    return re.sub(r"(?<![\w.:/<])/(?:[\w.+@-]+/)+", "", text)
