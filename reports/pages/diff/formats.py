"""A diff in each format that `opcov diff --format` takes; its section of the HTML report is `section`."""

from __future__ import annotations

import json

from harness.errors import UnknownName
from reports.answers.diff.diff import Diff

from .data import as_json
from .markdown import as_markdown
from .text import as_text

FORMATS = ("text", "markdown", "json")


def render(found: Diff, format: str = "text", *, every: bool = False) -> str:
    """Write a diff in one of `FORMATS`; raises UnknownName. `every` shows all groups, in the text format only."""
    match format:
        case "text":
            return as_text(found, every=every)
        case "markdown":
            return as_markdown(found)
        case "json":
            return json.dumps(as_json(found), indent=1)
        case _:
            raise UnknownName("format", format, FORMATS)
