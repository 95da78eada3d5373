"""Hangs: how long a runner waits in sum, and that what it remembers of an op can be restored from a journal."""

from __future__ import annotations

import functools
import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random

import pytest

from harness.cases.case import Draw, OpCase
from harness.cases.draw import census
from harness.cases.plain import plain_call
from harness.cases.profile import Profile
from harness.cases.sample import Mode, Sample
from harness.records.journal import Record, record_json, record_restore
from harness.records.outcome import (
    STAGES,
    Blocked,
    Crashed,
    FirstWrongPass,
    NotRun,
    Outcome,
    Passed,
    Result,
    Stage,
    TimedOut,
    Unsupported,
    Wrong,
)
from harness.running.cells import Cell
from harness.running.deadline import Deadline
from harness.running.runner import Runner
from tests.clocks import FakeClock

PASSED = Passed(0.1, ("x",))
WRONG = Wrong("value", "m", 0, "x")
REFUSED = Unsupported("lower", "no", "torch.aten.relu")
FULL, TENTH = 30.0, 3.0
SIZE = Profile(name="test", first=8, others=3)
BACKENDS = ("linalg", "tosa", "control")
HANG = math.inf

Plan = tuple[Outcome, Mapping[Stage, float]]
"""The outcome of a sample that ends, and how long its stages take, for those that take any time."""


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    return FakeClock.installed(monkeypatch)


@dataclass
class World:
    """Runs samples as planned, by the supervisor's rules, and counts what each backend was waited for."""

    clock: FakeClock
    plan: Callable[[Sample, str], Plan]
    waited: Counter[str] = field(default_factory=Counter)
    ran: list[tuple[str, str]] = field(default_factory=list)
    dies_at: int = -1

    def run(self, sample: Sample, backend: str, *, short: Mapping[Stage, str]) -> Result:
        if len(self.ran) == self.dies_at:
            raise KeyboardInterrupt
        self.ran.append((sample.program, backend))
        started = self.clock.now
        result = self._run(self.plan(sample, backend), backend, short)
        self.waited[backend] += round(self.clock.now - started)
        return result

    def _run(self, plan: Plan, backend: str, short: Mapping[Stage, str]) -> Result:
        outcome, seconds = plan
        deadline = Deadline(FULL, short)
        for stage in STAGES:
            if backend == "control" and stage in ("import", "contract"):
                continue  # the control starts from the exported program
            deadline.enter(stage)
            if seconds.get(stage, 0) > deadline.left():
                self.clock.now += deadline.left()
                late = deadline.outcome()
                hung = (stage,) if isinstance(late, TimedOut) else ()
                if stage == "execute" and isinstance(outcome, Passed) and outcome.dissent:
                    return Result(outcome=outcome, hung=hung, seconds=deadline.spent())
                return Result(outcome=late, hung=hung, seconds=deadline.spent())
            self.clock.now += seconds.get(stage, 0)
        return Result(outcome=outcome, seconds=deadline.spent())

    def find_pass(self, sample: Sample, backend: str, *, short: Mapping[Stage, str]) -> Result:
        result = self.run(sample, backend, short=short)
        return replace(result, first_wrong_pass=FirstWrongPass(right=None, wrong="p", message=sample.id))

    def runner(self, size: Profile = SIZE, **more: object) -> Runner:
        return Runner(self.run, (lambda cell: samples(cell, size),), size, 0, find_pass=self.find_pass, **more)  # type: ignore[arg-type]


@functools.cache
def drawn(op: str, dtype: str, mode: Mode, size: Profile) -> tuple[Sample, ...]:
    return census(case(op), dtype, mode, size, 0)


def samples(cell: Cell, size: Profile) -> tuple[Sample, ...]:
    return drawn(cell.case.op, cell.dtype, cell.mode, size)


def two_dims(d: Draw) -> dict[str, object]:
    return {"self": d.tensor((d.size("n"), d.size("m")))}


