"""`opcov html`: write the report of a journal as one self-contained HTML file."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from harness.errors import Exit, OpcovError
from reports.pages.html import render

from .arguments import add_journal, open_index


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the file to write and the journal."""
    parser.add_argument("--out", type=Path, default=Path("reports/out/index.html"), help="where to write it")
    add_journal(parser)


def run(options: argparse.Namespace) -> Exit:
    """Write the report and print its path; raises BadJournal, and OpcovError if the file cannot be written."""
    page = render(open_index(options.journal, options.where))
    try:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(page, encoding="utf-8")
    except OSError as error:
        raise OpcovError(
            f"cannot write {options.out}: {error.strerror}", hint="choose another file with --out"
        ) from None
    print(json.dumps({"written": str(options.out)}) if options.json else options.out)
    return Exit.OK
