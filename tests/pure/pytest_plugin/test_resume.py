from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from harness.errors import OpcovError
from harness.programs.compiler import Compiler, named
from harness.pytest_plugin import resume
from harness.records.journal import dumped
from harness.records.journal_writer import JournalWriter
from tests.miniatures import compiler
from tests.synthetic import journal

HEADER: dict[str, Any] = {
    "run": "a",
    "started": "2026-11-26T13:50:38+00:00",
    "toolchain": {
        "installed": {"torch": "2.13"},
        "revision": "1",
        "code": "12ab",
        "executors": "eager, llvm-jit",
        "absent": {},
    },
    "options": {"profile": "quick", "ops": [], "dtypes": ["f32"], "keyword": "", "sample_seconds": 30.0},
    "seed": 0,
}


def unfinished(header: dict[str, Any], *toolchains: dict[str, Any]) -> resume.Unfinished:
    return resume.Unfinished(Path("j.part"), header, frozenset(), toolchains)


def changed(place: str, value: Any) -> dict[str, Any]:
    header = copy.deepcopy(HEADER)
    *folders, key = place.split(".")
    inner = header[folders[0]] if folders else header
    inner[key] = value
    return header


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        ("seed", 3, "seed 0, not 3"),
        ("options.profile", "default", "options.profile quick, not default"),
        ("options.dtypes", ["f32", "f16"], "options.dtypes f32, not f32 f16"),
        ("options.ops", ["aten.exp*"], "options.ops all, not aten.exp*"),
        ("options.keyword", "tosa", "options.keyword nothing, not tosa"),
        ("options.sample_seconds", 5.0, "options.sample_seconds 30.0, not 5.0"),
        ("toolchain.code", "34cd", "toolchain.code 12ab, not 34cd"),
        ("toolchain.executors", "eager", "toolchain.executors eager, llvm-jit, not eager"),
        (
            "toolchain.absent",
            {"xla": "pip install jaxlib"},
            "toolchain.absent nothing, not {'xla': 'pip install jaxlib'}",
        ),
        ("toolchain.installed", {"torch": "2.14"}, "toolchain.installed.torch 2.13, not 2.14"),
        (
            "toolchain.installed",
            {"jaxlib": "0.10"},
            "toolchain.installed.torch 2.13, not nothing; toolchain.installed.jaxlib nothing, not 0.10",
        ),
    ],
)
def test_what_would_be_measured_differently_is_named(place: str, value: Any, said: str) -> None:
    with pytest.raises(OpcovError) as raised:
        resume.check_same(unfinished(HEADER), changed(place, value), Compiler())
    assert raised.value.what == f"--resume: j.part was measured with {said}"


@pytest.mark.parametrize("place", ["run", "started", "toolchain.revision", "cells"])
def test_what_does_not_decide_outcomes_may_differ(place: str) -> None:
    resume.check_same(unfinished(HEADER), changed(place, "other"), Compiler())


def loaded(tool: Path | None = None, **paths: Path) -> dict[str, Any]:
    packages = {name: {"path": str(path)} for name, path in paths.items()}
    return {"packages": packages | ({"torch-mlir-opt": {"path": str(tool)}} if tool else {})}


def test_a_compiler_may_be_named_by_another_path_of_the_same_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiler(tmp_path / "build")
    compiler(tmp_path / "other")
    (tmp_path / "link").symlink_to(tmp_path / "build")
    monkeypatch.chdir(tmp_path)
    before = changed("options.torch_mlir", "./build")
    run = unfinished(before, loaded(torch_mlir=tmp_path / "build" / "torch_mlir"))
    for spec in ("build/", str(tmp_path / "build"), "build/torch_mlir", "link", "./build"):
        resume.check_same(run, changed("options.torch_mlir", spec), named(spec))
    refused = [("other", named("other"), run), ("installed", Compiler(), run)]
    refused += [("build/", named("build/"), unfinished(before, tool)) for tool in binaries(tmp_path)]
    refused += [("build/", named("build/"), unfinished(before))]  # it ended before a worker had said what it loaded
    for spec, asked, resumed in refused:
        with pytest.raises(OpcovError, match=rf"options\.torch_mlir \./build, not {spec}; repeat what"):
            resume.check_same(resumed, changed("options.torch_mlir", spec), asked)


def binaries(folder: Path) -> list[dict[str, Any]]:
    """What a run with a binary had loaded: the installed bindings, or those of the same folder."""
    return [loaded(folder / "opt", torch_mlir=folder / where / "torch_mlir") for where in ("site", "build")]


def test_a_binary_may_be_named_by_another_path(tmp_path: Path) -> None:
    before, opt = changed("options.torch_mlir", "./opt"), tmp_path / "opt"
    run = unfinished(before, loaded(opt, torch_mlir=tmp_path / "site" / "torch_mlir"))
    resume.check_same(run, changed("options.torch_mlir", str(opt)), Compiler(str(opt), tool=opt))
    with pytest.raises(OpcovError, match=r"options\.torch_mlir \./opt, not opt2"):
        resume.check_same(run, changed("options.torch_mlir", "opt2"), Compiler("opt2", tool=tmp_path / "opt2"))


def written(path: Path, **footer: Any) -> JournalWriter:
    writer = JournalWriter(path, HEADER)
    writer.write_cell([dumped(journal().records[0])])
    return writer


@pytest.mark.parametrize(
    ("footer", "is_left"), [({}, False), ({"interrupted": True}, True), ({"missing": 1}, True), ({"missing": 0}, False)]
)
def test_a_journal_that_lacks_cells_is_unfinished(tmp_path: Path, footer: dict[str, Any], is_left: bool) -> None:
    path = tmp_path / "journal.jsonl.gz"
    assert resume.find(path) is None
    writer = written(path)
    assert resume.find(path) == writer.part
    writer.close(**footer)
    assert resume.find(path) == (path if is_left else None)


def test_the_cells_and_records_of_an_unfinished_run(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl.gz"
    with written(path):
        pass
    found = resume.unfinished(path)
    first = journal().records[0]
    assert found.cells == {f"{first.op}[{first.backend}-{first.mode}-{first.dtype}]"}
    assert list(found.records({first.op})) == [first]
    assert list(found.records({"aten.other.default"})) == []
    assert resume.Unfinished(Path(found.as_input()[0]), found.header, found.cells) == found


def test_a_run_that_still_writes_is_left_alone(tmp_path: Path) -> None:
    writer = written(tmp_path / "journal.jsonl.gz")
    with pytest.raises(OpcovError, match="another run is writing"):
        resume.unfinished(writer.path)


def test_each_unfinished_journal_keeps_a_name_of_its_own(tmp_path: Path) -> None:
    part = tmp_path / "journal.jsonl.gz.part"
    first = resume.aside(part)
    assert first.name == "journal-unfinished-1.jsonl.gz"
    first.touch()
    assert resume.aside(part).name == "journal-unfinished-2.jsonl.gz"
