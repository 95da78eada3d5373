"""Journals from before the frontend had records of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from harness.records.journal import Record
from harness.records.outcome import (
    Blocked,
    Crashed,
    Excluded,
    HarnessError,
    Invalid,
    NotExported,
    NotRun,
    Outcome,
    Reached,
    TimedOut,
    Unsupported,
    Wrong,
)
from reports.fold.cell import Column
from reports.fold.matrix import load
from reports.fold.status import BLOCKED, INVALID, PASS
from tests.synthetic import HEADER, PASSED, index, record, sample

OP = "aten.add.Tensor"
OLD = {key: value for key, value in HEADER.items() if key != "frontend"}
LACKS = 'error: failed to legalize operation \'torch.operator\': "torch.operator"(%0) <{name = "torch.aten.addmv"}>'
WRONG = Wrong("value", "m", 0, "x")
UNLIKE_EAGER = "torch's own decomposition is not what eager computes: out[0]"


def line(outcome: Outcome, backend: str = "tosa", size: int = 2) -> Record:
    return record(sample(OP, "f32", "static", (size,)), backend, outcome)


def read(records: Sequence[Record], **header: object) -> dict[str, list[Outcome]]:
    """The outcomes by backend, as a reader of the journal gets them."""
    found: dict[str, list[Outcome]] = {}
    for one in index(records, header={**OLD, **header}).records(OP).records:
        found.setdefault(one.backend, []).append(one.outcome)
    return found


@pytest.mark.parametrize(
    ("old", "front"),
    [
        (NotExported("export", "RuntimeError: no"), NotExported("export", "RuntimeError: no")),
        (
            NotExported("import", "KeyError: torch.uint64"),
            Unsupported("import", "KeyError: torch.uint64", "torch.uint64"),
        ),
        (NotExported("contract", LACKS), Unsupported("contract", LACKS, "torch.aten.addmv")),
        (
            NotExported("contract", "error: type of return operand 0"),
            Invalid("contract", "error: type of return operand 0"),
        ),
        (TimedOut("contract", 30.0), TimedOut("contract", 30.0)),
        (Crashed("import", "SIGSEGV", ""), Crashed("import", "SIGSEGV", "")),
    ],
    ids=lambda outcome: f"{type(outcome).__name__} at {outcome.stage}",
)
def test_what_stopped_before_the_backends_is_the_frontends_once(old: Outcome, front: Outcome) -> None:
    found = read([line(old, "linalg"), line(old, "tosa"), line(PASSED, "control")])
    stopped = Blocked(front.stage, type(front).__name__)
    assert found == {"frontend": [front], "linalg": [stopped], "tosa": [stopped], "control": [PASSED]}


@pytest.mark.parametrize(
    "outcome", [PASSED, WRONG, Unsupported("lower", "no", None), TimedOut("execute", 30.0)], ids=lambda o: o.stage
)
def test_what_came_further_reached_the_backends(outcome: Outcome) -> None:
    assert read([line(outcome)]) == {"frontend": [Reached()], "tosa": [outcome]}


def test_what_says_nothing_of_the_frontend_stays() -> None:
    for outcome in (Excluded("eager refuses"), NotRun("contract", 3.0, "x")):
        assert read([line(outcome)]) == {"frontend": [outcome], "tosa": [outcome]}
    error = HarnessError("Traceback")
    assert read([line(error)]) == {"tosa": [error]}


def test_a_backend_that_died_where_another_came_through_died_itself() -> None:
    died = Crashed("export", "SIGSEGV", "")
    found = read([line(died, "linalg"), line(PASSED, "tosa")])
    assert found == {"frontend": [Reached()], "linalg": [died], "tosa": [PASSED]}


def test_a_wrong_decomposition_that_one_backend_shows_is_the_frontends() -> None:
    found = read([line(PASSED, "linalg"), line(NotExported("export", UNLIKE_EAGER), "tosa")])
    assert found["frontend"] == [NotExported("export", UNLIKE_EAGER)]
    assert found["linalg"] == [PASSED]
    assert found["tosa"] == [Blocked("export", "NotExported")]


def test_the_control_keeps_its_records() -> None:
    refused = NotExported("export", "RuntimeError: no")
    assert read([line(refused, "control")]) == {"control": [refused]}


def test_minimised_records_have_no_sample_of_the_frontend() -> None:
    small = replace(line(WRONG, size=1), minimised=line(WRONG).id)
    assert read([line(WRONG), small]) == {"frontend": [Reached()], "tosa": [WRONG, WRONG]}


def test_a_journal_that_has_the_frontends_records_is_read_as_it_is() -> None:
    stopped = Blocked("contract", "Unsupported", "no")
    assert read([line(stopped)], frontend=True) == {"tosa": [stopped]}


def test_the_matrix_of_an_old_journal_has_the_frontends_columns() -> None:
    bad = NotExported("contract", "error: type of return operand 0")
    other = replace(sample("aten.mul.Tensor", "f32", "static", (2,)))
    made = index([line(bad), line(PASSED, "control"), record(other, "tosa", PASSED)], header=OLD)
    matrix = load(made)
    assert matrix.columns[0] == Column("frontend", "static")
    front, tosa = matrix.columns.index(Column("frontend", "static")), matrix.columns.index(Column("tosa", "static"))
    assert [matrix.row(OP).cells[at].status for at in (front, tosa)] == [INVALID, BLOCKED]
    assert [matrix.row(other.op).cells[at].status for at in (front, tosa)] == [PASS, PASS]
