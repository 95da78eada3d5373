"""The whole registry: every case draws what it promises, and the frontend's IR of every op is the official path's.

Parametrized by family, so that workers share the load; what a family's census costs is paid once per worker.
"""

from __future__ import annotations

import hashlib
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache

import pytest
import torch

from backends.frontend import Fx, reference_ir
from harness.cases import picks_file, promotions
from harness.cases.case import OpCase
from harness.cases.draw import census
from harness.cases.dtypes import DTYPES
from harness.cases.numeric import EXACT
from harness.cases.profile import Profile, profile
from harness.cases.sample import Mode, Sample, SizeOf, dumps, from_json, tensors, to_json, walk
from harness.judging.agreement import agreement
from harness.judging.reference import Run, eager_results, runs
from harness.programs.program import call, overload, program
from harness.programs.protocols import NotExpressible
from harness.surface.attribute_coverage import attribute_values, attributes
from op_suites import INJECTED, NIGHTLY, OPINFO, PROMOTED, catalog

FAMILIES = tuple(catalog())
CASES = {case.op: case for cases in catalog().values() for case in cases}
REQUIRED = (
    "elementwise",
    "activation",
    "comparison",
    "reduction",
    "normalization",
    "matmul",
    "convolution",
    "pooling",
    "padding",
    "shaping",
    "indexing",
    "scatter",
    "sorting",
    "creation",
    "loss",
    "upsampling",
    "attention",
    "backward",
    "random",
    "conversion",
)
PRIMES = frozenset((2, 3, 5, 7, 11, 13))
families = pytest.mark.parametrize("family", FAMILIES)


@cache
def drawn(op: str, dtype: str, mode: Mode, size: str = "quick") -> tuple[Sample, ...]:
    return census(CASES[op], dtype, mode, profile(size), seed=0)


@cache
def reference(op: str, dtype: str) -> Run:
    """Eager's results on the first static sample."""
    return runs(drawn(op, dtype, "static")[0], EXACT)[0]


def cells(family: str) -> Iterator[tuple[OpCase, str, Mode]]:
    """Those of the default profile."""
    for case in catalog()[family]:
        for mode in case.modes():
            for dtype in profile("default").dtypes(case, mode):
                yield case, dtype, mode


# what is in it --------------------------------------------------------------------------------------------------------


def test_no_op_is_declared_twice() -> None:
    assert len(CASES) == sum(map(len, catalog().values()))


def test_there_are_at_least_120_ops() -> None:
    assert len(CASES) >= 120


@pytest.mark.parametrize("family", REQUIRED)
def test_a_required_family_has_at_least_four_ops(family: str) -> None:
    assert len(catalog()[family]) >= 4


@families
def test_every_op_is_an_overload_that_writes_to_no_argument(family: str) -> None:
    assert [case.op for case in catalog()[family] if overload(case.op)._schema.is_mutable] == []


@families
def test_dtypes_are_known_unique_and_not_excluded_at_once(family: str) -> None:
    for case in catalog()[family]:
        assert case.dtypes, case.op
        assert len(set(case.dtypes)) == len(case.dtypes), case.op
        assert set(case.dtypes) <= set(DTYPES), case.op
        assert not set(case.dtypes) & set(case.exclude), case.op


@families
def test_every_exception_carries_its_reason(family: str) -> None:
    for case in catalog()[family]:
        reasons = [*case.exclude.values(), *case.unjudged.values(), *case.misshapen.values(), *case.fixed.values()]
        reasons += [reason for reason in (case.static_only, case.unexported) if reason is not None]
        assert all(reason.strip() for reason in reasons), case.op


# what it draws --------------------------------------------------------------------------------------------------------


@families
def test_every_cell_draws(family: str) -> None:
    empty = [f"{case.op} {dtype} {mode}" for case, dtype, mode in cells(family) if not drawn(case.op, dtype, mode)]
    assert empty == []


@families
def test_every_cell_has_a_sample_without_an_empty_tensor(family: str) -> None:
    """What is empty passes whatever is done to it."""
    hollow = [
        f"{case.op} {dtype} {mode}"
        for case, dtype, mode in cells(family)
        if not any(_solid(sample) for sample in drawn(case.op, dtype, mode))
    ]
    assert hollow == []


def _solid(sample: Sample) -> bool:
    sizes = [n for t in tensors(sample.args) for n in t.shape(sample.sizes)]
    sizes += [sample.sizes[leaf.dim] for leaf in walk(sample.args) if isinstance(leaf, SizeOf)]
    return 0 not in sizes


@families
def test_a_sample_is_that_of_its_cell_and_survives_json(family: str) -> None:
    for case, dtype, mode in cells(family):
        for sample in drawn(case.op, dtype, mode):
            assert (sample.op, sample.dtype, sample.mode) == (case.op, dtype, mode)
            assert dumps(from_json(to_json(sample))) == dumps(sample)


