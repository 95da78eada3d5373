"""All folds there are, and the index of a journal with their values: what commands, pages and tests open."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from reports.answers import alarms, blame, gap, slack, todo
from reports.fold import matrix
from reports.index import store
from reports.index.index import Index
from reports.index.op_records import Fold
from reports.index.writer import IndexWriter
from reports.pages import panels

FOLDS: Mapping[str, Fold] = {module.FOLD: module.fold for module in (matrix, alarms, blame, gap, slack, todo, panels)}
"""By name, what is kept of each op's records."""
_SOURCES = ("reports/**/*.py", "harness/records/*.py", "harness/cases/sample.py", "harness/cases/dtypes.py")
_TEXT = "harness/text.py"


def open_index(journal: Path, progress: store.Progress = store.no_progress) -> Index:
    """Return the index of a journal, and make it first if there is none to trust; raises BadJournal."""
    return store.open_index(journal, FOLDS, version(), progress)


def index_in_memory(header: Mapping[str, Any]) -> IndexWriter:
    """Return the writer of an index that is kept in memory."""
    return IndexWriter(":memory:", FOLDS, header)


@cache
def version() -> str:
    """A hash of all code that decides what an index holds."""
    root = Path(__file__).parents[1]
    paths = sorted(path for pattern in (*_SOURCES, _TEXT) for path in root.glob(pattern))
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in paths)).hexdigest()[:16]
