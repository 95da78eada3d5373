"""The matrix in each format that `opcov matrix --format` takes; the HTML report is `html`."""

from __future__ import annotations

import json

from harness.errors import UnknownName
from reports.fold.matrix import Matrix
from reports.index.index import Index

from .data import as_csv, as_json
from .markdown import as_markdown
from .text import as_text

FORMATS = ("text", "markdown", "csv", "json")


def render(matrix: Matrix, index: Index, format: str = "text", *, width: int = 120) -> str:
    """Write the whole matrix in one of `FORMATS`; raises UnknownName.

    `width` is the number of characters in a line, for the text format only.
    """
    match format:
        case "text":
            return as_text(matrix, index, width)
        case "markdown":
            return as_markdown(matrix, index)
        case "csv":
            return as_csv(matrix)
        case "json":
            return json.dumps(as_json(matrix, index.run), indent=1) + "\n"
        case _:
            raise UnknownName("format", format, FORMATS)
