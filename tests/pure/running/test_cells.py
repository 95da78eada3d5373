from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from harness.cases.case import Draw, OpCase
from harness.cases.plain import plain_call
from harness.cases.profile import Profile
from harness.cases.sample import Mode, Sample, tensors
from harness.errors import UnknownName
from harness.records.outcome import (
    Blocked,
    Crashed,
    Excluded,
    FirstWrongPass,
    Outcome,
    Passed,
    Result,
    Stage,
    TimedOut,
    Unsupported,
    Wrong,
)
from harness.running.cells import Cell, Selection, cells
from harness.running.runner import Runner
from harness.running.sources import Census, FromOpinfo
from tests.samples import relu

PASSED = Passed(0.1, ("x",))
REFUSED = Unsupported("lower", "no", "torch.aten.relu")
WRONG = Wrong("value", "m", 0, "x")
SIZE = Profile(name="test", first=3, others=1, minimise_seconds=5, minimise_total=5)


def case(op: str = "aten.relu.default", **more: object) -> OpCase:
    own = {"inputs": lambda d: {"self": d.tensor(d.shape(0, 2))}, "dtypes": ("f32", "i32")}
    return OpCase(op=op, **(own | more))  # type: ignore[arg-type]


CATALOG = {"activation": (case(), case("aten.relu6.default")), "other": (case("prims.sqrt.default"),)}
BACKENDS = ("linalg", "tosa", "control")


def names(family: str = "activation", **wanted: tuple[str, ...]) -> list[str]:
    return [cell.name for cell in cells(family, CATALOG[family], BACKENDS, Selection(**wanted), SIZE)]


# selecting ------------------------------------------------------------------------------------------------------------


def test_all_cells_of_a_family() -> None:
    assert len(names()) == 2 * 2 * 2 * 3


def test_the_backends_are_innermost_so_that_they_share_the_frontend() -> None:
    assert names()[:4] == [
        "aten.relu.default[linalg-static-f32]",
        "aten.relu.default[tosa-static-f32]",
        "aten.relu.default[control-static-f32]",
        "aten.relu.default[linalg-dynamic-f32]",
    ]


def test_the_frontend_is_first_so_that_the_backends_find_what_it_made() -> None:
    for wanted in (Selection(), Selection(backends=("tosa", "frontend"))):
        found = [c.name for c in cells("f", [case()], ("tosa", "control", "frontend"), wanted, SIZE)]
        assert found[:2] == ["aten.relu.default[frontend-static-f32]", "aten.relu.default[tosa-static-f32]"]


def test_a_selection_is_the_intersection_of_its_parts() -> None:
    found = names(ops=("aten.relu.*",), backends=("tosa",), modes=("dynamic",), dtypes=("i32",))
    assert found == ["aten.relu.default[tosa-dynamic-i32]"]


def test_a_profile_may_leave_dtypes_out_of_the_dynamic_cells() -> None:
    few = replace(SIZE, dynamic_others=0)
    found = [c.name for c in cells("f", [case()], ("tosa",), Selection(), few)]
    assert [n.partition("[")[2] for n in found] == ["tosa-static-f32]", "tosa-dynamic-f32]", "tosa-static-i32]"]


def test_a_dtype_that_is_asked_for_has_all_its_cells_whatever_the_profile() -> None:
    few = replace(SIZE, dynamic_others=0)
    assert len(list(cells("f", [case()], ("tosa",), Selection(dtypes=("i32",)), few))) == 2


def test_globs_of_ops() -> None:
    assert {n.partition("[")[0] for n in names(ops=("aten.relu*",))} == {"aten.relu.default", "aten.relu6.default"}
    assert names("other", ops=("aten.*",)) == []


def test_a_static_only_case_has_no_dynamic_cells() -> None:
    found = cells("f", [case(static_only="reason")], BACKENDS, Selection(), SIZE)
    assert {cell.mode for cell in found} == {"static"}


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (Selection(ops=("aten.relu",)), "unknown op 'aten.relu'.*did you mean aten.relu"),
        (Selection(ops=("aten.relu.default", "aten.zzz*")), "unknown op 'aten.zzz"),
        (Selection(backends=("toss",)), "unknown backend 'toss'; did you mean tosa"),
        (Selection(modes=("dyn",)), "unknown mode 'dyn'; did you mean dynamic"),
        (Selection(dtypes=("float32",)), "unknown dtype 'float32'"),
    ],
)
def test_what_matches_nothing_is_an_error(wanted: Selection, said: str) -> None:
    with pytest.raises(UnknownName, match=said):
        wanted.check(CATALOG, BACKENDS)


