from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cases.sample import DtypeArg, EnumArg, Fill, Sample, SizeOf, TensorSpec
from harness.errors import UnknownName
from harness.records.opinion import Opinion
from harness.records.outcome import OUTCOMES, Blocked, Crashed, FirstWrongPass, Invalid, Passed, Unsupported, Wrong
from reports.answers.explain import explain
from reports.fold.call import call, explain_command, repro_command
from reports.fold.cell import cells_of
from reports.fold.matrix import load
from reports.fold.reason import diagnostic, headline, reasons, smallest
from reports.fold.rules import by_trait, rule, separate
from reports.pages import panels, samples
from reports.pages.html import payload
from tests import causes
from tests.synthetic import CONTROLS, HTML, PASSED, everything, index, record, sample, whole_index

OP = "aten.add.Tensor"


def test_call_reads_as_a_call() -> None:
    one = Sample(
        op=OP,
        dtype="f32",
        mode="static",
        sizes={"n": 2, "m": 3},
        args={
            "self": TensorSpec(dims=("n", "m"), dtype="f32"),
            "other": TensorSpec(dims=("m",), dtype="f32", fill=Fill(values="nonfinite")),
            "index": TensorSpec(dims=(), dtype="i64", fill=Fill(kind="index", of="m")),
            "alpha": 2,
            "dim": (0, -1),
            "size": SizeOf("n"),
            "dtype": DtypeArg("f64"),
            "layout": EnumArg("layout", "strided"),
            "mode": "sum",
            "value": float("-inf"),
            "none": None,
        },
    )
    assert call(one) == (
        "aten.add.Tensor(self=f32[2,3], other=f32[3]{nonfinite}, index=i64[]{index}, alpha=2, dim=[0, -1], size=2, "
        "dtype=f64, layout=strided, mode='sum', value=-inf, none=None)"
    )


def test_call_of_a_dynamic_sample_names_its_dims_and_their_sizes() -> None:
    assert call(sample(OP, "f32", "dynamic", (2, 3), alpha=1)) == f"{OP}(self=f32[n,3], alpha=1) at n=2, 5, 0"


def test_commands_can_be_pasted() -> None:
    one = record(sample(OP, "f32", "static", (2,)), "my backend", PASSED)
    assert explain_command(OP, "tosa") == "opcov explain aten.add.Tensor --backend tosa"
    assert repro_command(one.id, one.backend) == f"opcov repro {one.id} --backend 'my backend'"


# rules ----------------------------------------------------------------------------------------------------------------


def test_one_trait_separates() -> None:
    found = separate([["rank=0", "x"]], [["rank=1", "x"], ["rank=2"]])
    assert found is not None
    assert str(found) == "fails iff rank=0 (1 failing, 2 passing)"


def test_a_lacking_trait_separates() -> None:
    found = separate([["a"], ["b"]], [["a", "c"], ["b", "c"]])
    assert found is not None
    assert found.text == "not c"


def test_pairs_separate() -> None:
    both = separate([["a", "b"]] * 3, [["a"], ["b"], []])
    either = separate([["a"], ["b"], ["a", "b"]], [["c"], ["d"], []])
    assert both is not None
    assert both.text == "a and b"
    assert either is not None
    assert either.text == "a or b"


def test_few_samples_prove_no_pair() -> None:
    assert separate([["a", "b"]], [["a"], ["b"]]) is None
    assert separate([["a"]], [["b"]]) is None
    assert separate([], [["a"]] * 5) is None


TRAITS = st.lists(st.sets(st.sampled_from("abcd")), max_size=6)


@given(TRAITS, TRAITS)
def test_a_rule_is_true_of_all_failing_and_no_passing_sample(failing: list[set[str]], passing: list[set[str]]) -> None:
    found = separate(failing, passing)
    if found is None:
        return

    def holds(text: str, traits: set[str]) -> bool:
        if " and " in text:
            return all(holds(part, traits) for part in text.split(" and "))
        if " or " in text:
            return any(holds(part, traits) for part in text.split(" or "))
        return text.removeprefix("not ") not in traits if text.startswith("not ") else text in traits

    for text in (found.text, *found.others):
        assert all(holds(text, traits) for traits in failing)
        assert not any(holds(text, traits) for traits in passing)


