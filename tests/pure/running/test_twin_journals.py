"""Two journals of one run, with made-up compilers."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from harness.cases.road import Road
from harness.programs.compiler import Compiler
from harness.records.journal import Record, dumped
from harness.records.journal_file import read
from harness.records.outcome import Outcome, Passed, Unsupported
from harness.running.budget import Budget
from harness.running.cells import Cell
from harness.running.compiler_process import Cells, CompilerProcess, Measured
from harness.running.confirmation import Pair
from harness.running.twin_journals import TwinJournals
from op_suites import catalog
from tests.samples import relu

OPS = ("aten.relu.default", "aten.sigmoid.default")


class MadeUp:
    """A compiler with which every cell has one sample that comes to this end; it notes what was asked and when."""

    def __init__(self, spec: str, outcome: Outcome, asked: list[str]) -> None:
        self.compiler = Compiler(spec)
        self._outcome = outcome
        self._asked = asked
        self._job: Cells | None = None

    def send(self, job: Cells) -> None:
        self._asked.append(f"{self.compiler.spec} {job.names[0][1]}")
        self._job = job

    def answer(self) -> Measured:
        assert self._job
        cells = [([self._line(*name)], 0.5) for name in self._job.names]
        return Measured(cells, {"kind": "toolchain", "worker": "main", "element_types": {"tosa": {}}})

    def _line(self, family: str, op: str, backend: str, mode: Any, dtype: str, road: Road) -> str:
        record = Record(
            op=op,
            family=family,
            backend=backend,
            mode=mode,
            dtype=dtype,
            road=road,
            outcome=self._outcome,
            sample=relu(),
        )
        return dumped(record)


def cells(op: str) -> list[Cell]:
    case = next(c for cases in catalog().values() for c in cases if c.op == op)
    backends = ("linalg", "tosa")
    return [Cell(family="activation", case=case, backend=name, mode="static", dtype="f32") for name in backends]


@pytest.fixture
def asked() -> list[str]:
    return []


@pytest.fixture
def twins(tmp_path: Path, asked: list[str]) -> TwinJournals:
    refused = Unsupported("lower", "no", "torch.aten.relu")
    one, other = MadeUp("one", Passed(0.0, ("eager",)), asked), MadeUp("other", refused, asked)
    pair = Pair(cast(CompilerProcess, one), cast(CompilerProcess, other))
    return TwinJournals(pair, tmp_path, lambda spec: {"run": spec, "options": {"torch_mlir": spec}, "frontend": True})


def test_both_measure_the_same_op_by_op(twins: TwinJournals, asked: list[str]) -> None:
    told: list[tuple[int, int]] = []
    twins.measure([cells(op) for op in OPS], Budget(), lambda done, of: told.append((done, of)))
    twins.close()
    assert asked == [f"{spec} {op}" for op in OPS for spec in ("one", "other")]
    assert told == [(2, 4), (4, 4)]
    journals = [read(path) for path in twins.paths]
    assert [journal.header["options"]["torch_mlir"] for journal in journals] == ["one", "other"]
    assert [journal.header["element_types"] for journal in journals] == [{"tosa": {}}] * 2
    assert all(journal.complete and len(journal.records) == 4 for journal in journals)
    assert [len(journal.toolchains) for journal in journals] == [1, 1]


def test_what_the_budget_does_not_reach_is_missing_and_named(
    twins: TwinJournals, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = iter([1.0, -1.0])
    monkeypatch.setattr(Budget, "left", lambda self, share: next(left))
    twins.measure([cells(op) for op in OPS], Budget(), lambda done, of: None)
    twins.close()
    assert [of_op[0].case.op for of_op in twins.left] == [OPS[1]]
    journal = read(twins.paths[0])
    assert not journal.complete
    assert journal.footer and journal.footer["missing"] == 2


def test_a_run_that_fails_before_it_has_measured_anything_overwrites_nothing(twins: TwinJournals) -> None:
    for path in twins.paths:
        path.write_bytes(b"of an earlier run")
    with twins:
        twins.measure([cells(OPS[0])], Budget(0), lambda done, of: None)
    assert {path.read_bytes() for path in twins.paths} == {b"of an earlier run"}
    assert len(list(twins.paths[0].parent.iterdir())) == 2
