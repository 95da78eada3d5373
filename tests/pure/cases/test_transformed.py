"""What transforms vary of samples: which variants there are, how they are dealt, and what becomes of it as JSON."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from harness.cases.numeric import Distribution, ShapeOnly
from harness.cases.road import DEFAULT, Road
from harness.cases.sample import Sample, TensorSpec, dumps, from_json
from harness.cases.transformed import DERIVATIVE, dealt, judging, untransformed, unusable, variants
from harness.cases.varied import Varied, varied_json, varied_restore
from harness.errors import BadSample
from harness.records.expectation import judge
from harness.records.journal import Record, record_json, record_restore
from harness.records.outcome import Excluded, Passed
from harness.running.cells import Cell
from harness.running.sources import Census, plain_on_road
from tests.pure.running.test_cells import SIZE, case
from tests.samples import relu
from tests.synthetic import record

VJP, JVP, VMAP = (Road(transform=name) for name in ("vjp", "jvp", "vmap"))
ADD = case("aten.add.Tensor")


def pair(*dtypes: str) -> Sample:
    args = {name: TensorSpec(dims=(3, 4), dtype=dtype) for name, dtype in zip("ab", dtypes, strict=False)}
    return Sample(op="aten.add.Tensor", dtype=dtypes[0], mode="static", sizes={"n": 2}, args=args, runs=({"n": 2},))


def test_derivatives_are_by_all_floating_tensors_and_by_each_alone() -> None:
    assert [v.tensors for v in variants(ADD, pair("f32", "f32"), VJP)] == [(0, 1), (0,), (1,)]
    assert [v.tensors for v in variants(ADD, pair("i32", "f32"), JVP)] == [(1,)]
    assert variants(ADD, pair("i32", "i32"), VJP) == ()
    assert {v.seed for v in variants(ADD, pair("f32"), VJP)} == {1}


def test_vmap_is_over_all_and_each_along_the_first_and_the_last_dim_and_nested() -> None:
    found = variants(ADD, pair("f32", "i32"), VMAP)
    assert [(v.tensors, v.last, len(v.batch)) for v in found] == [
        ((0, 1), False, 1),
        ((0,), False, 1),
        ((1,), False, 1),
        ((0, 1), True, 1),
        ((0, 1), False, 2),
    ]
    assert not {size for v in found for size in v.batch} & {2, 3, 4}  # torch would take equal sizes for one


def test_random_ops_are_mapped_with_their_randomness() -> None:
    law = replace(ADD, numeric=Distribution(0.0, 1.0, 0.5, 0.3))
    assert {v.randomness for v in variants(law, pair("f32"), VMAP)} == {"different"}
    assert {v.randomness for v in variants(ADD, pair("f32"), VMAP)} == {"error"}


def test_every_variant_occurs_once_the_samples_are_dealt() -> None:
    samples = [pair("f32", "f32"), replace(pair("f32", "f32"), sizes={"n": 3})]
    found = dealt(ADD, samples, VJP)
    assert [s.varied and s.varied.tensors for s in found] == [(0, 1), (0,), (1,)]
    assert len({s.id for s in found}) == 3
    assert {s.road for s in found} == {VJP}
    assert [untransformed(s) for s in found] == [*samples, samples[0]]


def test_a_sample_that_the_transform_cannot_use_says_why() -> None:
    (found,) = dealt(ADD, [pair("i32")], VJP)
    assert found.varied is None
    assert unusable(found) == "vjp has no floating tensor to differentiate"
    assert unusable(pair("i32")) == ""
    empty = replace(pair("i32"), args={})
    assert unusable(dealt(ADD, [empty], VMAP)[0]) == "vmap has no tensor to map over"


def test_what_is_varied_is_part_of_the_id_and_the_seed_no_part_of_the_program() -> None:
    one, *_ = dealt(ADD, [pair("f32", "f32")], VJP)
    assert one.varied
    reseeded = replace(one, varied=replace(one.varied, seed=7))
    assert len({one.id, reseeded.id, pair("f32", "f32").id}) == 3
    assert one.program == reseeded.program
    assert from_json(json.loads(dumps(one))) == one
    assert "varied" not in json.loads(dumps(pair("f32", "f32")))


@pytest.mark.parametrize("varied", [Varied(tensors=(0,), seed=3), Varied(tensors=(1, 0), batch=(5, 6), last=True)])
def test_json_has_what_is_no_default_and_gives_it_back(varied: Varied) -> None:
    data = json.loads(json.dumps(varied_json(varied)))
    assert varied_restore(data) == varied
    assert "randomness" not in data


@pytest.mark.parametrize("bad", [{"tensors": []}, {}, {"tensors": [0], "randomness": "none"}, {"tensors": [0], "x": 1}])
def test_what_makes_no_sense_is_no_sample(bad: object) -> None:
    with pytest.raises(BadSample):
        from_json({**json.loads(dumps(relu())), "road": "vjp", "varied": bad})


def test_a_derivative_is_not_judged_as_the_op_is() -> None:
    own = replace(ADD, unjudged={0: "why"}, canonical=list)
    found = judging(own, dealt(own, [pair("f32")], VJP)[0])
    assert (found.numeric, found.canonical, found.unjudged) == (DERIVATIVE, None, {})
    assert judging(own, dealt(own, [pair("f32")], VMAP)[0]) is judging(own, pair("f32")) is own


def test_the_derivative_of_a_random_op_is_judged_in_shape_only() -> None:
    own = replace(ADD, numeric=ShapeOnly("its values are random"))
    for road in (VJP, JVP):
        assert isinstance(judging(own, dealt(own, [pair("f32")], road)[0]).numeric, ShapeOnly)


def test_a_cells_samples_are_dealt_and_the_plain_call_comes_first() -> None:
    cell = Cell(family="f", case=case(), backend="tosa", mode="static", dtype="f32", road=VMAP)
    samples = Census(SIZE, 0)(cell)
    assert samples[0] == plain_on_road(cell)
    assert {s.varied for s in samples} >= set(variants(case(), samples[0], VMAP))
    near = Census(SIZE, 0)(replace(cell, road=DEFAULT))
    assert {untransformed(s) for s in map(_frozen, samples)} == set(map(_frozen, near))


def _frozen(sample: Sample) -> Sample:
    """The sample in a form that a set takes."""
    return replace(sample, sizes=_Sizes(sample.sizes), args=_Sizes(sample.args), runs=())


class _Sizes(dict):  # type: ignore[type-arg]
    def __hash__(self) -> int:  # type: ignore[override]
        return hash(str(sorted(map(str, self.items()))))


def excluded(**more: object) -> Record:
    return replace(record(relu(), "control", Excluded("vjp has no floating tensor")), **more)  # type: ignore[arg-type]


def test_the_control_need_not_pass_what_a_transform_cannot_use() -> None:
    assert judge([excluded(road=VJP)], "control").kind == "outside"
    assert judge([excluded(road=VJP), record(relu(), "control", Passed(0.0, ("a",)))], "control").kind == "right"
    assert judge([excluded()], "control").kind == "broken"


def test_a_line_says_what_the_transform_introduced() -> None:
    one = replace(excluded(road=VJP), introduced=("aten.gelu_backward.default",))
    assert record_restore(record_json(one)) == one
    assert "introduced" not in record_json(excluded())
