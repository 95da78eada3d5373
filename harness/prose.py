"""Messages of compilers as text that is the same in every run and on every machine."""

from __future__ import annotations

import re


def portable(text: str) -> str:
    """The text without addresses, locations in temporary text and the folders of paths."""
    text = re.sub(r'loc\("[^"]*":\d+:\d+\): ?', "", text)
    text = re.sub(r"(?: at)? ?\b0x[0-9a-f]{6,}\b", "", text)
    return re.sub(r"(?<![\w.:/<])/(?:[\w.+@-]+/)+", "", text)
