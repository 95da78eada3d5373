"""What the documents tell their readers to run works: commands, cases and plugins, on the journal of one small run."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from harness.surface import opinfo
from tests import distributions
from tests.end_to_end.opcov import ROOT, Done, environment, job, lines, opcov, outcomes
from tests.pure.docs.documents import PAGES, Block, Command, blocks, commands, spans

CASES = ROOT / "docs" / "cases.md"
JOURNAL = ROOT / "docs" / "journal.md"
PLUGINS = ROOT / "docs" / "plugins.md"
SHOWN_ELSEWHERE = ("sensitivity", "ab", "bisect", "baseline", "night")
"""Commands that take too long to run here, or would change the repository: other tests run them."""
MAY_FAIL = {"repro", "sensitivity", "--tame"}
"""Commands and options whose exit status 1 says that what they were asked to find is there."""
OTHER_JOURNALS = ("A", "B", "last-night.jsonl.gz", "july/journal.jsonl.gz", "august/journal.jsonl.gz")
"""What the documents call journals of other runs."""
ROADS = "roads.jsonl.gz"
"""What they call the journal of a run that took several roads."""
BUILD = "../torch-mlir/build"
"""What the documents call a build of the reader's own."""
TRACED = opinfo.is_traced()
"""Without a trace of OpInfo, which takes a minute to make, the commands that need one are left out."""
NO_RECORDING = ("-p", "no:harness.pytest_plugin.recording")
"""Saves loading all executors only to say which are absent."""
EVERY = [command for page in PAGES for command in commands(page)]


def python(page: Path) -> list[Block]:
    return [block for block in blocks(page) if block.language == "python"]


def run(*command: str, cwd: Path = ROOT, path: Path | None = None, text: str | None = None) -> Done:
    return subprocess.run(
        command, cwd=cwd, env=environment(path), input=text, capture_output=True, text=True, timeout=300, check=False
    )


# plugins --------------------------------------------------------------------------------------------------------------


def projects() -> list[Mapping[str, Any]]:
    """The projects of docs/plugins.md."""
    toml = [block.text for block in blocks(PLUGINS) if block.language == "toml" and block.text.startswith("[project]")]
    return [tomllib.loads(text)["project"] for text in toml]


def named(*groups: str) -> set[str]:
    return set(chain.from_iterable(p["entry-points"].get(f"opcov.{group}", ()) for p in projects() for group in groups))