def test_rule_and_traits_of_a_cell() -> None:
    refused = Unsupported("lower", "no", None)
    records = [record(sample(OP, "f32", "static", shape), "tosa", PASSED) for shape in ((1,), (2,), (2, 3))]
    records.append(record(sample(OP, "f32", "static", ()), "tosa", refused))
    (cell,) = cells_of(index(records).records(OP))
    assert str(rule(cell)) == "fails iff rank=0 (1 failing, 3 passing)"
    assert {t.trait: (t.passed, t.total) for t in by_trait(cell)} == {
        "dtype=f32": (3, 4),
        "rank=0": (0, 1),
        "rank=1": (2, 2),
        "rank=2": (1, 1),
        "size_1": (1, 1),
        "values=mixed": (3, 4),
    }


# reasons --------------------------------------------------------------------------------------------------------------


def test_reasons_are_distinct_and_ranked() -> None:
    records = [
        record(
            sample(OP, "f32", "static", (n,)), "tosa", Unsupported("lower", f"error: no tensor<{n}xf32> at %{n}", "t")
        )
        for n in (3, 2, 4)
    ]
    records.append(record(sample(OP, "f32", "static", (9,)), "tosa", Wrong("shape", "m", 0, "x")))
    found = reasons(cells_of(index(records).records(OP))[0])
    assert [(r.outcome, r.count) for r in found] == [("Wrong", 1), ("Unsupported", 3)]
    assert found[1].line == "no tensor<2xf32> at %2", "of the smallest sample"


def test_minimised_is_the_smallest_even_if_larger() -> None:
    a = record(sample(OP, "f32", "static", (1,)), "tosa", PASSED)
    b = record(sample(OP, "f32", "static", (5,)), "tosa", PASSED, minimised="0" * 10)
    assert smallest([a, b]) is b
    assert smallest([record(sample(OP, "f32", "static", (2, 3)), "tosa", PASSED), a]) is a


def test_every_outcome_has_a_headline_and_a_diagnostic() -> None:
    by_class = {type(r.outcome): r.outcome for r in everything()}
    assert set(by_class) == set(OUTCOMES)
    for outcome in by_class.values():
        assert headline(outcome).strip()
        assert "\n" not in headline(outcome)
        assert diagnostic(outcome).strip()


def test_a_blocked_sample_is_explained_by_the_frontend() -> None:
    of = sample(OP, "f32", "static", (2,))
    refused = Unsupported("import", "KeyError: torch.uint64", "torch.uint64")
    told = explain(index([record(of, "frontend", refused), record(of, "tosa", Blocked("import", "Unsupported"))]), OP)
    text = told.text()
    assert "0 of 1 sample reached the backends: 1 Unsupported" in text
    assert "Unsupported at import, 1 sample, culprit torch.uint64" in text
    assert "Blocked at import, 1 sample\n     | Unsupported at import in the frontend\n     opcov explain" in text
    assert f"opcov explain {OP} --backend frontend" in text
    alone = explain(index([record(of, "tosa", Blocked("import", "Unsupported", "KeyError: torch.uint64"))]), OP, "tosa")
    assert "Unsupported at import in the frontend: KeyError: torch.uint64" in alone.text()
    assert f"opcov repro {of.id} --backend tosa" in alone.text()


def test_headlines() -> None:
    assert headline(Crashed("execute", "SIGFPE", "")) == "SIGFPE at execute"
    assert headline(Invalid("verify", "")) == "no diagnostic at verify"
    assert headline(Invalid("verify", CONTROLS)) == "red text"
    assert headline(Invalid("verify", "no f64", "right", "right by llvm-jit")) == "yet right: no f64"
    assert headline(Invalid("verify", "no f64", "died", "SIGSEGV")) == "and it dies: no f64"
    wrong = Wrong("value", "", 1, "jit", element=(0, 2), expected="1", actual="2", error=1.0, bound=1e-6, count=1, of=9)
    assert headline(wrong) == "value: out1[0][2] = 2, but should be 1"
    assert "1 of 9 elements out of bound" in diagnostic(wrong)


# explain --------------------------------------------------------------------------------------------------------------


