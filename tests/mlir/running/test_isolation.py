"""Isolation: whatever a backend does to its process becomes that sample's outcome, and the next sample runs."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.cases.case import OpCase
from harness.cases.profile import Profile
from harness.cases.road import Road
from harness.cases.sample import Sample
from harness.conformance import faults
from harness.errors import OpcovError
from harness.records.outcome import (
    Blocked,
    Crashed,
    Excluded,
    HarnessError,
    Invalid,
    NotExecuted,
    NotRun,
    Outcome,
    Passed,
    Stage,
    TimedOut,
    Unsupported,
    Wrong,
)
from harness.running.cells import Cell
from harness.running.death import TAIL
from harness.running.runner import Runner
from harness.running.supervisor import Child, Limits, Supervisor
from tests import miniatures
from tests.samples import dynamic, relu

ROOT = Path(__file__).parents[3]
LIMITS = Limits(seconds=20, memory=512 << 20)
STAGES: tuple[Stage, ...] = ("lower", "verify", "execute")


@pytest.fixture(scope="module")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = miniatures.install(tmp_path_factory.mktemp("plugins"))
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))


@pytest.fixture(scope="module")
def warm(plugins: Path) -> Iterator[Supervisor]:
    with Supervisor(tuple(miniatures.BACKENDS), LIMITS) as supervisor:
        yield supervisor


@pytest.fixture
def supervisor(warm: Supervisor) -> Iterator[Supervisor]:
    warm.limits = LIMITS
    warm.deaths = 0
    yield warm
    warm.limits = LIMITS


def outcome(supervisor: Supervisor, backend: str, sample: Sample | None = None) -> Outcome:
    return supervisor.run(sample or relu(), backend).outcome


def made_in(supervisor: Supervisor, backend: str = "right", sample: Sample | None = None) -> int:
    """The process that the sample was lowered in."""
    shown: dict[str, str] = {}
    result = supervisor.run(sample or relu(), backend, shown.__setitem__)
    assert isinstance(result.outcome, Passed), result.outcome
    return int(shown["lower"].split()[1])


# what kills a worker --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize(
    ("deed", "expected"),
    [("segfault", "SIGSEGV"), ("abort", "SIGABRT"), ("leave", "exit 3"), ("hog-natively", "SIGABRT (memory limit)")],
)
def test_a_death_is_a_crash_with_its_stage_and_signal(
    supervisor: Supervisor, deed: str, expected: str, stage: Stage
) -> None:
    found = outcome(supervisor, f"{deed}-{stage}")
    assert isinstance(found, Crashed)
    assert (found.stage, found.signal) == (stage, expected)
    assert supervisor.deaths == 1
    assert isinstance(outcome(supervisor, "right"), Passed)
    assert supervisor.deaths == 1


@pytest.mark.parametrize("stage", STAGES)
def test_a_hang_in_native_code_times_out_in_its_stage(supervisor: Supervisor, stage: Stage) -> None:
    outcome(supervisor, "right")
    supervisor.limits = replace(LIMITS, seconds=1.5)
    started = time.monotonic()
    found = supervisor.run(relu(), f"hang-{stage}")
    assert found.outcome == TimedOut(stage, 1.5)
    assert time.monotonic() - started < 10
    assert found.seconds[stage] > 0.5
    supervisor.limits = LIMITS
    assert isinstance(outcome(supervisor, "right"), Passed)


@pytest.mark.parametrize("stage", STAGES)
def test_memory_past_the_limit_is_a_crash_that_says_so(supervisor: Supervisor, stage: Stage) -> None:
    found = outcome(supervisor, f"hog-{stage}")
    assert isinstance(found, Crashed)
    assert (found.stage, found.signal) == (stage, "memory limit")
    assert supervisor.deaths == 0
    assert isinstance(outcome(supervisor, "right"), Passed)


def test_the_last_words_on_stderr_are_kept(supervisor: Supervisor) -> None:
    found = outcome(supervisor, "complain-lower")
    assert isinstance(found, Crashed)
    assert found.stderr.endswith(faults.LAST_WORDS)
    assert len(found.stderr) <= TAIL < faults.CHATTER


def test_the_words_of_one_death_are_not_those_of_the_next(supervisor: Supervisor) -> None:
    outcome(supervisor, "complain-lower")
    found = outcome(supervisor, "segfault-lower")
    assert isinstance(found, Crashed)
    assert faults.LAST_WORDS not in found.stderr


def test_ir_shown_before_a_death_is_kept(supervisor: Supervisor) -> None:
    shown: dict[str, str] = {}
    result = supervisor.run(relu(), "abort-execute", shown.__setitem__)
    assert isinstance(result.outcome, Crashed)
    assert "torch.aten.relu" in shown["contract"]
    assert shown["lower"].startswith("miniature.abort")


def test_a_death_in_lower_leaves_the_contract_to_show(supervisor: Supervisor) -> None:
    shown: dict[str, str] = {}
    supervisor.run(relu(), "abort-lower", shown.__setitem__)
    assert list(shown) == ["contract"]


def test_each_death_costs_one_child_and_other_samples_share_theirs(supervisor: Supervisor) -> None:
    first, same = made_in(supervisor), made_in(supervisor)
    assert first == same
    outcome(supervisor, "abort-verify")
    assert made_in(supervisor) != first


def test_seconds_are_recorded_up_to_the_death(supervisor: Supervisor) -> None:
    result = supervisor.run(relu(2, 7), "abort-verify")  # a program of its own: nothing is cached
    assert list(result.seconds) == ["reference", "export", "import", "contract", "lower", "verify"]
    assert all(s >= 0 for s in result.seconds.values())


def test_a_worker_that_is_killed_while_idle_is_replaced(supervisor: Supervisor) -> None:
    os.kill(made_in(supervisor), signal.SIGKILL)
    assert isinstance(outcome(supervisor, "right"), Passed)


def stand_in(supervisor: Supervisor, deed: Callable[[], object], stages: Sequence[Stage] = ()) -> None:
    """A worker that does the deed as soon as it has a sample and has entered these stages; else, where eager runs."""
    ours, theirs = multiprocessing.Pipe()

    def work() -> None:
        theirs.recv()
        for stage in stages:
            theirs.send(("enter", stage))
        deed()

    process = multiprocessing.get_context("fork").Process(target=work, daemon=True)
    process.start()
    theirs.close()
    supervisor._stop()
    supervisor._child = Child(process, ours)


@pytest.mark.parametrize(("deed", "expected"), [("segfault", "SIGSEGV"), ("leave", "exit 3")])
def test_a_death_before_the_first_stage_is_eagers_own_if_it_happens_again(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch, deed: str, expected: str
) -> None:
    started = []

    def start() -> Child:
        started.append(stand_in(supervisor, faults.DEATHS[deed]))
        assert supervisor._child is not None
        return supervisor._child

    monkeypatch.setattr(supervisor, "_start", start)
    supervisor._stop()
    result = supervisor.run(relu(), "right")
    assert result.outcome == Excluded(f"eager itself dies of it: {expected}")
    assert list(result.seconds) == ["reference"]
    assert len(started) == supervisor.deaths == 2


def test_a_death_before_the_first_stage_that_does_not_happen_again_is_forgotten(supervisor: Supervisor) -> None:
    stand_in(supervisor, faults.segfault)
    assert isinstance(outcome(supervisor, "right"), Passed)
    assert supervisor.deaths == 1


def test_an_end_before_the_first_stage_that_does_not_come_is_eagers_own(supervisor: Supervisor) -> None:
    stand_in(supervisor, faults.hang)
    supervisor.limits = replace(LIMITS, seconds=1.5)
    assert outcome(supervisor, "right") == Excluded("eager itself does not end in 1.5 s")


def be_killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("stages", [(), ("export",), ("export", "import", "contract", "lower")])
def test_a_sample_whose_worker_is_killed_from_outside_runs_again(
    supervisor: Supervisor, stages: Sequence[Stage]
) -> None:
    stand_in(supervisor, be_killed, stages)
    assert isinstance(outcome(supervisor, "right"), Passed)
    assert supervisor.deaths == 1


def test_a_sample_whose_worker_is_killed_twice_crashes_and_says_nothing_of_eager(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start() -> Child:
        stand_in(supervisor, be_killed)
        assert supervisor._child is not None
        return supervisor._child

    monkeypatch.setattr(supervisor, "_start", start)
    supervisor._stop()
    found = outcome(supervisor, "right")
    assert isinstance(found, Crashed)
    assert found.signal == "SIGKILL"


@pytest.fixture
def witnessed(tmp_path: Path) -> Iterator[Supervisor]:
    """With an executor beside the one that acts: it runs in a fork, and is right."""
    folder = miniatures.install(tmp_path / "plugins", executors=("actor", "witness"))
    sys.path.insert(0, str(folder))
    with Supervisor(("segfault-execute", "hang-execute", "segfault-lower"), replace(LIMITS, seconds=5)) as supervisor:
        yield supervisor
    sys.path.remove(str(folder))


@pytest.mark.parametrize(("backend", "said"), [("segfault-execute", "SIGSEGV"), ("hang-execute", "no result in 5 s")])
def test_a_death_in_execution_is_the_executors_own_where_an_isolated_one_is_right(
    witnessed: Supervisor, backend: str, said: str
) -> None:
    assert outcome(witnessed, backend) == Passed(0.0, ("witness",), {"actor": said})


@pytest.fixture
def detected(tmp_path: Path) -> Iterator[Supervisor]:
    """With a checker beside the one that acts."""
    folder = miniatures.install(tmp_path / "plugins", executors=("actor", "detective"))
    sys.path.insert(0, str(folder))
    with Supervisor(("segfault-execute", "lie-in-value", "right"), LIMITS) as supervisor:
        yield supervisor
    sys.path.remove(str(folder))


def test_a_checker_tells_the_cause_of_a_death_in_execution(detected: Supervisor) -> None:
    found = detected.run(relu(3), "segfault-execute")
    assert isinstance(found.outcome, Crashed)
    assert (found.outcome.signal, found.cause) == ("SIGSEGV", "it was miniature.segfault at [3]")


def test_a_worker_is_kept_after_a_wrong_result_whose_cause_is_known(detected: Supervisor) -> None:
    before = made_in(detected)
    assert detected.run(relu(3), "lie-in-value").cause == "it was miniature.lie_in_value at [3]"
    assert made_in(detected) == before


@pytest.mark.parametrize(("deed", "said"), [("segfault", "SIGSEGV"), ("hang", "no result in 3 s")])
def test_a_death_of_what_the_specification_forbids_stays_invalid(warm: Supervisor, deed: str, said: str) -> None:
    warm.limits = replace(LIMITS, seconds=3)
    found = outcome(warm, f"forbids-{deed}")
    assert found == Invalid("verify", "a miniature forbids it", "died", said)
    assert isinstance(outcome(warm, "right"), Passed)


@pytest.mark.parametrize("deed", ("segfault", "hang"))
def test_what_a_worker_knew_before_it_died_is_kept(warm: Supervisor, deed: str) -> None:
    warm.limits = replace(LIMITS, seconds=3)
    dead = warm.run(relu(6), f"{deed}-execute")
    assert isinstance(dead.outcome, Crashed | TimedOut)
    assert dead.reached == warm.run(relu(6), "right").reached == ("torch.aten.relu",)
    assert {"export", "import", "contract", "lower", "verify", "execute"} <= dead.seconds.keys()
    assert warm.run(relu(6), f"{deed}-lower").reached == ("torch.aten.relu",)


def test_a_death_in_lower_is_not_excused_by_any_executor(witnessed: Supervisor) -> None:
    assert isinstance(outcome(witnessed, "segfault-lower"), Crashed)


# hangs ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_that_hung_before_has_a_tenth_of_the_deadline(supervisor: Supervisor, stage: Stage) -> None:
    outcome(supervisor, "right")
    supervisor.limits = replace(LIMITS, seconds=10)
    found = supervisor.run(relu(), f"hang-{stage}", short={stage: "0123456789"})
    assert found.outcome == NotRun(stage, 1.0, "0123456789")
    assert found.hung == ()
    assert 1.0 <= found.seconds[stage] < 5
    assert isinstance(outcome(supervisor, "right"), Passed)


def test_a_stage_that_did_not_hang_before_has_the_full_deadline(supervisor: Supervisor) -> None:
    outcome(supervisor, "right")
    supervisor.limits = replace(LIMITS, seconds=2)
    found = supervisor.run(relu(), "hang-lower", short={"execute": "0123456789"})
    assert (found.outcome, found.hung) == (TimedOut("lower", 2), ("lower",))


def test_what_ends_within_the_tenth_has_its_own_outcome(supervisor: Supervisor) -> None:
    every: dict[Stage, str] = dict.fromkeys(("lower", "verify", "execute", "compare"), "0123456789")
    assert isinstance(supervisor.run(relu(), "right", short=every).outcome, Passed)
    assert isinstance(supervisor.run(relu(), "lie-in-value", short=every).outcome, Wrong)


def test_an_executor_that_hangs_again_is_at_fault_within_the_tenth_too(witnessed: Supervisor) -> None:
    first = witnessed.run(relu(), "hang-execute")
    assert (first.outcome, first.hung) == (Passed(0.0, ("witness",), {"actor": "no result in 5 s"}), ("execute",))
    again = witnessed.run(relu(4), "hang-execute", short={"execute": relu().id})
    assert (again.outcome, again.hung) == (Passed(0.0, ("witness",), {"actor": "no result in 0.5 s"}), ())


PROGRAMS = tuple(relu(n) for n in range(1, 6))


def waited(supervisor: Supervisor, stage: Stage, *backends: str) -> tuple[float, list[Outcome]]:
    """How long a runner waits at this stage for the same programs on these backends, and the outcomes."""
    runner = Runner(supervisor.run, (lambda cell: PROGRAMS,), Profile(name="test", first=1, others=1), 0)
    case = OpCase(op="aten.relu.default", inputs=lambda d: {"self": d.tensor()})
    found = [
        record
        for backend in backends
        for record in runner.records(Cell(family="activation", case=case, backend=backend, mode="static", dtype="f32"))
    ]
    return sum(record.seconds.get(stage, 0.0) for record in found), [record.outcome for record in found]


def test_programs_that_hang_in_a_backend_cost_one_deadline_and_a_tenth_each(supervisor: Supervisor) -> None:
    outcome(supervisor, "right")
    supervisor.limits = replace(LIMITS, seconds=10)
    seconds, found = waited(supervisor, "lower", "hang-lower")
    assert found == [TimedOut("lower", 10), *[NotRun("lower", 1.0, PROGRAMS[0].id)] * 4]
    assert 13.9 <= seconds < 20, "all in full take 50 s"


def test_programs_that_hang_before_any_backend_cost_that_once(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start() -> Child:
        stand_in(supervisor, faults.hang, ("export", "import", "contract"))
        assert supervisor._child is not None
        return supervisor._child

    monkeypatch.setattr(supervisor, "_start", start)
    supervisor._stop()
    supervisor.limits = replace(LIMITS, seconds=10)
    seconds, found = waited(supervisor, "contract", "right", "lie-in-value", "refuse")
    hung = Blocked("contract", "TimedOut", "no end after 10 s")
    assert found == [hung, *[NotRun("contract", 1.0, PROGRAMS[0].id)] * 4] * 3
    assert 13.9 <= seconds < 20, "all in full take 150 s"


# what does not kill it ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", ["lower", "verify"])
def test_an_exception_out_of_a_backend_is_a_crash_of_it(supervisor: Supervisor, stage: Stage) -> None:
    found = outcome(supervisor, f"fail-{stage}")
    assert isinstance(found, Crashed)
    assert (found.stage, found.signal) == (stage, "exception ValueError")
    assert "a miniature fails" in found.stderr
    assert supervisor.deaths == 0


def test_an_exception_out_of_an_executor_is_a_bug_of_ours(supervisor: Supervisor) -> None:
    found = outcome(supervisor, "fail-execute")
    assert isinstance(found, HarnessError)
    assert found.stage == "execute"
    assert "a miniature fails" in found.traceback


def test_a_refusal_names_its_culprit(supervisor: Supervisor) -> None:
    found = outcome(supervisor, "rejects-everything")
    assert found == Unsupported("lower", "error: a miniature says no", "torch.aten.relu")


def test_a_leaked_dialect_is_invalid(supervisor: Supervisor) -> None:
    found = outcome(supervisor, "leaks-dialect")
    assert found == Invalid("verify", "torch.aten.relu left in leaks-dialect IR")


def test_ir_that_does_not_verify_is_invalid(supervisor: Supervisor) -> None:
    found = outcome(supervisor, "fails-the-verifier")
    assert isinstance(found, Invalid)
    assert found.stage == "verify"
    assert "return" in found.diagnostic


def test_what_the_executor_cannot_run_is_not_executed_and_says_who_and_why(supervisor: Supervisor) -> None:
    assert outcome(supervisor, "refuse") == NotExecuted({"actor": "a miniature cannot run this"})


def test_a_dialect_that_no_executor_takes_is_not_executed(supervisor: Supervisor) -> None:
    assert outcome(supervisor, "speaks-to-nobody") == NotExecuted({"none": "no executor takes unheard-of"})


@pytest.mark.parametrize(
    ("backend", "kind"),
    [
        ("lie-in-value", "value"),
        ("lie-in-shape", "shape"),
        ("lie-in-dtype", "dtype"),
        ("inject-nan", "non-finite"),
        ("lie-in-arity", "arity"),
    ],
)
def test_a_lie_is_wrong_and_of_its_kind(supervisor: Supervisor, backend: str, kind: str) -> None:
    found = outcome(supervisor, backend)
    assert isinstance(found, Wrong)
    assert (found.kind, found.stage, found.executor, found.output) == (kind, "compare", "actor", 0)
    assert supervisor.deaths == 0


def test_a_dropped_nan_is_wrong(supervisor: Supervisor) -> None:
    assert isinstance(outcome(supervisor, "right", relu(8, values="nonfinite")), Passed)
    found = outcome(supervisor, "drop-nan", relu(8, values="nonfinite"))
    assert isinstance(found, Wrong)
    assert found.kind == "non-finite"
    assert found.expected in ("nan", "inf")


def test_a_specialized_artifact_is_seen_at_another_size(supervisor: Supervisor) -> None:
    sample = dynamic("aten.relu.default", 4, 5)
    found = outcome(supervisor, "specialize", sample)
    assert isinstance(found, Wrong)
    assert (found.kind, dict(found.sizes)) == ("specialized", {"n": 5})
    assert isinstance(outcome(supervisor, "right", sample), Passed)


def test_a_broken_case_is_our_error_and_kills_nothing(supervisor: Supervisor) -> None:
    found = outcome(supervisor, "right", replace(relu(), op="aten.sigmoid.default", args={"input": None}))
    assert isinstance(found, HarnessError)
    assert supervisor.deaths == 0


def test_a_worker_that_is_left_inside_a_transform_is_replaced_and_its_sample_runs_again(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, start = made_in(supervisor), supervisor._start
    started: list[Child] = []
    monkeypatch.setattr(supervisor, "_start", lambda: started.append(start()) or started[-1])
    assert isinstance(outcome(supervisor, "leaves-a-transform"), Passed)
    assert len(started) == 1  # for the second time that it was asked
    assert made_in(supervisor) != first
    assert (len(started), supervisor.deaths) == (2, 0)


@pytest.mark.parametrize(("road", "starts"), [(Road(), 0), (Road(level="none"), 2)])
def test_a_worker_tries_torch_func_after_samples_off_the_default_road_alone(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch, road: Road, starts: int
) -> None:
    supervisor.renew()
    made_in(supervisor)
    start = supervisor._start
    started: list[Child] = []
    monkeypatch.setattr(supervisor, "_start", lambda: started.append(start()) or started[-1])
    assert isinstance(outcome(supervisor, "breaks-transforms", replace(relu(), road=road)), Passed)
    made_in(supervisor)
    assert (len(started), supervisor.deaths) == (starts, 0)
    supervisor.renew()  # a worker of the default road still has the broken one


def test_a_worker_that_leaks_is_replaced_between_samples_and_nothing_is_lost(supervisor: Supervisor) -> None:
    def sample(i: int) -> Sample:
        return relu(3, i + 2)  # another program each time

    first = made_in(supervisor, "leaks", sample(0))
    supervisor.limits = replace(LIMITS, resident=resident(first) + miniatures.Leaks.STEP * 3 // 2)
    made = [made_in(supervisor, "leaks", sample(i)) for i in range(1, 7)]
    assert made[0] == first
    assert 2 <= len({first, *made}) <= 5
    assert supervisor.deaths == 0


def resident(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmRSS:"))


# the ends of a supervisor ---------------------------------------------------------------------------------------------


def test_a_backend_that_is_not_installed_is_an_error_of_its_user(plugins: Path) -> None:
    with (
        Supervisor(("rihgt",), LIMITS) as supervisor,
        pytest.raises(OpcovError, match=r"unknown backend 'rihgt'.*did you mean right"),
    ):
        supervisor.run(relu(), "rihgt")


def test_closing_ends_the_worker_and_removes_its_stderr(plugins: Path) -> None:
    with Supervisor(("right",), LIMITS) as supervisor:
        pid = made_in(supervisor)
        written = supervisor._stderr
        assert written.exists()
    assert gone(pid)
    assert not written.exists()


OWNER = """
import sys
from harness.running.supervisor import Limits, Supervisor
from tests.samples import relu

