from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.pytest_plugin import budget, options
from harness.pytest_plugin.budget import LONGEST, for_cells
from harness.pytest_plugin.items import CellItem


def config(**options: Any) -> Any:
    option = SimpleNamespace(**{"budget": "", "cells": None, "tcp_opt": None, "loadscopereorder": True, **options})
    return SimpleNamespace(option=option, stash={})


def item(op: str, backend: str, of: Any) -> Any:
    found = object.__new__(CellItem)
    found.name, found.config = f"{op}[{backend}-static-f32]", of
    found.cell = SimpleNamespace(case=SimpleNamespace(op=op))  # type: ignore[assignment]
    return found


def test_the_budget_includes_the_report() -> None:
    assert for_cells(60.0) == 54.0
    assert for_cells(5 * 3600.0) == 5 * 3600.0 - LONGEST


def test_no_cell_starts_once_the_time_is_over() -> None:
    asked = config(budget="30m")
    budget.pytest_configure(asked)
    cell = item("aten.relu.default", "tosa", asked)
    assert asked.option.last_start == pytest.approx(time.time() + for_cells(1800.0), abs=5.0)
    assert budget.pytest_runtest_protocol(cell) is None
    asked.option.last_start = time.time()
    assert budget.pytest_runtest_protocol(cell) is True
    other: Any = SimpleNamespace(config=asked)
    assert budget.pytest_runtest_protocol(other) is None


def test_a_worker_takes_the_time_and_the_seed_of_its_controller() -> None:
    controller: Any = SimpleNamespace(config=config(seed=7, last_start=1.0), workerinput={})
    options.pytest_configure_node(controller)
    worker = config(budget="30m", seed=None, replay=None, where="", profile="slow")
    worker.workerinput = controller.workerinput
    with pytest.raises(pytest.UsageError, match="unknown profile"):  # what comes next is of no interest here
        options.pytest_configure(worker)
    budget.pytest_configure(worker)
    assert (worker.option.seed, worker.option.last_start) == (7, 1.0)


def test_cells_run_that_a_file_names_and_their_ops_in_its_order(tmp_path: Path) -> None:
    file = tmp_path / "cells"
    file.write_text("b[tosa-static-f32]\na[tosa-static-f32]\nb[linalg-static-f32]\ngone[tosa-static-f32]\n")
    asked = config(cells=str(file))
    budget.pytest_configure(asked)
    assert asked.option.loadscopereorder is False
    other: Any = SimpleNamespace(name="test")
    items = [other, *(item(op, backend, asked) for op in "abc" for backend in ("linalg", "tosa"))]
    budget.pytest_collection_modifyitems(asked, items)
    names = [item.name for item in items]
    assert names == ["test", "b[linalg-static-f32]", "b[tosa-static-f32]", "a[tosa-static-f32]"]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"budget": "soon"}, "opcov: --budget soon is no duration; write 90s, 20m, 5h or 1h30m"),
        ({"cells": "nothing"}, "opcov: --cells nothing: No such file or directory; give a file"),
    ],
)
def test_bad_input_is_an_error_in_one_line(given: dict[str, str], says: str) -> None:
    with pytest.raises(pytest.UsageError) as raised:
        budget.pytest_configure(config(**given))
    assert str(raised.value).startswith(says)
