from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from harness.cases.case import Draw, OpCase
from harness.cases.explicit import NAN, example, tensor
from harness.cases.literal import elements
from harness.cases.other_samples import with_values
from harness.cases.profile import Profile
from harness.cases.sample import DtypeArg, Mode, Sample, tensors
from harness.records.journal import Record
from harness.records.outcome import Crashed, Excluded, HarnessError, Outcome, Passed, Result, Stage, Unsupported, Wrong
from harness.records.severity import excuses, severity
from harness.running.cells import Cell
from harness.running.retries import retries, without
from harness.running.runner import Runner
from harness.running.sources import Census

PASSED = Passed(0.1, ("x",))
WRONG = Wrong("value", "m", 0, "x")
SIZE = Profile(name="test", first=6, others=6)


def inputs(d: Draw) -> Mapping[str, Any]:
    return {"self": d.tensor(d.shape(1, 3))}


CASE = OpCase(op="aten.relu.default", inputs=inputs, dtypes=("f32", "f64"))


def found(judge: Callable[[Sample], Outcome], dtype: str = "f32", backend: str = "tosa", **more: Any) -> list[Record]:
    """The records of a cell on which each sample has the outcome that `judge` says."""

    def run(sample: Sample, backend: str, *, short: Mapping[Stage, str]) -> Result:
        return Result(outcome=judge(sample))

    mode: Mode = more.pop("mode", "static")
    cell = Cell(family="f", case=replace(CASE, **more), backend=backend, mode=mode, dtype=dtype)
    return list(Runner(run, (Census(SIZE, 0),), SIZE, 0).records(cell))


def again(records: list[Record]) -> dict[str, list[Record]]:
    """The records of samples that were run again, by what they lack."""
    out: dict[str, list[Record]] = {}
    for record in records:
        if record.without:
            out.setdefault(record.without, []).append(record)
    return out


def least(sample: Sample) -> int:
    return min((n for t in tensors(sample.args) for n in t.shape(sample.sizes)), default=0)


def is_wrong_for_nan(sample: Sample) -> Outcome:
    return WRONG if sample.values == "nonfinite" else PASSED


def is_wrong_for_small(sample: Sample) -> Outcome:
    return WRONG if least(sample) < 2 else PASSED


# which samples are run again ------------------------------------------------------------------------------------------


def test_a_rare_dtype_with_nan_is_run_again_in_the_first_dtype() -> None:
    records = found(is_wrong_for_nan, "f64")
    lacking = again(records)
    (common,) = lacking["rare"]
    assert common.sample is not None and common.sample.dtype == "f32" and common.sample.values == "nonfinite"
    assert isinstance(common.outcome, Wrong) and common.dtype == "f64"
    assert severity(common, None) == "nonfinite"


def test_what_the_census_has_run_is_not_run_again() -> None:
    """The same program with ordinary values is there already."""
    assert "nonfinite" not in again(found(is_wrong_for_nan))


def test_a_size_of_one_is_made_larger_where_it_can_be() -> None:
    for larger in again(found(is_wrong_for_small))["degenerate"]:
        assert larger.sample is not None and least(larger.sample) >= 2
        assert larger.outcome == PASSED


def test_a_dynamic_sample_runs_again_at_its_larger_sizes_alone() -> None:
    def judge(sample: Sample) -> Outcome:
        return Crashed("execute", "SIGSEGV", "") if any(0 in run.values() for run in sample.runs) else PASSED

    for record in again(found(judge, mode="dynamic"))["degenerate"]:
        assert record.sample is not None
        assert min(n for run in record.sample.runs for n in run.values()) >= 2


def test_each_way_of_failing_is_tried_once_per_set_of_excuses() -> None:
    records = found(lambda s: WRONG, "f64")
    kinds = [(r.without, r.sample.values, least(r.sample) < 2) for r in records if r.without and r.sample]
    assert len(kinds) == len(set(kinds))


def test_such_a_line_names_the_sample_that_it_repeats() -> None:
    records = found(is_wrong_for_small)
    ids = {r.id for r in records if not r.minimised}
    assert all(r.minimised in ids for r in records if r.without)


@pytest.mark.parametrize("outcome", [Excluded("no"), HarnessError("trace")])
def test_what_the_case_would_not_draw_may_be_refused(outcome: Outcome) -> None:
    drawn = {r.id for r in found(lambda s: PASSED)}
    assert again(found(lambda s: is_wrong_for_small(s) if s.id in drawn else outcome)) == {}


def test_nothing_is_run_again_but_for_wrong_and_crashing_samples_of_backends() -> None:
    assert again(found(lambda s: Unsupported("lower", "no", None), "f64")) == {}
    assert again(found(is_wrong_for_small, backend="control")) == {}


# what is taken away ---------------------------------------------------------------------------------------------------


def wrong(sample: Sample) -> Record:
    fields = {"op": sample.op, "family": "f", "backend": "tosa", "mode": sample.mode, "dtype": sample.dtype}
    return Record(**fields, outcome=WRONG, sample=sample)


def test_an_argument_that_names_a_dtype_keeps_the_sample_as_it_is() -> None:
    case = replace(CASE, inputs=lambda d: {**inputs(d), "dtype": DtypeArg("f64")})
    sample = Census(SIZE, 0)(Cell(family="f", case=case, backend="tosa", mode="static", dtype="f64"))[0]
    assert without(case, wrong(sample), "rare", None) is None


def test_a_rank_of_zero_cannot_be_taken_away() -> None:
    case = replace(CASE, inputs=lambda d: {"self": d.tensor()})
    sample = Census(SIZE, 0)(Cell(family="f", case=case, backend="tosa", mode="static", dtype="f32"))[0]
    assert excuses(wrong(sample), None) == ("degenerate",)
    assert list(retries(case, [wrong(sample)])) == []


def test_what_takes_long_to_fail_is_not_run_again() -> None:
    drawn = Census(SIZE, 0)(Cell(family="f", case=CASE, backend="tosa", mode="static", dtype="f32"))
    nonfinite = wrong(next(s for s in drawn if s.values == "nonfinite"))
    assert len(list(retries(CASE, [replace(nonfinite, seconds={"lower": 4.0, "execute": 0.5})]))) == 1
    slow = replace(nonfinite, seconds={"lower": 4.0, "execute": 1.5})
    assert nonfinite.sample
    known = wrong(with_values(nonfinite.sample, "extreme"))  # of a program that was not run again: no time was spent
    assert list(retries(CASE, [slow, known])) == []
    assert list(retries(CASE, [known])) != []


# explicit samples -----------------------------------------------------------------------------------------------------


def test_an_explicit_sample_is_run_again_without_its_nan() -> None:
    given = example(self=tensor([2.0, NAN, 1.0], dims=("n",)))
    records = found(lambda s: WRONG if s.origin == "explicit" else PASSED, examples=(given,))
    (last,) = again(records)["nonfinite"]
    assert last.sample
    assert elements(tensors(last.sample.args)[0]) == [2.0, 3.0, 1.0]
    assert severity(last, None) == "ordinary"


def test_an_explicit_sample_is_run_again_in_a_common_dtype_that_holds_its_elements() -> None:
    for values, same in (([2.0, 0.5], [2.0, 0.5]), ([1e300, 1.0], None)):
        given = example(self=tensor(values, "f64"))
        records = found(lambda s: WRONG if s.origin == "explicit" else PASSED, "f64", examples=(given,))
        shown = [elements(tensors(r.sample.args)[0]) for r in again(records).get("rare", ()) if r.sample]
        assert shown == ([same] if same else [])
