from __future__ import annotations

import sys
from pathlib import Path

from harness.commands.cost import Cost, cost
from harness.commands.everyday import as_text, commands

ORPHAN = """
import os, time
if os.fork() == 0 and os.fork() == 0:  # its parent ends before it does
    end = time.process_time() + 0.3
    while time.process_time() < end:
        pass
"""


def test_the_time_of_a_process_that_outlives_its_parent_counts(tmp_path: Path) -> None:
    found = cost((sys.executable, "-c", ORPHAN), tmp_path)
    assert found.cpu >= 0.3
    assert found.resident > 1
    assert found.status == 0


def test_the_exit_status_is_that_of_the_command(tmp_path: Path) -> None:
    assert cost((sys.executable, "-c", "raise SystemExit(3)"), tmp_path).status == 3


def test_the_table_has_the_ratio_to_the_base() -> None:
    here, base = Cost(1.0, 2.0, 30.0, 0), Cost(4.0, 4.0, 60.0, 0)
    *_, row = as_text({"matrix": {"base": base, "here": here}}).splitlines()
    assert row.split()[-3:] == ["0.25", "0.5", "0.5"]


def test_each_command_is_one_that_a_checkout_has() -> None:
    found = commands(Path("journal.jsonl.gz"), Path("out"))
    assert {program for program, *_ in found.values()} == {"opcov", "pytest"}
    assert found["one cell"][-2:] == ("--dtype", "f32")


def test_the_table_says_which_commands_fail() -> None:
    good, bad = Cost(1.0, 2.0, 30.0, 0), Cost(0.1, 0.1, 6.0, 3)
    table = as_text({"matrix": {"base": bad, "here": good}, "todo": {"base": good, "here": good}})
    assert "matrix (base fails)" in table
    assert table.count("fails") == 1
