from __future__ import annotations

from harness.text import clean, clip, clip_middle, duration, one_line, share


def test_prose() -> None:
    assert share(0, 0) == "–"
    assert share(1, 100_000) == "0.1 %"
    assert share(99_999, 100_000) == "99.9 %"
    assert clean("\x1b[31mred\x1b[0m\r\n\x00x\u202e\ud800") == "red\nx"
    assert one_line("\n  \n  a   b \nc") == "a b"
    assert clip("abcdef", 4) == "abc…"
    assert "left out" in clip_middle("x" * 100, 30)
    assert [duration(s) for s in (8, 720, 7500)] == ["8 s", "12 min", "2 h 05 min"]