def case(op: str = "aten.relu.default") -> OpCase:
    return OpCase(op=op, inputs=two_dims, dtypes=("f32", "i32"))


def cells(op: str = "aten.relu.default", backends: Sequence[str] = BACKENDS) -> list[Cell]:
    """All cells of an op, in the order in which the main job runs them."""
    return [
        Cell(family="activation", case=case(op), backend=backend, mode=mode, dtype=dtype)
        for dtype in ("f32", "i32")
        for mode in case(op).modes()
        for backend in backends
    ]


def hangs(stage: Stage, *backends: str) -> Callable[[Sample, str], Plan]:
    """Every sample hangs at this stage, on these backends or on all."""
    return lambda sample, backend: (PASSED, {stage: HANG} if not backends or backend in backends else {})


def run_all(runner: Runner, of: Iterable[Cell]) -> list[Record]:
    return [record for cell in of for record in runner.records(cell)]


def programs(records: Iterable[Record]) -> int:
    return len({record.sample.program for record in records if record.sample})


def count(records: Iterable[Record]) -> dict[str, int]:
    return dict(Counter(type(record.outcome).__name__ for record in records))


# how long is waited ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", ["import", "contract"])
def test_a_stage_that_backends_share_costs_one_deadline_and_a_tenth_for_each_further_program(
    clock: FakeClock, stage: Stage
) -> None:
    world = World(clock, hangs(stage))
    found = run_all(world.runner(), cells())
    assert programs(found) > 8
    assert sum(world.waited.values()) == FULL + TENTH * (programs(found) - 1)
    by_backend = {b: count(r for r in found if r.backend == b) for b in BACKENDS}
    assert by_backend["linalg"] == by_backend["tosa"]
    assert set(by_backend["linalg"]) == {"Blocked", "NotRun"}
    assert set(by_backend["control"]) == {"Passed"}


def test_where_export_hangs_the_control_has_the_tenth_too_and_is_not_broken(clock: FakeClock) -> None:
    world = World(clock, hangs("export"))
    found = run_all(world.runner(), cells())
    assert sum(world.waited.values()) == FULL + TENTH * (programs(found) - 1) + TENTH * programs(found)
    assert world.waited["tosa"] == 0
    assert set(count(r for r in found if r.backend == "control")) == {"NotRun"}


@pytest.mark.parametrize("stage", ["lower", "verify"])
def test_a_backends_own_stage_costs_one_deadline_of_each_backend(clock: FakeClock, stage: Stage) -> None:
    world = World(clock, hangs(stage, "linalg", "tosa"))
    found = run_all(world.runner(), cells())
    expected = FULL + TENTH * (programs(found) - 1)
    assert world.waited == {"linalg": expected, "tosa": expected, "control": 0}


def test_in_execution_each_sample_is_waited_for_since_its_values_matter(clock: FakeClock) -> None:
    world = World(clock, hangs("execute", "tosa"))
    found = run_all(world.runner(), cells())
    samples = [r for r in found if r.backend == "tosa"]
    assert world.waited == {"linalg": 0, "tosa": FULL + TENTH * (len(samples) - 1), "control": 0}
    assert count(samples) == {"TimedOut": 1, "NotRun": len(samples) - 1}
    assert {r.outcome.after for r in samples if isinstance(r.outcome, NotRun)} == {samples[0].id}


def test_an_executor_that_hangs_where_another_one_is_right_is_waited_for_once(clock: FakeClock) -> None:
    right = replace(PASSED, dissent={"llvm-jit": "no result in 30 s"})
    world = World(clock, lambda sample, backend: (right, {"execute": HANG} if backend == "tosa" else {}))
    found = [r for r in run_all(world.runner(), cells()) if r.backend == "tosa"]
    assert count(found) == {"Passed": len(found)}
    assert world.waited["tosa"] == FULL + TENTH * (len(found) - 1)
    assert [r.hung for r in found] == [("execute",)] + [()] * (len(found) - 1)


