"""What there is to cover is asked of torch once, and kept; torch itself is played by a function here."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.surface import opinfo, ops, overloads
from harness.surface.denominators import Uncounted
from harness.surface.overloads import Overloads

DECLARED = ("aten.relu.default", "aten.relu_.default", "aten.size.default")
FOUND = Overloads(
    sets={"core": frozenset(("aten.relu.default",)), "dialect": frozenset(("aten.relu.default", "aten.abs.default"))},
    uncounted=Uncounted(mutating={"aten.relu_.default": "aten.relu.default"}, tensorless=("aten.size.default",)),
)


class Torch:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.asked: list[object] = []
        self.told: list[str] = []

    def found_in_torch(self, declared: object, reached: frozenset[str] | None) -> Overloads:
        self.asked.append(reached)
        more = {} if reached is None else {"opinfo": reached}
        return Overloads(sets={**FOUND.sets, **more}, uncounted=FOUND.uncounted)

    def overloads(self, declared: tuple[str, ...] = DECLARED, *, with_opinfo: bool = False) -> Overloads:
        return overloads.overloads(declared, with_opinfo=with_opinfo, tell=self.told.append)


@pytest.fixture
def torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Torch:
    torch = Torch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(overloads, "found_in_torch", torch.found_in_torch)
    monkeypatch.setattr(opinfo, "reached", lambda: frozenset(("aten.relu.default",)))
    return torch


def files(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "cache").rglob("*.json"))


def test_torch_is_asked_once_and_only_then_is_the_user_told(torch: Torch) -> None:
    assert torch.overloads() == torch.overloads() == FOUND
    assert torch.asked == [None]
    assert len(torch.told) == 1


def test_another_torch_mlir_is_asked_anew(torch: Torch) -> None:
    torch.overloads()
    torch.overloads(DECLARED[:1])
    assert torch.asked == [None, None]


def test_what_was_found_without_opinfo_is_found_again_with_it_and_then_serves_both(torch: Torch) -> None:
    torch.overloads()
    assert "opinfo" in torch.overloads(with_opinfo=True).sets
    torch.overloads()
    torch.overloads(with_opinfo=True)
    assert len(torch.asked) == 2


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"sets": 3}', '{"sets": {}, "mutating": {}}', "\udcff"])
def test_a_damaged_file_is_made_again(torch: Torch, tmp_path: Path, text: str) -> None:
    torch.overloads()
    (file,) = files(tmp_path)
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    assert overloads.cached(DECLARED) is None
    assert torch.overloads() == torch.overloads() == FOUND
    assert len(torch.asked) == 2


def test_a_folder_that_cannot_be_written_is_no_error(torch: Torch, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file", encoding="ascii")
    assert torch.overloads() == FOUND
    assert overloads.cached(DECLARED) is None


def test_a_run_has_the_figures_only_if_torch_was_asked_before(torch: Torch) -> None:
    assert ops.footer({}, {"aten.abs.default": "why"}, DECLARED) == {}
    torch.overloads()
    figures = ops.footer({}, {"aten.abs.default": "why"}, DECLARED)
    assert figures == {
        "core": {"covered": 0, "excluded": 0, "missing": 1},
        "dialect": {"covered": 0, "excluded": 1, "missing": 1},
    }
    assert torch.asked == [None]