def test_what_matches_is_none() -> None:
    Selection(ops=("aten.*",), backends=("tosa",), modes=("static",), dtypes=("bf16",)).check(CATALOG, BACKENDS)


# running --------------------------------------------------------------------------------------------------------------


def cell(backend: str = "tosa", **more: object) -> Cell:
    return Cell(family="activation", case=case(**more), backend=backend, mode="static", dtype="f32")  # type: ignore[arg-type]


def runner(judge: Callable[[Sample], Outcome], size: Profile = SIZE) -> tuple[Runner, list[tuple[str, str]]]:
    ran: list[tuple[str, str]] = []

    def run(sample: Sample, backend: str, *, short: Mapping[Stage, str]) -> Result:
        ran.append((sample.id, backend))
        return Result(outcome=judge(sample), seconds={"lower": 0.1}, reached=("torch.aten.relu",))

    return Runner(run, (Census(size, 0),), size, seed=0), ran


def elements(sample: Sample) -> int:
    total = 1
    for n in tensors(sample.args)[0].shape(sample.sizes):
        total *= n
    return total


def test_every_sample_of_the_census_is_recorded_in_order() -> None:
    run, ran = runner(lambda s: PASSED)
    found = list(run.records(cell()))
    assert [r.id for r in found] == [i for i, _ in ran]
    assert len(found) > 3
    first = found[0]
    assert (first.op, first.family, first.backend, first.mode, first.dtype) == (
        "aten.relu.default", "activation", "tosa", "static", "f32",
    )  # fmt: skip
    assert first.traits
    assert first.reached == ("torch.aten.relu",)
    assert first.seconds == {"lower": 0.1}


def test_what_only_running_shows_is_recorded_beside_the_samples_own_traits() -> None:
    found = Result(outcome=PASSED, numeric="linear(n)", traits=("accumulates=own",))
    run = Runner(lambda sample, backend, *, short: found, (Census(SIZE, 0),), SIZE, seed=0)
    for record in run.records(cell()):
        assert record.numeric == "linear(n)"
        assert record.traits == tuple(sorted(record.traits))
        assert {"accumulates=own", "dtype=f32"} < set(record.traits)


def test_all_backends_get_the_same_samples() -> None:
    run, _ = runner(lambda s: PASSED)
    assert [r.id for r in run.records(cell("tosa"))] == [r.id for r in run.records(cell("linalg"))]


def test_a_cell_that_draws_nothing_is_excluded_and_says_why() -> None:
    run, ran = runner(lambda s: PASSED)
    empty = replace(cell(), case=OpCase(op="aten.x.y", inputs=lambda d: {"self": d.tensor()}), mode="dynamic")
    found = list(run.records(empty))
    assert [r.outcome for r in found] == [Excluded("the case draws no sample with a dynamic dim")]
    assert found[0].sample is None
    assert ran == []


@pytest.mark.parametrize("outcome", [WRONG, Crashed("lower", "SIGSEGV", "")])
def test_wrong_and_crashed_samples_are_minimised(outcome: Outcome) -> None:
    run, _ = runner(lambda s: outcome if elements(s) > 1 else PASSED)
    found = list(run.records(cell()))
    small = [r for r in found if r.minimised and not r.without]
    assert len(small) == 1
    assert small[0].sample is not None
    assert elements(small[0].sample) == 2
    assert small[0].minimised in {r.id for r in found if not r.minimised}
    assert found[-1] is small[0]


def test_refused_samples_are_not_minimised() -> None:
    run, ran = runner(lambda s: Unsupported("lower", "no", None))
    assert len(list(run.records(cell()))) == len(ran)


def test_the_same_failure_is_minimised_once_per_op_and_mode() -> None:
    run, _ = runner(lambda s: WRONG if elements(s) > 1 else PASSED)
    assert any(r.minimised for r in run.records(cell()))
    assert not any(r.minimised and not r.without for r in run.records(replace(cell(), dtype="i32")))
    assert any(r.minimised for r in run.records(cell("linalg")))