def test_explain_says_where_why_and_how_to_see_it() -> None:
    wrong = Wrong("value", "out[0] = 1.0, but should be 2.0", 0, "llvm-jit")
    of = sample(OP, "f32", "static", (4,), alpha=-1)
    small = record(sample(OP, "f32", "static", (1,), alpha=-1), "tosa", wrong, minimised=of.id)
    records = [record(sample(OP, "f32", "static", (n,), alpha=1), "tosa", PASSED) for n in (1, 2, 3)]
    made = index([*records, record(of, "tosa", wrong), small])
    text = explain(made, OP, "tosa", ir="func.func @main()\n").text()
    assert "tosa static: ✗ wrong" in text
    assert "fails iff alpha<0 (1 failing, 3 passing; so does not alpha=1)" in text
    assert f"smallest, minimised from {of.id}:" in text
    assert f"{OP}(self=f32[1], alpha=-1)" in text
    assert f"opcov repro {small.id} --backend tosa" in text
    assert "reaches the backend as torch.aten.add.Tensor" in text
    assert "tosa dynamic: · never, never run" in text
    assert "  func.func @main()" in text
    data = json.loads(json.dumps(explain(made, OP, "tosa", ir="x").json()))
    assert data["cells"][0]["reasons"][0]["minimised_from"] == of.id
    assert data["ir"] == "x"


def test_explain_names_what_a_decomposed_op_becomes() -> None:
    text = explain(whole_index(), "aten.gelu.default", "tosa").text()
    assert "is decomposed away; the backend sees torch.aten.mul.Tensor, torch.aten.sigmoid" in text


def test_explain_every_backend() -> None:
    text = explain(whole_index(), "aten.exp.default").text()
    assert "stablehlo dynamic:" in text
    assert "linalg static:" in text


def test_explain_does_not_cut_json_nor_flood_the_terminal() -> None:
    made = whole_index()
    assert len(explain(made, "aten.relu.default", "stablehlo").text()) < 12_000
    data = explain(made, "aten.relu.default", "stablehlo").json()
    assert any(r["diagnostic"] == HTML for cell in data["cells"] for r in cell["reasons"])
    assert any(len(r["diagnostic"]) > 20_000 for cell in data["cells"] for r in cell["reasons"])


def test_unknown_names_suggest() -> None:
    with pytest.raises(UnknownName, match=r"aten\.relu\.default"):
        explain(whole_index(), "aten.rleu.default", "tosa")
    with pytest.raises(UnknownName, match="tosa"):
        explain(whole_index(), "aten.relu.default", "tossa")


@pytest.mark.parametrize(
    ("breaks", "said"),
    [
        (("n", "m"), "breaks where n or m is dynamic"),
        (("n+m",), "breaks where n and m are dynamic together"),
        (("nothing",), "fails where all sizes are static too"),
        (("m", "nothing"), "breaks where m is dynamic; fails where all sizes are static too"),
        ((), ""),
    ],
)
def test_explain_says_what_a_dynamic_dim_has_to_do_with_it(breaks: tuple[str, ...], said: str) -> None:
    of = sample("aten.relu.default", "f32", "dynamic", (2, 3))
    refused = Unsupported("lower", "no", "torch.aten.relu")
    records = [record(of, "tosa", refused, breaks=each) for each in breaks or (None,)]
    found = explain(index(records), "aten.relu.default", "tosa")
    (reason,) = reasons(found.records["tosa", "dynamic"])
    assert reason.dynamism == said
    assert said in found.text()
    assert found.json()["cells"][-1]["reasons"][0]["breaks"] == list(breaks)


def test_explain_says_what_runtime_verification_does() -> None:
    of = sample("aten.relu.default", "f32", "static", (2, 3))
    crashed = Crashed("execute", "SIGSEGV", "")
    said = "out-of-bounds access in memref.store"
    records = [record(of, "linalg", crashed), record(of, "linalg", crashed, cause=said)]
    found = explain(index(records), "aten.relu.default", "linalg")
    assert f"runtime verification:\n       {said}\n" in found.text()
    assert found.json()["cells"][0]["reasons"][0]["cause"] == said
    silent = explain(index(records[:1]), "aten.relu.default", "linalg")
    assert "runtime verification" not in silent.text()
    assert silent.json()["cells"][0]["reasons"][0]["cause"] is None


