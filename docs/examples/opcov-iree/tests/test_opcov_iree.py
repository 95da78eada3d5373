"""What the plugin makes of programs that IREE takes, refuses or cannot parse, and of bytecode that is damaged."""

from __future__ import annotations

import pytest
import torch
from opcov_iree import Iree, IreeRuntime

from harness.programs.protocols import CannotExecute, Contract, ContractBroken, Lowered, Program, Refused, VersionSkew

RELU = "%y = torch.aten.relu %x : !torch.vtensor<[?,3],f32> -> !torch.vtensor<[?,3],f32>"
REFUSED = "%y = torch.aten.erfinv %x : !torch.vtensor<[?,3],f32> -> !torch.vtensor<[?,3],f32>"
UNKNOWN = "%y = torch.aten.from_the_future %x : !torch.vtensor<[?,3],f32> -> !torch.vtensor<[?,3],f32>"


def contract(body: str, reached: str) -> Contract:
    text = f"""func.func @main(%x: !torch.vtensor<[?,3],f32>) -> !torch.vtensor<[?,3],f32> {{
      {body}
      return %y : !torch.vtensor<[?,3],f32>
    }}"""
    program = Program(op="", module=torch.nn.Module(), args=(torch.ones(2, 3),))
    return Contract(program=program, ir=text, exported=(), reached=(reached,))


def test_one_artifact_runs_at_several_sizes() -> None:
    lowered = Iree().lower(contract(RELU, "torch.aten.relu"))
    Iree().verify(lowered)
    run = IreeRuntime().compile(lowered)
    for rows in (2, 1, 0, 7):
        x = torch.randn(3, rows).t()
        (found,) = run([x])
        assert torch.equal(found, x.relu())


def test_a_refusal_names_the_op() -> None:
    with pytest.raises(Refused, match=r"failed to legalize operation 'torch.aten.erfinv'") as refusal:
        Iree().lower(contract(REFUSED, "torch.aten.erfinv"))
    assert refusal.value.culprit == "torch.aten.erfinv"


def test_what_iree_cannot_parse_is_a_matter_of_versions() -> None:
    with pytest.raises(VersionSkew, match="from_the_future"):
        Iree().lower(contract(UNKNOWN, "torch.aten.from_the_future"))


def test_damaged_bytecode_breaks_the_contract_and_is_not_run() -> None:
    whole = Iree().lower(contract(RELU, "torch.aten.relu"))
    first, _, *rest = whole.ir.splitlines()
    damaged = Lowered(dialect="iree", ir="\n".join((first, f"// {'A' * 72}", *rest)), program=whole.program)
    with pytest.raises(ContractBroken, match="does not load"):
        Iree().verify(damaged)
    with pytest.raises(CannotExecute, match="does not load"):
        IreeRuntime().compile(damaged)
