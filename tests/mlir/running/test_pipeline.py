"""The pipeline, in this process: what is shared, what is kept apart, and which outcome each way to stop becomes."""

from __future__ import annotations

import base64
import resource
import struct
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch

from backends.frontend import Fx
from harness.cases.case import OpCase
from harness.cases.libm import libm
from harness.cases.numeric import Linear, Ulp
from harness.cases.other_samples import with_values
from harness.cases.sample import ORIGINS, RULED, Origin, Sample
from harness.conformance import faults
from harness.errors import BadSample
from harness.programs.program import program
from harness.programs.protocols import (
    Backend,
    CannotExecute,
    Contract,
    Enter,
    Executable,
    Executor,
    Frontend,
    Lowered,
    NotExpressible,
    Program,
    Specialized,
)
from harness.records.outcome import (
    Crashed,
    Excluded,
    HarnessError,
    Invalid,
    NotExecuted,
    NotExported,
    Outcome,
    Passed,
    Reached,
    Result,
    Stage,
    Unsupported,
    Wrong,
)
from harness.running.limits import limit_memory
from harness.running.lru_cache import LruCache
from harness.running.pipeline import Pipeline
from tests.miniatures import Actor, Acts, Blind, CannotCompile, Detective, Doomed, Forbids, Witness, eager, lie_in_value
from tests.samples import dynamic, relu


def case(op: str = "aten.relu.default", **more: Any) -> OpCase:
    return OpCase(op=op, inputs=lambda d: {}, **more)


class Counting:
    """A frontend that counts its runs."""

    name = "counting"

    def __init__(self) -> None:
        self.runs = 0

    def run(self, program: Program, enter: Enter) -> Contract:
        self.runs += 1
        return Fx().run(program, enter)


class Noting(Acts):
    """A backend that counts what it is given."""

    def __init__(self, name: str = "right", deed: str = "right") -> None:
        super().__init__(name, deed)
        self.calls: Counter[str] = Counter()

    def lower(self, contract: Contract) -> Lowered:
        self.calls["lower"] += 1
        return super().lower(contract)

    def verify(self, lowered: Lowered) -> None:
        self.calls["verify"] += 1


def pipeline(
    *backends: Backend,
    frontend: Frontend | None = None,
    executors: Sequence[Executor] = (Actor(),),
    thorough: bool = False,
) -> Pipeline:
    lowerings = {b.name: b for b in backends or (Acts("right", "right"),)}
    return Pipeline(frontend or Fx(), lowerings, executors, thorough=thorough)


def ignore(stage: Stage) -> None:
    pass


def result(ready: Pipeline, sample: Sample, backend: str = "right", **more: Any) -> Result:
    return ready.run(case(sample.op, **more), sample, backend, ignore)


def outcome(ready: Pipeline, sample: Sample, backend: str = "right", **more: Any) -> Outcome:
    return result(ready, sample, backend, **more).outcome


# what is shared -------------------------------------------------------------------------------------------------------


def test_the_frontend_runs_once_for_all_backends_and_all_values() -> None:
    frontend = Counting()
    ready = pipeline(Acts("a", "right"), Acts("b", "right"), frontend=frontend)
    for backend in ("a", "b"):
        for values in ("mixed", "extreme"):
            assert isinstance(outcome(ready, with_values(relu(), values), backend), Passed)
    assert frontend.runs == 1
    outcome(ready, relu(4), "a")
    assert frontend.runs == 2


def test_one_artifact_serves_all_values_of_a_program() -> None:
    noting = Noting()
    ready = pipeline(noting)
    for seed in range(3):
        outcome(ready, relu(seed=seed))
    assert noting.calls == {"lower": 1, "verify": 1}


def test_a_refusal_is_remembered() -> None:
    noting = Noting("right", "refuse")
    ready = pipeline(noting)
    first = outcome(ready, relu())
    assert outcome(ready, relu(seed=5)) == first
    assert noting.calls["lower"] == 1


def test_what_one_backend_does_is_not_taken_for_another() -> None:
    ready = pipeline(Acts("right", "right"), Acts("wrong", "lie_in_value"))
    assert isinstance(outcome(ready, relu(), "right"), Passed)
    assert isinstance(outcome(ready, relu(), "wrong"), Wrong)
    assert isinstance(outcome(ready, relu(), "right"), Passed)


