from __future__ import annotations

from pathlib import Path

import pytest

from harness import plugins
from harness.errors import Exit, MissingPackage, UnknownName
from tests import miniatures


def test_the_built_in_ones_come_with_the_control_last() -> None:
    names = plugins.names(plugins.BACKENDS)
    assert {"linalg", "tosa", "stablehlo"} <= set(names)
    assert names[-1] == "control"


def test_cascades_are_backends_that_are_not_among_those_measured_by_default() -> None:
    cascades = plugins.names(plugins.CASCADES)
    assert cascades == ("stablehlo-linalg", "tosa-linalg")
    assert not set(cascades) & set(plugins.names(plugins.BACKENDS))
    assert plugins.names(plugins.BACKENDS, plugins.CASCADES)[-1] == "control"


def test_a_backend_is_found_in_either_group_or_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "lazy-0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lazy\nVersion: 0\n", encoding="ascii")
    (info / "entry_points.txt").write_text("[opcov.cascades]\nlazy = pathlib:Path\n", encoding="ascii")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.syspath_prepend(miniatures.install(tmp_path / "plugins", ["right"]))
    assert plugins.backend("lazy") is Path
    assert plugins.backend("right")().name == "right"
    with pytest.raises(UnknownName, match="unknown backend 'laxy'"):
        plugins.backend("laxy")


def test_out_of_tree_ones_are_found_among_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(miniatures.install(tmp_path / "plugins", ["right", "abort-lower"]))
    names = plugins.names(plugins.BACKENDS)
    assert {"right", "abort-lower", "tosa"} <= set(names)
    assert list(names[:-1]) == sorted(names[:-1])
    assert names[-1] == "control"
    assert plugins.factory(plugins.BACKENDS, "abort-lower")().name == "abort-lower"
    assert "actor" in plugins.names(plugins.EXECUTORS)


@pytest.mark.parametrize(("group", "kind"), [(plugins.BACKENDS, "backend"), (plugins.EXECUTORS, "executor")])
def test_an_unknown_one_is_an_error_of_its_kind(group: str, kind: str) -> None:
    with pytest.raises(UnknownName, match=f"unknown {kind} 'tossa'"):
        plugins.factory(group, "tossa")


def test_a_group_without_entries_says_that_opcov_is_not_installed() -> None:
    with pytest.raises(MissingPackage, match="not installed") as raised:
        plugins.names("opcov.nothing")
    assert raised.value.code == Exit.ENVIRONMENT


def test_a_missing_package_is_named_with_what_to_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "needy-0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: needy\nVersion: 0\n", encoding="ascii")
    (info / "entry_points.txt").write_text("[opcov.backends]\nneedy = needy_module:Needy\n", encoding="ascii")
    (tmp_path / "needy_module.py").write_text("import unheard_of.part\n", encoding="ascii")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MissingPackage, match="backend 'needy' needs unheard_of") as raised:
        plugins.factory(plugins.BACKENDS, "needy")
    assert "pip install unheard-of" in raised.value.hint
