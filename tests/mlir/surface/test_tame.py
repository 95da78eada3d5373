from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from harness.cases.argument_facets import Option
from harness.cases.case import OMIT, Draw, OpCase
from harness.cases.facets import Undefined
from harness.cases.plain import plain_call
from harness.cases.profile import Profile
from harness.cases.sample import Fill, Sample, TensorSpec, tensors
from harness.commands.tameness import tameness
from harness.judging.agreement import agreement
from harness.programs.materialize import materialize
from harness.programs.value_facets import Value, held
from harness.running import worker
from harness.surface import asking
from harness.surface.asking import Died, Reply, ask_in_fork, is_by_processor
from harness.surface.options import options
from harness.surface.tame import Drawn, Lack, lacks
from harness.surface.tame_report import Tameness, as_data, as_text
from tests.samples import relu

SIZE = Profile(name="small", first=6, others=2)
WILD = ("self:+inf", "self:-inf", "self:nan")


def of(inputs: Any, **more: Any) -> OpCase:
    return OpCase(**{"op": "aten.cummax.default", "inputs": inputs, "dtypes": ("f32",), "static_only": "small"} | more)


def searched(case: OpCase, *opinfo: Sample) -> list[Lack]:
    def ask(sample: Sample, like: Sample | None) -> Reply:
        return agreement(case, sample, like)

    return lacks(Drawn.of(case, SIZE, 0), options(case.op), opinfo, ask)


def names(found: list[Lack], state: str) -> set[str]:
    return {lack.facet for lack in found if lack.state == state}


def tame_inputs(d: Draw) -> Mapping[str, Any]:
    """Two dims of two and three, distinct small integers, the dim counted from the front."""
    n, m = d.size("n", 2, 3), d.size("m", 2, 3)
    return {"self": d.tensor((n, m), fill=Fill(kind="distinct", nonfinite=False, values="simple")), "dim": 1}


def test_everything_that_a_tame_case_never_draws_is_listed() -> None:
    found = searched(of(tame_inputs, values=("mixed",)))
    assert names(found, "tame") == {
        *(f"self:rank={rank}" for rank in (0, 1, 3, 4, 5)),
        *("self:size_0@0", "self:size_0@1", "self:size_1@0", "self:size_1@1"),
        *("self:transposed", "self:sliced", "self:expanded"),
        *("dim<0", "dim<0 at rank 0", "dim>=0 at rank 0"),
        *(f"self:{value}" for value in ("nan", "+inf", "-inf", "-0.0", "subnormal", "least", "largest")),
        "self:ties",
    }
    assert all((lack.sample is not None) == (lack.state == "tame") for lack in found)


def test_what_is_injected_goes_into_the_plain_call_first() -> None:
    case = of(lambda d: {"self": d.tensor(d.shape(1, 3)), "dim": 0})
    plain = plain_call(case, "static")
    assert plain
    programs = Drawn.of(case, replace(SIZE, refilled=2), 0).programs
    assert programs[0] == plain
    assert len({s.program for s in programs}) == len(programs) > 3


def test_what_a_case_draws_is_listed_no_more() -> None:
    def inputs(d: Draw) -> Mapping[str, Any]:
        dims = d.shape(0, 2)
        layout = d.choose("contiguous", "transposed", "sliced", "expanded")
        return {"self": d.tensor(dims, layout=layout), "dim": d.axis(dims)}

    many = Profile(name="many", first=40, others=1, refilled=20)
    case = of(inputs)
    found = lacks(Drawn.of(case, many, 0), options(case.op), (), lambda s, like: agreement(case, s, like))
    listed = names(found, "tame")
    assert not listed & {"self:rank=0", "self:rank=1", "self:rank=2", "dim<0", "self:ties", *WILD}
    assert not listed & {"self:transposed", "self:sliced", "self:expanded", "self:size_1@0"}
    assert not {"self:size_0@0", "self:size_0@1"} <= listed  # to the census they are alike
    assert {"self:rank=3", "self:rank=5"} <= listed