def test_forgetting_starts_anew() -> None:
    frontend = Counting()
    ready = pipeline(frontend=frontend)
    outcome(ready, relu())
    ready.forget()
    outcome(ready, relu())
    assert frontend.runs == 2


def test_the_least_recently_used_is_dropped() -> None:
    recent: LruCache[int] = LruCache(2)
    made: list[str] = []

    def make(key: str) -> int:
        made.append(key)
        return len(made)

    for key in ("a", "b", "a", "c", "a", "b"):
        recent.get_or(key, lambda key=key: make(key))  # type: ignore[misc]
    assert made == ["a", "b", "c", "b"]


# what is kept apart ---------------------------------------------------------------------------------------------------


class Scribbles(Actor):
    """Overwrites its inputs after it has read them."""

    def compile(self, lowered: Lowered) -> Executable:
        run = super().compile(lowered)

        def scribbling(inputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
            found = run(inputs)
            for t in inputs:
                t.fill_(float("nan"))
            return found

        return scribbling


def test_an_executor_that_writes_to_its_inputs_spoils_nothing() -> None:
    ready = pipeline(Acts("right", "right"), Acts("again", "right"), executors=[Scribbles()])
    assert isinstance(outcome(ready, relu(), "right"), Passed)
    assert isinstance(outcome(ready, relu(), "again"), Passed)


def test_ir_is_the_same_after_another_program() -> None:
    ready = pipeline()
    shown: list[str] = []

    def show(stage: Stage, text: str) -> None:
        shown.append(text)

    ready.run(case(), relu(), "right", ignore, show)
    ready.forget()
    outcome(ready, dynamic("aten.tanh.default", 5))
    ready.run(case(), relu(), "right", ignore, show)
    assert shown[0] == shown[2]


# stages ---------------------------------------------------------------------------------------------------------------


def test_stages_are_notified_in_order_and_timed() -> None:
    stages: list[Stage] = []
    found = pipeline().run(case(), relu(), "right", stages.append)
    assert stages == ["export", "import", "contract", "lower", "verify", "execute", "execute", "compare"]
    assert set(found.seconds) == {"reference", *stages}
    assert found.reached == ("torch.aten.relu",)


def test_what_is_shared_is_not_entered_again() -> None:
    ready = pipeline()
    outcome(ready, relu())
    stages: list[Stage] = []
    ready.run(case(), relu(seed=3), "right", stages.append)
    assert stages == ["execute", "compare"]


def test_each_run_is_executed_and_compared() -> None:
    stages: list[Stage] = []
    pipeline().run(case(), dynamic("aten.relu.default", 5, 2), "right", stages.append)
    assert stages.count("compare") == 3


# outcomes -------------------------------------------------------------------------------------------------------------


def test_what_eager_refuses_is_excluded_before_anything_is_lowered() -> None:
    noting = Noting()
    found = outcome(pipeline(noting), replace(relu(), op="aten.argmax.default", args=relu().args | {"dim": 7}))
    assert isinstance(found, Excluded)
    assert found.reason.startswith("eager refuses: IndexError")
    assert not noting.calls


class Refuses:
    """A frontend that stops at a stage."""

    name = "refuses"

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    def run(self, program: Program, enter: Enter) -> Contract:
        enter(self.stage)
        raise NotExpressible(self.stage, "no such thing")


@pytest.mark.parametrize("backend", ["frontend", "right"])
@pytest.mark.parametrize(
    ("stage", "found"),
    [
        ("export", NotExported("export", "no such thing")),
        ("import", Unsupported("import", "no such thing", None)),
        ("contract", Unsupported("contract", "no such thing", None)),
    ],
)
def test_what_the_frontend_refuses_is_the_frontends_whoever_asks(stage: Stage, found: Outcome, backend: str) -> None:
    assert outcome(pipeline(frontend=Refuses(stage)), relu(), backend) == found


def test_the_frontends_own_column_ends_at_the_contract() -> None:
    ready = pipeline(backend := Noting())
    found = result(ready, relu(2, 3), "frontend")
    assert found.outcome == Reached()
    assert found.reached == ("torch.aten.relu",)
    assert set(found.seconds) >= {"export", "import", "contract"}
    assert not backend.calls


def test_the_backends_find_what_the_frontend_has_made() -> None:
    counting = Counting()
    ready = pipeline(frontend=counting)
    assert [type(outcome(ready, relu(2, 3), name)) for name in ("frontend", "right")] == [Reached, Passed]
    assert counting.runs == 1


def test_the_frontend_excludes_what_eager_refuses() -> None:
    assert isinstance(outcome(pipeline(), relu(2, 3, dtype="bool"), "frontend"), Excluded)


class Fussy:
    """A frontend that takes programs with relaxed dims only."""

    name = "fussy"

    def run(self, program: Program, enter: Enter) -> Contract:
        assert program.dynamic_shapes is not None
        (dims,) = program.dynamic_shapes
        if any(dim is not torch.export.Dim.DYNAMIC for spec in dims for dim in spec.values()):
            raise NotExpressible("export", "named dims")
        return Fx().run(program, enter)


def test_where_export_refuses_the_dims_it_chooses_their_ranges() -> None:
    assert isinstance(outcome(pipeline(frontend=Fussy()), dynamic("aten.relu.default", 5)), Passed)


class Narrow:
    """A frontend whose program holds for sizes of 4 and more."""

    name = "narrow"

    def run(self, program: Program, enter: Enter) -> Contract:
        return replace(Fx().run(program, enter), ranges=({0: (4.0, 9.0)},))


def test_sizes_outside_of_the_ranges_are_not_run() -> None:
    sample = dynamic("aten.relu.default", 0, 1)
    assert isinstance(outcome(pipeline(Acts("right", "specialize")), sample), Wrong)
    assert isinstance(outcome(pipeline(Acts("right", "specialize"), frontend=Narrow()), sample), Passed)


def test_a_program_that_takes_the_sizes_of_export_only_is_not_exported() -> None:
    taken = dynamic("aten.relu.default", 2, 6)
    assert isinstance(outcome(pipeline(frontend=Narrow()), taken), Passed)
    lost = outcome(pipeline(frontend=Narrow()), dynamic("aten.relu.default", 2, 10))
    assert isinstance(lost, NotExported)
    assert lost.reason == "of the sizes that were tried, the program takes those of export only"


def test_an_op_that_is_not_in_the_exported_graph_is_a_broken_case() -> None:
    found = outcome(pipeline(), relu(), seen_as="aten.tanh.default")
    assert isinstance(found, HarnessError)
    assert "aten.tanh.default is not in the exported graph, which has aten.relu.default" in found.traceback
    assert isinstance(outcome(pipeline(), relu(), seen_as="aten.relu.default"), Passed)


def test_arguments_that_do_not_fit_are_an_error_of_their_author() -> None:
    with pytest.raises(BadSample, match="has no argument 'alpha'"):
        outcome(pipeline(), replace(relu(), args=relu().args | {"alpha": 1}))


def test_the_first_executor_that_can_run_it_does() -> None:
    found = outcome(pipeline(executors=[CannotCompile(), Actor()]), relu())
    assert isinstance(found, Passed)
    assert found.executors == ("actor",)


def test_another_executor_is_asked_where_the_first_is_wrong() -> None:
    found = outcome(pipeline(Acts("wrong", "lie_in_value"), executors=[Actor(), Witness()]), relu(), "wrong")
    assert isinstance(found, Passed)
    assert found.executors == ("witness",)
    assert list(found.dissent) == ["actor"]


def test_no_other_executor_is_asked_where_the_first_is_right_unless_all_are() -> None:
    executors = [Witness(), Actor()]  # the isolated one comes last all the same
    assert outcome(pipeline(executors=executors), relu()) == Passed(0.0, ("actor",))
    assert outcome(pipeline(executors=executors, thorough=True), relu()) == Passed(0.0, ("actor", "witness"))


class SameRoad(Witness):
    """Right where the one that runs in the worker is wrong, by the same road."""

    name = "same-road"
    road = "actor"


def test_an_executor_of_the_same_road_clears_nothing_and_the_next_one_is_asked() -> None:
    wrong = Acts("wrong", "lie_in_value")
    found = outcome(pipeline(wrong, executors=[Actor(), SameRoad()]), relu(), "wrong")
    assert isinstance(found, Wrong)
    assert found.others == {"same-road": "right, by the same road"}
    found = outcome(pipeline(wrong, executors=[Actor(), SameRoad(), Witness()]), relu(), "wrong")
    assert isinstance(found, Passed)
    assert found.executors == ("witness",)


def test_a_death_is_not_excused_by_the_same_road() -> None:
    ready = pipeline(Acts("dies", "abort"), executors=[Actor(), SameRoad()])
    assert isinstance(ready.run(case(), relu(), "dies", ignore, died="SIGABRT").outcome, NotExecuted)


def test_what_all_executors_get_wrong_alike_is_confirmed() -> None:
    class Again(Actor):
        name = "again"
        isolated = True

    found = outcome(pipeline(Acts("wrong", "lie_in_value"), executors=[Actor(), Again()]), relu(), "wrong")
    assert isinstance(found, Wrong)
    assert (found.executor, found.confirmed, found.others) == ("actor", ("actor", "again"), {})


def test_the_death_of_an_isolated_executor_is_a_limit_of_it() -> None:
    found = outcome(pipeline(Acts("wrong", "lie_in_value"), executors=[Actor(), Doomed()]), relu(), "wrong")
    assert isinstance(found, Wrong)
    assert found.others == {"doomed": "it dies: SIGABRT: LLVM ERROR: out of ideas"}


def test_after_a_death_in_execution_the_isolated_executors_alone_are_asked() -> None:
    ready = pipeline(Acts("dies", "abort"), executors=[Actor(), Witness()])
    found = ready.run(case(), relu(), "dies", ignore, died="SIGABRT").outcome
    assert found == Passed(0.0, ("witness",), {"actor": "SIGABRT"})


class Elsewhere(Actor):
    """Runs in the worker's helper."""

    name = "elsewhere"
    reusable = True

    def compile(self, lowered: Lowered) -> Executable:
        return lambda inputs: faults.complain() if "abort" in lowered.ir else faults.hog()


@pytest.mark.parametrize(("action", "signal"), [("abort", "SIGABRT"), ("hog", "memory limit")])
def test_a_death_in_execution_outside_of_the_worker_is_judged_as_one_inside(action: str, signal: str) -> None:
    dies = Acts("dies", action)
    limits = resource.getrlimit(resource.RLIMIT_DATA)
    limit_memory(256 << 20)
    try:
        alone, beside = (pipeline(dies, executors=[Elsewhere(), *more]) for more in ([Detective()], [Witness()]))
        found = result(alone, relu(3), "dies")
        assert isinstance(found.outcome, Crashed)
        assert (found.outcome.stage, found.outcome.signal) == ("execute", signal)
        assert found.cause == f"it was miniature.{action} at [3]"
        assert found.outcome.stderr
        assert outcome(beside, relu(3), "dies") == Passed(0.0, ("witness",), {"elsewhere": signal})
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, limits)