@families
def test_every_argument_is_in_the_schema(family: str) -> None:
    for case in catalog()[family]:
        for mode in case.modes():
            for sample in drawn(case.op, case.dtypes[0], mode):
                call(sample)  # raises BadSample


@families
def test_eager_takes_every_dtype_that_is_declared(family: str) -> None:
    for case in catalog()[family]:
        for dtype in case.dtypes:
            reference(case.op, dtype)  # raises EagerRefuses


@families
def test_eager_takes_every_example(family: str) -> None:
    for case in catalog()[family]:
        for mode in case.modes():
            for dtype in {example.dtype for example in case.examples}:
                for sample in case.explicit(dtype, mode):
                    assert dumps(from_json(to_json(sample))) == dumps(sample)
                    runs(sample, case.numeric_of(sample), case.canonical)  # raises EagerRefuses


def test_no_norm_asks_for_an_extremum_of_nothing() -> None:
    """Export refuses it, though eager gives a result for some."""
    case = CASES["aten.norm.ScalarOpt_dim"]
    found = [s for seed in range(3) for s in census(case, "f32", "static", profile("default"), seed)]
    infinite = [s for s in found if s.args["p"] in (math.inf, -math.inf)]
    assert infinite
    assert [dumps(s) for s in infinite if s.origin == "census" and not _solid(s)] == []


@families
def test_every_kept_sample_is_a_call_of_a_cell(family: str) -> None:
    cases = {case.op: case for case in catalog()[family]}
    picks = [
        s for folder in (OPINFO, INJECTED) for of in picks_file.read(folder / f"{family}.jsonl").values() for s in of
    ]
    nightly = [s for of in promotions.read(PROMOTED / f"{family}.jsonl").values() for p in of for s in p.samples()]
    nightly += [s for of in picks_file.read(NIGHTLY / f"{family}.jsonl").values() for s in of]
    assert sorted(s.id for s in picks) == sorted(s.id for case in cases.values() for s in case.picks())
    assert sorted(s.id for s in nightly) == sorted(s.id for case in cases.values() for s in case.nightly())
    for sample in (*picks, *nightly):
        assert sample.dtype in profile("default").dtypes(cases[sample.op], sample.mode)
        call(sample)  # raises BadSample


@families
def test_eager_takes_an_injected_sample_of_each_op(family: str) -> None:
    for case in catalog()[family]:
        for sample in [s for s in case.picks() if s.origin == "injected"][:1]:
            with torch.backends.mkldnn.flags(enabled=False):  # oneDNN has other mistakes on each processor
                assert agreement(case, sample) in ("agrees", "edge"), dumps(sample)


def pointwise_samples(case: OpCase) -> Iterator[tuple[Sample, Run]]:
    """Small samples with special values of which all tensors, and the result, have one shape."""
    for sample in census(case, case.dtypes[0], "static", profile("default"), 0):
        shapes = {tensor.shape(sample.sizes) for tensor in tensors(sample.args)}
        if sample.values != "mixed" and len(shapes) == 1 and 0 < math.prod(*shapes) <= 100:
            (run,) = runs(sample, case.numeric_of(sample), case.canonical)
            if run.outputs[0].eager.shape == run.inputs[0].shape:
                yield sample, run


@pytest.mark.parametrize("family", ["elementwise", "activation", "backward"])
def test_what_eager_makes_of_an_element_does_not_depend_on_how_many_there_are(family: str) -> None:
    """Its vector instructions may take another way than what is left over at the end of a tensor."""
    for case in catalog()[family]:
        for sample, run in pointwise_samples(case) if "softmax" not in case.op else ():
            eager, inputs = eager_results(sample, case.canonical), [tensor.flatten() for tensor in run.inputs]
            alone = torch.cat([eager([x[i : i + 1] for x in inputs])[0] for i in range(len(inputs[0]))])
            among_many = eager([x.repeat_interleave(64) for x in inputs])[0][::64]
            assert torch.allclose(alone, among_many, rtol=1e-3, atol=1e-5, equal_nan=True), dumps(sample)


def test_every_file_of_kept_samples_is_one_of_a_family_and_they_are_small() -> None:
    for folder, most in ((OPINFO, 2**20), (INJECTED, 4 * 2**20), (NIGHTLY, 2**21), (PROMOTED, 2**21)):
        files = list(folder.glob("*.jsonl"))
        assert {path.stem for path in files} <= set(FAMILIES)
        assert sum(path.stat().st_size for path in files) < most


