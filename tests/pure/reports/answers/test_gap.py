from __future__ import annotations

from dataclasses import replace

from harness.cases.sample import Origin
from harness.records.journal import Record
from harness.records.outcome import Excluded, Outcome, Passed, Unsupported, Wrong
from reports.answers.gap import as_json, as_text, compare
from reports.index.index import Index
from tests import synthetic
from tests.samples import relu

PASSED = Passed(0.1, ("x",))
WRONG = Wrong("value", "no", 0, "x")
REFUSED = Unsupported("lower", "no", "torch.aten.relu")


def record(origin: Origin, outcome: Outcome, dtype: str = "f32", backend: str = "tosa", seed: int = 0) -> Record:
    sample = replace(relu(dtype=dtype, seed=seed), origin=origin)
    return Record(op=sample.op, family="f", backend=backend, mode="static", dtype=dtype, outcome=outcome, sample=sample)


def index(*records: Record) -> Index:
    return synthetic.index(records)


def test_a_gap_is_a_class_that_only_opinfo_shows() -> None:
    wrong = record("opinfo", WRONG)
    found = compare(index(record("census", PASSED), wrong, record("opinfo", PASSED, seed=1)))
    assert (found.compared, found.agree, found.census_shows_more) == (1, 0, 0)
    assert [(g.census, g.opinfo, g.sample) for g in found.gaps] == [("Passed", "Wrong", wrong.id)]
    assert "opcov repro" in as_text(found)
    assert as_json(found)["gaps"][0]["op"] == "aten.relu.default"


def test_a_class_that_the_census_has_among_others_is_no_gap() -> None:
    found = compare(index(record("census", WRONG), record("census", REFUSED, seed=1), record("opinfo", REFUSED)))
    assert (found.gaps, found.census_shows_more) == ((), 1)


def test_explicit_samples_are_the_cases_and_what_is_kept_of_opinfo_is_of_neither() -> None:
    found = compare(
        index(record("explicit", WRONG), record("picked", REFUSED, seed=1), record("opinfo", WRONG, seed=2))
    )
    assert (found.compared, found.agree, found.gaps) == (1, 1, ())
    assert compare(index(record("census", PASSED), record("picked", WRONG, seed=1))).compared == 0


def test_cells_of_one_source_and_excluded_samples_are_not_compared() -> None:
    found = compare(
        index(record("census", PASSED), record("census", PASSED, "f64"), record("opinfo", Excluded("no"), "f64"))
    )
    assert found.compared == 0


def test_a_sample_that_eager_rejects_counts_once_and_says_if_export_takes_it() -> None:
    taken, refused = Excluded("eager refuses: x; export takes it"), Excluded("eager refuses: x; export refuses it too")
    twice = [record("rejected", taken, backend=backend) for backend in ("tosa", "linalg")]
    found = compare(index(*twice, record("rejected", refused, seed=1)))
    assert (found.rejected, len(found.accepted)) == (2, 1)
    assert "export takes it" in as_text(found)