# what the specification does not allow -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "ran", "finding"),
    [
        ("right", "right", "right by actor"),
        ("lie_in_shape", "wrong", "out[0].shape=[1, 3], but should be [3], by actor"),
        ("size_below_zero", "wrong", "out[0].shape=[-1, 3], which no tensor has, by actor"),
        ("refuse", "cannot run", "actor: a miniature cannot run this"),
    ],
)
def test_what_the_specification_alone_forbids_is_run_and_stays_invalid(action: str, ran: Any, finding: str) -> None:
    found = outcome(pipeline(Forbids("forbids", action)), relu(3), "forbids")
    assert found == Invalid("verify", "a miniature forbids it", ran, finding)


def test_what_the_specification_forbids_and_dies_is_invalid_too() -> None:
    dies = Forbids("dies", "abort")
    alone, beside = (pipeline(dies, executors=[Actor(), *more]) for more in ([], [Witness()]))
    found = [ready.run(case(), relu(3), "dies", ignore, died="SIGABRT").outcome for ready in (alone, beside)]
    assert found == [
        Invalid("verify", "a miniature forbids it", "died", "SIGABRT"),
        Invalid("verify", "a miniature forbids it", "right", "right by witness"),
    ]


# checkers -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("thorough", [False, True])
def test_a_checker_is_not_asked_where_the_artifact_is_right(thorough: bool) -> None:
    ready = Pipeline(Fx(), {"right": Acts("right", "right")}, [Actor(), Detective()], thorough=thorough)
    found = result(ready, relu())
    assert found.outcome == Passed(0.0, ("actor",))
    assert found.cause == ""