@pytest.fixture(scope="module")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages of docs/plugins.md, as `pip install` would put them into a folder."""
    folder = distributions.example(tmp_path_factory.mktemp("plugins"))
    for block in python(PLUGINS):
        comment, _, _ = block.text.partition("\n")
        if not comment.startswith("# my_package/"):
            continue  # quoted from the example, see tests/pure/docs/test_documents.py
        path = folder / comment.removeprefix("# ")
        path.parent.mkdir(exist_ok=True)
        path.write_text(block.text, encoding="utf-8")
    (package,) = (project for project in projects() if project["name"] == "my-package")
    return distributions.declared(package, folder)


@pytest.fixture(scope="module")
def folder(plugins: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the journal of a small run: the ops that the documents explain, on all backends and the plugins.

    The journal is recorded in the folder's history: which worker runs the document's `opcov record` is left to chance.
    """
    explained = {c.arguments[2] for c in EVERY if c.arguments[:2] == ("opcov", "explain")}
    ops = sorted(explained | {"aten.relu.default", "aten.expm1.default", "aten.erfinv.default"})
    backends = ",".join(("frontend", "linalg", "tosa", "stablehlo", *sorted(named("backends", "cascades")), "control"))
    folder = tmp_path_factory.mktemp("documents")
    done = job(
        *("--op", ",".join(ops)),
        *("--dtype", "f32", "--mode", "static", "--profile", "quick", "--backend", backends),
        *("--samples", "both" if TRACED else "census"),
        out=folder / "reports" / "out",
        plugins=plugins,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    recorded = opcov("record", "reports/out/journal.jsonl.gz", cwd=folder, plugins=plugins)
    assert recorded.returncode == 0, recorded.stdout + recorded.stderr
    return folder


@pytest.fixture(scope="module")
def journal(folder: Path) -> Path:
    return folder / "reports" / "out" / "journal.jsonl.gz"


@pytest.fixture(scope="module")
def roads(folder: Path) -> Path:
    """The journal of one op by several roads."""
    done = job(
        *("--op", "aten.gelu.default", "--dtype", "f32", "--mode", "static", "--profile", "quick"),
        *("--backend", "tosa,stablehlo", "--decompositions", "torch-mlir,none", "--transform", "none,vjp"),
        out=folder / "roads",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "roads" / "journal.jsonl.gz"


def of(journal: Path, backend: str, op: str) -> list[Mapping[str, Any]]:
    return [line for line in outcomes(journal) if (line["backend"], line["op"]) == (backend, op)]


def test_every_plugin_of_the_page_is_a_column(journal: Path) -> None:
    wanted = named("backends", "cascades")
    assert wanted <= {line["backend"] for line in outcomes(journal)}
    matrix = (journal.parent / "matrix.md").read_text(encoding="utf-8")
    assert [name for name in wanted if f"| {name} static |" not in matrix] == []


def test_what_the_page_says_of_the_example_is_so(journal: Path) -> None:
    relu = of(journal, "iree", "aten.relu.default")
    (plain,) = [line for line in relu if line.get("plain")]
    assert (plain["outcome"], plain["detail"]["executors"]) == ("Passed", ["iree-runtime"])
    wrong = [line["detail"] for line in relu if line["outcome"] == "Wrong"]
    assert wrong and all(float(found["actual"]) == 0 and 0 < float(found["expected"]) < 1.2e-38 for found in wrong)
    refused = of(journal, "iree", "aten.erfinv.default")
    assert {line["detail"].get("culprit") for line in refused if line["outcome"] != "Excluded"} == {"torch.aten.erfinv"}


def test_what_the_page_says_of_a_changed_lowering_is_so(plugins: Path, tmp_path: Path) -> None:
    cells = ("--op", "aten.amax.default", "--dtype", "f32", "--mode", "static", "--backend", "linalg-finite")
    done = job(*cells, out=tmp_path, plugins=plugins)
    assert done.returncode == 0, done.stdout + done.stderr
    found = of(tmp_path / "journal.jsonl.gz", "linalg-finite", "aten.amax.default")
    wrong = [line["detail"] for line in found if line["outcome"] == "Wrong"]
    assert wrong and {line["expected"] for line in wrong} == {"-inf"}


def test_the_executor_that_is_absent_is_said_to_be_as_the_page_shows(journal: Path) -> None:
    toolchain = lines(journal)[0]["toolchain"]
    absent = named("executors") - set(toolchain["executors"].split(", "))
    shown = PLUGINS.read_text(encoding="utf-8")
    assert absent == set(toolchain["absent"])
    assert all(f"opcov: executor {name} is absent: {toolchain['absent'][name]}" in shown for name in absent)


# the journal ----------------------------------------------------------------------------------------------------------


def test_every_key_of_header_toolchain_and_footer_is_documented(journal: Path) -> None:
    header, told, *_, footer = lines(journal)
    ours = {*header, *header["toolchain"], *header["options"], *footer, *footer["registry"]["core"]}
    ours |= {*told, *(key for package in told["packages"].values() for key in package)}
    assert ours - set(spans(JOURNAL)) == set()


# cases ----------------------------------------------------------------------------------------------------------------


def test_the_cases_of_the_page_pass_on_the_control(tmp_path: Path) -> None:
    modules = [block for block in python(CASES) if "\nCASES = " in block.text]
    joined = [f"from case_{block.line} import CASES as CASES_{block.line}" for block in modules]
    joined.append("from dataclasses import replace")
    joined.append("EVERY = " + " + ".join(f"CASES_{block.line}" for block in modules))
    joined.append("CASES = tuple(replace(case, dtypes=case.dtypes[:2]) for case in EVERY)")
    for block in modules:
        (tmp_path / f"case_{block.line}.py").write_text(block.text, encoding="utf-8")
    (tmp_path / "my_cases.py").write_text("\n".join(joined) + "\n", encoding="utf-8")
    check = ("harness.commands.check", "--module", "my_cases", "--profile", "quick")
    done = run(sys.executable, "-m", *check, cwd=tmp_path, path=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


# commands -------------------------------------------------------------------------------------------------------------


def distinct(program: str) -> Iterator[Command]:
    """The commands of a program, each once."""
    return iter({c.text: c for c in EVERY if c.arguments[0] == program}.values())


def cluster(journal: Path, folder: Path) -> str:
    """The id of a cluster of the journal."""
    found = json.loads(opcov("clusters", "--backend", "tosa", str(journal), "--json", cwd=folder).stdout)
    id: str = found["backends"][0]["clusters"][0]["id"]
    return id


def filled(command: Command, journal: Path, folder: Path) -> list[str]:
    """The arguments with real values for what stands in capitals."""
    failing = next(line["id"] for line in outcomes(journal) if line["outcome"] == "Wrong" and line["backend"] == "tosa")
    values = {"JOURNAL": str(journal), "ID": failing, "FILE": str(folder / "file"), "DIR": str(folder / "dir")}
    if "CLUSTER" in command.arguments:
        values["CLUSTER"] = cluster(journal, folder)
    values |= {"OP": "aten.expm1.default"} | dict.fromkeys(OTHER_JOURNALS, str(journal))
    whole = "--tame" in command.arguments and "--op" not in command.arguments  # takes minutes over the registry
    return [values.get(word, word) for word in command.arguments] + (["--op", "aten.relu.default"] if whole else [])


def needs_opinfo(command: Command) -> bool:
    words = set(command.arguments)
    counts = command.arguments[:2] == ("opcov", "ops") and not words & {
        "--no-opinfo",
        "--attributes",
        "--dtypes",
        "--tame",
    }
    return counts or bool(words & {"both", "opinfo"})


@pytest.mark.parametrize("command", [c for c in distinct("opcov") if c.arguments[1] not in SHOWN_ELSEWHERE], ids=str)
def test_opcov_answers(
    command: Command, journal: Path, folder: Path, plugins: Path, request: pytest.FixtureRequest
) -> None:
    if needs_opinfo(command) and not TRACED:
        pytest.skip("OpInfo is not traced: run `python -m harness.surface.opinfo`")
    words = filled(command, journal, folder)[1:]
    if ROADS in words:
        words[words.index(ROADS)] = str(request.getfixturevalue("roads"))
    done = opcov(*words, cwd=folder, plugins=plugins)
    assert done.returncode in ((0, 1) if MAY_FAIL & set(command.arguments) else (0,)), done.stdout + done.stderr
    assert done.stdout.strip()
    assert "Traceback" not in done.stderr


def collections() -> dict[str, tuple[str, ...]]:
    """The arguments of the commands that run pytest, those by way of `make` included, by where the first of them is.

    How many processes a command starts does not matter here.
    """
    found: dict[tuple[str, ...], str] = {}
    for command in chain(distinct("pytest"), distinct("make")):
        arguments = list(command.arguments[1:])
        if command.arguments[0] == "make":
            given = [word.partition("=")[2] for word in arguments if word.startswith("OPTIONS=")]
            arguments = [word for options in given for word in ("op_suites", *shlex.split(options))]
        if arguments[:2] == ["-n", "auto"]:
            arguments = arguments[2:]
        if arguments and (TRACED or not needs_opinfo(command)):
            found.setdefault(tuple(arguments), str(command))
    return {where: arguments for arguments, where in found.items()}


COLLECT = """
import json, sys, pytest
for where, arguments in json.load(sys.stdin).items():
    print(f"{where}: exit {int(pytest.main([*arguments, '--collect-only', '-q', '-q']))}")
"""


def test_pytest_collects_what_the_commands_name(plugins: Path, tmp_path: Path, journal: Path) -> None:
    found = collections()
    extra = ("--out", str(tmp_path), *NO_RECORDING)
    replayed = {"JOURNAL": str(journal), BUILD: "installed", "cause:CLUSTER": f"cause:{cluster(journal, tmp_path)}"}
    words = {where: [replayed.get(word, word) for word in arguments] for where, arguments in found.items()}
    given = json.dumps({where: [*arguments, *extra] for where, arguments in words.items()})
    done = run(sys.executable, "-c", COLLECT, path=plugins, text=given)
    codes = {where: f"{where}: exit 0\n" in done.stdout for where in found}
    assert codes == dict.fromkeys(found, True), done.stdout[-3000:] + done.stderr


@pytest.mark.parametrize("command", [*distinct("python"), *distinct("python3")], ids=str)
def test_python_has_the_module_and_its_options(command: Command) -> None:
    _, _, module, *arguments = command.arguments
    done = told(module)
    assert done.returncode == 0, done.stderr
    assert [word for word in arguments if word.startswith("--") and word not in done.stdout] == []


@cache
def told(module: str) -> Done:
    """What the module says of its use."""
    return run(sys.executable, "-m", module, "--help")
