"""`opcov html`: write the report of a journal as one self-contained HTML file."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from harness.errors import Exit, OpcovError
from harness.programs import plugins
from reports.answers import trend
from reports.answers.known_issues import links
from reports.pages.causes import Link
from reports.pages.html import render

from .arguments import add_journal, add_known, known_issues, open_index
from .diff import compare
from .record import add_history


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the file to write, the journal, and the history, if there is one, whose trend the report shows."""
    parser.add_argument("--out", type=Path, default=Path("reports/out/index.html"), help="where to write it")
    parser.add_argument("--against", type=Path, metavar="OLDER", help="also show what changed since this journal")
    add_known(parser)
    add_journal(parser)
    add_history(parser)


def run(options: argparse.Namespace) -> Exit:
    """Write the report and print its path.

    Raises BadJournal, BadHistory, BadKnownIssues, and OpcovError if the file cannot be written.
    """
    index = open_index(options.journal, options.where)
    against = compare(options.against, options.journal, options.where) if options.against else None
    trends = trend.load(options.history, index.run.header)
    known = {
        id: [Link(match.issue.link, match.said) for match in of]
        for id, of in links(known_issues(index, options.known)).items()
    }
    cascades = plugins.names(plugins.CASCADES)
    page = render(index, against=against, trends=trends, known=known, cascades=cascades)
    try:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(page, encoding="utf-8")
    except OSError as error:
        raise OpcovError(
            f"cannot write {options.out}: {error.strerror}", hint="choose another file with --out"
        ) from None
    print(json.dumps({"written": str(options.out)}) if options.json else options.out)
    return Exit.OK