def test_a_checker_tells_the_cause_and_confirms_nothing() -> None:
    found = result(pipeline(Acts("wrong", "lie_in_value"), executors=[Actor(), Detective()]), relu(3), "wrong")
    assert isinstance(found.outcome, Wrong)
    assert (found.outcome.confirmed, found.outcome.others) == (("actor",), {})
    assert found.cause == "it was miniature.lie_in_value at [3]"


def test_a_checker_is_asked_at_the_sizes_that_are_wrong() -> None:
    ready = pipeline(Acts("wrong", "specialize"), executors=[Actor(), Detective()])
    found = result(ready, dynamic("aten.relu.default", 5, 2), "wrong")
    assert isinstance(found.outcome, Wrong)
    assert found.cause == "it was miniature.specialize at [5]"


def test_a_checker_tells_the_cause_of_a_death_that_no_other_road_excuses() -> None:
    dies = Acts("dies", "abort")
    alone, excused = (pipeline(dies, executors=[Actor(), Detective(), *more]) for more in ([], [Witness()]))
    assert alone.run(case(), relu(3), "dies", ignore, died="SIGABRT").cause == "it was miniature.abort at [3]"
    found = excused.run(case(), relu(3), "dies", ignore, died="SIGABRT")
    assert isinstance(found.outcome, Passed)
    assert found.cause == ""


