"""What the documents say exists: their links, paths, tests, ops, commands and options, and the keys of the journal."""

from __future__ import annotations

import ast
import json
import re
import textwrap
import tomllib
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from harness.cases.sample import dumps, from_json
from harness.errors import BadJournal
from harness.records.cause import FOUND, LEVELS, Cause, Cut, cause_json
from harness.records.journal import record_json
from harness.records.journal_file import checksum, read
from harness.records.journal_writer import JournalWriter
from harness.records.mutant import MUTANT_STATUSES, mutant_json, mutant_restore
from harness.records.outcome import OUTCOMES, STAGES, FirstWrongPass
from harness.records.signature import Signature
from op_suites import catalog, excluded
from reports.fold.status import UNEXECUTED
from tests import distributions
from tests.synthetic import everything

from .documents import (
    PAGES,
    PROGRAMS,
    ROOT,
    Block,
    Command,
    Parsed,
    blocks,
    commands,
    mentions,
    name,
    parse,
    prose,
    spans,
)

LANGUAGES = ("sh", "python", "toml", "json", "text", "mlir", "mermaid", "yaml")
FOLDERS = ("harness", "op_suites", "backends", "reports", "tests", "docs", ".ci", ".github")
WRITTEN = "reports/out"
"""What a run writes: not in the repository."""
CASES = ROOT / "docs" / "cases.md"
JOURNAL = ROOT / "docs" / "journal.md"
PLUGINS = ROOT / "docs" / "plugins.md"
pages = pytest.mark.parametrize("page", PAGES, ids=name)


def every(program: str) -> list[Command]:
    return [command for page in PAGES for command in commands(page) if command.arguments[0] == program]


# blocks and commands --------------------------------------------------------------------------------------------------


@pages
def test_every_block_names_its_language(page: Path) -> None:
    assert [f"{block} {block.language!r}" for block in blocks(page) if block.language not in LANGUAGES] == []


@pages
def test_every_command_is_one_that_is_checked(page: Path) -> None:
    unknown = [str(command) for command in commands(page) if command.arguments[0] not in PROGRAMS]
    unknown += [str(c) for c in commands(page) if c.arguments[0] == "." and not c.arguments[1].endswith("bin/activate")]
    python = [c for c in commands(page) if c.arguments[0].startswith("python")]
    assert unknown + [str(c) for c in python if c.arguments[1] != "-m"] == []


@pytest.mark.parametrize("command", every("opcov"), ids=str)
def test_opcov_takes_the_command(command: Command) -> None:
    with pytest.raises(Parsed):
        parse(command.arguments[1:])


MENTIONED = [c for page in PAGES for c in mentions(page) if c.arguments[0] == "opcov" and c.arguments[1] != "COMMAND"]


