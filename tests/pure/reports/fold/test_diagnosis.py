from __future__ import annotations

import pytest

from harness.records.outcome import Crashed, Invalid, Outcome, TimedOut, Unsupported, Wrong
from reports.fold.diagnosis import LACKING, MEMORY, NO_MEMORY, UNLOWERED, manner, message, named, told

CONSTANT = "error: failed to legalize operation 'torch.constant.int': %3 = \"torch.constant.int\"()"
ASSERT = "error: failed to legalize operation 'torch.runtime.assert' that was explicitly marked illegal: ..."
ILLEGAL = "error: failed to legalize operation 'torch.aten.sort' that was explicitly marked illegal: %1 = ..."
OPERATOR = "error: failed to legalize operation 'torch.operator' that was explicitly marked illegal: ..."
FORBIDDEN = "not what the specification allows\nerror: 'tosa.cast' op illegal: no profile, got (i8,i64), did you mean"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("'arith.muli' op operand #0 must be integer-like, but got 'complex<f32>'",
         "error: 'arith.muli' op operand #1 must be integer-like, but got 'f32'"),
        ("slice size (-1) is out of bounds for operand dimension (3) at index 0",
         "slice size (4) is out of bounds for operand dimension (-1) at index 2"),
        ("result type '4x3x?x2' not compatible with '4x1'", "result type '2' not compatible with '1x1x?'"),
        ("inferred shape '[1, 2, 3]' of tensor<1x2x3xf32>", "inferred shape '[4]' of tensor<4xbf16>"),
        ("expected element type to be 'i8'", "expected element type to be 'bf16'"),
        ("Unimplemented call_function: target=<f>, {'stack_trace': 'a'}",
         "Unimplemented call_function: target=<g>, {'stack_trace': 'b'}"),
        ("yield operand 0 ('f8E4M3FN') differs", "yield operand 1 ('i1') differs"),
    ],
)  # fmt: skip
def test_numbers_shapes_names_and_element_types_are_out(one: str, other: str) -> None:
    assert message(one) == message(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("'tosa.conv2d' op needs a bias", "'tosa.conv3d' op needs a bias"),
        ("'math.log1p' op operand #0 must be floating-point-like", "'math.log10' op operand #0 must be ..."),
        ("unimplemented: non-floating point dtype", "unimplemented: type promotion from tensor to scalar."),
    ],
)
def test_what_a_message_is_about_stays(one: str, other: str) -> None:
    assert message(one) != message(other)


@pytest.mark.parametrize(
    ("outcome", "culprit", "expected"),
    [
        (Unsupported("lower", ILLEGAL, "torch.aten.sort"), "torch.aten.sort", UNLOWERED),
        (Unsupported("lower", CONSTANT, "torch.aten.sort"), "torch.aten.sort", UNLOWERED),
        (Unsupported("lower", ASSERT, "torch.aten.view"), "torch.aten.view", f"{UNLOWERED} torch.runtime.assert"),
        (Wrong("non-finite", "out[0] = nan", 1, "x"), "", "non-finite"),
        (TimedOut("lower", 30.0), "", "no end at lower"),
        (Invalid("verify", FORBIDDEN), "", "'tosa.cast' op illegal: no profile"),
        (Invalid("verify", "func.func is left in tosa IR\nerror: x"), "", "func.func is left in tosa IR"),
        (Crashed("lower", "SIGABRT (memory limit)", "LLVM ERROR: out of memory"), "", NO_MEMORY),
        (Crashed("lower", "memory limit", "MemoryError: std::bad_alloc"), "", NO_MEMORY),
        (Crashed("execute", "SIGSEGV", ""), "", MEMORY),
        (Crashed("execute", "SIGABRT", "compiled code wrote in front of a buffer of 144 bytes"), "", MEMORY),
        (Crashed("execute", "SIGFPE", ""), "", "SIGFPE"),
        (Crashed("lower", "SIGSEGV", "[W1127 ReduceOps.cpp:1861] Warning: std(): degrees"), "", "SIGSEGV"),
        (Crashed("lower", "SIGABRT", 'LLVM ERROR: Failed:\n"arith.constant"(...) {} : () -> ( ??? )'), "",
         'SIGABRT: LLVM ERROR: Failed: "arith.constant"'),
    ],
)  # fmt: skip
def test_in_which_manner_a_sample_fails(outcome: Outcome, culprit: str, expected: str) -> None:
    assert manner(outcome, "tosa", culprit) == expected


def test_what_runtime_verification_saw_counts_as_an_access_out_of_bounds() -> None:
    died = Crashed("execute", "SIGABRT", "free(): invalid next size")
    assert manner(died, "linalg", "", "out-of-bounds access in memref.store") == MEMORY
    assert manner(died, "linalg") == "SIGABRT: free(): invalid next size"


def test_an_op_that_the_torch_dialect_lacks_is_lacking_whatever_its_arguments_are() -> None:
    assert manner(Unsupported("contract", OPERATOR, "torch.aten.addmv"), "frontend", "torch.aten.addmv") == LACKING


@pytest.mark.parametrize(
    ("text", "expected"),
    [(ILLEGAL, "torch.aten.sort"), (ASSERT, "torch.runtime.assert"), (CONSTANT, "said"), (OPERATOR, "said"),
     ("error: unimplemented", "said")],
)  # fmt: skip
def test_what_was_not_legalized_is_named_unless_another_op_has_left_it(text: str, expected: str) -> None:
    assert named(Unsupported("lower", text, "said"), "said") == expected


def test_an_invalid_module_says_what_is_forbidden() -> None:
    assert told(Invalid("verify", FORBIDDEN)).startswith("'tosa.cast' op illegal")
    assert told(Crashed("lower", "SIGSEGV", "")) == "SIGSEGV at lower"