def test_failures_of_two_kinds_are_minimised_each() -> None:
    crash = Crashed("lower", "SIGSEGV", "")
    run, _ = runner(lambda s: WRONG if elements(s) > 1 else crash, replace(SIZE, first=9))
    found = list(run.records(cell()))
    kinds = {type(r.outcome) for r in found}
    assert kinds == {Wrong, Crashed}
    least = {k: min(elements(r.sample) for r in found if r.sample and isinstance(r.outcome, k)) for k in kinds}
    assert least[Crashed] == 0
    assert least[Wrong] in (2, 3)


def test_a_minimised_sample_fails_like_the_one_it_comes_from() -> None:
    run, _ = runner(lambda s: WRONG if elements(s) > 5 else replace(WRONG, kind="shape") if elements(s) > 2 else PASSED)
    for record in run.records(cell()):
        if record.minimised and record.outcome == WRONG:
            assert record.sample is not None
            assert elements(record.sample) > 5


def test_the_quick_profile_minimises_nothing() -> None:
    run, ran = runner(lambda s: WRONG, replace(SIZE, minimise_seconds=0, minimise_total=0))
    assert len(list(run.records(cell()))) == len(ran)


def test_the_time_to_minimise_is_shared() -> None:
    run, _ = runner(lambda s: WRONG if elements(s) > 1 else PASSED)
    run.minimise_left = 0
    assert not any(r.minimised and not r.without for r in run.records(cell()))


def test_the_name_of_a_cell_is_how_people_select_it() -> None:
    assert cell().name == "aten.relu.default[tosa-static-f32]"


# what has to be dynamic -----------------------------------------------------------------------------------------------


def two_dims(d: Draw) -> dict[str, object]:
    return {"self": d.tensor((d.size("n"), d.size("m")))}


def blamed(fails: Callable[[Sample], bool], size: Profile = SIZE) -> set[str | None]:
    """What the dynamic cell's failures are put down to."""
    run, _ = runner(lambda s: REFUSED if fails(s) else PASSED, size)
    found = list(run.records(replace(cell(inputs=two_dims), mode="dynamic")))
    assert any(r.sample and len(r.sample.dynamic) == 2 for r in found)
    assert all(r.breaks is None for r in found if isinstance(r.outcome, Passed))
    return {r.breaks for r in found if not isinstance(r.outcome, Passed)}


def test_a_failure_names_the_dim_that_must_be_dynamic() -> None:
    assert blamed(lambda s: "m" in s.dynamic) == {"m"}


def test_a_failure_of_the_static_twin_too_is_put_down_to_no_dim() -> None:
    assert blamed(lambda s: True) == {"nothing"}


def test_a_failure_that_no_dim_shows_alone_takes_them_together() -> None:
    assert blamed(lambda s: len(s.dynamic) == 2) == {"n+m"}


def test_nothing_is_looked_into_where_the_profile_does_not_blame() -> None:
    assert blamed(lambda s: True, replace(SIZE, blames=False)) == {None}


def test_what_was_found_out_once_is_not_run_again() -> None:
    run, ran = runner(lambda s: REFUSED)
    one = replace(cell(inputs=two_dims), mode="dynamic")
    list(run.records(one))
    before = len(ran)
    again = list(run.records(one))
    assert len(ran) - before == len(again)


def test_the_static_twin_of_a_wrong_sample_has_the_sizes_it_was_wrong_at() -> None:
    twins: list[Sample] = []

    def judge(sample: Sample) -> Outcome:
        if sample.mode == "static":
            twins.append(sample)
        return Wrong("value", "no", 0, "x", sizes={"n": 0, "m": 0})

    run, _ = runner(judge)
    list(run.records(replace(cell(inputs=two_dims), mode="dynamic")))
    assert twins
    assert all(dict(t.sizes) == {"n": 0, "m": 0} == dict(t.runs[0]) for t in twins)