if __name__ == "__main__":
    supervisor = Supervisor(("right", "spin-lower"), Limits(seconds=600))
    shown = {}
    supervisor.run(relu(), "right", shown.__setitem__)
    print(shown["lower"].split()[1], flush=True)
    supervisor.run(relu(), "spin-lower")
"""


def test_a_killed_parent_leaves_no_process_behind(plugins: Path, tmp_path: Path) -> None:
    script = tmp_path / "owner.py"
    script.write_text(OWNER, encoding="ascii")
    paths = os.pathsep.join((str(plugins), str(ROOT)))
    owner = subprocess.Popen(
        [sys.executable, script], stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": paths}
    )
    assert owner.stdout is not None
    worker = int(owner.stdout.readline())
    started = processor_seconds(worker)
    wait_for(lambda: processor_seconds(worker) > started + 0.2)  # it is spinning, with the interpreter's lock
    family = {worker, *descendants(owner.pid)}
    owner.kill()
    owner.wait()
    wait_for(lambda: all(map(gone, family)))
    owner.stdout.close()


def processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return int(fields[11]) / os.sysconf("SC_CLK_TCK")


def descendants(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [found for child in map(int, text.split()) for found in (child, *descendants(child))]


def gone(pid: int) -> bool:
    """Whether there is no such process any more, but for one whose parent has yet to collect it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


def wait_for(condition: object, seconds: float = 30.0) -> None:
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


class Garbled:
    """The parent's end of a pipe that says what no pickle says: compiled code wrote over the reply."""

    def __init__(self, pipe: Any) -> None:
        self.send, self.poll, self.close = pipe.send, pipe.poll, pipe.close
        self.pipe = pipe

    def recv(self) -> Any:
        self.pipe.recv()
        return b"\xb8".decode()


def test_a_reply_that_cannot_be_read_is_a_crash_of_its_sample_alone(supervisor: Supervisor) -> None:
    assert isinstance(outcome(supervisor, "right"), Passed)
    assert supervisor._child is not None
    supervisor._child.pipe = Garbled(supervisor._child.pipe)  # type: ignore[assignment]
    found = outcome(supervisor, "right")
    assert isinstance(found, Crashed)
    assert found.signal == "memory corrupted"
    assert "UnicodeDecodeError" in found.stderr
    assert supervisor.deaths == 1
    assert isinstance(outcome(supervisor, "right"), Passed)