def test_what_eager_rejects_is_not_listed() -> None:
    def inputs(d: Draw) -> Mapping[str, Any]:
        return {"self": d.tensor((d.size("n", 2, 3), d.size("m", 2, 3)))}

    found = searched(of(inputs, op="aten.t.default"))
    assert names(found, "refuses") == {"self:rank=3", "self:rank=4", "self:rank=5"}
    assert not names(found, "tame") & names(found, "refuses")
    assert {"self:rank=0", "self:rank=1"} <= names(found, "tame")


def test_what_differs_from_float64_is_not_listed() -> None:
    case = of(tame_inputs, values=("mixed",))
    found = lacks(Drawn.of(case, SIZE, 0), options(case.op), (), lambda sample, like: "differs")
    assert not names(found, "tame")
    assert {"self:nan", "self:rank=0", "dim<0"} <= names(found, "differs")


def test_a_reason_stands_until_eager_takes_the_call_and_agrees() -> None:
    def inputs(d: Draw) -> Mapping[str, Any]:
        return {"self": d.tensor((2, 3), fill=Fill(nonfinite=False))}

    untried = {"self:nan": "a NaN has no place", "*:rank=3": "a matrix has two dims"}
    found = searched(of(inputs, op="aten.t.default", untried=untried))
    assert names(found, "refuted") == {"self:nan"}
    assert names(found, "named") == {"self:rank=3"}
    assert "self:rank=4" in names(found, "refuses")


def test_eager_is_not_asked_where_what_it_does_is_undefined() -> None:
    def inputs(d: Draw) -> Mapping[str, Any]:
        return {"self": d.tensor((2, 3), fill=Fill(nonfinite=False))}

    def ask(sample: Sample, like: Sample | None) -> Reply:
        assert not is_nan(sample), "eager is asked"
        return "agrees"

    def is_nan(sample: Sample) -> bool:
        return any("nan" in held(materialize(spec, run)) for spec in tensors(sample.args) for run in sample.runs)

    case = of(inputs, op="aten.t.default", untried={"self:nan": Undefined("it reads outside of the tensor")})
    found = lacks(Drawn.of(case, SIZE, 0), options(case.op), (), ask)
    assert names(found, "named") == {"self:nan"}


@pytest.mark.parametrize(
    ("op", "dtypes", "depends"),
    [
        ("aten.conv2d.padding", ("bf16", "bf16", "f16"), True),
        ("aten.gelu_backward.default", ("f64", "bf16"), True),
        ("aten.conv2d.padding", ("bf16", "bf16", "bf16"), False),
        ("aten.conv2d.padding", ("f32", "f32", "f64"), False),
        ("aten.add.Tensor", ("f32", "bf16"), False),
    ],
)
def test_what_another_processor_may_refuse_is_not_kept(op: str, dtypes: tuple[str, ...], depends: bool) -> None:
    args = {f"x{i}": TensorSpec(dims=(2,), dtype=dtype) for i, dtype in enumerate(dtypes)}
    assert is_by_processor(Sample(op=op, dtype=dtypes[0], mode="static", sizes={}, args=args)) is depends


def test_an_optional_argument_has_a_default_and_is_away_from_it() -> None:
    def inputs(d: Draw) -> Mapping[str, Any]:
        return {"self": d.tensor((3,)), "n": 1, "dim": d.choose(OMIT, -1)}

    assert {"n=away"} <= names(searched(of(inputs, op="aten.diff.default")), "tame")


