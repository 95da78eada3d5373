"""The cascades: right results, ops without a conversion, mistakes of the conversion, faults of the base lowering."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from backends.executors.llvm_jit import LlvmJit
from backends.executors.stablehlo_interpreter import StablehloInterpreter
from backends.ir import Diagnostic, PassFailed
from backends.lowerings import cascade
from backends.lowerings.cascade import Cascade, StablehloLinalg, TosaLinalg
from backends.lowerings.linalg import Linalg
from backends.lowerings.lowering import Lowering
from backends.lowerings.stablehlo import Stablehlo
from backends.lowerings.tosa import Tosa
from harness.commands.repro_script import opt_command
from harness.programs.protocols import ContractBroken, Lowered, Program, Refused
from tests.mlir.example_programs import PROGRAMS, ROWS, X, aten, contract, program, tensor

CASCADES: dict[str, Cascade] = {made.name: made for made in (TosaLinalg(), StablehloLinalg())}


def lowered(cascade: str, given: Program) -> Lowered:
    result = CASCADES[cascade].lower(contract(given))
    CASCADES[cascade].verify(result)
    return result


def refused(cascade: str, given: Program) -> Refused:
    with pytest.raises(Refused) as raised:
        CASCADES[cascade].lower(contract(given))
    return raised.value


@pytest.mark.parametrize("name", CASCADES)
@pytest.mark.parametrize("which", ["add", "softmax", "conv2d", "cat", "cumsum"])
def test_it_ends_in_linalg_that_runs(name: str, which: str) -> None:
    given = PROGRAMS[which]
    result = lowered(name, given)
    assert result.dialect == "linalg"
    (actual,) = LlvmJit().compile(result)(list(given.args))
    torch.testing.assert_close(actual, given.module(*given.args))


def test_one_dynamic_artifact_runs_at_every_size() -> None:
    run = LlvmJit().compile(lowered("tosa-linalg", PROGRAMS["dynamic-add"]))
    for rows in (0, 1, 5):
        x, y = tensor(rows, 4), tensor(4)
        torch.testing.assert_close(run([x, y])[0], x + y)


@pytest.mark.parametrize(("which", "culprit"), [("sort", "stablehlo.sort"), ("scatter", "stablehlo.scatter")])
def test_an_op_that_has_no_conversion_is_the_culprit(which: str, culprit: str) -> None:
    refusal = refused("stablehlo-linalg", PROGRAMS[which])
    assert refusal.culprit == culprit
    assert f"{culprit} left in linalg IR" in refusal.diagnostic


@pytest.mark.parametrize("which", ["dynamic-add", "dynamic-view"])
def test_what_a_dynamic_module_computes_of_its_sizes_is_left_unconverted(which: str) -> None:
    refusal = refused("stablehlo-linalg", PROGRAMS[which])
    assert refusal.culprit is not None
    assert refusal.culprit.startswith("shape.")
    assert refusal.culprit != "shape.const_shape", "a constant is never to blame"


@pytest.mark.parametrize("name", CASCADES)
def test_what_the_base_refuses_is_refused_with_its_culprit(name: str) -> None:
    assert refused(name, program(aten.fft_fft.default, X)).culprit == "torch.aten.fft_fft"


def test_what_the_base_makes_invalid_is_invalid_and_said_to_be_its_own() -> None:
    with pytest.raises(ContractBroken, match=r"^the lowering to tosa itself: not what"):
        TosaLinalg().lower(contract(program(aten.relu.default, X.double())))


def test_a_sum_of_booleans_is_right_in_stablehlo_and_wrong_once_converted() -> None:
    given = program(aten.add.Tensor, torch.tensor([True, True]), torch.tensor([True, False]))
    base = Stablehlo().lower(contract(given))
    for right in (StablehloInterpreter(), LlvmJit()):
        assert right.compile(base)(list(given.args))[0].tolist() == [True, True]
    assert LlvmJit().compile(lowered("stablehlo-linalg", given))(list(given.args))[0].tolist() == [False, True]


def test_a_result_that_is_not_valid_is_invalid_and_said_to_be_the_conversions() -> None:
    """No program is known to cause this: the conversion gets IR that does."""

    class Base(Lowering):
        name = "tosa"
        recipe = Tosa.recipe

        def lower(self, contract: object) -> Lowered:
            text = "func.func @main(%x: tensor<2xbf16>) -> tensor<2xf16> {\n"
            text += "%0 = tosa.cast %x : (tensor<2xbf16>) -> tensor<2xf16>\nreturn %0 : tensor<2xf16>\n}"
            return Lowered(dialect="tosa", ir=text, program=PROGRAMS["add"])

        def verify(self, lowered: Lowered) -> None:
            """Accept the module: it breaks the specification, but this test is not about that."""

    class Cast(TosaLinalg):
        base = Base()

    with pytest.raises(ContractBroken, match=r"^the conversion of tosa to linalg: error: 'arith\.truncf' op"):
        Cast().lower(contract(PROGRAMS["add"]))


@pytest.mark.parametrize(
    ("messages", "culprit"),
    [
        (["failed to legalize operation 'tosa.fft2d'"], "tosa.fft2d"),
        (["'tosa.cast' op unsupported"], "tosa.cast"),
        (["'arith.truncf' op is not valid"], None),
        (["failed to legalize operation 'tosa.const'", "failed to legalize operation 'tosa.abs'"], "tosa.abs"),
        (["failed to legalize operation 'tosa.const'"], "tosa.const"),
    ],
)
def test_it_stops_at_an_op_of_its_own_or_says_what_is_invalid(
    messages: list[str], culprit: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(text: str, pipeline: str) -> str:
        raise PassFailed([Diagnostic("error", message) for message in messages])

    given = contract(PROGRAMS["add"])
    base = Tosa().lower(given)
    monkeypatch.setattr(Tosa, "lower", lambda *_: base)
    monkeypatch.setattr(Tosa, "verify", lambda *_: None)
    monkeypatch.setattr(cascade.ir, "lowered", fail)
    with pytest.raises(ContractBroken if culprit is None else Refused) as raised:
        TosaLinalg().lower(given)
    assert getattr(raised.value, "culprit", None) == culprit


ALL: dict[str, Lowering | Cascade] = {made.name: made for made in (Linalg(), Tosa(), Stablehlo())} | CASCADES


@pytest.mark.parametrize("which", ["softmax", "linear", "dynamic-matmul"])
@pytest.mark.parametrize("name", ALL)
def test_the_printed_command_lowers_to_the_ir_that_is_measured(name: str, which: str, tmp_path: Path) -> None:
    given = contract(PROGRAMS[which])
    try:
        measured = ALL[name].lower(given).ir
    except Refused:
        measured = None
    (tmp_path / "contract.mlir").write_text(given.ir, encoding="utf-8")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = opt_command(ALL[name].recipe, "contract.mlir")
    done = subprocess.run(
        command, shell=True, cwd=tmp_path, env=os.environ | {"PATH": path}, capture_output=True, text=True
    )
    assert (done.returncode == 0) == (measured is not None), done.stderr
    assert measured is None or done.stdout.strip() == measured.strip()


def test_a_size_that_is_dynamic_alone_is_no_obstacle_to_stablehlo() -> None:
    run = LlvmJit().compile(lowered("stablehlo-linalg", program(aten.relu.default, X, dynamic=(ROWS,))))
    x = tensor(5, 4)
    torch.testing.assert_close(run([x])[0], x.relu())
