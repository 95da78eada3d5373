from __future__ import annotations

import json
from typing import Any

import pytest

from harness.records.cause import Cause, Cut, cause_json, cause_restore
from harness.records.outcome import Crashed, Unsupported, Wrong
from harness.records.signature import Signature

REFUSED = Unsupported("lower", "failed to legalize", "torch.aten.sort")
CAUSE = Cause(
    op="aten.median.default",
    family="sorting",
    backend="tosa",
    mode="static",
    id="abc",
    way=Signature("Unsupported", "lower", "torch.aten.sort"),
    found="culprits",
    culprits=("torch.aten.sort",),
    needs=("torch.aten.index_select",),
    alone=(Cut(ops=("torch.aten.sort",), ir="func.func @main() { return }", outcome=REFUSED),),
    tried=4,
    seconds=0.25,
)


@pytest.mark.parametrize("change", [{}, {"found": "not tried", "why": "a size", "alone": ()}, {"unlocks": True}])
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
