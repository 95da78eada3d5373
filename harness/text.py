"""Text helpers for every package: clean and shorten text, write counts, make compiler messages portable."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def clean(text: str) -> str:
    """Remove terminal escapes, control characters, bidi overrides and lone surrogates; keep newlines, expand tabs."""
    return _CONTROL.sub("", _ANSI.sub("", text.replace("\r\n", "\n").replace("\t", "    ")))


def clip(text: str, length: int) -> str:
    """Cut a text to at most `length` characters; the last one is an ellipsis if anything was cut."""
    return text if len(text) <= length else text[: max(length - 1, 0)].rstrip() + "…"


def clip_middle(text: str, length: int) -> str:
    """Keep `length` characters of a longer text, from its start and its end, and say how many were cut between them."""
    if len(text) <= length:
        return text
    head = length * 2 // 3
    tail = length - head
    return f"{text[:head]}\n… {len(text) - length:,} characters left out …\n{text[-tail:]}"


@lru_cache(maxsize=256)
def one_line(text: str) -> str:
    """Return the first line that is not blank, cleaned and with spaces collapsed; empty if there is none."""
    for line in clean(text).splitlines():
        if collapsed := " ".join(line.split()):
            return collapsed
    return ""


def plural(count: int, noun: str) -> str:
    """Write a count with its noun: `1 sample`, `1,234 samples`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def share(part: int, whole: int) -> str:
    """Write a percentage: 100 % only if nothing is missing, 0.0 % only if `part` is 0, a dash if `whole` is 0."""
    if not whole:
        return "–"
    if part == whole:
        return "100 %"
    tenths = min(max(round(1000 * part / whole), 1 if part else 0), 999)
    return f"{tenths / 10:.1f} %"


def as_table(rows: Iterable[Sequence[object]], heads: Sequence[str], **options: Any) -> str:
    """Write rows below heads; the options are those of `tabulate`, which is imported here: most commands need none."""
    from tabulate import tabulate

    return str(tabulate(rows, headers=heads, **options))


def duration(seconds: float) -> str:
    """Write a duration: `8 s`, `12 min`, `2 h 05 min`."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02} min"


def tally(counts: Mapping[str, int]) -> str:
    """Write counts by name, without zeros: `12 Passed, 3 Wrong`."""
    return ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)


def portable(text: str) -> str:
    """Remove from a compiler's message what differs between runs and machines: locations, addresses and folders."""
    text = re.sub(r'loc\("[^"]*":\d+:\d+\): ?', "", text)
    text = re.sub(r"(?: at)? ?\b0x[0-9a-f]{6,}\b", "", text)
    return re.sub(r"(?<![\w.:/<])/(?:[\w.+@-]+/)+", "", text)