def test_a_pair_of_arguments_is_one_that_opinfo_combines() -> None:
    def inputs(d: Draw) -> Mapping[str, Any]:
        return {"self": d.tensor((3, 4)), **d.choose({"dim": 0}, {"keepdim": True, "dim": 0}, {})}

    case = of(inputs, op="aten.argmax.default", untried={"keepdim+dim": "no"})
    drawn = Drawn.of(case, SIZE, 0).census
    both = replace(drawn[0], args={"self": drawn[0].args["self"], "dim": 1, "keepdim": True}, origin="opinfo")
    only_one = of(lambda d: {"self": d.tensor((3, 4)), "dim": 0}, op="aten.argmax.default")
    assert "dim+keepdim" in names(searched(only_one, both), "tame")
    assert "dim+keepdim" not in {lack.facet for lack in searched(case, both)}
    assert "dim+keepdim" not in {lack.facet for lack in searched(only_one)}


def test_pairs_of_dtypes_are_those_that_eager_promotes() -> None:
    def inputs(d: Draw) -> Mapping[str, Any]:
        return {"self": d.tensor((3,)), "other": d.tensor((3,))}

    found = searched(of(inputs, op="aten.bitwise_and.Tensor", dtypes=("i32", "bool")))
    pairs = {name for name in names(found, "tame") if name.startswith("dtypes")}
    assert {"dtypes=i32,i64", "dtypes=i32,bool", "dtypes=bool,i8"} <= pairs
    assert not {name for name in pairs if "f" in name.removeprefix("dtypes=")}


# asking ---------------------------------------------------------------------------------------------------------------


def test_a_call_in_which_eager_dies_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def deadly(case: OpCase, sample: Sample, like: Sample | None = None) -> str:
        if sample.args["self"].dims == (3,):
            os.kill(os.getpid(), signal.SIGSEGV)
        return "agrees"

    monkeypatch.setattr(asking, "agreement", deadly)

    def search(ask: asking.Ask) -> list[Reply]:
        asked.append(1)
        return [ask(relu(n), None) for n in (2, 3, 4)]

    assert ask_in_fork(of(tame_inputs), search) == ["agrees", "dies", "agrees"]
    assert asked == []  # it ran in forks


@pytest.mark.parametrize(
    ("op", "argument", "reply"),
    [
        ("aten.max_pool2d_with_indices_backward.default", "indices", "dies"),  # it writes to the first element
        ("aten.embedding_dense_backward.default", "indices", "agrees"),  # it leaves out what is no row
        ("aten.gather.default", "index", "refuses"),
        ("aten.bitwise_not.default", "self", "agrees"),  # no index
    ],
)
def test_an_index_that_eager_does_not_check_is_undefined_even_if_its_address_wraps_around(
    op: str, argument: str, reply: Reply
) -> None:
    case = worker.case(op)
    dtype = "i64" if argument == "self" else case.dtypes[0]
    base = plain_call(case, "static", dtype)
    assert base
    (sample, *_) = Value(argument, "i64", "least").injected(base)
    assert ask_in_fork(case, lambda ask: ask(sample, None)) == reply


def test_a_call_that_hangs_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(case: OpCase, sample: Sample, like: Sample | None = None) -> str:
        while True:
            pass

    monkeypatch.setattr(asking, "agreement", slow)
    monkeypatch.setattr(asking, "CALL_SECONDS", 0.1)
    assert ask_in_fork(of(tame_inputs), lambda ask: ask(relu(2), None)) == "dies"


def test_a_call_that_eats_memory_is_refused() -> None:
    case = of(tame_inputs, op="aten.repeat.default")
    sample = replace(relu(2), op=case.op, args={**relu(2).args, "repeats": (1 << 34,)})
    assert ask_in_fork(case, lambda ask: ask(sample, None)) == "refuses"


def test_what_native_code_writes_to_stdout_is_not_in_the_answer(capfd: pytest.CaptureFixture[str]) -> None:
    assert ask_in_fork(of(tame_inputs), lambda ask: os.write(1, b"oneMKL ERROR")) > 0
    assert capfd.readouterr().out == ""


