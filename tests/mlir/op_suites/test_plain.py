"""The plain call of every case: eager takes it, it has elements, and it is ordinary or says why not."""

from __future__ import annotations

from functools import cache

import pytest

from harness.cases.case import OpCase
from harness.cases.plain import plain_call, small, unusual
from harness.cases.sample import MODES, Mode, Sample
from harness.cases.sizes import is_first_dim_dynamic
from harness.errors import MissingPackage
from harness.judging.reference import runs
from harness.programs.program import call
from op_suites import catalog
from tests import ordinary_calls

families = pytest.mark.parametrize("family", tuple(catalog()))

KEPT = "a reduced dim that is kept has size 1"
NOTHING_TO_SQUEEZE = "without a size of 1 it does nothing"
SMALL = {
    "aten._weight_norm_interface.default": KEPT,
    "aten.native_layer_norm_backward.default": KEPT,
    "aten._fake_quantize_per_tensor_affine_cachemask_tensor_qparams.default": "its flag is a tensor of one element",
    "aten.squeeze.default": NOTHING_TO_SQUEEZE,
    "aten.squeeze.dim": NOTHING_TO_SQUEEZE,
    "aten.squeeze.dims": NOTHING_TO_SQUEEZE,
    "aten.squeeze_copy.default": NOTHING_TO_SQUEEZE,
    "aten.squeeze_copy.dim": NOTHING_TO_SQUEEZE,
    "prims.squeeze.default": NOTHING_TO_SQUEEZE,
}
"""The ops whose plain call has a size below 2, with the reason."""

COMBINED = "OpInfo combines all values; networks leave the dilation and the rounding of sizes alone"
WITHOUT_EFFECT = "with the defaults alone it copies the whole tensor"
NEVER_DRAWN = "the case does not draw it"
LAW = "the case always gives the parameters of the distribution, to whose law the results are held"
UNUSUAL = {
    "aten.clamp.default": "eager requires one of the bounds; the documentation gives both",
    "aten.stft.default": "eager warns without a window",
    "aten.stft.center": "eager warns without a window, and requires `return_complex`",
    "aten._upsample_bilinear2d_aa.vec": "eager requires it or the factors",
    "aten.linalg_tensorinv.default": "the default takes dims whose product export makes a constant",
    "aten.conv3d.padding": "OpInfo combines all values",
    "aten.max_pool1d.default": COMBINED,
    "aten.max_pool2d.default": COMBINED,
    "aten.max_pool3d.default": COMBINED,
    "aten.max_pool1d_with_indices.default": COMBINED,
    "aten.max_pool2d_with_indices.default": COMBINED,
    "aten.max_pool3d_with_indices.default": COMBINED,
    "aten.avg_pool1d.default": COMBINED,
    "aten.slice.Tensor": WITHOUT_EFFECT,
    "aten.slice_copy.Tensor": WITHOUT_EFFECT,
    "aten.slice_scatter.default": WITHOUT_EFFECT,
    "aten.diagonal_scatter.default": "the default dims leave none that may be symbolic",
    "aten.take_along_dim.default": "in dynamic mode the indices need a dim of their own",
    "aten.one_hot.default": "the default makes the size depend on the values",
    "aten.searchsorted.Tensor": NEVER_DRAWN,
    "aten.searchsorted.Scalar": NEVER_DRAWN,
    "aten._unique2.default": NEVER_DRAWN,
    "aten.unique_dim.default": NEVER_DRAWN,
    "aten.histc.default": "the elements keep away from the edges of the bins, which it names",
    "aten.multinomial.default": "a symbolic number of draws may exceed the number of elements",
    "aten.uniform.default": LAW,
    "aten.normal_functional.default": LAW,
    "aten.exponential.default": LAW,
    "aten.diff.default": "OpInfo combines all values; the case gives what comes before and after in two steps",
}
"""The ops whose plain call gives other optional arguments than most of OpInfo's samples, with the reason."""

CONSTANT = "the case makes the first dim a constant"
NOT_FIRST = {
    "aten.split.Tensor": CONSTANT,
    "aten.chunk.default": CONSTANT,
    "aten.tensor_split.tensor_indices_or_sections": CONSTANT,
    "aten.split.sizes": CONSTANT,
    "aten.unsafe_split.Tensor": CONSTANT,
    "aten.vsplit.int": CONSTANT,
    "aten.vsplit.array": CONSTANT,
    "aten.unbind.int": CONSTANT,
    "aten.split_copy.Tensor": CONSTANT,
    "aten.split_with_sizes_copy.default": CONSTANT,
    "aten.unbind_copy.int": CONSTANT,
    "aten.take.default": CONSTANT,
    "aten.put.default": CONSTANT,
    "aten.segment_reduce.default": CONSTANT,
    "aten.multinomial.default": CONSTANT,
}
"""The ops in whose dynamic plain call another dim than the first is symbolic, with the reason."""


@cache
def calls(family: str) -> tuple[tuple[OpCase, Mode, Sample], ...]:
    found = [(case, mode, plain_call(case, mode)) for case in catalog()[family] for mode in case.modes()]
    assert [(case.op, mode) for case, mode, sample in found if sample is None] == []
    return tuple((case, mode, sample) for case, mode, sample in found if sample)


@families
def test_eager_takes_it_and_its_results_have_elements(family: str) -> None:
    for case, mode, sample in calls(family):
        call(sample)  # raises BadSample
        first = runs(sample, case.numeric_of(sample))[0]  # raises EagerRefuses
        assert any(output.eager.numel() for output in first.outputs), f"{case.op} {mode}"


@families
def test_it_has_finite_ordinary_values_in_row_major_tensors_of_the_first_dtype(family: str) -> None:
    for case, _, sample in calls(family):
        assert sample.dtype == case.dtypes[0]
        assert sample.values in ("simple", "mixed"), case.op


def test_its_sizes_are_two_and_more_but_for_a_reason() -> None:
    assert {sample.op for family in catalog() for _, _, sample in calls(family) if small(sample)} == set(SMALL)


def test_dynamic_runs_have_no_smaller_sizes_either() -> None:
    for family in catalog():
        for _, _, sample in calls(family):
            assert min((run[name] for run in sample.runs for name in sample.dynamic), default=2) >= 2, sample.op


def test_it_gives_the_optional_arguments_that_most_of_opinfos_samples_give_but_for_a_reason() -> None:
    assert {sample.op for family in catalog() for _, _, sample in calls(family) if unusual(sample)} == set(UNUSUAL)


def test_its_first_dim_is_symbolic_in_dynamic_mode_but_for_a_reason() -> None:
    found = [sample for family in catalog() for _, mode, sample in calls(family) if mode == MODES[1]]
    assert {sample.op for sample in found if not is_first_dim_dynamic(sample)} == set(NOT_FIRST)


def test_what_is_ordinary_is_what_torch_and_opinfo_say() -> None:
    try:
        text = ordinary_calls.text()
    except MissingPackage as error:
        pytest.skip(str(error))
    assert ordinary_calls.PATH.read_text(encoding="utf-8") == text, "run `python -m tests.ordinary_calls`"
