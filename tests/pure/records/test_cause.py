from __future__ import annotations

import json
from typing import Any

import pytest

from harness.records.cause import Cause, Cut, cause_json, cause_restore
from harness.records.outcome import Crashed, Unsupported, Wrong
from tests.synthetic_cause import REFUSED, cause

CAUSE = cause()
WRONG = Cut(ops=("torch.aten.exp",), ir="", outcome=Wrong("value", "", 0, "x"), numeric="ulp(4)")


@pytest.mark.parametrize(
    "change", [{}, {"found": "not tried", "why": "a size", "alone": ()}, {"unlocks": True}, {"alone": (WRONG,)}]
)
def test_a_cause_survives_its_line(change: dict[str, Any]) -> None:
    values = {name: getattr(CAUSE, name) for name in Cause.__dataclass_fields__} | change
    assert cause_restore(json.loads(json.dumps(cause_json(Cause(**values))))) == Cause(**values)


@pytest.mark.parametrize("key", ["op", "way", "found", "tried"])
def test_a_line_without_a_key_is_an_error(key: str) -> None:
    line = cause_json(CAUSE)
    del line[key]
    with pytest.raises(KeyError):
        cause_restore(line)


def test_a_cause_explains_the_outcomes_of_its_way() -> None:
    assert CAUSE.explains("tosa", "static", REFUSED)
    assert CAUSE.explains("tosa", "static", Unsupported("lower", "failed at another size", "torch.aten.sort"))
    assert not CAUSE.explains("tosa", "dynamic", REFUSED)
    assert not CAUSE.explains("linalg", "static", REFUSED)
    assert not CAUSE.explains("tosa", "static", Unsupported("lower", "failed", "torch.aten.topk"))
    assert not CAUSE.explains("tosa", "static", Crashed("lower", "SIGSEGV", ""))
    assert not CAUSE.explains("tosa", "static", Wrong("value", "", 0, "llvm-jit"))
