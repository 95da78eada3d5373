"""What a command prints."""

from __future__ import annotations

import pytest

from harness.commands import cli


def said(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The stdout of `opcov` with these arguments, which succeeds."""
    assert cli.main([*map(str, arguments)]) == 0
    return capsys.readouterr().out