def test_a_program_that_kills_the_lowering_is_lowered_once_on_that_backend(clock: FakeClock) -> None:
    death = Crashed("lower", "SIGABRT", "")
    world = World(clock, lambda sample, backend: (death if backend == "tosa" else PASSED, {"lower": 20.0}))
    found = [r for r in run_all(world.runner(replace(SIZE, blames=False)), cells()) if r.backend == "tosa"]
    assert {r.outcome for r in found} == {death}
    assert len(found) > programs(found)
    assert world.waited["tosa"] == 20 * programs(found)


@pytest.mark.parametrize("signal", ["memory limit", "SIGABRT (memory limit)"])
@pytest.mark.parametrize("seconds", [4.0, 20.0])
def test_a_stage_that_takes_long_to_reach_the_memory_limit_costs_that_once(
    clock: FakeClock, signal: str, seconds: float
) -> None:
    death = Crashed("lower", signal, "")
    world = World(clock, lambda sample, backend: (death if backend == "tosa" else PASSED, {"lower": seconds}))
    found = [r for r in run_all(world.runner(replace(SIZE, blames=False)), cells()) if r.backend == "tosa"]
    if seconds == 4.0:
        assert {r.outcome for r in found} == {death}
    else:
        assert world.waited["tosa"] == seconds + TENTH * (programs(found) - 1)
        assert set(count(found)) == {"Crashed", "NotRun"}


@pytest.mark.parametrize(("seconds", "minimised"), [(4.0, True), (6.0, False)])
def test_a_crash_that_took_longer_than_there_is_to_minimise_it_is_not_minimised(
    clock: FakeClock, seconds: float, minimised: bool
) -> None:
    world = World(clock, lambda sample, backend: (Crashed("lower", "SIGSEGV", ""), {"lower": seconds}))
    found = run_all(world.runner(LOOKS), cells(backends=("tosa",)))
    assert any(r.minimised and not r.without for r in found) == minimised


def test_the_samples_of_a_program_that_hung_have_its_outcome_without_being_run(clock: FakeClock) -> None:
    world = World(clock, hangs("contract"))
    found = run_all(world.runner(), cells(backends=("linalg", "tosa")))
    assert len(world.ran) == programs(found)
    by_program: dict[str, set[Outcome]] = {}
    for record in found:
        assert record.sample is not None
        by_program.setdefault(record.sample.program, set()).add(record.outcome)
    assert all(len(outcomes) == 1 for outcomes in by_program.values())
    assert sum(bool(record.seconds) for record in found) == len(world.ran)


def test_programs_that_end_within_the_tenth_have_their_ordinary_outcomes(clock: FakeClock) -> None:
    def plan(sample: Sample, backend: str) -> Plan:
        return (WRONG if backend == "tosa" else PASSED), {"contract": HANG if sample.dtype == "f32" else 2.0}

    found = run_all(World(clock, plan).runner(), cells())
    assert set(count(r for r in found if (r.backend, r.dtype) == ("tosa", "i32"))) == {"Wrong"}
    assert set(count(r for r in found if (r.backend, r.dtype) == ("linalg", "i32"))) == {"Passed"}


def test_a_slow_program_is_not_cut_short_before_any_hangs(clock: FakeClock) -> None:
    world = World(clock, lambda sample, backend: (PASSED, {"contract": 20.0}))
    assert set(count(run_all(world.runner(), cells()))) == {"Passed"}


def test_a_cell_that_is_asked_for_alone_has_the_full_deadline(clock: FakeClock) -> None:
    world = World(clock, hangs("lower"))
    found = run_all(world.runner(patient=True), cells()[:1])
    assert set(count(found)) == {"TimedOut"}
    assert world.waited["linalg"] == FULL * programs(found)