class Broken(Detective):
    """Fails at once."""

    def compile(self, lowered: Lowered) -> Executable:
        raise ValueError("a bug")


@pytest.mark.parametrize("checker", [Blind, Broken])
def test_a_checker_that_finds_nothing_or_fails_changes_nothing(checker: type[Detective]) -> None:
    found = result(pipeline(Acts("wrong", "lie_in_value"), executors=[Actor(), checker()]), relu(), "wrong")
    assert isinstance(found.outcome, Wrong)
    assert found.cause == ""


def test_an_executor_of_another_dialect_is_not_asked() -> None:
    class Elsewhere(Actor):
        dialects = frozenset(("elsewhere",))

        def compile(self, lowered: Lowered) -> Executable:
            raise AssertionError("was asked")

    assert isinstance(outcome(pipeline(executors=[Elsewhere(), Actor()]), relu()), Passed)


def test_every_executor_that_cannot_says_why() -> None:
    class Gives(Actor):
        name = "gives"

        def compile(self, lowered: Lowered) -> Executable:
            def up(inputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
                raise CannotExecute("gave up")

            return up

    found = outcome(pipeline(executors=[CannotCompile(), Gives()]), relu())
    assert found == NotExecuted({"able": "not able", "gives": "gave up"})


def test_the_share_is_that_of_the_worst_run() -> None:
    found = outcome(pipeline(), dynamic("aten.tanh.default", 5, 9), numeric=Ulp(4))
    assert isinstance(found, Passed)
    assert 0 < found.share <= 1


class Tosa(Acts):
    """A miniature that says its dialect is TOSA."""

    def lower(self, contract: Contract) -> Lowered:
        return replace(super().lower(contract), dialect="tosa")


class TosaActor(Actor):
    dialects = frozenset(("tosa", *Actor.dialects))


def test_the_class_of_the_bound_is_named_as_the_dialect_has_it() -> None:
    ready = pipeline(Acts("right", "right"), Tosa("mine", "right"), executors=[TosaActor()])
    exp = dynamic("aten.exp.default", 5)
    assert result(ready, exp, numeric=libm("exp")).numeric == "exp(4)"
    assert result(ready, exp, "mine", numeric=libm("exp")).numeric == "exp(4), promised by tosa"
    assert result(ready, relu()).numeric == ""


def test_a_result_within_a_promise_is_right_in_its_dialect_only() -> None:
    class Coarse(TosaActor):
        def compile(self, lowered: Lowered) -> Executable:
            run = super().compile(lowered)
            return lambda inputs: [t * (1 + 2.0**-20) for t in run(inputs)]

    ready = pipeline(Acts("right", "right"), Tosa("mine", "right"), executors=[Coarse()])
    large = replace(relu(5, low=20.0, high=40.0, nonfinite=False), op="aten.exp.default")
    assert isinstance(outcome(ready, large, "mine", numeric=libm("exp")), Passed)
    assert isinstance(outcome(ready, large, numeric=libm("exp")), Wrong)


def test_in_what_eager_adds_up_is_a_trait_of_the_result() -> None:
    total = replace(relu(9, dtype="bf16"), op="aten.sum.default")
    assert result(pipeline(), total, numeric=Linear((9,))).traits == ("accumulates=wider",)
    assert result(pipeline(), relu(9, dtype="bf16")).traits == ()


def test_a_lie_at_one_size_only_is_seen() -> None:
    class Sometimes(Actor):
        def compile(self, lowered: Lowered) -> Executable:
            run = super().compile(lowered)
            return lambda inputs: [t + (inputs[0].shape[0] == 7) for t in run(inputs)]

    ready = pipeline(executors=[Sometimes()])
    assert isinstance(outcome(ready, dynamic("aten.relu.default", 5, 6)), Passed)
    found = outcome(ready, dynamic("aten.relu.default", 5, 7))
    assert isinstance(found, Wrong)
    assert dict(found.sizes) == {"n": 7}


# what is wrong before any backend sees it -----------------------------------------------------------------------------


class Decomposing:
    """A frontend whose decomposed program, run by eager, gives what it is told to give."""

    name = "decomposing"

    def __init__(self, results: Callable[[torch.Tensor], torch.Tensor]) -> None:
        self.results = results

    def run(self, program: Program, enter: Enter) -> Contract:
        contract = Fx().run(program, enter)
        return replace(contract, decomposed=lambda: lambda inputs: [self.results(*inputs)], decomposes=True)


def lied(results: Callable[[torch.Tensor], torch.Tensor]) -> Outcome:
    """What becomes of a backend that lies in the value, where the decomposed program has these results."""
    return outcome(pipeline(Acts("right", "lie_in_value"), frontend=Decomposing(results)), relu(2, 3))


def test_a_wrong_decomposition_is_no_backends_fault() -> None:
    found = lied(lambda x: lie_in_value([x.relu()], [])[0])
    assert isinstance(found, NotExported)
    assert found.stage == "export"
    assert "torch's own decomposition is not what eager computes: out[0]" in found.reason


def test_a_wrong_decomposition_is_told_in_the_frontends_column() -> None:
    lying = Decomposing(lambda x: lie_in_value([x.relu()], [])[0])
    found = outcome(pipeline(frontend=lying), relu(2, 3), "frontend")
    assert isinstance(found, NotExported)
    assert "torch's own decomposition is not what eager computes: out[0]" in found.reason
    assert outcome(pipeline(frontend=Decomposing(torch.relu)), relu(2, 3), "frontend") == Reached()


class Retyping:
    """A frontend whose decomposed program gives its first result in float64."""

    name = "retyping"

    def run(self, program: Program, enter: Enter) -> Contract:
        def run(inputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
            first, *others = eager(program, inputs)
            return [first.double(), *others]

        dtypes = (torch.float64, torch.float32)[: len(eager(program, program.args))]
        return replace(Fx().run(program, enter), decomposed=lambda: run, decomposes=True, dtypes=dtypes)


def bounds(*dims: int) -> Sample:
    """A sample of an op with two results of the sample's dtype."""
    return replace(relu(*dims), op="aten.aminmax.default")


@pytest.mark.parametrize("sample", [relu(2, 3), bounds(2, 3)], ids=["one result", "two results"])
def test_a_result_that_the_decomposition_retypes_is_judged_all_the_same(sample: Sample) -> None:
    found = result(pipeline(Acts("right", "lie_in_dtype"), frontend=Retyping()), sample)
    assert isinstance(found.outcome, Passed)
    assert "dtype=decomposed" in found.traits
    front = outcome(pipeline(frontend=Retyping()), sample, "frontend")
    assert isinstance(front, NotExported)
    assert front.reason.endswith("out[0].dtype=float64, but should be float32")


def test_the_other_results_are_judged_where_the_decomposition_retypes_one() -> None:
    found = outcome(pipeline(Acts("right", "lie_in_dtype_and_last_value"), frontend=Retyping()), bounds(2, 3))
    assert isinstance(found, Wrong)
    assert (found.kind, found.output) == ("value", 1)


def test_a_dtype_that_the_decomposition_does_not_give_stays_wrong() -> None:
    ready = pipeline(Acts("right", "lie_in_dtype"), frontend=Decomposing(torch.relu))
    found = outcome(ready, relu(2, 3))
    assert isinstance(found, Wrong)
    assert found.kind == "dtype"


def test_a_right_decomposition_excuses_nothing() -> None:
    assert isinstance(lied(torch.relu), Wrong)


def test_a_decomposition_wrong_in_another_way_excuses_nothing() -> None:
    assert isinstance(lied(lambda x: x.relu().flatten()), Wrong)


def test_a_slightly_wrong_decomposition_does_not_excuse_a_grave_error() -> None:
    assert isinstance(lied(lambda x: x.relu() * (1 + 1e-5) + 1e-8), Wrong)


def test_a_decomposition_that_cannot_be_run_excuses_nothing() -> None:
    def fails(x: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("guard failed")

    assert isinstance(lied(fails), Wrong)


def test_a_decomposition_for_some_sizes_only_is_no_backends_fault() -> None:
    def refuses(x: torch.Tensor) -> torch.Tensor:
        raise Specialized("Guard failed: x.size()[0] == 2")

    found = lied(refuses)
    assert isinstance(found, NotExported)
    assert found.stage == "export"
    assert found.reason == "torch's own decomposition holds for some sizes only: Guard failed: x.size()[0] == 2"


def test_the_decomposed_program_is_what_eager_computes() -> None:
    made = Fx().run(program(relu(2, 3)), lambda stage: None).decomposed
    assert made is not None
    (got,) = made()(program(relu(2, 3)).args)
    assert torch.equal(got, program(relu(2, 3)).args[0].relu())


# edges ----------------------------------------------------------------------------------------------------------------


class OnePlusTwoRoundoffs(Actor):
    """Runs the program on inputs that are a little larger."""

    def compile(self, lowered: Lowered) -> Executable:
        return lambda inputs: eager(lowered.program, [t * (1 + 2**-22) for t in inputs])


def floor_of(value: float) -> Sample:
    data = base64.b64encode(zlib.compress(struct.pack("<f", value))).decode()
    return replace(relu(1, kind="literal", data=data), op="aten.floor.default")


def test_a_result_that_an_input_on_an_edge_decides_is_our_own_error() -> None:
    found = outcome(pipeline(executors=(OnePlusTwoRoundoffs(),)), floor_of(3 - 2**-22))
    assert isinstance(found, HarnessError)
    assert "on an edge" in found.traceback
    assert isinstance(outcome(pipeline(executors=(OnePlusTwoRoundoffs(),)), floor_of(2.5)), Passed)


@pytest.mark.parametrize("origin", ORIGINS)
def test_edges_are_our_own_errors_in_what_belongs_to_the_census(origin: Origin) -> None:
    """OpInfo's samples, and what is replayed of them, lie where OpInfo has put them."""
    found = outcome(pipeline(executors=(OnePlusTwoRoundoffs(),)), replace(floor_of(3 - 2**-22), origin=origin))
    assert isinstance(found, HarnessError if origin in RULED else Wrong)


def test_a_wrong_result_elsewhere_is_wrong() -> None:
    assert isinstance(outcome(pipeline(Acts("right", "lie_in_value")), floor_of(2.5)), Wrong)