# the plain call -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["static", "dynamic"])
def test_the_plain_call_is_marked_in_the_cell_of_the_first_dtype_alone(mode: Mode) -> None:
    def marked(dtype: str) -> list[Sample | None]:
        run, _ = runner(lambda s: PASSED)
        return [r.sample for r in run.records(replace(cell(inputs=two_dims), mode=mode, dtype=dtype)) if r.plain]

    assert marked("f32") == [plain_call(case(inputs=two_dims), mode)]
    assert marked("i32") == []


def test_a_minimised_plain_call_is_no_plain_call() -> None:
    run, _ = runner(lambda s: WRONG if all(n > 2 for t in tensors(s.args) for n in t.shape(s.sizes)) else PASSED)
    found = run.records(cell(inputs=two_dims))
    assert [r.plain for r in found if r.minimised]
    assert not any(r.plain for r in found if r.minimised)


# where wrong samples part from eager ----------------------------------------------------------------------------------

PARTS = FirstWrongPass(right="a", wrong="b", message="m")


def looked_into(
    *cells: Cell, outcome: Outcome = WRONG, size: Profile = SIZE
) -> tuple[list[Sample], list[FirstWrongPass]]:
    """The samples that are run again for it, and what the records say."""
    again: list[Sample] = []

    def part(sample: Sample, backend: str, *, short: Mapping[Stage, str]) -> Result:
        again.append(sample)
        return Result(outcome=outcome, first_wrong_pass=PARTS)

    run, _ = runner(lambda s: outcome, replace(size, minimise_seconds=0))
    run.find_pass = part
    return again, [record.first_wrong_pass for one in cells for record in run.records(one) if record.first_wrong_pass]


def test_the_first_wrong_sample_of_an_op_and_mode_is_looked_into() -> None:
    again, said = looked_into(cell(), replace(cell(), dtype="i32"))
    assert len(again) == 1
    assert said == [PARTS]
    assert len(looked_into(cell(), cell("linalg"))[0]) == 2


def test_nothing_is_looked_into_but_what_is_wrong_on_a_backend_where_the_profile_blames() -> None:
    assert looked_into(cell(), outcome=REFUSED) == ([], [])
    assert looked_into(cell("control")) == ([], [])
    assert looked_into(cell(), size=replace(SIZE, blames=False)) == ([], [])


# OpInfo's samples -----------------------------------------------------------------------------------------------------


def test_samples_of_opinfo_are_static_as_many_as_wanted_and_every_rejected_one() -> None:
    taken = tuple(replace(relu(n), origin="opinfo") for n in range(5))
    rejected = tuple(replace(relu(n), origin="rejected") for n in range(7, 9))
    source = FromOpinfo({"aten.relu.default": {"f32": taken + rejected}}, replace(SIZE, opinfo=2))
    assert source(cell()) == (*taken[:2], *rejected)
    assert source(replace(cell(), mode="dynamic")) == ()
    assert source(replace(cell(), dtype="f64")) == ()


def test_samples_of_opinfo_are_run_and_not_minimised() -> None:
    taken = (replace(relu(3), origin="opinfo"),)
    source = FromOpinfo({"aten.relu.default": {"f32": taken}}, SIZE)
    wrong = Wrong("value", "no", 0, "x")
    run = Runner(
        lambda s, b, *, short: Result(outcome=wrong), (source,), replace(SIZE, minimise_seconds=5, minimise_total=5), 0
    )
    assert [(r.sample, r.minimised) for r in run.records(cell())] == [(taken[0], None)]


# what does not end ----------------------------------------------------------------------------------------------------


def hanging(stage: Stage) -> list[str]:
    """The backends on which the samples of a cell were run, one after the other, where each hangs at this stage."""
    run, ran = runner(lambda s: TimedOut(stage, 30.0))
    for backend in ("linalg", "tosa", "control"):
        late = Blocked if stage == "contract" and backend != "control" else TimedOut
        assert all(isinstance(r.outcome, late) for r in run.records(cell(backend)))
    return list(dict.fromkeys(backend for _, backend in ran))


def test_what_does_not_end_before_any_backend_is_waited_for_once() -> None:
    assert hanging("contract") == ["linalg", "control"]


def test_what_does_not_end_in_a_backend_says_nothing_of_the_others() -> None:
    assert hanging("lower") == ["linalg", "tosa", "control"]
