from __future__ import annotations

import re
import time

import pytest

from harness.pytest_plugin import progress as module
from harness.pytest_plugin.progress import Display, Progress, as_block, as_line

RELU, ADD, STFT = (f"aten.{op}[tosa-static-f32]" for op in ("relu.default", "add.Tensor", "stft.center"))


def progress(**more: object) -> Progress:
    return Progress(frozenset((RELU, ADD, STFT)), started=0.0, **more)  # type: ignore[arg-type]


def test_what_is_done_is_counted_with_what_an_earlier_run_did() -> None:
    found = progress(before=7)
    found.end(RELU)
    assert (found.done, found.total) == (8, 10)


def test_the_time_left_follows_from_what_cells_cost_in_an_earlier_run() -> None:
    found = progress(costs={RELU: 1.0, STFT: 9.0})  # ADD is new: 5.0
    assert found.seconds_left(10.0) is None
    found.end(RELU)
    assert found.seconds_left(10.0) == pytest.approx(140.0)
    found.end(STFT)
    assert found.seconds_left(100.0) == pytest.approx(50.0)


def test_without_an_earlier_run_all_cells_cost_the_same() -> None:
    found = progress()
    found.end(RELU)
    assert found.seconds_left(10.0) == pytest.approx(20.0)
    assert found.per_minute(10.0) == pytest.approx(6.0)


def test_the_cell_that_has_run_for_longest_is_named() -> None:
    found = progress()
    found.start(STFT, 0.0)
    found.start(ADD, 3.0)
    assert found.slowest(4.0) is None
    assert found.slowest(42.0) == (STFT, 42.0)
    found.lose(STFT)
    assert found.slowest(42.0) == (ADD, 39.0)


@pytest.mark.parametrize("width", [40, 80, 120])
def test_the_block_fits_into_the_terminal(width: int) -> None:
    found = progress()
    found.start(STFT, 0.0)
    found.end(RELU)
    found.outcomes.update(f"Outcome{i}" for i in range(20))
    assert all(len(line) < width for line in as_block(found, 60.0, width))


def test_the_outcomes_take_two_lines_where_one_is_too_short() -> None:
    found = progress()
    found.outcomes.update(dict.fromkeys(("Passed", "Unsupported", "Invalid", "NotExported", "Wrong"), 12345))
    assert as_block(found, 60.0, 60) == [
        "opcov  0 of 3 cells (0%) · 0 cells/min",
        "       Passed 12,345, Unsupported 12,345, Invalid 12,345,",
        "       NotExported 12,345, Wrong 12,345",
    ]


def test_a_line_says_it_all() -> None:
    found = progress()
    found.start(STFT, 0.0)
    found.end(RELU)
    found.outcomes.update(("Passed", "Wrong"))
    assert as_line(found, 62.0) == (
        "opcov 01:02  1 of 3 cells (33%) · 1 cells/min · 2 min left · Passed 1, Wrong 1"
        " · slowest now: aten.stft.center[tosa-static-f32], 62 s"
    )


def test_the_block_is_written_over_itself_and_erased_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK_SECONDS", 0.01)
    written: list[str] = []
    display = Display(progress(), written.append, lambda: 80)
    display.start()
    while len(written) < 3:
        time.sleep(0.01)
    display.stop()
    shown = re.sub(r"\d", "0", written[0])
    assert shown.startswith("opcov  0 of 0 cells (0%)")
    assert written[1] == "\r\x1b[2A\x1b[J"
    assert written[-1] == "\r\x1b[2A\x1b[J"
    count = len(written)
    time.sleep(0.05)
    assert len(written) == count


def test_a_log_has_whole_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LINE_SECONDS", 0.01)
    written: list[str] = []
    display = Display(progress(), written.append, None)
    display.start()
    while len(written) < 2:
        time.sleep(0.01)
    display.stop()
    assert all(line.endswith("\n") and "\x1b" not in line for line in written)
