"""How long a command may take."""

from __future__ import annotations

from math import inf

import pytest

from harness.errors import OpcovError
from harness.running.budget import Budget, budget


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("20m", 1200), ("5h", 18000), ("1h30m", 5400), ("1.5m", 90)]
)
def test_a_duration_is_read(text: str, seconds: float) -> None:
    assert budget(text).seconds == seconds


@pytest.mark.parametrize("text", ["20", "m", "20 m", "1d", "-5m", ""])
def test_what_is_no_duration_is_an_error(text: str) -> None:
    with pytest.raises(OpcovError, match="is no duration; write 90s"):
        budget(text)


def test_what_is_left_is_of_a_share() -> None:
    assert Budget().left(0.5) == inf
    assert 0 < Budget(100).left(0.5) <= 50
    assert Budget(0).left() <= 0
