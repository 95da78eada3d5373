from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.errors import OpcovError, UnknownName
from harness.records.cause import Cause
from harness.records.entry import End, Entry
from harness.records.journal import Record
from harness.records.outcome import Blocked, Outcome, Wrong
from harness.records.signature import Signature
from reports.answers.clusters import Cluster, clusters
from reports.answers.issue import Past, chosen, every, issue, versions
from reports.fold.diagnosis import NORMALISER
from reports.folds import FOLDS
from reports.index.history import PastRun, open_history
from reports.index.index import Index
from reports.index.writer import IndexWriter
from tests.causes import MANY, cause, line, refused
from tests.synthetic import FOOTER, HEADER, PASSED, blocks

SORT, SUM = "aten.sort.default", "aten.sum.default"
WRONG = Wrong("value", "out[0] = 1.0, but should be 2.0", 0, "llvm-jit")
SINCE = "1 cell: wrong since torch-mlir 2026-02-01, pass before (torch-mlir 2026-01-01)"
WAYS = {"pass": (), "wrong": (Signature("Wrong", "compare", kind="value"),)}


def index(records: Sequence[Record], causes: Sequence[Cause] = (), header: dict[str, Any] | None = None) -> Index:
    """The index of a journal, with its lines."""
    writer = IndexWriter(":memory:", FOLDS, header or HEADER)
    for block in blocks(records):
        writer.add(block)
    writer.note_causes(causes)
    return writer.flush(FOOTER)


def test_a_cluster_is_had_by_its_id() -> None:
    made = index([line(SORT, WRONG), line(SUM, refused("torch.aten.sum"))])
    for cluster in clusters(made, "tosa")[0].clusters:
        assert chosen(made, cluster.id, "j").id == cluster.id


@pytest.mark.parametrize(
    ("wanted", "what", "hint"),
    [
        (f"c{NORMALISER}-zzzzzzz", "unknown cluster", f"c{NORMALISER}-"),
        ("zzz", "unknown cluster", "`opcov clusters --limit 0` lists all"),
        (f"c{NORMALISER + 1}-0123456", f"by version {NORMALISER + 1} of the normaliser", "lists the ids of today"),
    ],
)
def test_an_unknown_cluster_is_an_error_that_says_what_to_type(wanted: str, what: str, hint: str) -> None:
    with pytest.raises(OpcovError) as error:
        chosen(index([line(SORT, WRONG)]), wanted, "j")
    assert what in error.value.what
    assert hint in error.value.hint


def test_a_journal_without_failures_has_no_issue() -> None:
    made = index([line(SORT, PASSED), line(SORT, WRONG, backend="linalg")])
    with pytest.raises(OpcovError, match="nothing fails on tosa in j, so there is no issue to write; `opcov matrix j`"):
        every(made, "tosa", "j")
    with pytest.raises(UnknownName, match="unknown backend"):
        every(made, "xla", "j")
    with pytest.raises(OpcovError, match="nothing fails in j"):
        chosen(index([line(SORT, PASSED)]), "c1-0123456", "j")


def only(records: Sequence[Record], **more: Any) -> Any:
    made = index(records, **more)
    (cluster,) = clusters(made, "tosa")[0].clusters
    return issue(made, cluster)


def test_what_other_backends_make_of_the_same_sample_is_told() -> None:
    found = only(
        [
            line(SORT, WRONG),
            line(SORT, PASSED, backend="linalg"),
            line(SORT, Blocked("contract", "Unsupported"), backend="stablehlo", reached=()),
            line(SORT, PASSED, backend="control"),
        ]
    )
    assert found.elsewhere[0].startswith("linalg: right")
    assert found.elsewhere[1].startswith("stablehlo: never reached")
    assert len(found.elsewhere) == 2


def test_where_others_did_not_run_the_sample_their_cell_is_told() -> None:
    found = only([line(SORT, WRONG, minimised="other"), line(SORT, PASSED, shape=(7,), backend="linalg")])
    assert found.elsewhere == ("linalg: not asked; 1 of 1 sample of this op, mode and dtype pass",)


def test_the_example_and_the_culprit_alone_are_those_of_the_cluster() -> None:
    through = line(SUM, WRONG, reached=MANY)
    found = only([through], causes=[cause(through, "torch.aten.mul.Tensor")])
    assert found.record == through
    assert found.cut and found.cut.ops == ("torch.aten.mul.Tensor",)


def test_versions_name_no_folder() -> None:
    made = index([line(SORT, WRONG)], header={**HEADER, "toolchain": {"python": "3.11.9", "platform": "linux x86_64"}})
    assert versions(made.run) == ("Python 3.11.9", "linux x86_64")


# since when -----------------------------------------------------------------------------------------------------------


def run(day: str, identity: str) -> PastRun:
    return PastRun(
        name=day, date=day, started=day, label=f"torch-mlir {day}", compiler=identity, identity=identity, code="c",
        sampling="s", executors=("llvm-jit",), cells=1,
    )  # fmt: skip


def entry(verdict: str, backend: str = "tosa") -> Entry:
    signatures = WAYS[verdict]
    end = End(verdict, 0 if signatures else 1, 1, signatures)
    return Entry(family="sorting", op=SORT, backend=backend, mode="static", dtype="f32", end=end, census="abc")


def cluster_of(outcome: Outcome) -> Cluster:
    (cluster,) = clusters(index([line(SORT, outcome)]), "tosa")[0].clusters
    return cluster


def past(tmp_path: Path, *verdicts: str) -> Past:
    with open_history(tmp_path / "history.sqlite", make=True) as history:
        for number, verdict in enumerate(verdicts, 1):
            history.record(run(f"2026-0{number}-01", f"compiler {number}"), [entry(verdict)])
        return Past(history)


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        (("pass", "wrong"), (SINCE,)),
        (("pass", "wrong", "wrong"), (SINCE,)),
        (("wrong", "wrong"),
         ("1 cell: not right in any of the 2 runs that were recorded, the oldest with torch-mlir 2026-01-01",)),
        (("wrong",), ()),
        (("pass", "pass"), ()),
    ],
)  # fmt: skip
def test_since_when_it_fails_is_told_if_the_history_knows(
    verdicts: Sequence[str], said: tuple[str, ...], tmp_path: Path
) -> None:
    assert past(tmp_path, *verdicts).since(cluster_of(WRONG)) == said