def test_the_next_op_is_waited_for_anew(clock: FakeClock) -> None:
    world = World(clock, hangs("lower", "tosa"))
    runner = world.runner()
    for op in ("aten.relu.default", "aten.neg.default"):
        world.waited.clear()
        found = [r for r in run_all(runner, cells(op)) if r.backend == "tosa"]
        assert world.waited["tosa"] == FULL + TENTH * (programs(found) - 1)


# runs that look into a failure ----------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a failure be minimised by trying a few sizes: hypothesis takes seconds."""

    def minimise(
        case: OpCase, sample: Sample, seed: int, size: Profile, fails: Callable[[Sample], bool], *, seconds: float
    ) -> Sample:
        for n in (1, 2, 3):
            sizes = dict.fromkeys(sample.sizes, n)
            if fails(candidate := replace(sample, sizes=sizes, runs=(sizes,))):
                return candidate
        return sample

    monkeypatch.setattr("harness.running.runner.minimise", minimise)


LOOKS = replace(SIZE, minimise_seconds=5.0, minimise_total=1e9)
FEW = replace(LOOKS, first=3, others=2)
"""No sample of its census is small."""


def test_a_hang_while_minimising_is_the_ops_hang_and_names_the_sample_that_was_minimised(clock: FakeClock) -> None:
    def plan(sample: Sample, backend: str) -> Plan:
        small = max(sample.sizes.values()) <= 1
        return (WRONG if sample.dtype == "f32" else PASSED), {"lower": HANG} if small or sample.dtype == "i32" else {}

    of = {(cell.mode, cell.dtype): cell for cell in cells(backends=("tosa",))}
    found = run_all(World(clock, plan).runner(FEW), (of["static", "f32"], of["static", "i32"]))
    assert [(type(r.outcome), r.minimised) for r in found if r.hung] == [(Wrong, None)]
    late = [r.outcome for r in found if r.dtype == "i32"]
    assert {o.after for o in late if isinstance(o, NotRun)} == {found[0].id}
    assert set(map(type, late)) == {NotRun}


def test_a_hang_of_a_twin_is_the_ops_hang_and_names_the_sample_that_was_looked_into(clock: FakeClock) -> None:
    def plan(sample: Sample, backend: str) -> Plan:
        if sample.dtype == "f32" and sample.mode == "dynamic" and len(sample.dynamic) == 2:
            return REFUSED, {}
        plain = plain_call(case("aten.relu.default"), "dynamic")
        is_twin = len(sample.dynamic) == 1 and plain is not None and sample.program != plain.program
        return PASSED, {"lower": HANG} if is_twin or sample.dtype == "i32" else {}

    world = World(clock, plan)
    found = run_all(world.runner(), cells(backends=("tosa",)))
    hung = [r for r in found if r.hung]
    assert [(type(r.outcome), r.hung, r.breaks) for r in hung] == [(Unsupported, ("lower",), None)]
    late = [r for r in found if r.dtype == "i32"]
    assert set(count(late)) == {"NotRun"}
    assert {r.outcome.after for r in late if isinstance(r.outcome, NotRun)} == {hung[0].id}
    assert world.waited["tosa"] == FULL + TENTH * (1 + programs(late))


def test_a_twin_that_was_not_run_is_no_answer(clock: FakeClock) -> None:
    """The static twin hangs, after another program did: nobody knows whether it fails alike."""
    world = World(clock, lambda s, b: (REFUSED, {"lower": HANG} if s.mode == "static" else {}))
    of = {(cell.mode, cell.dtype): cell for cell in cells(backends=("tosa",))}
    found = run_all(world.runner(), (of["static", "i32"], of["dynamic", "f32"]))
    assert {(type(r.outcome), r.breaks) for r in found if r.mode == "dynamic"} == {(Unsupported, None)}