@families
def test_dynamic_cells_run_one_artifact_at_four_sizes_with_a_degenerate_and_a_prime_one(family: str) -> None:
    for case, dtype, mode in cells(family):
        if mode == "static":
            continue
        found = tuple(s for s in drawn(case.op, dtype, mode) if s.origin == "census")
        assert all(sample.dynamic for sample in found), case.op
        for sample in found:
            sizes = {name: [run[name] for run in sample.runs] for name in sample.dynamic}
            assert len({tuple(run.items()) for run in sample.runs}) >= 4, dumps(sample)
            for name, seen in sizes.items():
                assert len(set(seen)) >= 3, f"{name} of {dumps(sample)}"
                assert PRIMES & set(seen), f"{name} of {dumps(sample)}"
        assert any(min(run.values()) <= 1 for s in found for run in s.runs) or _bounded(found), case.op


def _bounded(found: tuple[Sample, ...]) -> bool:
    """Whether the least of each dynamic dim is above 1 in all samples: their case's bounds do not permit less."""
    return all(min(run[name] for run in s.runs) > 1 for s in found for name in s.dynamic)


@families
def test_every_attribute_takes_two_values(family: str) -> None:
    bare = [
        f"{case.op} {name}"
        for case in catalog()[family]
        for name, values in attribute_values(case).items()
        if not values.varies and values.reason is None
    ]
    assert bare == []


@families
def test_every_single_valued_argument_is_one_of_the_op(family: str) -> None:
    for case in catalog()[family]:
        assert set(case.fixed) <= set(attributes(case.op)), case.op


# that it is the same each time ----------------------------------------------------------------------------------------

PRINTED = """
import sys
from tests.mlir.op_suites.test_registry import fingerprint
print(fingerprint())
"""
FEW = Profile(name="few", first=2, others=1)


def fingerprint() -> str:
    """Of some censuses drawn anew: one op of each family, its first and its last dtype."""
    chosen = [cases[len(cases) // 2] for cases in catalog().values()]
    lines = [
        dumps(sample)
        for case in chosen
        for mode in case.modes()
        for sample in census(case, case.dtypes[0], mode, FEW, seed=7)
    ]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def test_the_census_is_the_same_at_each_call() -> None:
    assert fingerprint() == fingerprint()


def test_the_census_depends_on_the_seed() -> None:
    case = CASES["aten.add.Tensor"]
    ids = [tuple(s.id for s in census(case, "f32", "static", FEW, seed)) for seed in (0, 1)]
    assert ids[0] != ids[1]


@pytest.mark.parametrize("hashing", ["1", "2"])
def test_the_census_is_the_same_in_another_process(hashing: str) -> None:
    paths = os.pathsep.join(sys.path)
    done = subprocess.run(
        [sys.executable, "-c", PRINTED],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONHASHSEED": hashing, "PYTHONPATH": paths},
        check=True,
    )
    assert done.stdout.strip() == fingerprint()


# that the frontend is the official path -------------------------------------------------------------------------------


def _imported(sample: Sample) -> tuple[str | None, bool]:
    """The frontend's IR, None where it refuses; and whether it took the relaxed program, as the pipeline does."""
    relaxed = False
    try:
        try:
            return Fx().run(program(sample), lambda stage: None).ir, relaxed
        except NotExpressible as refusal:
            if refusal.stage != "export" or not sample.dynamic:
                raise
            relaxed = True
            return Fx().run(program(sample, relaxed=True), lambda stage: None).ir, relaxed
    except NotExpressible:
        return None, relaxed


def _official(sample: Sample, relaxed: bool) -> str | None:
    try:
        return reference_ir(program(sample, relaxed=relaxed))
    except Exception:  # the official path raises nearly every exception type there is
        return None


def _identical(sample: Sample) -> None:
    ir, relaxed = _imported(sample)
    assert ir == _official(sample, relaxed), dumps(sample)


def _richest(case: OpCase, mode: Mode) -> Sample:
    """The first sample after the plain call."""
    plain, *others = drawn(case.op, case.dtypes[0], mode)
    return next(iter(others), plain)


@families
def test_static_ir_is_that_of_the_official_path(family: str) -> None:
    """Of every fourth op, and of those without dynamic cells, since each costs a quarter of a second."""
    torch.set_num_threads(1)
    for case in catalog()[family]:
        if "dynamic" not in case.modes() or _digit(case) % 4 == 0:
            _identical(_richest(case, "static"))


@families
def test_dynamic_ir_is_that_of_the_official_path(family: str) -> None:
    """Of every eighth op, of which the static IR is not compared, since each costs half a second."""
    torch.set_num_threads(1)
    for case in catalog()[family]:
        if "dynamic" in case.modes() and _digit(case) % 8 == 1:
            _identical(_richest(case, "dynamic"))


def _digit(case: OpCase) -> int:
    """A number from 0 to 255 that deals out ops to tests, whatever their order."""
    return hashlib.sha256(case.op.encode()).digest()[0]


def test_identity_is_tried_on_samples_with_tensors() -> None:
    assert any(tensors(drawn(op, case.dtypes[0], "static")[0].args) for op, case in CASES.items())
