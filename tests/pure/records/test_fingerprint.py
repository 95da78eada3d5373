from __future__ import annotations

from pathlib import Path

from harness.records.fingerprint import fingerprint


def test_it_changes_with_a_file_that_matches_and_with_no_other(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    for name in ("a.py", "deep/b.py", "c.txt"):
        (tmp_path / name).write_text(name, encoding="utf-8")
    before = fingerprint(tmp_path, "**/*.py")
    (tmp_path / "c.txt").write_text("changed", encoding="utf-8")
    assert fingerprint(tmp_path, "**/*.py") == before
    (tmp_path / "deep" / "b.py").write_text("changed", encoding="utf-8")
    assert fingerprint(tmp_path, "**/*.py") != before
