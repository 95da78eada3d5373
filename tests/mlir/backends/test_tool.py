"""Through the `torch-mlir-opt` that the wheel ships, all is as in this process: IR, refusals, culprits, passes."""

from __future__ import annotations

import importlib.util
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch.export import Dim

from backends import ir
from backends.frontend import CONTRACT_PIPELINE, Fx
from backends.lowerings.cascade import StablehloLinalg, TosaLinalg
from backends.lowerings.linalg import Linalg
from backends.lowerings.lowering import Lowering, operations
from backends.lowerings.stablehlo import Stablehlo
from backends.lowerings.tosa import Tosa
from backends.tool import Tool, names, parsed
from harness.errors import BadCompiler
from harness.programs.protocols import (
    CompilerDied,
    Contract,
    ContractBroken,
    Lowered,
    NotExpressible,
    Program,
    Refused,
    VersionSkew,
)
from tests import fake_tool
from tests.mlir.example_programs import PROGRAMS, ROWS, X, aten, contract, program, tensor

spec = importlib.util.find_spec("torch_mlir._mlir_libs")
assert spec is not None
assert spec.origin is not None
REAL = Path(spec.origin).parent / "torch-mlir-opt"
BACKENDS: dict[str, Lowering] = {backend.name: backend for backend in (Linalg(), Tosa(), Stablehlo())}
REFUSED = {
    "sort": program(aten.sort.default, X, dynamic=(ROWS,)),
    "multinomial": program(lambda x: aten.multinomial.default(x.abs(), 2), X),
    "cumprod": program(lambda x: aten.cumprod.default(x, 0), X),
}
SOME = {name: PROGRAMS[name] for name in ("conv2d", "sdpa", "sort", "weights", "embedding", "dynamic-layer-norm")}
UNREACHED = (
    program(lambda x: aten.bitwise_left_shift.Tensor_Scalar(x, 2), tensor(3, dtype=torch.int32)),
    program(aten.angle.default, tensor(3, dtype=torch.complex64)),
    program(  # of which the importer makes IR that is not valid
        lambda x: aten.reflection_pad1d.default(x, [1, 1]), tensor(2, 3, 4), dynamic=({2: Dim.DYNAMIC},)
    ),
)


@pytest.fixture
def tool() -> Iterator[Tool]:
    """The real binary, in use for the time of a test."""
    yield from used(REAL)


def used(path: Path) -> Iterator[Tool]:
    made = Tool(path)
    ir.use(made)
    yield made
    ir.use(None)


def contracted(given: Program) -> Contract:
    return Fx().run(given, lambda stage: None)


def lowered(given: Contract, backend: Lowering) -> str:
    """The IR that the backend makes of the contract, or what it says in place of it."""
    try:
        made = backend.lower(given)
    except Refused as refusal:
        return f"{refusal.culprit} refused: {refusal.diagnostic}"
    except ContractBroken as broken:
        return f"broken: {broken}"
    try:
        backend.verify(made)
    except ContractBroken as broken:
        return f"{made.ir}\nbroken: {broken}"
    return made.ir


def test_the_contract_is_the_same() -> None:
    here = {name: contract(given) for name, given in SOME.items()}
    for _ in used(REAL):
        for name, before in here.items():
            after = contracted(SOME[name])
            assert (after.ir, after.reached) == (before.ir, before.reached), name


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_is_lowered_and_refused_is_the_same(backend: str) -> None:
    given = {name: contract(each) for name, each in (SOME | REFUSED).items()}
    here = {name: lowered(each, BACKENDS[backend]) for name, each in given.items()}
    assert any("refused" in text for text in here.values())
    for _ in used(REAL):
        for name, text in here.items():
            assert lowered(given[name], BACKENDS[backend]) == text, name


def test_what_the_contract_refuses_is_the_same() -> None:
    def refusal(given: Program) -> tuple[str, str]:
        with pytest.raises(NotExpressible) as raised:
            contracted(given)
        return raised.value.stage, raised.value.reason

    here = [refusal(given) for given in UNREACHED]
    assert {stage for stage, _ in here} == {"contract"}
    for _ in used(REAL):
        assert [refusal(given) for given in UNREACHED] == here


@pytest.mark.parametrize("backend", BACKENDS)
def test_passes_one_by_one_are_the_same(backend: str) -> None:
    given = contract(PROGRAMS["sdpa"])

    def steps() -> list[tuple[str, object]]:
        return [
            (step.name, step.lowered if isinstance(step.lowered, str) else step.lowered.ir)
            for step in BACKENDS[backend].steps(given)
        ]

    here = steps()
    assert len(here) > 3
    for _ in used(REAL):
        assert steps() == here


def test_passes_of_the_contract_one_by_one_are_the_same() -> None:
    def steps() -> list[str]:
        made = contracted(PROGRAMS["sdpa"]).steps
        assert made is not None
        return [step.name for step in made()]

    here = steps()
    for _ in used(REAL):
        assert steps() == here


def test_a_cascade_converts_with_the_bindings_what_the_binary_cannot(tool: Tool) -> None:
    assert not tool.has(TosaLinalg.recipe.conversion or "")
    for cascade in (TosaLinalg(), StablehloLinalg()):
        assert "linalg.generic" in cascade.lower(contract(PROGRAMS["add"])).ir


