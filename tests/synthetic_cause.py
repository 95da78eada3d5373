"""A cause that the tests share."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from harness.records.cause import Cause, Cut
from harness.records.outcome import Unsupported
from harness.records.signature import Signature

REFUSED = Unsupported("lower", "failed to legalize", "torch.aten.sort")


def cause(**changes: Any) -> Cause:
    """The cause of a refusal of `aten.median.default` on tosa."""
    made = Cause(
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
    return replace(made, **changes)