def test_the_search_for_the_first_wrong_pass_has_the_tenth(clock: FakeClock) -> None:
    shorts: list[Mapping[Stage, str]] = []

    def find_pass(sample: Sample, backend: str, *, short: Mapping[Stage, str]) -> Result:
        shorts.append(short)
        return Result(outcome=NotRun("execute", TENTH, "x"))

    world = World(clock, lambda s, b: (WRONG, {"execute": HANG} if s.dtype == "f32" else {}))
    runner = world.runner()
    runner.find_pass = find_pass
    found = run_all(runner, cells(backends=("tosa",)))
    assert shorts == [{"execute": found[0].id}] * 2
    assert all(r.first_wrong_pass is None for r in found)


# what is remembered is in the records ---------------------------------------------------------------------------------


def erratic(seed: int) -> Callable[[Sample, str], Plan]:
    """Samples that pass, fail in all ways and hang in all stages, by chance, but each the same way every time."""

    def chance(*of: object) -> Random:
        return Random(f"{seed} {of}")

    def plan(sample: Sample, backend: str) -> Plan:
        front, own = chance(sample.program), chance(sample.program, backend)
        seconds: dict[Stage, float] = {front.choice(STAGES[:3]): front.choice([0, 0, 0, 2, 5, HANG])}
        seconds[own.choice(STAGES[3:5])] = own.choice([0, 0, 0, 2, 5, HANG])
        seconds["execute"] = chance(sample.id, backend).choice([0, 0, 0, 2, HANG])
        right = replace(PASSED, dissent={"llvm-jit": "no result in 30 s"})
        fails: tuple[Outcome, ...] = (PASSED, right, WRONG, Crashed("lower", "SIGSEGV", ""), REFUSED)
        return chance(sample.id, backend, 1).choice(fails), seconds

    return plan


def in_journal(records: Iterable[Record]) -> list[Record]:
    """The records as a journal gives them back; minimised ones aside."""
    lines = [json.dumps(record_json(record)) for record in records if not record.minimised]
    return [record_restore(json.loads(line)) for line in lines]


@pytest.mark.parametrize("seed", range(4))
def test_the_missing_cells_of_an_op_get_the_records_of_an_undisturbed_run(clock: FakeClock, seed: int) -> None:
    world = World(clock, erratic(seed))
    runner = world.runner(FEW)
    whole = [in_journal(runner.records(cell)) for cell in cells()]
    for done in range(len(whole)):
        known = [record for records in whole[:done] for record in records]
        resumed = world.runner(FEW, recorded=lambda op, known=known: known)
        assert [in_journal(resumed.records(cell)) for cell in cells()[done:]] == whole[done:]


def test_the_erratic_samples_show_what_there_is_to_remember(clock: FakeClock) -> None:
    found = [r for seed in range(4) for r in run_all(World(clock, erratic(seed)).runner(FEW), cells())]
    assert {type(r.outcome) for r in found} == {
        Passed,
        Wrong,
        Crashed,
        Unsupported,
        Blocked,
        TimedOut,
        NotRun,
    }
    assert any(r.hung and isinstance(r.outcome, Passed) for r in found)
    assert any(r.hung and isinstance(r.outcome, (Unsupported, Wrong, Crashed)) for r in found)
    assert any(r.breaks for r in found)
    assert any(r.first_wrong_pass for r in found)
    assert any(r.minimised for r in found)


@pytest.mark.parametrize("dies_at", range(0, 60, 12))
def test_a_cell_that_is_interrupted_is_as_if_it_had_never_begun(clock: FakeClock, dies_at: int) -> None:
    runner = World(clock, erratic(1)).runner(FEW)
    undisturbed = [in_journal(runner.records(cell)) for cell in cells()]
    world = World(clock, erratic(1), dies_at=dies_at)
    runner, found = world.runner(FEW), []
    for cell in cells():
        try:
            records = runner.records(cell)
        except KeyboardInterrupt:
            world.dies_at = -1
            records = runner.records(cell)
        found.append(in_journal(records))
    assert found == undisturbed