def test_what_the_binary_cannot_parse_of_the_importer_is_a_skew_with_its_line(tool: Tool) -> None:
    text = contract(PROGRAMS["add"]).ir.replace("torch.aten.add.Tensor", "torch.aten.addition")
    with pytest.raises(VersionSkew, match=r"cannot parse what the importer wrote: line \d+, .*aten.addition.*: %"):
        tool.legalized(text, CONTRACT_PIPELINE)


def test_what_the_bindings_cannot_parse_of_the_binary_is_a_skew_with_its_line(tmp_path: Path) -> None:
    newer = tmp_path / "torch-mlir-opt"
    newer.write_text(f'#!/bin/sh\n{REAL} "$@" | sed s/tosa.add/tosa.addition/\n')
    newer.chmod(0o755)
    for tool in used(newer):
        made = Tosa().lower(contract(PROGRAMS["add"]))
        tool.verify = lambda text: None  # type: ignore[method-assign] # a newer binary knows the op
        with pytest.raises(VersionSkew, match=r"the installed .* cannot parse .*: line \d+, .*tosa.addition"):
            Tosa().verify(made)


def test_what_the_binary_rejects_of_its_own_is_broken(tool: Tool) -> None:
    text = "func.func @main() -> i32 { return }"
    with pytest.raises(ContractBroken, match="has 0 operands, but enclosing function"):
        operations(Lowered(dialect="tosa", ir=text, program=PROGRAMS["add"]))


def test_dialects_that_the_binary_knows_from_its_passes_only_are_left_to_the_bindings(tool: Tool) -> None:
    text = "func.func @main() { %0 = shape.const_shape [1] : tensor<1xindex>\n return }"
    assert "shape.const_shape" in operations(Lowered(dialect="linalg", ir=text, program=PROGRAMS["add"]))


def test_an_unknown_pipeline_is_an_error_of_one_line(tool: Tool) -> None:
    with pytest.raises(BadCompiler, match=r"cannot run builtin.module.no-such-pass.: .*no-such-pass") as raised:
        tool.require("builtin.module(no-such-pass)")
    assert "\n" not in str(raised.value)
    tool.require(CONTRACT_PIPELINE)


def test_its_death_tells_signal_and_last_words(tmp_path: Path) -> None:
    for _ in used(fake_tool.write(REAL, tmp_path / "tool", {"crash": "torch.aten.add.Tensor"})):
        with pytest.raises(CompilerDied) as raised:
            Linalg().lower(contract(PROGRAMS["add"]))
    assert raised.value.how == "SIGABRT"
    assert fake_tool.LAST_WORDS in raised.value.stderr


def test_a_failure_without_a_diagnostic_is_a_death(tmp_path: Path) -> None:
    broken = tmp_path / "torch-mlir-opt"
    broken.write_text("#!/bin/sh\necho Traceback: no such file >&2\nexit 1\n", encoding="ascii")
    broken.chmod(0o755)
    for tool in used(broken):
        with pytest.raises(CompilerDied, match=r"^exit 1: Traceback: no such file$"):
            tool.legalized(contract(PROGRAMS["add"]).ir, CONTRACT_PIPELINE)
        with pytest.raises(CompilerDied):
            tool.lowered(contract(PROGRAMS["add"]).ir, Linalg.recipe.pipeline)
        with pytest.raises(CompilerDied):
            tool.verify("module {}")


def test_its_time_is_bounded_where_no_deadline_is(tmp_path: Path) -> None:
    for tool in used(fake_tool.write(REAL, tmp_path / "tool", {"hang": "torch.aten.add.Tensor"})):
        tool.seconds = 0.5
        with pytest.raises(CompilerDied, match=r"no result in 0\.5 s"):
            Linalg().lower(contract(PROGRAMS["add"]))


def test_names_are_those_of_the_module() -> None:
    text = contract(PROGRAMS["sdpa"]).ir
    with ir.session() as session:
        expected = [name for name in ir.ops(session.parse(text)) if name.startswith("torch.")]
    assert names(text) == expected
    assert names('  %1 = torch.operator "torch.aten.foo"(%0) : () -> ()') == ["torch.aten.foo"]
    assert names('  %1:2 = "torch.aten.sort"(%0) : () -> ()\n"torch.debug"(%0)') == ["torch.aten.sort", "torch.debug"]


def test_diagnostics_are_taken_apart() -> None:
    text = "module {\n  %0 = torch.aten.foo\n}"
    told = parsed(
        "<stdin>:2:8: error: failed to\nlegalize 0x7f0000000000\n  %0 = torch.aten.foo\n       ^\n"
        "<stdin>:2:8: note: see current operation: %0 = torch.aten.foo\n"
        "<unknown>:0: warning: odd\n\n\n"
        "// -----// IR Dump After Lower Failed: lower{a=b} //----- //\nfunc.func @main\n",
        text,
    )
    error, warning = told.diagnostics
    assert (error.severity, error.message, error.line) == ("error", "failed to\nlegalize", 2)
    assert error.notes == ("see current operation: %0 = torch.aten.foo",)
    assert (warning.severity, warning.message) == ("warning", "odd")
    assert told.dumps == [("lower", True, "func.func @main\n")]


def test_a_run_costs_little() -> None:
    given = contract(PROGRAMS["add"])
    for _ in used(REAL):
        Linalg().lower(given)
        before = time.process_time(), os.times().children_user + os.times().children_system
        for _ in range(5):
            Linalg().lower(given)
        after = time.process_time(), os.times().children_user + os.times().children_system
    assert (after[0] - before[0] + after[1] - before[1]) / 5 < 0.1
