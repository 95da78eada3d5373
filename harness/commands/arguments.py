"""The arguments that several commands share: the journal to read, and `--json`."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

JOURNAL = Path("reports/out/journal.jsonl.gz")
"""The journal of the last run, relative to the folder that the command runs in."""


def add_journal(parser: argparse.ArgumentParser) -> None:
    """Add the positional argument JOURNAL."""
    parser.add_argument("journal", type=Path, nargs="?", default=JOURNAL, metavar="JOURNAL")


def add_journal_option(parser: argparse.ArgumentParser) -> None:
    """Add the option `--journal`, for a command whose positional argument is something else."""
    parser.add_argument("--journal", type=Path, default=JOURNAL, metavar="JOURNAL")


def print_answer(options: argparse.Namespace, *, text: Callable[[], str], data: Callable[[], Any]) -> None:
    """Print an answer: as JSON if `--json` was given, else as text. Only the form that is printed is computed."""
    print(json.dumps(data(), indent=1) if options.json else text())
