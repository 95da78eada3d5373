"""Causes found in a worker: the op with a planted fault is named, whatever its pieces do to the process."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from harness.cases.plain import plain_call
from harness.cases.sample import Mode, Sample, dumps
from harness.records.frontend import FRONTEND
from harness.records.journal import Record
from harness.records.outcome import Crashed, Outcome, Passed, TimedOut, Unsupported, Wrong
from harness.running.cutting import Cutter
from harness.running.request import CutRequest, CutText
from harness.running.supervisor import Limits, Supervisor
from harness.running.worker import case
from tests import miniatures
from tests.samples import relu

ADD, CLAMP, MUL, DIV = (f"torch.aten.{name}" for name in ("add.Scalar", "clamp", "mul.Tensor", "div.Scalar"))
HARDSWISH = "aten.hardswish.default"
"""Reaches the contract as `ADD`, `CLAMP` twice, `MUL`, `DIV`."""


@pytest.fixture(scope="module")
def supervisor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supervisor]:
    folder = miniatures.install(tmp_path_factory.mktemp("plugins"), (*miniatures.PLANTED, "right"))
    sys.path.insert(0, str(folder))
    with Supervisor((*miniatures.PLANTED, "right", "linalg"), Limits(seconds=3.0)) as made:
        yield made
    sys.path.remove(str(folder))


def failed(supervisor: Supervisor, backend: str, op: str = HARDSWISH, mode: Mode = "static") -> Record:
    """The record of the plain call of an op on a backend."""
    sample = plain_call(case(op), mode)
    assert sample
    result = supervisor.run(sample, backend)
    return Record(
        op=op,
        family="activation",
        backend=backend,
        mode=mode,
        dtype=sample.dtype,
        outcome=result.outcome,
        sample=sample,
        reached=result.reached,
    )


@pytest.mark.parametrize(
    ("backend", "end"),
    [
        ("planted-refusal", Unsupported),
        ("planted-crash", Crashed),
        ("planted-death", Crashed),
        ("planted-lie", Wrong),
    ],
)
@pytest.mark.parametrize("mode", ["static", "dynamic"])
def test_the_op_with_the_fault_is_named_and_the_rest_passes(
    supervisor: Supervisor, backend: str, end: type[Outcome], mode: Mode
) -> None:
    record = failed(supervisor, backend, mode=mode)
    assert isinstance(record.outcome, end)
    cause = Cutter(supervisor.cut).cause(record)
    assert (cause.found, cause.culprits, cause.needs, cause.unlocks) == ("culprits", (MUL,), (), True), cause
    (alone,) = cause.alone
    assert isinstance(alone.outcome, end)
    assert (alone.outcome.stage, alone.ir.count("torch.aten")) == (record.outcome.stage, 1)
    assert isinstance(supervisor.run(relu(), "right").outcome, Passed)


def test_a_piece_that_hangs_ends_at_its_deadline(supervisor: Supervisor) -> None:
    record = failed(supervisor, "planted-hang", "aten.threshold_backward.default")
    assert isinstance(record.outcome, TimedOut)
    cause = Cutter(supervisor.cut).cause(record)
    assert (cause.culprits, cause.unlocks) == (("torch.aten.where.self",), True), cause
    assert isinstance(supervisor.run(relu(), "right").outcome, Passed)


def test_two_ops_that_fail_together_only_are_a_composition(supervisor: Supervisor) -> None:
    cause = Cutter(supervisor.cut).cause(failed(supervisor, "planted-pair"))
    assert (cause.found, cause.culprits, cause.unlocks) == ("composition", (ADD, MUL), True), cause
    assert cause.alone[0].ops == (ADD, MUL)


def test_what_the_frontend_refuses_is_cut_too(supervisor: Supervisor) -> None:
    cause = Cutter(supervisor.cut).cause(failed(supervisor, FRONTEND, "aten.median.dim"))
    assert (cause.level, cause.culprits, cause.unlocks) == ("imported", ("torch.aten.median.dim",), True)


def test_real_pieces_are_compared_under_the_class_of_their_op(supervisor: Supervisor) -> None:
    sample = plain_call(case(HARDSWISH), "static")
    assert sample
    request = CutRequest(op=HARDSWISH, sample=dumps(sample), backend="linalg", kept=(3,))
    text = supervisor.cut(request)
    assert isinstance(text, CutText)
    assert (text.ops, text.numeric, text.lacking) == ((MUL,), "ulp(4)", "")
    whole = CutRequest(op=HARDSWISH, sample=dumps(sample), backend="linalg", kept=(0, 1, 2, 4), depth="compare")
    result = supervisor.cut(whole)
    assert isinstance(getattr(result, "outcome", None), Passed), result


def test_a_bound_of_one_sample_decides_for_no_other(supervisor: Supervisor) -> None:
    """A result of the whole program is held to that sample's bound; what is within the program is not."""
    sample = plain_call(case(HARDSWISH), "static")
    assert sample
    other = replace(sample, sizes={**sample.sizes, "unused": 1}, runs=({**sample.sizes, "unused": 1},))
    assert sample.id != other.id

    def values(of: Sample, *kept: int) -> str:
        text = supervisor.cut(CutRequest(op=HARDSWISH, sample=dumps(of), backend="linalg", kept=kept))
        assert isinstance(text, CutText)
        return text.values

    assert values(sample, 3) == values(other, 3)
    assert values(sample, 0, 1, 2, 3, 4) != values(other, 0, 1, 2, 3, 4)
