from __future__ import annotations

from pathlib import Path

import pytest

from harness.records.journal_file import read
from tests import multiplied
from tests.synthetic import everything, written


@pytest.mark.parametrize("more", multiplied.MORE)
def test_a_large_journal_has_all_outcomes_several_times(
    more: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path / "j", everything()[:60])
    monkeypatch.setattr("sys.argv", ["x", str(tmp_path / "j"), str(tmp_path / "k"), "--times", "3", "--more", more])
    multiplied.main()
    small, large = read(tmp_path / "j"), read(tmp_path / "k")
    assert len(large.records) == 3 * len(small.records)
    assert large.complete
    ops = {record.op for record in small.records}
    assert len({record.op for record in large.records}) == (3 * len(ops) if more == "ops" else len(ops))
    drawn = [record.id for record in large.records if record.sample]
    assert len(set(drawn)) == 3 * len({record.id for record in small.records if record.sample})
