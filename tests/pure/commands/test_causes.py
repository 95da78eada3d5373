"""`opcov causes` with a worker that is made up."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.commands import causes, cli
from harness.errors import Exit
from harness.records.journal_file import read
from harness.records.journal_writer import JournalWriter
from harness.records.outcome import Unsupported
from harness.records.toolchain import Loaded, Package
from harness.running.request import CutProgram, CutRequest, CutText
from tests.synthetic import HEADER, blocks, record, sample

REFUSED = Unsupported("lower", "no", "torch.aten.size.int")
LOADED = Loaded(packages={"torch_mlir": Package(path="/x", distribution="torch-mlir", version="1")})
OPS = ("aten.a.default", "aten.b.default", "aten.c.default")


class FakeSupervisor:
    """Every program has one op, so that nothing is run; `at` is called with the number of each program."""

    at: Callable[[int], None] = staticmethod(lambda number: None)
    loaded_now = LOADED
    asked = 0

    def __init__(self, backends: Any, limits: Any) -> None:
        type(self).asked = 0

    def loaded(self) -> Loaded:
        return self.loaded_now

    def cut(self, request: CutRequest) -> Any:
        if request.kept is None:
            type(self).asked += 1
            type(self).at(self.asked)
            return CutProgram(ops=("torch.aten.x",), ir="x")
        return CutText(ir="x", ops=("torch.aten.x",), values="v")

    def __enter__(self) -> FakeSupervisor:
        return self

    def __exit__(self, *_: object) -> None:
        pass


@pytest.fixture(autouse=True)
def fake(monkeypatch: pytest.MonkeyPatch) -> type[FakeSupervisor]:
    made = type("Fake", (FakeSupervisor,), {})
    monkeypatch.setattr(causes, "Supervisor", made)
    monkeypatch.setattr(causes, "use", lambda spec: None)
    return made


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    path = tmp_path / "j.jsonl.gz"
    with JournalWriter(path, HEADER) as writer:
        packages = {"torch_mlir": {"path": "/x", "distribution": "torch-mlir", "version": "1"}}
        writer.write_toolchain({"kind": "toolchain", "worker": "main", "packages": packages})
        for block in blocks([record(sample(op, "f32", "static", (2,)), "tosa", REFUSED) for op in OPS]):
            writer.write_cell(block.lines)
        writer.close()
    return path


def test_what_has_no_cause_is_cut_written_and_not_cut_again(
    journal: Path, capsys: pytest.CaptureFixture[str], fake: type[FakeSupervisor]
) -> None:
    assert cli.main(["causes", str(journal)]) == Exit.OK
    said = capsys.readouterr().out
    assert said.startswith("3 of 3 ways of failing have a verified culprit, 0 a composition; 0 have neither\n")
    assert f"written to {journal}: 3 causes" in said
    assert [cause.op for cause in read(journal).causes] == list(OPS)
    assert read(journal).complete
    assert cli.main(["causes", str(journal)]) == Exit.OK
    assert "written to" not in capsys.readouterr().out
    assert fake.asked == 3


def test_a_query_and_a_backend_say_which_failures_are_meant(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["causes", str(journal), "--where", "op:aten.b*", "--json"]) == Exit.OK
    assert json.loads(capsys.readouterr().out)["columns"][0]["ways"] == 1
    assert [cause.op for cause in read(journal).causes] == ["aten.b.default"]
    assert cli.main(["causes", str(journal), "--backend", "linalg"]) == Exit.USAGE
    assert "unknown backend 'linalg'" in capsys.readouterr().err


def test_ctrl_c_keeps_what_was_found_and_says_how_to_go_on(
    journal: Path, capsys: pytest.CaptureFixture[str], fake: type[FakeSupervisor]
) -> None:
    def interrupt(number: int) -> None:
        if number == 3:
            raise KeyboardInterrupt

    fake.at = staticmethod(interrupt)
    assert cli.main(["causes", str(journal)]) == Exit.FOUND
    assert "interrupted; type the command again to go on" in capsys.readouterr().err
    assert len(read(journal).causes) == 2


def test_a_budget_that_is_over_ends_it_in_time(
    journal: Path, capsys: pytest.CaptureFixture[str], fake: type[FakeSupervisor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.running.budget.Budget.left", lambda self, share=1.0: 0.0)
    assert cli.main(["causes", str(journal), "--budget", "10m"]) == Exit.OK
    assert "3 without a cause: no cause was looked for yet" in capsys.readouterr().out
    assert cli.main(["causes", str(journal), "--budget", "soon"]) == Exit.USAGE


def test_another_compiler_than_the_journals_is_refused_before_anything_is_cut(
    journal: Path, capsys: pytest.CaptureFixture[str], fake: type[FakeSupervisor]
) -> None:
    before = journal.read_bytes()
    fake.loaded_now = Loaded(packages={"torch_mlir": Package(path="/x", distribution="torch-mlir", version="2")})
    assert cli.main(["causes", str(journal)]) == Exit.ENVIRONMENT
    said = capsys.readouterr().err
    assert "was measured with torch-mlir 1, this would cut its programs with torch-mlir 2" in said
    assert "--torch-mlir SPEC" in said
    assert journal.read_bytes() == before
    assert fake.asked == 0


def test_a_journal_from_time_to_time_has_what_was_found(
    journal: Path, fake: type[FakeSupervisor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(causes, "SAVED", 0.0)
    written: list[int] = []
    fake.at = staticmethod(lambda number: written.append(len(read(journal).causes)))
    assert cli.main(["causes", str(journal)]) == Exit.OK
    assert written == [0, 1, 2]


def test_a_missing_journal_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["causes", str(tmp_path / "none")]) == Exit.DATA
    assert "cannot read journal" in capsys.readouterr().err
