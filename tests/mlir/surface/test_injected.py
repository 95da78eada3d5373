"""What is kept for a census, so that it holds all that eager takes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.cases import picks_file
from harness.cases.case import Draw, OpCase
from harness.cases.profile import Profile
from harness.cases.sample import Fill, Sample, tensors, to_json
from harness.commands import injections, picks, tameness
from harness.commands.tameness import Searcher
from harness.errors import Exit
from harness.judging.agreement import agreement
from harness.surface.asking import Ask, Reply, ask_in_fork
from harness.surface.injected import Injected, injected
from harness.surface.options import options
from harness.surface.tame import Drawn, Lack, lacks

SIZE = Profile(name="small", first=6, others=2, picks=True)


def tame_inputs(d: Draw) -> Mapping[str, Any]:
    n, m = d.size("n", 2, 3), d.size("m", 2, 3)
    return {"self": d.tensor((n, m), fill=Fill(kind="distinct", nonfinite=False, values="simple")), "dim": 1}


def two_inputs(d: Draw) -> Mapping[str, Any]:
    return {"self": d.tensor((3,)), "other": d.tensor((3,))}


def case(inputs: Any = tame_inputs, op: str = "aten.cummax.default", **more: Any) -> OpCase:
    return OpCase(**{"op": op, "inputs": inputs, "dtypes": ("f32",), "static_only": "small"} | more)


PROMOTES = case(two_inputs, "aten.bitwise_and.Tensor", dtypes=("i32", "bool"))


def asked(of: OpCase) -> tuple[Injected, list[Sample]]:
    """What is kept of a case, and the samples that eager was asked about."""
    calls: list[Sample] = []

    def ask(sample: Sample, like: Sample | None) -> Reply:
        calls.append(sample)
        return agreement(of, sample, like)

    return injected(Drawn.of(of, SIZE, 0), options(of.op), (), ask), calls


def with_kept(of: OpCase, kept: Injected) -> OpCase:
    pairs = (sample for promotion in kept.promotions for sample in promotion.samples())
    nightly = (*kept.nightly, *pairs)
    return replace(of, picks=lambda: tuple(kept.samples), nightly=lambda: nightly)


def still(of: OpCase) -> list[Lack]:
    return lacks(Drawn.of(of, SIZE, 0), options(of.op), (), lambda s, like: agreement(of, s, like))


def test_with_what_is_kept_nothing_is_tame() -> None:
    of = case(values=("mixed",))
    assert len([lack for lack in still(of) if lack.state == "tame"]) > 20
    kept, _ = asked(of)
    assert [lack for lack in still(with_kept(of, kept)) if lack.state == "tame"] == []
    assert {s.origin for s in (*kept.samples, *kept.nightly)} == {"injected"}


def test_few_samples_hold_many_facets() -> None:
    of = case(values=("mixed",))
    kept, _ = asked(of)
    tame = [lack for lack in still(of) if lack.state == "tame"]
    assert len(kept.samples) + len(kept.nightly) < len(tame) - 6
    literals = [s for s in kept.samples if any(t.fill.kind == "literal" for t in tensors(s.args))]
    assert 1 <= len(literals) <= 3  # seven special values


def test_values_that_eager_takes_alone_but_not_together_have_a_sample_each() -> None:
    of = case(values=("mixed",))

    def ask(sample: Sample, like: Sample | None) -> Reply:
        from harness.programs.materialize import materialize

        [spec] = tensors(sample.args)
        wild = ~materialize(spec, sample.sizes).isfinite()
        return "differs" if int(wild.sum()) > 1 else agreement(of, sample, like)

    kept = injected(Drawn.of(of, SIZE, 0), options(of.op), (), ask)
    assert {ask(sample, None) for sample in kept.samples} == {"agrees"}
    assert [lack for lack in still(with_kept(of, kept)) if lack.state == "tame" and lack.kind == "value"] == []


def test_the_census_has_one_pair_of_dtypes_for_each_first_one_of_its_own_ways_and_the_nightly_has_all() -> None:
    kept, _ = asked(PROMOTES)
    pairs = {tuple(t.dtype for t in tensors(s.args)) for s in kept.samples}
    assert [first for first, second in pairs if first != second] == ["bool"]
    nightly = {tuple(t.dtype for t in tensors(s.args)) for p in kept.promotions for s in p.samples()}
    assert {("i32", "i64"), ("i32", "bool"), ("bool", "i8"), ("i32", "u8")} <= nightly
    found = still(with_kept(PROMOTES, kept))
    assert [lack for lack in found if lack.state == "tame"] == []
    kinds = Counter(lack.kind for lack in found if lack.state == "nightly")
    assert kinds.pop("dtypes") == len(nightly) - 1
    assert set(kinds) == {"rank", "layout", "size"}


def test_another_op_has_another_pair() -> None:
    other = replace(PROMOTES, op="aten.bitwise_or.Tensor")
    pairs = [{s.program.replace(of.op, "") for s in asked(of)[0].samples} for of in (PROMOTES, other)]
    assert pairs[0] != pairs[1]


def test_what_the_control_does_not_pass_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def passes(case: OpCase, sample: Sample) -> bool:
        return "i64" not in {t.dtype for t in tensors(sample.args)}

    monkeypatch.setattr(tameness, "PROFILE", "quick")
    kept = injections.to_keep(Searcher(passes, {}), PROMOTES)
    assert kept
    every = [*kept.samples, *kept.nightly, *(s for p in kept.promotions for s in p.samples())]
    assert kept.samples and kept.promotions
    assert "i64" not in {t.dtype for s in every for t in tensors(s.args)}


def test_what_the_control_does_not_pass_cannot_be_judged() -> None:
    def search(ask: Ask) -> list[Lack]:
        return lacks(Drawn.of(PROMOTES, SIZE, 0), options(PROMOTES.op), (), ask)

    found = ask_in_fork(PROMOTES, search, lambda case, sample: False)
    assert {"dtypes=i32,i64", "self:rank=0"} <= {lack.facet for lack in found if lack.state == "unjudged"}
    assert not [lack for lack in found if lack.state == "tame"]


def test_an_op_that_cannot_be_searched_is_told_and_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def inputs(d: Draw) -> Mapping[str, Any]:
        raise RuntimeError("no inputs\ntoday")

    searcher = Searcher(lambda case, sample: True, {})
    assert injections.to_keep(searcher, case(inputs)) is None
    assert searcher.failed == {"aten.cummax.default": "RuntimeError: no inputs"}


def test_a_family_of_which_an_op_cannot_be_searched_keeps_what_it_has(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def inputs(d: Draw) -> Mapping[str, Any]:
        raise RuntimeError("no inputs")

    for name in ("INJECTED", "PROMOTED"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "sorting.jsonl").write_text("kept", encoding="utf-8")
        monkeypatch.setattr(injections, name, folder)
    monkeypatch.setattr(injections, "catalog", lambda: {"sorting": (case(inputs),)})
    monkeypatch.setattr(picks, "catalog", lambda: {"sorting": ()})
    monkeypatch.setattr(injections.opinfo, "trace", lambda: None)
    monkeypatch.setattr(injections, "of_opinfo", lambda: ({}, ""))
    assert injections.main(["sorting"]) == Exit.FOUND
    assert [path.read_text() for path in sorted(tmp_path.glob("*/*"))] == ["kept", "kept"]
    assert "sorting: left as it was" in capsys.readouterr().out


def test_what_is_listed_still_is_added_for_the_nightly(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    sample = asked(case())[0].nightly[0]
    told = {"findings": [{"family": "sorting", "sample": to_json(replace(sample, origin="census"))}] * 2}
    (tmp_path / "tame.json").write_text(json.dumps(told), encoding="utf-8")
    monkeypatch.setattr(injections, "NIGHTLY", tmp_path / "nightly")
    for _ in range(2):
        assert injections.main(["--add", str(tmp_path / "tame.json")]) == Exit.OK
        assert picks_file.read(tmp_path / "nightly" / "sorting.jsonl") == {sample.op: (sample,)}


@pytest.mark.parametrize("text", ["", "[]", '{"findings": [{"family": "sorting", "sample": 3}]}'])
def test_what_lists_no_findings_is_an_error_of_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    (tmp_path / "tame.json").write_text(text, encoding="utf-8")
    assert injections.main(["--add", str(tmp_path / "tame.json")]) == Exit.DATA
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert f"{tmp_path / 'tame.json'}: " in error
    assert "--add takes what `opcov ops --tame --json` prints" in error


def test_a_call_that_refutes_a_reason_is_kept() -> None:
    def inputs(d: Draw) -> Mapping[str, Any]:
        return {"self": d.tensor((2, 3), fill=Fill(nonfinite=False))}

    of = case(inputs, "aten.t.default", untried={"self:nan": "a NaN has no place"})
    assert {lack.facet for lack in still(of) if lack.state == "refuted"} == {"self:nan"}
    assert "self:nan" not in {lack.facet for lack in still(with_kept(of, asked(of)[0]))}


def test_an_unknown_family_is_an_error_of_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert injections.main(["sortign"]) == Exit.USAGE
    assert capsys.readouterr().err.startswith("injections: unknown family 'sortign'; did you mean sorting")
