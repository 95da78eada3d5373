"""The comparison of journals that a change without effect is shown with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.journals import differences, facts

LINE: dict[str, Any] = {
    "kind": "outcome",
    "id": "a",
    "op": "aten.relu.default",
    "backend": "tosa",
    "mode": "static",
    "dtype": "f32",
    "outcome": "Crashed",
    "detail": {
        "stderr": 'at 0x7f00aa11\n  File "/x/pipeline.py", line 7, in run\nharness.program.Call, graph_id=12 cut'
    },
    "seconds": {"lower": 0.5},
}
NAME = "aten.relu.default[tosa-static-f32] a"


def journal(path: Path, *lines: dict[str, Any]) -> Path:
    header = {"kind": "header", "run": path.name, "toolchain": {"torch": "2", "revision": path.name}}
    path.write_text("".join(json.dumps(line) + "\n" for line in (header, *lines)), encoding="utf-8")
    return path


def test_runs_that_differ_in_times_addresses_and_own_file_names_are_equal(tmp_path: Path) -> None:
    stderr = (
        'at 0x7f00bb22\n  File "/y/running.py", line 9, in _execute\nharness.programs.program.Call, graph_id=7 cut off'
    )
    other = LINE | {"seconds": {"lower": 0.9}, "detail": {"stderr": stderr}}
    second = LINE | {"id": "b"}
    a, b = journal(tmp_path / "a", LINE, second), journal(tmp_path / "b", second, other)
    assert differences(facts(a), facts(b)) == {}


def test_any_other_value_that_differs_is_named(tmp_path: Path) -> None:
    a = journal(tmp_path / "a", LINE)
    b = journal(tmp_path / "b", LINE | {"outcome": "Wrong", "cause": "c"})
    assert differences(facts(a), facts(b)) == {
        (NAME, "outcome"): ("Crashed", "Wrong"),
        (NAME, "cause"): (None, "c"),
    }


def test_a_record_that_one_run_lacks_is_a_difference(tmp_path: Path) -> None:
    found = differences(facts(journal(tmp_path / "a", LINE)), facts(journal(tmp_path / "b")))
    assert found[NAME, "outcome"] == ("Crashed", None)


def test_a_long_text_that_was_clipped_elsewhere_is_the_same(tmp_path: Path) -> None:
    def of(reason: str) -> dict[str, Any]:
        return LINE | {"detail": {"reason": reason}}

    a = journal(tmp_path / "a", of("harness.program.Call " + "x" * 300))
    b = journal(tmp_path / "b", of("harness.programs.program.Call " + "x" * 291))
    c = journal(tmp_path / "c", of("harness.program.Call " + "x" * 299 + "y"))
    assert differences(facts(a), facts(b)) == {}
    assert list(differences(facts(a), facts(c))) == [(NAME, "detail.reason")]
