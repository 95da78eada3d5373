"""Whether a change is the compilers': what a second look takes for a flicker, and what not."""

from __future__ import annotations

from typing import Any

import pytest

from harness.records.outcome import Blocked, Outcome, Passed, Unsupported
from harness.records.signature import Signature, signature
from harness.running.confirmation import FLICKER, confirm

RIGHT = Passed(0.0, ("llvm-jit",))
REFUSED = Unsupported("lower", "error: failed to legalize", "torch.aten.sort")
BLOCKED = Blocked("contract", "Unsupported", "error: failed to legalize operation 'torch.aten.sort'")


class Alone:
    """A pair of compilers that end a sample in these ways, one after the other, when it is run alone."""

    def __init__(self, base: list[Outcome], candidate: list[Outcome]) -> None:
        self.ends = list(zip(base, candidate, strict=True))

    def both(self, job: Any) -> tuple[Outcome, Outcome]:
        return self.ends.pop(0)


def looked_at(after: Signature, base: list[Outcome], candidate: list[Outcome]) -> Any:
    pair: Any = Alone(base, candidate)
    sample: Any = None
    return confirm(pair, sample, "linalg", signature(RIGHT, "linalg"), after, is_worse=True)


def test_a_change_that_stays_is_no_flicker() -> None:
    found = looked_at(signature(REFUSED, "linalg"), [RIGHT] * 3, [REFUSED] * 3)
    assert found.excuse == ""
    assert not found.candidate.flickers


@pytest.mark.parametrize(("again", "excuse"), [(REFUSED, FLICKER), (BLOCKED, "")])
def test_only_the_same_signature_of_the_base_excuses_a_change(again: Outcome, excuse: str) -> None:
    assert looked_at(signature(REFUSED, "linalg"), [RIGHT, again, RIGHT], [REFUSED] * 3).excuse == excuse


def test_what_blocks_a_backend_is_no_flicker_though_the_record_alone_does_not_name_it() -> None:
    told = Signature("Blocked", "contract", "torch.aten.sort", "Unsupported")
    found = looked_at(told, [RIGHT] * 3, [BLOCKED] * 3)
    assert not found.candidate.flickers
    assert found.excuse == ""
