from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points, requires
from pathlib import Path

import pytest

from harness.errors import Exit, MissingPackage, UnknownName
from harness.programs import plugins
from tests import miniatures


def test_the_control_comes_last_of_the_built_in_backends() -> None:
    names = plugins.names(plugins.BACKENDS)
    assert {"linalg", "tosa", "stablehlo"} <= set(names)
    assert names[-1] == "control"


def test_the_built_in_frontend_comes_first_and_no_plugin_replaces_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = tmp_path / "own-0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: own\nVersion: 0\n", encoding="ascii")
    entries = "\n".join(f"{name} = pathlib:Path" for name in ("export", "own", "vmap", "my-prims"))
    (info / "entry_points.txt").write_text(f"[opcov.frontends]\n{entries}\n", encoding="ascii")
    monkeypatch.syspath_prepend(tmp_path)
    found = plugins.frontend_names()
    assert found[0] == "export"
    assert set(found) == {"export", "dynamo", "own"}  # a road could not say the others
    assert plugins.frontend("own") == Path()
    with pytest.raises(UnknownName, match="unknown frontend 'dynmo'; did you mean dynamo"):
        plugins.frontend("dynmo")


def test_cascades_are_not_among_the_backends_measured_by_default() -> None:
    cascades = plugins.names(plugins.CASCADES)
    assert cascades == ("stablehlo-linalg", "tcp", "tosa-linalg")
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


def test_plugins_are_found_among_the_built_in_backends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(miniatures.install(tmp_path / "plugins", ["right", "abort-lower"]))
    names = plugins.names(plugins.BACKENDS)
    assert {"right", "abort-lower", "tosa"} <= set(names)
    assert list(names[:-1]) == sorted(names[:-1])
    assert names[-1] == "control"
    assert plugins.factory(plugins.BACKENDS, "abort-lower")().name == "abort-lower"
    assert "actor" in plugins.names(plugins.EXECUTORS)


@pytest.mark.parametrize(("group", "kind"), [(plugins.BACKENDS, "backend"), (plugins.EXECUTORS, "executor")])
def test_an_unknown_name_is_an_error_that_says_backend_or_executor(group: str, kind: str) -> None:
    with pytest.raises(UnknownName, match=f"unknown {kind} 'tossa'"):
        plugins.factory(group, "tossa")


def test_a_group_without_entries_says_that_opcov_is_not_installed() -> None:
    with pytest.raises(MissingPackage, match="not installed") as raised:
        plugins.names("opcov.nothing")
    assert raised.value.code == Exit.ENVIRONMENT


def test_a_missing_package_of_a_backend_is_an_error_that_says_what_to_type(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(miniatures.needy(tmp_path, plugins.BACKENDS, {"lonely": "import unheard_of.part"}))
    with pytest.raises(MissingPackage, match="backend 'lonely' needs unheard_of") as raised:
        plugins.factory(plugins.BACKENDS, "lonely")
    assert "pip install unheard-of" in raised.value.hint


def test_an_executor_that_cannot_be_loaded_is_absent_and_the_others_are_present(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modules = {
        "able": "class Plugin: name = 'able'",
        "lonely": "import unheard_of.part",
        "misspelt": "unheard_of",
        "outdated": "from json import Plugin",
        "partial": "import json.unheard_of",
        "raises": "raise RuntimeError('no such processor')",
    }
    monkeypatch.setattr(plugins, "EXECUTORS", "opcov.test")
    monkeypatch.syspath_prepend(miniatures.needy(tmp_path, "opcov.test", modules))
    present, absent = plugins.executors()
    assert [executor.name for executor in present] == ["able"]
    assert absent.pop("lonely") == "pip install unheard-of"
    assert absent.pop("misspelt") == "NameError: name 'unheard_of' is not defined"
    assert absent.pop("outdated").startswith("ImportError: cannot import name 'Plugin' from 'json'")
    assert absent.pop("partial") == "ModuleNotFoundError: No module named 'json.unheard_of'"
    assert absent == {"raises": "RuntimeError: no such processor"}


def test_a_missing_package_is_installed_by_the_extra_that_the_entry_point_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugins, "EXECUTORS", "opcov.test")
    monkeypatch.syspath_prepend(
        miniatures.needy(tmp_path, "opcov.test", {"lonely": "import unheard_of"}, extra="[more]")
    )
    assert plugins.executors() == ([], {"lonely": "pip install 'needy[more]'"})


def test_the_built_in_executor_of_an_optional_package_names_its_extra() -> None:
    extras = {e.name: e.extras for e in entry_points(group=plugins.EXECUTORS) if e.extras}
    assert extras["xla"] == ["xla"]
    assert any("jaxlib" in r and 'extra == "xla"' in r for r in requires("opcov") or ())


def test_the_built_in_second_opinion_names_its_extra_and_is_no_dependency_of_opcov() -> None:
    (entry,) = (e for e in entry_points(group=plugins.OPINIONS) if e.dist and e.dist.name == "opcov")
    assert (entry.name, entry.extras) == ("iree", ["iree"])
    assert plugins.adviser_names() == ("iree",)
    assert "iree" in plugins.executor_names()
    needed = [r for r in requires("opcov") or () if r.startswith("iree-base")]
    assert len(needed) == 2 and all('extra == "iree"' in r for r in needed)


# absent executors, found without importing them -----------------------------------------------------------------------


def absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, modules: dict[str, str], extra: str = "") -> dict[str, str]:
    monkeypatch.setattr(plugins, "EXECUTORS", "opcov.test")
    monkeypatch.setattr(plugins, "OPINIONS", "opcov.none")
    monkeypatch.syspath_prepend(miniatures.needy(tmp_path, "opcov.test", modules, extra))
    return plugins.absent()


