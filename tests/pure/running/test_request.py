"""What the fork server is asked to warm up."""

from __future__ import annotations

import os

import pytest

from harness.pytest_plugin import items
from harness.running.request import VARIABLE, WarmUp, warm_up


def test_the_fork_server_is_told_by_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = WarmUp(backends=("tosa",), modes=("static",), fully=False, path=("here", "there"))
    monkeypatch.setitem(os.environ, VARIABLE, asked.environment()[VARIABLE])
    assert warm_up() == asked


def test_all_is_warmed_up_where_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert warm_up() == WarmUp()
    assert warm_up().fully


class Cell:
    def __init__(self, backend: str, mode: str) -> None:
        self.backend, self.mode = backend, mode


class Session:
    def __init__(self, *cells: Cell, workers: int | None) -> None:
        item = type("Item", (items.CellItem,), {"__init__": lambda self, cell: setattr(self, "cell", cell)})
        self.items = [object(), *(object.__new__(item) for _ in cells)]
        for made, cell in zip(self.items[1:], cells, strict=True):
            made.cell = cell  # type: ignore[attr-defined]
        more = {} if workers is None else {"workerinput": {"workercount": workers}}
        self.config = type("Config", (), more)()


def test_few_cells_are_warmed_up_by_what_they_run() -> None:
    session = Session(Cell("tosa", "static"), Cell("linalg", "static"), Cell("tosa", "static"), workers=None)
    expected = WarmUp(backends=("tosa", "linalg"), modes=("static",), fully=False)
    assert items._warm_up(session) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(("workers", "fully"), [(None, True), (1, True), (2, False)])
def test_many_cells_a_process_are_warmed_up_fully(workers: int | None, fully: bool) -> None:
    session = Session(*(Cell("tosa", "dynamic") for _ in range(items.FULLY)), workers=workers)
    assert items._warm_up(session).fully is fully  # type: ignore[arg-type]
