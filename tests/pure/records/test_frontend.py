from __future__ import annotations

import pytest

from harness.records.frontend import LONGEST, blocked, is_of_decomposition, refusal
from harness.records.outcome import (
    Blocked,
    Crashed,
    Excluded,
    Invalid,
    NotExported,
    NotRun,
    Reached,
    Stage,
    TimedOut,
    Unsupported,
    Wrong,
)

OPERATOR = (
    "error: failed to legalize operation 'torch.operator' that was explicitly marked illegal: %4 = "
    '"torch.operator"(%0) <{name = "torch.aten.fft_fft2"}> : (!torch.vtensor<[3],f32>) -> !torch.vtensor<[3],f32>'
)
CANONICAL = (
    "error: 'torch.aten._assert_tensor_metadata' op Failed to canonicalize the _assert_tensor_metadata op since the "
    "dtype does not match"
)
ROLL = (
    "error: list sizes of shifts and dims are not the same\n"
    '  note: see current operation: %3 = "torch.aten.roll"(%arg0, %1, %2) : (!torch.vtensor<[6,5],f32>)'
)


@pytest.mark.parametrize(
    ("stage", "reason", "culprit"),
    [
        ("contract", OPERATOR, "torch.aten.fft_fft2"),
        ("contract", "error: failed to legalize operation 'torch.aten.sort'", "torch.aten.sort"),
        ("contract", CANONICAL, "torch.aten._assert_tensor_metadata"),
        ("contract", ROLL, "torch.aten.roll"),
        ("import", "KeyError: torch.complex128", "torch.complex128"),
        ("import", "NotImplementedError: Higher-order operation 'with_effects' not implemented", "with_effects"),
        ("import", "NotImplementedError: FIX ME: Unimplemented call_function: target=<function sym_min>", "sym_min"),
        ("import", "TypeError: Unsupported argument type <class 'complex'>", "complex"),
        ("import", "ValueError: aten.as_strided.default `size` must be a static int list", "torch.aten.as_strided"),
        ("import", "TypeError: 'NoneType' object is not callable", None),
    ],
)
def test_a_refusal_is_torch_mlirs_and_names_what_it_stops_at(stage: Stage, reason: str, culprit: str | None) -> None:
    assert refusal(stage, reason) == Unsupported(stage, reason, culprit)


@pytest.mark.parametrize(
    ("stage", "reason"),
    [
        ("contract", "error: type of return operand 0 ('!torch.vtensor<[3,1,3],f32>') doesn't match function result"),
        (
            "contract",
            "error: 'torch.aten.clamp' op operand #1 must be Optional torch scalar type, but got '!torch.bool'",
        ),
        ("contract", "error: 'torch.vtensor.literal' op requires attribute 'value'"),
        ("import", "'torch.aten.add.Tensor' op operand #0 must be Any Torch tensor type"),
    ],
)
def test_ir_that_the_verifier_rejects_is_invalid(stage: Stage, reason: str) -> None:
    assert refusal(stage, reason) == Invalid(stage, reason)


def test_what_export_refuses_is_pytorchs() -> None:
    reason = "UnsupportedFakeTensorException: quantized nyi in meta tensors"
    assert refusal("export", reason) == NotExported("export", reason)


def test_a_backend_is_blocked_by_a_failure_of_the_frontend_alone() -> None:
    refused = refusal("contract", ROLL)
    assert blocked(refused, told=True) == Blocked("contract", "Unsupported")
    assert blocked(refused, told=False) == Blocked("contract", "Unsupported", ROLL.splitlines()[0])
    assert blocked(TimedOut("contract", 30.0), told=False) == Blocked("contract", "TimedOut", "no end after 30 s")
    assert blocked(Crashed("import", "SIGSEGV", "text"), told=False) == Blocked("import", "Crashed", "SIGSEGV")
    for other in (
        Reached(),
        Excluded("eager refuses"),
        NotRun("contract", 3.0, "x"),
        Unsupported("lower", "no", None),
        TimedOut("lower", 30.0),
        Wrong("value", "m", 0, "x"),
    ):
        assert blocked(other, told=False) is None


def test_the_reason_of_a_blocked_record_is_short() -> None:
    stopped = blocked(NotExported("export", "x" * 1000), told=False)
    assert stopped is not None
    assert len(stopped.reason) == LONGEST


def test_a_wrong_decomposition_is_told_from_an_export_that_fails() -> None:
    assert is_of_decomposition(NotExported("export", "torch's own decomposition is not what eager computes: out[0]"))
    assert not is_of_decomposition(NotExported("export", "RuntimeError: no"))
