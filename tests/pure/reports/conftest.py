from __future__ import annotations

import pytest

from harness.records.journal import Journal
from reports.fold.matrix import Matrix, fold
from tests.synthetic import journal


@pytest.fixture(scope="session")
def whole() -> tuple[Matrix, Journal]:
    """The synthetic journal and its matrix."""
    made = journal()
    return fold(made), made