def test_explain_says_after_which_pass_a_wrong_sample_parts_from_eager() -> None:
    of = sample("aten.relu.default", "f32", "static", (2, 3))
    parts = FirstWrongPass(
        right="import", wrong="lower/cse", message="m", between={"lower/canonicalize": "torch.x left"}
    )
    said = "parts from eager after lower/cse (right until import; lower/canonicalize cannot be run)"
    wrong = Wrong("value", "m", 0, "x")
    run = index([record(of, "tosa", wrong, first_wrong_pass=parts), record(of, "tosa", wrong)])
    found = explain(run, of.op, "tosa")
    assert said in found.text()
    assert said in payload(load(run), panels.load(run), samples.load(run))["texts"]
    assert found.json()["cells"][0]["reasons"][0]["parts"] == [said]
    never = FirstWrongPass(right="lower", wrong=None)
    assert str(never) == "right until lower, after every step that can be run"


def test_explain_and_the_panel_say_what_the_second_opinion_is() -> None:
    of = sample("aten.relu.default", "f32", "static", (2, 3))
    wrong = Wrong("value", "m", 0, "llvm-jit")
    opinion = Opinion(executor="iree", says="confirms", why="out[0]=1.0")
    run = index([record(of, "linalg", wrong, opinion=opinion)])
    found = explain(run, of.op, "linalg")
    said = "second opinion: iree is wrong in the same way, which confirms it: out[0]=1.0"
    assert said in found.text()
    assert said in payload(load(run), panels.load(run), samples.load(run))["texts"]
    assert found.json()["cells"][0]["reasons"][0]["opinions"] == [str(opinion)]


def test_explain_and_the_panel_say_what_a_second_opinion_clears() -> None:
    of = sample("aten.relu.default", "f32", "static", (2, 3))
    passed = Passed(0.1, ("iree",), {"llvm-jit": "out[0]=1.0"})
    opinion = Opinion(executor="iree", says="clears", instead=Wrong("value", "out[0]=1.0", 0, "llvm-jit"))
    run = index([record(of, "linalg", passed, opinion=opinion)])
    found = explain(run, of.op, "linalg")
    said = f"1 sample passed by iree alone, at fault: llvm-jit out[0]=1.0 (opcov repro {of.id} --backend linalg)"
    assert said in found.text()
    assert said in payload(load(run), panels.load(run), samples.load(run))["texts"]
    assert found.json()["cells"][0]["cleared"][0]["id"] == of.id
    assert found.json()["cells"][0]["passed"] == 1


# what is at fault -----------------------------------------------------------------------------------------------------


def test_it_starts_with_the_culprit_the_call_and_the_command() -> None:
    through = causes.line(OP, causes.refused("torch.aten.size.int"), reached=causes.MANY)
    made = causes.index(
        [through], [causes.cause(through, "torch.aten.sort", outcome=causes.refused("torch.aten.sort"))]
    )
    lines = explain(made, OP, "tosa").text().splitlines()
    assert lines[:3] == [
        "tosa: `aten.sort` is refused, 1 sample of 1 op, all static",
        f"{OP}(self=f32[2,3])",
        f"opcov repro {through.id} --backend tosa",
    ]


def test_the_worst_cause_is_first_and_the_others_follow() -> None:
    wrong = Wrong("value", "out[0] = 1.0, but should be 2.0", 0, "x")
    records = [causes.line(OP, causes.refused("torch.aten.add.Tensor")), causes.line(OP, wrong, shape=(3,))]
    found = explain(causes.index(records), OP, "tosa")
    lines = found.text().splitlines()
    assert lines[0].startswith("tosa: `aten.add.Tensor` has wrong values")
    assert lines[3].startswith("also tosa: `aten.add.Tensor` is refused")
    assert [cause["outcome"] for cause in found.json()["causes"]] == ["Wrong", "Unsupported"]


def test_what_is_blocked_is_explained_by_the_frontends_cause() -> None:
    lacks = Unsupported("contract", "error: failed to legalize operation 'torch.operator'", "torch.aten.addmv")
    of = sample(OP, "f32", "static", (2,))
    made = causes.index(
        [
            record(of, "frontend", lacks, reached=()),
            record(of, "tosa", Blocked("contract", "Unsupported"), reached=()),
        ]
    )
    assert explain(made, OP, "tosa").text().startswith("frontend: `aten.addmv` is no op of the torch dialect")


def test_what_passes_has_no_cause() -> None:
    found = explain(index([record(sample(OP, "f32", "static", (2,)), "tosa", PASSED)]), OP, "tosa")
    assert found.causes == ()
    assert found.text().startswith(f"{OP} on tosa")
