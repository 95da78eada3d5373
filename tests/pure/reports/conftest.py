from __future__ import annotations

import pytest

from reports.fold.matrix import Matrix, load
from reports.index.index import Index
from tests.synthetic import whole_index


@pytest.fixture(scope="session")
def whole() -> tuple[Matrix, Index]:
    """The matrix of the synthetic journal, and its index."""
    made = whole_index()
    return load(made), made