def test_a_package_that_an_executor_imports_is_seen_to_be_missing_and_nothing_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modules = {
        "able": "import json, os.path\nfrom . import sibling",
        "lonely": "raise SystemExit\nimport unheard_of.part",
        "from_it": "raise SystemExit\nfrom unheard_of.part import name",
    }
    before = set(sys.modules)
    found = absent(tmp_path, monkeypatch, modules)
    assert found == {"lonely": "pip install unheard-of", "from_it": "pip install unheard-of"}
    assert set(sys.modules) == before


def test_a_missing_package_is_said_with_the_extra_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = absent(tmp_path, monkeypatch, {"lonely": "import unheard_of"}, extra="[more]")
    assert found == {"lonely": "pip install 'needy[more]'"}


def test_a_namespace_package_without_the_part_that_is_imported_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for part in ("spaces/here.py", "spaces/deep/er/there.py", "regular/__init__.py"):
        (tmp_path / part).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / part).touch()
    modules = {
        "able": "import spaces.here, spaces.deep.er.there\nfrom regular.made_at_import import x",
        "lonely": "import spaces.gone",
        "deep": "from spaces.deep.er.gone import x",
    }
    before = set(sys.modules)
    assert set(absent(tmp_path, monkeypatch, modules)) == {"lonely", "deep"}
    assert set(sys.modules) == before


def test_an_executor_for_second_opinions_is_found_to_be_absent_and_loaded_like_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modules = {"able": "class Plugin: name = 'able'", "lonely": "import unheard_of"}
    monkeypatch.setattr(plugins, "OPINIONS", "opcov.test")
    monkeypatch.syspath_prepend(miniatures.needy(tmp_path, "opcov.test", modules, "[more]"))
    assert plugins.absent()["lonely"] == "pip install 'needy[more]'"
    present, lacking = plugins.advisers(lambda name: None, {"known": "why"})
    assert [adviser.name for adviser in present] == ["able"]
    assert lacking == {"known": "why", "lonely": "pip install 'needy[more]'"}
    assert not {"able", "lonely"} & {executor.name for executor in plugins.executors()[0]}


def test_what_may_go_well_is_left_to_the_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    guarded = "try:\n    import unheard_of\nexcept ImportError:\n    pass\ndef late():\n    import unheard_of"
    modules = {"guarded": guarded, "misspelt": "def (", "outdated": "from json import Plugin"}
    assert absent(tmp_path, monkeypatch, modules) == {}


def test_an_executor_whose_own_module_is_gone_is_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins, "EXECUTORS", "opcov.test")
    monkeypatch.setattr(plugins, "OPINIONS", "opcov.none")
    folder = miniatures.needy(tmp_path, "opcov.test", {"gone": ""})
    (folder / "needy_gone.py").unlink()
    monkeypatch.syspath_prepend(folder)
    assert plugins.absent() == {"gone": "pip install needy-gone"}


def test_the_built_in_executors_are_looked_at_without_importing_any() -> None:
    script = "import sys; from harness.programs import plugins; plugins.absent(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert not {"backends", "torch", "torch_mlir", "jaxlib", "numpy"} & set(loaded)