@pytest.mark.parametrize("command", MENTIONED, ids=str)
def test_opcov_has_the_subcommand_and_the_options_that_are_mentioned(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse([command.arguments[1], "--help"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    options = [word.partition("=")[0] for word in command.arguments if word.startswith("--")]
    assert [option for option in options if option not in told] == []


@pytest.mark.parametrize("command", every("make"), ids=str)
def test_make_has_the_targets_and_the_variables(command: Command) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for word in command.arguments[1:]:
        variable, equals, _ = word.partition("=")
        assert re.search(rf"^{variable} \?=" if equals else rf"^{word}:", makefile, re.MULTILINE), word


@pytest.mark.parametrize("command", every("pip"), ids=str)
def test_pip_is_asked_for_what_the_project_has(command: Command) -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    assert command.arguments[1] == "install"
    words = iter(command.arguments[2:])
    for word in words:
        if word == "-c":
            assert (ROOT / next(words)).is_file()
        else:
            if (ROOT / word / "pyproject.toml").is_file():
                continue
            asked = re.fullmatch(r"-e|\.(?:\[([\w,]+)\])?", word)
            assert asked, word
            assert asked[1] is None or set(asked[1].split(",")) <= set(extras)


# what is pointed to ---------------------------------------------------------------------------------------------------


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    heads = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pages
def test_links_point_to_what_is_there(page: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path) if path else page
        if not found.exists() or (anchor and anchor not in anchors(found)):
            broken.append(target)
    assert broken == []


def defined(item: str, path: Path) -> bool:
    """Whether a test that is named after a path is in that file; another item is not looked for."""
    test = item.partition("[")[0]
    return not test.startswith("test_") or f"def {test}(" in path.read_text(encoding="utf-8")


@pages
def test_paths_in_the_text_exist(page: Path) -> None:
    missing = []
    for span in spans(page):
        path, _, item = span.partition("::")
        if " " in path or path.split("/")[0] not in FOLDERS or "/" not in path or path.startswith(WRITTEN):
            continue
        found = list(ROOT.glob(path.rstrip("/")))
        if not found or (path.endswith("/") and not found[0].is_dir()) or not defined(item, found[0]):
            missing.append(span)
    assert missing == []


@pages
def test_ops_in_the_text_are_in_the_registry(page: Path) -> None:
    known = {case.op for cases in catalog().values() for case in cases} | set(excluded())
    named = {span for span in spans(page) if re.fullmatch(r"(aten|prims)\.\w+\.\w+", span)}
    assert named - known == set()


# plugins --------------------------------------------------------------------------------------------------------------


def test_the_example_is_quoted_as_it_is() -> None:
    files = (*distributions.EXAMPLE.rglob("*.py"), distributions.EXAMPLE / "pyproject.toml", ROOT / "pyproject.toml")
    texts = [path.read_text("utf-8") for path in files]
    ours = [block for block in blocks(PLUGINS) if block.language in ("python", "toml")]
    quoted = [block for block in ours if "my_package" not in block.text and "gpu_runtime" not in block.text]
    assert quoted
    assert [str(block) for block in quoted if not any(block.text in text for text in texts)] == []


# cases ----------------------------------------------------------------------------------------------------------------


def quoted() -> list[Block]:
    """The Python blocks of docs/cases.md that are no module with cases."""
    return [block for block in blocks(CASES) if block.language == "python" and "\nCASES = " not in block.text]


@pytest.mark.parametrize("block", quoted(), ids=str)
def test_what_is_no_case_is_quoted_from_the_registry(block: Block) -> None:
    assert any(block.text in path.read_text(encoding="utf-8") for path in (ROOT / "op_suites").glob("*.py"))


@pages
def test_python_is_python(page: Path) -> None:
    for block in blocks(page):
        if block.language == "python" and page != CASES:
            ast.parse(textwrap.dedent(block.text))


# the journal ----------------------------------------------------------------------------------------------------------


def examples() -> list[dict[str, Any]]:
    return [json.loads(block.text) for block in blocks(JOURNAL) if block.language == "json"]


def documented() -> set[str]:
    return set(spans(JOURNAL))


def written(lines: Sequence[Any], path: Path) -> Path:
    path.write_text("".join(compact(line) + "\n" for line in lines), encoding="utf-8")
    return path


def compact(line: Any) -> str:
    return json.dumps(line, separators=(",", ":"))


def closed(outcome: Any) -> Any:
    """The `cell` line that closes an outcome line."""
    return example("cell") | {"crc32": checksum([compact(outcome).encode()])}


def test_the_examples_are_a_journal_that_is_read(tmp_path: Path) -> None:
    lines = [example for example in examples() if "kind" in example]
    journal = read(written(lines, tmp_path / "journal"))
    assert journal.complete
    ours = [json.dumps(record_json(record)) for record in journal.records]
    ours += [json.dumps(mutant_json(mutant)) for mutant in journal.mutants]
    assert ours == [json.dumps(line) for line in lines if line["kind"] in ("outcome", "trial")]
    assert [cause_json(cause) for cause in journal.causes] == [line for line in lines if line["kind"] == "cause"]


def test_the_example_of_a_sample_is_one() -> None:
    (sample,) = [example for example in examples() if "kind" not in example]
    assert dumps(from_json(sample)) == json.dumps(sample, separators=(",", ":"))


def example(kind: str) -> dict[str, Any]:
    return next(line for line in examples() if line.get("kind") == kind)


def tensor(line: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = line["sample"]["args"]["self"]["tensor"]
    return found


PARTS = {"right": None, "wrong": None, "message": "", "between": {}}
IGNORED = {
    "the header": ("header", lambda line: line.update(new=1)),
    "the footer": ("footer", lambda line: line.update(new=1)),
    "an outcome line": ("outcome", lambda line: line.update(new=1)),
    "`detail`": ("outcome", lambda line: line["detail"].update(new=1)),
    "`sample`": ("outcome", lambda line: line["sample"].update(new=1)),
    "a `tensor`": ("outcome", lambda line: tensor(line).update(new=1)),
    "a line whose `kind` is unknown": ("outcome", lambda line: line.update(kind="new")),
}
REFUSED = {
    "`fill`": ("outcome", lambda line: tensor(line)["fill"].update(new=1)),
    "`parts`": ("outcome", lambda line: line.update(parts=PARTS | {"new": 1})),
    "a `trial` line": ("trial", lambda line: line.update(new=1)),
    "the name of an outcome": ("outcome", lambda line: line.update(outcome="new")),
    "a stage": ("outcome", lambda line: line.update(stage="new")),
    "the form of an argument": ("outcome", lambda line: line["sample"]["args"].update(self={"new": 1})),
    "mode": ("outcome", lambda line: line["sample"].update(mode="new")),
    "dtype": ("outcome", lambda line: tensor(line).update(dtype="new")),
    "layout": ("outcome", lambda line: tensor(line).update(layout="new")),
    "origin": ("outcome", lambda line: line["sample"].update(origin="new")),
}


@pytest.mark.parametrize("place", [*IGNORED, *REFUSED])
def test_what_is_unknown_is_ignored_or_refused_as_the_page_says(place: str, tmp_path: Path) -> None:
    kind, change = {**IGNORED, **REFUSED}[place]
    line = example(kind)
    change(line)
    header, outcome, trial, footer = (
        line if kind == other else example(other) for other in ("header", "outcome", "trial", "footer")
    )
    journal = [header, outcome, closed(outcome), trial, footer]
    path = written(journal, tmp_path / "journal")
    if place in IGNORED:
        read(path)
        return
    with pytest.raises(BadJournal, match=r"journal:[24]: not an outcome line"):
        read(path)


def test_every_key_of_a_line_is_documented(tmp_path: Path) -> None:
    with JournalWriter(tmp_path / "journal", {}) as writer:
        writer.close()
    ours = {key for line in (tmp_path / "journal").read_text("utf-8").splitlines() for key in json.loads(line)}
    optional = {"minimised", "breaks", "cause", "parts", "numeric", "hung"}
    ours |= {key for record in everything() for key in record_json(record)} | optional
    ours |= {f.name for f in fields(FirstWrongPass)}
    ours |= {f.name for cls in (Cause, Cut, Signature) for f in fields(cls)} | {*FOUND, *LEVELS}
    ours |= set(mutant_json(replace(mutant_restore(example("trial")), sample="{}", share=0.5)))
    assert ours - documented() == set()


def test_every_value_of_an_outcome_is_documented() -> None:
    ours = {*STAGES, *MUTANT_STATUSES, *(cls.__name__ for cls in OUTCOMES)}
    ours |= {field.name for cls in OUTCOMES for field in fields(cls)}
    assert ours - documented() == set()


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "docs" / "verdicts.md"], ids=name)
def test_unexecuted_means_in_the_documents_what_the_legends_say(page: Path) -> None:
    """A sample whose text crossed versions may not even be lowered; all pages take the words of the status."""
    assert f"| {UNEXECUTED.meaning} (version skew" in page.read_text("utf-8")
    assert "lowered" not in UNEXECUTED.meaning
