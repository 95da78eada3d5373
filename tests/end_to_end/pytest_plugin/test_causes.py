"""A run that looks for causes after its cells, and `opcov causes` that does it once more, over one run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.records.added_causes import add_causes
from harness.records.journal_file import read
from harness.records.journal_writer import JournalWriter
from tests import miniatures
from tests.end_to_end.opcov import Done, job, lines, opcov

MUL = "torch.aten.mul.Tensor"
BACKENDS = ("planted-refusal", "planted-crash", "planted-lie")
OPS = ("aten.hardswish.default", "aten.relu.default", "aten.neg.default", "aten.abs.default")
"""The first one multiplies. The others pass: the longer a run, the more time it has for causes."""
CAUSES = {(name, (MUL,), True) for name in BACKENDS}
OPTIONS = ("--op", ",".join(OPS), "--dtype", "f32", "--mode", "static", "-p", "no:xdist")
OPTIONS += tuple(word for name in BACKENDS for word in ("--backend", name))


@pytest.fixture(scope="module")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return miniatures.install(tmp_path_factory.mktemp("plugins"), BACKENDS)


@pytest.fixture(scope="module")
def run(plugins: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Done, Path]:
    """A run of the profile default."""
    out = tmp_path_factory.mktemp("out")
    return job(*OPTIONS, out=out, plugins=plugins), out / "journal.jsonl.gz"


def test_the_run_names_the_op_with_the_fault_and_is_whole(run: tuple[Done, Path]) -> None:
    done, path = run
    assert done.returncode == 0, done.stdout
    found = read(path)
    named = [(cause.backend, cause.culprits, cause.unlocks) for cause in found.causes]
    assert named and set(named) <= CAUSES  # on a busy machine there is not time for all of them
    assert found.complete
    assert [line["kind"] for line in lines(path)][-len(named) - 1 :] == [*["cause"] * len(named), "footer"]
    assert sum(cause.seconds for cause in found.causes) < lines(path)[-1]["seconds"] / 5


def test_opcov_causes_finds_the_same_once_more(run: tuple[Done, Path], plugins: Path, tmp_path: Path) -> None:
    _, path = run
    told = opcov("causes", path, cwd=tmp_path, plugins=plugins)
    before = read(path)
    assert {(cause.backend, cause.culprits, cause.unlocks) for cause in before.causes} == CAUSES
    ways = len(before.causes)
    assert told.stdout.startswith(f"{ways} of {ways} ways of failing have a verified culprit"), told
    again = tmp_path / "again.jsonl.gz"
    toolchains = [line for line in lines(path) if line["kind"] == "toolchain"]
    with JournalWriter(again, before.header, (), toolchains) as writer:
        for line in (x for x in lines(path) if x["kind"] == "outcome"):
            writer.write_cell([json.dumps(line, separators=(",", ":"))])
        writer.close()
    add_causes(again, before.causes[:1])
    done = opcov("causes", again, "--json", cwd=tmp_path, plugins=plugins)
    assert done.returncode == 0, done.stderr
    assert sum(column["culprits"] for column in json.loads(done.stdout)["columns"]) == ways
    assert {(c.backend, c.culprits) for c in read(again).causes} == {(c.backend, c.culprits) for c in before.causes}
