"""A check that was made of a plugin, and what is wrong."""

from __future__ import annotations

Checked = tuple[str, str]
"""A check, and what is wrong; empty where nothing is."""


def unless(fine: bool, wrong: str) -> str:
    """What is wrong, unless it is fine."""
    return "" if fine else wrong