def test_a_call_that_onemkl_finds_fault_with_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def complaining(case: OpCase, sample: Sample, like: Sample | None = None) -> str:
        if sample.args["self"].dims == (3,):
            ctypes.CDLL(None).printf(b"oneMKL ERROR: Parameter 4 was incorrect\n")
        return "agrees"

    monkeypatch.setattr(asking, "agreement", complaining)
    asked = ask_in_fork(of(tame_inputs), lambda ask: [ask(relu(n), None) for n in (2, 3, 4)])
    assert asked == ["agrees", "refuses", "agrees"]


def test_a_search_that_dies_without_asking_is_no_answer() -> None:
    with pytest.raises(Died, match="exit 7"):
        ask_in_fork(of(tame_inputs), lambda ask: os._exit(7))


def test_an_op_whose_search_fails_does_not_end_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    good, bad = of(tame_inputs), of(tame_inputs, op="aten.cummin.default")

    def searching(case: OpCase, search: Any, passes: Any) -> list[Lack]:
        if case is bad:
            raise RuntimeError("Channel axis\nout of range")
        return ask_in_fork(case, search)

    monkeypatch.setattr(asking, "ask_in_fork", searching)
    found = tameness({"sorting": [bad, good]})
    assert found.failed == {bad.op: "RuntimeError: Channel axis"}
    assert {found.families[lack.op] for lack in found.listed} == {"sorting"}
    assert {lack.op for lack in found.listed} == {good.op}


# the report -----------------------------------------------------------------------------------------------------------


def lack(facet: str, dtype: str = "", **more: Any) -> Lack:
    return Lack(op="aten.relu.default", facet=facet, dtype=dtype, **{"kind": "value", "state": "tame", **more})


def report(*found: Lack, **failed: str) -> Tameness:
    return Tameness(lacks=found, families={"aten.relu.default": "activation"}, failed=failed)


def test_the_first_line_is_the_verdict() -> None:
    found = report(lack("self:nan", "f32"), lack("self:nan", "f16"), lack("self:rank=0", kind="rank"))
    assert as_text(found).splitlines()[0] == "tame: 3 facets in 1 of 1 op (2 value, 1 rank)"
    assert "f32 f16" in as_text(found)
    assert "`opcov ops --tame --op aten.relu.default --json`" in as_text(found)
    assert not found.is_empty


def test_reasons_are_counted_and_do_not_count_as_findings() -> None:
    named = lack("self:nan", "f32", state="named", reason="NaN has no order")
    found = report(named, lack("self:rank=9", kind="rank", state="refuses"))
    assert found.is_empty
    assert as_text(found).startswith("not tame: the census of 1 op holds all that eager takes")
    assert "NaN has no order" in as_text(found)
    assert "eager refuses every call that has it" in as_text(found)


def test_an_op_that_could_not_be_searched_is_no_success() -> None:
    found = report(aten_relu="SIGSEGV")
    assert not found.is_empty
    assert "not searched: aten_relu: SIGSEGV" in as_text(found)


def test_the_data_has_every_finding_with_its_sample() -> None:
    data = as_data(report(lack("self:nan", "f32", sample=relu()), lack("self:ties", kind="tie", state="differs")))
    assert data["counts"] == {"value": 1}
    [finding] = data["findings"]
    assert (finding["family"], finding["facet"], finding["sample"]["op"]) == (
        "activation",
        "self:nan",
        "aten.relu.default",
    )
    assert [reason["state"] for reason in data["reasons"]] == ["differs"]


def test_options_come_from_the_schema() -> None:
    found = {option.name: option for option in options("aten.std.correction")}
    assert list(found) == ["dim", "correction", "keepdim"]
    assert found["keepdim"] == Option(name="keepdim", default=False, values=(True, False))
    assert not any(o.name in ("layout", "device") for o in options("aten.rand_like.default"))
    assert next(o for o in options("aten.conv2d.default") if o.name == "bias").tensor
