"""What two failures of one kind have in common."""

from dataclasses import replace

import pytest

from harness.records.outcome import Blocked, Crashed, Invalid, Outcome, Passed, TimedOut, Unsupported, Wrong
from harness.records.signature import Signature, signature

WRONG = Wrong(kind="value", message="out0 = 1, but should be 2", output=0, executor="llvm-jit", error=1.0, bound=0.1)
IR_ERROR = "error: 'torch.aten.conv_tbc' op has no result"


@pytest.mark.parametrize(
    ("outcome", "backend", "expected", "line"),
    [
        (Passed(0.5, ("llvm-jit",)), "linalg", Signature("Passed", "compare"), "Passed at compare"),
        (WRONG, "tosa", Signature("Wrong", "compare", kind="value"), "Wrong at compare: value"),
        (Crashed("lower", "SIGSEGV", "#0"), "tosa", Signature("Crashed", "lower", kind="SIGSEGV"), None),
        (
            Unsupported("lower", "error: failed to legalize", "torch.aten.sort"),
            "tosa",
            Signature("Unsupported", "lower", "torch.aten.sort"),
            "Unsupported at lower: torch.aten.sort",
        ),
        (Unsupported("import", "sym_float", None), "frontend", Signature("Unsupported", "import"), None),
        (Invalid("verify", IR_ERROR, ran="right"), "tosa", Signature("Invalid", "verify", kind="right"), None),
        (Blocked("import", "Unsupported", "why"), "tosa", Signature("Blocked", "import", kind="Unsupported"), None),
    ],
)
def test_a_signature_has_the_culprit_and_the_kind(
    outcome: Outcome, backend: str, expected: Signature, line: str | None
) -> None:
    assert signature(outcome, backend) == expected
    assert line is None or str(expected) == line


def test_numbers_seconds_and_messages_are_no_part_of_it() -> None:
    other = replace(WRONG, message="out0 = 3, but should be 2", executor="xla", error=2.0)
    assert signature(WRONG, "tosa") == signature(other, "tosa")
    assert signature(TimedOut("lower", 30.0), "tosa") == signature(TimedOut("lower", 10.0), "tosa")
