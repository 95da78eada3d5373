"""The column `tcp` through a stand-in for `tcp-opt`: right results, refusals with culprits, what is no `tcp-opt`."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from backends.executors.llvm_jit import LlvmJit
from backends.lowerings.tcp import Tcp
from harness.programs import tcp_opt
from harness.programs.protocols import (
    CompilerDied,
    ContractBroken,
    Lowered,
    Program,
    Refused,
    Unavailable,
    VersionSkew,
)
from tests import tcp_stand_in
from tests.mlir.example_programs import ROWS, X, aten, contract, program, tensor

TANH = program(aten.tanh.default, X)
ADD = program(aten.add.Tensor, X, X)
GATHER = program(lambda x: aten.gather.default(x, 0, torch.zeros(1, X.shape[1], dtype=torch.int64)), X)


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """The stand-in is `tcp-opt`, with the fault that the test names."""
    path = tcp_stand_in.write(tmp_path / "tcp-opt", getattr(request, "param", ""))
    monkeypatch.setenv(tcp_opt.VARIABLE, str(path))


def with_fault(fault: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("stand_in", [fault], indirect=True, ids=[fault])


def lowered(given: Program) -> Lowered:
    made = Tcp().lower(contract(given))
    Tcp().verify(made)
    return made


@pytest.mark.parametrize("given", [TANH, ADD], ids=["tanh", "add"])
def test_it_ends_in_linalg_that_runs(given: Program, stand_in: None) -> None:
    made = lowered(given)
    assert made.dialect == "linalg"
    assert "linalg.generic" in made.ir
    torch.testing.assert_close(LlvmJit().compile(made)(list(given.args))[0], given.module(*given.args))


def test_one_dynamic_artifact_runs_at_every_size(stand_in: None) -> None:
    run = LlvmJit().compile(lowered(program(aten.tanh.default, X, dynamic=(ROWS,))))
    for rows in (0, 1, 5):
        x = tensor(rows, *X.shape[1:])
        torch.testing.assert_close(run([x])[0], x.tanh())


def test_an_op_without_a_conversion_to_tcp_is_the_culprit(stand_in: None) -> None:
    with pytest.raises(Refused, match=r"failed to legalize operation 'torch\.aten\.erf'") as refusal:
        lowered(program(aten.erf.default, X))
    assert refusal.value.culprit == "torch.aten.erf"


def test_an_op_that_tcp_only_carries_is_the_culprit(stand_in: None) -> None:
    with pytest.raises(Refused, match=r"torch.aten.gather left in linalg IR") as refusal:
        lowered(GATHER)
    assert refusal.value.culprit == "torch.aten.gather"


@with_fault("unsure")
def test_an_op_of_tcp_that_is_left_is_the_culprit(stand_in: None) -> None:
    with pytest.raises(Refused, match=r"tcp.tanh left in linalg IR: there is no conversion") as refusal:
        lowered(TANH)
    assert refusal.value.culprit == "tcp.tanh"


@with_fault("lies")
def test_a_wrong_conversion_gives_a_wrong_result(stand_in: None) -> None:
    (got,) = LlvmJit().compile(lowered(TANH))(list(TANH.args))
    torch.testing.assert_close(got, torch.sin(*TANH.args))


@with_fault("newer")
def test_text_of_another_version_is_a_matter_of_versions(stand_in: None) -> None:
    with pytest.raises(VersionSkew, match=r"the installed torch-mlir cannot parse what tcp-opt wrote.*from_the_future"):
        lowered(TANH)


@with_fault("rubbish")
def test_rubbish_breaks_the_contract(stand_in: None) -> None:
    with pytest.raises(ContractBroken, match=r"the conversion of TCP to linalg: error: custom op 'rubbish' is unknown"):
        lowered(TANH)


@with_fault("dies")
def test_its_death_is_that_of_the_compiler(stand_in: None) -> None:
    with pytest.raises(CompilerDied) as death:
        lowered(TANH)
    assert (death.value.how, death.value.stderr.strip()) == ("SIGABRT", "LLVM ERROR: out of ideas")


@with_fault("another program")
def test_another_program_is_told_from_it(stand_in: None) -> None:
    with pytest.raises(Unavailable, match=r"is no tcp-opt: `--help` does not list the options.*mlir-tcp"):
        lowered(TANH)


def test_where_it_is_absent_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(tcp_opt.VARIABLE, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match=r"there is no tcp-opt: no package ships it; build it from .*--tcp-opt PATH"):
        lowered(TANH)
    monkeypatch.setenv(tcp_opt.VARIABLE, str(tmp_path / "gone"))
    with pytest.raises(Unavailable, match=r"gone is no tcp-opt: there is no such file"):
        lowered(TANH)


def test_it_is_found_on_the_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(tcp_opt.VARIABLE, raising=False)
    tcp_stand_in.write(tmp_path / "tcp-opt")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert "linalg.generic" in lowered(ADD).ir
